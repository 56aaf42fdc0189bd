"""Spectrograms of both kinds with known contents, and a small front end for synthetic tones.

``real`` has the geometry of a CQT with 36 bins per octave, ``complex`` that of a sliCQ with 60
bins per octave that sits 3.44 cents flat of every note; both are smaller than the models' own.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi_amt.core.notes import Notes
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.core.units import Floats, cents_to_ratio, midi_to_hz
from pi_amt.permutations.permutation import Neighbour, Permutation, Scene
from pi_amt.permutations.regions import Mask

KINDS = ("real", "complex")
SAMPLE_RATE = 22_050
FRAMES = 48
HOP = 256
RATE = SAMPLE_RATE / HOP
#: blocks overlap by a third, so overlapping frames can be compared
BLOCK_STEP = 32


def geometry(kind: str) -> tuple[Floats, Floats]:
    """Centre frequencies (Hz) and window lengths (s) of the bins."""
    if kind == "real":
        frequencies = 27.5 * cents_to_ratio(np.arange(309) * 100.0 / 3.0)
        return frequencies, 51.44 / frequencies
    frequencies = midi_to_hz(16.7656 + np.arange(540) / 5.0)
    return frequencies, np.minimum(4.0 / (frequencies * 0.023106), 3.0)


def times_of(first_block: int, blocks: int) -> Floats:
    """``(blocks, frames)`` seconds, on the grid of absolute frames."""
    start = (np.arange(first_block, first_block + blocks) * BLOCK_STEP)[:, None]
    return np.asarray((start + np.arange(FRAMES)) / RATE)


def make_spectrogram(
    kind: str, blocks: int = 3, first_block: int = 0, tuning_cents: float = 0.0
) -> Spectrogram:
    """Noise that is the same wherever two blocks overlap, at any ``first_block``."""
    frequencies, window_seconds = geometry(kind)
    times = times_of(first_block, blocks)
    numbers = np.rint(times * RATE).astype(int)
    columns = {n: _column(kind, n, len(frequencies)) for n in np.unique(numbers)}
    values = np.stack([np.stack([columns[n] for n in row], axis=1) for row in numbers])
    return Spectrogram(
        values, frequencies, times, window_seconds, RATE, 10_000_000, SAMPLE_RATE, tuning_cents
    )


def _column(kind: str, number: int, bins: int) -> NDArray[np.float32] | NDArray[np.complex64]:
    rng = np.random.default_rng(1000 + number)
    if kind == "real":
        return rng.rayleigh(size=bins).astype(np.float32)
    return (rng.normal(size=bins) + 1j * rng.normal(size=bins)).astype(np.complex64)


def make_notes(*notes: tuple[float, float, float]) -> Notes:
    """Notes from (onset, offset, pitch), sorted by onset."""
    ordered = sorted(notes)
    columns = np.array(ordered, dtype=np.float64).reshape(-1, 3)
    return Notes(columns[:, 0], columns[:, 1], columns[:, 2], np.full(len(ordered), 80.0))


def random_notes(n: int = 40, seconds: float = 2.0, seed: int = 0) -> Notes:
    """Overlapping notes of the piano's middle."""
    rng = np.random.default_rng(seed)
    onsets = rng.uniform(-0.2, seconds, n).clip(0.0)
    pitches = rng.integers(33, 89, n).astype(float)
    return make_notes(*zip(onsets, onsets + rng.uniform(0.05, 0.6, n), pitches, strict=True))


@cache
def make_neighbour(kind: str, seed: int = 7) -> Neighbour:
    """Another recording: other notes, and a pool of one-second blocks for donors."""
    frequencies, window_seconds = geometry(kind)
    frames = 90
    rng = np.random.default_rng(seed)
    values = rng.rayleigh(size=(4, len(frequencies), frames)).astype(np.float32)
    times = np.arange(4)[:, None] + np.arange(frames) / RATE
    pool = Spectrogram(
        values if kind == "real" else values * np.exp(1j * values).astype(np.complex64),
        frequencies,
        times,
        window_seconds,
        RATE,
        100_000,
        SAMPLE_RATE,
    )
    return Neighbour("another", random_notes(seed=seed), pool)


def tone_spectrogram(
    notes: Notes, kind: str, partials: int = 6, seconds: float = 2.0, tuning_cents: float = 0.0
) -> Spectrogram:
    """Harmonic tones through a small CQT: Hann windows of Q = 51.44, one block, 110–1760 Hz.

    Every note sounds with ``partials`` exact harmonics of equal strength.
    """
    rate = 4_000
    t = np.arange(int(seconds * rate)) / rate
    sound = np.zeros(len(t))
    for onset, offset, hz in zip(notes.onsets, notes.offsets, notes.frequencies, strict=True):
        f0 = hz * float(cents_to_ratio(tuning_cents))
        tone = sum(np.sin(2 * np.pi * k * f0 * t + k) for k in range(1, partials + 1))
        sound += tone * ((t >= onset) & (t < offset))
    frequencies = 110.0 * cents_to_ratio(np.arange(144) * 100.0 / 3.0)
    window_seconds = 51.44 / frequencies
    times = np.arange(0.0, seconds, 0.02)
    values = np.stack(
        [
            _project(sound, rate, f, w, times)
            for f, w in zip(frequencies, window_seconds, strict=True)
        ]
    )[None]
    values = np.abs(values).astype(np.float32) if kind == "real" else values.astype(np.complex64)
    return Spectrogram(
        values,
        frequencies,
        times[None],
        window_seconds,
        50.0,
        len(t),
        rate,
        tuning_cents,
    )


def _project(
    sound: Floats, rate: int, hz: float, window_seconds: float, times: Floats
) -> NDArray[np.complex128]:
    length = int(window_seconds * rate) | 1
    padded = np.pad(sound, length)
    kernel = np.hanning(length) * np.exp(-2j * np.pi * hz * (np.arange(length) / rate))
    start = np.rint(times * rate).astype(int) + length - length // 2
    windows = np.lib.stride_tricks.sliding_window_view(padded, length)[start]
    return np.asarray(windows @ kernel / np.hanning(length).sum() * 2.0)


def nearest_bin(spectrogram: Spectrogram, hz: float) -> int:
    """Number of the bin nearest to a frequency, in pitch."""
    return int(np.abs(np.log(spectrogram.frequencies / hz)).argmin())


def with_contents(spectrogram: Spectrogram, values: NDArray[Any]) -> Spectrogram:
    """The same geometry and type with other contents, broadcast to its shape."""
    like = np.asarray(spectrogram.values)
    return spectrogram.with_values(np.broadcast_to(values, like.shape).astype(like.dtype))


def changed(before: Spectrogram, after: Spectrogram) -> NDArray[np.bool_]:
    """``(blocks, bins, frames)`` bool: where the bits differ."""
    return np.asarray(bits(before) != bits(after))


def bits(spectrogram: Spectrogram) -> NDArray[np.int64] | NDArray[np.int32]:
    """Values as integers: equal exactly where all their bits are."""
    values = np.ascontiguousarray(np.asarray(spectrogram.values))
    if values.dtype == np.complex64:
        return values.view(np.int64)
    return values.view(np.int32)


def target_of(
    permutation: Permutation,
    spectrogram: Spectrogram,
    notes: Notes | None = None,
    key: int = 0,
    neighbour: Neighbour | None = None,
) -> Mask:
    """``(blocks, bins, frames)`` bool: the feature that a permutation says it removes."""
    target = permutation.draw(Scene(spectrogram, notes, key, neighbour)).target
    assert target is not None
    return target
