"""``floor``: what is left of F when the input's frequency axis means nothing any more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pi_amt.core.notes import Notes
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.permutations.permutation import Neighbour
from pi_amt.permutations.random import Random
from pi_amt.permutations.shuffles import Moves, Shuffle


@dataclass(frozen=True)
class Floor(Shuffle):
    """Control: ``random`` with p = 1; the F that is left is the floor of every drop."""

    name: ClassVar[str] = "floor"
    summary: ClassVar[str] = "control: all bins of each frame are shuffled, measures F_floor"

    def draw(
        self,
        spectrogram: Spectrogram,
        notes: Notes | None,
        key: int,
        neighbour: Neighbour | None = None,
    ) -> Moves:
        return Random(p=1.0, draw_mode=self.draw_mode).draw(spectrogram, notes, key)
