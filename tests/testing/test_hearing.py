"""Whether a model hears anything, is late, or wants softer sound."""

from __future__ import annotations

import numpy as np
import pytest
from tests.toys import transcribe

from pi_amt.core.notes import Notes
from pi_amt.models.black_box.function import Function
from pi_amt.testing import check_hearing


@pytest.mark.parametrize(("by", "way"), [(56.0, "late"), (-56.0, "early")])
def test_a_model_that_is_late_is_told_by_how_much(by: float, way: str) -> None:
    plain = check_hearing(Function(transcribe))
    assert not plain.problems
    assert min(plain.f.values()) > 0.9
    found = check_hearing(Function(transcribe, late_ms=plain.late_ms - by, label="mine"))
    assert found.late_ms == pytest.approx(by, abs=5)
    (problem,) = found.problems
    assert problem.startswith(f"mine: this model is {abs(found.late_ms):.0f} ms {way}: F 0.")
    assert f"set model.late_ms={found.late_ms:.0f} for a function or a command" in problem
    mended = check_hearing(Function(transcribe, late_ms=plain.late_ms - by + found.late_ms))
    assert not mended.problems


def easily_deafened(samples: np.ndarray, sample_rate: int) -> Notes:
    """Hears nothing in loud sound."""
    return Notes.empty() if np.abs(samples).max() > 0.3 else transcribe(samples, sample_rate)


def test_a_model_that_wants_softer_sound_is_told() -> None:
    found = check_hearing(easily_deafened)
    assert (found.f[0.0], found.f_moved[0.0]) == (0.0, 0.0)
    (problem,) = found.problems
    assert "easily_deafened: this model wants softer sound: F 0.00 at half of full" in problem
    assert "set model.gain_db=-10" in problem
    assert problem in str(found)


def test_a_model_that_finds_nothing_is_told() -> None:
    def deaf(samples: np.ndarray, sample_rate: int) -> Notes:
        return Notes.empty()

    found = check_hearing(deaf)
    assert set(found.n_notes.values()) == {0}
    assert np.isnan(found.late_ms)
    (problem,) = found.problems
    assert problem.startswith("deaf: this model found no note in a short piece of plucked tones")
    assert "look at its weights, its threshold, and the sample rate and level" in problem
    assert f"PROBLEM: {problem}" in str(found)


def a_semitone_high(samples: np.ndarray, sample_rate: int) -> Notes:
    """Counts keys from another one than it should."""
    found = transcribe(samples, sample_rate)
    return Notes.from_arrays(found.onsets, found.offsets, found.pitches + 1)


def test_a_model_whose_notes_are_all_wrong_is_told() -> None:
    found = check_hearing(a_semitone_high)
    assert min(found.n_notes.values()) >= 20
    (problem,) = found.problems
    assert problem.startswith("a_semitone_high: this model found ")
    assert f"F is {max(found.f_moved.values()):.2f} at most" in problem
    assert "whether its pitches are MIDI numbers (69 is A4) and its times seconds" in problem
