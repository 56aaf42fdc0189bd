"""A run and ``pi-amt table`` show the answer in short, ``--all`` every figure of the method."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.rows import make_dose_rows, make_row, make_rows
from tests.shapley_rows import shapley_rows

from pi_amt.cli.main import main
from pi_amt.cli.printout import LINES, print_headline, print_short, tables_of
from pi_amt.permutation_importance import Importance
from pi_amt.report.tables.importance import COLUMNS, LEAD, VIEWS
from pi_amt.store.rows import Row
from pi_amt.store.store import Store

PLANTED = {"fund_mask": 0.3, "random": 0.1, "matched_tracks(fund_mask)": 0.1, "floor": 0.6}


def two_models() -> Importance:
    rows = make_rows(PLANTED, repeats={"random": 3})
    rows += make_rows(PLANTED, repeats={"random": 3}, model="timbre_trap")
    return Importance.from_rows(rows, n_resamples=100)


def stored(rows: list[Row], folder: Path) -> str:
    with Store(folder) as store:
        store.write(rows)
    return str(folder)


def short(
    importance: Importance, capsys: pytest.CaptureFixture[str], lines: int = LINES
) -> list[str]:
    print_short(importance, {"table": "t.csv", "store": "results"}, lines=lines)
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("width", ["80", "120", "200"])
def test_all_tables_show_every_figure_of_the_method_at_any_width(
    width: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    rows = [row for panel in two_models().panels for row in panel.rows]
    assert main(["table", stored(rows, tmp_path), "--all"]) == 0
    text = capsys.readouterr().out
    words = text.replace(":", " ").split()
    for name in (
        "condition", "n_pieces", "baseline", "perturbed", "drop", "p_holm", "relative_drop",
        "excess_drop", "chance_corrected_drop", "precision_drop", "recall_drop", "kept", "lost",
        "gained", "baseline_micro", "perturbed_micro", "average_precision_drop", "removed_db",
        "touched_share", "collateral_db", "control_removed_db", "repeat_variance_share", "verdict",
    ):  # fmt: skip
        assert name in words, name
    assert "Differences between models" in text
    assert "matched_tracks(fund_mask)" in text
    assert "Basic Pitch relies on the fundamentals." in " ".join(text.split())
    assert "Not shown" not in text


@pytest.mark.parametrize("width", ["80", "120"])
def test_the_short_form_is_the_answer_a_table_and_where_the_rest_is(
    width: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    lines = short(Importance.from_rows(make_rows(PLANTED), n_resamples=200), capsys)
    assert lines[0].startswith("Basic Pitch relies on the fundamentals. Without them its note F")
    (fund,) = (line for line in lines if line.startswith("  fund_mask "))
    assert fund.endswith("  relies")
    assert re.search(r"█\S? +0\.40 +0\.30 \[0\.2\d, 0\.3\d\] +0\.20  relies$", fund), fund
    assert not any("matched_tracks" in line for line in lines)
    assert lines[-3:] == [
        "no warnings; all figures and notes: pi-amt table RESULTS --all",
        "table: t.csv",
        "store: results",
    ]
    assert max(map(len, lines)) <= int(width)


@pytest.mark.parametrize(("models", "conditions"), [(1, 60), (2, 30), (4, 12), (12, 3)])
def test_the_short_form_never_has_more_lines_than_it_may(
    models: int,
    conditions: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    doses = {round(0.01 * i, 2): 0.005 * i for i in range(1, conditions + 1)}
    rows = [
        row
        for number in range(models)
        for row in make_dose_rows(doses, n_pieces=3, model=f"model {number}")
    ]
    lines = short(Importance.from_rows(rows, n_resamples=50), capsys)
    assert len(lines) <= LINES
    assert max(map(len, lines)) <= 80
    shown = sum(line.startswith("  random") for line in lines)
    assert f"… {models * conditions - shown} more conditions" in lines
    assert lines[-1] == "store: results"


def test_two_recordings_stand_where_an_interval_would(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    rows = [make_row("no_permutation", 0.9, track=name) for name in "ab"]
    rows += [make_row("fund_mask", score, track=name) for name, score in (("a", 0.5), ("b", 0.7))]
    lines = short(Importance.from_rows(rows, n_resamples=50), capsys)
    (line,) = (line for line in lines if line.startswith("  fund_mask"))
    assert "0.30 (0.20, 0.40)" in line
    assert line.endswith("too few")


def test_colours_are_for_terminals_that_want_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    importance = Importance.from_rows(make_rows(PLANTED), n_resamples=50)
    assert not any("\x1b" in line for line in short(importance, capsys))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured = short(importance, capsys)
    assert coloured[0].startswith("\x1b[1mBasic Pitch relies on the fundamentals.\x1b[0m Without")
    assert any(line.endswith("\x1b[32mrelies\x1b[0m") for line in coloured)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not any("\x1b" in line for line in short(importance, capsys))


def test_the_views_are_made_of_columns_of_the_table() -> None:
    table, *views = tables_of(two_models())[: 1 + len(VIEWS)]
    shown = {name for names in (LEAD, *VIEWS.values()) for name in names}
    assert shown <= set(COLUMNS)
    assert [view.title for view in views] == list(VIEWS)
    assert all(view.records == table.records for view in views)


def in_locale_c(*arguments: str) -> bytes:
    """What the program writes where Python takes the encoding of its streams from the locale."""
    variables = {"PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-m", "pi_amt", *arguments]
    done = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, check=True)
    return done.stdout


def in_encoding(encoding: str) -> Callable[..., bytes]:
    """What the program writes to a stream of this encoding."""

    def written(*arguments: str) -> bytes:
        raw = io.BytesIO()
        stream = io.TextIOWrapper(raw, encoding, write_through=True)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "stdout", stream)
            assert main(arguments) == 0
        return raw.getvalue()

    return written


@pytest.mark.parametrize(
    "run",
    [in_encoding("ascii"), in_encoding("latin-1"), in_encoding("cp1252"), in_locale_c],
    ids=["ascii", "latin-1", "cp1252", "locale C"],
)
def test_a_stream_that_is_not_utf8_gets_the_table_with_ascii_lines(
    run: Callable[..., bytes], tmp_path: Path
) -> None:
    with Store(tmp_path) as store:
        names = ("å", "b", "日本")
        store.write(make_row("no_permutation", 0.9, track=name) for name in names)
        store.write(make_row("fund_mask", 0.5, track=name) for name in names)
    csv = tmp_path / "table.csv"
    lines = run("table", str(tmp_path), "--all", "--csv", str(csv)).decode("cp1252").splitlines()
    assert any(set(line) == {"-", " "} for line in lines)
    assert any(line.startswith("fund_mask ") and " 0.500 " in line for line in lines)
    assert csv.is_file()
    short_form = run("table", str(tmp_path)).decode("cp1252")
    assert "?" not in short_form
    assert "fund_mask" in short_form


def test_of_coalitions_alone_no_empty_table_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    rows = shapley_rows(lambda present, piece: 0.2 * len(present) + 0.01 * piece)
    results = stored(rows, tmp_path)
    titles = [table.title for table in tables_of(Importance.from_rows(rows, n_resamples=100))]
    assert not set(titles) & set(VIEWS)
    assert "Where F comes from" in titles
    for arguments in ([], ["--all"]):
        assert main(["table", results, *arguments]) == 0
        text = " ".join(capsys.readouterr().out.split())
        assert "Only coalitions were run: there is no drop under a condition" in text
        assert "0 tests" not in text
        assert "verdict" not in text


def test_a_harmonic_profile_is_among_the_tables_and_the_words(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = [
        row
        for kind, drops in (("binary", {1.0: 0.5, 2.0: 0.5}), ("ratio", {1.0: 0.5, 2.0: 0.1}))
        for row in make_dose_rows(
            drops, permutation="remove_harmonic", parameter="harmonic",
            constant={"kind": kind}, noise=0.0,
        )
    ]  # fmt: skip
    found = Importance.from_rows(list({row.key: row for row in rows}.values()), n_resamples=100)
    titles = [table.title for table in tables_of(found)]
    assert "Harmonic profile" in titles
    assert "Which ways to take a partial away agree" in titles
    print_headline(found)
    assert "binary masks do not agree with ratio masks" in " ".join(capsys.readouterr().out.split())
    nothing = [table.title for table in tables_of(two_models())]
    assert "Harmonic profile" not in nothing
