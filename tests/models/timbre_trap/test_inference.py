"""The network arranged for CPUs against the readable one."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tests.models.timbre_trap.parity import TOLERANCE, fixture, network, padded_audio
from torch import Tensor

from pi_amt.models.timbre_trap.inference.network import InferenceNetwork
from pi_amt.models.timbre_trap.inference.packed import dilated, elu
from pi_amt.models.timbre_trap.inference.steps import Down, Entry, ResidualUnit
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
    values: Tensor = network().sliCQ(padded_audio()[None, :BLOCK_SAMPLES])
    return values


def noise(frames: int, blocks: int = 1, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    shape = (blocks, N_BINS, frames)
    return torch.randn(shape, dtype=torch.complex64, generator=generator)


def assert_same_function(net: TimbreTrapNetwork, values: Tensor) -> None:
    """Against the readable network in float64: 1e-5 of the largest value, or where float32 itself
    allows less, what the readable network errs in float32 and half as much again."""
    exact = copy.deepcopy(net).double()
    expected = exact.transcribe(values.to(torch.complex128))
    readable, got = net.transcribe(values), InferenceNetwork(net.state_dict())(values)
    assert got.shape == expected.shape
    assert got.dtype == expected.dtype
    rounding = 1.5 * float((readable - expected).abs().max())
    bound = max(1e-5 * max(1.0, float(expected.abs().max())), rounding)
    assert float((got - expected).abs().max()) < bound


def test_a_block_of_music_agrees_with_the_published_model() -> None:
    out = InferenceNetwork(network().state_dict())(music())[0][:, fixture()["block_frames"]]
    pair = torch.view_as_real(out).permute(2, 0, 1).numpy()
    np.testing.assert_allclose(pair, fixture()["block_output"], atol=TOLERANCE)


def test_a_block_of_music_agrees_with_the_shipped_weights() -> None:
    assert_same_function(shipped(), music())


@pytest.mark.parametrize("frames", [4, 8, 52, 132])
def test_short_blocks_agree_where_every_frame_is_near_an_edge(frames: int) -> None:
    assert_same_function(network(), noise(frames))


def test_large_values_do_not_overflow_and_silence_agrees() -> None:
    assert_same_function(network(), 1e4 * noise(64))
    assert_same_function(shipped(), torch.zeros(1, N_BINS, 64, dtype=torch.complex64))


def test_a_block_does_not_depend_on_its_company() -> None:
    fast, values = InferenceNetwork(network().state_dict()), noise(64, blocks=3)
    together = fast(values)
    alone = torch.cat([fast(block[None]) for block in values])
    assert torch.equal(together, alone)
    assert torch.equal(fast(values.flip(0)).flip(0), together)


@pytest.mark.parametrize(
    "rows", [(0, 1), (0, 540), (1, 2), (129, 314), (300, 301), (459, 540), (539, 540), (7, 7)]
)
def test_blocks_that_share_rows_are_bit_identical_to_blocks_alone(rows: tuple[int, int]) -> None:
    fast = InferenceNetwork(network().state_dict())
    clean, other = noise(64, blocks=2)
    perturbed = clean.clone()
    perturbed[rows[0] : rows[1], 20:30] = other[rows[0] : rows[1], 20:30]
    values = torch.stack([clean, perturbed, other, clean])
    assert torch.equal(fast(values), torch.cat([fast(block[None]) for block in values]))
    used = np.array([[0, 8], [0, 8], [20, 64], [20, 64]])
    alone = [fast(block[None], part[None]) for block, part in zip(values, used, strict=True)]
    assert torch.equal(fast(values, used), torch.cat(alone))


def test_rows_in_common_are_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    computed: list[int] = []
    for step in (Entry, ResidualUnit, Down):
        run = step.run

        def counted(*args: Any, run: Any = run) -> None:
            computed.append(args[3][1] - args[3][0])
            run(*args)

        monkeypatch.setattr(step, "run", counted)
    fast, clean = InferenceNetwork(network().state_dict()), noise(16)[0]
    perturbed = clean.clone()
    perturbed[270] = 0

    def rows_of(*blocks: Tensor) -> int:
        computed.clear()
        fast(torch.stack(blocks))
        return sum(computed)

    whole = rows_of(clean)
    decoder = 3 * (540 + 269 + 133 + 65)
    assert rows_of(clean, clean) == whole
    assert rows_of(clean, perturbed) < whole + decoder + (whole - decoder) / 4


def test_threads_change_nothing() -> None:
    fast, values = InferenceNetwork(network().state_dict()), [noise(64, seed=i) for i in range(6)]
    with ThreadPoolExecutor(3) as pool:
        got = list(pool.map(fast, values))
    assert all(torch.equal(a, fast(b)) for a, b in zip(got, values, strict=True))


def test_a_call_does_not_remember_the_last_one() -> None:
    fast = InferenceNetwork(network().state_dict())
    first = fast(noise(64))
    fast(1e6 * noise(128, seed=1))
    assert torch.equal(fast(noise(64)), first)


@pytest.mark.parametrize(
    ("frames", "first", "end"),
    [
        *[(160, first, end) for first, end in ((0, 160), (0, 8), (90, 160), (77, 79), (40, 40))],
        *[(1024, first, end) for first, end in ((0, 200), (300, 400), (530, 1024))],
    ],
)
def test_used_frames_are_bit_identical_and_the_rest_is_zero(
    frames: int, first: int, end: int
) -> None:
    fast, values = InferenceNetwork(network().state_dict()), noise(frames)
    whole, cropped = fast(values), fast(values, np.array([[first, end]]))
    assert torch.equal(cropped[:, :, first:end], whole[:, :, first:end])
    cropped[:, :, first:end] = 0
    assert not bool(cropped.abs().any())


@pytest.mark.parametrize("pack", [1, 2, 4])
@pytest.mark.parametrize("dilation", [1, 2, 3])
def test_packed_frames_are_the_plain_convolution(pack: int, dilation: int) -> None:
    torch.manual_seed(pack)
    weight, bias, x = torch.randn(4, 4, 3, 3), torch.randn(4), torch.randn(1, 4, 12, 16)
    rows = x.permute(0, 2, 3, 1).reshape(12, -1)
    got = dilated(weight, bias, dilation, pack)(rows)
    plain = F.conv2d(x, weight, bias, padding=(0, dilation), dilation=dilation)
    torch.testing.assert_close(got, plain[0].permute(1, 2, 0).flatten(1), atol=1e-5, rtol=1e-5)


def test_elu_in_units_of_ln_2() -> None:
    x = torch.cat([torch.linspace(-30, 30, 2001), torch.tensor([0.0, -1e9, 1e9])])
    unit = 1 / np.log(2)
    got = elu((x * unit).clone(), torch.empty(len(x)))
    torch.testing.assert_close(got / unit, F.elu(x), atol=2e-7, rtol=1e-6)


@pytest.mark.parametrize("flushing", [False, True])
def test_denormal_numbers_of_the_caller_are_left_as_they_were(flushing: bool) -> None:
    small = torch.tensor(torch.finfo(torch.float32).tiny)
    if not torch.set_flush_denormal(flushing):
        pytest.skip("this processor cannot flush denormal numbers")
    try:
        InferenceNetwork(shipped().state_dict())(noise(64))
        assert bool(small * 0.5 == 0) is flushing
    finally:
        torch.set_flush_denormal(False)


def test_bf16_is_near_fp32_and_leaves_no_trace() -> None:
    state, values = shipped().state_dict(), noise(64) / 30
    exact = InferenceNetwork(state)(values)
    coarse = InferenceNetwork(state, "bf16")(values)
    assert coarse.dtype == torch.complex64
    # activations are 0 to 1; relative to the largest output, which is near 0 on noise, it is more
    assert 0 < float((coarse - exact).abs().max()) < 0.05
    assert torch.equal(InferenceNetwork(state)(values), exact)


def test_wrong_shapes_are_refused() -> None:
    fast = InferenceNetwork(network().state_dict())
    for wrong in (noise(6), noise(8)[0], noise(8).real, noise(8)[:, :100]):
        with pytest.raises(ValueError, match="multiple of 4"):
            fast(wrong)
