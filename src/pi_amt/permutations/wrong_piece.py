"""``wrong_piece``: a mask that was made from another recording's notes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from pi_amt.core.notes import Notes
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.permutations.counterpart import Counterpart
from pi_amt.permutations.permutation import Neighbour
from pi_amt.permutations.regions import COUNTED_PARTIALS, Mask, partial_mask


@dataclass(frozen=True)
class WrongPiece(Counterpart):
    """Control: the target mask, from the notes of the next track.

    Touches as much as the target does, in the wrong places: shows whether a mask's edges alone
    leak (or destroy) the answer. Its target is a mask.
    """

    name: ClassVar[str] = "wrong_piece"
    summary: ClassVar[str] = "control: the target mask, from the notes of the next track"
    needs_neighbour = "notes"

    @property
    def stochastic(self) -> bool:
        return self.target_permutation.stochastic

    def draw(
        self,
        spectrogram: Spectrogram,
        notes: Notes | None,
        key: int,
        neighbour: Neighbour | None = None,
    ) -> Any:
        assert neighbour is not None
        return self.target_permutation.draw(spectrogram, neighbour.notes, key)

    def target(
        self,
        spectrogram: Spectrogram,
        notes: Notes | None,
        key: int = 0,
        neighbour: Neighbour | None = None,
    ) -> Mask | None:
        if neighbour is None:
            return None
        return self.target_permutation.target(spectrogram, neighbour.notes, key)

    def bystanders(self, spectrogram: Spectrogram, notes: Notes, key: int = 0) -> Mask:
        """All partials 1–10 of the recording's own notes: none of them is meant."""
        return partial_mask(spectrogram, notes, COUNTED_PARTIALS)
