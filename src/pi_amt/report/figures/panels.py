"""Figures for papers with one small plot per condition: scores, movement, intervals, strata, F at
wider tolerances, what became of lost notes.

They are drawn from the same numbers as the page (:func:`pi_amt.report.page.payload.payload`).
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pi_amt.core.units import Floats
from pi_amt.report.catalog import Entry
from pi_amt.report.figures.style import GREY, INK, WIDE, drawable, new_figure, paper_style
from pi_amt.report.names import Look, score_name
from pi_amt.report.tables.cells import minus
from pi_amt.statistics.breakdown import CROSSED, levels
from pi_amt.statistics.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: of a panel (clean) or of one of its conditions, as the page's payload has them
Numbers = Mapping[str, Any]
#: most small plots on one figure
_MOST = 24
#: width of a small plot's title
_TITLE_LETTERS = 32
#: from this recall lost on, of 1, a cell of the strata is too dark for dark ink
_DARK = 0.6


def panel_figure(
    kind: str, importance: Result, entries: Sequence[Entry], data: Mapping[str, Any], place: int
) -> Figure | None:
    """One figure of a panel; ``None`` where no condition has what it shows.

    Args:
        kind: a key of :data:`KINDS`.
        importance: whose panels are numbered.
        entries: conditions to show; the first 24 are, and the title says of how many.
        data: the payload of the page.
        place: number of the panel.
    """
    needed, draw = KINDS[kind]
    cells = data["conditions"]
    able = [e for e in entries if needed in cells[e.id].get(place, {})]
    if not able:
        return None
    chosen = able[:_MOST]
    look, score = Look.of(importance, importance.panels[place]), score_name(importance.score)
    most_columns = 2 if kind == "strata" else 4
    columns = min(most_columns, len(chosen))
    rows = -(-len(chosen) // columns)
    with paper_style():
        figure = new_figure(max(WIDE * columns / most_columns, 3.4), 0.5 + 2.0 * rows)
        axes = figure.subplots(rows, columns, squeeze=False)
        title = f"{look.model}{look.badge} on {look.dataset}"
        if len(able) > _MOST:
            title += f", the first {_MOST} of {len(able)} conditions"
        figure.suptitle(drawable(title), fontsize=9, x=0.02, ha="left")
        for ax, entry in zip(axes.flat, chosen, strict=False):
            draw(look, score, data["panels"][place], cells[entry.id][place], ax)
            if kind == "false_intervals":
                ax.set_ylim(_range_of_intervals(data))
            ax.set_title(_title(entry), fontsize=7)
            ax.tick_params(labelsize=6.5)
        for ax in axes.flat[len(chosen) :]:
            ax.set_visible(False)
    return figure


def _range_of_intervals(data: Mapping[str, Any]) -> tuple[float, float]:
    """Limits that hold every bar of every model and condition: their plots are compared."""
    values = [
        value
        for cells in data["conditions"].values()
        for cell in cells.values()
        for value in (*cell.get("change", ()), *cell.get("chance", ()))
        if value is not None
    ]
    low, high = min(0.0, *values), max(0.0, *values)
    margin = 0.05 * max(high - low, 0.1)
    return low - margin, high + margin


def _title(entry: Entry) -> str:
    """The permutation, and its options below; cut where they would reach into the next plot."""
    lines = drawable(entry.title).replace("(", "\n(", 1).split("\n")
    return "\n".join(
        textwrap.fill(line, _TITLE_LETTERS, max_lines=3, placeholder=" …", break_on_hyphens=False)
        for line in lines
    )


def _array(values: Sequence[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _unit_square(ax: Axes, xlabel: str, ylabel: str) -> None:
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1)
    ax.set_aspect("equal")
    ax.set_xticks([0, 0.5, 1])
    ax.set_yticks([0, 0.5, 1])
    ax.set_xlabel(xlabel, fontsize=7)
    ax.set_ylabel(ylabel, fontsize=7)


def _paired(look: Look, score: str, clean: Numbers, cell: Numbers, ax: Axes) -> None:
    name = drawable(score)
    ax.plot([0, 1], [0, 1], color=GREY, linewidth=0.7)
    ax.plot(
        _array(clean["base"]), _array(cell["after"]),
        look.marker, color=look.colour, ms=2.6, mew=0, alpha=0.6,
    )  # fmt: skip
    _unit_square(ax, f"{name}, clean", f"{name}, perturbed")


def _movement(look: Look, score: str, clean: Numbers, cell: Numbers, ax: Axes) -> None:
    colour, marker = look.colour, look.marker
    points = np.stack(
        [_array(side[part]) for side in (clean, cell) for part in ("recall", "precision")]
    )
    points = points[:, ~np.isnan(points).any(axis=0)]
    _unit_square(ax, "recall", "precision")
    if not points.size:
        return
    ax.plot(points[[0, 2]], points[[1, 3]], color=colour, alpha=0.15, linewidth=0.6)
    r0, p0, r1, p1 = points.mean(axis=1)
    ax.plot([r0, r1], [p0, p1], color=colour, linewidth=1.6)
    ax.plot(r0, p0, marker, color=colour, mfc="white", ms=4)
    ax.plot(r1, p1, marker, color=colour, ms=4)


def _intervals(look: Look, score: str, clean: Numbers, cell: Numbers, ax: Axes) -> None:
    x = np.arange(len(cell["classes"]))
    ax.bar(x, _array(cell["change"]), color=look.colour)
    if cell["chance"]:
        ax.plot(x, _array(cell["chance"]), "_", color=INK, ms=6, mew=1.2)
    ax.axhline(0, color=INK, linewidth=0.7)
    ax.set_xticks(x, [str(name).replace("-", "−") for name in cell["classes"]], rotation=90)
    ax.set_ylabel("false notes per 100", fontsize=7)
    ax.grid(axis="x", visible=False)


def _strata(look: Look, score: str, clean: Numbers, cell: Numbers, ax: Axes) -> None:
    registers, velocities, polyphonies = (levels(factor) for factor in CROSSED)
    shape = (len(registers), len(velocities), len(polyphonies), 3)
    before, after, total = np.moveaxis(np.array(cell["strata"]).reshape(shape), -1, 0)
    lost = np.where(total > 0, (before - after) / np.maximum(total, 1e-9), np.nan)
    grid = np.moveaxis(lost, 2, 1).reshape(len(registers), -1)
    ax.imshow(grid, cmap="PuOr_r", vmin=-1, vmax=1, aspect="auto", origin="lower")
    for (i, j), value in np.ndenumerate(grid):
        if not np.isnan(value):
            ink = "white" if abs(value) > _DARK else INK
            ax.text(
                j,
                i,
                minus(str(round(100 * value))),
                ha="center",
                va="center",
                fontsize=5.5,
                color=ink,
            )
    ticks = np.arange(len(polyphonies)) * len(velocities) + (len(velocities) - 1) / 2
    ax.set_xticks(ticks, [name.split(" ")[0] + "+" * ("more" in name) for name in polyphonies])
    ax.set_yticks(range(len(registers)), registers)
    for edge in ticks[:-1] + len(velocities) / 2:
        ax.axvline(edge, color="white", linewidth=2)
    ax.grid(visible=False)
    ax.set_xlabel("notes at once; in each, soft, medium, loud", fontsize=7)


def _tolerance(look: Look, score: str, clean: Numbers, cell: Numbers, ax: Axes) -> None:
    found = cell["tolerances"]
    for name, fill in (("clean", "white"), ("perturbed", look.colour)):
        values = _array(found[name])
        ax.plot(range(3), values[:3], color=look.colour, linewidth=1.2)
        ax.plot(range(4), values, look.marker, color=look.colour, mfc=fill, ms=4)
    ax.set_xticks(range(4), ["50", "100", "150", "octaves\nfolded"])
    ax.set_xlabel("onsets within … ms", fontsize=7)
    ax.set_ylim(0, 1)
    ax.set_ylabel("F", fontsize=7)
    ax.grid(axis="x", visible=False)


def _lost_notes(look: Look, score: str, clean: Numbers, cell: Numbers, ax: Axes) -> None:
    names, shares = zip(*cell["fates"], strict=True) if cell["fates"] else ((), ())
    ax.bar(range(len(names)), 100 * _array(shares), color=look.colour)
    ax.axhline(0, color=INK, linewidth=0.7)
    ax.set_xticks(range(len(names)), names, rotation=45)
    ax.set_ylim(min(0.0, *ax.get_ylim()), max(100.0, *ax.get_ylim()))
    ax.set_ylabel("of 100 lost notes, beyond chance", fontsize=6)
    ax.grid(axis="x", visible=False)


#: draws a condition of a panel: its look, the score, its clean numbers and the perturbed ones
_Draw = Callable[[Look, str, Numbers, Numbers, "Axes"], None]
#: name of the figure → (what a cell must hold, how it is drawn)
KINDS: dict[str, tuple[str, _Draw]] = {
    "pieces": ("after", _paired),
    "precision_recall": ("precision", _movement),
    "false_intervals": ("change", _intervals),
    "strata": ("strata", _strata),
    "tolerances": ("tolerances", _tolerance),
    "lost_notes": ("fates", _lost_notes),
}
