"""What a permutation is: draw parameters from one key, then apply them deterministically.

A permutation is a pure function of ``(spectrogram, notes, key)``. It may see a whole recording or
any few blocks of it: every random value is a counter-based hash of (key, absolute frame, bin), so
the pieces of a stream get what the whole would have got.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from pi_amt.core.notes import Notes
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.permutations.regions import COUNTED_PARTIALS, partial_mask


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


class Prepass(Protocol):
    """Reads a recording's clean input before a permutation can be applied to parts of it."""

    def push(
        self,
        spectrogram: Spectrogram,
        notes: Notes,
        key: int,
        kept: NDArray[np.bool_] | None = None,
    ) -> None:
        """Take some blocks; ``kept`` ``(blocks, frames)`` are the frames to count (all)."""

    def finish(self) -> Permutation:
        """The permutation, settled for this recording; ``ValueError`` if it makes no sense."""


class Permutation(ABC):
    """Base of all perturbations of a model's time–frequency input.

    Sub-classes are frozen dataclasses whose fields are the options, units in their names. Where
    the options do not matter, a class attribute does for a property.

    Class attributes:
        name: the config name.
        summary: one line for ``pi-amt list``.
        aliases: option names of users → field names, where a field cannot have that name.
    """

    name: ClassVar[str]
    summary: ClassVar[str] = ""
    aliases: ClassVar[dict[str, str]] = {}

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
    def needs_probe(self) -> str:
        """What the model must be able to leave out inside: one of ``Transcriber.probes``."""
        return ""

    def prepass(self) -> Prepass | None:
        """What must read the whole recording first, ``None`` where nothing needs to."""
        return None

    @abstractmethod
    def draw(
        self,
        spectrogram: Spectrogram,
        notes: Notes | None,
        key: int,
        neighbour: Neighbour | None = None,
    ) -> Any:
        """Decide what will happen: masks, orders, fill levels for these blocks."""

    @abstractmethod
    def apply(self, spectrogram: Spectrogram, parameters: Any) -> Spectrogram:
        """Do what ``draw`` decided; the input spectrogram is not changed."""

    def target(
        self,
        spectrogram: Spectrogram,
        notes: Notes | None,
        key: int = 0,
        neighbour: Neighbour | None = None,
    ) -> NDArray[np.bool_] | None:
        """``(blocks, bins, frames)`` bool: the feature that is removed, for the energy account."""
        return None

    def bystanders(self, spectrogram: Spectrogram, notes: Notes, key: int = 0) -> NDArray[np.bool_]:
        """``(blocks, bins, frames)`` bool: partials 1–10 of the sounding notes that are not the
        feature; what these lose is collateral."""
        partials = partial_mask(spectrogram, notes, COUNTED_PARTIALS)
        feature = self.target(spectrogram, notes, key)
        return partials if feature is None else partials & ~feature

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
        if self.needs_notes and notes is None:
            raise ValueError(f"{self.name}: got no notes, expected the reference, pass notes=…")
        if self.needs_neighbour and neighbour is None:
            raise ValueError(f"{self.name}: got no neighbour, expected one, pass neighbour=…")
        if rng is not None and key is not None:
            raise ValueError(f"{self.name}: got both rng and key, expected one of them")
        if key is None and rng is not None:
            key = int(rng.integers(0, 2**64, dtype=np.uint64))
        if key is None:
            if self.stochastic:
                raise ValueError(f"{self.name}: got neither rng nor key, pass rng=… or key=…")
            key = 0
        perturbed = self.apply(spectrogram, self.draw(spectrogram, notes, key, neighbour))
        shape = tuple(spectrogram.values.shape)
        if not isinstance(perturbed, Spectrogram) or tuple(perturbed.values.shape) != shape:
            got = getattr(getattr(perturbed, "values", None), "shape", type(perturbed).__name__)
            raise ValueError(
                f"{self.name}: apply returned {got}, expected a Spectrogram with values {shape}"
            )
        return perturbed
