"""Synthetic recordings at 22,050 Hz."""

from __future__ import annotations

import numpy as np

from pi_amt.core.units import Samples, midi_to_hz

RATE = 22_050


def polyphony(seconds: float, seed: int = 0, notes_per_second: float = 8.0) -> Samples:
    """Decaying harmonic tones at random times and pitches, peak 0.9."""
    rng = np.random.default_rng(seed)
    samples = np.zeros(int(seconds * RATE))
    for _ in range(int(seconds * notes_per_second)):
        start = int(rng.integers(0, max(1, len(samples) - 1000)))
        time = np.arange(min(len(samples) - start, int(rng.uniform(0.1, 1.5) * RATE))) / RATE
        frequency = float(midi_to_hz(rng.integers(28, 96)))
        level = rng.uniform(0.2, 1.0)
        for k in range(1, int(min(10, 10_000 // frequency)) + 1):
            wave = np.sin(2 * np.pi * k * frequency * time + rng.uniform(0, 2 * np.pi))
            samples[start : start + len(time)] += level / k * np.exp(-3 * time) * wave
    return np.asarray(0.9 * samples / np.abs(samples).max(), dtype=np.float32)


def noise(seconds: float, level: float = 0.1) -> Samples:
    """White noise of this RMS."""
    rng = np.random.default_rng(1)
    return np.asarray(level * rng.standard_normal(int(seconds * RATE)), dtype=np.float32)


def oracle_recordings() -> dict[str, Samples]:
    """Recordings on which the published model is the oracle."""
    music = polyphony(6.0)
    gap = polyphony(5.0, seed=2)
    gap[RATE : 4 * RATE] = 0.0
    return {
        "polyphony": music,
        "noise": noise(4.0),
        "silence": np.zeros(3 * RATE, np.float32),
        "music_around_silence": gap,
        "loud": 20.0 * music[: 3 * RATE],
        "clipped": np.clip(5.0 * music[: 3 * RATE], -1, 1),
        "quiet": 1e-3 * music[: 3 * RATE],
        "very_quiet": 1e-5 * music[: 3 * RATE],
        "one_window_to_the_sample": music[: 43_844 - 3_840],
        "one_sample_more": music[: 43_844 - 3_839],
        "half_a_second": music[: RATE // 2],
        "300_samples": music[:300],
        "257_samples": noise(1.0)[:257],
        "click": np.eye(1, RATE, RATE // 2, dtype=np.float32)[0],
    }
