"""The table of dose curves shows their area, their D50 or its bound, and what tells them apart."""

from __future__ import annotations

from tests.rows import make_dose_rows, make_row, make_rows

from pi_amt.permutation_importance import Importance
from pi_amt.report.tables.dose import dose_table
from pi_amt.store.rows import Row


def importance(rows: list[Row]) -> Importance:
    return Importance.from_rows(rows, n_resamples=200)


def test_table_shows_area_d50_and_bound() -> None:
    rows = make_dose_rows({0.2: 0.1, 0.5: 0.2, 1.0: 0.3}, baseline=0.8, n_pieces=2)
    text = str(dose_table(importance(rows)))
    assert "area [95 %]" in text
    assert "without the control floor" in text
    floor = [make_row("floor", 0.0, track=track) for track in ("piece_00", "piece_01")]
    table = dose_table(importance([*rows, *floor]))
    assert table.column("d50_bound") == ["> 1"]
    assert "without the control" not in str(table)


def test_curves_of_one_permutation_are_told_apart_by_their_constant_options() -> None:
    doses = {0.1: 0.1, 0.2: 0.2, 0.3: 0.3}
    rows = make_dose_rows(doses, constant={"draw": "static", "fill": "silence"})
    rows += make_dose_rows(doses, constant={"draw": "per_frame", "fill": "silence"})
    names = dose_table(importance(rows)).column("curve")
    assert names == ["random (draw=static)", "random (draw=per_frame)"]


def test_a_result_has_its_table_of_curves_and_none_without_doses() -> None:
    table = importance(make_dose_rows({0.1: 0.05, 0.2: 0.2, 0.5: 0.5})).doses()
    assert table is not None
    assert {"area", "d50"} <= set(table.columns)
    without = importance(make_rows())
    assert "(nothing)" in str(dose_table(without))
    assert without.doses() is None
