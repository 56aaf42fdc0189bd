"""Contrasts as tables: models of one result, or two stores (two versions, two weights)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from pi_amt.core.text import WARNING, plural
from pi_amt.report.names import score_name
from pi_amt.report.tables.importance import method_note
from pi_amt.report.tables.table import Table, bounds_of
from pi_amt.statistics.contrasts import (
    Side,
    contrast_records,
    paired_conditions,
    paired_difference,
    two_sides,
)
from pi_amt.statistics.floor import why_at_floor
from pi_amt.statistics.inference import Inference, holm, mean
from pi_amt.statistics.panels import Panel
from pi_amt.statistics.result import Result
from pi_amt.store.rows import Row, flat_options

COLUMNS = (
    "dataset", "label", "condition", "parameters", "role", "a", "b", "n_pieces",
    "baseline_a", "baseline_b", "drop_a", "drop_b",
    "difference", "difference_low", "difference_high", "p", "p_holm",
    "relative_drop_a", "relative_drop_b", "excess_a", "excess_b",
)  # fmt: skip
_LEAD = (
    "condition", "difference", "p_holm", "drop_a", "drop_b", "a", "b", "dataset", "n_pieces",
    "baseline_a", "baseline_b",
)  # fmt: skip
_FORMATS = {"p": "p", "p_holm": "p"}


def model_contrasts(importance: Result) -> Table:
    """Per dataset, pair of models and condition that both have: drop of b minus drop of a.

    Conditions are paired by label and parameters; by label alone where it is unique on both sides
    (mask widths differ between front ends). Holm corrects over all rows with the role
    ``condition``.
    """
    records: list[dict[str, Any]] = []
    said = list(_without_p(importance))
    for dataset in importance.datasets:
        panels = [panel for panel in importance.panels if panel.dataset == dataset]
        for a, b in combinations(panels, 2):
            sides = two_sides(a, b, (a.model, b.model), importance.score)
            records += contrast_records(*sides, importance.inference)
            said += _other_contents(a, b, f"for {a.model}", f"for {b.model}")
    title = f"Differences between models of the drop in {score_name(importance.score)}"
    return contrast_table(title, records, importance.inference, said)


def contrast_table(
    title: str, records: Sequence[dict[str, Any]], inference: Inference, said: Sequence[str] = ()
) -> Table:
    """The table of contrasts, p corrected; ``said`` are further notes below it."""
    p = holm([record["p"] if record["role"] == "condition" else np.nan for record in records])
    finished = [record | {"p_holm": float(p[i])} for i, record in enumerate(records)]
    return Table(
        title=title,
        columns=COLUMNS,
        records=tuple({name: record[name] for name in COLUMNS} for record in finished),
        footers=(
            f"Score: {inference.score}, mean over the recordings that both sides have; "
            "difference = drop of b − drop of a (baseline line: score of b − score of a).",
            method_note(inference, int(np.sum(~np.isnan(p)))),
            *said,
        ),
        formats=_FORMATS,
        lead=_LEAD,
        groups=("a", "b", "dataset"),
        intervals=bounds_of(("difference",)),
        score=score_name(inference.score),
    )


def _without_p(importance: Result) -> Iterator[str]:
    """Whose contrasts have no p, and why."""
    for panel in importance.panels:
        if why := why_at_floor(panel, importance.inference):
            yield f"{WARNING}{panel.model} × {panel.dataset}: {why}, so its contrasts have no p."


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
        options: of :meth:`pi_amt.statistics.result.Result.from_rows`, the same for both.

    Raises:
        ValueError: if no model and dataset is in both, or for rows that are refused.
    """
    a, b = (Result.from_rows(rows, **options) for rows in (rows_a, rows_b))
    others = {(panel.model, panel.dataset): panel for panel in b.panels}
    records: list[dict[str, Any]] = []
    for panel in a.panels:
        other = others.get((panel.model, panel.dataset))
        if other is not None:
            called = [f"{name}: {panel.model}" for name in names]
            sides = two_sides(panel, other, called, a.score)
            records.append(_baseline_record(*sides, a.inference))
            records += contrast_records(*sides, a.inference)
    if not records:
        had = ["; ".join(f"{p.model} × {p.dataset}" for p in side.panels) for side in (a, b)]
        raise ValueError(f"got {had[0]} and {had[1]}, expected a model and dataset in both stores")
    said = [
        f"{name}: {note}"
        for name, side in zip(names, (a, b), strict=True)
        for note in (*_weights(side), *side.messages, *side.warnings)
    ]
    alone = [*_only_in(names[0], a, b), *_only_in(names[1], b, a)]
    unlike = _unlike(names, a, b)
    notes = [*unlike, *alone, *said]
    return contrast_table(f"{names[0]} against {names[1]}", records, a.inference, notes)


def _baseline_record(a: Side, b: Side, inference: Inference) -> dict[str, Any]:
    """The contrast of the scores themselves."""
    base_a, base_b = a.baseline(), b.baseline()
    both = ~np.isnan(base_a) & ~np.isnan(base_b)
    row = next(iter(a.panel.baseline.values()))
    return dict.fromkeys(COLUMNS, np.nan) | {
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
        **paired_difference(base_b - base_a, a.clusters(), inference),
    }


def _only_in(name: str, own: Result, other: Result) -> Iterator[str]:
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
            count = f"{pieces} of {plural(len(panel.pieces), 'recording')}"
            yield f"Only in {name}, not compared: {place}, {count}."


def _unlike(names: tuple[str, str], a: Result, b: Result) -> Iterator[str]:
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
                told = _each(names, values)
                yield f"{WARNING}{place}: {key} is not the same in both ({told})."
        yield from _other_options(names, panel, other)
        yield from _other_contents(panel, other, "in one store", "in the other")


def _other_options(names: tuple[str, str], a: Panel, b: Panel) -> Iterator[str]:
    """Says under which conditions of one label the two sides did not do the same."""
    by_difference: dict[str, list[str]] = {}
    for i, j in paired_conditions(a.conditions, b.conditions):
        one, other = a.conditions[i], b.conditions[j]
        options = [flat_options(side.options) for side in (one, other)]
        for key in dict.fromkeys(key for side in options for key in side):
            values = [side.get(key, "not recorded") for side in options]
            if values[0] != values[1]:
                by_difference.setdefault(f"{key} ({_each(names, values)})", []).append(one.label)
    for difference, labels in by_difference.items():
        yield (
            f"{WARNING}{a.model} × {a.dataset}: other options in the two stores under "
            f"{', '.join(labels)}: {difference}."
        )


def _each(names: tuple[str, str], values: Sequence[object]) -> str:
    """What each side has."""
    return ", ".join(
        f"{name} {'none' if value is None else value}"
        for name, value in zip(names, values, strict=True)
    )


def _other_contents(a: Panel, b: Panel, here: str, there: str) -> Iterator[str]:
    """Says how many recordings that both panels have are not the same, such as other excerpts."""
    place = a.dataset if a.model != b.model else f"{a.model} × {a.dataset}"
    shared = a.baseline.keys() & b.baseline.keys()
    changed = sum(a.baseline[track].data != b.baseline[track].data for track in shared)
    if changed:
        yield (
            f"{WARNING}{place}: {changed} of {plural(len(shared), 'recording')} "
            f"{'has' if changed == 1 else 'have'} other audio or notes {here} than {there}."
        )


def _way(panel: Panel) -> dict[str, object]:
    """How a panel's rows were made, flat: settings, precision and method."""
    row = panel.rows[0]
    settings = flat_options(json.loads(row.settings or "{}"))
    return {**settings, "precision": row.precision, "method": row.method}


def _weights(importance: Result) -> list[str]:
    rows = [panel.rows[0] for panel in importance.panels]
    return list(
        dict.fromkeys(
            f"{row.model}, {row.weights_label} ({row.weights[:12]}), pi_amt {row.version}"
            for row in rows
        )
    )
