"""``random``: how many bins, which, and that their order is uniform."""

from __future__ import annotations

from math import factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from tests.permutations.synthetic import KINDS, RATE, SAMPLE_RATE, changed, make_spectrogram

from pi_amt.core.spectrogram import Spectrogram
from pi_amt.permutations.permutation import Scene
from pi_amt.permutations.shuffles import Moves, Random


def drawn_bins(permutation: Random, s: Spectrogram, key: int) -> np.ndarray:
    """``(blocks, bins, frames)`` bool: the bins that take part."""
    moves = permutation.draw(Scene(s, key=key)).apply.__self__  # type: ignore[attr-defined]
    assert isinstance(moves, Moves)
    return moves.touched(s)


def tiny(bins: int, frames: int) -> Spectrogram:
    """A spectrogram whose values are the bins' own numbers."""
    values = np.broadcast_to(np.arange(bins, dtype=np.float32)[:, None], (bins, frames))
    times = np.arange(frames)[None] / RATE
    f = 100.0 * 2.0 ** (np.arange(bins) / 12.0)
    return Spectrogram(values[None].copy(), f, times, 17.0 / f, RATE, 1, SAMPLE_RATE)


@pytest.mark.parametrize(
    ("kind", "counts"), [("real", (31, 155, 309)), ("complex", (54, 270, 540))]
)
def test_draws_round_p_times_bins_in_each_frame(kind: str, counts: tuple[int, ...]) -> None:
    s = make_spectrogram(kind, 2)
    for p, count in zip((0.1, 0.5, 1.0), counts, strict=True):
        np.testing.assert_array_equal(drawn_bins(Random(p=p), s, 3).sum(axis=1), count)


@settings(max_examples=20, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    p=st.floats(0.0, 1.0),
    more=st.floats(0.0, 1.0),
    key=st.integers(0, 2**64 - 1),
    draw=st.sampled_from(["per_frame", "static"]),
)
def test_doses_are_nested_and_multisets_kept(
    kind: str, p: float, more: float, key: int, draw: str
) -> None:
    s = make_spectrogram(kind, 1)
    low, high = sorted((p, more))
    few = drawn_bins(Random(p=low, draw_mode=draw), s, key)
    many = drawn_bins(Random(p=high, draw_mode=draw), s, key)
    assert not (few & ~many).any()
    out = Random(p=low, draw_mode=draw)(s, key=key)
    assert not (changed(s, out) & ~few).any()
    np.testing.assert_array_equal(
        np.sort_complex(np.asarray(out.values).transpose(0, 2, 1)),
        np.sort_complex(np.asarray(s.values).transpose(0, 2, 1)),
    )


def test_every_bin_is_drawn_equally_often_and_every_order_too() -> None:
    s = tiny(bins=8, frames=20_000)
    permutation = Random(p=0.5)
    drawn = drawn_bins(permutation, s, 5)[0]
    np.testing.assert_allclose(drawn.mean(axis=1), 0.5, atol=0.015)
    pairs = np.cov(drawn.astype(float))
    # Four of eight without replacement: any two bins share a covariance of −1/28.
    np.testing.assert_allclose(pairs[~np.eye(8, dtype=bool)], -1 / 28, atol=0.012)
    out = np.asarray(permutation(s, key=5).values)[0].T.astype(int)
    before = np.stack([np.flatnonzero(column) for column in drawn.T])
    after = np.take_along_axis(out, before, axis=1)
    order = (after[:, :, None] > after[:, None, :]).sum(axis=2)  # ranks of the drawn values
    codes = order @ 4 ** np.arange(4)
    counts = np.unique(codes, return_counts=True)[1]
    assert len(counts) == factorial(4)
    assert stats.chisquare(counts).pvalue > 1e-3


def test_static_draws_once_for_all_frames() -> None:
    s = make_spectrogram("complex", 2)
    drawn = drawn_bins(Random(p=0.2, draw_mode="static"), s, 5)
    assert (drawn == drawn[:1, :, :1]).all()
    per_frame = drawn_bins(Random(p=0.2), s, 5)
    assert not (per_frame == per_frame[:1, :, :1]).all()


def test_moves_real_and_imaginary_part_together() -> None:
    s = make_spectrogram("complex", 1)
    values = np.asarray(s.values)
    out = np.asarray(Random(p=1.0)(s, key=1).values)
    source = {complex(v): b for b, v in enumerate(values[0, :, 7])}
    assert len({source[complex(v)] for v in out[0, :, 7]}) == len(values[0])


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan"), "0.1"])
def test_refuses_a_share_that_is_none(p: float) -> None:
    with pytest.raises(ValueError, match="p: got"):
        Random(p=p)
