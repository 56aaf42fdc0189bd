"""Weights of Timbre-Trap: read a file, check every key, say honestly what it is.

Two kinds of file are read: safetensors, and the ``torch.save``d state dict of the authors (with
``weights_only=True``, so that a pickle with code in it is refused). The transform's tables in a
checkpoint (``sliCQ.*``) are compared with ours and never used.
"""

from __future__ import annotations

import hashlib
import json
import pickle
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from pi_amt.models.timbre_trap.network import TimbreTrapNetwork

SHIPPED_PATH = Path(__file__).parent / "timbre_trap.safetensors"
SHIPPED_RECORD = Path(__file__).parent / "timbre_trap.json"
SHIPPED_LABEL = "synthetic-trained reproduction"
USER_LABEL = "user checkpoint"
_TRANSFORM_PREFIX = "sliCQ."


@dataclass(frozen=True)
class WeightsInfo:
    """What was loaded: the file, its SHA-256 and a label that never claims to be the paper's."""

    path: str
    sha256: str
    label: str


def load_weights(path: str | Path | None = None) -> tuple[dict[str, Tensor], WeightsInfo]:
    """Read and check weights; ``None`` means those that ship with the package.

    Returns:
        A state dict float32 of ``TimbreTrapNetwork`` without the ``sliCQ.*`` buffers, and its info.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: not a state dict of this architecture, unreadable, unsafe or non-finite; one
            line that names the first offending key.
    """
    file = SHIPPED_PATH if path is None else Path(path).expanduser()
    if not file.is_file():
        raise FileNotFoundError(f"Timbre-Trap weights: there is no file {file}")
    content = file.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    state = _check(_read(file), file)
    label = SHIPPED_LABEL if sha256 == _shipped_sha256() else USER_LABEL
    return state, WeightsInfo(str(file), sha256, label)


def _shipped_sha256() -> str:
    if not SHIPPED_RECORD.is_file():
        return ""
    return str(json.loads(SHIPPED_RECORD.read_text())["sha256"])


def _read(file: Path) -> dict[str, Tensor]:
    """The tensors of a file, by key."""
    if file.suffix == ".safetensors":
        return _read_safetensors(file)
    try:
        loaded = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        reason = str(error)
        if "Unsupported" in reason or "GLOBAL" in reason or "weights_only" in reason.lower():
            raise ValueError(
                f"{file}: refused, because loading it would need to run code in it or it is "
                "damaged; give a state dict saved with torch.save(model.state_dict(), …)"
            ) from None
        raise _unreadable(file, error) from None
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise _unreadable(file, error) from None
    if isinstance(loaded, dict) and isinstance(loaded.get("state_dict"), dict):
        loaded = loaded["state_dict"]
    if not isinstance(loaded, dict) or not all(isinstance(v, Tensor) for v in loaded.values()):
        raise ValueError(
            f"{file}: got a {type(loaded).__name__} that is not a state dict of tensors; "
            "save one with torch.save(model.state_dict(), …)"
        )
    return {str(key): value for key, value in loaded.items()}


def _read_safetensors(file: Path) -> dict[str, Tensor]:
    try:
        with safe_open(file, framework="pt") as held:
            return {key: held.get_tensor(key) for key in held.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise _unreadable(file, error) from None


def _unreadable(file: Path, error: Exception) -> ValueError:
    reason = str(error).strip().splitlines()
    return ValueError(
        f"{file}: not a readable checkpoint (truncated or of another kind): "
        f"{reason[0] if reason else type(error).__name__}"
    )


def _check(state: dict[str, Tensor], file: Path) -> dict[str, Tensor]:
    """Compare keys, shapes and values with the architecture; returns float32 weights."""
    expected = TimbreTrapNetwork().state_dict()
    for key, ours in expected.items():
        if key not in state:
            if key.startswith(_TRANSFORM_PREFIX):
                continue
            raise ValueError(f"{file}: missing key {key}; is it a Timbre-Trap state dict?")
        given = state[key]
        if given.shape != ours.shape:
            raise ValueError(
                f"{file}: key {key} has shape {tuple(given.shape)}, expected {tuple(ours.shape)} "
                "(22,050 Hz, 9 octaves of 60 bins, 3-s blocks, latent 128, complexity 2, no skips)"
            )
        if not key.startswith(_TRANSFORM_PREFIX):
            if not given.is_floating_point() or not bool(torch.isfinite(given).all()):
                raise ValueError(f"{file}: key {key} holds values that are not finite numbers")
        elif not torch.allclose(given.double(), ours.double(), atol=1e-5):
            raise ValueError(
                f"{file}: key {key} differs from this transform's; the checkpoint belongs to a "
                "transform of other settings"
            )
    for key in state:
        if key not in expected:
            raise ValueError(f"{file}: unexpected key {key}; is it a Timbre-Trap state dict?")
    return {k: state[k].float() for k in expected if not k.startswith(_TRANSFORM_PREFIX)}
