"""``random``: a share of the bins of each frame is shuffled."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch

from pi_amt.core.checks import check_range
from pi_amt.core.notes import Notes
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.permutations.permutation import Neighbour
from pi_amt.permutations.shuffles import Moves, Shuffle, shuffle_drawn


@dataclass(frozen=True)
class Random(Shuffle):
    """Each frame: ``round(p · bins)`` bins are drawn and shuffled uniformly among themselves.

    Fixed points are allowed; the other bins do not move. Doses are nested: the bins drawn at
    p = 0.1 are among those drawn at 0.2.

    Attributes:
        p: share of the bins, 0–1.
    """

    p: float = 0.1

    name: ClassVar[str] = "random"
    summary: ClassVar[str] = "a share p of the bins of each frame is shuffled"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("p", self.p, 0.0, 1.0)

    def draw(
        self,
        spectrogram: Spectrogram,
        notes: Notes | None,
        key: int,
        neighbour: Neighbour | None = None,
    ) -> Moves:
        bins = len(spectrogram.frequencies)
        count = math.floor(self.p * bins + 0.5)
        return shuffle_drawn(
            spectrogram, torch.tensor(bins), torch.tensor(count), key, self.draw_mode
        )
