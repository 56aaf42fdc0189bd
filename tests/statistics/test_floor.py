"""Nothing is claimed where the baseline leaves no room for a drop."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from tests.rows import make_row, make_rows

from pi_amt.permutation_importance import Importance
from pi_amt.statistics.floor import recordings_at_floor, why_at_floor
from pi_amt.store.rows import Row

N = 400


def study(**scores: Sequence[float]) -> list[Row]:
    """Label → score of each recording."""
    return [
        make_row(label, score, track=f"piece_{number:02d}")
        for label, values in scores.items()
        for number, score in enumerate(values)
    ]


def importance(rows: Sequence[Row], score: str = "F-measure_no_offset") -> Importance:
    return Importance.from_rows(rows, n_resamples=N, score=score)


def why(rows: Sequence[Row]) -> str:
    found = importance(rows)
    return why_at_floor(found.panel, found.inference)


@pytest.mark.parametrize(("score", "at_floor"), [(0.0, True), (0.099, True), (0.1, False)])
def test_a_mean_under_a_tenth_is_at_the_floor(score: float, at_floor: bool) -> None:
    said = why(study(no_permutation=[score] * 4, fund_mask=[0.0] * 4))
    assert bool(said) == at_floor
    assert not at_floor or f"is {score:.3f}, under 0.10" in said


def test_a_baseline_no_better_than_the_floor_control_is_at_the_floor() -> None:
    noise = np.random.default_rng(0).normal(0, 0.05, 12)
    same = why(study(no_permutation=[0.3] * 12, floor=list(0.29 + noise)))
    assert "is 0.300, not significantly above the 0.2" in same
    assert "under the control floor" in same
    below = why(study(no_permutation=[0.3] * 12, floor=[0.4] * 12))
    assert "not significantly above the 0.400 under the control floor" in below


def test_a_baseline_clearly_above_the_floor_control_is_not_at_the_floor() -> None:
    # by little, but in every recording
    assert why(study(no_permutation=[0.3] * 12, floor=[0.25, 0.26] * 6)) == ""
    # by much, in recordings that are too few for significance and differ widely
    assert why(study(no_permutation=[0.2, 0.9], floor=[0.1, 0.1])) == ""
    assert why(study(no_permutation=[0.5], floor=[0.0])) == ""


def test_scores_that_are_missing_or_of_a_plug_in_say_nothing() -> None:
    assert why(study(no_permutation=[math.nan, 0.5], fund_mask=[math.nan, 0.1])) == ""
    own = [replace(row, scores={"mine.x": 0.01}) for row in make_rows(n_pieces=4)]
    found = importance(own, score="mine.x")
    assert why_at_floor(found.panel, found.inference) == ""
    assert recordings_at_floor(found.panel, found.inference) == []
    assert all(not math.isnan(result.p) for result in found.results)


def test_a_panel_at_the_floor_has_no_p_and_takes_none_from_the_others() -> None:
    good = make_rows({"fund_mask": 0.3, "harm_mask": 0.1})
    low = make_rows(
        {"fund_mask": 0.02, "matched_tracks(fund_mask)": 0.0},
        baseline=0.04, spread=0.0, noise=0.005, model="timbre_trap",
    )  # fmt: skip
    both, alone = importance([*good, *low]), importance(good)
    of_low = both.results_of(both.panels[1])
    assert of_low[0].drop == pytest.approx(0.02, abs=0.01)
    assert of_low[0].drop_low > 0
    assert of_low[0].excess_low > 0
    assert all(math.isnan(p) for r in of_low for p in (r.p, r.p_holm, r.excess_p, r.excess_p_holm))
    assert repr(both.results_of(both.panels[0])) == repr(alone.results)  # NaN is not NaN
    assert "Holm over 2 tests" in " ".join(both.table().footers)


def test_a_contrast_with_a_side_at_the_floor_has_no_p() -> None:
    rows = make_rows({"fund_mask": 0.3}) + make_rows(
        {"fund_mask": 0.0}, baseline=0.03, spread=0.0, model="timbre_trap"
    )
    table = importance(rows).contrasts()
    assert table.column("difference")[0] == pytest.approx(-0.3, abs=0.05)
    assert math.isnan(table.column("p")[0])
    assert math.isnan(table.column("p_holm")[0])
    said = " ".join(table.footers)
    assert "Holm over 0 tests" in said
    assert "timbre_trap × demo: the mean score without perturbation is 0.0" in said
    assert "basic_pitch × demo:" not in said


def test_the_caution_is_one_for_the_panel_or_one_for_some_of_its_recordings() -> None:
    low = importance(study(no_permutation=[0.0] * 3, fund_mask=[0.0] * 3))
    (said,) = [w for w in low.warnings if "learnt" in w]
    assert said.startswith("basic_pitch × demo: nothing can be learnt from these drops: the mean")
    assert "no p-values are given" in said
    assert not any("baseline score under" in w for w in low.warnings)

    base = [0.8, 0.05, 0.7, 0.0, 0.9, 0.02, 0.01, 0.8, math.nan]
    some = importance(study(no_permutation=base, fund_mask=[0.0] * 8 + [math.nan]))
    (said,) = [w for w in some.warnings if "baseline score under" in w]
    assert said == (
        "basic_pitch × demo: 4 recordings have a baseline score under 0.10 (piece_01, piece_03, "
        "piece_05, …). There is next to nothing to lose there, so the drops say nothing; "
        "`pi-amt data --full` tells whether the files are to blame."
    )
    one = importance(study(no_permutation=[0.8, 0.05], fund_mask=[0.1, 0.0]))
    assert any("1 recording has a baseline score under 0.10 (piece_01). " in w
               for w in one.warnings)  # fmt: skip
    assert not any("baseline score" in w for w in importance(make_rows()).warnings)


@pytest.mark.parametrize(("drop", "told"), [(0.65, "yes"), (0.601, "yes"), (0.6, "no")])
def test_a_control_at_the_floor_is_marked(drop: float, told: str) -> None:
    """The baseline is 0.7."""
    rows = make_rows({"harm_mask": 0.1, "matched_tracks(harm_mask)": drop}, noise=0.0, spread=0.0)
    found = importance(rows)
    assert found["harm_mask"].control_at_floor == told
    assert found["matched_tracks(harm_mask)"].control_at_floor == ""
    said = [warning for warning in found.warnings if "matched control of 1 condition" in warning]
    assert bool(said) == (told == "yes")
    # the numbers stay
    assert found["harm_mask"].excess_drop == pytest.approx(0.1 - drop)
