"""Resampling over recordings: intervals of means and of ratios of means.

The unit is the *cluster* (all recordings of one composition; a recording alone where compositions
do not repeat). Everything is a pure function of the data and a seed.

:func:`bootstrap_t` is the studentised bootstrap (bootstrap-t) interval of a ratio of means; a mean
is the ratio over ones. The standard error is cluster-robust and is computed anew in each resample.

What may surprise: half of all drops are often exactly zero, so some resamples have no spread and
their t statistic is infinite. They are *kept* (leaving them out makes intervals too short), and
where they reach the wanted quantile the most extreme finite t statistic takes their place, but
never less than Student's. With two or three clusters this is Student's interval.

References: Efron & Tibshirani, *An Introduction to the Bootstrap* (1993), ch. 12;
Cameron, Gelbach & Miller (2008) for resampled clusters.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from pi_amt.core.text import plural
from pi_amt.core.units import Floats

N_RESAMPLES = 10_000
LEVEL = 0.95
#: relative size under which a variance or a difference is rounding noise
TOLERANCE = 1e-12
_COLUMNS_PER_CHUNK = 64


@dataclass(frozen=True)
class Intervals:
    """Point estimates with their intervals, each ``(columns,)``; NaN where undefined."""

    estimate: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class Interval:
    """One point estimate with its interval; NaN where undefined."""

    estimate: float
    low: float
    high: float

    def columns(self, name: str) -> dict[str, float]:
        """The estimate under a name and its bounds under their own (:func:`bound_names`)."""
        low, high = bound_names(name)
        return {name: self.estimate, low: self.low, high: self.high}

    def within(self, lowest: float, highest: float) -> Interval:
        """The same with bounds no further out than the quantity itself can be; NaN stays."""
        return Interval(self.estimate, max(self.low, lowest), min(self.high, highest))


UNDEFINED = Interval(np.nan, np.nan, np.nan)


def bound_names(name: str) -> tuple[str, str]:
    """What the columns of an estimate's bounds are called: ``excess_low`` and ``excess_high`` of
    ``excess_drop``, ``area_low`` and ``area_high`` of ``area``."""
    stem = name.removesuffix("_drop")
    return f"{stem}_low", f"{stem}_high"


def cluster_sums(values: Floats, clusters: Sequence[Hashable] | None) -> Floats:
    """Sum rows ``(recordings, columns)`` by cluster → ``(clusters, columns)``, first come first.

    Raises:
        ValueError: if there are not as many labels as rows.
    """
    if clusters is None:
        return values
    if len(clusters) != len(values):
        raise ValueError(
            f"got {plural(len(clusters), 'cluster label')} for {plural(len(values), 'recording')}, "
            "expected one each"
        )
    number = {name: i for i, name in enumerate(dict.fromkeys(clusters))}
    sums = np.zeros((len(number), values.shape[1]))
    np.add.at(sums, [number[name] for name in clusters], values)
    return sums


@lru_cache(maxsize=8)
def resample_weights(n_clusters: int, n_resamples: int, seed: int) -> Floats:
    """How often each resample holds each cluster, ``(resamples, clusters)``, read-only.

    The same for every quantity over the same number of clusters: differences of conditions and of
    models are taken within the same resamples.
    """
    rng = np.random.default_rng([seed, n_clusters])
    weights = rng.multinomial(n_clusters, np.full(n_clusters, 1 / n_clusters), size=n_resamples)
    result = weights.astype(np.float64)
    result.flags.writeable = False
    return result


def bootstrap_t(
    numerators: ArrayLike,
    denominators: ArrayLike | None = None,
    clusters: Sequence[Hashable] | None = None,
    *,
    n_resamples: int = N_RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> Intervals:
    """Studentised-bootstrap intervals of ``sum(numerators) / sum(denominators)``, per column.

    Args:
        numerators: ``(recordings, columns)``, finite; with no denominators this is the mean.
        denominators: the same shape; ones if not given.
        clusters: label of each recording's cluster; every recording its own if not given.
        n_resamples: number of resamples.
        level: coverage of the interval, such as 0.95.
        seed: the same seed and number of clusters give the same resamples.

    Returns:
        Estimates and bounds ``(columns,)``. One cluster: bounds NaN. No spread: bounds equal the
        estimate. A denominator that sums to zero: all NaN.

    Raises:
        ValueError: for wrong shapes or values that are not finite.
    """
    top = np.asarray(numerators, dtype=np.float64)
    bottom = np.ones_like(top) if denominators is None else np.asarray(denominators, np.float64)
    if top.ndim != 2 or top.shape != bottom.shape or len(top) == 0:
        raise ValueError(
            f"got numerators {top.shape} and denominators {bottom.shape}, "
            "expected two equal shapes (recordings, columns) with at least one recording"
        )
    if not (np.isfinite(top).all() and np.isfinite(bottom).all()):
        raise ValueError("got values that are not finite, leave recordings without a score out")
    top, bottom = cluster_sums(top, clusters), cluster_sums(bottom, clusters)
    parts = []
    for start in range(0, top.shape[1], _COLUMNS_PER_CHUNK):
        columns = slice(start, start + _COLUMNS_PER_CHUNK)
        parts.append(
            _bootstrap_columns(top[:, columns], bottom[:, columns], n_resamples, level, seed)
        )
    if not parts:
        return Intervals(np.empty(0), np.empty(0), np.empty(0))
    estimate, low, high = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Intervals(estimate, low, high)


def _bootstrap_columns(
    top: Floats, bottom: Floats, n_resamples: int, level: float, seed: int
) -> tuple[Floats, Floats, Floats]:
    """:func:`bootstrap_t` on cluster sums ``(clusters, columns)``."""
    n = len(top)
    total = bottom.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate = np.where(total != 0, top.sum(axis=0) / total, np.nan)
        residuals = top - estimate * bottom
        spread = np.sqrt(n / max(n - 1, 1) * (residuals**2).sum(axis=0)) / np.abs(total)
    scale = np.sqrt(np.maximum((top**2).sum(axis=0), 0.0)) / np.maximum(np.abs(total), 1e-300)
    spread = np.where(spread <= TOLERANCE * scale, 0.0, spread)
    if n == 1:
        nothing = np.full_like(estimate, np.nan)
        return estimate, nothing, nothing
    t = _t_statistics(residuals, bottom, resample_weights(n, n_resamples, seed))
    lower, upper = _quantiles(t, level, n - 1)
    with np.errstate(invalid="ignore"):
        low = np.where(spread > 0, estimate - upper * spread, estimate)
        high = np.where(spread > 0, estimate - lower * spread, estimate)
    return estimate, low, high


def _t_statistics(residuals: Floats, bottom: Floats, weights: Floats) -> Floats:
    """(estimate* − estimate) / standard error*, ``(resamples, columns)``; ±inf without spread."""
    n = residuals.shape[0]
    # one product for all sums: reading the weights is what costs
    terms = (bottom, residuals, residuals**2, residuals * bottom, bottom**2)
    sums = (weights @ np.concatenate(terms, axis=1)).reshape(len(weights), len(terms), -1)
    total, first, square, cross, bottom_square = np.moveaxis(sums, 1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        shift = first / total
        variance = square - 2 * shift * cross + shift**2 * bottom_square
        variance = np.where(variance <= TOLERANCE * square, 0.0, variance)
        t = shift * np.abs(total) / np.sqrt(n / (n - 1) * variance)
    # 0 / 0 is a resample equal to the sample in mean and without spread: no evidence either way
    return np.where(np.isnan(t), 0.0, t)


def _quantiles(t: Floats, level: float, degrees: int) -> tuple[Floats, Floats]:
    """Lower and upper quantile of each column of ``t``; infinite ones replaced as documented."""
    tail = (1 - level) / 2
    ordered = np.sort(t, axis=0)
    last = len(t) - 1
    # order statistics, not interpolation: between −inf and a number there is nothing to average
    lower, upper = ordered[int(tail * last)], ordered[last - int(tail * last)]
    student = float(stdtrit(degrees, 1 - tail))
    finite = np.where(np.isfinite(t), t, 0.0)
    lower = np.where(np.isinf(lower), np.minimum(finite.min(axis=0), -student), lower)
    upper = np.where(np.isinf(upper), np.maximum(finite.max(axis=0), student), upper)
    return lower, upper


def mean_interval(
    numerators: ArrayLike,
    denominators: ArrayLike | None = None,
    clusters: Sequence[Hashable] | None = None,
    *,
    n_resamples: int = N_RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> Interval:
    """:func:`bootstrap_t` of one column ``(recordings,)``; no recordings give all NaN."""
    top = np.asarray(numerators, dtype=np.float64)[:, None]
    if not len(top):
        return UNDEFINED
    bottom = None if denominators is None else np.asarray(denominators, np.float64)[:, None]
    result = bootstrap_t(top, bottom, clusters, n_resamples=n_resamples, level=level, seed=seed)
    return Interval(float(result.estimate[0]), float(result.low[0]), float(result.high[0]))


def ratio_difference(
    a: tuple[Floats, Floats],
    b: tuple[Floats, Floats],
    clusters: Sequence[Hashable] | None = None,
    *,
    n_resamples: int = N_RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> Interval:
    """Studentised-bootstrap interval of the difference a − b of two ratios of means.

    Both are of the same recordings, and every resample holds the same recordings of both, so that
    what is hard or easy for both cancels. Over ones this is :func:`mean_interval` of the
    differences.

    Args:
        a, b: numerators and denominators, each ``(recordings,)`` and finite.
        clusters, n_resamples, level, seed: see :func:`bootstrap_t`.

    Returns:
        No recordings, or a denominator that sums to zero, give all NaN; one cluster no bounds.
    """
    if not len(a[0]):
        return UNDEFINED
    sums = cluster_sums(np.stack([*a, *b], axis=1), clusters)
    n = len(sums)
    weights = np.concatenate([np.ones((1, n)), resample_weights(n, n_resamples, seed)])
    with np.errstate(divide="ignore", invalid="ignore"):
        estimates, influences = [], []
        for top, bottom in (sums[:, :2].T, sums[:, 2:].T):
            total = (weights @ bottom)[:, None]
            ratio = (weights @ top)[:, None] / total
            estimates.append(ratio[:, 0])
            influences.append((top - ratio * bottom) / total)
        difference = estimates[0] - estimates[1]
        influence = influences[0] - influences[1]
        variance = n / max(n - 1, 1) * (weights * influence**2).sum(axis=1)
        scale = (weights * (influences[0] ** 2 + influences[1] ** 2)).sum(axis=1)
        spread = np.sqrt(np.where(variance <= TOLERANCE * scale, 0.0, variance))
        t = ((difference[1:] - difference[0]) / spread[1:])[:, None]
    if n == 1 or np.isnan(difference[0]):
        return Interval(float(difference[0]), np.nan, np.nan)
    if not spread[0] > 0:
        return Interval(*[float(difference[0])] * 3)
    lower, upper = _quantiles(np.where(np.isnan(t), 0.0, t), level, n - 1)
    low, high = (float(difference[0] - end[0] * spread[0]) for end in (upper, lower))
    return Interval(float(difference[0]), low, high)
