"""``keep_harmonic``: only one harmonic of the sounding notes is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pi_amt.permutations.remove_harmonic import RemoveHarmonic


@dataclass(frozen=True)
class KeepHarmonic(RemoveHarmonic):
    """Everything except harmonic k of the sounding notes → silence (or another fill).

    ``harmonic=1`` is ``harm_mask``. Options: see
    :class:`~pi_amt.permutations.remove_harmonic.RemoveHarmonic`.
    """

    name: ClassVar[str] = "keep_harmonic"
    summary: ClassVar[str] = "only harmonic k of the sounding notes is kept"
    keep: ClassVar[bool] = True
