"""Two sets of notes side by side: planted misses have their fates, and units must agree."""

from __future__ import annotations

import mir_eval
import numpy as np
import pytest

from pi_amt.core.notes import Notes
from pi_amt.scoring.agreement import agreement


def scale(n: int = 40) -> Notes:
    """One note per half second, no pitch twice within two octaves and a twelfth of time."""
    onsets = 0.5 * np.arange(n)
    return Notes.from_arrays(onsets, onsets + 0.4, 40 + 7.0 * (np.arange(n) % 5))


def changed(notes: Notes, which: list[int], onset: float = 0.0, pitch: float = 0.0) -> Notes:
    moved = np.isin(np.arange(len(notes)), which)
    onsets = notes.onsets + onset * moved
    return Notes.from_arrays(onsets, onsets + 0.4, notes.pitches + pitch * moved)


def test_every_planted_miss_has_its_fate() -> None:
    reference = scale()
    estimate = changed(reference, [3, 4], onset=0.1)
    estimate = changed(estimate, [10, 11, 12], pitch=12.0)
    estimate = estimate[~np.isin(np.arange(40), [20])]
    found = agreement(reference, estimate)
    assert found.missed == {"moved": 2, "octave": 3, "split": 0, "gone": 1}
    assert all(type(count) is int for count in found.missed.values())
    assert (found.false, found.false_octaves) == (5, 3)
    assert (found.n_reference, found.n_estimate) == (40, 39)
    assert found.onset_offset_ms == 0


def test_tolerances_give_back_what_was_moved_or_folded() -> None:
    reference = scale()
    moved = agreement(reference, changed(reference, list(range(10)), onset=0.12)).scores
    assert moved["F-measure_no_offset"] == pytest.approx(0.75)
    assert moved["F-measure_no_offset_100ms"] == pytest.approx(0.75)
    assert moved["F-measure_no_offset_150ms"] == 1
    folded = agreement(reference, changed(reference, list(range(10)), pitch=-12.0)).scores
    assert folded["F-measure_no_offset"] == pytest.approx(0.75)
    assert folded["F-measure_no_offset_chroma"] == 1


def test_scores_are_those_of_mir_eval() -> None:
    rng = np.random.default_rng(0)
    reference = scale(200)
    onsets = np.maximum(0, reference.onsets + rng.normal(0, 0.04, 200))
    pitches = reference.pitches + rng.choice([0.0, 0.0, 0.0, 12.0, 1.0], 200)
    estimate = Notes.from_arrays(onsets, onsets + rng.uniform(0.2, 0.5, 200), pitches)
    found = agreement(reference, estimate).scores
    intervals = [np.stack([n.onsets, n.offsets], axis=1) for n in (reference, estimate)]
    hz = [n.frequencies for n in (reference, estimate)]
    expected = mir_eval.transcription.evaluate(intervals[0], hz[0], intervals[1], hz[1])
    for name in ("F-measure_no_offset", "Precision_no_offset", "F-measure", "Onset_Recall"):
        assert found[name] == pytest.approx(expected[name])


def test_a_shift_of_all_onsets_is_measured() -> None:
    assert agreement(scale(), scale().shifted(0.03)).onset_offset_ms == pytest.approx(30)


def test_silence_scores_nothing_and_all_notes_are_gone() -> None:
    found = agreement(scale(), Notes.empty())
    assert found.scores["F-measure_no_offset"] == 0
    assert found.missed["gone"] == 40
    assert (found.false, found.onset_offset_ms) == (0, None)


def test_a_reference_without_notes_is_refused() -> None:
    with pytest.raises(ValueError, match="reference: got no notes"):
        agreement(Notes.empty(), scale())


@pytest.mark.parametrize("factor", [1000.0, 44_100.0, 0.001])
def test_times_in_other_units_are_refused(factor: float) -> None:
    notes = scale()
    other = Notes.from_arrays(notes.onsets * factor, notes.offsets * factor, notes.pitches)
    with pytest.raises(ValueError, match="expected seconds in both"):
        agreement(notes, other)


def test_a_transcription_of_the_beginning_alone_is_no_other_unit() -> None:
    found = agreement(scale(1000), scale(2))
    assert found.scores["Precision_no_offset"] == 1
