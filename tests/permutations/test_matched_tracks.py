"""``matched_tracks``: another partial of the same notes, which hits no fundamental."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.permutations.synthetic import (
    KINDS,
    bits,
    changed,
    make_notes,
    make_spectrogram,
    random_notes,
    target_of,
)

from pi_amt.core.partials import partial_frequencies
from pi_amt.permutations.masks import FundMask, HarmMask, SoftHarmMask
from pi_amt.permutations.matched_tracks import MatchedTracks, free_partials
from pi_amt.permutations.regions import partial_mask
from pi_amt.permutations.shuffles import HighFreq, Microtonal


@settings(max_examples=25, deadline=None)
@given(kind=st.sampled_from(KINDS), seed=st.integers(0, 1000), key=st.integers(0, 2**64 - 1))
def test_never_touches_a_sounding_fundamental(kind: str, seed: int, key: int) -> None:
    s = make_spectrogram(kind, 2)
    notes = random_notes(12, seed=seed)
    touched = target_of(MatchedTracks(FundMask()), s, notes, key)
    assert not (touched & partial_mask(s, notes)).any()
    assert not (touched & ~partial_mask(s, notes, range(2, 11))).any()


def test_chosen_partials_are_free_and_all_free_ones_are_chosen() -> None:
    notes = make_notes((0.0, 1.0, 45.0), (0.2, 0.6, 57.0), (5.0, 6.0, 45.0))
    choices = np.array([free_partials(notes, notes, key) for key in range(600)])
    # The second partial of A2 is A3, which sounds with the first note but not with the third.
    assert set(choices[:, 0]) == {3, 4, 5, 6, 7, 8, 9, 10}
    assert set(choices[:, 2]) == {2, 3, 4, 5, 6, 7, 8, 9, 10}
    counts = np.bincount(choices[:, 2])[2:]
    np.testing.assert_allclose(counts / 600, 1 / 9, atol=0.045)
    # Two notes of one pitch draw on their own.
    assert 0.05 < (choices[:, 0] == choices[:, 2]).mean() < 0.25


def test_a_note_without_free_partial_is_left_out() -> None:
    top = make_notes((0.1, 0.5, 108.0))
    np.testing.assert_array_equal(free_partials(top, top, 1), [2])
    blocked = make_notes((0.1, 0.5, 108.0), (0.1, 0.5, 120.0 + 0.3))
    assert free_partials(blocked, blocked, 1)[0] == 0
    s = make_spectrogram("real", 1)
    np.testing.assert_array_equal(bits(MatchedTracks()(s, blocked, key=1)), bits(s))


def test_a_note_keeps_its_partial_whatever_blocks_are_seen() -> None:
    notes = random_notes(60, seconds=30.0, seed=3)
    every = free_partials(notes, notes, 9)
    some = np.arange(10, 20)
    np.testing.assert_array_equal(free_partials(notes[some], notes, 9), every[some])
    # A fundamental counts even where the blocks at hand do not reach it.
    long = make_notes((0.0, 10.0, 45.0), (8.0, 9.0, 57.0))
    assert 2 not in {int(free_partials(long[:1], long, key)[0]) for key in range(100)}


@pytest.mark.parametrize("kind", KINDS)
def test_matches_the_notes_widths_and_times_of_its_target(kind: str) -> None:
    s = make_spectrogram(kind, 3)
    notes = make_notes((0.3, 0.6, 50.0), (0.9, 1.1, 57.0))
    target = FundMask(half_width_cents=80.0, time_dilation=0.5)
    numbers = free_partials(notes, notes, 4)
    expected = partial_mask(s, notes, numbers[:, None], half_width_cents=80.0, time_dilation=0.5)
    assert (numbers > 1).all()
    moved = changed(s, MatchedTracks(target)(s, notes, key=4))
    np.testing.assert_array_equal(moved, expected)
    kept = changed(s, MatchedTracks(HarmMask(80.0, time_dilation=0.5))(s, notes, key=4))
    np.testing.assert_array_equal(kept, ~expected)
    hz = partial_frequencies(notes.pitches, numbers)
    for f in hz:
        assert moved[:, np.abs(np.log(s.frequencies / f)).argmin()].any()


def test_soft_target_gives_a_soft_control() -> None:
    s = make_spectrogram("complex", 1)
    notes = random_notes(5)
    out = MatchedTracks(SoftHarmMask())(s, notes, key=4)
    assert (np.asarray(out.values) != 0).all()
    assert not MatchedTracks(SoftHarmMask()).out_of_distribution


@pytest.mark.parametrize("kind", KINDS)
def test_high_freq_control_moves_as_many_bins_below_the_cutoff(kind: str) -> None:
    s = make_spectrogram(kind, 2)
    target = HighFreq()
    control = MatchedTracks(target)
    assert not control.needs_notes
    drawn = target_of(control, s, None, 6)
    above = target_of(target, s, None)
    assert not (drawn & above).any()
    np.testing.assert_array_equal(drawn.sum(axis=1), above.sum(axis=1))
    out = control(s, key=6)
    assert not (changed(s, out) & ~drawn).any()
    np.testing.assert_array_equal(
        np.sort_complex(np.asarray(out.values).transpose(0, 2, 1)),
        np.sort_complex(np.asarray(s.values).transpose(0, 2, 1)),
    )


def test_high_freq_control_follows_the_highest_note() -> None:
    s = make_spectrogram("real", 2)
    notes = make_notes((0.2, 0.5, 93.0), (0.3, 0.4, 105.0))
    target = HighFreq(above="highest_note")
    drawn = target_of(MatchedTracks(target), s, notes, 6)
    above = target_of(target, s, notes)
    np.testing.assert_array_equal(drawn.sum(axis=1), above.sum(axis=1))
    assert len(np.unique(drawn.sum(axis=1))) == 3
    assert not (drawn & above).any()


def test_has_no_control_for_a_shuffle_without_target() -> None:
    with pytest.raises(ValueError, match="expected a mask or high_freq"):
        MatchedTracks(Microtonal())
