"""Dose curves and harmonic profiles: conditions that differ in one number.

A curve belongs to one model, dataset and permutation, and to one of its options (attenuation in
dB, share of bins, width in cents, cutoff in Hz …) while all others stay the same. A recording
enters if it has a score at every dose, so that a curve never changes its recordings on the way.

* **Area**: mean drop over the range of doses (trapezoids, divided by the range). It is a mean over
  recordings of each one's area, so its interval is the studentised bootstrap's.
* **D50**: the dose at which the mean drop crosses half of baseline − floor, by linear
  interpolation between doses. If the curve never gets there it is NaN, with the bound that the
  doses give (``> 40`` dB). The floor is the score of the control ``floor`` on the same recordings;
  without that control 0, and the curve says so. Where the control has no score there is no D50.
  Its interval is the percentile bootstrap's over the same resamples; resamples that never get
  there count as beyond the range, so a bound may be infinite.

A lower ``cutoff_hz`` is a larger dose; for options of which that depends on the permutation (the
width of a mask that keeps what it covers) the two ends of the curve tell. An option with which the
permutation says that nothing is changed at 0 (``attenuation_db`` of masks, ``p`` of ``random``)
starts its curve with the exact point (0, 0).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import compress
from math import isfinite
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pi_amt.core.hashing import canonical_json
from pi_amt.core.units import Floats
from pi_amt.permutations.loading import PERMUTATIONS
from pi_amt.permutations.permutation import Permutation
from pi_amt.statistics.bootstrap import (
    UNDEFINED,
    Interval,
    bootstrap_t,
    cluster_sums,
    resample_weights,
)
from pi_amt.statistics.inference import Inference, interval_over, mean, snapped
from pi_amt.statistics.panels import Panel
from pi_amt.statistics.result import Result
from pi_amt.store.rows import AUDIO_WITH_ONLY, AUDIO_WITHOUT, ConditionKey

#: fewest doses of a curve
FEWEST_DOSES = 3
#: options of which a lower value does more
LOWER_DOES_MORE = ("cutoff_hz",)
#: options that number something: more of them is not more of the perturbation
NUMBERS = ("harmonic", "channel")
#: permutations of the harmonic profile; the last two are sounds made without the partial, or of it
PROFILES = ("remove_harmonic", "keep_harmonic", AUDIO_WITHOUT, AUDIO_WITH_ONLY)


@dataclass(frozen=True)
class Curve:
    """Mean drop as a function of one option of one permutation.

    Attributes:
        parameter: the option that varies; ``constant`` is the JSON of the others.
        values: ``(doses,)`` of the option, ascending, in its own unit.
        drop, drop_low, drop_high: ``(doses,)`` mean drop with 95 % interval.
        matrix: ``(pieces, doses)`` drops.
        pieces: track names of the recordings with a score at every dose.
    """

    model: str
    dataset: str
    permutation: str
    parameter: str
    constant: str
    values: Floats
    drop: Floats
    drop_low: Floats
    drop_high: Floats
    matrix: Floats
    pieces: tuple[str, ...]

    @property
    def n_pieces(self) -> int:
        """Recordings behind every point."""
        return len(self.pieces)


@dataclass(frozen=True)
class DoseCurve(Curve):
    """A curve with its area and D50.

    Attributes:
        area: mean drop over the range of doses.
        d50: dose of half the drop from baseline to floor; NaN if never reached.
        d50_bound: ``""``, or what is known instead, such as ``> 40``.
        half_drop: the drop that D50 asks for.
        floor_known: whether ``floor`` was measured (else taken as 0).
    """

    area: Interval
    d50: Interval
    d50_bound: str
    half_drop: float
    floor_known: bool


def dose_curves(result: Result) -> tuple[DoseCurve, ...]:
    """All dose curves that the rows allow, at least three doses each."""
    return tuple(
        _dose_curve(panel, series, result.inference)
        for panel in result.panels
        for series in _series(panel)
        if series.is_dose
    )


def numbered_curves(result: Result, permutations: Collection[str]) -> tuple[Curve, ...]:
    """Drop against the number of a partial or a channel, under each of these permutations."""
    return tuple(
        _curve(panel, series, result.inference)
        for panel in result.panels
        for series in _series(panel)
        if series.permutation in permutations and series.parameter in NUMBERS
    )


def charted(panel: Panel) -> set[int]:
    """Numbers of the conditions that stand in a harmonic profile or in a dose curve."""
    return {
        number
        for series in _series(panel)
        if series.is_profile or series.is_dose
        for number in series.numbers
    }


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


class _Series(NamedTuple):
    """Conditions of one permutation that differ in one option.

    ``constant`` is the JSON of the other options, ``values`` are those of the one option in
    ascending order, and ``numbers`` those of their conditions in the panel.
    """

    permutation: str
    parameter: str
    constant: str
    values: list[float]
    numbers: list[int]

    @property
    def is_profile(self) -> bool:
        return self.permutation in PROFILES and self.parameter == "harmonic"

    @property
    def is_dose(self) -> bool:
        return self.parameter not in NUMBERS and len(self.numbers) >= FEWEST_DOSES

    @property
    def is_nothing_at_zero(self) -> bool:
        """What the permutation says; of one that is not here nobody knows."""
        try:
            found: type[Permutation] = PERMUTATIONS.load(self.permutation)
        except ValueError:
            return False
        return self.parameter == found.nothing_at_zero


def _series(panel: Panel) -> Iterator[_Series]:
    """All series of a panel, at least two conditions each."""
    groups: dict[tuple[str, str, str], dict[float, int]] = {}
    for number, condition in enumerate(panel.conditions):
        if panel.touches_nothing(number).all():  # no recording would be left in the curve
            continue
        for name, value, others in _numeric_options(condition):
            groups.setdefault((condition.permutation, name, others), {})[value] = number
    for (permutation, name, others), numbers in groups.items():
        if len(numbers) > 1:
            values = sorted(numbers)
            yield _Series(permutation, name, others, values, [numbers[v] for v in values])


def _numeric_options(condition: ConditionKey) -> Iterator[tuple[str, float, str]]:
    if condition.role != "condition":
        return
    options = condition.options
    for name, value in options.items():
        if not isinstance(value, int | float) or isinstance(value, bool):
            continue
        if isfinite(value):  # attenuation_db=inf has no place on an axis
            others = {key: other for key, other in options.items() if key != name}
            yield name, float(value), canonical_json(others)


def _complete(
    panel: Panel, series: _Series, score: str
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Doses ``(doses,)``, drops ``(pieces, doses)`` of complete recordings, which these are."""
    values = np.array(series.values)
    drops = panel.baseline_values(score)[None] - panel.piece_means(score)[series.numbers]
    known = np.asarray(~np.isnan(drops).any(axis=0))
    matrix = snapped(drops[:, known].T)
    if values[0] > 0 and series.is_nothing_at_zero:
        values = np.concatenate([[0.0], values])
        matrix = np.concatenate([np.zeros((len(matrix), 1)), matrix], axis=1)
    return values, matrix, known


def _curve(panel: Panel, series: _Series, inference: Inference) -> Curve:
    values, matrix, known = _complete(panel, series, inference.score)
    clusters = list(compress(panel.compositions, known))
    drop = low = high = np.full(len(values), np.nan)
    if len(matrix):
        found = bootstrap_t(
            matrix,
            clusters=clusters,
            n_resamples=inference.n_resamples,
            level=inference.level,
            seed=inference.seed,
        )
        # our scores lie in [0, 1], so no mean drop is beyond ±1
        most = 1.0 if inference.bounded else np.inf
        drop = found.estimate
        low, high = np.clip(found.low, -most, most), np.clip(found.high, -most, most)
    return Curve(
        model=panel.model,
        dataset=panel.dataset,
        permutation=series.permutation,
        parameter=series.parameter,
        constant=series.constant,
        values=values,
        drop=drop,
        drop_low=low,
        drop_high=high,
        matrix=matrix,
        pieces=tuple(compress(panel.pieces, known)),
    )


def _dose_curve(panel: Panel, series: _Series, inference: Inference) -> DoseCurve:
    curve = _curve(panel, series, inference)
    inside = [panel.pieces.index(piece) for piece in curve.pieces]
    clusters = [panel.compositions[i] for i in inside]
    base = panel.baseline_values(inference.score)
    floor = panel.lone_control("floor")
    lost = base if floor is None else base - panel.piece_means(inference.score)[floor]
    lost = lost[inside]
    to_floor = np.where(np.isnan(lost), mean(lost), lost)
    area = interval_over(area_under(curve.values, curve.matrix), clusters, inference)
    falling = None
    if series.parameter in LOWER_DOES_MORE or series.is_nothing_at_zero:
        falling = series.parameter in LOWER_DOES_MORE
    d50, bound = _d50(curve.values, curve.matrix, to_floor / 2, clusters, inference, falling)
    return DoseCurve(
        **vars(curve),
        area=area,
        d50=d50,
        d50_bound=bound,
        half_drop=mean(to_floor) / 2,
        floor_known=floor is not None,
    )


def _d50(
    values: Floats,
    matrix: Floats,
    half: Floats,
    clusters: list[str],
    inference: Inference,
    falling: bool | None,
) -> tuple[Interval, str]:
    """D50 with its percentile interval, and the bound where there is none.

    Args:
        values: ``(doses,)`` ascending.
        matrix: ``(pieces, doses)`` drops.
        half: ``(pieces,)`` half of each recording's way from baseline to floor.
        clusters: composition of each piece.
        inference: resamples, seed, level.
        falling: whether a lower value is a larger dose; if ``None``, the two ends tell.

    Returns:
        The interval (all NaN without recordings, or if the floor is not known to be below the
        baseline) and the bound, such as ``> 40``; empty if D50 was reached.
    """
    if not len(matrix) or not half.mean() > 0:  # NaN where the floor has no score here
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
    low, high = _d50_bounds(doses, matrix, half, clusters, inference, -1.0 if falling else 1.0)
    return Interval(d50, low, high), bound


def _d50_bounds(
    doses: Floats,
    matrix: Floats,
    half: Floats,
    clusters: list[str],
    inference: Inference,
    direction: float,
) -> tuple[float, float]:
    """Percentile bounds of D50; infinite on the side where resamples never get there.

    Args:
        doses: ``(doses,)`` in the order in which they grow; other arguments: see :func:`_d50`.
        direction: −1 where a lower value is a larger dose, else 1.
    """
    sums = cluster_sums(np.column_stack([matrix, half, np.ones(len(half))]), clusters)
    if len(sums) < 2:
        return np.nan, np.nan
    resampled = resample_weights(len(sums), inference.n_resamples, inference.seed) @ sums
    means = resampled[:, :-1] / resampled[:, -1:]
    curves, levels = means[:, :-1], means[:, -1]
    found = crossing(doses, curves, levels)
    found = np.where(np.isinf(found), direction * np.inf, found)
    found = np.where(curves[:, 0] > levels, -direction * np.inf, found)
    tail = (1 - inference.level) / 2
    low, high = np.quantile(found, [tail, 1 - tail], method="closest_observation")
    if np.isinf(low) and np.isinf(high):
        return np.nan, np.nan
    return float(low), float(high)
