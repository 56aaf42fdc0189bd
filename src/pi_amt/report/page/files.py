"""Figures, tables and the methods paragraph in a folder beside the page, ready for a paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pi_amt.report.catalog import Entry, main_conditions, without_controls
from pi_amt.report.figures.panels import KINDS, panel_figure
from pi_amt.report.figures.plots import dose, forest
from pi_amt.report.figures.profile import profile_figure
from pi_amt.report.figures.shapley import bars, height_of, where_from
from pi_amt.report.figures.style import WIDE, new_figure, paper_style, save_figure
from pi_amt.report.names import Look, dataset_title, model_title, slug, unique_slugs
from pi_amt.report.page.forest import forests
from pi_amt.report.tables.table import Table
from pi_amt.statistics.dose import dose_curves
from pi_amt.statistics.profile import profiles
from pi_amt.statistics.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: (name, [(label of the link, address)]) of each file, or of each that comes in several formats
Links = list[tuple[str, list[tuple[str, str]]]]


def write_files(
    folder: Path,
    importance: Result,
    entries: Sequence[Entry],
    data: Mapping[str, Any],
    tables: Mapping[str, Table],
    texts: Mapping[str, str],
) -> Links:
    """Write everything; what an earlier report left under the same names is replaced.

    Args:
        folder: made if missing.
        importance, entries: the results, and their conditions.
        data: see :func:`~pi_amt.report.page.payload.payload`.
        tables: file stem → table, written as CSV and LaTeX.
        texts: file name → content.

    Returns:
        What there is, for the page's list of links.
    """
    folder.mkdir(parents=True, exist_ok=True)
    links = [
        *_figures(folder, importance, entries, data),
        *(_table(folder, stem, table) for stem, table in tables.items()),
    ]
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
        links.append((name, [("open", _address(folder / name))]))
    return links


def _table(folder: Path, stem: str, table: Table) -> tuple[str, list[tuple[str, str]]]:
    csv, tex = folder / f"{stem}.csv", folder / f"{stem}.tex"
    table.to_csv(csv)
    table.to_latex(tex)
    return table.title, [("CSV", _address(csv)), ("LaTeX", _address(tex))]


def _figures(
    folder: Path, importance: Result, entries: Sequence[Entry], data: Mapping[str, Any]
) -> Links:
    links: Links = []
    conditions = without_controls(entries)
    stems_of_datasets, stems_of_models = map(_stems, (importance.datasets, importance.models))
    if conditions:
        axis = forests(importance, entries)[0].near  # one for all datasets
        for dataset in importance.datasets:
            part = importance.select(dataset=dataset)
            n_marks = len(main_conditions(entries)) * max(len(part.panels), 2)
            links += _drawn(
                folder / f"forest_{stems_of_datasets[dataset]}",
                f"Forest plot, {dataset_title(dataset)}",
                _forest, part, height=1.2 + 0.2 * n_marks, limits=(axis.low, axis.high),
            )  # fmt: skip
    for model in dict.fromkeys(found.model for found in profiles(importance)):
        stem = folder / f"profile_{stems_of_models[model]}"
        title = f"Harmonic profile, {model_title(model)}"
        links.append((title, _saved(profile_figure(importance, model), stem)))
    if bars(importance):
        links += _drawn(
            folder / "shapley", "Where the score comes from", where_from, importance,
            height=height_of(importance),
        )  # fmt: skip
    for parameter in dict.fromkeys(curve.parameter for curve in dose_curves(importance)):
        stem, title = folder / f"dose_{slug(parameter)}", f"Dose curves, {parameter}"
        links += _drawn(stem, title, dose, importance, parameter=parameter)
    for place, panel in enumerate(importance.panels):
        for kind in KINDS:
            figure = panel_figure(kind, importance, conditions, data, place)
            if figure is not None:
                place_stem = f"{stems_of_models[panel.model]}_{stems_of_datasets[panel.dataset]}"
                stem = folder / f"{kind}_{place_stem}"
                title = kind.replace("_", " ").capitalize()
                look = Look.of(importance, panel)
                links.append((f"{title}, {look.model}, {look.dataset}", _saved(figure, stem)))
    return links


def _stems(names: Sequence[str]) -> dict[str, str]:
    """Part of a file name for each: slugs alone are the same for all names in other letters."""
    return dict(zip(names, unique_slugs(names), strict=True))


def _forest(importance: Result, ax: Axes, limits: tuple[float, float]) -> None:
    forest(importance, ax=ax).set_xlim(limits)


def _drawn(
    stem: Path, title: str, draw: Any, importance: Result, height: float = 3.6, **options: Any
) -> Links:
    with paper_style():
        figure = new_figure(WIDE, height)
        draw(importance, ax=figure.add_subplot(), **options)
    return [(title, _saved(figure, stem))]


def _saved(figure: Any, stem: Path) -> list[tuple[str, str]]:
    svg, pdf = save_figure(figure, stem)
    return [("SVG", _address(svg)), ("PDF", _address(pdf))]


def _address(path: Path) -> str:
    """Relative to the page, safe for any folder name."""
    return f"{quote(path.parent.name)}/{quote(path.name)}"
