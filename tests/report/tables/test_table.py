"""What people read and what programs read must say the same, whatever is in the cells."""

from __future__ import annotations

import csv
import html
import io
import math
import sys
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from pi_amt.report.tables.table import Table

NASTY = "a_b & <script>alert(1)</script> 50% $x$ {y} #1 ~^\\ |"
TABLE = Table(
    title="Title <b>",
    columns=("name", "drop", "low", "high", "p", "n"),
    records=(
        {"name": NASTY, "drop": 0.12345, "low": 0.1, "high": 0.2, "p": 1e-6, "n": 3},
        {"name": "two", "drop": -0.0001, "low": math.nan, "high": math.nan, "p": 0.04, "n": 4},
        {"name": "three", "drop": math.nan, "low": -math.inf, "high": math.inf, "p": 1.0, "n": 5},
    ),
    footers=("Footer with 5 % & <i>.",),
    formats={"p": "p"},
    intervals={"drop": ("low", "high")},
)


@pytest.mark.parametrize("width", [40, 80, 120, 400])
def test_text_fits_the_width_and_shows_every_column(width: int, result_table: Table) -> None:
    lines = result_table.to_text(width).splitlines()
    assert max(map(len, lines)) <= max(width, 65)  # the title
    for label in ("fund_mask", "matched_tracks(fund_mask)", "harm_mask", "floor"):
        assert label in result_table.to_text(width)
    heads = " ".join(line for line in lines if line.startswith("condition")).split()
    for name in ("drop", "excess_drop", "p_holm", "relative_drop", "chance_corrected_drop"):
        assert heads.count(name) == 1
    blocks = heads.count("condition")
    assert blocks == 1 if width == 400 else blocks > 1
    # each block has all the lines
    assert sum(line.split()[:1] == ["floor"] for line in lines) == blocks


@pytest.mark.parametrize("width", [80, 120])
def test_a_table_that_is_not_folded_names_what_it_leaves_out(
    width: int, result_table: Table
) -> None:
    lines = result_table.to_text(width, fold=False).splitlines()
    heads = [line.split() for line in lines if line.startswith("condition")]
    assert len(heads) == 1
    _, _, named = " ".join(" ".join(lines).split()).partition("want of width, in the CSV: ")
    left_out = named.partition(".")[0].split(", ")
    for name in ("drop", "p_holm", "relative_drop", "chance_corrected_drop"):
        assert (name in heads[0]) != (name in left_out)


def test_text_joins_intervals_and_lifts_constants(result_table: Table) -> None:
    text = result_table.to_text(200)
    assert "model: basic_pitch" in text
    assert "drop [95 %]" in text
    assert "drop_low" not in text


def test_text_keeps_columns_aligned() -> None:
    rows = TABLE.to_text(200).splitlines()[1:6]
    assert len({len(row) for row in rows[1:]}) == 1
    assert "0.123 [0.100, 0.200]" in rows[2]
    assert "<0.0001" in rows[2]


def test_csv_holds_everything_at_full_precision(tmp_path: Path) -> None:
    text = TABLE.to_csv(tmp_path / "table.csv")
    assert (tmp_path / "table.csv").read_text() == text
    records = list(csv.DictReader(io.StringIO(text)))
    assert records[0]["name"] == NASTY
    assert float(records[0]["drop"]) == 0.12345
    assert records[2]["drop"] == ""
    assert float(records[2]["high"]) == math.inf
    assert list(records[0]) == list(TABLE.columns)


def test_no_cell_of_a_latex_line_is_an_option_of_the_line_before_and_signs_are_signs() -> None:
    table = Table("t", ("name", "x"), ({"name": "[live] take-2", "x": -0.5}, {"name": "*", "x": 1}))
    lines = table.to_latex().splitlines()
    assert r"{[}live] take-2 & $-$0.500 \\" in lines
    assert not any(line.startswith(("[", "*")) for line in lines)


def test_latex_escapes_and_uses_booktabs() -> None:
    text = TABLE.to_latex()
    body = [line for line in text.splitlines() if not line.startswith("%")]
    assert body[0] == r"\begin{tabular}{lrrrrr}"
    assert [line for line in body if line.endswith("rule")] == [
        r"\toprule", r"\midrule", r"\bottomrule",
    ]  # fmt: skip
    expected = (
        r"a\_b \& \textless{}script\textgreater{}alert(1)\textless{}/script\textgreater{} 50\% "
        r"\$x\$ \{y\} \#1 \textasciitilde{}\textasciicircum{}\textbackslash{} \textbar{}"
    )
    assert body[4].startswith(expected + " & ")
    assert all(line.count(" & ") == 5 for line in body[4:7])
    assert r"three & -- & $-$$\infty$ & $\infty$ & 1.0000 & 5 \\" in body
    assert r"& \textless{}0.0001 &" in text


def test_markdown_cells_cannot_break_the_table() -> None:
    lines = TABLE.to_markdown().splitlines()
    assert lines[1] == "| --- | ---: | ---: | ---: | ---: | ---: |"
    assert r"\|" in lines[2]
    assert "&lt;script>" in lines[2]
    assert "- Footer with 5 % &amp; &lt;i>." in lines


def test_html_escapes_all_text() -> None:
    class Tags(HTMLParser):
        seen: set[str] = set()  # noqa: RUF012
        data = ""

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.seen.add(tag)

        def handle_data(self, data: str) -> None:
            self.data += data

    parser = Tags()
    parser.feed(TABLE._repr_html_())
    allowed = {"table", "caption", "thead", "tbody", "tr", "th", "td", "p", "small"}
    assert parser.seen == allowed
    assert NASTY in parser.data
    assert html.escape("Title <b>") in TABLE.to_html()


def test_chosen_columns_and_unknown_ones() -> None:
    assert TABLE.to_markdown(columns=["n", "name"]).splitlines()[0] == "| n | name |"
    with pytest.raises(ValueError, match="got column 'nmae', expected one of name, drop"):
        TABLE.to_latex(columns=["nmae"])
    with pytest.raises(ValueError, match="got column 'x'"):
        TABLE.column("x")


def test_pandas_and_parquet_hold_the_same_as_the_records(
    tmp_path: Path, result_table: Table
) -> None:
    frame = result_table.to_pandas()
    assert list(frame.columns) == list(result_table.columns)
    assert frame["drop"].tolist() == result_table.column("drop")
    stored = pd.read_parquet(result_table.to_parquet(tmp_path / "table.parquet"))
    pd.testing.assert_frame_equal(stored, frame, check_dtype=False)
    assert stored["n_pieces"].dtype == "int64"


def test_a_table_without_pandas_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"pip install 'pi_amt\[pandas\]'"):
        TABLE.to_pandas()
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match="pyarrow is not installed"):
        TABLE.to_parquet("nowhere.parquet")


def test_an_empty_table_is_still_a_table(tmp_path: Path) -> None:
    empty = Table("Nothing", ("a", "b"), ())
    assert "(nothing)" in str(empty)
    assert empty.to_csv() == "a,b\n"
    assert empty.to_markdown().startswith("| a | b |")
    assert len(pd.read_parquet(empty.to_parquet(tmp_path / "e.parquet"))) == 0
    assert "<tbody>" in empty.to_html()
