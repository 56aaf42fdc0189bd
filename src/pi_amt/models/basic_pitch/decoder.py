"""Basic Pitch's note decoder: note and onset activations → notes, in n log n.

It finds exactly the notes of the published decoder (Bittner et al., "A lightweight
instrument-agnostic model for polyphonic note transcription and multipitch estimation", ICASSP
2022), which is quadratic in the length of a recording:

1. Onsets are the larger of the onset activation and of the rise of the note activation over one
   and over two frames (the smaller of both), scaled to the same maximum.
2. From the last peak of that to the first, a note runs until ``energy_tolerance_frames`` frames in
   a row are below ``frame_threshold``; its cells and those a semitone beside it are used up.
3. Melodia trick: from the strongest cell that is left (the earliest, then lowest, of equals), a
   note runs both ways; all that was looked at is used up, also where the note is too short.

A recording without any rise has no onset at all (the published scaling divides by zero there), only
notes of the third step.

Velocity is ``round(127 * mean note activation)``. Activations wait in temporary files once they
exceed a MB, so that many decoders can be open at a time.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pi_amt.core.checks import check_choice, check_count, check_flag, check_range, check_share
from pi_amt.core.notes import LOWEST_PITCH, N_PITCHES, Notes
from pi_amt.models.basic_pitch.windows import frame_times, published_frame_times

Frames = NDArray[np.float32]
#: start frame, stop frame, pitch index
Event = tuple[int, int, int]

FRAME_MAPPINGS = ("published", "exact")
#: of each kind of activation a decoder holds in memory before it goes to a temporary file, bytes
SPOOL_BYTES = 2**20
#: frames that are compared with a threshold, or searched for onset peaks, together
CHUNK_FRAMES = 8192


@dataclass(frozen=True)
class DecoderOptions:
    """How activations become notes; the defaults are the published ones.

    Attributes:
        onset_threshold: least onset activation of a note, in (0, 1].
        frame_threshold: least note activation of a sounding note, in (0, 1].
        minimum_frames: notes must last *longer* than this many frames.
        energy_tolerance_frames: frames below the threshold that end a note.
        melodia_trick: whether to look for notes without an onset.
        frame_mapping: ``published`` or ``exact`` times.
    """

    onset_threshold: float = 0.5
    frame_threshold: float = 0.3
    minimum_frames: int = 11
    energy_tolerance_frames: int = 11
    melodia_trick: bool = True
    frame_mapping: str = "published"

    def __post_init__(self) -> None:
        check_share("onset_threshold", self.onset_threshold)
        check_share("frame_threshold", self.frame_threshold)
        check_count("energy_tolerance_frames", self.energy_tolerance_frames)
        check_range("minimum_frames", self.minimum_frames, 0, unit="frames")
        check_flag("melodia_trick", self.melodia_trick)
        check_choice("frame_mapping", self.frame_mapping, FRAME_MAPPINGS)


class _Spool:
    """Frames ``(frames, 88)`` of one kind of activation, in memory or on disk."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115
        self.n_frames = 0

    def append(self, frames: Frames) -> None:
        self._file.write(np.ascontiguousarray(frames).data)
        self.n_frames += len(frames)

    def chunks(self) -> Iterator[Frames]:
        """All frames, ``CHUNK_FRAMES`` at a time."""
        self._file.seek(0)
        while data := self._file.read(CHUNK_FRAMES * N_PITCHES * 4):
            yield np.frombuffer(data, dtype=np.float32).reshape(-1, N_PITCHES)

    def read(self) -> Frames:
        """All frames at once."""
        frames = np.empty((self.n_frames, N_PITCHES), dtype=np.float32)
        start = 0
        for chunk in self.chunks():
            frames[start : start + len(chunk)] = chunk
            start += len(chunk)
        return frames

    def close(self) -> None:
        self._file.close()


class NoteDecoder:
    """Decoder of one recording: frames are pushed in order, notes come at the end.

    Args:
        options: thresholds and tolerances.
    """

    def __init__(self, options: DecoderOptions) -> None:
        self._options = options
        self._notes, self._onsets = _Spool(), _Spool()
        self._highest_onset = np.float32(-np.inf)
        self._steepest_rise = 0.0
        self._last_rows: Frames = np.zeros((0, N_PITCHES), dtype=np.float32)

    def push(self, activations: Mapping[str, Frames]) -> None:
        """Take the next frames: ``note`` and ``onset`` ``(frames, 88)``; others are not read.

        Raises:
            ValueError: if the two do not have the same shape ``(frames, 88)``.
        """
        note, onset = (np.asarray(activations[n], dtype=np.float32) for n in ("note", "onset"))
        if note.shape != onset.shape or note.shape[1:] != (N_PITCHES,):
            got = f"note {note.shape} and onset {onset.shape}"
            raise ValueError(f"activations: got {got}, expected (frames, 88) of both")
        if not len(note):
            return
        self._highest_onset = max(self._highest_onset, onset.max())
        recent = np.concatenate([self._last_rows, note])
        if len(recent) > 2:
            self._steepest_rise = max(self._steepest_rise, float(_rises(recent).max()))
        self._last_rows = recent[-2:].copy()
        self._notes.append(note)
        self._onsets.append(onset)

    def finish(self) -> Notes:
        """Notes of all frames that were pushed, sorted by onset, then pitch."""
        options = self._options
        events: list[Event] = []
        note = self._notes.read()
        if len(note):
            threshold, shortest = options.frame_threshold, options.minimum_frames
            remaining = Remaining(note, threshold, options.energy_tolerance_frames)
            if self._steepest_rise > 0:
                events = notes_from_onsets(remaining, *self._onset_peaks(note), shortest)
            if options.melodia_trick:
                events += notes_from_strongest(remaining, note, threshold, shortest)
        self._notes.close()
        self._onsets.close()
        return _to_notes(events, note, options.frame_mapping)

    def _onset_peaks(self, note: Frames) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Frames and pitches of the onset peaks in time order, then pitch order."""
        frames, pitches = [], []
        rows = np.zeros((0, N_PITCHES))
        first = 0  # absolute frame of rows[0]
        for onset in self._onsets.chunks():
            start = first + len(rows)
            rise = np.zeros(onset.shape)
            before = max(0, start - 2)
            inner = _rises(note[before : start + len(onset)])
            if len(inner):
                rise[-len(inner) :] = inner
            rise = np.float64(self._highest_onset) * rise / self._steepest_rise
            rows = np.concatenate([rows, np.maximum(onset, rise)])
            middle = rows[1:-1]
            is_peak = (middle > rows[:-2]) & (middle > rows[2:])
            is_peak &= middle >= self._options.onset_threshold
            found_frames, found_pitches = np.nonzero(is_peak)
            frames.append(found_frames + first + 1)
            pitches.append(found_pitches)
            first += len(rows) - len(rows[-2:])
            rows = rows[-2:]
        return np.concatenate(frames), np.concatenate(pitches)


def _rises(note: Frames) -> NDArray[np.float64]:
    """Rise ``(frames − 2, 88)`` of frames 2, 3 … over the one and the two frames before, ≥ 0."""
    exact = note.astype(np.float64)
    rise = np.minimum(exact[2:] - exact[1:-1], exact[2:] - exact[:-2])
    return np.asarray(np.maximum(rise, 0.0))


def _to_notes(events: list[Event], note: Frames, frame_mapping: str) -> Notes:
    """Events in frames → notes in seconds, sorted by onset, then pitch."""
    mapping = published_frame_times if frame_mapping == "published" else frame_times
    times = mapping(len(note))
    events = sorted(events, key=lambda event: (event[0], event[2]))
    starts, stops, pitches = np.array(events, dtype=np.intp).reshape(-1, 3).T
    amplitudes = np.array([np.mean(note[a:b, p]) for a, b, p in events], dtype=np.float32)
    return Notes(
        onsets=times[starts],
        offsets=times[stops],
        pitches=(pitches + LOWEST_PITCH).astype(np.float64),
        velocities=np.round(np.float32(127) * amplitudes).astype(np.float64),
    )


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
