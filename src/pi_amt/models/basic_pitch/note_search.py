"""The search for notes in Basic Pitch's note activation: steps 2 and 3 of the decoder.

Both steps only ask whether a cell is at least the frame threshold and not used up by a note that
was found before. So the state is one byte a cell and a run of low frames is found by a byte search;
the strongest cell that is left comes from one sorting, past cells that were used up meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.float32]
#: start frame, stop frame, pitch index
Event = tuple[int, int, int]
#: frames that are compared with the threshold together
CHUNK_FRAMES = 8192


class Remaining:
    """Which cells are at least the frame threshold and not used up: a byte string per pitch.

    Args:
        note: note activation ``(frames, pitches)``.
        frame_threshold: least activation of a sounding note.
        tolerance: frames below it in a row that end a search.
    """

    def __init__(self, note: Frames, frame_threshold: float, tolerance: int) -> None:
        # comparison in float64, as 0.3 is not a float32
        above = np.empty(note.shape[::-1], dtype=np.bool_)
        for start in range(0, len(note), CHUNK_FRAMES):
            part = note[start : start + CHUNK_FRAMES].astype(np.float64)
            above[:, start : start + CHUNK_FRAMES] = (part >= frame_threshold).T
        self.rows = [bytearray(row.tobytes()) for row in above]
        self.last = len(note) - 1
        self._silence = bytes(tolerance)

    def run_end(self, pitch: int, start: int) -> tuple[int, int]:
        """Where a search from frame ``start`` stops, and how many frames in a row were below.

        The last frame of a recording is never looked at.
        """
        row = self.rows[pitch]
        found = row.find(self._silence, start, max(start, self.last))
        if found >= 0:
            return found + len(self._silence), len(self._silence)
        stop = max(start, self.last)
        return stop, stop - 1 - max(row.rfind(1, start, stop), start - 1)

    def run_start(self, pitch: int, start: int) -> tuple[int, int]:
        """The same backwards; the first frame of a recording is never looked at."""
        row = self.rows[pitch]
        found = row.rfind(self._silence, 1, max(1, start + 1))
        if found >= 0:
            return found - 1, len(self._silence)
        stop = min(start, 0)
        nearest = row.find(1, 1, max(1, start + 1))
        return stop, (nearest if nearest >= 0 else start + 1) - 1 - stop

    def use_up(self, pitch: int, start: int, stop: int) -> None:
        """Frames ``start`` to ``stop`` of a pitch and of its neighbours are no longer there."""
        if stop > start:
            nothing = bytes(stop - start)
            for row in self.rows[max(0, pitch - 1) : pitch + 2]:
                row[start:stop] = nothing


def notes_from_onsets(
    remaining: Remaining,
    frames: NDArray[np.intp],
    pitches: NDArray[np.intp],
    minimum_frames: int,
) -> list[Event]:
    """Notes ``(start, stop, pitch index)`` from onset peaks, the last one first."""
    events: list[Event] = []
    for start, pitch in zip(frames[::-1].tolist(), pitches[::-1].tolist(), strict=True):
        if start >= remaining.last:
            continue
        stop, below = remaining.run_end(pitch, start + 1)
        stop -= below
        if stop - start > minimum_frames:
            remaining.use_up(pitch, start, stop)
            events.append((start, stop, pitch))
    return events


def notes_from_strongest(
    remaining: Remaining, note: Frames, frame_threshold: float, minimum_frames: int
) -> list[Event]:
    """Notes ``(start, stop, pitch index)`` around the strongest cells that are left.

    Args:
        remaining: cells that may be used; changed.
        note: note activation ``(frames, pitches)``.
        frame_threshold: least activation of a cell to start from.
        minimum_frames: notes must last *longer* than this.
    """
    events: list[Event] = []
    rows = remaining.rows
    for frame, pitch in _strongest_first(remaining, note, frame_threshold):
        if not rows[pitch][frame]:
            continue
        rows[pitch][frame] = 0
        stop, below = remaining.run_end(pitch, frame + 1)
        remaining.use_up(pitch, frame + 1, stop)
        last = stop - 1 - below
        before, below = remaining.run_start(pitch, frame - 1)
        remaining.use_up(pitch, before + 1, frame)
        first = before + 1 + below
        if last - first > minimum_frames:
            events.append((first, last, pitch))
    return events


def _strongest_first(
    remaining: Remaining, note: Frames, frame_threshold: float
) -> Iterator[tuple[int, int]]:
    """Cells above the frame threshold: strongest first, of equals the earliest, then lowest."""
    left = np.array([np.frombuffer(row, dtype=np.bool_) for row in remaining.rows]).T
    frames, pitches = np.nonzero(left)
    strengths = note[frames, pitches]
    above = strengths.astype(np.float64) > frame_threshold
    frames, pitches, strengths = frames[above], pitches[above], strengths[above]
    order = np.argsort(-strengths, kind="stable")
    for start in range(0, len(order), 2**16):
        part = order[start : start + 2**16]
        yield from zip(frames[part].tolist(), pitches[part].tolist(), strict=True)
