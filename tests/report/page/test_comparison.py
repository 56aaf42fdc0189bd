"""The page of ``pi-amt compare --html``: the numbers of the table, as a picture and in full."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.report.page.test_build import Document
from tests.rows import make_rows

from pi_amt.cli.main import main
from pi_amt.report.page.comparison import write_comparison
from pi_amt.report.tables.contrasts import compare
from pi_amt.store.store import Store


@pytest.fixture
def stores(tmp_path: Path) -> tuple[Path, Path]:
    """Two results folders of the same recordings; the second has other settings, and a condition
    with a name that must stay text."""
    awkward = "<script>window.hacked = 1</script>"
    drops = [
        {"fund_mask": 0.4, "harm_mask": 0.1, awkward: 0.2},
        {"fund_mask": 0.2, "harm_mask": 0.1, awkward: 0.2},
    ]
    folders = tmp_path / "a", tmp_path / "b"
    for folder, planted, settings in zip(folders, drops, ("{}", '{"trim":"none"}'), strict=True):
        with Store(folder) as store:
            store.write(make_rows(planted, n_pieces=8, noise=0.0, settings=settings))
    return folders


def test_compare_writes_a_page_of_its_own(
    stores: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "folder" / "compare.html"
    assert main(["compare", *map(str, stores), "--html", str(page)]) == 0
    text = page.read_text("utf-8")
    document = Document(text)
    assert "Difference" in document.text
    assert "−0.200" in document.text
    assert "not the same in both" in document.text  # of the settings
    assert f"A is {stores[0]}, B is {stores[1]}." in document.text
    assert "<script>window.hacked" not in text
    assert not [
        a for _, a in document.tags if str(a.get("src") or a.get("href")).startswith("http")
    ]
    assert "difference" in capsys.readouterr().out


def test_another_score_is_named(tmp_path: Path) -> None:
    rows, other = make_rows({"fund_mask": 0.4}, n_pieces=3), "F-measure_no_offset_chroma"
    rows = [replace(row, scores={other: 0.5}) for row in rows]
    page = tmp_path / "compare.html"
    write_comparison(compare(rows, rows, score=other), page)
    said = "Without perturbation: F with octaves folded 0.500 (A) → 0.500 (B), 3 recordings."
    assert said in page.read_text("utf-8")


def test_a_folder_as_page_is_refused(tmp_path: Path) -> None:
    rows = make_rows({"fund_mask": 0.4}, n_pieces=3)
    with pytest.raises(ValueError, match="got the folder"):
        write_comparison(compare(rows, rows), tmp_path)
