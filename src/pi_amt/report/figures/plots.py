"""Figures of an importance result; each function returns the Axes it drew on.

They are what ``result.plot_forest()`` and its sisters call, and what the report writes as SVG and
PDF. Drops are positive where a perturbation harms. Whiskers and bands are 95 % intervals; with too
few compositions for a test the single recordings are drawn in their place.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pi_amt.report.catalog import Entry, by_feature, catalog, main_conditions
from pi_amt.report.figures.style import GREY, INK, PALE, WIDE, drawable, new_axes, paper_style
from pi_amt.report.names import Look, axis_of, score_name
from pi_amt.report.statements import single_drops
from pi_amt.report.tables.dose import curve_name
from pi_amt.statistics.dose import Curve, dose_curves
from pi_amt.statistics.inference import FEWEST_COMPOSITIONS
from pi_amt.statistics.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: as many as a sensitivity experiment has curves in one figure
_DASHES: tuple[Any, ...] = (
    "-",
    "--",
    ":",
    "-.",
    (0, (1, 4)),
    (0, (9, 3)),
    (0, (4, 1, 1, 1, 1, 1)),
    (0, (9, 2, 4, 2)),
)
_LABEL_LETTERS = 44
#: how far a control stands below its condition, rows
_BELOW = 0.13


def forest(importance: Result, ax: Axes | None = None) -> Axes:
    """Drop per condition with intervals, models beside each other, matched controls hollow below.

    Conditions about one feature stand together. With fewer compositions than a test needs, strokes
    are the single recordings and there is no interval. Conditions that make exact zeros are marked
    "hard", those that score without the notes "leaks". Steps of profiles and doses have figures of
    their own and stand here only where nothing else was run.
    """
    groups = by_feature(main_conditions(catalog(importance)))
    entries = [entry for _, members in groups for entry in members]
    with paper_style():
        ax = new_axes(ax, WIDE, 1.2 + 0.2 * max(len(entries), 1) * max(len(importance.panels), 2))
        spread = np.linspace(-0.28, 0.28, len(importance.panels))
        if len(importance.panels) == 1:
            spread = np.zeros(1)
        for place, shift in enumerate(spread):
            _forest_series(importance, entries, place, shift, ax)
        ax.axvline(0, color=INK, linewidth=0.9, zorder=1)
        for last in np.cumsum([len(members) for _, members in groups])[:-1]:
            ax.axhline(last - 0.5, color=PALE, linewidth=0.7, zorder=0)
        ax.set_yticks(range(len(entries)), [_forest_label(entry) for entry in entries])
        ax.set_ylim(len(entries) - 0.4, -0.6)
        ax.grid(axis="y", visible=False)
        tested = any(r.is_testable for entry in entries for r in entry.results.values())
        shown = "95 % interval" if tested else "strokes: single recordings"
        ax.set_xlabel(f"drop in {drawable(score_name(importance.score))} ({shown})")
        if any(entry.controls for entry in entries):
            ax.plot([], [], marker="D", mfc="none", color=GREY, ls="", label="matched control")
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return ax


def _forest_label(entry: Entry) -> str:
    """At most three lines, so that names with many options leave room for the numbers."""
    lines = textwrap.wrap(
        drawable(entry.title), _LABEL_LETTERS, max_lines=3, placeholder=" …", break_on_hyphens=False
    )
    marks = [word for word, holds in (("hard", entry.hard), ("leaks", entry.leaks)) if holds]
    if not marks:
        return "\n".join(lines)
    return "\n".join(lines) + ("\n" if len(lines) == 1 else " ") + f"[{', '.join(marks)}]"


def _forest_series(
    importance: Result, entries: Sequence[Entry], place: int, shift: float, ax: Axes
) -> None:
    panel = importance.panels[place]
    look = Look.of(importance, panel)
    colour, marker = look.colour, look.marker
    fill = colour if panel.dataset == importance.datasets[0] else "white"
    ax.plot([], [], marker=marker, ls="-", color=colour, label=_name(importance, look), mfc=fill)
    for row, entry in enumerate(entries):
        result, control = entry.results.get(place), entry.controls.get(place)
        if result is None or np.isnan(result.drop):
            continue
        y = row + shift
        if result.is_testable:
            bounds = [result.drop_low, result.drop_high]
            ax.plot(bounds, [y, y], color=colour, solid_capstyle="butt")
        else:
            drops = single_drops(panel, entry.numbers[place], importance.score)
            ax.plot(drops, [y] * len(drops), "|", color=colour, ms=5, alpha=0.7)
        ax.plot(result.drop, y, marker, color=colour, ms=5, mfc=fill)
        if control is not None:
            below = y + _BELOW
            ends = [control.drop_low, control.drop_high]
            ax.plot(ends, [below, below], color=colour, linewidth=0.7, solid_capstyle="butt")
            ax.plot(control.drop, below, "D", color=colour, mfc="white", ms=3.5, mew=0.9, zorder=3)


def _name(importance: Result, look: Look) -> str:
    """Model, dataset where there are several, and what the weights are if not published ones."""
    name = f"{look.model} · {look.dataset}" if len(importance.datasets) > 1 else look.model
    return drawable(name) + look.badge


def dose(importance: Result, ax: Axes | None = None, parameter: str | None = None) -> Axes:
    """Dose curves of one option; the first that was varied unless ``parameter`` names another.

    Raises:
        ValueError: if no dose curve was run, or none of this parameter.
    """
    curves = dose_curves(importance)
    known = list(dict.fromkeys(curve.parameter for curve in curves))
    if not known:
        raise ValueError(
            "got no dose curve, expected at least three values of one option; run experiment=dose"
        )
    parameter = parameter or known[0]
    if parameter not in known:
        raise ValueError(f"got parameter {parameter!r}, expected one of {', '.join(known)}")
    chosen = [curve for curve in curves if curve.parameter == parameter]
    with paper_style():
        ax = new_axes(ax)
        kinds = list(dict.fromkeys((curve.permutation, curve.constant) for curve in chosen))
        for curve in chosen:
            dash = _DASHES[kinds.index((curve.permutation, curve.constant)) % len(_DASHES)]
            _draw_curve(importance, curve, curve_name(curve, curves), dash, dash == _DASHES[0], ax)
        _finish_curves(importance, ax, parameter)
    return ax


def _draw_curve(
    importance: Result, curve: Curve, what: str, dash: Any, filled: bool, ax: Axes
) -> None:
    places = [(panel.model, panel.dataset) for panel in importance.panels]
    panel = importance.panels[places.index((curve.model, curve.dataset))]
    look = Look.of(importance, panel)
    colour = look.colour
    ax.plot(
        curve.values, curve.drop, linestyle=dash, color=colour, marker=look.marker, ms=4,
        mfc=colour if filled else "white",
        label=f"{_name(importance, look)}: {drawable(what)}",
    )  # fmt: skip
    composition = dict(zip(panel.pieces, panel.compositions, strict=True))
    if len({composition[piece] for piece in curve.pieces}) >= FEWEST_COMPOSITIONS:
        low, high = curve.drop_low, curve.drop_high
        ax.fill_between(curve.values, low, high, color=colour, alpha=0.15, lw=0)
    else:
        ax.plot(curve.values, curve.matrix.T, color=colour, alpha=0.3, linewidth=0.6)


def _finish_curves(importance: Result, ax: Axes, parameter: str) -> None:
    ax.axhline(0, color=INK, linewidth=0.9, zorder=1)
    ax.set_xlabel(drawable(axis_of(parameter)[0]))
    ax.set_ylabel(f"drop in {drawable(score_name(importance.score))}")
    # above the axes: the bands leave no room that is always free
    longest = max(len(label) for label in ax.get_legend_handles_labels()[1])
    ax.legend(
        loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=1 if longest > _LABEL_LETTERS else 2,
        fontsize=7, handlelength=4,
    )  # fmt: skip


def piece(importance: Result, ax: Axes | None = None, condition: str | None = None) -> Axes:
    """Every recording, clean (across) against perturbed (up); below the diagonal is a drop.

    Args:
        importance: what to draw; all its panels go into the same axes.
        ax: where to draw.
        condition: title of the condition; the one with the largest drop unless given.

    Raises:
        ValueError: if there is no condition, or none of this name.
    """
    entries = {entry.title: entry for entry in catalog(importance)}
    if not entries:
        raise ValueError("got a baseline only, expected at least one condition, run one")
    if condition is None:
        condition = max(entries, key=lambda title: _largest_drop(entries[title]))
    if condition not in entries:
        raise ValueError(f"got condition {condition!r}, expected one of {', '.join(entries)}")
    entry = entries[condition]
    with paper_style():
        ax = new_axes(ax, 4.0, 4.0)
        ax.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, zorder=1)
        for place, number in entry.numbers.items():
            panel = importance.panels[place]
            look = Look.of(importance, panel)
            base = panel.baseline_values(importance.score)
            after = panel.piece_means(importance.score)[number]
            ax.plot(
                base, after, look.marker, color=look.colour,
                ms=4, mec="white", mew=0.4, alpha=0.75, label=_name(importance, look),
            )  # fmt: skip
        ax.set_xlim(0, 1)
        ax.set_ylim(0, 1)
        ax.set_aspect("equal")
        name = drawable(score_name(importance.score))
        ax.set_xlabel(f"{name}, clean")
        ax.set_ylabel(f"{name}, perturbed")
        ax.set_title(drawable(entry.title))
        ax.legend(loc="upper left", fontsize=7)
    return ax


def _largest_drop(entry: Entry) -> float:
    if entry.condition.role != "condition":
        return -np.inf
    return max((r.drop for r in entry.results.values() if not np.isnan(r.drop)), default=-np.inf)
