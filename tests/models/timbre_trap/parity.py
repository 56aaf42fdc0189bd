"""The parity fixture: outputs of the authors' implementation with synthetic weights."""

from __future__ import annotations

import zlib
from functools import cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pi_amt.models.timbre_trap.network import TimbreTrapNetwork
from pi_amt.models.timbre_trap.slicq import BLOCK_SAMPLES

DATA = Path(__file__).parents[2] / "data"
TOLERANCE = 1e-5  # the issue asks for 1e-4; rounding alone stays under 1e-6


@cache
def fixture() -> dict[str, np.ndarray]:
    """Arrays of the fixture by name, see its README."""
    with np.load(DATA / "timbre_trap_parity.npz") as file:
        return {name: file[name] for name in file.files}


@cache
def synthetic_state() -> dict[str, Tensor]:
    """The fixture's weights: every key's values follow from its name."""
    state = {}
    for key, tensor in TimbreTrapNetwork().state_dict().items():
        if key.startswith("sliCQ"):
            continue
        shape = tuple(tensor.shape)
        rng = np.random.default_rng(zlib.crc32(f"public:{key}".encode()))
        fan_in = int(np.prod(shape[1:])) if len(shape) > 1 else 1
        scale = 0.7 / np.sqrt(fan_in) if len(shape) > 1 else 0.02
        state[key] = torch.from_numpy((rng.standard_normal(shape) * scale).astype(np.float32))
    return state


@cache
def network() -> TimbreTrapNetwork:
    """The network with the fixture's weights."""
    net = TimbreTrapNetwork().eval().requires_grad_(False)
    net.load_state_dict(synthetic_state(), strict=False)
    return net


def padded_audio() -> Tensor:
    """The fixture's recording, zero-padded to full blocks: float32 (samples,)."""
    audio = torch.from_numpy(fixture()["audio_int16"].astype(np.float32) / 32767)
    return F.pad(audio, (0, -len(audio) % BLOCK_SAMPLES))
