"""``harm_mask``: everything except the fundamentals of the sounding notes is removed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pi_amt.permutations.masks import PartialMask


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
