"""Controls: the baseline, the machinery at dose 0, and counterparts of a target on other bins or on
another sound."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

from pi_amt.core.checks import check_choice
from pi_amt.permutations.masks import FundMask, HarmMask, PartialMask
from pi_amt.permutations.permutation import Change, Permutation, Prepass, Scene
from pi_amt.permutations.regions import COUNTED_PARTIALS, Mask, partial_mask
from pi_amt.permutations.shuffles import Random

#: what can take a recording's place: see :attr:`Permutation.carrier`
CARRIERS = ("noise", "other")


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
    """Base of the controls that do what their target does, to other bins or to another sound.

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
    def feature_in_words(self) -> str:
        return self.target_permutation.feature_in_words

    @property
    def tests(self) -> str:
        return self.target_permutation.tests

    @property
    def out_of_distribution(self) -> bool:
        return self.target_permutation.out_of_distribution

    @property
    def needs_overview(self) -> bool:
        return self.target_permutation.needs_overview

    @property
    def method_version(self) -> str:
        return self.target_permutation.method_version

    def added_version(self, linear_input: bool | None) -> str:
        return self.target_permutation.added_version(linear_input)

    @property
    def moves_values(self) -> bool:
        return self.target_permutation.moves_values

    @property
    def normalization(self) -> str:
        return self.target_permutation.normalization


@dataclass(frozen=True)
class WrongPiece(Counterpart):
    """Control: the target mask, from the notes of another composition.

    It touches as much as the target does, in the wrong places. That shows what holes of this size
    destroy. Whether a mask gives its notes away it cannot show, as the reference is the recording's
    own: see :class:`Leak`. Its target is a mask.
    """

    name: ClassVar[str] = "wrong_piece"
    summary: ClassVar[str] = "control: the target mask, from the notes of another composition"
    needs_notes = True
    needs_neighbour = "notes"

    @property
    def stochastic(self) -> bool:
        return self.target_permutation.stochastic

    @property
    def method_version(self) -> str:
        # the first version of it took the strings of a ratio mask from the other track's notes, too
        target = self.target_permutation
        is_ratio = isinstance(target, PartialMask) and target.kind == "ratio"
        return f"{target.method_version}.2" if is_ratio else target.method_version

    def draw(self, scene: Scene) -> Change:
        assert scene.neighbour is not None
        target = self.target_permutation
        assert isinstance(target, PartialMask)
        # the strings are those of this recording, whatever notes the mask follows
        wrong = replace(scene, notes=scene.neighbour.notes)
        if target.kind == "ratio":
            change = target.shares_changed(wrong, target.partials, played=scene.reference)
        else:
            change = target.settled(scene).decide(wrong)

        def own_partials() -> Mask:
            # all of the recording's own notes: none of them is meant
            return partial_mask(scene.spectrogram, scene.reference, COUNTED_PARTIALS)

        return replace(change, bystanders=own_partials)


@dataclass(frozen=True)
class Leak(Counterpart):
    """Control: the target on a sound that does not hold the recording's notes.

    The model hears a *carrier* in the recording's place. The target perturbs it with the
    recording's notes, and the result is scored against these. Any F comes from the target, which
    has written the notes into the carrier (with ``carrier=other``, after subtracting what that
    recording scores by chance: the F of a leak whose target is ``no_permutation``).

    The carrier replaces the samples, so that a target that reads the whole recording first reads
    the carrier. :mod:`pi_amt.study.carriers` makes it; a call with a spectrogram takes this for the
    carrier's.

    Attributes:
        target_permutation: any permutation. In configs and
            :func:`~pi_amt.permutations.load_permutation` it is called ``target``.
        carrier: ``noise`` of the recording's long-term spectrum, or ``other``: a recording of
            another composition.
    """

    target_permutation: Permutation = field(default_factory=HarmMask)
    carrier: str = "noise"

    name: ClassVar[str] = "leak"
    summary: ClassVar[str] = (
        "control: the target on noise or another track, scored against its notes"
    )
    targets = (Permutation,)
    targets_in_words: ClassVar[str] = "a permutation"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("carrier", self.carrier, CARRIERS)
        if self.target_permutation.carrier:
            raise ValueError(
                f"target: got {self.target_permutation!r}, expected one that works on the recording"
            )

    @property
    def stochastic(self) -> bool:
        return self.target_permutation.stochastic

    @property
    def needs_notes(self) -> bool:
        return self.target_permutation.needs_notes

    @property
    def needs_neighbour(self) -> str:
        return self.target_permutation.needs_neighbour

    @property
    def needs_probe(self) -> str:
        return self.target_permutation.needs_probe

    def prepass(self) -> Prepass | None:
        return self.target_permutation.prepass()

    def draw(self, scene: Scene) -> Change:
        return self.target_permutation.decide(scene)
