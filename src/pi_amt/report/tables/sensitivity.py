"""How much a drop depends on the settings of its perturbation: a table of what was varied."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from pi_amt.report.catalog import Entry, without_controls
from pi_amt.report.tables.table import Table, bounds_of, with_bounds
from pi_amt.statistics.dose import NUMBERS


def sensitivity(entries: Sequence[Entry]) -> Table:
    """Conditions that were run with several settings of their options, side by side.

    The number of a partial or a channel is no setting: profiles are left to their chart.
    """
    able = [e for e in without_controls(entries) if not set(NUMBERS) & set(e.parameters)]
    counts = Counter(entry.condition.permutation for entry in able)
    chosen = [entry for entry in able if counts[entry.condition.permutation] > 1]
    varied = _varied(chosen)
    numbers = ("n_pieces", *with_bounds(("drop",)), "excess_drop")
    columns = ("permutation", *varied, "model", "dataset", *numbers)
    records = []
    for entry in sorted(chosen, key=lambda e: e.condition.permutation):
        options = entry.parameters
        for result in entry.results.values():
            record: dict[str, Any] = {name: options.get(name, _unsaid(name)) for name in varied}
            record |= {"permutation": entry.condition.permutation, "model": result.model}
            record |= {name: getattr(result, name) for name in columns if name not in record}
            records.append(record)
    return Table(
        "Sensitivity to the settings of a perturbation",
        columns,
        tuple(records),
        intervals=bounds_of(("drop",)),
    )


def _varied(entries: Sequence[Entry]) -> tuple[str, ...]:
    """Options with more than one value inside some permutation; being unsaid is a value."""
    names = dict.fromkeys(name for entry in entries for name in entry.parameters)
    return tuple(
        name
        for name in names
        if any(
            a.parameters.get(name) != b.parameters.get(name)
            for a, b in pairwise(sorted(entries, key=lambda e: e.condition.permutation))
            if a.condition.permutation == b.condition.permutation
        )
    )


def _unsaid(name: str) -> str:
    """What an option is where a condition does not name it."""
    return "frozen" if name == "normalization" else "–"
