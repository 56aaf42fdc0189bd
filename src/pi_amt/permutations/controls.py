"""Controls: the baseline, the machinery at dose 0, and counterparts of a target on other bins."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

from pi_amt.permutations.masks import FundMask, PartialMask
from pi_amt.permutations.permutation import Change, Permutation, Scene
from pi_amt.permutations.regions import COUNTED_PARTIALS, Mask, partial_mask
from pi_amt.permutations.shuffles import Random


@dataclass(frozen=True)
class NoPermutation(Permutation):
    """Nothing is touched: bit-identical to running the model without pi_amt."""

    name: ClassVar[str] = "no_permutation"
    summary: ClassVar[str] = "baseline: nothing is touched"

    def draw(self, scene: Scene) -> Change:
        return Change(lambda spectrogram: spectrogram)


@dataclass(frozen=True)
class Identity(Permutation):
    """Control: a mask that attenuates by 0 dB, then a shuffle of no bins.

    Runs the code of masks, fills and shuffles, and must be bit-identical to ``no_permutation``.
    """

    name: ClassVar[str] = "identity"
    summary: ClassVar[str] = "control: the whole machinery at dose 0"
    needs_notes = True

    def draw(self, scene: Scene) -> Change:
        mask = FundMask(fill="attenuate", attenuation_db=0.0).draw(scene)
        shuffle = Random(p=0.0).draw(scene)
        return Change(lambda spectrogram: shuffle.apply(mask.apply(spectrogram)))


@dataclass(frozen=True)
class Counterpart(Permutation):
    """Base of the controls that do what their target does, to other bins.

    Attributes:
        target_permutation: whose counterpart this is. In configs and
            :func:`~pi_amt.permutations.load_permutation` it is called ``target``.

    Class attributes:
        targets: the classes that can be a target.
        targets_in_words: the same in words, for messages.
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


@dataclass(frozen=True)
class WrongPiece(Counterpart):
    """Control: the target mask, from the notes of the next track.

    It touches as much as the target does, in the wrong places. That shows whether the edges of a
    mask alone give the notes away, or destroy them. Its target is a mask.
    """

    name: ClassVar[str] = "wrong_piece"
    summary: ClassVar[str] = "control: the target mask, from the notes of the next track"
    needs_neighbour = "notes"

    @property
    def stochastic(self) -> bool:
        return self.target_permutation.stochastic

    def draw(self, scene: Scene) -> Change:
        assert scene.neighbour is not None
        change = self.target_permutation.decide(replace(scene, notes=scene.neighbour.notes))

        def own_partials() -> Mask:
            # all of the recording's own notes: none of them is meant
            return partial_mask(scene.spectrogram, scene.reference, COUNTED_PARTIALS)

        return replace(change, bystanders=own_partials)
