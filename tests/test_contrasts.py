"""Differences of drops are paired, and sentences say no more than the numbers."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from tests.rows import make_row, make_rows

from pi_amt.contrasts import compare
from pi_amt.resampling import mean_interval, sign_flip
from pi_amt.statistics import importance_from_rows
from pi_amt.store import Row

N = 400


def sentence(rows: list[Row]) -> str:
    (one,) = importance_from_rows(rows, n_resamples=N).headline()
    return one


def test_contrast_is_the_paired_difference_of_drops() -> None:
    rows = make_rows({"fund_mask": 0.3}, noise=0.1)
    rows += make_rows({"fund_mask": 0.1}, noise=0.1, seed=1, model="timbre_trap")
    found = importance_from_rows(rows, n_resamples=N)
    (record,) = found.contrasts().records
    a, b = (found.select(model=m).importances[0, :, 0] for m in ("basic_pitch", "timbre_trap"))
    expected = mean_interval(b - a, n_resamples=N)
    assert (record["a"], record["b"]) == ("basic_pitch", "timbre_trap")
    assert record["difference"] == pytest.approx(record["drop_b"] - record["drop_a"])
    assert record["difference_low"] == pytest.approx(expected.low)
    assert record["difference_high"] == pytest.approx(expected.high)
    assert record["p"] == pytest.approx(sign_flip((b - a)[:, None], n_resamples=N)[0])


def test_contrast_uses_the_recordings_that_both_models_have() -> None:
    rows = make_rows({"fund_mask": 0.3}, n_pieces=6)
    rows += make_rows({"fund_mask": 0.1}, n_pieces=9, model="timbre_trap")
    (record,) = importance_from_rows(rows, n_resamples=N).contrasts().records
    assert record["n_pieces"] == 6


def test_contrast_pairs_a_lone_label_whatever_its_options() -> None:
    rows = [
        row
        for model, width in (("basic_pitch", 70), ("timbre_trap", 50))
        for row in make_rows(
            {"fund_mask": 0.2}, model=model, parameters={"fund_mask": {"half_width_cents": width}}
        )
    ]
    assert len(importance_from_rows(rows, n_resamples=N).contrasts()) == 1
    # two widths on one side: which is meant is not clear, so only equal options pair
    rows += make_rows({"fund_mask": 0.2}, parameters={"fund_mask": {"half_width_cents": 50}})
    (record,) = importance_from_rows(rows, n_resamples=N).contrasts().records
    assert record["parameters"] == '{"half_width_cents": 50}'


def test_one_model_has_no_contrasts() -> None:
    assert len(importance_from_rows(make_rows(), n_resamples=N).contrasts()) == 0


def test_a_store_compared_with_itself_differs_nowhere() -> None:
    rows = make_rows({"fund_mask": 0.3, "floor": 0.6})
    table = compare(rows, rows, n_resamples=N)
    assert table.column("role") == ["baseline", "condition", "control"]
    assert table.column("difference") == [0.0, 0.0, 0.0]
    assert table.column("p") == [1.0, 1.0, 1.0]
    assert math.isnan(table.column("p_holm")[0])


def test_two_stores_show_the_planted_difference() -> None:
    old = make_rows({"fund_mask": 0.30, "harm_mask": 0.1}, noise=0.0)
    new = make_rows({"fund_mask": 0.20, "harm_mask": 0.1}, noise=0.0, baseline=0.75)
    new = [replace(row, weights="c" * 64) for row in new]
    table = compare(old, new, names=("old", "new"), n_resamples=N)
    assert table.column("label") == ["no_permutation", "fund_mask", "harm_mask"]
    assert table.column("difference") == pytest.approx([0.05, -0.10, 0.0], abs=1e-12)
    text = str(table)
    assert "old against new" in text
    assert "new: basic_pitch, published weights (cccccccccccc)" in text


def test_what_only_one_store_has_is_named() -> None:
    a = make_rows({"fund_mask": 0.3, "harm_mask": 0.1}, n_pieces=6)
    b = make_rows({"fund_mask": 0.3}, n_pieces=8)
    more = make_rows({"fund_mask": 0.3}, n_pieces=6, model="timbre_trap")
    said = " ".join(compare(a, [*b, *more]).footers)
    assert "Only in A, not compared: basic_pitch × demo under harm_mask." in said
    assert "Only in B, not compared: basic_pitch × demo, 2 of 8 recordings." in said
    assert "Only in B, not compared: timbre_trap × demo." in said
    assert "Only in" not in " ".join(compare(a, a).footers)


def test_stores_without_a_common_model_are_refused() -> None:
    with pytest.raises(ValueError, match="expected a model and dataset in both"):
        compare(make_rows(), make_rows(model="other"), n_resamples=N)


def test_headline_of_a_real_excess_may_say_relies() -> None:
    said = sentence(make_rows({"fund_mask": 0.3, "matched_tracks(fund_mask)": 0.05}, noise=0.0))
    assert "basic_pitch's F on demo is most sensitive to fund_mask (drop 0.3" in said
    assert "the model relies on" in said
    assert "excess 0.25" in said


def test_headline_without_control_says_so() -> None:
    said = sentence(make_rows({"fund_mask": 0.3}))
    assert "no matched control" in said
    assert "relies" not in said


def test_headline_of_a_drop_that_the_control_shares_is_no_reliance() -> None:
    said = sentence(make_rows({"fund_mask": 0.3, "matched_tracks(fund_mask)": 0.3}))
    assert "no evidence of reliance" in said
    assert "relies" not in said


def test_headline_names_a_larger_excess_elsewhere() -> None:
    planted = {
        "fund_mask": 0.2,
        "matched_tracks(fund_mask)": 0.0,
        "high_freq": 0.3,
        "matched_tracks(high_freq)": 0.3,
    }
    said = sentence(make_rows(planted, noise=0.0))
    assert "most sensitive to high_freq" in said
    assert "largest excess over a matched control is 0.2" in said
    assert "under fund_mask" in said


def test_headline_of_nothing_significant_says_so() -> None:
    said = sentence(make_rows({"microtonal": 0.0, "random": 0.0}, seed=3))
    assert "falls significantly under none of 2 conditions" in said
    assert "after correction, 12 recordings)" in said
    few = sentence([make_row("no_permutation", 0.8), make_row("fund_mask", 0.2)])
    assert "does not fall significantly; the drop is 0.60 under fund_mask (one recording" in few
    assert "drop is 0.60 under" in few


def test_headline_of_a_baseline_alone() -> None:
    assert "nothing to say" in sentence(make_rows({}))
