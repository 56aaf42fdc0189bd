"""Frame scores: is each pitch sounding, every 10 ms, with and without a threshold.

Reference and activity are compared on a grid of 10 ms that spans the model's frames. At a grid
time, a pitch of the reference sounds if onset ≤ t < offset (pedal rule applied), and the activity
is that of the nearest model frame, the earlier one if two are equally near. Pitches outside MIDI
21–108, which models do not output, are left out; others are rounded to the nearest semitone.

Average precision is the area under the precision–recall staircase over all thresholds,
Σ (R_n − R_{n−1}) P_n: the score that a shift of the model's calibration does not change. Activity
is first rounded to multiples of 1/65535, so that two histograms replace the sorting of all values.

A recording may come in any parts: the scores are the same, and memory does not grow with length.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pi_amt.core.notes import LOWEST_PITCH, N_PITCHES, Notes
from pi_amt.core.units import Floats

GRID_SECONDS = 0.01
FRAME_SCORES = (
    "Frame_Precision",
    "Frame_Recall",
    "Frame_F-measure",
    "Frame_Accuracy",
    "Frame_Average_Precision",
)
_LEVELS = 1 << 16
_CHUNK = 4096  # grid steps at a time


class NoteRoll:
    """Which pitches of some notes sound at the steps of the 10-ms grid.

    Args:
        notes: any; those outside MIDI 21–108 are left out.
    """

    def __init__(self, notes: Notes) -> None:
        pitches = np.rint(notes.pitches).astype(np.int64) - LOWEST_PITCH
        inside = (pitches >= 0) & (pitches < N_PITCHES)
        self._pitches = pitches[inside]
        self._starts = _first_step(notes.onsets[inside])
        self._stops = _first_step(notes.offsets[inside])

    def __len__(self) -> int:
        """Steps until the last note ends."""
        return int(self._stops.max(initial=0))

    def steps(self, begin: int, end: int) -> NDArray[np.bool_]:
        """``(end − begin, 88)``: True where a note sounds at grid steps ``begin:end``."""
        here = (self._starts < end) & (self._stops > begin)
        changes = np.zeros((end - begin + 1, N_PITCHES), dtype=np.int32)
        pitches = self._pitches[here]
        np.add.at(changes, (np.maximum(self._starts[here], begin) - begin, pitches), 1)
        np.add.at(changes, (np.minimum(self._stops[here], end) - begin, pitches), -1)
        return np.asarray(np.cumsum(changes[:-1], axis=0) > 0)


class FrameScorer:
    """Scores the frames of one recording, given in order and in parts.

    Args:
        reference: notes that sound.
        threshold: a pitch counts as active from this activity on, in [0, 1].
    """

    def __init__(self, reference: Notes, threshold: float) -> None:
        self._reference = NoteRoll(reference)
        self._has_reference = len(reference) > 0
        self._threshold = threshold
        self._step = 0  # next grid step
        self._last_time = np.zeros(0)
        self._last_frame = np.zeros((0, N_PITCHES), dtype=np.float32)
        self._true_positives = self._false_positives = self._false_negatives = 0
        self._all = np.zeros(_LEVELS, dtype=np.int64)
        self._sounding = np.zeros(_LEVELS, dtype=np.int64)

    def push(self, times: NDArray[np.floating], activity: NDArray[np.floating]) -> None:
        """Take the next frames.

        Args:
            times: ``(frames,)`` seconds, ascending, after those of the call before.
            activity: ``(frames, 88)`` of MIDI 21–108 in [0, 1].

        Raises:
            ValueError: if the shapes disagree, times do not ascend or activity is NaN.
        """
        if activity.shape != (len(times), N_PITCHES):
            expected = (len(times), N_PITCHES)
            raise ValueError(f"activity: got shape {activity.shape}, expected {expected}")
        if len(times) == 0:
            return
        seconds = np.concatenate([self._last_time, np.asarray(times, dtype=np.float64)])
        if np.any(np.diff(seconds) <= 0):
            raise ValueError("times: got frames out of order, expected ascending seconds")
        frames = np.concatenate([self._last_frame, np.asarray(activity, dtype=np.float32)])
        if np.isnan(frames).any():
            raise ValueError("activity: got NaN, expected numbers in [0, 1]")
        # grid steps after the last frame wait: the next frame may be nearer
        stop = int(_first_step(seconds[-1:])[0])
        stop += stop * GRID_SECONDS <= seconds[-1]
        middles = (seconds[1:] + seconds[:-1]) / 2
        for begin in range(self._step, stop, _CHUNK):
            end = min(begin + _CHUNK, stop)
            nearest = np.searchsorted(middles, np.arange(begin, end) * GRID_SECONDS, side="left")
            self._count(begin, end, frames[nearest])
        self._step = max(self._step, stop)
        self._last_time, self._last_frame = seconds[-1:], frames[-1:]

    def finish(self) -> dict[str, float]:
        """Scores in [0, 1] by name (:data:`FRAME_SCORES`); all NaN without reference notes, or
        where no frame was given.

        Without any active frame, precision and F are 0. Average precision is NaN where no
        reference note sounds on the grid.
        """
        if not (self._has_reference and len(self._last_time)):
            return dict.fromkeys(FRAME_SCORES, float("nan"))
        hits, wrong, missed = self._true_positives, self._false_positives, self._false_negatives
        return {
            "Frame_Precision": _ratio(hits, hits + wrong),
            "Frame_Recall": _ratio(hits, hits + missed),
            "Frame_F-measure": _ratio(2 * hits, 2 * hits + wrong + missed),
            "Frame_Accuracy": _ratio(hits, hits + wrong + missed),
            "Frame_Average_Precision": self._average_precision(),
        }

    def _count(self, begin: int, end: int, activity: NDArray[np.float32]) -> None:
        """Count ``(steps, 88)`` activity at grid steps ``begin:end``."""
        sounding = self._reference.steps(begin, end)
        active = activity >= self._threshold
        hits = int(np.count_nonzero(active & sounding))
        self._true_positives += hits
        self._false_positives += int(np.count_nonzero(active)) - hits
        self._false_negatives += int(np.count_nonzero(sounding)) - hits
        levels = np.rint(np.clip(activity, 0.0, 1.0) * (_LEVELS - 1)).astype(np.int64)
        self._all += np.bincount(levels.ravel(), minlength=_LEVELS)
        self._sounding += np.bincount(levels[sounding], minlength=_LEVELS)

    def _average_precision(self) -> float:
        """Σ (R_n − R_{n−1}) P_n from the highest threshold down."""
        positives = int(self._sounding.sum())
        if positives == 0:
            return float("nan")
        found = np.cumsum(self._sounding[::-1])
        precision = found / np.maximum(np.cumsum(self._all[::-1]), 1)
        return float(np.sum(self._sounding[::-1] * precision) / positives)


def score_note_frames(reference: Notes, estimate: Notes) -> dict[str, float]:
    """Frame scores (:data:`FRAME_SCORES`) of decoded notes: the piano roll instead of activity.

    Args:
        reference: notes that sound.
        estimate: decoded notes; a pitch is active from onset to offset.
    """
    roll = NoteRoll(estimate)
    n_steps = max(len(roll), len(NoteRoll(reference)))
    scorer = FrameScorer(reference, 0.5)
    for begin in range(0, n_steps, _CHUNK):
        end = min(begin + _CHUNK, n_steps)
        scorer.push(np.arange(begin, end) * GRID_SECONDS, roll.steps(begin, end).astype(np.float32))
    return scorer.finish()


def _first_step(seconds: Floats) -> NDArray[np.int64]:
    """The first grid step at or after each time; a time within 1 ns of a step is on it."""
    return np.ceil(np.round(seconds / GRID_SECONDS, 7)).astype(np.int64)


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
