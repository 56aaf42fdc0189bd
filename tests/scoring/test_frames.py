"""Frame scores: a plain evaluation of the whole recording is the oracle for the streamed one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pi_amt.core.notes import Notes
from pi_amt.scoring.frames import FRAME_SCORES, GRID_SECONDS, FrameScorer, score_note_frames

Array = NDArray[np.float64]


def oracle(reference: Notes, threshold: float, times: Array, activity: Array) -> dict[str, float]:
    """The definitions, one after the other, on dense arrays."""
    grid = np.arange(int(times[-1] / GRID_SECONDS + 1e-9) + 1) * GRID_SECONDS
    sounding = np.zeros((len(grid), 88), bool)
    for on, off, pitch in zip(reference.onsets, reference.offsets, reference.pitches, strict=True):
        if 21 <= pitch <= 108:
            sounding[(grid >= on - 1e-9) & (grid < off - 1e-9), round(pitch) - 21] = True
    nearest = np.abs(times[None, :] - grid[:, None]).argmin(axis=1)
    values = activity[nearest]
    active = values >= threshold
    hits, wrong, missed = (active & sounding).sum(), (active & ~sounding).sum(), 0
    missed = (~active & sounding).sum()
    labels = sounding.ravel()
    average, recall_before = 0.0, 0.0
    for level in np.unique(values)[::-1]:
        chosen = values.ravel() >= level
        recall = labels[chosen].sum() / labels.sum()
        average += (recall - recall_before) * labels[chosen].mean()
        recall_before = recall
    return {
        "Frame_Precision": hits / max(hits + wrong, 1),
        "Frame_Recall": hits / max(hits + missed, 1),
        "Frame_F-measure": 2 * hits / max(2 * hits + wrong + missed, 1),
        "Frame_Accuracy": hits / max(hits + wrong + missed, 1),
        "Frame_Average_Precision": average,
    }


def case(seed: int, levels: int) -> tuple[Notes, Array, Array]:
    """Random notes, irregular frame times, activity on ``levels`` levels (exact in AP)."""
    rng = np.random.default_rng(seed)
    onsets = rng.uniform(0, 1.5, 12)
    notes = Notes.from_arrays(onsets, onsets + rng.uniform(0, 0.7, 12), rng.integers(18, 112, 12))
    times = np.cumsum(rng.uniform(0.002, 0.03, 90)) - 0.001
    activity = rng.integers(0, levels, (90, 88)) / (levels - 1.0)
    return notes, times, activity


@pytest.mark.parametrize("seed", range(6))
def test_scores_equal_the_definitions(seed: int) -> None:
    notes, times, activity = case(seed, levels=16)  # 15 divides 65535: no rounding of levels
    scorer = FrameScorer(notes, 0.6)
    scorer.push(times, activity)
    found, expected = scorer.finish(), oracle(notes, 0.6, times, activity)
    assert list(found) == list(FRAME_SCORES)
    for name in found:
        assert found[name] == pytest.approx(expected[name], abs=1e-12)


def test_average_precision_of_continuous_activity() -> None:
    notes, times, _ = case(3, levels=2)
    activity = np.random.default_rng(0).random((90, 88)) ** 3
    scorer = FrameScorer(notes, 0.5)
    scorer.push(times, activity)
    expected = oracle(notes, 0.5, times, activity)["Frame_Average_Precision"]
    assert scorer.finish()["Frame_Average_Precision"] == pytest.approx(expected, abs=1e-4)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 50), st.lists(st.integers(0, 90), max_size=8))
def test_parts_do_not_matter(seed: int, cuts: list[int]) -> None:
    notes, times, activity = case(seed, levels=100)
    whole, parts = FrameScorer(notes, 0.5), FrameScorer(notes, 0.5)
    whole.push(times, activity)
    edges = [0, *sorted(cuts), len(times)]
    for start, stop in itertools.pairwise(edges):
        parts.push(times[start:stop], activity[start:stop])
    assert whole.finish() == parts.finish()


def test_frames_of_exactly_the_reference_score_one() -> None:
    notes = Notes.from_arrays([0.1, 0.5], [0.4, 0.9], [60, 64])
    times = np.arange(100) * GRID_SECONDS
    activity = np.zeros((100, 88))
    activity[10:40, 60 - 21] = activity[50:90, 64 - 21] = 0.8
    scorer = FrameScorer(notes, 0.3)
    scorer.push(times, activity)
    assert set(scorer.finish().values()) == {1.0}


def test_a_shift_of_calibration_leaves_average_precision_alone() -> None:
    notes, times, activity = case(1, levels=16)
    scores = []
    for factor in (1.0, 0.2):
        scorer = FrameScorer(notes, 0.5)
        scorer.push(times, activity * factor)
        scores.append(scorer.finish())
    assert scores[1]["Frame_F-measure"] == 0.0
    assert scores[0]["Frame_F-measure"] > 0.0
    name = "Frame_Average_Precision"
    assert scores[0][name] == pytest.approx(scores[1][name], abs=1e-12)


def test_restruck_and_overlapping_notes_count_once() -> None:
    notes = Notes.from_arrays([0, 0, 0.2], [0.3, 0.2, 0.5], [60, 60, 60])
    activity = np.zeros((60, 88))
    activity[:50, 60 - 21] = 1.0
    scorer = FrameScorer(notes, 0.5)
    scorer.push(np.arange(60) * 0.01, activity)
    assert scorer.finish()["Frame_Accuracy"] == 1.0


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("seed", range(3))
def test_frames_of_decoded_notes_equal_the_definitions(seed: int) -> None:
    reference, other = case(seed, 2)[0], case(seed + 50, 2)[0]
    estimate = Notes.from_arrays(
        np.concatenate([reference.onsets[2:] + 0.02, other.onsets]),
        np.concatenate([reference.offsets[2:] + 0.05, other.offsets]),
        np.concatenate([reference.pitches[2:], other.pitches]),
    )
    last = float(max(reference.offsets.max(), estimate.offsets.max()))
    steps: Array = np.arange(int(last / GRID_SECONDS + 1e-9) + 1, dtype=np.float64)
    grid: Array = steps * GRID_SECONDS
    roll: Array = np.zeros((len(grid), 88))
    for on, off, pitch in zip(estimate.onsets, estimate.offsets, estimate.pitches, strict=True):
        if 21 <= pitch <= 108:
            roll[(grid >= on - 1e-9) & (grid < off - 1e-9), round(pitch) - 21] = 1
    expected = oracle(reference, 0.5, grid, roll)
    got = score_note_frames(reference, estimate)
    assert 0 < got["Frame_F-measure"] < 1
    for name in FRAME_SCORES[:4]:
        assert got[name] == pytest.approx(expected[name], abs=1e-12), name


def test_frames_of_the_right_notes_score_one_and_of_none_zero() -> None:
    notes = case(0, 2)[0]
    assert score_note_frames(notes, notes)["Frame_F-measure"] == 1.0
    assert score_note_frames(notes, Notes.empty())["Frame_F-measure"] == 0.0
    assert np.isnan(score_note_frames(Notes.empty(), notes)["Frame_F-measure"])


def test_no_reference_gives_nan_and_silence_gives_zero() -> None:
    times, activity = np.arange(10) * 0.01, np.zeros((10, 88))
    scorer = FrameScorer(Notes.empty(), 0.5)
    scorer.push(times, activity)
    assert np.isnan(list(scorer.finish().values())).all()
    scorer = FrameScorer(Notes.from_arrays([0], [1], [60]), 0.5)
    scorer.push(times, activity)
    found = scorer.finish()
    assert [found[name] for name in FRAME_SCORES[:4]] == [0, 0, 0, 0]
    assert found["Frame_Average_Precision"] == pytest.approx(1 / 88)
    assert np.isnan(FrameScorer(Notes.from_arrays([0], [1], [60]), 0.5).finish()[FRAME_SCORES[4]])


def test_wrong_input_is_refused() -> None:
    scorer = FrameScorer(Notes.empty(), 0.5)
    with pytest.raises(ValueError, match=r"expected \(2, 88\)"):
        scorer.push(np.arange(2.0), np.zeros((2, 87)))
    with pytest.raises(ValueError, match="NaN"):
        scorer.push(np.arange(2.0), np.full((2, 88), np.nan))
    scorer.push(np.arange(2.0), np.zeros((2, 88)))
    with pytest.raises(ValueError, match="out of order"):
        scorer.push(np.array([0.5]), np.zeros((1, 88)))
