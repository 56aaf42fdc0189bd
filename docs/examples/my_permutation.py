"""A permutation of one's own: the spectrum tilts by so many dB per octave above a corner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from pi_amt import Change, Permutation, Scene, Spectrogram, db_to_amplitude


@dataclass(frozen=True)
class Tilt(Permutation):
    """Bins above ``corner_hz`` fall by ``db_per_octave``; those below stay bit-identical.

    Attributes:
        db_per_octave: dB, at least 0.
        corner_hz: Hz.
    """

    db_per_octave: float = 6.0
    corner_hz: float = 1000.0

    name: ClassVar[str] = "tilt"
    summary: ClassVar[str] = "bins above corner_hz fall by db_per_octave"

    def __post_init__(self) -> None:
        if self.db_per_octave < 0:
            raise ValueError(f"db_per_octave: got {self.db_per_octave}, expected at least 0")

    def draw(self, scene: Scene) -> Change:
        """Decide on one gain for each bin."""
        octaves = np.maximum(np.log2(scene.spectrogram.frequencies / self.corner_hz), 0.0)
        gains = torch.from_numpy(db_to_amplitude(-self.db_per_octave * octaves)).float()

        def tilt(clean: Spectrogram) -> Spectrogram:
            # complex values keep their phase: real and imaginary parts are multiplied alike
            return clean.with_values(clean.tensor * gains.to(clean.tensor.device)[:, None])

        return Change(tilt)
