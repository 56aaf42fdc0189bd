"""Decoder of Timbre-Trap: activations of 540 bins → notes. Ours, because the authors have none.

Local in time, so that it streams and any cutting into chunks gives the same notes:

1. bins → semitones: the largest activation of the bins nearest a semitone (five of them), of the
   88 keys of the piano;
2. a note starts where the activation has a peak (the largest within ± ``peak_ms``) of at least
   ``onset_threshold`` that stands ``rise`` above the least of the ``rise_ms`` before it; its onset
   is where that rise last crosses its middle;
3. it lasts while the activation stays above ``sustain_threshold``; interruptions shorter than
   ``gap_ms`` are bridged;
4. another such peak in a sounding note is a re-strike: the old note ends, a new one starts; peaks
   whose onsets are closer than ``restrike_ms`` are one;
5. notes shorter than ``minimum_ms`` are dropped. Velocity is 1–127 from the peak's activation: a
   confidence, not a loudness.

Before the first frame and after the last there is silence.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from pi_amt.core.checks import check_range, check_share
from pi_amt.core.notes import LOWEST_PITCH, N_PITCHES
from pi_amt.core.units import hz_to_midi
from pi_amt.models.timbre_trap.slicq import FRAME_RATE_HZ, N_BINS, center_frequencies_hz

_BINS_PER_KEY = 5
NoteColumns = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class DecoderOptions:
    """Thresholds are activations (0–1), durations milliseconds; tuned on validation music."""

    onset_threshold: float = 0.7
    sustain_threshold: float = 0.1
    rise: float = 0.35
    rise_ms: float = 120.0
    peak_ms: float = 30.0
    restrike_ms: float = 80.0
    gap_ms: float = 60.0
    minimum_ms: float = 50.0
    onset_shift_ms: float = 0.0
    frame_threshold: float = 0.25  # above it a key counts as sounding in frame scores

    def __post_init__(self) -> None:
        check_share("onset_threshold", self.onset_threshold)
        check_share("frame_threshold", self.frame_threshold)
        check_range("sustain_threshold", self.sustain_threshold, 0, 1)
        check_range("rise", self.rise, 0, 1)
        for name in ("rise_ms", "peak_ms", "restrike_ms", "gap_ms", "minimum_ms"):
            check_range(name, getattr(self, name), 0, 10_000, "ms")
        check_range("onset_shift_ms", self.onset_shift_ms, -1_000, 1_000, "ms")


def _frames(milliseconds: float) -> int:
    return max(1, round(milliseconds / 1000 * FRAME_RATE_HZ))


@cache
def _first_bin() -> int:
    """First bin of the lowest key's semitone; the keys' bins follow each other."""
    nearest = np.rint(hz_to_midi(center_frequencies_hz())).astype(np.int64)
    return int(np.searchsorted(nearest, LOWEST_PITCH))


def semitone_activity(pitch: np.ndarray) -> np.ndarray:
    """Activations (frames, 540) → (frames, 88): the largest of the bins nearest each key.

    Raises:
        ValueError: if the activations have another shape.
    """
    if pitch.ndim != 2 or pitch.shape[1] != N_BINS:
        raise ValueError(f"decoder: got activations of shape {pitch.shape}, expected (n, {N_BINS})")
    first = _first_bin()
    keys = pitch[:, first : first + _BINS_PER_KEY * N_PITCHES]
    # bin by bin of all keys: nine times as fast as key by key
    activity = keys[:, ::_BINS_PER_KEY].copy()
    for other in range(1, _BINS_PER_KEY):
        np.maximum(activity, keys[:, other::_BINS_PER_KEY], out=activity)
    return np.asarray(activity)


def _extremes(pick: np.ufunc, frames: np.ndarray, size: int) -> np.ndarray:
    """``pick`` (maximum or minimum) of the ``size`` frames from each frame on: (n, keys) →
    (n − size + 1, keys). Spans are doubled, so that the cost grows with log(size)."""
    span = 1
    while 2 * span <= size:
        frames = pick(frames[span:], frames[:-span])
        span *= 2
    rest = size - span
    return frames if rest == 0 else np.asarray(pick(frames[rest:], frames[:-rest]))


class Decoder:
    """Streams activations in; ``finish`` returns the notes sorted by onset, then pitch."""

    _SLICE_FRAMES = 4_096  # bounds the working memory whatever is pushed at once

    def __init__(self, options: DecoderOptions | None = None) -> None:
        self.options = options or DecoderOptions()
        self._peak = _frames(self.options.peak_ms)
        self._rise = _frames(self.options.rise_ms)
        self._gap = _frames(self.options.gap_ms)
        self._past = self._peak + self._rise + 1
        self._future = max(self._peak, self._gap)
        self._frames = np.zeros((self._past, N_PITCHES), np.float32)
        self._times = np.zeros(self._past)
        self._sounding: dict[int, tuple[float, float]] = {}  # pitch → onset s, peak activation
        self._notes: list[tuple[float, float, int, float]] = []
        self._last_time = 0.0

    def push(self, pitch: np.ndarray, times: np.ndarray) -> None:
        """Activations (frames, 540) and their times in seconds (frames,), in order.

        Raises:
            ValueError: if there are not as many times as frames.
        """
        if len(pitch) != len(times):
            raise ValueError(f"decoder: got {len(pitch)} frames and {len(times)} times")
        for first in range(0, len(pitch), self._SLICE_FRAMES):
            part = slice(first, first + self._SLICE_FRAMES)
            self.push_semitones(semitone_activity(pitch[part]), times[part])

    def push_semitones(self, activity: np.ndarray, times: np.ndarray) -> None:
        """Activities (frames, 88) that are merged already, and their times (frames,)."""
        self._append(activity, np.asarray(times, np.float64))

    def finish(self) -> NoteColumns:
        """Close what still sounds; onsets and offsets (s), pitches (MIDI), velocities, float64."""
        silence = np.zeros((self._future, N_PITCHES), np.float32)
        steps = np.arange(1, self._future + 1) / FRAME_RATE_HZ
        last_time = self._last_time
        self._append(silence, last_time + steps)
        for key in list(self._sounding):
            self._end(key, last_time)
        table = np.array(sorted(self._notes, key=lambda n: (n[0], n[2])), np.float64).reshape(-1, 4)
        onsets, offsets, pitches, velocities = table.T
        _clip_to_next_onset(onsets, offsets, pitches)
        long = offsets - onsets >= self.options.minimum_ms / 1000 - 1e-9
        onsets = np.maximum(0.0, onsets + self.options.onset_shift_ms / 1000)
        offsets = np.maximum(offsets, onsets)  # a shift may be longer than a note
        return onsets[long], offsets[long], pitches[long], velocities[long]

    def _append(self, frames: np.ndarray, times: np.ndarray) -> None:
        """Add semitone frames; decide those whose past and future are known; drop the rest."""
        if len(times):
            self._last_time = float(times[-1])
        self._frames = np.concatenate([self._frames, frames])
        self._times = np.concatenate([self._times, times])
        end = len(self._frames) - self._future
        if end <= self._past:
            return
        self._decide(self._past, end)
        self._frames = self._frames[end - self._past :]
        self._times = self._times[end - self._past :]

    def _decide(self, first: int, end: int) -> None:
        """Find the peaks and the ends in frames [first, end) and play them through the state."""
        a, options = self._frames, self.options
        here, before = a[first:end], a[first - 1 : end - 1]
        peak, rise = self._peak, self._rise
        top = _extremes(np.maximum, a, 2 * peak + 1)[first - peak : end - peak]
        low = _extremes(np.minimum, a, rise + 1)[first - rise : end - rise]
        strike = (here >= options.onset_threshold) & (here >= top) & (here > before)
        strike &= here - low >= options.rise
        ahead = _extremes(np.maximum, a, self._gap)[first - 1 : end]
        silent = ahead < options.sustain_threshold
        ends = silent[1:] & ~silent[:-1]
        rows, keys = np.nonzero(strike)
        strikes = self._locate(rows, keys, first, low)
        stops = [(int(t) + first, int(k), -1, 0.0) for t, k in zip(*np.nonzero(ends), strict=True)]
        for frame, key, onset, value in sorted(strikes + stops):
            if onset < 0:
                self._end(key, float(self._times[frame]))
            else:
                self._strike(key, float(self._times[onset]), value)

    def _locate(
        self, rows: np.ndarray, keys: np.ndarray, first: int, low: np.ndarray
    ) -> list[tuple[int, int, int, float]]:
        """(peak frame, key, onset frame, peak value): where each rise last crosses its middle."""
        peaks = self._frames[rows + first, keys]
        middle = (peaks + low[rows, keys]) / 2
        look = np.arange(-self._rise, 1)
        history = self._frames[(rows + first)[:, None] + look, keys[:, None]]
        below = history < middle[:, None]
        last_below = len(look) - 1 - np.argmax(below[:, ::-1], axis=1)
        onsets = rows + first - self._rise + last_below + 1
        return list(
            zip(
                (rows + first).tolist(), keys.tolist(), onsets.tolist(), peaks.tolist(), strict=True
            )
        )

    def _strike(self, key: int, onset: float, value: float) -> None:
        held = self._sounding.get(key)
        if held is not None:
            if onset - held[0] < self.options.restrike_ms / 1000:
                self._sounding[key] = (held[0], max(held[1], value))
                return
            self._end(key, onset)
        self._sounding[key] = (onset, value)

    def _end(self, key: int, offset: float) -> None:
        held = self._sounding.pop(key, None)
        if held is not None:
            velocity = float(np.clip(round(127 * held[1]), 1, 127))
            self._notes.append((held[0], max(offset, held[0]), LOWEST_PITCH + key, velocity))


def _clip_to_next_onset(onsets: np.ndarray, offsets: np.ndarray, pitches: np.ndarray) -> None:
    """In place: no note outlasts the next one of its pitch."""
    order = np.lexsort((onsets, pitches))
    same = pitches[order[1:]] == pitches[order[:-1]]
    earlier, later = order[:-1][same], order[1:][same]
    offsets[earlier] = np.minimum(offsets[earlier], onsets[later])
