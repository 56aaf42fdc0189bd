"""The network arranged for CPUs against the readable one."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from tests.models.timbre_trap.parity import network, padded_audio
from torch import Tensor

from pi_amt.models.timbre_trap.inference import RECEPTIVE_FRAMES, InferenceNetwork
from pi_amt.models.timbre_trap.network import TimbreTrapNetwork
from pi_amt.models.timbre_trap.slicq import BLOCK_SAMPLES, N_BINS
from pi_amt.models.timbre_trap.weights import load_weights


@cache
def shipped() -> TimbreTrapNetwork:
    net = TimbreTrapNetwork().eval().requires_grad_(False)
    net.load_state_dict(load_weights()[0], strict=False)
    return net


def music() -> Tensor:
    """One block of the fixture's recording."""
    return network().sliCQ(padded_audio()[None, :BLOCK_SAMPLES])


def noise(frames: int, blocks: int = 1, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    shape = (blocks, N_BINS, frames)
    return torch.randn(shape, dtype=torch.complex64, generator=generator)


def assert_same_function(net: TimbreTrapNetwork, values: Tensor) -> None:
    expected, got = net.transcribe(values), InferenceNetwork(net.state_dict())(values)
    assert got.shape == expected.shape
    assert got.dtype == expected.dtype
    assert float((got - expected).abs().max()) < 1e-5 * max(1.0, float(expected.abs().max()))


def test_a_block_of_music_agrees_with_synthetic_weights() -> None:
    assert_same_function(network(), music())


def test_a_block_of_music_agrees_with_the_shipped_weights() -> None:
    assert_same_function(shipped(), music())


@pytest.mark.parametrize("frames", [4, 8, 52, 132])
def test_short_blocks_agree_where_every_frame_is_near_an_edge(frames: int) -> None:
    assert_same_function(network(), noise(frames))


def test_large_values_do_not_overflow_and_silence_agrees() -> None:
    assert_same_function(network(), 1e4 * noise(64))
    assert_same_function(shipped(), torch.zeros(1, N_BINS, 64, dtype=torch.complex64))
