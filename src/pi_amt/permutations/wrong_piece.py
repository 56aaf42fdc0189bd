"""``wrong_piece``: a mask that was made from another recording's notes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from pi_amt.notes import Notes
from pi_amt.permutations.fund_mask import FundMask
from pi_amt.permutations.masks import PartialMask
from pi_amt.permutations.permutation import Neighbour, Permutation
from pi_amt.permutations.regions import COUNTED_PARTIALS, Mask, partial_mask
from pi_amt.spectrogram import Spectrogram


@dataclass(frozen=True)
class WrongPiece(Permutation):
    """Control: the target mask, from the notes of the next track.

    Touches as much as the target does, in the wrong places: shows whether a mask's edges alone
    leak (or destroy) the answer.

    Attributes:
        target_permutation: a mask. In configs and
            :func:`~pi_amt.permutations.load_permutation` it is called ``target``.
    """

    target_permutation: Permutation = field(default_factory=FundMask)

    name: ClassVar[str] = "wrong_piece"
    summary: ClassVar[str] = "control: the target mask, from the notes of the next track"
    aliases: ClassVar[dict[str, str]] = {"target": "target_permutation"}
    needs_neighbour = "notes"

    def __post_init__(self) -> None:
        if not isinstance(self.target_permutation, PartialMask):
            raise ValueError(f"target: got {self.target_permutation!r}, expected a mask")

    @property
    def stochastic(self) -> bool:
        return self.target_permutation.stochastic

    @property
    def out_of_distribution(self) -> bool:
        return self.target_permutation.out_of_distribution

    def draw(
        self,
        spectrogram: Spectrogram,
        notes: Notes | None,
        key: int,
        neighbour: Neighbour | None = None,
    ) -> Any:
        assert neighbour is not None
        return self.target_permutation.draw(spectrogram, neighbour.notes, key)

    def apply(self, spectrogram: Spectrogram, parameters: Any) -> Spectrogram:
        return self.target_permutation.apply(spectrogram, parameters)

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
