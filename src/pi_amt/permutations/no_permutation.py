"""``no_permutation``: the baseline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from pi_amt.core.notes import Notes
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.permutations.permutation import Neighbour, Permutation


@dataclass(frozen=True)
class NoPermutation(Permutation):
    """Nothing is touched: bit-identical to running the model without us."""

    name: ClassVar[str] = "no_permutation"
    summary: ClassVar[str] = "baseline: nothing is touched"

    def draw(
        self,
        spectrogram: Spectrogram,
        notes: Notes | None,
        key: int,
        neighbour: Neighbour | None = None,
    ) -> None:
        return None

    def apply(self, spectrogram: Spectrogram, parameters: Any) -> Spectrogram:
        return spectrogram
