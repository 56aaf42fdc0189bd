"""What the shuffles share: every order equally likely, inside its group and its frame."""

from __future__ import annotations

from math import factorial

import numpy as np
import pytest
import torch
from scipy import stats
from tests.permutations.synthetic import RATE, SAMPLE_RATE

from pi_amt.core.spectrogram import Spectrogram
from pi_amt.permutations.shuffles import shuffle_drawn, shuffle_within


def numbered(bins: int, frames: int) -> Spectrogram:
    """A spectrogram whose values are the bins' own numbers."""
    values = np.tile(np.arange(bins, dtype=np.float32)[:, None], (1, 1, frames))
    f = 100.0 * 2.0 ** (np.arange(bins) / 12.0)
    times = np.arange(frames)[None] / RATE
    return Spectrogram(values, f, times, 17.0 / f, RATE, 1, SAMPLE_RATE)


@pytest.mark.parametrize("first_bin", [0, 2])
def test_every_order_of_a_group_is_equally_likely(first_bin: int) -> None:
    s = numbered(9, 12_000)
    groups = torch.tensor([0, 0, 1, 1, 1, 1, 5, 5, 8])[first_bin:]
    out = shuffle_within(s, groups, first_bin, 3, "per_frame").apply(s)
    moved = np.asarray(out.values)[0].astype(int)
    assert (moved[:2] < 2).all()
    assert (moved[8] == 8).all()
    if first_bin:
        assert (moved[:2] == [[0], [1]]).all()
    codes = moved[2:6].T @ 10 ** np.arange(4)
    counts = np.unique(codes, return_counts=True)[1]
    assert len(counts) == factorial(4)
    assert stats.chisquare(counts).pvalue > 1e-3
    # Two groups of one frame, and two frames, know nothing of each other.
    pair = moved[6] * 10 + moved[2]
    assert stats.chisquare(np.unique(pair, return_counts=True)[1]).pvalue > 1e-3
    follow = moved[2, 1:] * 10 + moved[2, :-1]
    assert stats.chisquare(np.unique(follow, return_counts=True)[1]).pvalue > 1e-3


def test_groups_may_differ_from_frame_to_frame() -> None:
    s = numbered(6, 40)
    first = torch.arange(40) % 6
    groups = torch.minimum(torch.arange(6), first[:, None])[None]
    moved = np.asarray(shuffle_within(s, groups, 0, 3, "per_frame").apply(s).values)[0]
    for frame, low in enumerate(first.tolist()):
        np.testing.assert_array_equal(moved[:low, frame], np.arange(low))
        assert set(moved[low:, frame]) == set(range(low, 6))


def test_counts_and_limits_may_differ_from_frame_to_frame() -> None:
    s = numbered(8, 60)
    upper = (torch.arange(60) % 9)[None]
    counts = torch.minimum(upper, torch.arange(60)[None] % 5)
    moves = shuffle_drawn(s, upper, counts, 3, "per_frame")
    drawn = moves.touched(s)[0]
    np.testing.assert_array_equal(drawn.sum(axis=0), counts[0])
    assert not (drawn & (np.arange(8)[:, None] >= upper[0].numpy())).any()
    moved = np.asarray(moves.apply(s).values)[0]
    unmoved = np.asarray(s.values)[0]
    np.testing.assert_array_equal(moved[~drawn], unmoved[~drawn])
    np.testing.assert_array_equal(np.sort(moved, axis=0), unmoved)


def test_nothing_to_draw_moves_nothing() -> None:
    s = numbered(8, 5)
    moves = shuffle_drawn(s, torch.tensor(8), torch.tensor(0), 3, "per_frame")
    assert not moves.touched(s).any()
    np.testing.assert_array_equal(np.asarray(moves.apply(s).values), np.asarray(s.values))
