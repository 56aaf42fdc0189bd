"""A small transcriber of somebody's, which knows nothing of pi_amt.

Every key adds up the logarithmic spectrum at its first five partials, the higher ones with less
weight. A note is where a key stays stronger than its neighbours for a tenth of a second.
"""

from __future__ import annotations

import numpy as np
import torch

RATE, WINDOW, HOP = 16000, 2048, 320
KEYS = np.arange(36, 91)  # MIDI numbers
THRESHOLD, SHORTEST = 1.6, 5  # of the sum, and frames


class LogSpectrum(torch.nn.Module):
    """log(1 + magnitude), ``(batch, bins, frames)``, without the bin at 0 Hz."""

    def forward(self, sound: torch.Tensor) -> torch.Tensor:
        window = torch.hann_window(WINDOW)
        found = torch.stft(sound, WINDOW, HOP, window=window, return_complex=True)
        return torch.log1p(found[:, 1:].abs())


class HarmonicSum(torch.nn.Module):
    """Sound ``(batch, samples)`` → strength of each key ``(batch, keys, frames)``."""

    def __init__(self) -> None:
        super().__init__()
        self.spectrum = LogSpectrum()
        partials = np.arange(1, 6)
        hz = 440 * 2 ** ((KEYS[:, None] - 69) / 12) * partials
        bins = np.rint(hz * WINDOW / RATE).astype(int) - 1
        weights = np.zeros((len(KEYS), WINDOW // 2), dtype=np.float32)
        np.put_along_axis(weights, bins, 0.5**partials / (0.5**partials).sum(), axis=1)
        self.weights = torch.nn.Parameter(torch.from_numpy(weights))

    def forward(self, sound: torch.Tensor) -> torch.Tensor:
        return self.weights @ self.spectrum(sound)


model = HarmonicSum()


@torch.no_grad()
def find_notes(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Onsets and offsets in seconds, and MIDI numbers, of mono sound at 16,000 Hz."""
    strength = model(torch.from_numpy(samples)[None])[0].numpy()
    around = np.pad(strength, ((1, 1), (0, 0)))
    sounds = (strength > around[:-2]) & (strength >= around[2:]) & (strength > THRESHOLD)
    steps = np.diff(np.pad(sounds, ((0, 0), (1, 1))).astype(int))
    key, onset = np.nonzero(steps == 1)
    offset = np.nonzero(steps == -1)[1]
    long = offset - onset >= SHORTEST
    return onset[long] * HOP / RATE, offset[long] * HOP / RATE, KEYS[key[long]]
