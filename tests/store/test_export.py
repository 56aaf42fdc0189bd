"""Exported rows and notes, read back by other programs, count what the rows hold."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.rows import make_row

from pi_amt.core.notes import Notes
from pi_amt.scoring.anatomy import annotate
from pi_amt.scoring.matching import match_notes
from pi_amt.store.export import NOTE_COLUMNS, export_notes, export_rows
from pi_amt.store.rows import Row


def _notes(pitches: list[float]) -> Notes:
    onsets = np.arange(len(pitches), dtype=np.float64)
    return Notes.from_arrays(onsets, onsets + 0.5, np.asarray(pitches, dtype=np.float64))


def _row(label: str, role: str, heard: list[float]) -> Row:
    reference, estimate = _notes([60, 62, 64]), _notes(heard)
    table = annotate(reference, estimate, match_notes(reference, estimate))
    row = make_row(label=label, permutation=label, role=role, track="a", score=0.5)
    return replace(row, key=label, notes=table.to_bytes())


@pytest.fixture
def rows() -> list[Row]:
    """The baseline misses the third note, the condition the first, which it hears an octave up."""
    return [
        _row("no_permutation", "baseline", [60, 62, 40]),
        _row("fund_mask", "condition", [72, 62, 64]),
    ]


def test_notes_say_what_became_of_each(rows: list[Row], tmp_path: Path) -> None:
    path = tmp_path / "notes.csv"
    count = export_notes(rows, path)
    with path.open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == count == 8
    mine = [line for line in lines if line["label"] == "fund_mask"]
    assert [line["change"] for line in mine] == ["lost", "kept", "gained", "new"]
    assert [line["fate"] for line in mine] == ["octave", "", "", ""]
    assert [line["kind"] for line in mine] == ["missed", "found", "found", "false"]
    assert (mine[3]["interval_semitones"], mine[3]["reference_index"]) == ("12", "-1")


@pytest.mark.parametrize("changed", [{"data": "other contents"}, {"method": "0"}])
def test_notes_are_compared_with_the_baseline_of_the_same_contents_and_method(
    rows: list[Row], changed: dict[str, Any], tmp_path: Path
) -> None:
    other = replace(_row("no_permutation", "baseline", [60, 62, 64]), key="other", **changed)
    export_notes([*rows, other], tmp_path / "notes.csv")
    frame = pd.read_csv(tmp_path / "notes.csv", keep_default_na=False)
    mine = frame[frame["label"] == "fund_mask"]
    assert mine["change"].tolist() == ["lost", "kept", "gained", "new"]


def test_parquet_has_the_same_table_with_types(rows: list[Row], tmp_path: Path) -> None:
    path = tmp_path / "notes.parquet"
    assert export_notes(rows, path) == 8
    frame = pd.read_parquet(path)
    assert list(frame.columns) == list(NOTE_COLUMNS)
    assert frame["onset_seconds"].dtype == np.float64
    assert frame["interval_semitones"].dropna().tolist() == [-24, 12]


def test_rows_with_errors_keep_every_column(rows: list[Row], tmp_path: Path) -> None:
    broken = replace(
        rows[0], key="x", status="error", error="gone", scores={}, counts={}, notes=b""
    )
    path = tmp_path / "rows.csv"
    assert export_rows([broken, *rows], path) == 3
    frame = pd.read_csv(path)
    assert frame["status"].tolist() == ["error", "ok", "ok"]
    assert frame["scores.F-measure_no_offset"].notna().tolist() == [False, True, True]
    assert export_rows([broken, *rows], tmp_path / "rows.parquet") == 3


def test_an_unknown_format_is_refused(rows: list[Row], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\.csv or \.parquet"):
        export_rows(rows, tmp_path / "rows.xlsx")
