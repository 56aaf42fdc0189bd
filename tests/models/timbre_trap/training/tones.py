"""A bank whose every note is a pure tone: cheap to make, and its frequency is known."""

from __future__ import annotations

import numpy as np

from pi_amt.core.notes import LOWEST_PITCH, N_PITCHES
from pi_amt.models.timbre_trap.training.banks import (
    HOLD_SAMPLES,
    SAMPLE_RATE_HZ,
    VELOCITIES,
    Bank,
    Instrument,
)


def tone_bank(name: str = "tones", pitches: range = range(40, 105)) -> Bank:
    """Sines of the given MIDI pitches at half of full scale; the rest of the keyboard is silent."""
    time = np.arange(HOLD_SAMPLES) / SAMPLE_RATE_HZ
    notes = np.zeros((N_PITCHES, HOLD_SAMPLES), np.int16)
    for pitch in pitches:
        hz = 440 * 2 ** ((pitch - 69) / 12)
        notes[pitch - LOWEST_PITCH] = 16_000 * np.sin(2 * np.pi * hz * time)
    layers = np.broadcast_to(notes, (len(VELOCITIES), N_PITCHES, HOLD_SAMPLES))
    return Bank(Instrument(name, "none"), layers)
