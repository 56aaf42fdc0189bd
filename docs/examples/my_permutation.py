"""A permutation of one's own: the spectrum tilts by so many dB per octave above a corner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from pi_amt import Neighbour, Notes, Permutation, Spectrogram, db_to_amplitude


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

    def draw(
        self,
        spectrogram: Spectrogram,
        notes: Notes | None,
        key: int,
        neighbour: Neighbour | None = None,
    ) -> NDArray[np.float32]:
        """Gains ``(bins,)``."""
        octaves = np.maximum(np.log2(spectrogram.frequencies / self.corner_hz), 0.0)
        return db_to_amplitude(-self.db_per_octave * octaves).astype(np.float32)

    def apply(self, spectrogram: Spectrogram, parameters: Any) -> Spectrogram:
        """Multiply; real and imaginary parts alike."""
        values = spectrogram.tensor
        gains = torch.from_numpy(parameters).to(values.device)
        return spectrogram.with_values(values * gains[:, None])
