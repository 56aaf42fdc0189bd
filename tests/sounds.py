"""Audio for tests: a tone, and noise in a file format."""

from __future__ import annotations

import io

import numpy as np
import soundfile

RATE = 22_050


def tone(seconds: float, rate: int = RATE, hz: float = 440.0) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)


def encoded(suffix: str, subtype: str | None = None, seconds: float = 3.0) -> bytes:
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, round(RATE * seconds))
    file = io.BytesIO()
    soundfile.write(file, noise, RATE, format=suffix.upper(), subtype=subtype)
    return file.getvalue()
