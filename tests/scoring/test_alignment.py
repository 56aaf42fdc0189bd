"""Reference notes that cannot be right: late, early, of another piece, longer than the audio."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pi_amt.core.notes import Notes
from pi_amt.scoring.alignment import Alignment, alignment, alignment_of
from pi_amt.scoring.anatomy import annotate
from pi_amt.scoring.matching import match_notes

SECONDS = 60.0


def piece(seed: int, count: int = 400) -> Notes:
    """Notes of four octaves at random times of a minute."""
    rng = np.random.default_rng(seed)
    onsets = rng.uniform(0, SECONDS - 1, count)
    return Notes.from_arrays(onsets, onsets + 0.3, rng.integers(40, 88, count))


def heard(notes: Notes, late: float = 0.0, seed: int = 9) -> Notes:
    """What a good model makes of notes that sound ``late``: a jitter of 8 ms, a tenth missing, a
    tenth of false ones."""
    rng = np.random.default_rng(seed)
    kept = notes[rng.random(len(notes)) < 0.9]
    false = piece(seed + 1, len(notes) // 10)
    onsets = np.concatenate([kept.onsets + late + rng.normal(0, 0.008, len(kept)), false.onsets])
    pitches = np.concatenate([kept.pitches, false.pitches])
    return Notes.from_arrays(onsets, onsets + 0.3, pitches)


def both_ways(reference: Notes, estimate: Notes, seconds: float = SECONDS) -> list[Alignment]:
    """From the notes, and from what a store keeps of them."""
    table = annotate(reference, estimate, match_notes(reference, estimate))
    return [alignment(reference, estimate, seconds), alignment_of(table, seconds)]


def test_notes_that_fit_raise_no_doubt() -> None:
    for found in both_ways(piece(0), heard(piece(0))):
        assert found.likely_cause == ""
        assert found.offset_seconds == pytest.approx(0, abs=0.002)
        assert found.found == found.found_shifted == pytest.approx(0.9, abs=0.05)
        assert found.beyond == 0


@pytest.mark.parametrize("late", [0.06, 0.2, -0.06, -0.4])
def test_a_constant_shift_is_found_with_its_sign(late: float) -> None:
    for found in both_ways(piece(0), heard(piece(0), late)):
        assert found.shift_seconds == pytest.approx(late, abs=0.005)
        assert found.found < 0.3
        assert found.found_shifted > 0.75
        side = "before" if late > 0 else "after"
        assert found.likely_cause.startswith("the notes lie ")
        assert f" ms {side} the sound" in found.likely_cause
    exact = alignment(piece(0), heard(piece(0), late), SECONDS)
    assert exact.found_shifted == pytest.approx(0.9, abs=0.05)
    assert exact.offset_seconds == pytest.approx(late, abs=0.005)
    assert exact.spread_seconds == pytest.approx(0.6745 * 0.008, abs=0.002)


def test_a_small_bias_of_a_model_is_measured_and_not_blamed_on_the_notes() -> None:
    found = alignment(piece(0), heard(piece(0), 0.012), SECONDS)
    assert found.offset_seconds == pytest.approx(0.012, abs=0.002)
    assert found.likely_cause == ""


def test_notes_of_another_piece() -> None:
    for found in both_ways(piece(0), heard(piece(1))):
        assert "another piece" in found.likely_cause
        assert found.found_shifted < 0.15


def test_audio_that_was_cut_short() -> None:
    notes = piece(0)
    sounding = notes[notes.onsets < 40]
    for found in both_ways(notes, heard(sounding), 40.0):
        assert found.beyond == pytest.approx(np.mean(notes.onsets >= 40))
        assert found.likely_cause == (
            f"{found.beyond:.0%} of the notes begin after the sound has ended"
        )


def test_few_notes_or_none_say_nothing() -> None:
    few = piece(0, 5)
    assert alignment(few, heard(piece(1)), SECONDS).likely_cause == ""
    nothing = alignment(piece(0), Notes.empty(), SECONDS)
    assert math.isnan(nothing.offset_seconds)
    assert (nothing.found, nothing.shift_seconds) == (0, 0)
    assert alignment(Notes.empty(), few, SECONDS).likely_cause == ""
