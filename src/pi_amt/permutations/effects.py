"""What a perturbation did to its input: removed energy, share of bins touched, collateral.

The sums grow while a recording streams by, and are told in dB of energy (20 dB: a hundredth is
left). Positive values are energy that was taken, negative ones energy that was added. They are
capped at ± ``LIMIT_DB``: a band that was silenced reads ``LIMIT_DB``, not infinity, so that means
stay defined.

Nothing is read back from a GPU before the end, so that no part has to wait for the GPU.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from pi_amt.core.notes import Notes
from pi_amt.core.spectrogram import Spectrogram, moved
from pi_amt.core.units import power_ratio_to_db
from pi_amt.permutations.permutation import Change
from pi_amt.permutations.regions import COUNTED_PARTIALS, Mask, partial_mask

LIMIT_DB = 120.0


@dataclass
class _Account:
    """Energy of some bins before and after; sums stay on the device until they are asked for."""

    before: torch.Tensor | float = 0.0
    after: torch.Tensor | float = 0.0

    def add(self, powers: tuple[torch.Tensor, torch.Tensor], bins: torch.Tensor | None) -> None:
        # a product is five times as fast as masked_fill, and powers are finite
        masked = powers if bins is None else tuple(power * bins for power in powers)
        self.before = self.before + masked[0].sum(dtype=torch.float64)
        self.after = self.after + masked[1].sum(dtype=torch.float64)

    @property
    def removed_db(self) -> float:
        return removed_db(float(self.before), float(self.after))


@dataclass
class EffectMeter:
    """Adds up over the parts of one recording under one condition.

    >>> meter = EffectMeter()
    >>> for clean in stream:
    ...     perturbed, change = permutation.perturb(Scene(clean, notes, key))
    ...     meter.push(clean, perturbed, change, notes)
    >>> meter.finish()["removed_db"]
    """

    _total: _Account = field(default_factory=_Account)
    _target: _Account = field(default_factory=_Account)
    _others: _Account = field(default_factory=_Account)
    _touched: torch.Tensor | int = 0
    _bins: int = 0
    _stiffness: float | None = None

    def push(
        self,
        before: Spectrogram,
        after: Spectrogram,
        change: Change,
        notes: Notes | None,
        *,
        kept: NDArray[np.bool_] | None = None,
    ) -> None:
        """Take some blocks.

        Args:
            before: the clean input.
            after: what ``change`` made of it.
            change: knows which bins are its target.
            notes: reference of the recording.
            kept: ``(blocks, frames)`` bool, frames to count (where blocks overlap, each once);
                ``None`` counts all.
        """
        self._stiffness = change.stiffness
        clean, perturbed = before.tensor, after.tensor
        counted = None
        if kept is not None:
            counted = before.over_channels(moved(kept[:, None, :], clean.device))
        changed = clean != perturbed
        if counted is not None:
            changed &= counted
        self._touched = self._touched + changed.sum()
        frames = before.times.size if kept is None else int(kept.sum())
        self._bins += frames * len(before.frequencies) * len(before.channels)
        powers = (_power(clean), _power(perturbed))
        self._total.add(powers, counted)
        if change.target is not None:
            self._target.add(powers, _bins(before, change.target, counted))
        if notes is not None:
            others = bystanders_of(before, change, notes)
            self._others.add(powers, _bins(before, others, counted))

    def finish(self) -> dict[str, float]:
        """The effects on the recording.

        Returns:
            ``removed_db``: energy taken in total, dB.
            ``removed_db_target``: energy taken from the target bins, dB; NaN without any.
            ``collateral_db``: energy taken from partials 1–10 of the sounding notes that are not
            the target, dB; NaN without any.
            ``touched_share``: share of the bins whose value changed, 0–1.
            ``stiffness``: of the strings whose partials a mask looked for, in units of a typical
            piano's; of masks and what is made of them only.
        """
        stiffness = {} if self._stiffness is None else {"stiffness": float(self._stiffness)}
        return {
            **stiffness,
            "removed_db": self._total.removed_db,
            "removed_db_target": self._target.removed_db,
            "collateral_db": self._others.removed_db,
            "touched_share": int(self._touched) / self._bins if self._bins else 0.0,
        }


def removed_db(before: float, after: float) -> float:
    """Energy taken, dB, within ± ``LIMIT_DB``; NaN where there was none before."""
    if before <= 0.0:
        return float("nan")
    # "+ 0.0" turns −0.0 into 0.0
    return float(np.clip(-power_ratio_to_db(after / before), -LIMIT_DB, LIMIT_DB)) + 0.0


def bystanders_of(before: Spectrogram, change: Change, notes: Notes) -> Mask:
    """``(blocks, bins, frames)`` bool: what counts as collateral where it is lost."""
    if change.bystanders is not None:
        return change.bystanders()
    partials = partial_mask(before, notes, COUNTED_PARTIALS)
    return partials if change.target is None else partials & ~change.target


def _power(values: torch.Tensor) -> torch.Tensor:
    if values.is_complex():
        return values.real.square() + values.imag.square()
    return values.square()


def _bins(spectrogram: Spectrogram, mask: Mask, counted: torch.Tensor | None) -> torch.Tensor:
    bins = spectrogram.over_channels(moved(mask, spectrogram.tensor.device))
    return bins if counted is None else bins & counted
