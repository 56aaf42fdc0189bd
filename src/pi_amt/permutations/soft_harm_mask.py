"""``soft_harm_mask``: all but the sounding fundamentals sinks into the local background."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pi_amt.permutations.harm_mask import HarmMask


@dataclass(frozen=True)
class SoftHarmMask(HarmMask):
    """The same bins as ``harm_mask`` → low-level noise at the local background.

    Options: see :class:`~pi_amt.permutations.masks.PartialMask`; ``fill`` is ``background``.
    """

    fill: str = "background"

    hard = HarmMask
    name: ClassVar[str] = "soft_harm_mask"
    summary: ClassVar[str] = "soft: the bins of harm_mask → noise at the local background"
