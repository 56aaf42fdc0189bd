"""Planned numbers do what they promise: in closed form, against scipy, and in simulated studies."""

from __future__ import annotations

from math import inf, isnan, sqrt
from typing import Any

import numpy as np
import pytest
from scipy import stats
from tests.rows import make_rows

from pi_amt.statistics.bootstrap import bootstrap_t
from pi_amt.statistics.inference import sign_flip
from pi_amt.statistics.planning import (
    Plan,
    Spread,
    Wanted,
    caution,
    for_equivalence,
    for_half_width,
    plans,
    power_of_equivalence,
    power_to_tell,
    spread,
    to_tell,
)
from pi_amt.statistics.result import Result

STUDIES = 2_000


def studies(n: int, mean: float, deviation: float, seed: int = 0) -> np.ndarray:
    """``(compositions, studies)`` differences of so many simulated studies."""
    return np.random.default_rng(seed).normal(mean, deviation, (n, STUDIES))


def result(drops: dict[str, float], **options: Any) -> Result:
    return Result.from_rows(make_rows(drops, **options), n_resamples=100)


def one(found: list[Plan], condition: str) -> Plan:
    (plan,) = [plan for plan in found if plan.condition == condition]
    return plan


def test_the_spread_is_the_standard_deviation_between_recordings() -> None:
    values = np.array([0.1, 0.3, np.nan, 0.2, 0.6])
    found = spread(values, list("abcde"))
    known = values[~np.isnan(values)]
    assert found == pytest.approx((known.mean(), known.std(ddof=1), 4, 4))


def test_recordings_of_one_composition_are_one_piece_of_evidence() -> None:
    values = np.array([0.1, 0.3, 0.2, 0.6])
    single = spread(values, list("abcd"))
    double = spread(np.repeat(values, 2), list("aabbccdd"))
    assert double[:3] == pytest.approx(single[:3])
    assert double.n_recordings == 8


def test_the_half_width_that_is_planned_is_the_one_that_intervals_get() -> None:
    n = for_half_width(0.15, 0.05)
    assert n == 38  # 1.96 * 0.15 / 0.05 squared is 34.6, and t is wider than 1.96
    found = bootstrap_t(studies(int(n), 0.2, 0.15)[:, :200], n_resamples=1_000)
    assert float(np.mean(found.high - found.low)) / 2 == pytest.approx(0.05, rel=0.05)


@pytest.mark.parametrize("n", [2, 3, 5, 12, 40])
@pytest.mark.parametrize("shift", [0.0, 0.3, 1.5, -0.8])
def test_the_power_of_a_difference_is_that_of_the_noncentral_t(n: int, shift: float) -> None:
    quantile = stats.t.ppf(0.975, n - 1)
    law = stats.nct(n - 1, shift * sqrt(n)) if shift else stats.t(n - 1)
    # scipy has no number for the tail far away, which is nothing
    expected = law.sf(quantile) + np.nan_to_num(law.cdf(-quantile))
    assert power_to_tell(n, 0.2 * shift, 0.2) == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize(("mean", "alpha"), [(0.1, 0.05), (-0.15, 0.05), (0.12, 0.05 / 7)])
def test_sign_flips_find_a_difference_as_often_as_planned(mean: float, alpha: float) -> None:
    n = int(to_tell(Spread(mean, 0.15, 12, 12), 0.8, alpha))
    assert 8 < n < 50
    found = sign_flip(studies(n, mean, 0.15), n_resamples=4_000) <= alpha
    assert float(found.mean()) == pytest.approx(0.8, abs=0.06)
    fewer = sign_flip(studies(n // 2, mean, 0.15), n_resamples=4_000) <= alpha
    assert float(fewer.mean()) < 0.65


def test_no_effect_is_so_large_that_four_recordings_give_a_small_p() -> None:
    n = to_tell(Spread(0.5, 1e-6, 12, 12), 0.8, 0.05)
    assert n == 6  # 2 ** (1 - 6) is the first below 0.05
    assert sign_flip(np.full((6, 1), 0.5))[0] <= 0.05 < sign_flip(np.full((5, 1), 0.5))[0]


@pytest.mark.parametrize("mean", [0.0, 0.01, -0.01])
def test_intervals_lie_within_the_margin_as_often_as_planned(mean: float) -> None:
    n = int(for_equivalence(Spread(mean, 0.06, 12, 12), 0.8, 0.03))
    values = studies(n, mean, 0.06)
    reach = stats.t.ppf(0.975, n - 1) * values.std(axis=0, ddof=1) / sqrt(n)
    inside = (np.abs(values.mean(axis=0)) + reach) < 0.03
    assert float(inside.mean()) == pytest.approx(0.8, abs=0.03)
    found = bootstrap_t(values[:, :400], n_resamples=1_000)
    both = (found.low > -0.03) & (found.high < 0.03)
    assert float(both.mean()) == pytest.approx(0.8, abs=0.07)


def test_no_number_is_enough_for_what_is_not_so() -> None:
    assert for_equivalence(Spread(0.04, 0.01, 12, 12), 0.8, 0.03) == inf
    assert to_tell(Spread(0.0, 0.1, 12, 12), 0.8, 0.05) == inf
    assert power_of_equivalence(1_000, 0.1, 0.05, 0.03) == pytest.approx(0)


def test_without_spread_the_smallest_study_is_enough() -> None:
    assert for_half_width(0.0, 0.05) == 2
    assert for_equivalence(Spread(0.0, 0.0, 3, 3), 0.8, 0.03) == 2
    assert power_to_tell(2, 0.1, 0.0) == 1


def test_caution_is_the_bound_that_four_of_five_spreads_stay_below() -> None:
    n = 12
    found = studies(n, 0.0, 1.0).var(axis=0, ddof=1)
    assert float((found * caution(n) >= 1.0).mean()) == pytest.approx(0.8, abs=0.03)
    assert caution(3) > caution(12) > caution(100) > 1


def test_plans_are_made_from_the_drops_and_their_controls() -> None:
    planted = {"fund_mask": 0.4, "matched_tracks(fund_mask)": 0.1, "random": 0.2}
    found = result(planted, noise=0.1, n_pieces=20)
    planned = plans(found)
    plan, lone = one(planned, "fund_mask"), one(planned, "random")
    assert plan.drop == pytest.approx(found["fund_mask"].drop)
    assert plan.excess == pytest.approx(found["fund_mask"].excess_drop)
    assert plan.drop_sd == pytest.approx(found["fund_mask"].drop_std)
    assert plan.for_drop == for_half_width(plan.drop_sd, 0.05)
    assert plan.for_excess > plan.for_drop  # the control has a spread of its own
    assert plan.to_call_none == inf
    assert isnan(lone.excess)
    assert isnan(lone.to_tell_apart)
    assert [p.condition for p in planned] == ["fund_mask", "random"]


def test_a_difference_is_planned_for_as_many_tests_as_the_study_corrects_over() -> None:
    """One excess alone, whatever conditions without a control stand beside it."""
    planted = {"fund_mask": 0.2, "matched_tracks(fund_mask)": 0.1}
    others = {"random": 0.2, "microtonal": 0.1, "high_freq": 0.0}
    rows = make_rows(planted | others, noise=0.1, n_pieces=20)
    found = Result.from_rows(rows, n_resamples=100)
    assert found["fund_mask"].excess_p_holm == found["fund_mask"].excess_p
    plan = one(plans(found), "fund_mask")
    excess = Spread(plan.excess, plan.excess_sd, 20, 20)
    assert plan.to_tell_apart == to_tell(excess, 0.8, 0.05) < to_tell(excess, 0.8, 0.05 / 4)


def test_a_study_that_tests_nothing_is_planned_from_all_the_same() -> None:
    """Baselines at the floor get no p-values."""
    planted = {"fund_mask": 0.02, "matched_tracks(fund_mask)": 0.01}
    found = result(planted, baseline=0.06, spread=0.01, noise=0.01)
    assert isnan(found["fund_mask"].excess_p)
    assert plans(found)[0].to_tell_apart < inf


def test_recordings_are_counted_where_compositions_are_the_unit() -> None:
    names = [f"work {i // 2}" for i in range(20)]
    found = plans(result({"fund_mask": 0.4}, noise=0.1, n_pieces=20, compositions=names))
    plan = one(found, "fund_mask")
    assert (plan.n_recordings, plan.n_compositions) == (20, 10)
    assert plan.for_drop == 2 * for_half_width(plan.drop_sd, 0.05)


def test_too_few_compositions_are_refused() -> None:
    with pytest.raises(ValueError, match="on 2 compositions, expected at least 3"):
        plans(result({"fund_mask": 0.4}, n_pieces=2))


@pytest.mark.parametrize("options", [{"half_width": 0}, {"equivalence_margin": -1}, {"power": 1.0}])
def test_wishes_that_cannot_be_meant_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        Wanted(**options)
