"""One recording under several names: files that were renamed or moved between runs.

A row holds a fingerprint of its recording's contents (``data``) and the name that the recording had
then. Where a later run met the same contents under another name, the old name's rows belong to the
same recording: counted twice, it would make intervals and p-values too small. Two names that the
last run saw side by side are copies instead: both stay, and :mod:`pi_amt.statistics.cautions` warns
of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pi_amt.core.text import plural
from pi_amt.store.rows import Row, cell_of
from pi_amt.store.store import Store
from pi_amt.store.unfinished import unfinished


def read_results(folder: Path | str, *, notes: bool = True) -> tuple[list[Row], list[str]]:
    """All rows of a results folder, each recording under its newest name, and messages about it.

    Args:
        folder: results folder or store.
        notes: read the note tables, too (error anatomy).

    Raises:
        StoreError: if there is no store, or none that this version reads.
    """
    rows, said, _ = read_study(folder, notes=notes)
    return rows, said


def read_study(
    folder: Path | str, *, notes: bool = True
) -> tuple[list[Row], list[str], list[dict[str, Any]]]:
    """What :func:`read_results` returns, and the manifests of all runs, oldest first."""
    with Store(folder, readonly=True) as store:
        manifests = store.manifests()
        rows, said = under_newest_names(store.rows(notes=notes), manifests)
    return rows, [*said, *unfinished(rows, manifests)], manifests


def under_newest_names(
    rows: Sequence[Row], manifests: Sequence[Mapping[str, Any]]
) -> tuple[list[Row], list[str]]:
    """Rows with old names replaced → (rows in their order, messages for the reader).

    Of a cell that both names have, the newest name's row stays unless it is an error.

    Args:
        rows: of a store.
        manifests: of its runs, oldest first; they tell which names the last run still saw.
    """
    names = _names_by_content(rows)
    renamed = {
        (content, old): new
        for content, known in names.items()
        for old, new in _newest_of(known, content[0], manifests).items()
    }
    if not renamed:
        return list(rows), []
    compositions = {(row.dataset, row.track): row.composition for row in rows}
    cells = {cell_of(row) for row in rows if row.status != "error"}
    kept: list[Row] = []
    for row in rows:
        new = renamed.get(((row.dataset, row.data), row.track))
        if new is None:
            kept.append(row)
            continue
        moved = replace(row, track=new, composition=compositions[row.dataset, new])
        if cell_of(moved) not in cells:
            kept.append(moved)
    return kept, _said(renamed)


def _names_by_content(rows: Sequence[Row]) -> dict[tuple[str, str], list[str]]:
    """(dataset, contents) → its names, where there are several."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for row in rows:
        if row.data:  # rows from before the field existed do not tell
            found.setdefault((row.dataset, row.data), {})[row.track] = None
    return {content: list(names) for content, names in found.items() if len(names) > 1}


def _newest_of(
    names: Sequence[str], dataset: str, manifests: Sequence[Mapping[str, Any]]
) -> dict[str, str]:
    """Old name → newest name, for names that the last run with the newest one did not see.

    Names that no run lists (recordings that are no files) are left as they are.
    """
    runs = [manifest.get("tracks", {}).get(dataset, {}) for manifest in manifests]
    last = {
        name: max((i for i, run in enumerate(runs) if name in run), default=-1) for name in names
    }
    newest = max(names, key=lambda name: last[name])
    return {name: newest for name in names if 0 <= last[name] < last[newest]}


def _said(renamed: Mapping[tuple[tuple[str, str], str], str]) -> list[str]:
    """One sentence per dataset, with the first of its recordings."""
    by_dataset: dict[str, list[tuple[str, str]]] = {}
    for ((dataset, _), old), new in renamed.items():
        by_dataset.setdefault(dataset, []).append((old, new))
    return [
        f"{dataset}: {plural(len({new for _, new in pairs}), 'recording')} renamed between runs "
        f"({pairs[0][0]} is now {pairs[0][1]}), counted once, under the newest name"
        for dataset, pairs in by_dataset.items()
    ]
