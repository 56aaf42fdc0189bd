"""p-values over recordings: a paired permutation test, and its correction for many conditions.

The unit is the *cluster* of :mod:`pi_amt.statistics.bootstrap`, and everything is a pure function
of the data and a seed.

References: Efron & Tibshirani, *An Introduction to the Bootstrap* (1993), ch. 15; Phipson & Smyth
(2010) for the +1; Holm (1979).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from pi_amt.core.units import Floats
from pi_amt.statistics.bootstrap import N_RESAMPLES, TOLERANCE, cluster_sums

#: up to this many clusters the sign-flip test goes through all 2^n patterns
EXACT_CLUSTERS = 12


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


@lru_cache(maxsize=8)
def _random_signs(n: int, n_resamples: int, seed: int) -> Floats:
    heads = np.random.default_rng([seed, n, 1]).integers(0, 2, size=(n_resamples, n))
    signs: Floats = 2.0 * heads.astype(np.float64) - 1.0
    signs.flags.writeable = False
    return signs


def holm(p_values: ArrayLike) -> Floats:
    """Holm's step-down adjusted p-values ``(tests,)``; NaN stay NaN and are not counted."""
    p = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full(p.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    steps = p[order] * (len(order) - np.arange(len(order)))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted
