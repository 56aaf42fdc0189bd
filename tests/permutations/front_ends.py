"""Mel and STFT front ends on steady tones: magnitudes of a Hann window of 93 ms, in numpy."""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from pi_amt.core.notes import Notes
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.core.units import Floats, Samples, power_ratio_to_db
from pi_amt.permutations.regions import Mask

AXES = ("stft", "mel")
RATE, WINDOW, HOP = 22_050, 2048, 512
SECONDS = 1.0


def mel_to_hz(mel: Floats) -> Floats:
    return np.asarray(700.0 * (10.0 ** (mel / 2595.0) - 1.0))


@cache
def axis(kind: str) -> tuple[Floats, Floats]:
    """Centre frequencies ``(bins,)`` and weights ``(bins, STFT bins)`` on power: every STFT bin but
    the lowest, or 229 triangles evenly spaced in mel from 30 to 8000 Hz."""
    hz = np.arange(WINDOW // 2 + 1) * (RATE / WINDOW)
    if kind == "stft":
        return np.asarray(hz[1:], np.float64), np.eye(len(hz))[1:]
    lowest, highest = (2595.0 * math.log10(1.0 + end / 700.0) for end in (30.0, 8000.0))
    corners = mel_to_hz(np.linspace(lowest, highest, 231))
    low, centre, high = (corners[i : i + 229, None] for i in range(3))
    weights = np.minimum((hz - low) / (centre - low), (high - hz) / (high - centre))
    return centre[:, 0], np.maximum(weights, 0.0)


def power_of(kind: str, hz: Floats) -> Floats:
    """Power ``(tones, bins)`` of steady tones of amplitude 1, mean over their phases."""
    times = (np.arange(WINDOW) - WINDOW / 2) / RATE
    waves = np.hanning(WINDOW) * np.exp(2j * np.pi * np.asarray(hz)[:, None] * times)
    positive, negative = np.fft.rfft(waves.real), np.fft.rfft(waves.imag)
    return np.asarray((abs(positive) ** 2 + abs(negative) ** 2) / 2 @ axis(kind)[1].T)


def tone(kind: str, hz: float, *, knows_its_response: bool = False) -> Spectrogram:
    """A steady tone through the front end, 20 frames of it."""
    times = np.linspace(0.0, SECONDS, 20)[None]
    values = np.sqrt(power_of(kind, np.array([hz])))[0][None, :, None].repeat(20, axis=2)
    frequencies = axis(kind)[0]
    return Spectrogram(
        values.astype(np.float32),
        frequencies,
        times,
        np.full(len(frequencies), WINDOW / RATE),
        19.0,
        round(SECONDS * RATE),
        RATE,
        response=(lambda tones: power_of(kind, tones)) if knows_its_response else None,
    )


def held(pitch: float) -> Notes:
    """One note from beginning to end."""
    return Notes.from_arrays([0.0], [SECONDS], [pitch])


def left_db(spectrogram: Spectrogram, mask: Mask) -> float:
    """What is left of a spectrogram outside a mask, dB."""
    power = np.asarray(spectrogram.values, dtype=np.float64) ** 2
    return float(power_ratio_to_db(power[~mask].sum() / power.sum()))


def analyze(kind: str, sound: Samples, *, wide: bool = False, knows: bool = True) -> Spectrogram:
    """A sound at ``RATE`` through the front end, its power added up over the filters.

    Args:
        kind: of the axis.
        sound: ``(samples,)``.
        wide: whether each bin also hears what its four neighbours on either side hear.
        knows: whether the front end gives its response.
    """
    hz, weights = axis(kind)
    spread = np.eye(len(hz))
    if wide:
        spread = sum((np.eye(len(hz), k=k) for k in range(-4, 5)), np.zeros_like(spread))
    padded = np.pad(sound.astype(np.float64), WINDOW // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    power = np.abs(np.fft.rfft(frames * np.hanning(WINDOW))) ** 2 @ weights.T @ spread
    return Spectrogram(
        np.sqrt(power).T[None].astype(np.float32),
        hz,
        np.arange(len(power), dtype=np.float64)[None] * HOP / RATE,
        np.full(len(hz), WINDOW / RATE),
        RATE / HOP,
        len(sound),
        RATE,
        response=(lambda tones: power_of(kind, tones) @ spread) if knows else None,
    )
