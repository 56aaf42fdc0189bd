"""``fund_mask``: the fundamentals of all sounding notes are removed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pi_amt.permutations.masks import PartialMask


@dataclass(frozen=True)
class FundMask(PartialMask):
    """Bins within the half-width of every sounding fundamental → silence (or another fill).

    Options: see :class:`~pi_amt.permutations.masks.PartialMask`.
    """

    name: ClassVar[str] = "fund_mask"
    summary: ClassVar[str] = "hard: the fundamentals of all sounding notes → silence"
