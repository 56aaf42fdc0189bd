"""Two stores compared: planted differences, and what only one of them has."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from tests.rows import make_rows

from pi_amt.report.tables.contrasts import compare

N = 400


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


def test_what_was_not_held_equal_is_warned_of() -> None:
    a = make_rows({"fund_mask": 0.3}, n_pieces=6)
    settings = json.dumps({"pedal": "extend", "trim": "published", "max_seconds": 8})
    b = [
        replace(row, settings=settings, data="new" if row.track == "piece_03" else row.data)
        for row in a
    ]
    said = " ".join(compare(a, b, n_resamples=N).footers)
    assert "basic_pitch × demo: trim is not the same in both (A full, B published)." in said
    assert "max_seconds is not the same in both (A not recorded, B 8)" in said
    assert "basic_pitch × demo: 1 of 6 recordings has other audio or notes" in said
    assert "pedal is not the same" not in said
    assert "Warning" not in " ".join(compare(a, a, n_resamples=N).footers)


def test_conditions_of_one_name_and_other_options_are_warned_of() -> None:
    a = make_rows({"fund_mask": 0.3, "random": 0.1}, n_pieces=6)
    wider = json.dumps({"half_width_cents": 100.0})
    b = [replace(row, parameters=wider) if row.label == "fund_mask" else row for row in a]
    table = compare(a, b, n_resamples=N)
    assert "fund_mask" in {record["label"] for record in table.records}
    (said,) = [line for line in table.footers if "other options" in line]
    assert said.startswith(
        "Warning: basic_pitch × demo: other options in the two stores under fund_mask: "
    )
    assert "half_width_cents (A not recorded, B 100.0)" in said
