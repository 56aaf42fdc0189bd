"""``high_freq``: which bins lie above the cutoff, and that only they move."""

from __future__ import annotations

import numpy as np
import pytest
from tests.permutations.synthetic import (
    KINDS,
    changed,
    make_notes,
    make_spectrogram,
    target_of,
    with_contents,
)

from pi_amt.core.units import cents_to_ratio
from pi_amt.permutations.shuffles import HighFreq


@pytest.mark.parametrize("kind", KINDS)
def test_default_cutoff_is_just_above_the_highest_fundamental(kind: str) -> None:
    s = make_spectrogram(kind, 1)
    target = target_of(HighFreq(), s, None)
    lowest = s.frequencies[np.flatnonzero(target[0, :, 0])[0]]
    c8 = 440.0 * cents_to_ratio(3900.0)
    assert c8 * cents_to_ratio(50.0) < lowest < c8 * cents_to_ratio(50.0 + 100.0 / 3.0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cutoff_hz", [300.0, 4308.7])
def test_only_bins_above_the_cutoff_move_and_all_of_them_do(kind: str, cutoff_hz: float) -> None:
    s = make_spectrogram(kind, 3)
    permutation = HighFreq(cutoff_hz=cutoff_hz)
    moved = changed(s, permutation(s, key=8))
    above = s.frequencies > cutoff_hz
    assert not moved[:, ~above].any()
    # A value stays in place once in as many times as there are bins.
    assert moved[:, above].mean() == pytest.approx(1.0 - 1.0 / above.sum(), abs=0.01)
    np.testing.assert_array_equal(target_of(permutation, s, None)[0, :, 0], above)


def test_values_travel_over_the_whole_upper_range() -> None:
    s = make_spectrogram("real", 3)
    number = with_contents(s, np.arange(309)[:, None])
    out = np.asarray(HighFreq()(number, key=8).values)
    upper = out[:, 263:]
    np.testing.assert_allclose(upper.mean(axis=(0, 2)), (263 + 308) / 2, atol=4.0)


def test_highest_note_cuts_above_each_frames_highest_fundamental() -> None:
    s = make_spectrogram("real", 3, tuning_cents=10.0)
    notes = make_notes((0.2, 0.7, 57.0), (0.4, 0.5, 81.0))
    permutation = HighFreq(above="highest_note")
    moved = changed(s, permutation(s, notes, key=2))
    for t, pitch in ((0.3, 57.0), (0.45, 81.0), (0.6, 57.0)):
        block, frame = np.unravel_index(np.abs(s.times - t).argmin(), s.times.shape)
        cutoff = 440.0 * cents_to_ratio(100.0 * (pitch - 69.0) + 10.0 + 50.0)
        above = s.frequencies > cutoff
        assert not moved[block, ~above, frame].any()
        assert moved[block, above, frame].mean() > 0.9
        np.testing.assert_array_equal(target_of(permutation, s, notes)[block, :, frame], above)
    silent = (s.times < 0.2) | (s.times > 0.7)
    assert not moved.transpose(0, 2, 1)[silent].any()


def test_no_bin_above_the_cutoff_moves_nothing() -> None:
    s = make_spectrogram("real", 1)
    assert not changed(s, HighFreq(cutoff_hz=20_000.0)(s, key=1)).any()


def test_static_moves_every_frame_alike() -> None:
    s = make_spectrogram("real", 2)
    number = with_contents(s, np.arange(309)[:, None])
    out = np.asarray(HighFreq(draw_mode="static")(number, key=8).values)
    assert (out == out[:1, :, :1]).all()


def test_tuning_shifts_the_cutoff() -> None:
    plain = target_of(HighFreq(), make_spectrogram("real", 1), None)
    sharp = target_of(HighFreq(), make_spectrogram("real", 1, tuning_cents=100.0 / 3.0), None)
    assert plain.sum() - sharp.sum() == plain.shape[2]


def test_refuses_unknown_options() -> None:
    with pytest.raises(ValueError, match="reference: got 'lowest'"):
        HighFreq(above="lowest")
    with pytest.raises(ValueError, match="cutoff_hz: got -1"):
        HighFreq(cutoff_hz=-1)
    with pytest.raises(ValueError, match="draw: got 'sometimes'"):
        HighFreq(draw_mode="sometimes")
