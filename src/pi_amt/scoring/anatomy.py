"""Error anatomy: what happens to every note, and where false notes fall.

:func:`annotate` makes one :class:`NoteTable` per row: each reference note with whether it was
found and its surroundings, each false note with its interval to the references that begin with
it. :func:`compare` sets the table of a perturbed input beside the baseline's of the same
recording. Tables are stored in rows as compressed bytes (``to_bytes``, ``from_bytes``).

Conventions: times in seconds to 0.1 ms, pitches in MIDI numbers to 1 cent. A note sounds *at an
onset* if it begins at most 50 ms later (chords are never struck at once) and ends after it.

The interval of a false note is taken to one of the references whose onset is within 50 ms: a
reference at most a semitone away, else the first that stands in a harmonic relation (+12, +19,
+24, +28, +31, −12), else the nearest in pitch. Plainly the nearest would call an octave above the
root of a chord "+5 from its fifth". The rule favours harmonic relations, therefore
:func:`chance_histogram` says how often it finds each class when pitches fall at random.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from pi_amt.core.notes import Notes
from pi_amt.core.units import Floats
from pi_amt.scoring.matching import ONSET_TOLERANCE_SECONDS, indices_in, match_notes
from pi_amt.scoring.note_table import NO_INTERVAL, PARTIAL_INTERVALS, Bools, Ints, NoteTable

#: semitones, in the order in which one is preferred to the next
NAMED_INTERVALS = (0, 1, -1, 12, 19, 24, 28, 31, -12)
INTERVAL_CLASSES = (*(f"{i:+d}" if i else "0" for i in NAMED_INTERVALS), "other", "none")


def annotate(reference: Notes, estimate: Notes, pairs: NDArray[np.intp]) -> NoteTable:
    """The note table of an estimate.

    Args:
        reference, estimate: notes of one recording.
        pairs: ``(pairs, 2)`` from :func:`pi_amt.scoring.matching.match_notes`.
    """
    matched = np.zeros(len(reference), dtype=np.bool_)
    matched[pairs[:, 0]] = True
    is_false = np.ones(len(estimate), dtype=np.bool_)
    is_false[pairs[:, 1]] = False
    false = estimate[is_false]
    return NoteTable(
        onset=reference.onsets,
        duration=reference.durations,
        pitch=reference.pitches,
        velocity=reference.velocities,
        matched=matched,
        polyphony=_polyphony(reference),
        lower=_lower_notes(reference),
        false_onset=false.onsets,
        false_duration=false.durations,
        false_pitch=false.pitches,
        false_interval=_intervals(reference.onsets, reference.pitches, false.onsets, false.pitches),
    )


def _polyphony(notes: Notes) -> Ints:
    """``(notes,)``: how many notes sound at each onset, itself included."""
    begun = np.searchsorted(np.sort(notes.onsets), notes.onsets + ONSET_TOLERANCE_SECONDS, "right")
    over = np.searchsorted(np.sort(notes.offsets), notes.onsets, "right")
    return np.asarray(np.clip(begun - over, 1, 255), np.int64)


def _lower_notes(notes: Notes) -> Ints:
    """``(notes,)`` bits: at which of the partial intervals a lower note sounds at the onset."""
    far = 1e7  # seconds between the time axes of neighbouring pitches, laid end to end
    axis = np.rint(notes.pitches) * far
    onsets, offsets = np.sort(axis + notes.onsets), np.sort(axis + notes.offsets)
    bits = np.zeros(len(notes), dtype=np.int64)
    for bit, interval in enumerate(PARTIAL_INTERVALS):
        at = axis - interval * far + notes.onsets
        begun = np.searchsorted(onsets, at + ONSET_TOLERANCE_SECONDS, "right")
        over = np.searchsorted(offsets, at, "right")
        bits |= (begun > over).astype(np.int64) << bit
    return bits


def _together(onsets: Floats, false_onsets: Floats) -> tuple[Ints, Ints]:
    """Pairs (false note, reference note) whose onsets are within 50 ms, sorted by false note."""
    order = np.argsort(onsets, kind="stable")
    values = onsets[order]
    start = np.searchsorted(values, false_onsets - ONSET_TOLERANCE_SECONDS - 1e-9, "left")
    stop = np.searchsorted(values, false_onsets + ONSET_TOLERANCE_SECONDS + 1e-9, "right")
    false, at = indices_in(start, stop)
    return false, order[at]


def _intervals(
    onsets: Floats, pitches: Floats, false_onsets: Floats, false_pitches: Floats
) -> Ints:
    """``(false notes,)`` semitones above the related reference (rule of the module)."""
    false, reference = _together(onsets, false_onsets)
    intervals = np.rint(false_pitches[false] - pitches[reference]).astype(np.int64)
    ranks = 1000 + 2 * np.abs(intervals) + (intervals < 0)
    for rank, interval in enumerate(NAMED_INTERVALS):
        ranks[intervals == interval] = rank
    order = np.lexsort((ranks, false))
    first, where = np.unique(false[order], return_index=True)
    result = np.full(len(false_onsets), NO_INTERVAL, dtype=np.int64)
    result[first] = np.clip(intervals[order][where], -127, 126)
    return result


def interval_histogram(table: NoteTable) -> dict[str, int]:
    """How many false notes of a recording fall into each of :data:`INTERVAL_CLASSES`."""
    intervals = table.false_interval
    counts = {
        name: int(np.count_nonzero(intervals == interval))
        for name, interval in zip(INTERVAL_CLASSES, NAMED_INTERVALS, strict=False)
    }
    none = int(np.count_nonzero(intervals == NO_INTERVAL))
    return {**counts, "other": len(intervals) - none - sum(counts.values()), "none": none}


def chance_histogram(table: NoteTable, chosen: Bools | None = None) -> dict[str, float]:
    """Expected :func:`interval_histogram` if the same false notes had chance pitches.

    Each keeps its onset and falls with equal chance on any pitch that occurs in the piece and
    that no reference note begun within 50 ms has (there it would not be false).

    Args:
        table: of one recording.
        chosen: ``(false notes,)`` count only these.
    """
    onsets = table.false_onset if chosen is None else table.false_onset[chosen]
    pitches = np.unique(np.rint(table.pitch))
    expected = dict.fromkeys(INTERVAL_CLASSES, 0.0)
    for begin in range(0, len(onsets), 512):
        part = onsets[begin : begin + 512]
        grid_onsets = np.repeat(part, len(pitches))
        intervals = _intervals(
            table.onset, table.pitch, grid_onsets, np.tile(pitches, len(part))
        ).reshape(len(part), len(pitches))
        allowed = intervals != 0
        weights = allowed / np.maximum(allowed.sum(axis=1, keepdims=True), 1)
        expected["none"] += float(np.count_nonzero(~allowed.any(axis=1)))
        for name, interval in zip(INTERVAL_CLASSES, NAMED_INTERVALS, strict=False):
            expected[name] += float(weights[intervals == interval].sum())
        expected["none"] += float(weights[intervals == NO_INTERVAL].sum())
    named = sum(expected.values())
    return {**expected, "other": max(0.0, len(onsets) - named)}


@dataclass(frozen=True, eq=False)
class Comparison:
    """What a perturbation did to each note of one recording; classes exclude each other.

    Attributes:
        kept, lost, gained: ``(references,)`` found in both, only before, only after.
        false_new, false_old: ``(false notes after,)`` without and with a false note of the same
            onset and pitch before.
    """

    kept: Bools
    lost: Bools
    gained: Bools
    false_new: Bools
    false_old: Bools

    def counts(self) -> dict[str, int]:
        """Number of notes of each class."""
        return {f.name: int(np.count_nonzero(getattr(self, f.name))) for f in fields(self)}


def compare(baseline: NoteTable, perturbed: NoteTable) -> Comparison:
    """Set the table of a perturbed input beside the baseline's.

    Raises:
        ValueError: if the tables are not of the same reference.
    """
    before, after = baseline.matched, perturbed.matched
    if len(before) != len(after):
        raise ValueError(
            f"got tables of {len(before)} and {len(after)} reference notes, "
            "expected two of the same recording"
        )
    order = np.lexsort((perturbed.false_pitch, perturbed.false_onset))
    old = np.zeros(len(order), dtype=np.bool_)
    pairs = match_notes(baseline.false_notes, perturbed.false_notes)
    old[order[pairs[:, 1]]] = True
    return Comparison(before & after, before & ~after, ~before & after, ~old, old)
