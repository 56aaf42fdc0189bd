"""Which recordings, excerpts and conditions the explorer shows, and where their audio is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pi_amt.core.text import plural
from pi_amt.datasets.track import FileTrack, Track
from pi_amt.report.catalog import Entry
from pi_amt.report.explorer.origin import Origin
from pi_amt.scoring.anatomy import compare
from pi_amt.scoring.note_table import NoteTable
from pi_amt.statistics.panels import Panel
from pi_amt.statistics.result import Result
from pi_amt.store.rows import Row

EXCERPT_SECONDS = 10.0
#: steps of profiles and doses are left out where there are more, those with small drops first
MOST_CONDITIONS = 24


@dataclass(frozen=True)
class Example:
    """One recording of the explorer.

    Attributes:
        panels: numbers of the panels (models) that have it.
        why: why it was chosen.
        source: the recording itself, which is there.
        start, stop: of the excerpt, seconds.
    """

    dataset: str
    track: str
    panels: tuple[int, ...]
    why: str
    source: Track
    start: float
    stop: float


def choose_conditions(
    importance: Result, entries: Sequence[Entry], origin: Origin
) -> tuple[list[Entry], list[str]]:
    """The conditions that the explorer shows, in stored order, and the titles of those that it
    cannot show, because nothing here makes their permutation again."""
    asked = [entry for entry in entries if entry.condition.role == "condition"]
    able = [entry for entry in asked if _is_known(importance, entry, origin)]
    ranked = sorted(able, key=lambda e: (e.step, -_size(e)))[:MOST_CONDITIONS]
    unable = [entry.title for entry in asked if entry not in able]
    return [entry for entry in able if entry in ranked], unable


def _is_known(importance: Result, entry: Entry, origin: Origin) -> bool:
    """Whether the permutation of a condition can be made again and is one of the recording."""
    place, number = next(iter(entry.numbers.items()))
    panel = importance.panels[place]
    row = next(row for cell, row in panel.cells.items() if cell[0] == number)
    try:
        return not origin.condition(row).permutation.carrier
    except ValueError:  # somebody else's, not installed here, or known to its program alone
        return False


def _size(entry: Entry) -> float:
    drops = [abs(r.drop) for r in entry.results.values() if not np.isnan(r.drop)]
    return float(np.mean(drops)) if drops else -1.0


def choose_examples(
    importance: Result, entries: Sequence[Entry], origin: Origin, count: int
) -> tuple[list[Example], list[str]]:
    """Recordings from the largest to the smallest drop, datasets in turn.

    Args:
        importance: with note tables in its rows.
        entries: the conditions that will be shown.
        origin: tells where the recordings are.
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
        sources = {track: origin.track(_a_row(panels, track)) for track in able}
        there = {t: s for t, s in sources.items() if s is not None and _is_there(s)}
        if wanted and len(there) < len(able):
            said.append(_moved(dataset, sources, len(there)))
        if wanted and not able:
            said.append(f"{dataset} is left out, because its rows hold no note tables.")
        ranked = sorted(there, key=lambda t: -_drop(importance, places, entries, t))
        for track, why in _spread(ranked, wanted):
            having = tuple(p for p in places if track in importance.panels[p].baseline_notes)
            start, stop = excerpt_of([importance.panels[p] for p in having], entries, having, track)
            chosen.append(Example(dataset, track, having, why, there[track], start, stop))
    return chosen, said


def _a_row(panels: Sequence[Panel], track: str) -> Row:
    return next(panel.baseline[track] for panel in panels if track in panel.baseline_notes)


def _is_there(source: Track | None) -> bool:
    return source is not None and not (
        isinstance(source, FileTrack) and not source.audio_path.is_file()
    )


def _in_most(panels: Sequence[Panel]) -> list[str]:
    """Tracks with note tables of all models; where there is none, of any model."""
    tracks = list(dict.fromkeys(track for panel in panels for track in panel.pieces))
    having = {track: sum(track in panel.baseline_notes for panel in panels) for track in tracks}
    most = max(having.values(), default=0)
    return [track for track in tracks if most and having[track] == most]


def _moved(dataset: str, sources: Mapping[str, Track | None], there: int) -> str:
    gone = [source for source in sources.values() if not _is_there(source)]
    count = f"{len(gone)} of {plural(len(sources), 'recording')}"
    left = "the others are used" if there else "none is left for the explorer"
    files = [source.audio_path for source in gone if isinstance(source, FileTrack)]
    if not files:
        return (
            f"{dataset}: the store does not say where the audio of {count} is, because it was no "
            f"file; {left}. The report that the program of the study makes itself can show them."
        )
    return (
        f"{dataset}: the audio of {count} is not where it was when the study ran (for example "
        f"{files[0]}); {left}. Put it back and make the report again."
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
