"""Area under a dose curve and D50; :mod:`pi_amt.statistics.dose` says what they mean."""

from __future__ import annotations

import numpy as np

from pi_amt.core.units import Floats
from pi_amt.statistics.bootstrap import UNDEFINED, Interval, cluster_sums, resample_weights
from pi_amt.statistics.condition_results import Settings


def area_under(doses: Floats, drops: Floats) -> Floats:
    """Trapezoid area of ``drops (…, doses)`` over ascending ``doses``, divided by their range."""
    width = np.diff(doses)
    return np.asarray((width * (drops[..., 1:] + drops[..., :-1]) / 2).sum(axis=-1) / width.sum())


def crossing(doses: Floats, drops: Floats, level: Floats | float) -> Floats:
    """Where each curve ``(curves, doses)`` first reaches its ``level``, going through the doses.

    Linear interpolation between doses; the first dose itself if the curve starts there; +inf if it
    never gets there. Works for doses that go down.
    """
    levels = np.broadcast_to(np.asarray(level, dtype=np.float64), (len(drops),))
    reached = drops >= levels[:, None]
    first = np.argmax(reached, axis=1)
    rows = np.arange(len(drops))
    before = np.maximum(first - 1, 0)
    low, high = drops[rows, before], drops[rows, first]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(first > 0, (levels - low) / (high - low), 0.0)
    dose = doses[before] + share * (doses[first] - doses[before])
    return np.where(reached.any(axis=1), dose, np.inf)


def d50_of(
    values: Floats,
    matrix: Floats,
    half: Floats,
    clusters: list[str],
    settings: Settings,
    falling: bool | None = None,
) -> tuple[Interval, str]:
    """D50 with its percentile interval, and the bound where there is none.

    Args:
        values: ``(doses,)`` ascending.
        matrix: ``(pieces, doses)`` drops.
        half: ``(pieces,)`` half of each recording's way from baseline to floor.
        clusters: composition of each piece.
        settings: resamples, seed, level.
        falling: whether a lower value is a larger dose; seen from the two ends if not given.

    Returns:
        The interval (all NaN without recordings, or if the floor is not below the baseline) and
        the bound, such as ``> 40``; empty if D50 was reached.
    """
    if not len(matrix) or half.mean() <= 0:
        return UNDEFINED, ""
    if falling is None:
        falling = bool(matrix[:, -1].mean() < matrix[:, 0].mean())
    doses, matrix = (values[::-1], matrix[:, ::-1]) if falling else (values, matrix)
    drop = matrix.mean(axis=0)
    d50 = float(crossing(doses, drop[None], half.mean())[0])
    bound = ""
    if np.isinf(d50):
        d50, bound = np.nan, f"{'<' if falling else '>'} {doses[-1]:g}"
    elif drop[0] > half.mean():
        d50, bound = np.nan, f"{'>' if falling else '<'} {doses[0]:g}"
    low, high = _d50_bounds(doses, matrix, half, clusters, settings, -1.0 if falling else 1.0)
    return Interval(d50, low, high), bound


def _d50_bounds(
    doses: Floats,
    matrix: Floats,
    half: Floats,
    clusters: list[str],
    settings: Settings,
    direction: float,
) -> tuple[float, float]:
    """Percentile bounds of D50; infinite on the side where resamples never get there.

    Args:
        doses: ``(doses,)`` in the order in which they grow; other arguments: see :func:`d50_of`.
        direction: −1 where a lower value is a larger dose, else 1.
    """
    sums = cluster_sums(np.column_stack([matrix, half, np.ones(len(half))]), clusters)
    if len(sums) < 2:
        return float("nan"), float("nan")
    resampled = resample_weights(len(sums), settings.n_resamples, settings.seed) @ sums
    means = resampled[:, :-1] / resampled[:, -1:]
    curves, levels = means[:, :-1], means[:, -1]
    found = crossing(doses, curves, levels)
    found = np.where(np.isinf(found), direction * np.inf, found)
    found = np.where(curves[:, 0] > levels, -direction * np.inf, found)
    tail = (1 - settings.level) / 2
    low, high = np.quantile(found, [tail, 1 - tail], method="closest_observation")
    if np.isinf(low) and np.isinf(high):
        return float("nan"), float("nan")
    return float(low), float(high)
