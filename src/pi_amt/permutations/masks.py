"""The masks: one class for every ``partials × keep × fill``, of which the conditions are cases.

A mask removes some partials of all sounding notes, or (``keep``) everything but them. A *binary*
mask touches all of a bin or nothing of it: the bins near a partial are filled with silence, with
noise at the local background, or attenuated. A *ratio* mask takes the partials' share of each bin's
power, as :mod:`pi_amt.permutations.partial_powers` estimates it, and leaves the rest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import ClassVar

import torch

from pi_amt.core.checks import check_choice, check_count, check_range
from pi_amt.core.notes import Notes
from pi_amt.core.partials import INHARMONICITIES, STIFFNESSES
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.core.units import db_to_amplitude
from pi_amt.permutations import partial_powers
from pi_amt.permutations.fill import FILLS, Fill, Gains, background_noise
from pi_amt.permutations.partial_powers import ESTIMATE, Overview
from pi_amt.permutations.permutation import (
    DISTURBANCE,
    NECESSITY,
    SUFFICIENCY,
    UNSAID,
    Change,
    Permutation,
    Scene,
)
from pi_amt.permutations.regions import (
    COUNTED_PARTIALS,
    ONSETS,
    Mask,
    Partials,
    numbers_of,
    onset_frames,
    partial_mask,
)

KINDS = ("binary", "ratio")
#: options that say which bins a mask touches, and what it fills them with
_OF_BINS = ("half_width_cents", "fill", "attenuation_db", "time_dilation", "onset")
#: ``onset`` → which part of the notes a mask is about, in words
_PARTS = {
    "all": "",
    "only": " in the first 50 ms of each note",
    "spare": " after the first 50 ms of each note",
}


@dataclass(frozen=True)
class PartialMask(Permutation):
    """Base of all masks.

    Attributes:
        half_width_cents: half-width of a partial's band, cents; ``None`` takes the front end's
            own (:func:`~pi_amt.permutations.regions.default_half_width_cents`).
        fill: ``silence``, ``background`` (noise, see :mod:`pi_amt.permutations.fill`) or
            ``attenuate``.
        attenuation_db: of ``fill=attenuate``, dB ≥ 0 (``inf`` = silence).
        time_dilation: share of the partial's analysis window added on each side of a note.
        onset: ``all`` treats a note alike from its beginning to its end, ``spare`` leaves its first
            50 ms untouched, ``only`` touches nothing but these. A mask that keeps partials spares
            or touches whole frames.
        inharmonicity: whose partials are expected: ``piano``, ``none`` (exact multiples) or
            ``estimate``, which finds in each recording how stiff its strings are, if they are at
            all. A number says so itself, in units of a typical piano's. Of ``piano``, a ratio mask
            estimates how far the recording's strings are from a typical one.
        kind: ``binary`` or ``ratio``. A ratio mask touches no chosen bins, so it takes none of the
            options above but ``inharmonicity``.

    Class attributes:
        keep: whether the partials are what is kept.
        hard: the twin of a soft mask. A soft mask fills with ``background`` only, its twin with any
            fill.
    """

    half_width_cents: float | None = None
    fill: str = "silence"
    attenuation_db: float = 20.0
    time_dilation: float = 0.25
    onset: str = "all"
    inharmonicity: str | float = "piano"
    kind: str = field(default="binary", metadata={UNSAID: "binary"})

    keep: ClassVar[bool] = False
    hard: ClassVar[type[PartialMask] | None] = None
    nothing_at_zero: ClassVar[str] = "attenuation_db"
    needs_notes = True

    def __post_init__(self) -> None:
        if self.half_width_cents is not None:
            check_range("half_width_cents", self.half_width_cents, 0.0, 2400.0, "cents")
        check_choice("fill", self.fill, FILLS)
        check_range("attenuation_db", self.attenuation_db, 0.0, unit="dB")
        check_range("time_dilation", self.time_dilation, 0.0, 10.0, "windows")
        check_choice("onset", self.onset, ONSETS)
        check_inharmonicity(self.inharmonicity)
        check_choice("kind", self.kind, KINDS)
        if self.kind == "ratio":
            self._check_ratio()
        elif type(self).kind == "ratio":
            raise ValueError(f"{self.name}: got kind={self.kind!r}, expected 'ratio'")
        if self.hard is not None and self.fill != "background":
            raise ValueError(
                f"{self.name}: got fill={self.fill!r}, expected 'background', "
                f"use {self.hard.name} for others"
            )

    def _check_ratio(self) -> None:
        if self.hard is not None:
            raise ValueError(
                f"{self.name}: got kind='ratio', expected 'binary', use {self.hard.name} for ratio"
            )
        for option in fields(PartialMask):
            value = getattr(self, option.name)
            if option.name in _OF_BINS and value != option.default:
                raise ValueError(
                    f"{self.name}: got {option.name}={value!r} with kind='ratio', which touches no "
                    f"chosen bins, leave {option.name} out"
                )

    @property
    def partials(self) -> tuple[int, ...]:
        """The partial numbers that are removed or kept."""
        return (1,)

    @property
    def feature_in_words(self) -> str:
        words = partials_in_words(self.partials)
        if self.tests == DISTURBANCE:
            rest = f"everything but {words}" if self.keep else words
            return f"the level of {rest}{_PARTS[self.onset]}"
        if self.keep and self.onset != "all":
            return f"{words} (where only they are left{_PARTS[self.onset]})"
        return words + _PARTS[self.onset]

    @property
    def tests(self) -> str:
        if self.fill == "attenuate" and self.attenuation_db < math.inf:
            return DISTURBANCE
        return SUFFICIENCY if self.keep else NECESSITY

    @property
    def control_in_words(self) -> str:
        if self.tests == DISTURBANCE:
            rest = "everything but another partial" if self.keep else "another partial"
            return f"the level of {rest}"
        return "another partial of the same notes"

    @property
    def stochastic(self) -> bool:
        return self.fill == "background"

    @property
    def can_leak(self) -> bool:
        return self.keep

    @property
    def needs_overview(self) -> bool:
        return self.kind == "ratio" or self.inharmonicity == ESTIMATE

    @property
    def normalization(self) -> str:
        return "model" if self.kind == "ratio" else "frozen"

    @property
    def method_version(self) -> str:
        return partial_powers.VERSIONS[self.keep] if self.kind == "ratio" else "1"

    def added_version(self, linear_input: bool | None) -> str:
        is_ratio = self.kind == "ratio"
        return partial_powers.ADDED_VERSIONS[self.keep][linear_input] if is_ratio else ""

    @property
    def out_of_distribution(self) -> bool:
        if self.kind == "ratio":
            return self.keep
        silences = self.fill == "attenuate" and self.attenuation_db == math.inf
        return self.fill == "silence" or silences

    def bands(
        self,
        spectrogram: Spectrogram,
        notes: Notes,
        partials: Partials = (1,),
        onset: str = "all",
    ) -> Mask:
        """``(blocks, bins, frames)`` bool: partials with this mask's widths and times."""
        return partial_mask(
            spectrogram,
            notes,
            partials,
            half_width_cents=self.half_width_cents,
            time_dilation=self.time_dilation,
            inharmonicity=self.inharmonicity,
            onset=onset,
        )

    def region(
        self, spectrogram: Spectrogram, notes: Notes, partials: Partials | None = None
    ) -> Mask:
        """``(blocks, bins, frames)`` bool: what is touched; ``partials`` ``(n,)`` or ``(notes, n)``
        take the place of this mask's own."""
        numbers = self.partials if partials is None else partials
        if not self.keep:
            return self.bands(spectrogram, notes, numbers, self.onset)
        mask = ~self.bands(spectrogram, notes, numbers)
        if self.onset != "all":
            attack = onset_frames(spectrogram, notes)[:, None, :]
            mask &= attack if self.onset == "only" else ~attack
        return mask

    def fill_region(self, spectrogram: Spectrogram, notes: Notes, region: Mask, key: int) -> Fill:
        """Decide what the touched bins, ``region`` ``(blocks, bins, frames)``, will hold."""
        if self.fill == "attenuate":
            return Fill(region, gain=float(db_to_amplitude(-self.attenuation_db)))
        if self.fill == "silence":
            return Fill(region)
        fundamentals = self.bands(spectrogram, notes)
        return Fill(region, noise=background_noise(spectrogram, region, fundamentals, key))

    @property
    def stiffness(self) -> float:
        """That of the strings whose partials are expected, in units of a typical piano's; 1 where
        it is not known yet."""
        if isinstance(self.inharmonicity, str):
            return STIFFNESSES.get(self.inharmonicity, 1.0)
        return self.inharmonicity

    def settled(self, scene: Scene) -> PartialMask:
        """This mask with the stiffness of the recording's strings in place of ``estimate``. A ratio
        mask estimates it with all else."""
        if self.kind == "ratio" or self.inharmonicity != ESTIMATE:
            return self
        overview = scene.overview or Overview.of(scene.spectrogram)
        _, stiffness = overview.strings(scene.reference, ESTIMATE)
        return replace(self, inharmonicity=stiffness)

    def draw(self, scene: Scene) -> Change:
        if self.kind == "ratio":
            return self.shares_changed(scene, self.partials)
        return self.settled(scene)._drawn(scene)

    def _drawn(self, scene: Scene) -> Change:
        spectrogram, notes = scene.spectrogram, scene.reference
        region = self.region(spectrogram, notes)
        fill = self.fill_region(spectrogram, notes, region, scene.key)
        # partials that this mask does not mean to touch (bins may be shared)
        others = [k for k in COUNTED_PARTIALS if (k in self.partials) == self.keep]
        return Change(
            fill.apply, region, lambda: self.bands(spectrogram, notes, others), self.stiffness
        )

    def shares_changed(
        self, scene: Scene, partials: Partials, played: Notes | None = None
    ) -> Change:
        """What a ratio mask does to these partials, ``(n,)`` or ``(notes, n)``.

        Its target, for the account of energies, are the bins of the binary mask. Where the
        recording does not hold the scene's notes, those that it holds are ``played``.
        """
        spectrogram, notes = scene.spectrogram, scene.reference
        overview = scene.overview or Overview.of(spectrogram)
        powers = overview.partials(notes, self.inharmonicity, played)
        gains = Gains(
            torch.from_numpy(powers.gains(spectrogram, numbers_of(partials, len(notes)), self.keep))
        )
        binary = self
        if self.inharmonicity == ESTIMATE:
            binary = replace(self, inharmonicity=powers.stiffness)
        region = binary.region(spectrogram, notes, partials)
        return Change(gains.apply, region, stiffness=powers.stiffness)

    def attenuated(self, attenuation_db: float) -> PartialMask:
        """A mask of the same bins that attenuates by so many dB."""
        options = {field.name: getattr(self, field.name) for field in fields(self)}
        options |= {"fill": "attenuate", "attenuation_db": attenuation_db}
        return (self.hard or type(self))(**options)


def check_inharmonicity(value: str | float) -> None:
    """Raise ``ValueError`` unless a mask can look for such partials."""
    if isinstance(value, str):
        check_choice("inharmonicity", value, (*INHARMONICITIES, ESTIMATE))
    else:
        check_range("inharmonicity", value, 0.0, 100.0, "times a typical piano's")


def partials_in_words(partials: Sequence[int]) -> str:
    """``the fundamentals``, ``harmonic 3``, ``harmonics 4 to 10``, ``harmonics 1, 3 and 5``."""
    numbers = sorted(partials)
    if numbers == [1]:
        return "the fundamentals"
    if len(numbers) == 1:
        return f"harmonic {numbers[0]}"
    if len(numbers) > 2 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"harmonics {numbers[0]} to {numbers[-1]}"
    return f"harmonics {', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"


@dataclass(frozen=True)
class FundMask(PartialMask):
    """Bins within the half-width of every sounding fundamental → silence (or another fill).

    Options: see :class:`~pi_amt.permutations.masks.PartialMask`.
    """

    name: ClassVar[str] = "fund_mask"
    summary: ClassVar[str] = "hard: the fundamentals of all sounding notes → silence"


@dataclass(frozen=True)
class HarmMask(PartialMask):
    """Everything except the sounding fundamentals → silence (or another fill).

    Frames in which no note sounds are touched entirely: they hold no fundamental. With
    ``fund_mask`` of the same options it covers every bin exactly once.

    Options: see :class:`~pi_amt.permutations.masks.PartialMask`.
    """

    name: ClassVar[str] = "harm_mask"
    summary: ClassVar[str] = "hard: everything except the sounding fundamentals → silence"
    keep: ClassVar[bool] = True


@dataclass(frozen=True)
class SoftFundMask(FundMask):
    """The same bins as ``fund_mask`` → low-level noise at the local background.

    Options: see :class:`~pi_amt.permutations.masks.PartialMask`; ``fill`` is ``background``.
    """

    fill: str = "background"

    hard = FundMask
    name: ClassVar[str] = "soft_fund_mask"
    summary: ClassVar[str] = "soft: the bins of fund_mask → noise at the local background"


@dataclass(frozen=True)
class SoftHarmMask(HarmMask):
    """The same bins as ``harm_mask`` → low-level noise at the local background.

    Options: see :class:`~pi_amt.permutations.masks.PartialMask`; ``fill`` is ``background``.
    """

    fill: str = "background"

    hard = HarmMask
    name: ClassVar[str] = "soft_harm_mask"
    summary: ClassVar[str] = "soft: the bins of harm_mask → noise at the local background"


@dataclass(frozen=True)
class RatioFundMask(FundMask):
    """Every sounding fundamental's share of each bin's power is removed; the rest stays.

    Options: ``inharmonicity``, see :class:`~pi_amt.permutations.masks.PartialMask`.
    """

    kind: str = "ratio"

    name: ClassVar[str] = "ratio_fund_mask"
    summary: ClassVar[str] = "ratio: the fundamentals' share of each bin's power is removed"


@dataclass(frozen=True)
class RatioHarmMask(HarmMask):
    """Nothing but the sounding fundamentals' share of each bin's power is kept.

    Options: ``inharmonicity``, see :class:`~pi_amt.permutations.masks.PartialMask`.
    """

    kind: str = "ratio"

    name: ClassVar[str] = "ratio_harm_mask"
    summary: ClassVar[str] = "ratio: only the fundamentals' share of each bin's power is kept"


@dataclass(frozen=True)
class RemoveHarmonic(PartialMask):
    """Bins of harmonic k of every sounding note → silence (or another fill).

    ``harmonic=1`` is ``fund_mask``. Partials are inharmonic as a piano's unless
    ``inharmonicity=none``.

    Attributes:
        harmonic: k, 1 = fundamental; of ratio masks at most
            :data:`~pi_amt.permutations.partial_powers.N_PARTIALS`.

    Other options: see :class:`~pi_amt.permutations.masks.PartialMask`.
    """

    harmonic: int = 1

    name: ClassVar[str] = "remove_harmonic"
    summary: ClassVar[str] = "only harmonic k of all sounding notes is removed"

    def __post_init__(self) -> None:
        super().__post_init__()
        # the power of higher partials is not modelled, so there is no share of it to take
        highest = partial_powers.N_PARTIALS if self.kind == "ratio" else math.inf
        check_count("harmonic", self.harmonic, high=highest)

    @property
    def partials(self) -> tuple[int, ...]:
        return (self.harmonic,)


@dataclass(frozen=True)
class KeepHarmonic(RemoveHarmonic):
    """Everything except harmonic k of the sounding notes → silence (or another fill).

    ``harmonic=1`` is ``harm_mask``. Options: see
    :class:`~pi_amt.permutations.masks.RemoveHarmonic`.
    """

    name: ClassVar[str] = "keep_harmonic"
    summary: ClassVar[str] = "only harmonic k of the sounding notes is kept"
    keep: ClassVar[bool] = True
