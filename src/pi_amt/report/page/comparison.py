"""``pi-amt compare --html``: two stores, condition by condition, as one file in the report's look.

Each line of the picture shows the drop of A (hollow) and of B (filled) on one axis for all.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pi_amt.core.text import plural
from pi_amt.report.names import dataset_title, model_title
from pi_amt.report.page.forest import Axis, make_axis
from pi_amt.report.page.render import check_output, write_chartless
from pi_amt.report.tables.cells import minus
from pi_amt.report.tables.table import Table


@dataclass(frozen=True)
class Line:
    """One condition: where the drops of both stand, per cent of the axis, and the numbers."""

    name: str
    role: str
    a: float | None
    b: float | None
    drops: str
    difference: str
    interval: str
    p: str


def write_comparison(
    table: Table, output: str | os.PathLike[str], names: tuple[str, str] = ("A", "B")
) -> Path:
    """Write a table of :func:`~pi_amt.report.tables.contrasts.compare` as a page.

    Args:
        table: the contrasts.
        output: the HTML file.
        names: of the two stores, for readers.

    Returns:
        The HTML file.

    Raises:
        ValueError: if the output is a folder.
    """
    output = Path(output)
    check_output("html", output)
    drops = [record[f"drop_{side}"] for record in table.records for side in ("a", "b")]
    axis = make_axis([drop for drop in drops if not math.isnan(drop)])
    return write_chartless(
        "comparison.html.j2",
        output,
        table.footers,
        kind="Comparison of two results",
        title="What differs between A and B?",
        lede=f"A is {names[0]}, B is {names[1]}.",
        tabs=[("comparison", "Comparison", 0)],
        closing="Differences are over the recordings that both have.",
        table=table,
        blocks=_blocks(table, axis),
        axis=axis,
    )


def _blocks(table: Table, axis: Axis) -> list[tuple[str, str, list[Line]]]:
    """(model and dataset, what the baselines did, lines) of each pair."""
    pairs: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for record in table.records:
        pairs.setdefault((record["a"], record["dataset"]), []).append(record)
    found = []
    for (model, dataset), records in pairs.items():
        title = f"{model_title(model.partition(': ')[2] or model)} on {dataset_title(dataset)}"
        lines = [_line(table, record, axis) for record in records if record["role"] != "baseline"]
        found.append((title, _baseline(table, records), lines))
    return found


def _baseline(table: Table, records: Sequence[Mapping[str, Any]]) -> str:
    for record in records:
        if record["role"] == "baseline":
            before, after = table.cell(record, "baseline_a"), table.cell(record, "baseline_b")
            count = plural(record["n_pieces"], "recording")
            return f"Without perturbation: {table.score} {before} (A) → {after} (B), {count}."
    return ""


def _line(table: Table, record: Mapping[str, Any], axis: Axis) -> Line:
    a, b = (
        None if math.isnan(record[name]) else axis.place(record[name])
        for name in ("drop_a", "drop_b")
    )
    low, high = (table.cell(record, f"difference_{end}") for end in ("low", "high"))
    unknown = math.isnan(record["difference_low"])
    return Line(
        name=record["condition"],
        role=record["role"],
        a=a,
        b=b,
        drops=minus(f"{table.cell(record, 'drop_a')} → {table.cell(record, 'drop_b')}"),
        difference=minus(table.cell(record, "difference")),
        interval="" if unknown else minus(f"[{low}, {high}]"),
        p=table.cell(record, "p_holm"),
    )
