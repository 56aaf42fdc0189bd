"""Partials of piano tones: where they lie, stiff strings included."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from pi_amt.core.notes import LOWEST_PITCH, N_PITCHES
from pi_amt.core.units import Floats, cents_to_ratio, midi_to_hz

#: kind of strings → how stiff they are, in units of a typical piano's
STIFFNESSES = {"piano": 1.0, "none": 0.0}
INHARMONICITIES = tuple(STIFFNESSES)


def piano_inharmonicity(pitches: ArrayLike) -> Floats:
    """Inharmonicity coefficient B of a typical piano string (Rigaud et al. 2013, eq. 18).

    ``B(m) = exp(0.0926 m − 13.64) + exp(−0.0847 m − 5.82)``; outside of the piano (MIDI 21–108)
    it is that of the nearest string.
    """
    m = np.asarray(pitches, dtype=np.float64)
    m = np.clip(m, LOWEST_PITCH, LOWEST_PITCH + N_PITCHES - 1)
    return np.asarray(np.exp(0.0926 * m - 13.64) + np.exp(-0.0847 * m - 5.82))


def partial_frequencies(
    pitches: ArrayLike,
    partials: ArrayLike,
    *,
    inharmonicity: str | float = "piano",
    tuning_cents: float = 0.0,
) -> Floats:
    """Frequencies in Hz of partials of notes: ``f_k = k·f0·√((1 + B·k²)/(1 + B))``.

    Args:
        pitches: MIDI numbers, any shape.
        partials: partial numbers k (1 = fundamental), broadcast against ``pitches``.
        inharmonicity: ``piano`` (:func:`piano_inharmonicity`), ``none`` (B = 0), or a number: how
            many times as stiff as a typical piano's the strings are.
        tuning_cents: deviation of the recording from A4 = 440 Hz.
    """
    m, k = np.asarray(pitches, dtype=np.float64), np.asarray(partials, dtype=np.float64)
    stiffness = STIFFNESSES[inharmonicity] if isinstance(inharmonicity, str) else inharmonicity
    b = piano_inharmonicity(m) * stiffness
    stretch = np.sqrt((1.0 + b * k**2) / (1.0 + b))
    return np.asarray(k * midi_to_hz(m) * stretch * cents_to_ratio(tuning_cents))
