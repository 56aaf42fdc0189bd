"""How many recordings a study needs, from the spread that an earlier one has found.

The unit is the composition, as everywhere. Let d be the drop (or the excess: the drop minus that of
the matched control), s its standard deviation between compositions, and n their number.

* **Half-width of an interval.** It is about t(0.975; n − 1) · s / √n. The n that is wanted is the
  smallest with which this is at most the half-width that was asked for. The bootstrap's intervals
  are as wide for drops that are spread evenly, and wider where a few recordings make the drop.
* **A drop is told from its control** if a two-sided test of the excess at the level α finds it. For
  normal excesses with mean δ the power of the t-test is E[Φ(δ√n/s − t·u) + Φ(−δ√n/s − t·u)], with
  t = t(1 − α/2; n − 1) and the mean taken over u = √(χ²(n − 1)/(n − 1)), the ratio of the spread
  that is found to s. This is the noncentral t distribution, written as a mean over what is found.
  α is 0.05 / the number of excesses that the study tests, over all models: the first and strictest
  step of Holm's correction. The study's own test flips signs and has about the same power, but its
  p cannot be below 2^(1 − n) with n ≤ 12 compositions, so n is at least 1 + log2(1/α).
* **An excess is told from the margin** m (*equivalent to none*) if its 95 % interval lies within
  ±m, which is two one-sided tests at 2.5 % each. The power is E[max(0, Φ((m − δ)√n/s − t·u) −
  Φ((−m − δ)√n/s + t·u))] with t = t(0.975; n − 1). Where δ itself is beyond ±m no n is enough.

δ and s are those that were found, and a spread that few recordings tell is uncertain: its upper
80 % bound is s·√((n − 1)/χ²(0.2; n − 1)), and n grows by the square of that ratio
(:func:`caution`).

References: Cohen, *Statistical Power Analysis for the Behavioral Sciences* (1988), ch. 2;
Schuirmann (1987) and Phillips (1990) for two one-sided tests; Browne (1995) for the bound of s.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import compress
from math import ceil, inf, log2, nan, sqrt
from typing import Any, NamedTuple

import numpy as np
from scipy.special import chdtri, ndtr, stdtrit

from pi_amt.core.checks import check_range
from pi_amt.core.units import Floats
from pi_amt.statistics.bootstrap import LEVEL, cluster_sums
from pi_amt.statistics.inference import (
    EQUIVALENCE_MARGIN,
    EXACT_CLUSTERS,
    SIGNIFICANT,
    mean,
    snapped,
)
from pi_amt.statistics.panels import Panel
from pi_amt.statistics.result import Result
from pi_amt.statistics.verdicts import excess_tests

HALF_WIDTH, POWER = 0.05, 0.8
#: compositions with which the spread between them can be told; not those with which a difference
#: can be tested (:data:`pi_amt.statistics.inference.FEWEST_COMPOSITIONS`), which are more
FEWEST_FOR_SPREAD = 3
_MOST = 100_000
_STEPS = 2_000


class Spread(NamedTuple):
    """Differences of recordings, summarised by composition.

    ``deviation`` is that between compositions: the standard error of the mean times √n, with the
    recordings per composition that there are.
    """

    mean: float
    deviation: float
    n_compositions: int
    n_recordings: int


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What one condition of one panel needs.

    Attributes:
        n_recordings, n_compositions: of the study that is planned from.
        drop, excess: means; the excess is NaN without a matched control.
        drop_sd, excess_sd: standard deviations between compositions.
        for_drop, for_excess: recordings for intervals of the wanted half-width.
        to_tell_apart: recordings with which the excess is told from 0.
        to_call_none: recordings with which the excess is told from the margin; ``inf`` where no
            number is enough.
    """

    model: str
    dataset: str
    condition: str
    n_recordings: int
    n_compositions: int
    drop: float
    drop_sd: float
    for_drop: float
    excess: float = nan
    excess_sd: float = nan
    for_excess: float = nan
    to_tell_apart: float = nan
    to_call_none: float = nan


@dataclass(frozen=True)
class Wanted:
    """What a study is to achieve.

    Attributes:
        half_width: of the 95 % intervals of drop and excess.
        equivalence_margin: an excess within ± this is none.
        power: chance with which a test is to succeed.

    Raises:
        ValueError: for values that cannot be meant.
    """

    half_width: float = HALF_WIDTH
    equivalence_margin: float = EQUIVALENCE_MARGIN
    power: float = POWER

    def __post_init__(self) -> None:
        check_range("half_width", self.half_width, 1e-4, 1.0)
        check_range("equivalence_margin", self.equivalence_margin, 1e-4, 1.0)
        check_range("power", self.power, 0.5, 0.999)


def plans(result: Result, wanted: Wanted | None = None) -> list[Plan]:
    """One plan per condition that has at least :data:`FEWEST_FOR_SPREAD` compositions.

    Raises:
        ValueError: if there is none.
    """
    wanted = wanted or Wanted()
    tests = max(1, excess_tests(result.results))  # none where every baseline is at the floor
    found = [
        _plan(panel, number, result.score, wanted, tests)
        for panel in result.panels
        for number, condition in enumerate(panel.conditions)
        if condition.role == "condition"
    ]
    planned = [plan for plan in found if plan.n_compositions >= FEWEST_FOR_SPREAD]
    if not planned:
        most = max((plan.n_compositions for plan in found), default=0)
        raise ValueError(
            f"plan: got results of conditions on {most} compositions, expected at least "
            f"{FEWEST_FOR_SPREAD}: with fewer nothing is known of the spread between them"
        )
    return planned


def spread(differences: Floats, compositions: Sequence[str]) -> Spread:
    """The spread of ``(pieces,)`` differences, NaN where a recording has none."""
    known = ~np.isnan(differences)
    clusters = list(compress(compositions, known))
    values = differences[known]
    n = len(set(clusters))
    if n < 2:
        return Spread(mean(differences), nan, n, len(values))
    residuals = cluster_sums((values - values.mean())[:, None], clusters)
    error = sqrt(n / (n - 1) * float((residuals**2).sum())) / len(values)
    return Spread(float(values.mean()), error * sqrt(n), n, len(values))


def for_half_width(deviation: float, half_width: float) -> float:
    """Fewest compositions whose interval is expected to be that narrow on either side."""
    return _fewest(
        lambda n: float(stdtrit(n - 1, (1 + LEVEL) / 2)) * deviation / sqrt(n) <= half_width
    )


def to_tell(found: Spread, power: float, alpha: float) -> float:
    """Fewest compositions with which the mean is told from 0 with that power."""
    if found.mean == 0:
        return inf
    least = min(1 + log2(1 / alpha), EXACT_CLUSTERS + 1)
    return _fewest(
        lambda n: n >= least and power_to_tell(n, found.mean, found.deviation, alpha) >= power
    )


def for_equivalence(found: Spread, power: float, margin: float) -> float:
    """Fewest compositions with which the mean is told from ± ``margin`` with that power."""
    if abs(found.mean) >= margin:
        return inf
    return _fewest(lambda n: power_of_equivalence(n, found.mean, found.deviation, margin) >= power)


def power_to_tell(n: int, mean: float, deviation: float, alpha: float = SIGNIFICANT) -> float:
    """Chance that a two-sided t-test of ``n`` compositions finds a difference."""
    if deviation == 0:
        return float(mean != 0)
    t = float(stdtrit(n - 1, 1 - alpha / 2)) * _found_over_true(n - 1)
    shift = mean * sqrt(n) / deviation
    return float(np.mean(ndtr(shift - t) + ndtr(-shift - t)))


def power_of_equivalence(n: int, mean: float, deviation: float, margin: float) -> float:
    """Chance that the 95 % interval of ``n`` compositions lies within ± ``margin``."""
    if deviation == 0:
        return float(abs(mean) < margin)
    t = float(stdtrit(n - 1, (1 + LEVEL) / 2)) * _found_over_true(n - 1)
    scale = sqrt(n) / deviation
    inside = ndtr((margin - mean) * scale - t) - ndtr((-margin - mean) * scale + t)
    return float(np.mean(np.maximum(inside, 0.0)))


def caution(n_compositions: int) -> float:
    """By what number of recordings grows if the spread is at its upper 80 % bound."""
    degrees = n_compositions - 1
    return float(degrees / chdtri(degrees, 0.8))


def _found_over_true(degrees: int) -> Floats:
    """Ratio of a standard deviation that is found to the true one, at evenly spaced chances."""
    chances = (np.arange(_STEPS) + 0.5) / _STEPS
    return np.asarray(np.sqrt(chdtri(degrees, chances) / degrees))


def _fewest(enough: Callable[[int], bool]) -> float:
    """The smallest number from 2 on that is enough, if all larger ones are, too; else ``inf``."""
    high = 2
    while not enough(high):
        high *= 2
        if high > _MOST:
            return inf
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _plan(panel: Panel, number: int, score: str, wanted: Wanted, tests: int) -> Plan:
    drops = snapped(panel.baseline_values(score)[None] - panel.piece_means(score))
    drop = spread(drops[number], panel.compositions)
    plan: dict[str, Any] = {
        "model": panel.model,
        "dataset": panel.dataset,
        "condition": panel.names[number],
        "n_recordings": drop.n_recordings,
        "n_compositions": drop.n_compositions,
        "drop": drop.mean,
        "drop_sd": drop.deviation,
        "for_drop": _recordings(for_half_width(drop.deviation, wanted.half_width), drop),
    }
    control = panel.control_of(number, "matched_tracks")
    if control is not None:
        excess = spread(snapped(drops[number] - drops[control]), panel.compositions)
        needed = {
            "for_excess": for_half_width(excess.deviation, wanted.half_width),
            "to_tell_apart": to_tell(excess, wanted.power, SIGNIFICANT / tests),
            "to_call_none": for_equivalence(excess, wanted.power, wanted.equivalence_margin),
        }
        plan |= {name: _recordings(n, excess) for name, n in needed.items()}
        plan |= {"excess": excess.mean, "excess_sd": excess.deviation}
    return Plan(**plan)


def _recordings(compositions: float, found: Spread) -> float:
    """So many recordings, at the number per composition that there is."""
    if found.n_compositions < 2:
        return nan
    if compositions == inf:
        return inf
    return float(ceil(compositions * found.n_recordings / found.n_compositions))
