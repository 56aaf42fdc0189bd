"""Conversions between the units of the field, as ``a_to_b`` functions.

Pitch is a MIDI number (69 = A4 = 440 Hz, fractions allowed), intervals are cents, levels are dB.
This is the only place in the package that writes ``2 ** (x / 12)``. Every function takes floats or
arrays of any shape and returns float64 of the same shape.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
#: sound ``(samples,)``, mono
Samples = NDArray[np.float32]

A4_HZ = 440.0
A4_MIDI = 69.0


def midi_to_hz(midi: ArrayLike) -> Floats:
    """MIDI number → frequency in Hz (equal temperament, A4 = 440 Hz)."""
    return A4_HZ * cents_to_ratio(100.0 * (np.asarray(midi, dtype=np.float64) - A4_MIDI))


def hz_to_midi(hz: ArrayLike) -> Floats:
    """Frequency in Hz (> 0) → MIDI number."""
    return A4_MIDI + ratio_to_cents(np.asarray(hz, dtype=np.float64) / A4_HZ) / 100.0


def hz_to_mel(hz: ArrayLike) -> Floats:
    """Frequency in Hz → mel, by the formula of O'Shaughnessy and of HTK."""
    return np.asarray(2595.0 * np.log10(1.0 + np.asarray(hz, dtype=np.float64) / 700.0))


def mel_to_hz(mel: ArrayLike) -> Floats:
    """Mel → frequency in Hz, see :func:`hz_to_mel`."""
    return np.asarray(700.0 * (10.0 ** (np.asarray(mel, dtype=np.float64) / 2595.0) - 1.0))


def cents_to_ratio(cents: ArrayLike) -> Floats:
    """Interval in cents → frequency ratio."""
    return np.asarray(2.0 ** (np.asarray(cents, dtype=np.float64) / 1200.0))


def ratio_to_cents(ratio: ArrayLike) -> Floats:
    """Frequency ratio (> 0) → interval in cents."""
    return np.asarray(1200.0 * np.log2(np.asarray(ratio, dtype=np.float64)))


def db_to_amplitude(db: ArrayLike) -> Floats:
    """Level in dB → amplitude factor (20 dB = a factor of 10)."""
    return np.asarray(10.0 ** (np.asarray(db, dtype=np.float64) / 20.0))


def db_to_power_ratio(db: ArrayLike) -> Floats:
    """Level in dB → ratio of powers or energies (10 dB = a factor of 10)."""
    return np.asarray(10.0 ** (np.asarray(db, dtype=np.float64) / 10.0))


def power_ratio_to_db(ratio: ArrayLike) -> Floats:
    """Ratio of powers or energies (≥ 0) → dB; zero gives −inf without a warning."""
    with np.errstate(divide="ignore"):
        return np.asarray(10.0 * np.log10(np.asarray(ratio, dtype=np.float64)))


def seconds_to_frames(seconds: ArrayLike, frame_rate: float) -> NDArray[np.int64]:
    """Time in seconds → nearest frame number at ``frame_rate`` frames per second."""
    return np.rint(np.asarray(seconds, dtype=np.float64) * frame_rate).astype(np.int64)


def frames_to_seconds(frames: ArrayLike, frame_rate: float) -> Floats:
    """Frame number → time in seconds at ``frame_rate`` frames per second."""
    return np.asarray(np.asarray(frames, dtype=np.float64) / frame_rate)
