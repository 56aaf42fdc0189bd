"""Figures over recordings: means, intervals and tests of those that have a value.

NaN stands for "no value"; where nothing has one, the figure is NaN without a warning.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pi_amt.core.units import Floats
from pi_amt.statistics.bootstrap import Interval, mean_interval
from pi_amt.statistics.condition_results import NAN, Settings
from pi_amt.statistics.inference import sign_flip

#: differences of scores below this are rounding noise
ROUNDING = 1e-12


def pooled_f(reference: float, estimate: float, matched: float) -> float:
    """F of pooled counts, 2·matched / (reference + estimate); NaN without any count."""
    return float(2 * matched / (reference + estimate)) if reference + estimate > 0 else NAN


def snapped(differences: Floats) -> Floats:
    """Differences of scores in [0, 1] with rounding noise set to 0, lest a sign test count it."""
    return np.where(np.abs(differences) < ROUNDING, 0.0, differences)


def mean(values: Floats) -> float:
    """Mean of what is not NaN in ``(pieces,)``."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else NAN


def total(values: Floats) -> float:
    """Sum of what is not NaN in ``(pieces,)``."""
    known = values[~np.isnan(values)]
    return float(known.sum()) if len(known) else NAN


def interval_over(
    top: Floats,
    clusters: Sequence[str],
    settings: Settings,
    *,
    bottom: Floats | None = None,
    limits: tuple[float, float] = (-1.0, 1.0),
) -> Interval:
    """Interval of a mean, or of the ratio of two, over the recordings that have both.

    Args:
        top: ``(pieces,)``.
        clusters: composition of each piece.
        settings: resamples, seed, level.
        bottom: ``(pieces,)`` of a ratio's denominator; ones if not given.
        limits: bounds end here, if the score is ours: those lie in [0, 1], so no difference of two
            means is beyond ±1.
    """
    known = ~np.isnan(top) if bottom is None else ~np.isnan(top) & ~np.isnan(bottom)
    found = mean_interval(
        top[known],
        None if bottom is None else bottom[known],
        _those(clusters, known),
        n_resamples=settings.n_resamples,
        level=settings.level,
        seed=settings.seed,
    )
    return found.within(*limits) if settings.bounded else found


def p_value_over(differences: Floats, clusters: Sequence[str], settings: Settings) -> float:
    """Sign-flip p of ``(pieces,)`` differences over the recordings that have one."""
    known = ~np.isnan(differences)
    if not known.any():
        return NAN
    n, seed = settings.n_resamples, settings.seed
    inside = _those(clusters, known)
    return float(sign_flip(differences[known][:, None], inside, n_resamples=n, seed=seed)[0])


def _those(clusters: Sequence[str], known: NDArray[np.bool_]) -> list[str]:
    return [cluster for cluster, k in zip(clusters, known, strict=True) if k]
