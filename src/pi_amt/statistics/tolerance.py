"""How much of a drop in F is left where a found note may be further away in time or pitch.

What comes back when the limit of onsets widens from 50 to 150 ms was moved in time, and what comes
back when octaves are folded was found at a wrong octave. F with a wider limit is never lower, clean
or perturbed, so only the drops are compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import nan

import numpy as np

from pi_amt.scoring.notes import F_MEASURE
from pi_amt.statistics.panels import Panel

#: tolerance → key of its F in the rows
TOLERANCES = {
    "50ms": F_MEASURE,
    "100ms": f"{F_MEASURE}_100ms",
    "150ms": f"{F_MEASURE}_150ms",
    "chroma": f"{F_MEASURE}_chroma",
}
#: no shares are given of a smaller drop: they would be noise
_SMALLEST_DROP = 0.02


@dataclass(frozen=True)
class Tolerances:
    """One condition of one panel, over the recordings that have every F, repeats averaged.

    Attributes:
        n_pieces: how many recordings these are.
        clean, perturbed: key of :data:`TOLERANCES` → mean F.
    """

    n_pieces: int
    clean: Mapping[str, float]
    perturbed: Mapping[str, float]

    @property
    def drops(self) -> dict[str, float]:
        """Key of :data:`TOLERANCES` → clean − perturbed."""
        return {name: self.clean[name] - self.perturbed[name] for name in TOLERANCES}

    @property
    def timing(self) -> float:
        """Share of the drop at 50 ms that is gone at 150 ms; NaN if the drop is under 0.02."""
        return self._gone("150ms")

    @property
    def octaves(self) -> float:
        """Share of the drop that is gone where octaves are folded; NaN if it is under 0.02."""
        return self._gone("chroma")

    def _gone(self, name: str) -> float:
        narrow, wide = self.drops["50ms"], self.drops[name]
        return 1 - wide / narrow if narrow >= _SMALLEST_DROP else nan


def tolerances(panel: Panel, number: int) -> Tolerances | None:
    """Those of a condition; ``None`` where no recording has them (rows up to version 0.2.0)."""
    clean = np.stack([panel.baseline_values(key) for key in TOLERANCES.values()])
    after = np.stack([panel.piece_means(key)[number] for key in TOLERANCES.values()])
    known = ~(np.isnan(clean) | np.isnan(after)).any(axis=0)
    if not known.any():
        return None
    means = (
        dict(zip(TOLERANCES, map(float, f[:, known].mean(axis=1)), strict=True))
        for f in (clean, after)
    )
    return Tolerances(int(known.sum()), *means)
