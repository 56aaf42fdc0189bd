"""A run and ``pi-amt table`` show every figure that the method asks for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.rows import make_dose_rows, make_row, make_rows

from pi_amt.cli.printout import print_run, tables_of
from pi_amt.permutation_importance import Importance
from pi_amt.report.tables.importance import COLUMNS, LEAD, VIEWS
from pi_amt.report.tables.table import FOLDED_LINES
from pi_amt.store.store import Store

PLANTED = {"fund_mask": 0.3, "random": 0.1, "matched_tracks(fund_mask)": 0.1, "floor": 0.6}


def two_models() -> Importance:
    rows = make_rows(PLANTED, repeats={"random": 3})
    rows += make_rows(PLANTED, repeats={"random": 3}, model="timbre_trap")
    return Importance.from_rows(rows, n_resamples=100)


@pytest.mark.parametrize("width", ["80", "120", "200"])
def test_a_run_prints_every_figure_of_the_method_at_any_width(
    width: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    print_run(two_models())
    text = capsys.readouterr().out
    words = text.replace(":", " ").split()
    for name in (
        "condition", "n_pieces", "baseline", "perturbed", "drop", "p_holm", "relative_drop",
        "excess_drop", "chance_corrected_drop", "precision_drop", "recall_drop", "kept", "lost",
        "gained", "baseline_micro", "perturbed_micro", "average_precision_drop", "removed_db",
        "touched_share", "collateral_db", "control_removed_db", "repeat_variance_share",
    ):  # fmt: skip
        assert name in words, name
    assert "Differences between models" in text
    assert "matched_tracks(fund_mask)" in text
    assert "basic_pitch's F on demo is most sensitive to fund_mask" in " ".join(text.split())
    assert "Not shown" not in text
    assert text.rindex("Sensitivity of the model's F") > text.rindex("Differences between")


@pytest.mark.parametrize(("conditions", "brief"), [(FOLDED_LINES - 1, False), (FOLDED_LINES, True)])
def test_many_lines_are_printed_in_brief_and_fewer_in_full(
    conditions: int,
    brief: bool,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The baseline is a line, too: what is not folded is brief, and nothing is neither."""
    monkeypatch.setenv("COLUMNS", "80")
    doses = {round(0.01 * i, 2): 0.005 * i for i in range(1, conditions + 1)}
    print_run(Importance.from_rows(make_dose_rows(doses, n_pieces=3), n_resamples=100))
    text = capsys.readouterr().out
    assert "Dose curves" in text
    assert "pi-amt table RESULTS --anatomy" in text
    assert ("What became of the notes" not in text) == brief
    assert ("Not shown for want of width" in text) == brief


def test_the_views_are_made_of_columns_of_the_table() -> None:
    table, *views = tables_of(two_models())[: 1 + len(VIEWS)]
    shown = {name for names in (LEAD, *VIEWS.values()) for name in names}
    assert shown <= set(COLUMNS)
    assert [view.title for view in views] == list(VIEWS)
    assert all(view.records == table.records for view in views)


@pytest.mark.parametrize(
    "variables",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1"},
        {"PYTHONIOENCODING": "cp1252"},
        {"PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"},
    ],
)
def test_a_stream_that_is_not_utf8_gets_the_table_with_ascii_lines(
    variables: dict[str, str], tmp_path: Path
) -> None:
    with Store(tmp_path) as store:
        names = ("å", "b", "日本")
        store.write(make_row("no_permutation", 0.9, track=name) for name in names)
        store.write(make_row("fund_mask", 0.5, track=name) for name in names)
    csv = tmp_path / "table.csv"
    command = [sys.executable, "-m", "pi_amt", "table", str(tmp_path), "--csv", str(csv)]
    done = subprocess.run(
        command, env={**os.environ, **variables}, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.decode("cp1252").splitlines()
    assert any(set(line) == {"-", " "} for line in lines)
    assert any(line.startswith("fund_mask ") and " 0.500 " in line for line in lines)
    assert csv.is_file()
