"""Curves whose area and D50 are known in closed form."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
from tests.rows import make_dose_rows, make_row, make_rows

from pi_amt.permutation_importance import Importance
from pi_amt.permutations.permutation import Change, Permutation, Scene
from pi_amt.statistics.dose import PROFILES, area_under, crossing, dose_curves, numbered_curves
from pi_amt.store.rows import Row

DOSES = (0.25, 0.5, 0.75, 1.0)


class Fade(Permutation):
    """Somebody else's permutation, of which only the class is asked."""

    name: ClassVar[str] = "fade"
    nothing_at_zero: ClassVar[str] = "share_gone"

    def draw(self, scene: Scene) -> Change:
        raise NotImplementedError


def importance(rows: list[Row]) -> Importance:
    return Importance.from_rows(rows, n_resamples=500)


def linear(slopes: list[float], *, base: float = 0.8, floor: float | None = None) -> list[Row]:
    """Piece i drops by slope[i] × dose."""
    rows = []
    for i, slope in enumerate(slopes):
        rows.append(make_row("no_permutation", base, track=f"t{i}"))
        if floor is not None:
            rows.append(make_row("floor", floor, track=f"t{i}"))
        for dose in DOSES:
            score = base - slope * dose
            rows.append(make_row("random", score, track=f"t{i}", parameters={"p": dose}))
    return rows


def test_area_of_a_line_and_of_a_step() -> None:
    doses = np.array([0.0, 1.0, 3.0])
    np.testing.assert_allclose(area_under(doses, np.array([0.0, 0.1, 0.3])), 0.15)
    np.testing.assert_allclose(area_under(doses, np.array([[0.2, 0.2, 0.2]])), [0.2])
    # trapezoids by hand: (0 + 0.4) / 2 · 1 + 0.4 · 2, over 3
    np.testing.assert_allclose(area_under(doses, np.array([0.0, 0.4, 0.4])), 1.0 / 3)


def test_crossing_interpolates_and_may_never_come() -> None:
    doses = np.array([1.0, 2.0, 4.0])
    curves = np.array([[0.0, 0.1, 0.3], [0.5, 0.6, 0.7], [0.0, 0.1, 0.1], [0.0, 0.3, 0.0]])
    np.testing.assert_allclose(crossing(doses, curves, 0.2), [3.0, 1.0, np.inf, 1 + 2 / 3])


def test_linear_curve_has_its_area_and_d50() -> None:
    (curve,) = dose_curves(importance(linear([0.6, 0.6, 0.6])))
    # p = 0 changes nothing, so the curve starts at the origin
    np.testing.assert_allclose(curve.values, [0, *DOSES])
    np.testing.assert_allclose(curve.drop, 0.6 * np.array([0, *DOSES]), atol=1e-12)
    assert curve.area.estimate == pytest.approx(0.3)
    # no floor control: half of the way to 0 is 0.4, at dose 0.4 / 0.6
    assert not curve.floor_known
    assert curve.half_drop == pytest.approx(0.4)
    assert curve.d50.estimate == pytest.approx(0.4 / 0.6)
    assert (curve.d50.low, curve.d50.high) == pytest.approx((0.4 / 0.6, 0.4 / 0.6))


def test_attenuation_of_a_mask_starts_at_nothing() -> None:
    rows = make_dose_rows(
        {5.0: 0.1, 10.0: 0.2, 20.0: 0.4}, permutation="fund_mask", parameter="attenuation_db"
    )
    (curve,) = dose_curves(importance(rows))
    assert curve.values.tolist() == [0, 5, 10, 20]
    assert curve.drop[0] == 0


def test_an_option_that_another_permutation_calls_p_starts_where_it_was_run() -> None:
    """Of a share that is kept less is a larger dose, and 0 is all but nothing."""
    rows = make_dose_rows(
        {0.2: 0.6, 0.5: 0.5, 0.8: 0.1}, permutation="keep_share", baseline=0.8, noise=0.0
    )
    (curve,) = dose_curves(importance(rows))
    assert curve.values.tolist() == [0.2, 0.5, 0.8]
    assert 0.5 < curve.d50.estimate < 0.8


def test_a_permutation_of_another_package_says_where_it_changes_nothing(
    installed: Callable[..., None],
) -> None:
    rows = make_dose_rows(
        {0.2: 0.1, 0.5: 0.3, 0.8: 0.6}, permutation="fade", parameter="share_gone"
    )
    installed({"permutations": {"fade": "tests.statistics.test_dose:Fade"}})
    (curve,) = dose_curves(importance(rows))
    assert curve.values.tolist() == [0, 0.2, 0.5, 0.8]


def test_d50_is_half_of_the_way_to_the_floor() -> None:
    (curve,) = dose_curves(importance(linear([0.6, 0.6], floor=0.2)))
    assert curve.floor_known
    assert curve.d50.estimate == pytest.approx(0.3 / 0.6)


def test_d50_resamples_curve_and_floor_together() -> None:
    # each recording is half way down at dose 0.5, whatever its slope: so is every resample
    slopes = [0.2, 0.3, 0.5, 0.7]
    rows = linear(slopes)
    rows += [make_row("floor", 0.8 - slope, track=f"t{i}") for i, slope in enumerate(slopes)]
    (curve,) = dose_curves(importance(rows))
    assert (curve.d50.low, curve.d50.estimate, curve.d50.high) == pytest.approx((0.5, 0.5, 0.5))


def test_a_floor_at_the_baseline_has_no_d50() -> None:
    (curve,) = dose_curves(importance(linear([0.5, 0.6], floor=0.8)))
    assert math.isnan(curve.d50.estimate)
    assert curve.d50_bound == ""


def test_a_floor_without_a_score_has_no_d50_and_no_bound() -> None:
    rows = [
        replace(row, status="error", error="broken", scores={}) if row.label == "floor" else row
        for row in linear([0.1, 0.2], floor=0.2)
    ]
    (curve,) = dose_curves(importance(rows))
    assert curve.floor_known
    assert math.isnan(curve.half_drop)
    assert math.isnan(curve.d50.estimate)
    assert curve.d50_bound == ""


def test_intervals_hold_the_estimate_and_follow_the_recordings() -> None:
    slopes = np.random.default_rng(0).normal(0.6, 0.1, 20).clip(0.3, 0.8)
    (curve,) = dose_curves(importance(linear(slopes.tolist())))
    assert curve.area.estimate == pytest.approx(slopes.mean() / 2)
    assert curve.area.low < curve.area.estimate < curve.area.high
    assert curve.d50.estimate == pytest.approx(0.4 / slopes.mean())
    assert curve.d50.low < curve.d50.estimate < curve.d50.high
    error = slopes.std(ddof=1) / 20**0.5
    assert curve.d50.high - curve.d50.low == pytest.approx(
        2 * 1.96 * error * 0.4 / slopes.mean() ** 2, rel=0.25
    )


def test_no_interval_is_beyond_what_a_drop_can_be() -> None:
    rows = make_dose_rows(
        {0.1: 0.6, 0.2: 0.7, 0.3: 0.8}, n_pieces=2, noise=0.2, baseline=1.0, spread=0.0
    )
    (curve,) = dose_curves(importance(rows))
    assert (curve.drop_high[1:] == 1).all()
    assert (curve.drop_low >= -1).all()
    assert curve.area.high == 1


def test_d50_never_reached_is_none_with_its_bound() -> None:
    (curve,) = dose_curves(importance(linear([0.1, 0.1, 0.2])))
    assert math.isnan(curve.d50.estimate)
    assert curve.d50_bound == "> 1"
    assert np.isnan([curve.d50.low, curve.d50.high]).all()


def test_d50_reached_in_some_resamples_only_has_an_open_interval() -> None:
    (curve,) = dose_curves(importance(linear([0.2, 0.3, 0.4, 0.5, 0.6])))
    assert curve.d50.estimate == pytest.approx(1.0)
    assert curve.d50.low < 1.0
    assert curve.d50.high == math.inf


def test_lower_cutoff_is_a_larger_dose() -> None:
    planted = {500.0: 0.6, 1000.0: 0.5, 2000.0: 0.3, 4000.0: 0.0}
    rows = make_dose_rows(
        planted,
        permutation="high_freq",
        parameter="cutoff_hz",
        baseline=0.8,
        spread=0.0,
        noise=0.0,
    )
    (curve,) = dose_curves(importance(rows))
    np.testing.assert_allclose(curve.values, [500, 1000, 2000, 4000])
    # no point at 0: a cutoff of 0 Hz is not "nothing"
    assert curve.d50.estimate == pytest.approx(1500.0)


def test_bounds_of_a_falling_curve_point_the_other_way() -> None:
    def curve(drops: tuple[float, float, float]) -> str:
        rows = make_dose_rows(
            dict(zip((500.0, 1000.0, 2000.0), drops, strict=True)),
            permutation="high_freq",
            parameter="cutoff_hz",
            baseline=0.8,
            noise=0.0,
        )
        return dose_curves(importance(rows))[0].d50_bound

    assert curve((0.3, 0.2, 0.1)) == "< 500"
    assert curve((0.7, 0.6, 0.5)) == "> 2000"
    assert curve((0.7, 0.3, 0.1)) == ""


def test_a_dose_that_helps_a_little_still_runs_upwards() -> None:
    (curve,) = dose_curves(importance(linear([-0.02, -0.01, 0.0])))
    assert curve.d50_bound == "> 1"


def test_d50_passed_before_the_first_dose_has_a_bound_and_no_interval() -> None:
    rows = make_dose_rows(
        {35.0: 0.6, 50.0: 0.65, 70.0: 0.7}, permutation="fund_mask", parameter="half_width_cents"
    )
    (curve,) = dose_curves(importance(rows))
    assert curve.d50_bound == "< 35"
    assert np.isnan([curve.d50.low, curve.d50.estimate, curve.d50.high]).all()


def test_other_options_and_draws_make_curves_of_their_own() -> None:
    rows = [
        *make_dose_rows({0.1: 0.1, 0.2: 0.2, 0.3: 0.3}, constant={"draw": "static"}),
        *make_dose_rows({0.1: 0.2, 0.2: 0.3, 0.3: 0.4}, constant={"draw": "per_frame"}),
        *make_rows({"fund_mask": 0.3}, parameters={"fund_mask": {"half_width_cents": 70}}),
    ]
    curves = dose_curves(importance(rows))
    assert [c.constant for c in curves] == ['{"draw":"static"}', '{"draw":"per_frame"}']
    assert {c.parameter for c in curves} == {"p"}


def test_two_doses_are_no_curve() -> None:
    assert dose_curves(importance(make_dose_rows({0.1: 0.1, 0.2: 0.2}))) == ()


def test_a_curve_keeps_its_recordings_from_dose_to_dose() -> None:
    rows = linear([0.5, 0.6, 0.7])
    rows = [row for row in rows if not (row.track == "t2" and row.parameters == '{"p": 0.5}')]
    (curve,) = dose_curves(importance(rows))
    assert curve.pieces == ("t0", "t1")
    np.testing.assert_allclose(curve.drop, 0.55 * np.array([0, *DOSES]), atol=1e-12)


def test_no_common_recording_gives_an_empty_curve() -> None:
    rows = [
        row
        for row in linear([0.5, 0.5])
        if (row.track, row.parameters) not in (("t0", '{"p": 0.5}'), ("t1", '{"p": 0.75}'))
    ]
    (curve,) = dose_curves(importance(rows))
    assert curve.n_pieces == 0
    assert np.isnan([curve.area.estimate, curve.d50.estimate, *curve.drop]).all()


def test_profile_is_drop_by_harmonic() -> None:
    planted = {float(k): 0.4 / k for k in (1, 2, 3, 4)}
    rows = make_dose_rows(
        planted, permutation="remove_harmonic", parameter="harmonic", noise=0.01, n_pieces=20
    )
    found = importance(rows)
    (profile,) = numbered_curves(found, PROFILES)
    np.testing.assert_array_equal(profile.values, [1, 2, 3, 4])
    np.testing.assert_allclose(profile.drop, [planted[k] for k in (1, 2, 3, 4)], atol=0.01)
    assert (profile.drop_low < profile.drop).all()
    assert dose_curves(found) == ()


def test_numbers_of_partials_and_channels_are_no_doses() -> None:
    channels = {0.0: 0.1, 1.0: 0.5, 2.0: 0.2}
    rows = make_dose_rows(channels, permutation="ablate_channel", parameter="channel")
    assert dose_curves(importance(rows)) == ()
    assert numbered_curves(importance(rows), PROFILES) == ()
