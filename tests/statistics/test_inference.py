"""p-values against independent packages, and under the null."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from pi_amt.statistics.inference import holm, sign_flip


def test_exact_sign_flip_is_scipys_permutation_test() -> None:
    values = np.random.default_rng(0).normal(0.5, 1, (8, 5))
    expected = [
        stats.permutation_test(
            (column,), np.mean, permutation_type="samples", n_resamples=100_000
        ).pvalue
        for column in values.T
    ]
    np.testing.assert_allclose(sign_flip(values), expected)


def test_sign_flip_of_signed_ranks_is_wilcoxons_test() -> None:
    ranks = np.array([1.0, -2, 3, 4, 5, -6, 7, 8, 9, 10, 11])
    expected = stats.wilcoxon(ranks, method="exact").pvalue
    assert sign_flip(ranks[:, None])[0] == pytest.approx(expected)


def test_random_sign_flip_approaches_the_exact_test() -> None:
    values = np.random.default_rng(1).normal(0.3, 1, 16)
    exact = stats.permutation_test(
        (values,), np.mean, permutation_type="samples", n_resamples=100_000
    ).pvalue
    assert sign_flip(values[:, None])[0] == pytest.approx(exact, abs=0.015)
    # never zero: one more than the hits, of one more than the draws
    assert sign_flip(np.ones((40, 1)), n_resamples=99)[0] == pytest.approx(0.01)


def test_clusters_flip_together() -> None:
    values = np.array([[0.1], [0.3], [-0.2], [0.4]])
    clustered = sign_flip(values, ["a", "a", "b", "c"])
    np.testing.assert_allclose(clustered, sign_flip([[0.4], [-0.2], [0.4]]))


def test_sign_flip_of_nothing_but_zeros_or_of_one_cluster() -> None:
    assert sign_flip(np.zeros((5, 1)))[0] == 1.0
    assert np.isnan(sign_flip([[0.2]])[0])


def test_what_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="finite values"):
        sign_flip([[np.inf], [0.0]])


@pytest.mark.parametrize("n", [12, 20])
def test_p_values_are_uniform_under_the_null(n: int) -> None:
    values = np.random.default_rng(n).standard_t(3, (n, 2_000))
    p = sign_flip(values, n_resamples=4_000)
    assert stats.kstest(p, "uniform").pvalue > 0.01
    assert np.mean(p <= 0.05) == pytest.approx(0.05, abs=0.015)


def test_holm_is_statsmodels() -> None:
    p = np.random.default_rng(0).uniform(0, 0.2, 25)
    np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1])


def test_holm_leaves_nan_out() -> None:
    found = holm([0.01, np.nan, 0.04])
    np.testing.assert_allclose(found, [0.02, np.nan, 0.04])
    assert holm([]).shape == (0,)
