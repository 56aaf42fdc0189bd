"""The table of planned recordings says what its numbers mean and what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.rows import make_rows

from pi_amt.cli.main import main
from pi_amt.report.tables.planning import planning_table
from pi_amt.statistics.planning import Wanted
from pi_amt.statistics.result import Result
from pi_amt.store.rows import Row
from pi_amt.store.store import Store

PLANTED = {"fund_mask": 0.4, "matched_tracks(fund_mask)": 0.1}


def said(rows: list[Row], wanted: Wanted | None = None) -> str:
    table = planning_table(Result.from_rows(rows, n_resamples=100), wanted)
    return " ".join(table.to_text(120).split())


def test_the_wishes_stand_under_the_table() -> None:
    text = said(make_rows(PLANTED), Wanted(half_width=0.02, equivalence_margin=0.1, power=0.9))
    for told in (
        "reaches ±0.02",
        "lies within ±0.1",
        "chance of 90%",
        "12 compositions",
        "1.6 times",
    ):
        assert told in text


def test_a_store_without_controls_plans_drops_and_says_what_is_missing() -> None:
    text = said(make_rows({"fund_mask": 0.4, "harm_mask": 0.1}))
    assert "No matched controls here" in text
    assert "to_tell_apart" not in text


def test_a_panel_with_too_few_compositions_is_named() -> None:
    rows = make_rows(PLANTED) + make_rows(PLANTED, n_pieces=2, dataset="small")
    assert "basic_pitch × small is left out, because it has fewer than 3 compositions" in said(rows)


def test_the_command_prints_the_plan_or_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, pieces in (("many", 12), ("few", 2)):
        with Store(tmp_path / name) as store:
            store.write(make_rows(PLANTED, n_pieces=pieces))
    csv = tmp_path / "plan.csv"
    assert main(["plan", str(tmp_path / "many"), "--half-width", "0.1", "--csv", str(csv)]) == 0
    assert "±0.1 around the drop" in capsys.readouterr().out
    assert csv.read_text().splitlines()[0].startswith("model,dataset,condition")
    assert main(["plan", str(tmp_path / "few")]) == 2
    assert "expected at least 3" in capsys.readouterr().err
    assert main(["plan", str(tmp_path / "many"), "--power", "2"]) == 2
    assert capsys.readouterr().err.startswith("pi-amt: power: got 2.0")
