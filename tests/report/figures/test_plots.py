"""Figures show the planted numbers, on the axes that were given."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from tests.rows import make_dose_rows, make_rows

from pi_amt.permutation_importance import Importance
from pi_amt.report.catalog import catalog
from pi_amt.report.figures.panels import panel_figure
from pi_amt.report.figures.plots import dose, forest, piece
from pi_amt.report.figures.profile import profile
from pi_amt.report.figures.style import WIDE, drawable, new_figure, save_figure
from pi_amt.report.page.files import write_files
from pi_amt.report.page.payload import payload
from pi_amt.store.rows import Row


def axes() -> Axes:
    return Figure().add_subplot()


def planted() -> Importance:
    drops = {"fund_mask": 0.3, "microtonal": 0.0, "matched_tracks(fund_mask)": 0.1}
    return Importance.from_rows(make_rows(drops, noise=0.0, n_pieces=5))


def xs(ax: Axes, marker: str) -> list[float]:
    return [float(line.get_xdata()[0]) for line in ax.lines  # type: ignore[index, arg-type]
            if line.get_marker() == marker and len(np.atleast_1d(line.get_xdata()))]  # fmt: skip


def test_forest_draws_drops_and_controls_where_they_were_planted() -> None:
    ax = axes()
    assert forest(planted(), ax=ax) is ax
    assert xs(ax, "o") == pytest.approx([0.3, 0.0], abs=1e-9)
    assert xs(ax, "D") == pytest.approx([0.1], abs=1e-9)
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == ["fund_mask\n[hard]", "microtonal"]


@pytest.mark.parametrize(("pieces", "tested"), [(5, False), (6, True)])
def test_fewer_than_six_compositions_are_drawn_one_by_one_without_an_interval(
    pieces: int, tested: bool
) -> None:
    rows = make_rows({"fund_mask": 0.3}, n_pieces=pieces)
    ax = forest(Importance.from_rows(rows, n_resamples=200), ax=axes())
    strokes = [line for line in ax.lines if line.get_marker() == "|"]
    whiskers = [line for line in ax.lines if len(np.atleast_1d(line.get_xdata())) == 2
                and line.get_marker() == "None" and line.get_color() == "#0072B2"]  # fmt: skip
    assert len(strokes) == (not tested)
    assert len(whiskers) == tested
    assert all(len(np.atleast_1d(stroke.get_xdata())) == pieces for stroke in strokes)
    curve = make_dose_rows({0.1: 0.1, 0.2: 0.2, 0.5: 0.4}, n_pieces=pieces)
    ax = dose(Importance.from_rows(curve, n_resamples=200), ax=axes())
    assert len(ax.collections) == tested


def test_names_with_dollars_are_no_formulas() -> None:
    name = r"$\bad{$"
    ax = forest(Importance.from_rows(make_rows({"fund_mask": 0.3}, model=name)), ax=axes())
    assert ax.get_legend_handles_labels()[1] == [name]
    ax.get_figure().draw_without_rendering()  # type: ignore[union-attr]


def test_a_name_that_a_page_cannot_hold_raises_no_warning(tmp_path: Path) -> None:
    rows = make_rows({"fund_mask": 0.3, "very_long_name_" * 20: 0.1}, model="long" * 60)
    figure = new_figure(WIDE, 3.0)
    forest(Importance.from_rows(rows), ax=figure.add_subplot())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert all(path.stat().st_size for path in save_figure(figure, tmp_path / "forest"))


def test_figure_of_small_plots_says_what_it_leaves_out() -> None:
    labels = [f"random(p=0.{share:02})" for share in range(10, 35)]
    importance = Importance.from_rows(make_rows(dict.fromkeys(labels, 0.1), n_pieces=3))
    entries = catalog(importance)
    data = payload(importance, entries)
    figure = panel_figure("pieces", importance, entries, data, 0)
    assert figure is not None
    assert figure.get_suptitle() == "Basic Pitch on Demo, the first 24 of 25 conditions"
    shown = [ax.get_title(loc="left") for ax in figure.axes if ax.get_visible()]
    assert shown == [label.replace("(", "\n(") for label in labels[:24]]
    whole = panel_figure("pieces", importance, entries[:24], data, 0)
    assert whole is not None
    assert whole.get_suptitle() == "Basic Pitch on Demo"


def test_f_at_wider_tolerances_is_drawn_clean_and_perturbed() -> None:
    clean, perturbed = (0.6, 0.7, 0.8, 0.65), (0.2, 0.4, 0.6, 0.3)
    keys = [f"F-measure_no_offset{name}" for name in ("", "_100ms", "_150ms", "_chroma")]
    rows = [
        replace(row, scores={**row.scores, **dict(zip(keys, values, strict=True))})
        for row in make_rows({"fund_mask": 0.4}, n_pieces=3)
        for values in [clean if row.role == "baseline" else perturbed]
    ]
    importance = Importance.from_rows(rows, n_resamples=100)
    entries = catalog(importance)
    data = payload(importance, entries)
    figure = panel_figure("tolerances", importance, entries, data, 0)
    assert figure is not None
    drawn = [line.get_ydata() for line in figure.axes[0].lines]
    for found, expected in zip(drawn, (clean[:3], clean, perturbed[:3], perturbed), strict=True):
        np.testing.assert_allclose(np.asarray(found), expected)
    assert panel_figure("lost_notes", importance, entries, data, 0) is None  # no note tables


def test_dose_draws_every_dose_and_starts_where_nothing_changes() -> None:
    rows = make_dose_rows({0.1: 0.1, 0.2: 0.3, 0.5: 0.5}, noise=0.0)
    ax = dose(Importance.from_rows(rows), ax=axes())
    line = next(line for line in ax.lines if line.get_marker() == "o")
    assert list(line.get_xdata()) == [0.0, 0.1, 0.2, 0.5]  # type: ignore[arg-type]
    assert list(line.get_ydata()) == pytest.approx([0.0, 0.1, 0.3, 0.5])  # type: ignore[arg-type]


def test_profile_draws_every_harmonic() -> None:
    planted_drops = {1.0: 0.5, 2.0: 0.2, 3.0: 0.1}
    rows = make_dose_rows(
        planted_drops, permutation="remove_harmonic", parameter="harmonic", noise=0.0
    )
    ax = profile(Importance.from_rows(rows), ax=axes())
    line = next(line for line in ax.lines if line.get_label() == "binary mask")
    assert list(line.get_ydata()) == pytest.approx([0.5, 0.2, 0.1])  # type: ignore[arg-type]


def test_piece_draws_every_recording_of_the_worst_condition() -> None:
    importance = planted()
    ax = piece(importance, ax=axes())
    line = next(line for line in ax.lines if line.get_marker() == "o")
    points = np.asarray(line.get_xydata(), dtype=np.float64)
    assert points[:, 0] - points[:, 1] == pytest.approx(np.full(5, 0.3))
    assert ax.get_title(loc="left") == "fund_mask"


def test_what_was_not_run_is_said() -> None:
    with pytest.raises(ValueError, match="no harmonic profile"):
        profile(planted(), ax=axes())
    with pytest.raises(ValueError, match="no dose curve"):
        dose(planted(), ax=axes())
    with pytest.raises(ValueError, match="baseline only"):
        piece(Importance.from_rows(make_rows({})), ax=axes())
    with pytest.raises(ValueError, match="expected one of fund_mask"):
        piece(planted(), ax=axes(), condition="funk_mask")


def test_importance_methods_return_the_axes_they_drew_on() -> None:
    ax = axes()
    assert planted().plot_forest(ax=ax) is ax
    assert planted().plot_piece(ax=axes()).lines


PIANO, WATER = "\N{MUSICAL KEYBOARD}", "\u6c34"


def test_letters_without_a_glyph_are_told_by_number() -> None:
    assert drawable(f"{PIANO} take 1") == "[U+1F3B9] take 1"
    assert drawable(WATER) == "[U+6C34]"
    for known in ("Für Élise, op. 1 (−3 dB)", "Прелюдия", "Ωμέγα", "two\nlines", "$5 & <b>"):
        assert drawable(known) == known


@pytest.mark.filterwarnings("error")
def test_no_figure_shows_a_letter_that_its_font_lacks(tmp_path: Path) -> None:
    score = f"score {PIANO}"
    drops = {f"{WATER}_mask": 0.3, f"matched_tracks({WATER}_mask)": 0.1}
    doses = {f"{PIANO}(p={p})": {"p": p} for p in (0.1, 0.2, 0.5)}
    rows = make_rows(
        drops | dict.fromkeys(doses, 0.2), parameters=doses, n_pieces=3,
        model=f"{WATER}_net", dataset=f"{PIANO}_songs",
    )  # fmt: skip
    rows += [
        replace(row, dataset="demo", key=f"demo {row.key}") for row in rows
    ]  # two datasets: their names stand in legends, too
    rows = [replace(row, scores={**row.scores, score: row.scores["F-measure"]}) for row in rows]
    importance = Importance.from_rows(rows, score=score, n_resamples=200)
    entries = catalog(importance)
    write_files(tmp_path, importance, entries, payload(importance, entries), {}, {})
    figures = list(tmp_path.glob("*.svg"))
    assert {figure.name.split("_")[0] for figure in figures} == {"forest", "dose", "pieces"}
    for figure in figures:
        text = figure.read_text(encoding="utf-8")
        assert "U+" in text
        assert PIANO not in text, figure.name
        assert WATER not in text, figure.name


def test_long_names_leave_the_forest_its_axis() -> None:
    label = f"my_perm(name={'long' * 40})"
    importance = Importance.from_rows(make_rows({label: 0.3, "random": 0.0}), n_resamples=200)
    figure = new_figure(7.0, 2.0)
    ax = forest(importance, ax=figure.add_subplot())
    figure.draw_without_rendering()
    assert ax.get_window_extent().width > 0.4 * figure.bbox.width
    assert ax.get_yticklabels()[0].get_text().count("\n") <= 2


def test_no_two_dose_curves_of_a_model_look_alike() -> None:
    rows: dict[str, Row] = {}
    for fill in ("silence", "background"):
        for norm in ("frozen", "model"):
            for mask in ("fund_mask", "harm_mask"):
                constant = {"fill": fill, "normalization": norm}
                made = make_dose_rows(
                    {0.0: 0.1, 0.25: 0.2, 0.5: 0.3},
                    permutation=mask, parameter="time_dilation", constant=constant, n_pieces=6,
                )  # fmt: skip
                rows |= {row.key: row for row in made}
    ax = dose(Importance.from_rows(list(rows.values()), n_resamples=200), ax=axes())
    # matplotlib keeps a line's own dashes in a private place only
    looks = {(str(vars(line)["_unscaled_dash_pattern"]), str(line.get_markerfacecolor()))
             for line in ax.lines[:-1]}  # fmt: skip
    assert len(ax.lines) - 1 == len(looks) == 8


def test_small_plots_tell_the_cells_of_a_sensitivity_experiment_apart() -> None:
    labels = [
        f"fund_mask(fill=background, time_dilation={share}, normalization={norm})"
        for share in (0.0, 0.25)
        for norm in ("frozen", "model")
    ]
    importance = Importance.from_rows(make_rows(dict.fromkeys(labels, 0.1), n_pieces=3))
    entries = catalog(importance)
    figure = panel_figure("pieces", importance, entries, payload(importance, entries), 0)
    assert figure is not None
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert len(set(titles)) == len(labels)
    assert max(len(line) for title in titles for line in title.split("\n")) <= 32
