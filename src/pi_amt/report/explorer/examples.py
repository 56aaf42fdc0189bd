"""Which recordings, excerpts and conditions the explorer shows, and where their audio is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pi_amt.core.text import plural
from pi_amt.report.catalog import Entry, permutation_of
from pi_amt.scoring.anatomy import compare
from pi_amt.scoring.note_table import NoteTable
from pi_amt.statistics.panels import Panel
from pi_amt.statistics.result import Result
from pi_amt.store.rows import Row

EXCERPT_SECONDS = 10.0
MOST_CONDITIONS = 4


@dataclass(frozen=True)
class Example:
    """One recording of the explorer.

    Attributes:
        panels: numbers of the panels (models) that have it.
        why: why it was chosen.
        audio: the file, which is there.
        start, stop: of the excerpt, seconds.
    """

    dataset: str
    track: str
    panels: tuple[int, ...]
    why: str
    audio: Path
    start: float
    stop: float


def choose_conditions(entries: Sequence[Entry]) -> list[Entry]:
    """The conditions with the largest drops that one recording is enough for, in stored order;
    steps of profiles and doses only where there are not enough others.
    """
    able = [e for e in entries if e.condition.role == "condition" and is_replayable(e)]
    ranked = sorted(able, key=lambda e: (e.step, -_size(e)))[:MOST_CONDITIONS]
    return [entry for entry in able if entry in ranked]


def is_replayable(entry: Entry) -> bool:
    """Whether a condition can be applied to an excerpt: no other recording, no other sound, no
    first pass, and nothing that only the program of the study knew."""
    made = permutation_of(entry.condition)
    if made is None or made.needs_neighbour or made.carrier:
        return False
    return made.prepass() is None


def _size(entry: Entry) -> float:
    drops = [abs(r.drop) for r in entry.results.values() if not np.isnan(r.drop)]
    return float(np.mean(drops)) if drops else -1.0


def choose_examples(
    importance: Result,
    entries: Sequence[Entry],
    files: Mapping[tuple[str, str], Path],
    count: int,
) -> tuple[list[Example], list[str]]:
    """Recordings from the largest to the smallest drop, datasets in turn.

    Args:
        importance: with note tables in its rows.
        entries: the conditions that will be shown.
        files: (dataset, track) → audio file, there or not.
        count: how many.

    Returns:
        The examples, and plain sentences about what could not be used.
    """
    said: list[str] = []
    chosen: list[Example] = []
    datasets = importance.datasets
    for order, dataset in enumerate(datasets):
        wanted = count // len(datasets) + (order < count % len(datasets))
        places = tuple(i for i, p in enumerate(importance.panels) if p.dataset == dataset)
        panels = [importance.panels[place] for place in places]
        able = _in_most(panels)
        there = [t for t in able if (dataset, t) in files and files[dataset, t].is_file()]
        if wanted and len(there) < len(able):
            said.append(_moved(dataset, able, there, files))
        if wanted and not able:
            said.append(f"{dataset}: left out, its rows hold no note tables.")
        ranked = sorted(there, key=lambda t: -_drop(importance, places, entries, t))
        for track, why in _spread(ranked, wanted):
            having = tuple(p for p in places if track in importance.panels[p].baseline_notes)
            start, stop = excerpt_of([importance.panels[p] for p in having], entries, having, track)
            audio = files[dataset, track]
            chosen.append(Example(dataset, track, having, why, audio, start, stop))
    return chosen, said


def _in_most(panels: Sequence[Panel]) -> list[str]:
    """Tracks with note tables of all models; where there is none, of any model."""
    tracks = list(dict.fromkeys(track for panel in panels for track in panel.pieces))
    having = {track: sum(track in panel.baseline_notes for panel in panels) for track in tracks}
    most = max(having.values(), default=0)
    return [track for track in tracks if most and having[track] == most]


def _moved(
    dataset: str, able: Sequence[str], there: Sequence[str], files: Mapping[tuple[str, str], Path]
) -> str:
    gone = next(track for track in able if track not in there)
    where = files.get((dataset, gone))
    what = f"for example {where}" if where else "the store does not say where it was"
    left = "none is left for the explorer" if not there else "the others are used"
    return (
        f"{dataset}: the audio of {len(able) - len(there)} of {plural(len(able), 'recording')} is "
        f"not where it was when the study ran ({what}); {left}. Put it back and make the report "
        "again."
    )


def _spread(ranked: Sequence[str], count: int) -> list[tuple[str, str]]:
    """``count`` tracks evenly spread over the ranks."""
    if not ranked or not count:
        return []
    ranks = np.unique(np.rint(np.linspace(0, len(ranked) - 1, min(count, len(ranked)))).astype(int))
    names = {0: "largest mean drop", len(ranked) - 1: "smallest mean drop"}
    return [(ranked[i], names.get(i, f"rank {i + 1} of {len(ranked)} by mean drop")) for i in ranks]


def _drop(importance: Result, places: Sequence[int], entries: Sequence[Entry], track: str) -> float:
    drops: list[float] = []
    for place in places:
        panel = importance.panels[place]
        if track not in panel.pieces:
            continue
        piece = panel.pieces.index(track)
        base = panel.baseline_values(importance.score)[piece]
        after = panel.piece_means(importance.score)[:, piece]
        drops += [base - after[e.numbers[place]] for e in entries if place in e.numbers]
    known = [drop for drop in drops if not np.isnan(drop)]
    return float(np.mean(known)) if known else -np.inf


def row_of(panel: Panel, entry: Entry, place: int, track: str) -> Row | None:
    """The first repeat of a condition on a track, if it is good and has a note table."""
    if place not in entry.numbers or track not in panel.pieces:
        return None
    row = panel.cells.get((entry.numbers[place], panel.pieces.index(track), 0))
    return row if row is not None and row.status == "ok" and row.notes else None


def excerpt_of(
    panels: Sequence[Panel], entries: Sequence[Entry], places: Sequence[int], track: str
) -> tuple[float, float]:
    """Start and stop of the ten seconds in which most changes, whole seconds, all models."""
    changes: list[float] = []
    seconds = EXCERPT_SECONDS
    for panel, place in zip(panels, places, strict=True):
        base = panel.baseline_notes[track]
        seconds = panel.baseline[track].seconds
        changes += list(base.onset) if len(changes) == 0 else []
        for entry in entries:
            row = row_of(panel, entry, place, track)
            if row is not None:
                after = NoteTable.from_bytes(row.notes)
                found = compare(base, after)
                changes += [*base.onset[found.lost | found.gained]]
                changes += [*after.false_onset[found.false_new]]
    starts = np.arange(0.0, max(seconds - EXCERPT_SECONDS, 0.0) + 0.5)
    times = np.sort(np.array(changes, dtype=np.float64))
    counts = np.searchsorted(times, starts + EXCERPT_SECONDS) - np.searchsorted(times, starts)
    start = float(starts[int(np.argmax(counts))])
    return start, min(start + EXCERPT_SECONDS, seconds)
