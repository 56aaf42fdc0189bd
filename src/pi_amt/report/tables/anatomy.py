"""Error anatomy as tables: which intervals false notes take, and which kinds of notes are lost.

One line per condition or kind of note, over all recordings of a panel together; the numbers are
those of :mod:`pi_amt.statistics.breakdown`. Rows must hold their note tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import nan
from typing import Any

from pi_amt.report.tables.table import Table
from pi_amt.scoring.anatomy import INTERVAL_CLASSES
from pi_amt.statistics.breakdown import FACTORS, Breakdown, breakdown
from pi_amt.statistics.panels import Panel
from pi_amt.statistics.result import Result

_GROUPS = ("model", "dataset")


def anatomy_tables(importance: Result) -> tuple[Table, ...]:
    """Intervals of false notes and drops by stratum of every condition (controls left out);
    empty where no row holds a note table."""
    found = [(panel, held) for panel in importance.panels if (held := _breakdowns(panel))]
    if not found:
        return ()
    names = dict.fromkeys(name for _, conditions in found for name in conditions)
    return (
        _interval_table([r for panel, conditions in found for r in _intervals(panel, conditions)]),
        _strata_table([r for panel, c in found for r in _strata(panel, c, list(names))], names),
    )


def _breakdowns(panel: Panel) -> dict[str, Breakdown]:
    """Name → breakdown of each condition with note tables."""
    return {
        panel.names[number]: found
        for number, condition in enumerate(panel.conditions)
        if condition.role == "condition" and (found := breakdown(panel, number)) is not None
    }


def _place(panel: Panel) -> dict[str, Any]:
    return {"model": panel.model, "dataset": panel.dataset}


def _intervals(panel: Panel, conditions: Mapping[str, Breakdown]) -> list[dict[str, Any]]:
    records = []
    for name, found in conditions.items():
        for counted, classes in (("change", found.change()), ("by chance", found.chance_change())):
            values = {interval: classes.get(interval, nan) for interval in INTERVAL_CLASSES}
            records.append(
                {
                    **_place(panel),
                    "condition": name,
                    "counted": counted,
                    "line": name if counted == "change" else f"{name}, {counted}",
                    "n_pieces": found.n_pieces,
                    "all": sum(values.values()),
                    **values,
                }
            )
    return records


def _interval_table(records: list[dict[str, Any]]) -> Table:
    return Table(
        title="False notes by interval above a reference note of the same onset, per 100 notes",
        columns=(*_GROUPS, "condition", "counted", "line", "n_pieces", "all", *INTERVAL_CLASSES),
        records=tuple(records),
        footers=(
            "False notes with the perturbation minus those of the baseline; by chance: "
            "what the change would be if the same false notes had chance pitches. none: no "
            "reference note begins within 50 ms.",
        ),
        formats=dict.fromkeys(("all", *INTERVAL_CLASSES), ".1f"),
        lead=("line", "all", *INTERVAL_CLASSES, *_GROUPS, "n_pieces"),
        groups=_GROUPS,
    )


def _strata(
    panel: Panel, conditions: Mapping[str, Breakdown], names: list[str]
) -> list[dict[str, Any]]:
    """One record per factor and level: notes, and each condition's drop in recall among them."""
    counts = {name: found.by_level() for name, found in conditions.items()}
    records = []
    for factor, (_, levels) in FACTORS.items():
        for level in levels:
            here = {name: levels_of[factor, level] for name, levels_of in counts.items()}
            notes = max((total for _, _, total in here.values()), default=0.0)
            drops = {
                name: (before - after) / total if total else nan
                for name, (before, after, total) in here.items()
            }
            kind = f"{factor}: {level}".replace("_", " ")
            line = {**_place(panel), "factor": factor, "level": level, "kind": kind, "notes": notes}
            records.append(line | {name: drops.get(name, nan) for name in names})
    return records


def _strata_table(records: list[dict[str, Any]], names: Mapping[str, None]) -> Table:
    return Table(
        title="Drop in recall by kind of note",
        columns=(*_GROUPS, "factor", "level", "kind", "notes", *names),
        records=tuple(records),
        footers=(
            "Notes found without minus notes found with the perturbation, over all reference "
            "notes of that kind, all recordings together.",
        ),
        formats={"notes": ".0f"},
        lead=("kind", "notes", *names, *_GROUPS),
        groups=_GROUPS,
    )
