"""Modelled pianos: additive synthesis with random but physically plausible parameters.

SoundFonts hold a handful of pianos; users have others. A seed decides one piano: how stiff its
strings are, where its hammers strike, how fast partials die, how its soundboard colours them and
how its unisons beat. Partials follow f_k = k·f0·√((1+Bk²)/(1+B)) with the curve of Rigaud, David &
Daudet ("A parametric model and estimation techniques for the inharmonicity and tuning of the
piano", JASA 2013) scaled by a factor of the piano.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from pi_amt.core.partials import piano_inharmonicity
from pi_amt.core.units import cents_to_ratio, midi_to_hz

SAMPLE_RATE_HZ = 22_050
_MAX_PARTIALS = 48


@dataclass(frozen=True)
class PianoModel:
    """Parameters of one piano, drawn from its seed."""

    stiffness_factor: float
    strike_point: float  # fraction of the string's length
    brightness_db_per_octave: float
    softness_db_per_octave: float  # extra tilt between the loudest and the softest touch
    decay_seconds_at_a4: float
    decay_slope: float  # per octave, in octaves of time
    partial_decay_slope: float
    prompt_share: float  # of the amplitude, in the fast first stage of the decay
    unison_cents: float
    knock_level: float
    board_hz: np.ndarray  # soundboard colour: gains (dB) at frequencies (Hz)
    board_db: np.ndarray
    jitter_db: float


@lru_cache(maxsize=64)
def draw_model(seed: int) -> PianoModel:
    """The piano of a seed."""
    rng = np.random.default_rng([seed, 88])
    board_hz = np.geomspace(30, 11_025, 24)
    return PianoModel(
        stiffness_factor=float(2 ** rng.uniform(-1.2, 1.2)),
        strike_point=float(rng.uniform(0.09, 0.16)),
        brightness_db_per_octave=float(rng.uniform(-10, -3.5)),
        softness_db_per_octave=float(rng.uniform(2, 6)),
        decay_seconds_at_a4=float(2 ** rng.uniform(-1.2, 1.0)),
        decay_slope=float(rng.uniform(0.5, 0.9)),
        partial_decay_slope=float(rng.uniform(0.4, 0.9)),
        prompt_share=float(rng.uniform(0.4, 0.85)),
        unison_cents=float(rng.uniform(0.1, 2.0)),
        knock_level=float(10 ** rng.uniform(-2.6, -1.3)),
        board_hz=board_hz,
        board_db=rng.normal(0, rng.uniform(2, 5), 24),
        jitter_db=float(rng.uniform(1, 4)),
    )


def modelled_piano_note(seed: int, pitch: int, velocity: int, n_samples: int) -> np.ndarray:
    """One held note float32 (n_samples,) at 22,050 Hz, peak well under 1."""
    model = draw_model(seed)
    rng = np.random.default_rng([seed, pitch])  # the same strings at every velocity
    f0 = float(midi_to_hz(pitch + rng.normal(0, 0.015)))
    stiffness = float(piano_inharmonicity(pitch)) * model.stiffness_factor
    k = np.arange(1, _MAX_PARTIALS + 1)
    frequencies = k * f0 * np.sqrt((1 + stiffness * k**2) / (1 + stiffness))
    keep = frequencies < 0.48 * SAMPLE_RATE_HZ
    k, frequencies = k[keep], frequencies[keep]
    touch = (velocity / 127) ** 0.7
    tilt = model.brightness_db_per_octave - model.softness_db_per_octave * (1 - touch)
    level_db = tilt * np.log2(k) + rng.normal(0, model.jitter_db, _MAX_PARTIALS)[: len(k)]
    level_db += np.interp(np.log(frequencies), np.log(model.board_hz), model.board_db)
    # The lowest strings are too short and thin to radiate their fundamentals.
    level_db += 12 * np.minimum(0, np.log2(frequencies / 110))
    amplitudes = 10 ** (level_db / 20) * np.abs(np.sin(np.pi * k * model.strike_point))
    octaves = (pitch - 69) / 12
    slow = model.decay_seconds_at_a4 * 2 ** (-model.decay_slope * octaves)
    slow = slow * 4 * k ** (-model.partial_decay_slope) * 2 ** rng.normal(0, 0.4, len(k))
    time = np.arange(n_samples, dtype=np.float32) / SAMPLE_RATE_HZ
    out = _partials(frequencies, amplitudes, slow, model, rng, time)
    attack = rng.uniform(0.0008, 0.006) * (1.5 - touch)
    out *= 1 - np.exp(-time / attack)
    out *= 0.25 / max(1e-9, float(np.abs(out[: SAMPLE_RATE_HZ // 4]).max()))
    knock = rng.standard_normal(n_samples).astype(np.float32) * np.exp(-time / 0.012)
    knock = np.convolve(knock[:2048], np.hanning(40) / 12)[:2048].astype(np.float32)
    out[: len(knock)] += model.knock_level * knock
    return np.asarray(out * (velocity / 127) ** 2 * 2, np.float32)


def _partials(
    frequencies: np.ndarray,
    amplitudes: np.ndarray,
    slow_seconds: np.ndarray,
    model: PianoModel,
    rng: np.random.Generator,
    time: np.ndarray,
) -> np.ndarray:
    """Sum of partials float32 (samples,): two strings each, a fast and a slow decay."""
    out = np.zeros(len(time), np.float32)
    loud = amplitudes > amplitudes.max() * 1e-3
    for frequency, amplitude, slow in zip(
        frequencies[loud], amplitudes[loud], slow_seconds[loud], strict=True
    ):
        detune = float(cents_to_ratio(model.unison_cents * rng.normal()))
        phase = rng.uniform(0, 2 * np.pi, 2)
        # float32 phases would lose the tone after seconds; wrap in float64 first.
        first = (frequency * time.astype(np.float64)) % 1.0
        second = (frequency * detune * time.astype(np.float64)) % 1.0
        tone = np.sin(2 * np.pi * first.astype(np.float32) + np.float32(phase[0]))
        tone += 0.7 * np.sin(2 * np.pi * second.astype(np.float32) + np.float32(phase[1]))
        decay = model.prompt_share * np.exp(-time * np.float32(4 / slow))
        decay += (1 - model.prompt_share) * np.exp(-time / np.float32(slow))
        out += np.float32(amplitude) * tone.astype(np.float32) * decay.astype(np.float32)
    return out
