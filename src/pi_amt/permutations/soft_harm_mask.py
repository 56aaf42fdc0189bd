"""``soft_harm_mask``: all but the sounding fundamentals sinks into the local background."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pi_amt.permutations.harm_mask import HarmMask
from pi_amt.permutations.masks import check_soft


@dataclass(frozen=True)
class SoftHarmMask(HarmMask):
    """The same bins as ``harm_mask`` → low-level noise at the local background.

    Options: see :class:`~pi_amt.permutations.masks.PartialMask`; ``fill`` is ``background``.
    """

    fill: str = "background"

    name: ClassVar[str] = "soft_harm_mask"
    summary: ClassVar[str] = "soft: the bins of harm_mask → noise at the local background"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_soft(self.name, self.fill)

    def attenuated(self, attenuation_db: float) -> HarmMask:
        options = {**vars(self), "fill": "attenuate", "attenuation_db": attenuation_db}
        return HarmMask(**options)
