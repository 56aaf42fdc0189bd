"""``soft_fund_mask``: the fundamentals of all sounding notes sink into the local background."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pi_amt.permutations.fund_mask import FundMask
from pi_amt.permutations.masks import check_soft


@dataclass(frozen=True)
class SoftFundMask(FundMask):
    """The same bins as ``fund_mask`` → low-level noise at the local background.

    Options: see :class:`~pi_amt.permutations.masks.PartialMask`; ``fill`` is ``background``.
    """

    fill: str = "background"

    name: ClassVar[str] = "soft_fund_mask"
    summary: ClassVar[str] = "soft: the bins of fund_mask → noise at the local background"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_soft(self.name, self.fill)

    def attenuated(self, attenuation_db: float) -> FundMask:
        options = {**vars(self), "fill": "attenuate", "attenuation_db": attenuation_db}
        return FundMask(**options)
