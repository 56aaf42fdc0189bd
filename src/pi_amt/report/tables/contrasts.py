"""Two stores side by side (two versions, two weights): per condition, how far the drops differ."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pi_amt.core.text import plural
from pi_amt.report.tables.table import Table
from pi_amt.statistics.condition_results import Settings
from pi_amt.statistics.contrasts import (
    COLUMNS,
    Side,
    contrast_records,
    contrast_table,
    paired_difference,
    two_sides,
)
from pi_amt.statistics.paired import mean
from pi_amt.statistics.panels import Panel, flat_options
from pi_amt.statistics.result import Importance, importance_from_rows
from pi_amt.store.rows import Row


def compare(
    rows_a: Sequence[Row],
    rows_b: Sequence[Row],
    *,
    names: tuple[str, str] = ("A", "B"),
    **options: Any,
) -> Table:
    """Two stores (two versions, two weights): per condition, drop in b minus drop in a.

    Panels are paired by model and dataset. The first line of each pair contrasts the baselines:
    its ``difference`` is that of the scores.

    Args:
        rows_a, rows_b: rows of the two stores.
        names: what to call them.
        options: of :func:`pi_amt.statistics.result.importance_from_rows`, the same for both.

    Raises:
        ValueError: if no model and dataset is in both, or for rows that are refused.
    """
    a, b = (importance_from_rows(rows, **options) for rows in (rows_a, rows_b))
    others = {(panel.model, panel.dataset): panel for panel in b.panels}
    records: list[dict[str, Any]] = []
    for panel in a.panels:
        other = others.get((panel.model, panel.dataset))
        if other is not None:
            called = [f"{name}: {panel.model}" for name in names]
            sides = two_sides(panel, other, called, a.score)
            records.append(_baseline_record(*sides, a.settings))
            records += contrast_records(*sides, a.settings)
    if not records:
        had = ["; ".join(f"{p.model} × {p.dataset}" for p in side.panels) for side in (a, b)]
        raise ValueError(f"got {had[0]} and {had[1]}, expected a model and dataset in both stores")
    said = [f"{name}: {note}" for name, side in zip(names, (a, b), strict=True)
            for note in (*_weights(side), *side.messages, *side.warnings)]  # fmt: skip
    alone = [*_only_in(names[0], a, b), *_only_in(names[1], b, a)]
    unlike = _unlike(names, a, b)
    notes = [*unlike, *alone, *said]
    return contrast_table(f"{names[0]} against {names[1]}", records, a.settings, notes)


def _baseline_record(a: Side, b: Side, settings: Settings) -> dict[str, Any]:
    """The contrast of the scores themselves."""
    base_a, base_b = a.baseline(), b.baseline()
    both = ~np.isnan(base_a) & ~np.isnan(base_b)
    row = next(iter(a.panel.baseline.values()))
    return dict.fromkeys(COLUMNS, float("nan")) | {
        "dataset": a.panel.dataset,
        "label": row.label,
        "condition": row.label,
        "parameters": row.parameters,
        "role": "baseline",
        "a": a.name,
        "b": b.name,
        "n_pieces": int(both.sum()),
        "baseline_a": mean(base_a[both]),
        "baseline_b": mean(base_b[both]),
        "drop_a": 0.0,
        "drop_b": 0.0,
        **paired_difference(base_b - base_a, a.clusters(), settings),
    }


def _only_in(name: str, own: Importance, other: Importance) -> Iterator[str]:
    """What one store has and the other has not, so that it is not in the table."""
    there = {(panel.model, panel.dataset): panel for panel in other.panels}
    for panel in own.panels:
        place, twin = f"{panel.model} × {panel.dataset}", there.get((panel.model, panel.dataset))
        if twin is None:
            yield f"Only in {name}, not compared: {place}."
            continue
        shared = {c.label for c in twin.conditions}
        lone = dict.fromkeys(c.label for c in panel.conditions if c.label not in shared)
        if lone:
            yield f"Only in {name}, not compared: {place} under {', '.join(lone)}."
        pieces = len(set(panel.pieces) - set(twin.pieces))
        if pieces:
            count = f"{pieces} of {len(panel.pieces)} recordings"
            yield f"Only in {name}, not compared: {place}, {count}."


def _unlike(names: tuple[str, str], a: Importance, b: Importance) -> Iterator[str]:
    """What was not held equal besides the weights, so that it may be what the difference shows."""
    others = {(panel.model, panel.dataset): panel for panel in b.panels}
    for panel in a.panels:
        place, other = f"{panel.model} × {panel.dataset}", others.get((panel.model, panel.dataset))
        if other is None:
            continue
        ways = [_way(side) for side in (panel, other)]
        for key in dict.fromkeys(key for way in ways for key in way):
            values = [way.get(key, "not recorded") for way in ways]
            if values[0] != values[1]:
                told = ", ".join(
                    f"{name} {'none' if v is None else v}"
                    for name, v in zip(names, values, strict=True)
                )
                yield f"Warning: not the same in both, {place}: {key} ({told})."
        shared = panel.baseline.keys() & other.baseline.keys()
        changed = sum(panel.baseline[t].data != other.baseline[t].data for t in shared)
        if changed:
            yield (
                f"Warning: {place}: {plural(changed, 'recording')} of {len(shared)} with other "
                "audio or notes in one store than in the other."
            )


def _way(panel: Panel) -> dict[str, object]:
    """How a panel's rows were made, flat: settings, precision and method."""
    row = panel.rows[0]
    settings = flat_options(json.loads(row.settings or "{}"))
    return {**settings, "precision": row.precision, "method": row.method}


def _weights(importance: Importance) -> list[str]:
    rows = [panel.rows[0] for panel in importance.panels]
    return list(
        dict.fromkeys(
            f"{row.model}, {row.weights_label} ({row.weights[:12]}), pi_amt {row.version}"
            for row in rows
        )
    )
