"""Differences between models are paired, recording by recording."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.rows import make_rows

from pi_amt.permutation_importance import Importance
from pi_amt.statistics.bootstrap import mean_interval
from pi_amt.statistics.inference import sign_flip
from pi_amt.store.rows import Row

N = 400


def test_contrast_is_the_paired_difference_of_drops() -> None:
    rows = make_rows({"fund_mask": 0.3}, noise=0.1)
    rows += make_rows({"fund_mask": 0.1}, noise=0.1, seed=1, model="timbre_trap")
    found = Importance.from_rows(rows, n_resamples=N)
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
    (record,) = Importance.from_rows(rows, n_resamples=N).contrasts().records
    assert record["n_pieces"] == 6


def test_contrast_of_other_excerpts_is_warned_of() -> None:
    rows = make_rows({"fund_mask": 0.3}, n_pieces=6)
    others = make_rows({"fund_mask": 0.1}, n_pieces=6, model="timbre_trap")
    assert not any("other audio" in note for note in footers(rows + others))
    cut = [replace(row, data="another") if row.track == rows[0].track else row for row in others]
    (warning,) = (note for note in footers(rows + cut) if "other audio" in note)
    assert warning == (
        "Warning: demo: 1 of 6 recordings has other audio or notes for basic_pitch than for "
        "timbre_trap."
    )


def footers(rows: list[Row]) -> tuple[str, ...]:
    """The notes under the contrasts of rows."""
    return Importance.from_rows(rows, n_resamples=N).contrasts().footers


def test_contrast_pairs_a_lone_label_whatever_its_options() -> None:
    rows = [
        row
        for model, width in (("basic_pitch", 70), ("timbre_trap", 50))
        for row in make_rows(
            {"fund_mask": 0.2}, model=model, parameters={"fund_mask": {"half_width_cents": width}}
        )
    ]
    assert len(Importance.from_rows(rows, n_resamples=N).contrasts()) == 1
    # two widths on one side: which is meant is not clear, so only equal options pair
    rows += make_rows({"fund_mask": 0.2}, parameters={"fund_mask": {"half_width_cents": 50}})
    (record,) = Importance.from_rows(rows, n_resamples=N).contrasts().records
    assert record["parameters"] == '{"half_width_cents": 50}'


def test_one_model_has_no_contrasts() -> None:
    assert len(Importance.from_rows(make_rows(), n_resamples=N).contrasts()) == 0
