"""Scores at other tolerances: equal to mir_eval with a wider window, and with chroma pitches."""

from __future__ import annotations

import mir_eval
import numpy as np
import pytest
from tests.scoring.test_notes import random_notes

from pi_amt.core.notes import Notes
from pi_amt.datasets.loading import load_dataset
from pi_amt.scoring.matching import candidates
from pi_amt.scoring.notes import TOLERANCE_SCORES, score_notes, score_tolerances

F = "F-measure_no_offset"
SEMITONES = 12


def windowed(reference: Notes, estimate: Notes, tolerance: float) -> tuple[float, float, float]:
    """mir_eval's precision, recall and F without offsets at another onset tolerance."""
    precision, recall, f_measure, _ = mir_eval.transcription.precision_recall_f1_overlap(
        np.stack([reference.onsets, reference.offsets], axis=1),
        reference.frequencies,
        np.stack([estimate.onsets, estimate.offsets], axis=1),
        estimate.frequencies,
        onset_tolerance=tolerance,
        offset_ratio=None,
    )
    return precision, recall, f_measure


def circular(reference: Notes, estimate: Notes) -> int:
    """Size of mir_eval's matching of chroma: distances on a circle of 12 semitones."""
    near = np.around(np.abs(np.subtract.outer(reference.onsets, estimate.onsets)), 4) <= 0.05
    classes = reference.pitches % SEMITONES, estimate.pitches % SEMITONES
    same = mir_eval.util._outer_distance_mod_n(*classes, SEMITONES) <= 0.5
    graph: dict[int, list[int]] = {}
    for ref, est in zip(*np.nonzero(near & same), strict=True):
        graph.setdefault(int(est), []).append(int(ref))
    return len(mir_eval.util._bipartite_match(graph))


def in_octaves(notes: Notes, rng: np.random.Generator) -> Notes:
    """The notes, each moved by up to three octaves."""
    shift = SEMITONES * rng.integers(-3, 4, len(notes))
    return Notes(notes.onsets, notes.offsets, notes.pitches + shift, notes.velocities)


@pytest.mark.parametrize("length", [0.2, 1.0, 5.0])
@pytest.mark.parametrize("grid", [0.0, 0.01, 0.0005])
def test_random_notes_score_as_in_mir_eval(length: float, grid: float) -> None:
    rng = np.random.default_rng([int(length * 10), int(grid * 1e4), 7])
    for _ in range(60):
        reference, estimate = (
            random_notes(rng, int(rng.integers(1, 40)), length, grid) for _ in "ab"
        )
        found = score_tolerances(reference, estimate)
        assert tuple(found) == TOLERANCE_SCORES
        for name, tolerance in (("100ms", 0.1), ("150ms", 0.15)):
            values = [
                found[f"{part}_no_offset_{name}"] for part in ("Precision", "Recall", "F-measure")
            ]
            assert values == list(windowed(reference, estimate, tolerance))


def test_folded_octaves_score_as_mir_eval_with_pitches_of_one_octave() -> None:
    """Pitches are up to 40 cents beside some key from C# to A, far from the edge of an octave."""
    rng = np.random.default_rng(3)
    for _ in range(200):
        counts = rng.integers(1, 40, 2)
        onsets = [np.round(rng.uniform(0, 1, count), 2) for count in counts]
        keys = [61.0 + rng.integers(0, 9, count) for count in counts]
        notes = [
            Notes.from_arrays(onset, onset + 0.3, key + rng.uniform(-0.4, 0.4, len(key)))
            for onset, key in zip(onsets, keys, strict=True)
        ]
        found = score_tolerances(*(in_octaves(one, rng) for one in notes))
        values = [
            found[f"{part}_no_offset_chroma"] for part in ("Precision", "Recall", "F-measure")
        ]
        assert values == list(windowed(notes[0], notes[1], 0.05))


def test_folded_octaves_close_to_a_circle() -> None:
    """A pitch just below C agrees with one just above it, as mir_eval's distance has it."""
    rng = np.random.default_rng(8)
    sizes = []
    for _ in range(100):
        count = int(rng.integers(1, 60))
        onsets = np.round(rng.uniform(0, 1, (2, count)), 2)
        pitches = 36 + rng.uniform(0, 48, (2, count))
        reference, estimate = (
            Notes.from_arrays(onset, onset + 0.3, pitch)
            for onset, pitch in zip(onsets, pitches, strict=True)
        )
        size = circular(reference, estimate)
        sizes.append(size)
        assert score_tolerances(reference, estimate)["Recall_no_offset_chroma"] == size / count
    assert sum(sizes) > 500
    edge = Notes.from_arrays([0.0], [1.0], [59.8]), Notes.from_arrays([0.0], [1.0], [72.2])
    assert score_tolerances(*edge)[f"{F}_chroma"] == 1.0
    assert circular(*edge) == 1


def test_what_moves_in_time_or_by_octaves_is_found_again_where_the_limit_is_wide_enough() -> None:
    reference = next(iter(load_dataset("demo"))).notes()
    for late, found in ((0.04, "111"), (0.08, "011"), (0.12, "001"), (0.3, "000")):
        alone = Notes.from_arrays(np.arange(40.0), np.arange(40.0) + 0.5, 60 + np.arange(40) % 7)
        moved = Notes(alone.onsets + late, alone.offsets + late, alone.pitches, alone.velocities)
        scores = score_tolerances(alone, moved) | score_notes(alone, moved)
        values = [scores[f"{F}{tolerance}"] for tolerance in ("", "_100ms", "_150ms")]
        assert values == [float(digit) for digit in found]
    octave = Notes(
        reference.onsets, reference.offsets, reference.pitches + 12.0, reference.velocities
    )
    assert score_tolerances(reference, octave)[f"{F}_chroma"] == 1.0
    fifth = Notes.from_arrays(alone.onsets, alone.offsets, alone.pitches + 7.0)
    assert score_tolerances(alone, fifth)[f"{F}_chroma"] == 0.0


def test_wider_limits_never_find_fewer_notes() -> None:
    rng = np.random.default_rng(1)
    for _ in range(100):
        reference, estimate = (random_notes(rng, 60, 2.0, 0.0) for _ in "ab")
        scores = score_tolerances(reference, estimate) | score_notes(reference, estimate)
        assert scores[F] <= scores[f"{F}_100ms"] <= scores[f"{F}_150ms"]
        assert scores[F] <= scores[f"{F}_chroma"]


def test_a_tolerance_of_its_own_for_each_reference_note() -> None:
    reference = Notes.from_arrays([0.0, 1.0, 2.0], [0.5, 1.5, 2.5], [60, 60, 60])
    estimate = Notes.from_arrays([0.2, 1.2, 2.2], [0.5, 1.5, 2.5], [60, 60, 60])
    pairs = candidates(reference, estimate, np.array([0.1, 0.2, 0.3]))
    assert pairs.tolist() == [[1, 1], [2, 2]]


def test_empty_sides_score_zero() -> None:
    one = Notes.from_arrays([0], [1], [60])
    for reference, estimate in ((Notes.empty(), one), (one, Notes.empty()), (Notes.empty(),) * 2):
        assert score_tolerances(reference, estimate) == dict.fromkeys(TOLERANCE_SCORES, 0.0)
