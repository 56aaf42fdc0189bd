"""What a permutation is: it looks at a scene and decides on a change, which is then applied.

A permutation is a pure function of a :class:`Scene`, which holds the key of all random draws. It
may see a whole recording or any few blocks of it: every random value is a counter-based hash of
(key, absolute frame, bin), so the pieces of a stream get what the whole would have got.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from inspect import signature
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from pi_amt.core.notes import Notes
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.permutations.partial_powers import Overview
from pi_amt.permutations.regions import Mask

#: key in the metadata of an option's field that was added to a permutation later: the value that
#: stands for its absence in the parameters of stored rows
UNSAID = "unsaid"

#: what a permutation can test of its feature: whether a model needs it (it is removed), whether it
#: is enough by itself (only it is kept), or neither (it is moved about or weakened)
NECESSITY, SUFFICIENCY, DISTURBANCE = "necessity", "sufficiency", "disturbance"


@dataclass(frozen=True)
class Neighbour:
    """What another recording (or another time of the same one) lends to a control or a donor.

    Attributes:
        name: the lending track's name.
        notes: its reference notes; for controls looped or cropped to the length of the perturbed
            recording.
        spectrogram: blocks of it through the same front end, ``None`` where not needed.
    """

    name: str
    notes: Notes
    spectrogram: Spectrogram | None = None


@dataclass(frozen=True)
class Scene:
    """All that a permutation may look at.

    Attributes:
        spectrogram: some or all blocks of a recording's clean input.
        notes: reference notes of the whole recording, ``None`` where there are none.
        key: 64-bit key of all draws.
        neighbour: what another recording lends, ``None`` where nothing is lent.
        overview: of the whole recording, where the spectrogram may be a part of it; ``None``: the
            spectrogram is the whole.
    """

    spectrogram: Spectrogram
    notes: Notes | None = None
    key: int = 0
    neighbour: Neighbour | None = None
    overview: Overview | None = None

    @property
    def reference(self) -> Notes:
        """The notes, for a permutation that says that it needs them."""
        assert self.notes is not None
        return self.notes


@dataclass(frozen=True)
class Change:
    """What a permutation decided for a scene.

    Attributes:
        apply: makes the perturbed spectrogram from the clean one.
        target: ``(blocks, bins, frames)`` bool, the bins of the feature that is removed; ``None``
            if no feature is. The account of energies (:mod:`pi_amt.permutations.effects`) reads it.
        bystanders: makes ``(blocks, bins, frames)`` bool, the bins whose lost energy counts as
            collateral; with ``None`` these are partials 1–10 of the sounding notes that are not the
            target.
        stiffness: of the strings whose partials it touches or keeps, in units of a typical piano's;
            ``None`` where it looks for no partials.
    """

    apply: Callable[[Spectrogram], Spectrogram]
    target: Mask | None = None
    bystanders: Callable[[], Mask] | None = None
    stiffness: float | None = None


class NotApplicable(ValueError):
    """A recording has nothing for a permutation to work on. It gets no score, but is no error."""


class Prepass(Protocol):
    """Reads a recording's clean input before a permutation can be applied to parts of it."""

    def push(self, scene: Scene, kept: NDArray[np.bool_] | None = None) -> None:
        """Take some blocks; ``kept`` ``(blocks, frames)`` are the frames to count (all)."""

    def finish(self) -> Permutation:
        """The permutation, settled for this recording; :class:`NotApplicable` if it cannot be."""


class Permutation(ABC):
    """Base of all perturbations of a model's time–frequency input.

    Sub-classes are frozen dataclasses whose fields are the options, with units in their names. A
    property that does not depend on the options may be overridden by a class attribute.

    Class attributes:
        name: the config name.
        summary: one line for ``pi-amt list``.
        aliases: option names of users → field names, where a field cannot have that name.
        nothing_at_zero: an option of users with which nothing is changed at 0, so that dose curves
            over it may begin with a drop of 0; empty where there is none.
    """

    name: ClassVar[str]
    summary: ClassVar[str] = ""
    aliases: ClassVar[dict[str, str]] = {}
    nothing_at_zero: ClassVar[str] = ""

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        # what is inherited stays: @dataclass would make a repr of its own where a class has none
        cls.__repr__ = cls.__repr__  # type: ignore[method-assign]

    def __repr__(self) -> str:
        """The options that are not the default: ``FundMask(half_width_cents=100)``."""
        if not is_dataclass(self):
            return f"{type(self).__name__}()"
        public = {name: alias for alias, name in self.aliases.items()}
        chosen = (
            f"{public.get(option.name, option.name)}={value!r}"
            for option in fields(self)
            if (value := getattr(self, option.name)) != option.default
        )
        return f"{type(self).__name__}({', '.join(chosen)})"

    @property
    def feature_in_words(self) -> str:
        """What is removed, kept or disturbed, to stand inside a sentence: ``the fundamentals``.

        Sentences about a condition that has no such words use its name.
        """
        return ""

    @property
    def tests(self) -> str:
        """``necessity``, ``sufficiency`` or ``disturbance`` of the feature."""
        return DISTURBANCE

    @property
    def control_in_words(self) -> str:
        """What the control ``matched_tracks`` treats in the feature's place, in words that can
        stand where those of the feature do; empty where there is no such control."""
        return ""

    @property
    def stochastic(self) -> bool:
        """Whether another key gives another result."""
        return False

    @property
    def needs_notes(self) -> bool:
        """Whether reference notes decide what is touched."""
        return False

    @property
    def needs_neighbour(self) -> str:
        """``""``, ``"notes"`` or ``"spectrogram"`` of another recording, or ``"own_spectrogram"``:
        a pool of sound from other times of the same recording."""
        return ""

    @property
    def out_of_distribution(self) -> bool:
        """Whether the perturbed input holds exact zeros that no recording has."""
        return False

    @property
    def can_leak(self) -> bool:
        """Whether it keeps or adds something where the notes are, so that it may write them into
        any sound. Conditions that can are checked by the control ``leak``."""
        return False

    @property
    def carrier(self) -> str:
        """What the model hears in the recording's place: ``""`` for the recording itself,
        ``"noise"`` of its long-term spectrum, or ``"other"``, a recording of another
        composition."""
        return ""

    @property
    def moves_values(self) -> bool:
        """Whether values take the places of others, as no sound would have them: of a spectrogram
        that is turned back into sound little of this is left."""
        return False

    @property
    def needs_probe(self) -> str:
        """What the model must be able to leave out inside: one of ``Transcriber.probes``."""
        return ""

    @property
    def needs_overview(self) -> bool:
        """Whether it must know the whole recording (:class:`Overview`) to perturb a part of it."""
        return False

    @property
    def normalization(self) -> str:
        """What becomes of a model's normalisation of its input, unless a study says otherwise: one
        of :data:`~pi_amt.core.spectrogram.NORMALIZATIONS`. ``frozen`` keeps that of the clean
        input, so that a change here does not rescale what is elsewhere. ``model`` belongs to what
        stands for a sound of its own, which the model would normalise by itself."""
        return "frozen"

    @property
    def method_version(self) -> str:
        """Version of how its numbers are made. Raise it where the same options come to give other
        numbers: rows that were made earlier are then computed again, and those of other
        permutations stay."""
        return "1"

    def added_version(self, linear_input: bool | None) -> str:
        """What is added to :attr:`method_version` for models with this
        :attr:`~pi_amt.Spectrogram.linear_input`, where the numbers depend on it."""
        return ""

    def prepass(self) -> Prepass | None:
        """What must read the whole recording first, ``None`` where nothing needs to."""
        return None

    @abstractmethod
    def draw(self, scene: Scene) -> Change:
        """Decide what will happen to these blocks; the scene is not changed.

        Raises:
            NotApplicable: if the recording has nothing to work on.
        """

    def decide(self, scene: Scene) -> Change:
        """What :meth:`draw` decides, also of a class that was written for version 0.1.0."""
        return _in_two_steps(self, scene) if _has_two_steps(self) else self.draw(scene)

    def perturb(self, scene: Scene) -> tuple[Spectrogram, Change]:
        """The perturbed spectrogram, and the change that made it.

        Raises:
            ValueError: if notes or a neighbour are needed and missing, or what comes out has
                another shape.
        """
        if self.needs_notes and scene.notes is None:
            raise ValueError(f"{self.name}: got no notes, expected the reference, pass notes=…")
        if self.needs_neighbour and scene.neighbour is None:
            raise ValueError(f"{self.name}: got no neighbour, expected one, pass neighbour=…")
        change = self.decide(scene)
        perturbed = change.apply(scene.spectrogram)
        shape = tuple(scene.spectrogram.values.shape)
        if not isinstance(perturbed, Spectrogram) or tuple(perturbed.values.shape) != shape:
            got = getattr(getattr(perturbed, "values", None), "shape", type(perturbed).__name__)
            raise ValueError(
                f"{self.name}: apply returned {got}, expected a Spectrogram with values {shape}"
            )
        return perturbed, change

    def __call__(
        self,
        spectrogram: Spectrogram,
        notes: Notes | None = None,
        rng: np.random.Generator | None = None,
        *,
        key: int | None = None,
        neighbour: Neighbour | None = None,
    ) -> Spectrogram:
        """Perturb; takes exactly one 64-bit key from ``rng``, or the given ``key``.

        Raises:
            ValueError: if notes or a neighbour are needed and missing, or both or neither of
                ``rng`` and ``key`` are given to a stochastic permutation.
        """
        if rng is not None and key is not None:
            raise ValueError(f"{self.name}: got both rng and key, expected one of them")
        if key is None and rng is not None:
            key = int(rng.integers(0, 2**64, dtype=np.uint64))
        if key is None:
            if self.stochastic:
                raise ValueError(f"{self.name}: got neither rng nor key, pass rng=… or key=…")
            key = 0
        perturbed, _ = self.perturb(Scene(spectrogram, notes, key, neighbour))
        return perturbed


def _has_two_steps(permutation: Permutation) -> bool:
    """Whether a class was written for version 0.1.0.

    Where a class defines ``draw(scene)`` itself, ``apply`` is a helper of its own or inherited.
    """
    classes = type(permutation).__mro__
    draw, apply = (
        next((i for i, one in enumerate(classes) if name in vars(one)), len(classes))
        for name in ("draw", "apply")
    )
    takes_parts = len(signature(permutation.draw).parameters) > 1
    return apply < len(classes) and (takes_parts or apply < draw)


def _in_two_steps(self: Any, scene: Scene) -> Change:
    """The change of a permutation that was written for version 0.1.0.

    There ``draw(spectrogram, notes, key, neighbour)`` returned parameters, ``apply(spectrogram,
    parameters)`` used them, and ``target`` and ``bystanders`` were methods. A class that extends
    one of ours may define ``apply`` alone: its parameters are our change.
    """
    given = (scene.spectrogram, scene.notes, scene.key, scene.neighbour)
    if len(signature(self.draw).parameters) == 1:
        ours: Change = self.draw(scene)
        return replace(ours, apply=lambda spectrogram: self.apply(spectrogram, ours))
    parameters = self.draw(*given)
    target, bystanders = (getattr(self, name, None) for name in ("target", "bystanders"))
    return Change(
        lambda spectrogram: self.apply(spectrogram, parameters),
        None if target is None else target(*given),
        None if bystanders is None else lambda: bystanders(*given[:3]),
    )
