"""Intervals against their definition, independent packages and simulated studies."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from pi_amt.core.units import Floats
from pi_amt.statistics.bootstrap import (
    bootstrap_t,
    cluster_sums,
    mean_interval,
    resample_weights,
)

STUDIES = 1_000


def _simulated(kind: str, n: int, rng: np.random.Generator) -> tuple[Floats, float]:
    """``(n, STUDIES)`` drops and their true mean."""
    shape = (n, STUDIES)
    if kind == "normal":
        return rng.normal(0.2, 0.1, shape), 0.2
    if kind == "half zeros":
        return rng.exponential(0.2, shape) * (rng.random(shape) < 0.5), 0.1
    return rng.lognormal(-2.0, 1.0, shape), float(np.exp(-1.5))


def _coverage(values: Floats, truth: float, clusters: list[int] | None = None) -> float:
    found = bootstrap_t(values, None, clusters, n_resamples=2_000)
    return float(np.mean((found.low <= truth) & (truth <= found.high)))


@pytest.mark.parametrize("kind", ["normal", "half zeros"])
@pytest.mark.parametrize(("n", "least", "most"), [(60, 0.93, 0.97), (15, 0.90, 0.985)])
def test_interval_covers_the_true_mean(kind: str, n: int, least: float, most: float) -> None:
    values, truth = _simulated(kind, n, np.random.default_rng([7, n]))
    assert least <= _coverage(values, truth) <= most


def test_coverage_of_lognormal_drops_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    found = {
        n: _coverage(*_simulated("lognormal", n, np.random.default_rng([7, n]))) for n in (15, 60)
    }
    with capsys.disabled():
        print(
            f"\nlognormal drops: coverage {found[15]:.3f} at 15, {found[60]:.3f} at 60 recordings"
        )
    assert found[15] > 0.87
    assert found[60] > 0.90


def test_clusters_restore_the_coverage_that_dependence_takes() -> None:
    rng = np.random.default_rng(3)
    sizes = rng.integers(1, 5, 40)
    clusters = np.repeat(np.arange(40), sizes)
    shared = rng.normal(0.2, 0.1, (40, STUDIES))[clusters]
    values = shared + rng.normal(0, 0.03, shared.shape)
    assert _coverage(values, 0.2, clusters.tolist()) > 0.92
    assert _coverage(values, 0.2) < 0.88


def test_interval_of_a_ratio_covers_the_true_ratio() -> None:
    rng = np.random.default_rng(4)
    base = rng.uniform(0.4, 0.9, (60, STUDIES))
    drops = 0.3 * base + rng.normal(0, 0.05, base.shape)
    found = bootstrap_t(drops, base, n_resamples=1_000)
    covered = np.mean((found.low <= 0.3) & (found.high >= 0.3))
    assert 0.93 <= covered <= 0.97


def _by_definition(
    top: Floats, bottom: Floats, clusters: list[int], n_resamples: int
) -> tuple[float, float]:
    """Bootstrap-t written as a loop over resampled clusters."""
    names = list(dict.fromkeys(clusters))
    groups = [np.flatnonzero(np.array(clusters) == name) for name in names]

    def fit(chosen: list[NDArray[np.int64]]) -> tuple[float, float]:
        t = np.array([top[group].sum() for group in chosen])
        b = np.array([bottom[group].sum() for group in chosen])
        ratio = t.sum() / b.sum()
        g = len(chosen)
        return ratio, float(np.sqrt(g / (g - 1) * ((t - ratio * b) ** 2).sum()) / b.sum())

    estimate, error = fit(groups)
    statistics = []
    for weights in resample_weights(len(groups), n_resamples, 0).astype(int):
        chosen = [group for group, w in zip(groups, weights, strict=True) for _ in range(w)]
        ratio, spread = fit(chosen)
        statistics.append((ratio - estimate) / spread)
    ordered, rank = np.sort(statistics), int(0.025 * (n_resamples - 1))
    return estimate - ordered[-1 - rank] * error, estimate - ordered[rank] * error


def test_bootstrap_t_is_its_definition() -> None:
    rng = np.random.default_rng(0)
    clusters = [0, 0, 1, 2, 2, 2, 3, 4, 5, 6, 7, 7]
    bottom = rng.uniform(0.5, 1, 12)
    top = 0.3 * bottom + rng.normal(0, 0.1, 12)
    found = mean_interval(top, bottom, clusters, n_resamples=400)
    expected = _by_definition(top, bottom, clusters, 400)
    np.testing.assert_allclose((found.low, found.high), expected, rtol=1e-9)


def test_many_normal_recordings_agree_with_student_and_scipy() -> None:
    values = np.random.default_rng(1).normal(0.2, 0.1, 300)
    found = mean_interval(values)
    student = stats.t.interval(0.95, 299, values.mean(), stats.sem(values))
    other = stats.bootstrap((values,), np.mean, n_resamples=5_000, rng=2).confidence_interval
    for low, high in (student, other):
        assert found.low == pytest.approx(low, abs=1e-3)
        assert found.high == pytest.approx(high, abs=1e-3)


def test_each_composition_once_is_no_clustering() -> None:
    values = np.random.default_rng(2).exponential(0.1, 20)
    assert mean_interval(values, None, list("abcdefghijklmnopqrst")) == mean_interval(values)


def test_interval_moves_and_scales_with_the_data() -> None:
    values = np.random.default_rng(5).exponential(0.1, (25, 1))
    plain, other = bootstrap_t(values), bootstrap_t(3 * values - 1)
    np.testing.assert_allclose(other.low, 3 * plain.low - 1)
    np.testing.assert_allclose(other.high, 3 * plain.high - 1)


def test_columns_do_not_know_each_other() -> None:
    values = np.random.default_rng(6).normal(size=(9, 130))
    together = bootstrap_t(values, n_resamples=300)
    alone = bootstrap_t(values[:, 100:101], n_resamples=300)
    np.testing.assert_allclose(together.low[100], alone.low[0])


def test_another_seed_gives_other_resamples() -> None:
    values = np.random.default_rng(8).exponential(size=12)
    assert mean_interval(values, seed=0) == mean_interval(values, seed=0)
    assert mean_interval(values, seed=0) != mean_interval(values, seed=1)


@pytest.mark.parametrize("n", [2, 3])
def test_two_or_three_recordings_give_students_interval(n: int) -> None:
    values = np.array([0.1, 0.25, 0.2])[:n]
    expected = stats.t.interval(0.95, n - 1, values.mean(), stats.sem(values))
    found = mean_interval(values)
    assert found.low <= expected[0] + 1e-12
    assert found.high >= expected[1] - 1e-12
    if n == 2:
        assert (found.low, found.high) == pytest.approx(expected)


def test_no_spread_gives_the_estimate_itself() -> None:
    found = mean_interval(np.full(8, 0.1))
    assert (found.low, found.high) == (found.estimate, found.estimate) == pytest.approx((0.1, 0.1))


def test_one_drop_among_zeros_gives_finite_bounds_that_hold_the_mean() -> None:
    values = np.zeros(15)
    values[3] = 0.4
    found = mean_interval(values)
    assert np.isfinite([found.low, found.high]).all()
    assert found.low < found.estimate < found.high
    # four of ten resamples miss the only drop: its upper bound must not be Student's short one
    assert found.high >= stats.t.interval(0.95, 14, values.mean(), stats.sem(values))[1]


def test_undefined_cases_are_nan() -> None:
    one = mean_interval([0.3])
    assert one.estimate == 0.3
    assert np.isnan([one.low, one.high]).all()
    assert np.isnan(mean_interval([]).estimate)
    zero = mean_interval([0.0, 0.0], [0.0, 0.0])
    assert np.isnan([zero.estimate, zero.low, zero.high]).all()
    same = mean_interval([0.1, 0.2, 0.3], None, ["a", "a", "a"])
    assert np.isnan([same.low, same.high]).all()


def test_bad_arrays_are_refused() -> None:
    with pytest.raises(ValueError, match="not finite"):
        bootstrap_t([[0.1], [np.nan]])
    with pytest.raises(ValueError, match="two equal shapes"):
        bootstrap_t([[0.1]], [[0.1, 0.2]])
    with pytest.raises(ValueError, match="2 cluster labels for 1"):
        bootstrap_t([[0.1]], None, ["a", "b"])


def test_cluster_sums_add_within_clusters() -> None:
    values = np.array([[1.0], [2.0], [4.0]])
    np.testing.assert_array_equal(cluster_sums(values, ["b", "a", "b"]), [[5.0], [2.0]])
