"""Error anatomy as tables: which intervals false notes take, which kinds of notes are lost, what
became of them, and how much of a drop is left at wider tolerances.

One line per condition or kind of note, over all recordings of a panel together; the numbers are
those of :mod:`pi_amt.statistics.breakdown`, for which rows must hold their note tables, and of
:mod:`pi_amt.statistics.tolerance`, which needs their scores.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import nan
from typing import Any

from pi_amt.report.tables.table import Table
from pi_amt.scoring.anatomy import INTERVAL_CLASSES
from pi_amt.scoring.fate import FATES
from pi_amt.statistics.breakdown import FACTORS, Breakdown, breakdown
from pi_amt.statistics.panels import Panel
from pi_amt.statistics.result import Result
from pi_amt.statistics.tolerance import TOLERANCES, tolerances

_GROUPS = ("model", "dataset")


def anatomy_tables(importance: Result) -> tuple[Table, ...]:
    """Intervals of false notes, drops by stratum, fates of lost notes and drops by tolerance of
    every condition (controls left out), as far as the rows hold what each needs."""
    found = [(panel, held) for panel in importance.panels if (held := _breakdowns(panel))]
    names = dict.fromkeys(name for _, conditions in found for name in conditions)
    tables = (
        _interval_table([r for panel, conditions in found for r in _intervals(panel, conditions)]),
        _strata_table([r for panel, c in found for r in _strata(panel, c, list(names))], names),
        _fate_table([r for panel, conditions in found for r in _fates(panel, conditions)]),
        tolerance_table(importance),
    )
    return tuple(table for table in tables if len(table))


def fate_table(importance: Result) -> Table:
    """What became of the notes that each condition lost; no line without note tables."""
    panels = importance.panels
    return _fate_table([r for panel in panels for r in _fates(panel, _breakdowns(panel))])


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


def _fates(panel: Panel, conditions: Mapping[str, Breakdown]) -> list[dict[str, Any]]:
    records = []
    for name, found in conditions.items():
        shares, chance = found.fate_shares(), found.chance_fate_shares()
        records.append(
            {
                **_place(panel),
                "condition": name,
                "n_pieces": found.n_pieces,
                "lost": found.lost,
                **{fate: 100 * shares.get(fate, nan) for fate in FATES},
                **{f"{fate}_by_chance": 100 * value for fate, value in chance.items()},
            }
        )
    return records


def _fate_table(records: list[dict[str, Any]]) -> Table:
    by_chance = tuple(f"{fate}_by_chance" for fate in FATES[:-1])
    return Table(
        title="What became of the lost notes, per 100 of them",
        columns=(*_GROUPS, "condition", "n_pieces", "lost", *FATES, *by_chance),
        records=tuple(records),
        footers=(
            "Of notes found without and not with the perturbation. moved: the pitch begins within "
            "150 ms; octave: an octave, a twelfth or two octaves away within 50 ms; split: the "
            "pitch begins later while the note sounds; gone: none of these. One new false note "
            "explains one lost note. What chance explains is taken away and counts as gone.",
        ),
        formats={"lost": ".0f", **dict.fromkeys((*FATES, *by_chance), ".1f")},
        lead=("condition", "lost", *FATES, *by_chance, *_GROUPS, "n_pieces"),
        groups=_GROUPS,
    )


def _tolerances(panel: Panel) -> list[dict[str, Any]]:
    records = []
    for number, condition in enumerate(panel.conditions):
        found = tolerances(panel, number) if condition.role == "condition" else None
        if found is not None:
            records.append(
                {
                    **_place(panel),
                    "condition": panel.names[number],
                    "n_pieces": found.n_pieces,
                    **{f"clean_{name}": value for name, value in found.clean.items()},
                    **{f"perturbed_{name}": value for name, value in found.perturbed.items()},
                    **{f"drop_{name}": value for name, value in found.drops.items()},
                    "timing": 100 * found.timing,
                    "octaves": 100 * found.octaves,
                }
            )
    return records


def tolerance_table(importance: Result) -> Table:
    """F and its drop at wider tolerances; no line where rows do not hold these scores."""
    records = [record for panel in importance.panels for record in _tolerances(panel)]
    drops = tuple(f"drop_{name}" for name in TOLERANCES)
    scores = tuple(f"{kind}_{name}" for kind in ("clean", "perturbed") for name in TOLERANCES)
    shares = ("timing", "octaves")
    return Table(
        title="Drop in F where a found note may be further away",
        columns=(*_GROUPS, "condition", "n_pieces", *drops, *shares, *scores),
        records=tuple(records),
        footers=(
            "Onsets within 50, 100 or 150 ms; chroma: within 50 ms with octaves folded. timing: "
            "per cent of the drop at 50 ms that is gone at 150 ms; octaves: that is gone where "
            "octaves are folded; neither is given of a drop under 0.02.",
        ),
        formats={**dict.fromkeys((*drops, *scores), ".3f"), **dict.fromkeys(shares, ".0f")},
        lead=("condition", *drops, *shares, *scores, *_GROUPS, "n_pieces"),
        groups=_GROUPS,
    )
