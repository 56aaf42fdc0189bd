"""Note scores: equal to mir_eval on random and adversarial notes, in bounded memory."""

from __future__ import annotations

import tracemalloc
import warnings

import mir_eval
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pi_amt.core.notes import Notes
from pi_amt.datasets.loading import load_dataset
from pi_amt.scoring.matching import match_notes
from pi_amt.scoring.notes import NOTE_SCORES, check_pitch_units, score_notes

F = "F-measure_no_offset"


def oracle(reference: Notes, estimate: Notes) -> dict[str, float]:
    """mir_eval on the same notes, its warnings about empty input silenced."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return dict(
            mir_eval.transcription.evaluate(
                np.stack([reference.onsets, reference.offsets], axis=1),
                reference.frequencies,
                np.stack([estimate.onsets, estimate.offsets], axis=1),
                estimate.frequencies,
            )
        )


def assert_equal_to_mir_eval(reference: Notes, estimate: Notes, overlap: bool = False) -> None:
    found, expected = score_notes(reference, estimate), oracle(reference, estimate)
    assert list(found) == list(expected) == list(NOTE_SCORES)
    for name, value in found.items():
        if overlap or "Overlap" not in name:
            assert value == expected[name], name


def random_notes(rng: np.random.Generator, count: int, length: float, grid: float) -> Notes:
    """Notes that crowd a few pitches; times on a grid (0: none), some pitches between keys."""
    onsets, durations = rng.uniform(0, length, count), rng.uniform(0.01, 2, count)
    if grid:
        onsets = np.round(onsets / grid) * grid
        durations = np.maximum(np.round(durations / grid), 1) * grid
    pitches = 60.0 + rng.integers(0, rng.integers(1, 8), count)
    if rng.integers(3) == 0:
        pitches += rng.choice([0, 0.25, 0.5, -0.49, 0.3], count)
    return Notes.from_arrays(onsets, onsets + durations, pitches)


@pytest.mark.parametrize("length", [0.2, 1.0, 5.0])
@pytest.mark.parametrize("grid", [0.0, 0.01, 0.0005])
def test_random_notes_score_as_in_mir_eval(length: float, grid: float) -> None:
    rng = np.random.default_rng([int(length * 10), int(grid * 1e4)])
    for _ in range(250):
        reference, estimate = (
            random_notes(rng, int(rng.integers(0, 40)), length, grid) for _ in "ab"
        )
        assert_equal_to_mir_eval(reference, estimate)


_TIMES = st.sampled_from(
    [0.0, 0.01, 0.04995, 0.049949, 0.05, 0.05004, 0.05005, 0.050051, 0.0501, 0.1, 0.1000001, 0.2]
)
_NOTE = st.tuples(
    _TIMES,
    st.sampled_from([0.01, 0.05, 0.25, 0.2502, 0.5, 1.0, 0.04]),
    st.sampled_from([60.0, 60.49999, 60.5, 60.50001, 61.0, 59.5]),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(_NOTE, max_size=9), st.lists(_NOTE, max_size=9), st.sampled_from([0.0, 100.1]))
def test_boundaries_and_ties_score_as_in_mir_eval(
    reference: list[tuple[float, float, float]],
    estimate: list[tuple[float, float, float]],
    start: float,
) -> None:
    def notes(rows: list[tuple[float, float, float]]) -> Notes:
        onsets, durations, pitches = np.array(rows, dtype=float).reshape(-1, 3).T
        return Notes.from_arrays(start + onsets, start + onsets + durations, pitches)

    assert_equal_to_mir_eval(notes(reference), notes(estimate))


def test_overlap_ratios_equal_mir_eval_where_the_matching_is_unique() -> None:
    rng = np.random.default_rng(5)
    onsets = np.arange(200) * 0.11  # further apart than twice the tolerance
    pitches = rng.integers(30, 90, 200)
    reference = Notes.from_arrays(onsets, onsets + rng.uniform(0.1, 2, 200), pitches)
    moved = reference.onsets + rng.uniform(-0.06, 0.06, 200)
    estimate = Notes.from_arrays(moved, moved + rng.uniform(0.1, 2, 200), reference.pitches)
    assert_equal_to_mir_eval(reference, estimate, overlap=True)


def test_the_demo_scores_as_in_mir_eval() -> None:
    rng = np.random.default_rng(0)
    for track in load_dataset("demo"):
        reference = track.notes()
        reference = reference[reference.durations > 0]
        keep = rng.random(len(reference)) > 0.2
        shift = rng.normal(0, 0.03, len(reference))
        worse = Notes.from_arrays(
            np.maximum(reference.onsets + shift, 0),
            np.maximum(reference.offsets + 2 * shift, reference.onsets + shift + 0.05),
            reference.pitches + rng.choice([0, 0, 0, 1, 12], len(reference)),
        )[keep]
        assert len(reference) > 20
        assert_equal_to_mir_eval(reference, reference, overlap=True)
        assert_equal_to_mir_eval(reference, worse)


@pytest.mark.filterwarnings("error")
def test_empty_sides_score_zero_without_a_warning() -> None:
    one = Notes.from_arrays([0], [1], [60])
    for reference, estimate in ((Notes.empty(), one), (one, Notes.empty()), (Notes.empty(),) * 2):
        assert score_notes(reference, estimate) == oracle(reference, estimate)
        assert match_notes(reference, estimate).shape == (0, 2)


def test_notes_of_no_length_count_like_others() -> None:
    notes = Notes.from_arrays([0, 1], [0, 2], [60, 61])
    assert set(score_notes(notes, notes).values()) == {1.0}


def test_order_of_notes_does_not_matter() -> None:
    rng = np.random.default_rng(2)
    a, b = (random_notes(rng, 60, 1.0, 0.0) for _ in "ab")
    orders = [rng.permutation(60) for _ in "ab"]
    shuffled = score_notes(a[orders[0]], b[orders[1]])
    for name, value in score_notes(a, b).items():
        if "Overlap" not in name:
            assert shuffled[name] == value


def test_a_dense_cluster_is_matched_completely() -> None:
    onsets = np.linspace(0, 0.09, 800)
    notes = Notes.from_arrays(onsets, onsets + 0.5, np.full(800, 60))
    scores = score_notes(notes, notes[::-1])
    assert scores["F-measure"] == scores[F] == scores["Onset_F-measure"] == 1.0


def test_memory_of_a_long_piece_is_small() -> None:
    rng = np.random.default_rng(0)
    count = 12_000
    onsets = np.sort(rng.uniform(0, count / 9, count))
    reference = Notes.from_arrays(onsets, onsets + 1, rng.integers(21, 109, count))
    moved = reference.onsets + rng.uniform(-0.04, 0.04, count)
    estimate = Notes.from_arrays(moved, moved + 1, reference.pitches)
    tracemalloc.start()
    scores = score_notes(reference, estimate)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert scores[F] == 1.0
    assert peak < 30e6


def test_pitch_unit_guard_passes() -> None:
    check_pitch_units()


def test_pitch_unit_guard_sees_midi_numbers_passed_as_hz(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Notes, "frequencies", property(lambda notes: notes.pitches))
    with pytest.raises(RuntimeError, match=r"\+100 cents.*mixed up"):
        check_pitch_units()
