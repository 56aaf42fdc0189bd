"""The league table as a page and as Markdown: ranks, intervals, and why cells are empty."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.league_rows import league_rows
from tests.report.page.test_build import Document
from tests.rows import make_rows

from pi_amt.report.page.league import write_league
from pi_amt.report.tables.league import league_table, size_table
from pi_amt.statistics.reliance import named, standings
from pi_amt.statistics.result import Result
from pi_amt.store.rows import Row


def model(name: str, needs: float, **options: object) -> list[Row]:
    drops = {"ratio_fund_mask": needs, "matched_tracks(ratio_fund_mask)": 0.0}
    return named(league_rows(name, drops, noise=0.01, **options), name)  # type: ignore[arg-type]


@pytest.fixture
def result() -> Result:
    """Two models that need the fundamentals alike and one that hardly does."""
    rows = model("first", 0.5) + model("second", 0.5, seed=1)
    return Result.from_rows(rows + model("<b>third</b>", 0.05, seed=2))


def test_the_table_ranks_with_ties(result: Result) -> None:
    table = league_table(standings(result))
    ranks = dict(zip(table.column("model"), table.column("rank_reliance"), strict=True))
    assert ranks == {"first": "1–2", "second": "1–2", "<b>third</b>": "3"}
    text = table.to_markdown(columns=table.brief, joined=True)
    (line,) = [line for line in text.splitlines() if line.startswith("| first ")]
    assert line.count(r"\[0.") == 3  # F, reliance, necessity
    assert "whose paired difference, on the recordings of both" in text
    assert "Empty: microtonal of " in text
    assert "a sound keeps no shuffle" in text


def test_a_reason_names_the_dataset_where_it_does_not_hold_on_all(result: Result) -> None:
    floor = {"ratio_harm_mask": 0.2, "matched_tracks(ratio_harm_mask)": 0.9}
    rows = named(league_rows("first", floor, noise=0.01, dataset="maps"), "first")
    notes = league_table(standings(Result.from_rows([*model("first", 0.5), *rows]))).footers
    empty = [note for note in notes if note.startswith("Empty: ")]
    assert any("sufficiency of first (on MAPS): the control itself" in note for note in empty)
    assert any("microtonal of first: " in note for note in empty)


def test_the_page_is_one_file_that_says_the_same(result: Result, tmp_path: Path) -> None:
    path = write_league(result, tmp_path / "folder" / "league.html")
    text = path.read_text("utf-8")
    document = Document(text)
    assert "What do transcription models rely on?" in document.text
    assert document.text.count("1–2") >= 2
    assert "<b>third" not in text
    assert not [
        a for _, a in document.tags if str(a.get("src") or a.get("href")).startswith("http")
    ]
    with pytest.raises(ValueError, match="got the folder"):
        write_league(result, tmp_path)


def test_a_model_that_failed_on_every_recording_comes_last(tmp_path: Path) -> None:
    failed = [replace(row, status="error", error="broken", scores={}) for row in model("no", 0.3)]
    found = Result.from_rows(failed + model("yes", 0.5))
    table = league_table(standings(found))
    assert table.column("model") == ["yes", "no"]
    assert table.column("rank_F") == ["1", ""]
    assert "no" in Document(write_league(found, tmp_path / "league.html").read_text("utf-8")).text


def test_a_reproduction_is_named_as_one_above_everything_else(tmp_path: Path) -> None:
    rows = [
        replace(row, weights_label="synthetic-trained reproduction") for row in model("net", 0.3)
    ]
    text = write_league(Result.from_rows(rows), tmp_path / "league.html").read_text("utf-8")
    banner = '<aside class="banner" role="note">net: Synthetic-trained reproduction: '
    assert text.count(banner) == 1
    assert text.index(banner) < text.index('<table class="forest"')


def test_without_a_model_that_heard_sound_there_is_no_page(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="got no rows of domain=audio"):
        write_league(Result.from_rows(make_rows()), tmp_path / "league.html")


def test_sizes_stand_in_their_order_beside_the_difference_from_the_smallest() -> None:
    rows = [
        replace(
            row, settings=f'{{"domain": "audio", "size": "{size}"}}', weights_label=f"net {size}"
        )
        for size, needs in (("large", 0.1), ("nano", 0.5), ("small", 0.3))
        for row in model(f"net {size}", needs)
    ]
    rows += model("other", 0.2)
    table = size_table(standings(Result.from_rows(rows)))
    assert table.column("size") == ["net nano", "net small", "net large"]
    gaps = [round(gap * 0.7, 1) for gap in table.column("reliance_gap")[1:]]
    assert gaps == [-0.2, -0.4]
    assert all(high < 0 for high in table.column("reliance_gap_high")[1:])
    assert len(size_table(standings(Result.from_rows(model("other", 0.2))))) == 0
