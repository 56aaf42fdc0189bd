"""What all controls are that belong to one target: its counterpart, with its own way of filling."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from pi_amt.core.spectrogram import Spectrogram
from pi_amt.permutations.fund_mask import FundMask
from pi_amt.permutations.masks import PartialMask
from pi_amt.permutations.permutation import Permutation


@dataclass(frozen=True)
class Counterpart(Permutation):
    """Base of the controls that do what their target does, to other bins.

    Attributes:
        target_permutation: whose counterpart this is. In configs and
            :func:`~pi_amt.permutations.load_permutation` it is called ``target``.

    Class attributes:
        targets: the classes that can be a target.
        targets_in_words: the same, for people.
    """

    target_permutation: Permutation = field(default_factory=FundMask)

    aliases: ClassVar[dict[str, str]] = {"target": "target_permutation"}
    targets: ClassVar[tuple[type[Permutation], ...]] = (PartialMask,)
    targets_in_words: ClassVar[str] = "a mask"

    def __post_init__(self) -> None:
        if not isinstance(self.target_permutation, self.targets):
            expected = self.targets_in_words
            raise ValueError(f"target: got {self.target_permutation!r}, expected {expected}")

    @property
    def out_of_distribution(self) -> bool:
        return self.target_permutation.out_of_distribution

    def apply(self, spectrogram: Spectrogram, parameters: Any) -> Spectrogram:
        return self.target_permutation.apply(spectrogram, parameters)
