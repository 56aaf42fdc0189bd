"""How much of the spread between recordings comes from the draws of a stochastic permutation.

One-way random-effects model: drop of recording i in repeat r = μ + a_i + e_ir. Within recordings
the variance of e is pooled; the variance of the recordings' means is var(a) + var(e) / N.
"""

from __future__ import annotations

import numpy as np

from pi_amt.core.units import Floats

#: repeats are enough when they leave less than this share of the variance between recordings
ENOUGH = 0.1


def variance_components(values: Floats) -> tuple[float, float, float]:
    """``(pieces, repeats)`` with NaN → (variance between, variance within, repeats per piece).

    NaN without two recordings that have two repeats each. Unequal numbers of repeats enter by
    their harmonic mean. The variance between is not negative, and one that rounding alone could
    make is none.
    """
    count = (~np.isnan(values)).sum(axis=1)
    values, count = values[count >= 2], count[count >= 2]
    if len(values) < 2:
        return np.nan, np.nan, np.nan
    means = np.nansum(values, axis=1) / count
    within = float(np.nansum((values - means[:, None]) ** 2) / (count - 1).sum())
    repeats = float(len(count) / (1 / count).sum())
    between = float(means.var(ddof=1)) - within / repeats
    # drops are differences of scores near 1, whatever their own size
    rounding = (8 * np.finfo(np.float64).eps * max(1.0, float(np.nanmax(np.abs(values))))) ** 2
    between, within = (0.0 if part <= rounding else part for part in (between, within))
    return between, within, repeats


def repeat_variance_share(values: Floats) -> float:
    """Share of the variance of the recordings' means that is due to repeats, in [0, 1].

    Args:
        values: ``(pieces, repeats)`` drops, NaN where missing.
    """
    between, within, repeats = variance_components(values)
    noise = within / repeats
    return 0.0 if noise == 0 else noise / (between + noise)


def repeats_needed(values: Floats) -> float:
    """Fewest repeats that leave under a tenth of the variance between recordings; may be inf.

    Args:
        values: ``(pieces, repeats)`` drops, NaN where missing.
    """
    between, within, _ = variance_components(values)
    if np.isnan(within):
        return np.nan
    if within == 0:
        return 1.0
    return float(np.floor(within / (ENOUGH * between)) + 1) if between > 0 else float("inf")
