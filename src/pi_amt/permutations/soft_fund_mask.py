"""``soft_fund_mask``: the fundamentals of all sounding notes sink into the local background."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pi_amt.permutations.fund_mask import FundMask


@dataclass(frozen=True)
class SoftFundMask(FundMask):
    """The same bins as ``fund_mask`` → low-level noise at the local background.

    Options: see :class:`~pi_amt.permutations.masks.PartialMask`; ``fill`` is ``background``.
    """

    fill: str = "background"

    hard = FundMask
    name: ClassVar[str] = "soft_fund_mask"
    summary: ClassVar[str] = "soft: the bins of fund_mask → noise at the local background"
