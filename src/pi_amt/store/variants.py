"""Which rows a report takes when a store holds several versions of the same results.

The rule, printed with every table that needed it:

1. Rows of one model and dataset are split into *variants*: same weights, precision, settings and
   method version. Rows of different variants are never averaged.
2. The newest complete variant is taken (``variants="newest"``): newest by version number, then by
   place in the store; complete if it has the baseline, and every condition that it holds was run
   on every track that the baseline of any variant has. If none is complete, the one with most
   rows. ``variants="separate"`` keeps all, as models of their own; ``"refuse"`` raises.
3. Inside a variant, a recording whose audio or notes changed between runs takes the contents with
   most results, then the newest: a drop never pairs two contents.
4. On each recording a condition takes one seed: of several, the one that most recordings have, then
   the newest. A cell (condition, track, repeat) takes its newest row, but a result before an error.
   Where this leaves a condition with several versions of its permutation's own method, it is said.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from pi_amt.core.checks import check_choice
from pi_amt.core.text import plural
from pi_amt.store.rows import (
    BASELINE,
    Row,
    Variant,
    condition_of,
    flat_options,
    is_baseline,
    variant_of,
)

VARIANTS = ("newest", "separate", "refuse")


def select_rows(
    rows: Sequence[Row], *, variants: str = "newest", baseline: str = BASELINE
) -> tuple[list[Row], list[str]]:
    """Choose the rows of a report, oldest first in → (rows, messages for the reader).

    Raises:
        ValueError: for an unknown ``variants``, or several variants with ``variants="refuse"``.
    """
    check_choice("variants", variants, VARIANTS)
    chosen: list[Row] = []
    messages: list[str] = []
    places = dict.fromkeys((row.model, row.dataset) for row in rows)
    for model, dataset in places:
        here = [row for row in rows if (row.model, row.dataset) == (model, dataset)]
        newest_first = dict.fromkeys(variant_of(row) for row in reversed(here))
        groups: dict[Variant, list[Row]] = {variant: [] for variant in reversed(newest_first)}
        for row in here:
            groups[variant_of(row)].append(row)
        place = f"{model} × {dataset}"
        if len(groups) > 1:
            groups, said = _settle(groups, place, variants, baseline)
            messages += said
        for group in groups.values():
            same_data, changed = _one_content_per_track(group, place)
            kept, said = _one_row_per_cell(same_data, place)
            chosen += kept
            messages += [*changed, *said]
    return chosen, messages


def _settle(
    groups: dict[Variant, list[Row]], place: str, variants: str, baseline: str
) -> tuple[dict[Variant, list[Row]], list[str]]:
    names = _names(groups)
    listing = "; ".join(
        f"{names[variant]} ({plural(len(group), 'row')})" for variant, group in groups.items()
    )
    if variants == "refuse":
        raise ValueError(
            f"{place}: got rows of several variants: {listing}; expected one, choose "
            "variants=newest or variants=separate"
        )
    if variants == "separate":
        apart = {
            variant: [replace(row, model=f"{row.model} [{names[variant]}]") for row in group]
            for variant, group in groups.items()
        }
        return apart, [f"{place}: several variants shown apart: {listing}"]
    best, complete = _newest_complete(groups, baseline)
    why = "newest complete variant" if complete else "no variant is complete, the largest one"
    said = f"{place}: the store holds {listing}; taken: {names[best]} ({why})"
    return {best: groups[best]}, [said]


def _newest_complete(groups: dict[Variant, list[Row]], baseline: str) -> tuple[Variant, bool]:
    tracks = {row.track for group in groups.values() for row in group if is_baseline(row, baseline)}
    complete = [v for v, group in groups.items() if _is_complete(group, tracks, baseline)]
    if complete:
        order = list(groups)  # by the place of their last row in the store
        return max(complete, key=lambda v: (_version(groups[v]), order.index(v))), True
    return max(groups, key=lambda v: len(groups[v])), False


def _is_complete(rows: Sequence[Row], tracks: set[str], baseline: str) -> bool:
    done: dict[str, set[str]] = {}
    for row in rows:
        name = baseline if is_baseline(row, baseline) else f"{row.label} {row.parameters}"
        done.setdefault(name, set()).add(row.track)
    return baseline in done and all(tracks <= there for there in done.values())


def _version(rows: Sequence[Row]) -> tuple[tuple[int, ...], ...]:
    return max((_numbers(row.method), _numbers(row.version)) for row in rows)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def _names(groups: dict[Variant, list[Row]]) -> dict[Variant, str]:
    """A short name per variant, made of what differs."""
    facts = {variant: _facts(variant, group[0]) for variant, group in groups.items()}
    keys = dict.fromkeys(key for fact in facts.values() for key in fact)
    differing = [key for key in keys if len({repr(f.get(key)) for f in facts.values()}) > 1]
    return {
        variant: ", ".join(f"{key}={fact[key]}" for key in differing if key in fact)
        or f"without {', '.join(differing)}"
        for variant, fact in facts.items()
    }


def _facts(variant: Variant, row: Row) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "weights": f"{row.weights_label} {variant.weights[:8]}".strip(),
        "precision": variant.precision,
        "method": variant.method,
    }
    return facts | flat_options(json.loads(variant.settings or "{}"))


def _one_content_per_track(rows: Sequence[Row], place: str) -> tuple[list[Row], list[str]]:
    """Rule 3: results of one data fingerprint per track; errors go along."""
    counts: dict[str, Counter[str]] = {}
    for row in rows:
        if row.status != "error":
            counts.setdefault(row.track, Counter())[row.data] += 1
    # of equal counts max takes the first, so the newest contents must come first
    best = {
        track: max(reversed(list(count)), key=count.__getitem__) for track, count in counts.items()
    }
    changed = sum(len(count) > 1 for count in counts.values())
    said = [
        f"{place}: {plural(changed, 'recording')} changed between runs, rows of one content taken "
        "each"
    ]
    kept = [row for row in rows if row.status == "error" or row.data == best[row.track]]
    return kept, said[: min(changed, 1)]


def _one_row_per_cell(rows: Sequence[Row], place: str) -> tuple[list[Row], list[str]]:
    """Rule 4: one seed per recording, one row per cell."""
    messages: list[str] = []
    kept: list[Row] = []
    notes: dict[str, list[str]] = {}  # what is said → of which conditions
    by_condition: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        by_condition.setdefault((row.label, row.parameters), []).append(row)
    for (label, _), group in by_condition.items():
        taken, said = _one_seed(group, f"{place}: {label}")
        messages += said
        newest = _newest(taken)
        kept += newest
        for note in _notes_on(taken, newest):
            notes.setdefault(note, []).append(label)
    for note, labels in notes.items():
        others = f" and {plural(len(labels) - 1, 'other condition')}" if len(labels) > 1 else ""
        messages.append(f"{place}: {labels[0]}{others}: {note}")
    versions = sorted({row.version for row in kept}, key=_numbers)
    if len(versions) > 1:
        messages.append(
            f"{place}: rows of package versions {', '.join(versions)} with one method version "
            "stand together"
        )
    return kept, messages


def _newest(rows: Sequence[Row]) -> list[Row]:
    """The newest row of each cell of a condition, but a result before an error."""
    cells: dict[tuple[object, ...], Row] = {}
    for row in rows:
        cell = (condition_of(row), row.track, row.repeat)
        if cell not in cells or row.status != "error" or cells[cell].status == "error":
            cells[cell] = row
    return list(cells.values())


def _notes_on(rows: Sequence[Row], newest: Sequence[Row]) -> Iterator[str]:
    """What is said of a condition of whose rows these are the newest."""
    keys = {row.key for row in rows if row.status != "error"}
    if len(keys) > sum(row.status != "error" for row in newest):
        yield "several rows of one recording, newest taken"
    if len(own := sorted({row.permutation_version for row in newest})) > 1:
        named = ", ".join(version or "1 or unknown" for version in own)
        yield (
            f"rows of versions {named} of this permutation stand together; the same run computes "
            "the older ones anew"
        )


def _one_seed(rows: Sequence[Row], place: str) -> tuple[list[Row], list[str]]:
    """On each recording the rows of one seed; errors go along, whatever their seed.

    A recording that the favoured seed lacks keeps its rows: where nothing is drawn, a row holds
    under every seed and bears the one under which it was first computed.
    """
    recordings: dict[int, set[str]] = {row.seed: set() for row in rows}
    for row in rows:
        if row.status != "error":
            recordings[row.seed].add(row.track)
    order = list(recordings)  # of equal numbers of recordings the newest seed goes last
    favoured = sorted(order, key=lambda seed: (len(recordings[seed]), order.index(seed)))
    taken = {track: seed for seed in favoured for track in recordings[seed]}
    kept = [row for row in rows if row.status == "error" or row.seed == taken[row.track]]
    if len(kept) == len(rows):
        return kept, []
    named, mixed = ", ".join(map(str, order)), len(set(taken.values())) > 1
    elsewhere = ", another one where it is missing" if mixed else ""
    return kept, [f"{place}: seeds {named} in the store, seed {favoured[-1]} taken{elsewhere}"]
