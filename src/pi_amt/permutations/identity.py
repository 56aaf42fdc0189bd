"""``identity``: the whole machinery at dose 0."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from pi_amt.core.notes import Notes
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.permutations.fund_mask import FundMask
from pi_amt.permutations.permutation import Neighbour, Permutation
from pi_amt.permutations.random import Random


@dataclass(frozen=True)
class Identity(Permutation):
    """Control: a mask that attenuates by 0 dB, then a shuffle of no bins.

    Runs the code of masks, fills and shuffles, and must be bit-identical to ``no_permutation``.
    """

    name: ClassVar[str] = "identity"
    summary: ClassVar[str] = "control: the whole machinery at dose 0"
    needs_notes = True

    def draw(
        self,
        spectrogram: Spectrogram,
        notes: Notes | None,
        key: int,
        neighbour: Neighbour | None = None,
    ) -> list[tuple[Permutation, Any]]:
        steps = [FundMask(fill="attenuate", attenuation_db=0.0), Random(p=0.0)]
        return [(step, step.draw(spectrogram, notes, key)) for step in steps]

    def apply(self, spectrogram: Spectrogram, parameters: Any) -> Spectrogram:
        for step, drawn in parameters:
            spectrogram = step.apply(spectrogram, drawn)
        return spectrogram
