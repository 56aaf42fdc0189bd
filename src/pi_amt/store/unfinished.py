"""Recordings that a study set out to compute and has no rows of, because it was stopped or still
goes on.

Without rows there is nothing by which tables could miss such a recording, so a table of half a
study would look like one of a small study.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pi_amt.core.text import WARNING, plural
from pi_amt.store.rows import Row


def unfinished(rows: Sequence[Row], manifests: Sequence[Mapping[str, Any]]) -> list[str]:
    """One warning for each model and dataset whose last run lacks recordings.

    Args:
        rows: of a store, each recording under its newest name. Those of failures count, too.
        manifests: of its runs, oldest first; those from before version 0.2.0 do not tell.
    """
    last = {
        (one["model"], one["dataset"]): one
        for manifest in manifests
        for one in manifest.get("passes", [])
    }
    there = {(row.model, row.weights, row.dataset, row.track) for row in rows}
    said = []
    for (model, dataset), one in last.items():
        names = one["stamps"]
        lacking = [n for n in names if (model, one["weights"], dataset, n) not in there]
        if lacking:
            count = f"{len(lacking)} {'has' if len(lacking) == 1 else 'have'}"
            said.append(
                f"{WARNING}{model} × {dataset}: of the {plural(len(names), 'recording')} of the "
                f"last run {count} no rows yet, for example {lacking[0]}. If it was stopped, "
                "pi-amt resume goes on with it"
            )
    return said
