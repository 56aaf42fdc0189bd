"""``remove_harmonic``: one harmonic of all sounding notes is removed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pi_amt.core.checks import check_count
from pi_amt.permutations.masks import PartialMask


@dataclass(frozen=True)
class RemoveHarmonic(PartialMask):
    """Bins of harmonic k of every sounding note → silence (or another fill).

    ``harmonic=1`` is ``fund_mask``. Partials are inharmonic as a piano's unless
    ``inharmonicity=none``.

    Attributes:
        harmonic: k, 1 = fundamental.

    Other options: see :class:`~pi_amt.permutations.masks.PartialMask`.
    """

    harmonic: int = 1

    name: ClassVar[str] = "remove_harmonic"
    summary: ClassVar[str] = "only harmonic k of all sounding notes is removed"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_count("harmonic", self.harmonic)

    @property
    def partials(self) -> tuple[int, ...]:
        return (self.harmonic,)
