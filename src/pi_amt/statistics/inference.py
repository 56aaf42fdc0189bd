"""Intervals and p-values over recordings, and the correction of p-values for many conditions.

The unit is the *cluster* of :mod:`pi_amt.statistics.bootstrap`, and everything is a pure function
of the data and a seed. p-values are those of a paired permutation test that flips signs.

References: Efron & Tibshirani, *An Introduction to the Bootstrap* (1993), ch. 15; Phipson & Smyth
(2010) for the +1; Holm (1979); Schuirmann (1987) for equivalence.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import compress
from math import nan

import numpy as np
from numpy.typing import ArrayLike

from pi_amt.core.text import plural
from pi_amt.core.units import Floats
from pi_amt.statistics.bootstrap import (
    LEVEL,
    N_RESAMPLES,
    TOLERANCE,
    Interval,
    cluster_sums,
    mean_interval,
)

#: a corrected p-value below this one is called significant
SIGNIFICANT = 0.05
#: up to this many clusters the sign-flip test goes through all 2^n patterns
EXACT_CLUSTERS = 12
#: compositions with which a p can be below :data:`SIGNIFICANT`; with fewer nothing is tested, and
#: no interval is drawn
FEWEST_COMPOSITIONS = 6
#: two scores that differ by less than this are the same to a reader who asks what a model relies on
EQUIVALENCE_MARGIN = 0.03
#: of the interval whose ends are two one-sided tests at 5 %
EQUIVALENCE_LEVEL = 0.90
#: differences of scores below this are rounding noise
ROUNDING = 1e-12


@dataclass(frozen=True)
class Inference:
    """How results were computed.

    Attributes:
        score: key of ``Row.scores``.
        n_resamples, seed, level: of the bootstrap (and the random sign flips).
        equivalence_margin: differences of scores that are confidently smaller count as none.
    """

    score: str
    n_resamples: int = N_RESAMPLES
    seed: int = 0
    level: float = LEVEL
    equivalence_margin: float = EQUIVALENCE_MARGIN

    @property
    def bounded(self) -> bool:
        """Whether the score lies in [0, 1]; one of a plug-in, ``<entry point>.<key>``, may not."""
        return "." not in self.score

    @property
    def intervals_in_words(self) -> str:
        """How intervals were made, as notes below tables say it."""
        return (
            f"95 %, studentised bootstrap, {plural(self.n_resamples, 'resample')} over recordings, "
            f"clustered by composition, seed {self.seed}"
        )


def sign_flip(
    differences: ArrayLike,
    clusters: Sequence[Hashable] | None = None,
    *,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> Floats:
    """Two-sided p of paired differences ``(recordings, columns)``: is their mean zero?

    Signs flip cluster by cluster; all 2^n patterns up to :data:`EXACT_CLUSTERS` clusters, else
    ``n_resamples`` random ones with (hits + 1) / (resamples + 1). All zero gives 1. One cluster
    gives NaN: both of its patterns are equally extreme.

    Raises:
        ValueError: for another shape or values that are not finite.
    """
    values = np.asarray(differences, dtype=np.float64)
    if values.ndim != 2 or not np.isfinite(values).all():
        raise ValueError(f"got {values.shape}, expected finite values (recordings, columns)")
    sums = cluster_sums(values, clusters)
    n = len(sums)
    if n < 2:
        return np.full(values.shape[1], np.nan)
    observed = np.abs(sums.sum(axis=0))
    threshold = observed - TOLERANCE * np.abs(sums).sum(axis=0)
    if n <= EXACT_CLUSTERS:
        signs = 1.0 - 2.0 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
        return np.asarray((np.abs(signs @ sums) >= threshold).mean(axis=0))
    hits = (np.abs(_random_signs(n, n_resamples, seed) @ sums) >= threshold).sum(axis=0)
    return np.asarray((hits + 1) / (n_resamples + 1))


def smallest_p(clusters: int, n_resamples: int = N_RESAMPLES) -> float:
    """The smallest p that :func:`sign_flip` can give; 1 where there is no test."""
    if clusters <= EXACT_CLUSTERS:
        return float(2.0 ** (1 - clusters)) if clusters > 1 else 1.0
    return 1 / (n_resamples + 1)


def holm(p_values: ArrayLike) -> Floats:
    """Holm's step-down adjusted p-values ``(tests,)``; NaN stay NaN and are not counted."""
    p = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full(p.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    steps = p[order] * (len(order) - np.arange(len(order)))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def snapped(differences: Floats) -> Floats:
    """Differences of scores in [0, 1] with rounding noise set to 0, lest a sign test count it."""
    return np.where(np.abs(differences) < ROUNDING, 0.0, differences)


def mean(values: Floats) -> float:
    """Mean of what is not NaN in ``(pieces,)``."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else nan


def interval_over(
    top: Floats,
    clusters: Sequence[str],
    inference: Inference,
    *,
    bottom: Floats | None = None,
    limits: tuple[float, float] = (-1.0, 1.0),
) -> Interval:
    """Interval of a mean, or of the ratio of two, over the recordings that have both.

    Args:
        top: ``(pieces,)``.
        clusters: composition of each piece.
        inference: resamples, seed, level.
        bottom: ``(pieces,)`` of a ratio's denominator; ones if not given.
        limits: bounds end here, if the score is ours: those lie in [0, 1], so no difference of two
            means is beyond ±1.
    """
    known = ~np.isnan(top) if bottom is None else ~np.isnan(top) & ~np.isnan(bottom)
    found = mean_interval(
        top[known],
        None if bottom is None else bottom[known],
        list(compress(clusters, known)),
        n_resamples=inference.n_resamples,
        level=inference.level,
        seed=inference.seed,
    )
    return found.within(*limits) if inference.bounded else found


def equivalent_within(differences: Floats, clusters: Sequence[str], inference: Inference) -> float:
    """The smallest margin inside which the mean of ``(pieces,)`` differences lies with confidence.

    That is the larger distance from 0 of the two ends of the 90 % interval, which are two one-sided
    tests at 5 % (Schuirmann 1987).
    """
    found = interval_over(differences, clusters, replace(inference, level=EQUIVALENCE_LEVEL))
    return max(abs(found.low), abs(found.high))


def p_value_over(differences: Floats, clusters: Sequence[str], inference: Inference) -> float:
    """Sign-flip p of ``(pieces,)`` differences over the recordings that have one."""
    known = ~np.isnan(differences)
    if not known.any():
        return nan
    n, seed = inference.n_resamples, inference.seed
    inside = list(compress(clusters, known))
    return float(sign_flip(differences[known][:, None], inside, n_resamples=n, seed=seed)[0])


@lru_cache(maxsize=8)
def _random_signs(n: int, n_resamples: int, seed: int) -> Floats:
    heads = np.random.default_rng([seed, n, 1]).integers(0, 2, size=(n_resamples, n))
    signs: Floats = 2.0 * heads.astype(np.float64) - 1.0
    signs.flags.writeable = False
    return signs
