"""Shapley values where people meet them: tables, figure, page, headline, methods, printout."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from tests.rows import make_rows
from tests.shapley_rows import shapley_rows

from pi_amt.cli.printout import tables_of
from pi_amt.permutation_importance import Importance
from pi_amt.report.catalog import catalog
from pi_amt.report.figures.shapley import bars, span_of
from pi_amt.report.page.build import build
from pi_amt.report.page.methods import methods_markdown, references
from pi_amt.report.page.shapley import section
from pi_amt.report.tables.contrasts import model_contrasts
from pi_amt.report.tables.shapley import player_in_words
from pi_amt.store.rows import Row

mpl.use("Agg")


def game(present: frozenset[str], piece: int) -> float:
    """0.5 from the fundamentals, 0.2 from the second partials; the rest takes 0.1 away."""
    f0, h2, rest = ("f0" in present), ("h2" in present), ("rest" in present)
    return 0.155 + 0.01 * piece + 0.5 * f0 + 0.2 * h2 - 0.1 * rest


def rows(**fields: str) -> list[Row]:
    return shapley_rows(game, n_pieces=6, **fields)


def both() -> Importance:
    """Two models under a condition with its control, and under coalitions."""
    drops = {"fund_mask": 0.3, "matched_tracks(fund_mask)": 0.1}
    found = [row for m in ("basic_pitch", "other") for row in make_rows(drops, model=m, n_pieces=6)]
    asked = {(row.model, row.label, row.track) for row in found}
    more = [row for m in ("basic_pitch", "other") for row in rows(model=m)]
    return Importance.from_rows(
        [*more, *(r for r in found if r.role != "baseline")]
        + [r for r in found if (r.model, r.label, r.track) not in asked]
    )


def test_the_table_adds_up_and_says_so() -> None:
    table = Importance.from_rows(rows()).shapley().table()
    assert table.column("player") == ["f0", "h2", "rest", "nothing", "all"]
    values = table.column("shapley")
    assert values == pytest.approx([0.5, 0.2, -0.1, 0.18, 0.78])
    assert sum(values[:-1]) == pytest.approx(values[-1])
    assert table.column("share")[-1] == 1
    assert table.column("share")[0] == pytest.approx(0.5 / 0.78)
    assert "rest     −0.100 [−0.100, −0.100]" in table.to_text(160)
    assert table.to_csv().startswith(
        "model,dataset,players,player,n_pieces,shapley,shapley_low,shapley_high,share\n"
        "basic_pitch,demo,f0+h2+rest,f0,6,0.5"
    )


def test_interactions_and_coalitions_are_tables_too() -> None:
    shapley = Importance.from_rows(rows()).shapley()
    assert set(shapley.interactions().column("pair")) == {"f0 × h2", "f0 × rest", "h2 × rest"}
    coalitions = shapley.coalitions()
    assert coalitions.column("present")[0] == "nothing"
    assert coalitions.column("present")[-1] == "f0+h2+rest"
    assert len(coalitions) == 8
    assert coalitions.column("score")[-1] == pytest.approx(0.78)
    assert repr(shapley) == "Shapley(basic_pitch × demo: f0+h2+rest)"
    assert "Where F comes from" in str(shapley)
    assert "<table>" in shapley._repr_html_()


def test_without_coalitions_there_is_one_clear_sentence() -> None:
    with pytest.raises(ValueError, match=r"got no coalition, .* run experiment=shapley"):
        Importance.from_rows(make_rows()).shapley()


def test_coalitions_are_in_no_table_or_list_of_conditions() -> None:
    importance = both()
    assert set(importance.table().column("role")) == {"baseline", "condition", "control"}
    assert {entry.condition.role for entry in catalog(importance)} == {"condition", "control"}
    assert "coalition" not in " ".join(model_contrasts(importance).column("label"))
    assert [r.p_holm for r in importance.results if r.role == "condition"] == pytest.approx(
        [2 * r.p for r in importance.results if r.role == "condition"]
    ), "two tests, whatever the number of coalitions"
    for said in importance.headline():
        assert "relies on the fundamentals" in said
        assert "coalition" not in said


def test_a_terminal_shows_them_after_the_importance_table() -> None:
    titles = [table.title for table in tables_of(both())]
    first = titles.index("Where F comes from")
    assert titles[first : first + 2] == [
        "Where F comes from",
        "Which players stand in for each other, and which need each other",
    ]
    assert not any("Where F" in t.title for t in tables_of(Importance.from_rows(make_rows())))
    one = [row for row in rows() if row.label.endswith((")", "n")) and "=h2)" not in row.label]
    assert "F of every coalition" in [t.title for t in tables_of(Importance.from_rows(one))]


def test_a_bar_adds_up_to_the_score_and_shows_what_takes_away() -> None:
    (bar,) = bars(Importance.from_rows(rows()))
    parts = {part.name: (round(part.start, 9), round(part.stop, 9)) for part in bar.segments}
    assert parts == {
        "f0": (0, 0.5), "h2": (0.5, 0.7), "rest": (0, -0.1), "nothing": (0.7, 0.88),
    }  # fmt: skip
    assert sum(part.value for part in bar.segments) == pytest.approx(bar.whole) == 0.78
    assert span_of([bar]) == pytest.approx((-0.1, 0.88))
    assert len({part.colour for part in bar.segments}) == 4


def test_no_colour_stands_for_two_players() -> None:
    def wide(present: frozenset[str], piece: int) -> float:
        return game(present - {"h2-h10"} | {"h2"} if "h2-h10" in present else present, piece)

    found = rows() + shapley_rows(wide, ("f0", "h2-h10", "rest"), n_pieces=6, model="timbre_trap")
    shown = bars(Importance.from_rows(found))
    colours = {(part.name, part.colour) for bar in shown for part in bar.segments}
    names, shades = zip(*colours, strict=True)
    assert len(set(names)) == len(set(shades)) == len(colours) == 5


def test_the_figure_has_one_bar_per_model_and_marks_the_score() -> None:
    ax = both().shapley().plot()
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == ["Basic Pitch", "other"]
    assert len(ax.patches) == 8
    lines = [np.asarray(line.get_xdata(), dtype=np.float64) for line in ax.lines]
    assert [line.tolist() for line in lines[:2]] == [pytest.approx([0.78, 0.78])] * 2
    shown = [text.get_text() for text in ax.texts]
    assert "f0\n0.50" in shown
    assert "rest\n−0.10" in shown
    assert "F 0.78" in shown


def test_a_figure_of_nothing_says_what_to_run() -> None:
    one = [row for row in rows() if "=h2)" not in row.label]
    with pytest.raises(ValueError, match=r"got no Shapley values, .* run experiment=shapley"):
        Importance.from_rows(one).shapley().plot()


def test_the_page_has_the_same_bar() -> None:
    found = section(Importance.from_rows(rows()))
    (line,) = found.bars
    assert line.text == "F 0.78"
    place = {part.name: (part.x, part.x + part.width) for part in line.parts}
    assert place["rest"] == pytest.approx((0, line.zero), abs=0.02)
    assert place["f0"][0] == line.zero
    assert place["nothing"][1] == pytest.approx(100, abs=0.02)
    assert "rest: −0.10" in line.description
    assert [words for _, _, words in found.key][2] == "hammers, room and all other partials"
    assert section(Importance.from_rows(make_rows())).bars == ()


def test_a_report_of_nothing_else_says_what_is_missing(tmp_path: Path) -> None:
    page = build(rows(), tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Where does the F of Basic Pitch come from?" in page
    assert "Only coalitions were run: there is no drop under a condition" in page
    assert (
        "is the sum of 0.50 from the fundamentals, 0.20 from harmonic 2, −0.10 from the rest"
        in page
    )
    assert page.count('<table class="shapley">') == 1
    files = {path.name for path in (tmp_path / "report_files").iterdir()}
    assert {"shapley.svg", "shapley.pdf", "shapley.csv", "interactions.csv"} <= files
    assert "coalitions.csv" in files


def test_a_report_of_both_has_conditions_and_bars_and_no_coalition_among_conditions(
    tmp_path: Path,
) -> None:
    page = build(both(), tmp_path / "report.html").read_text(encoding="utf-8")
    assert "What do Basic Pitch and other rely on?" in page
    assert page.count("Where does F come from?") == 1
    rows_of_forest = re.findall(r'data-role="(\w+)"', page)
    assert set(rows_of_forest) == {"condition", "control"}


def test_a_report_of_coalitions_that_were_not_all_run_has_no_bar(tmp_path: Path) -> None:
    one = [row for row in rows() if row.role == "baseline" or "=h2)" in row.label]
    page = build(one, tmp_path / "report.html").read_text(encoding="utf-8")
    assert '<table class="shapley">' not in page
    assert "6 coalitions of 7 were not run (nothing, f0, f0+h2, …)" in page


def test_of_players_alone_the_headline_is_where_the_score_comes_from() -> None:
    (said,) = Importance.from_rows(rows()).headline()
    assert said == (
        "Basic Pitch's F of 0.78 on Demo is the sum of 0.50 from the fundamentals, 0.20 from "
        "harmonic 2, -0.10 from the rest and 0.18 that is left without any sound (Shapley values, "
        "mean over 6 recordings)."
    )


def test_players_in_words() -> None:
    words = {name: player_in_words(name) for name in ("f0", "h2", "h4-h10", "f0-h3", "rest")}
    assert words == {
        "f0": "the fundamentals",
        "h2": "harmonic 2",
        "h4-h10": "harmonics 4 to 10",
        "f0-h3": "harmonics 1 to 3",
        "rest": "the rest",
    }


def test_methods_say_how_and_cite() -> None:
    text = methods_markdown(both())
    assert (
        "Exact Shapley values [@shapley1953] share the score among the players `f0`, `h2`, " in text
    )
    assert "each of the 8 coalitions" in text
    assert "coalition(present" not in text
    assert "@article{grabisch1999" in references(text)
    assert "controls" not in methods_markdown(Importance.from_rows(rows()))
    assert "Shapley" not in methods_markdown(Importance.from_rows(make_rows()))


def test_two_datasets_are_named_beside_the_bars() -> None:
    more = [replace(row, key=f"{row.key}2") for row in rows(dataset="maps")]
    labels = Importance.from_rows([*rows(), *more]).shapley().plot().get_yticklabels()
    assert [label.get_text() for label in labels] == ["Basic Pitch\nDemo", "Basic Pitch\nMAPS"]
