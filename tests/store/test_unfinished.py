"""A table of half a study says that it is one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.rows import make_rows

from pi_amt.cli.main import main
from pi_amt.report.page.build import build
from pi_amt.store.rows import Row
from pi_amt.store.store import Store
from pi_amt.store.unfinished import unfinished

ROWS = make_rows({"fund_mask": 0.3}, n_pieces=4, noise=0.0)
PIECES = [f"piece_{i:02}" for i in range(4)]
WEIGHTS = ROWS[0].weights


def run(*names: str, model: str = "basic_pitch", weights: str = WEIGHTS) -> dict[str, Any]:
    """The manifest of a run that set out to compute these recordings."""
    stamps = dict.fromkeys(names, "mark")
    one = {"model": model, "weights": weights, "dataset": "demo", "stamps": stamps}
    return {"passes": [one]}


def test_recordings_without_rows_are_counted_and_one_is_named() -> None:
    assert unfinished(ROWS, [run(*PIECES)]) == []
    (said,) = unfinished(ROWS[:4], [run(*PIECES)])
    assert said.startswith(
        "Warning: basic_pitch × demo: of the 4 recordings of the last run 2 have no rows yet, for "
        "example piece_02"
    )


def test_a_failure_is_a_row() -> None:
    failed = [replace(row, status="error", error="broken") for row in ROWS[4:]]
    assert unfinished([*ROWS[:4], *failed], [run(*PIECES)]) == []


def test_a_model_without_any_row_is_told_and_other_weights_are_other_rows() -> None:
    for other in (run(*PIECES, model="toy"), run(*PIECES, weights="b" * 64)):
        assert "4 have no rows yet" in unfinished(ROWS, [run(*PIECES), other])[0]


def test_what_the_last_run_asked_for_counts_and_old_manifests_do_not_tell() -> None:
    assert unfinished(ROWS[:4], [run(*PIECES), run(*PIECES[:2])]) == []
    assert unfinished(ROWS[:4], [{}]) == []


@pytest.fixture
def stopped(tmp_path: Path) -> Path:
    """A store whose run was killed after two of its four recordings."""
    return _store(tmp_path / "results", ROWS[:4])


def _store(folder: Path, rows: list[Row]) -> Path:
    with Store(folder) as store:
        store.add_manifest("2026-01-01T00:00:00+00:00", run(*PIECES))
        store.write(rows)
    return folder


def test_tables_and_reports_of_a_stopped_study_say_so(
    stopped: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = "basic_pitch × demo: of the 4 recordings of the last run 2 have no rows yet"
    assert main(["table", str(stopped)]) == 0
    said = capsys.readouterr()
    assert line in said.err
    assert "no warnings" not in said.out
    assert main(["table", str(stopped), "--all"]) == 0
    assert line in " ".join(capsys.readouterr().out.split())
    page = build(stopped, tmp_path / "report.html", examples=0)
    assert line in " ".join(page.read_text(encoding="utf-8").split())


def test_a_finished_study_is_not_called_unfinished(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["table", str(_store(tmp_path, ROWS))]) == 0
    assert "no rows yet" not in capsys.readouterr().err
