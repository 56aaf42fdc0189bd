"""Weights of Timbre-Trap: read a file, check every key, say honestly what it is.

Two kinds of file are read: safetensors, and the ``torch.save``d state dict of the authors (with
``weights_only=True``, so that a pickle with code in it is refused). The transform's tables in a
checkpoint (``sliCQ.*``) are compared with ours and never used.
"""

from __future__ import annotations

import hashlib
import io
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
    # by content, because people rename files
    is_safetensors = content[8:9] == b"{"
    state = _read_safetensors(file) if is_safetensors else _read_checkpoint(file, content)
    state = _check(state, file)
    label = SHIPPED_LABEL if sha256 == _shipped_sha256() else USER_LABEL
    return state, WeightsInfo(str(file), sha256, label)


def _shipped_sha256() -> str:
    if not SHIPPED_RECORD.is_file():
        return ""
    return str(json.loads(SHIPPED_RECORD.read_text())["sha256"])


def _read_checkpoint(file: Path, content: bytes) -> dict[str, Tensor]:
    """The tensors of a ``torch.save``d state dict, by key; no code in it is run."""
    try:
        loaded = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        reason = str(error)
        if "Unsupported" in reason or "GLOBAL" in reason or "weights_only" in reason.lower():
            raise ValueError(
                f"{file}: refused, because loading it would need to run code in it or it is "
                "damaged; give a state dict saved with torch.save(model.state_dict(), …)"
            ) from None
        raise _unreadable(file, error) from None
    except Exception as error:  # there is no end to how a damaged pickle fails
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
    said = str(error).strip().splitlines()
    reason = f": {said[0]}" if said and not isinstance(error, KeyError) else ""
    return ValueError(f"{file}: not a readable checkpoint (truncated or of another kind){reason}")


def _check(state: dict[str, Tensor], file: Path) -> dict[str, Tensor]:
    """Compare keys, shapes and values with the architecture; returns float32 weights."""
    expected = TimbreTrapNetwork().state_dict()
    for key, ours in expected.items():
        if key in state:
            problem = _problem(key, state[key], ours)
            if problem:
                raise ValueError(f"{file}: key {key} {problem}")
        elif not key.startswith(_TRANSFORM_PREFIX):
            first = f" (its first key is {next(iter(state))})" if state else ""
            raise ValueError(f"{file}: missing key {key}; is it a Timbre-Trap state dict?{first}")
    for key in state:
        if key not in expected:
            raise ValueError(f"{file}: unexpected key {key}; is it a Timbre-Trap state dict?")
    return {k: state[k].detach().float() for k in expected if not k.startswith(_TRANSFORM_PREFIX)}


def _problem(key: str, given: Tensor, ours: Tensor) -> str:
    """What is wrong with the tensor of a key, or nothing."""
    if given.shape != ours.shape:
        return (
            f"has shape {tuple(given.shape)}, expected {tuple(ours.shape)} (22,050 Hz, 9 octaves "
            "of 60 bins, 3-s blocks, latent 128, complexity 2, no skips)"
        )
    if given.layout is not torch.strided or given.is_meta:
        return "is not an ordinary tensor, expected one with all its values"
    if key.startswith(_TRANSFORM_PREFIX):
        # a checkpoint of half precision has rounded tables
        rounding = torch.finfo(given.dtype).eps if given.is_floating_point() else 0.0
        if torch.allclose(given.double(), ours.double(), rtol=max(1e-5, rounding), atol=1e-5):
            return ""
        return "differs from this transform's: it belongs to a transform of other settings"
    # as float32, in which the network computes: a double may be finite and still too large
    if not given.is_floating_point() or not bool(torch.isfinite(given.float()).all()):
        return "holds values that are not finite numbers of 32 bits"
    return ""
