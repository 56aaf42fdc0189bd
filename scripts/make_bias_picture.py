"""True against measured drops, for docs/calibration.md, from the tables of known bias that ship.

``python scripts/make_bias_picture.py`` writes ``docs/images/known_bias.svg`` and, for each model,
``docs/generated/known_bias_MODEL.txt``. ``make known-bias`` makes the tables first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from pi_amt.models.loading import SHIPPED
from pi_amt.report.figures.style import GREY, INK, WIDE, paper_style
from pi_amt.report.names import BADGE, model_title
from pi_amt.report.tables.calibration import bias_table
from pi_amt.statistics.bias import BiasTable, MaskBias, shipped_table

DOCS = Path(__file__).resolve().parents[1] / "docs"
BINARY, RATIO = "#D55E00", "#0072B2"
LOW, HIGH = -0.12, 1.0
#: in the units of the axes: height of a label's line, distance of columns of labels
LINE, APART = 0.042, 0.12


def main() -> None:
    """Write the picture and the tables."""
    tables = [shipped_table(name) for name in SHIPPED]
    with paper_style():
        figure, panels = plt.subplots(
            1, len(tables), figsize=(WIDE, 4.1), sharey=True, layout="constrained"
        )
        for axes, table in zip(panels, tables, strict=True):
            _draw(axes, table)
        panels[0].set_ylabel("measured drop of F, under the mask")
        if {mask.is_ratio for table in tables for mask in table.masks} == {True, False}:
            panels[0].legend(handles=[_key("binary mask", BINARY), _key("ratio mask", RATIO)])
        figure.savefig(DOCS / "images" / "known_bias.svg", metadata={"Date": None})
    for table in tables:
        text = bias_table(table).to_text(width=100, fold=True)
        path = DOCS / "generated" / f"known_bias_{table.model}.txt"
        path.write_text(text + "\n", encoding="utf-8")


def _draw(axes: Axes, table: BiasTable) -> None:
    """The masks of one model; a line leads from the truth to each."""
    reproduction = f"\n({BADGE})" if BADGE in table.weights_label else "\n"
    axes.set_title(model_title(table.model) + reproduction)
    axes.set(xlim=(LOW, HIGH), ylim=(LOW, HIGH), aspect="equal")
    axes.set_xlabel("true drop of F, in the sound made so")
    axes.plot((LOW, HIGH), (LOW, HIGH), color=INK, linewidth=1.0)
    axes.text(0.85, 0.78, "reads true", color=GREY, fontsize=8, rotation=45)
    axes.text(-0.08, 0.94, "reads too high ↑", color=GREY, fontsize=8)
    axes.text(0.64, -0.07, "reads too low ↓", color=GREY, fontsize=8)
    for mask in table.masks:
        x, y, colour = mask.drops.true, mask.drops.measured, _colour(mask)
        axes.plot((x, x), (x, y), color=colour, linewidth=0.8, alpha=0.5)
        axes.plot(x, y, "o", color=colour, markersize=4.5, zorder=5)
    for column in _columns(table):
        _label(axes, column)


def _columns(table: BiasTable) -> list[list[MaskBias]]:
    """The masks from left to right, those close to each other together: they share a column."""
    columns: list[list[MaskBias]] = []
    for mask in sorted(table.masks, key=lambda mask: mask.drops.true):
        if columns and mask.drops.true - columns[-1][-1].drops.true < APART:
            columns[-1].append(mask)
        else:
            columns.append([mask])
    return columns


def _label(axes: Axes, column: Sequence[MaskBias]) -> None:
    """Names right of the masks of a column, one above the other, each with a line to its mask;
    masks of one place share a name."""
    names: dict[tuple[float, float], list[MaskBias]] = {}
    for mask in column:
        place = round(mask.drops.true, 3), round(mask.drops.measured, 3)
        names.setdefault(place, []).append(mask)
    left, below = max(x for x, _ in names) + 0.05, -1.0
    for (x, y), masks in sorted(names.items(), key=lambda item: item[0][1]):
        below = max(y, below + LINE)
        colour = _colour(masks[0])
        axes.plot((x, left - 0.01), (y, below), color=colour, linewidth=0.4)
        text = " = ".join(map(_name, masks))
        shown = axes.text(left, below, text, color=colour, fontsize=6.5, va="center_baseline")
        shown.set_bbox({"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.4})


def _name(mask: MaskBias) -> str:
    """``remove_harmonic(harmonic=2)`` as ``remove partial 2``."""
    return re.sub(r"_harmonic\(.*?harmonic=(\d+).*\)", r" partial \1", mask.label)


def _colour(mask: MaskBias) -> str:
    return RATIO if mask.is_ratio else BINARY


def _key(label: str, colour: str) -> Line2D:
    return Line2D([], [], marker="o", linestyle="", markersize=4.5, color=colour, label=label)


if __name__ == "__main__":
    main()
