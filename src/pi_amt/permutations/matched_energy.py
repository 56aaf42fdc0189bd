"""``matched_energy``: a mask and its control take the same energy from a recording.

Fundamentals hold far more energy than other partials, so removing both completely is no fair
comparison. Here both are attenuated to the largest loss that both can have. That needs the clean
energies of the whole recording: a study that streams makes a pass over it first
(:meth:`MatchedEnergy.prepass`), a call with a whole recording's spectrogram needs none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from pi_amt.core.checks import check_choice, check_range
from pi_amt.core.units import power_ratio_to_db
from pi_amt.permutations.controls import Counterpart
from pi_amt.permutations.masks import PartialMask
from pi_amt.permutations.matched_tracks import MatchedTracks
from pi_amt.permutations.partial_powers import ESTIMATE
from pi_amt.permutations.permutation import (
    DISTURBANCE,
    Change,
    NotApplicable,
    Permutation,
    Scene,
)

SIDES = ("target", "control")
#: a smaller common loss than this, dB, compares nothing
SMALLEST_LOSS_DB = 1.0


@dataclass(frozen=True)
class Attenuations:
    """How much to attenuate two regions so that both cost a recording the same energy.

    Attributes:
        loss_db: the common loss of the whole recording's energy, dB.
        target_db: attenuation inside the target's bins, dB (``inf`` = silence).
        control_db: attenuation inside the control's bins, dB.
        reason: why no comparison is possible; empty if one is.
    """

    loss_db: float
    target_db: float
    control_db: float
    reason: str = ""


@dataclass(frozen=True)
class MatchedEnergy(Counterpart):
    """One side of an energy-matched comparison.

    Attributes:
        target_permutation: a mask (its own fill does not matter). In configs and
            :func:`~pi_amt.permutations.load_permutation` it is called ``target``.
        side: ``target`` attenuates the mask's bins, ``control`` those of its ``matched_tracks``.
        attenuation_db: settled by the pass over the recording; ``None`` until then.
    """

    side: str = "target"
    attenuation_db: float | None = None

    name: ClassVar[str] = "matched_energy"
    summary: ClassVar[str] = "a mask, or its control, attenuated to the same loss of energy"
    # Both sides: the control's partials decide how much the target is attenuated, too.
    stochastic = True
    needs_notes = True
    tests = DISTURBANCE

    def __post_init__(self) -> None:
        super().__post_init__()
        if getattr(self.target_permutation, "kind", "binary") == "ratio":
            raise ValueError(
                f"target: got {self.target_permutation.name} with kind='ratio', expected a binary "
                "mask: a ratio mask has no bins to attenuate"
            )
        if getattr(self.target_permutation, "inharmonicity", "") == ESTIMATE:
            raise ValueError(
                f"target: got {self.target_permutation.name} with inharmonicity='estimate', "
                "expected partials that are known before the recording is read, use piano or none"
            )
        check_choice("side", self.side, SIDES)
        if self.attenuation_db is not None:
            check_range("attenuation_db", self.attenuation_db, 0.0, unit="dB")

    @property
    def feature_in_words(self) -> str:
        return self._mask.feature_in_words

    @property
    def control_in_words(self) -> str:
        return self._mask.control_in_words

    @property
    def can_leak(self) -> bool:
        return self.target_permutation.can_leak

    @property
    def out_of_distribution(self) -> bool:
        return self.attenuation_db == math.inf

    def prepass(self) -> EnergyMeter:
        return EnergyMeter(self)

    @property
    def attenuated(self) -> Permutation:
        """The mask, or its control, with the attenuation that was settled."""
        return self._mask if self.side == "target" else MatchedTracks(self._mask)

    @property
    def _mask(self) -> PartialMask:
        assert isinstance(self.target_permutation, PartialMask)
        return self.target_permutation.attenuated(self.attenuation_db or 0.0)

    def draw(self, scene: Scene) -> Change:
        settled = self
        if self.attenuation_db is None:
            meter = self.prepass()
            meter.push(scene)
            settled = meter.finish()
        return settled.attenuated.decide(scene)


class EnergyMeter:
    """Adds up the energies of both sides' bins while a recording's clean input streams by."""

    def __init__(self, permutation: MatchedEnergy) -> None:
        self._permutation = permutation
        self._sides = [replace(permutation, side=side).attenuated for side in SIDES]
        self._energies = np.zeros(3)

    def push(self, scene: Scene, kept: NDArray[np.bool_] | None = None) -> None:
        """Take some blocks of the clean input.

        Args:
            scene: the blocks, the reference, and the key that the permutation will be called with
                (it chooses the control's partials).
            kept: ``(blocks, frames)`` bool, frames to count; ``None`` counts all.
        """
        spectrogram = scene.spectrogram
        power = spectrogram.tensor.abs().double().square()
        if kept is not None:
            frames = torch.from_numpy(kept)[:, None, :].to(power.device)
            power *= spectrogram.over_channels(frames)
        self._energies[0] += float(power.sum())
        for i, side in enumerate(self._sides, start=1):
            bins = side.decide(scene).target
            assert bins is not None
            inside = spectrogram.over_channels(torch.from_numpy(bins).to(power.device))
            self._energies[i] += float(power[inside.expand_as(power)].sum())

    def attenuations(self) -> Attenuations:
        """What both sides can lose, and how much each is attenuated."""
        return attenuations_for(*self._energies.tolist())

    def finish(self) -> MatchedEnergy:
        """The permutation with its attenuation settled for this recording.

        Raises:
            NotApplicable: if the common loss is under 1 dB: there is nothing to compare.
        """
        found = self.attenuations()
        if found.reason:
            target = self._permutation.target_permutation.name
            raise NotApplicable(f"matched_energy({target}): no comparison, {found.reason}")
        db = found.target_db if self._permutation.side == "target" else found.control_db
        return replace(self._permutation, attenuation_db=db)


def attenuations_for(total: float, target: float, control: float) -> Attenuations:
    """The largest loss that two regions can share, and the attenuation of each to reach it.

    A region that holds the share s of the energy and is attenuated by a costs the recording
    ``s·(1 − a²)`` of it, so the region with the smaller share is silenced and the other one is
    attenuated to cost the same.

    Args:
        total: energy of the recording.
        target: energy in the target's bins.
        control: energy in the control's bins.
    """
    if total <= 0.0:
        return Attenuations(0.0, 0.0, 0.0, "the recording holds no energy")
    lost = min(target, control)
    loss_db = -float(power_ratio_to_db(max(1.0 - lost / total, 0.0)))
    if loss_db < SMALLEST_LOSS_DB:
        side = "target" if target <= control else "control"
        reason = f"the {side} holds too little energy: {loss_db:.2f} dB can be lost, 1 dB is needed"
        return Attenuations(loss_db, 0.0, 0.0, reason)
    target_db, control_db = (
        -float(power_ratio_to_db(max(1.0 - lost / energy, 0.0))) for energy in (target, control)
    )
    return Attenuations(loss_db, target_db, control_db)
