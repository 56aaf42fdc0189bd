"""Notes of an excerpt for the piano roll: what became of each, from the stored note tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi_amt.core.notes import Notes
from pi_amt.core.text import plural
from pi_amt.core.units import Floats
from pi_amt.scoring.anatomy import compare
from pi_amt.scoring.fate import OCTAVES_AND_TWELFTHS
from pi_amt.scoring.note_table import NoteTable

#: what a note of the roll can be; the page has a colour and a shape for each
OUTCOMES = ("kept", "lost", "gained", "missed", "false-new", "false-old")


def roll(baseline: NoteTable, perturbed: NoteTable, start: float, stop: float) -> dict[str, Any]:
    """Notes that sound inside an excerpt, and how many of each outcome there are.

    Returns:
        ``notes``: lists of [onset s from ``start``, duration s, MIDI pitch, number of its outcome];
        ``counts``: outcome → number of notes; ``f``: F of the excerpt, clean and perturbed, of the
        notes that are heard in it.
    """
    found = compare(baseline, perturbed)
    outcome = np.full(len(baseline.onset), OUTCOMES.index("missed"))
    for name, which in (("kept", found.kept), ("lost", found.lost), ("gained", found.gained)):
        outcome[which] = OUTCOMES.index(name)
    onset = np.concatenate([baseline.onset, perturbed.false_onset])
    duration = np.concatenate([baseline.duration, perturbed.false_duration])
    pitch = np.concatenate([baseline.pitch, perturbed.false_pitch])
    false = np.where(found.false_new, OUTCOMES.index("false-new"), OUTCOMES.index("false-old"))
    outcomes = np.concatenate([outcome, false])
    inside = _sounding(onset, duration, start, stop)
    order = np.flatnonzero(inside)[np.argsort(onset[inside], kind="stable")]
    counts = np.bincount(outcomes[inside], minlength=len(OUTCOMES))
    columns = (onset - start, duration, pitch, outcomes)
    return {
        "notes": [_rounded(*(float(column[i]) for column in columns)) for i in order],
        "counts": dict(zip(OUTCOMES, map(int, counts), strict=True)),
        "f": [_f_measure(table, start, stop) for table in (baseline, perturbed)],
    }


def _rounded(onset: float, duration: float, pitch: float, number: float) -> list[float]:
    """A note as the page holds it: seconds to 1 ms, pitch to 1 cent, and a whole number."""
    return [round(onset, 3), round(duration, 3), round(pitch, 2), round(number)]


def _sounding(onset: Floats, duration: Floats, start: float, stop: float) -> NDArray[np.bool_]:
    """``(notes,)``: which notes are heard in an excerpt."""
    return np.asarray((onset < stop) & (onset + duration > start))


def _f_measure(table: NoteTable, start: float, stop: float) -> float | None:
    """F of the notes of an excerpt; ``None`` where neither side has one."""
    inside = _sounding(table.onset, table.duration, start, stop)
    found = int(np.count_nonzero(table.matched & inside))
    false = int(np.count_nonzero(_sounding(table.false_onset, table.false_duration, start, stop)))
    notes = int(np.count_nonzero(inside)) + found + false
    return round(2 * found / notes, 3) if notes else None


def look_for(baseline: NoteTable, perturbed: NoteTable, start: float, stop: float) -> str:
    """One sentence about what changed most in an excerpt: where a reader should look first."""
    found = compare(baseline, perturbed)
    inside = _sounding(baseline.onset, baseline.duration, start, stop)
    kept, lost, gained = (
        int(np.count_nonzero(which & inside)) for which in (found.kept, found.lost, found.gained)
    )
    new = found.false_new & _sounding(perturbed.false_onset, perturbed.false_duration, start, stop)
    false = int(np.count_nonzero(new))
    clean = kept + lost
    if not clean and not gained + false:
        return "The model finds none of these notes, clean or perturbed."
    if not lost + gained + false:
        return f"Nothing changes here: all of the {_notes(clean)} found before are still found."
    if false > max(lost, gained):
        octaves = int(
            np.count_nonzero(np.isin(perturbed.false_interval[new], OCTAVES_AND_TWELFTHS))
        )
        where = (
            f", {octaves} of them an octave or a twelfth from a note that begins there"
            if octaves
            else ""
        )
        return f"Look for the dotted notes: {_notes(false)} that nobody plays are new{where}."
    if gained > lost:
        return f"Look for the notes with a dash: {_notes(gained)} are found only when perturbed."
    if not kept:
        return f"Look for the hatched notes: none of the {_notes(clean)} found before is left."
    return f"Look for the hatched notes: {lost} of the {_notes(clean)} found before are lost."


def _notes(count: int) -> str:
    return plural(count, "note")


def played(notes: Notes, start: float, stop: float) -> list[list[float]]:
    """A transcription for the page's synthesiser: [onset from ``start``, duration, pitch,
    velocity], cut at the excerpt's edges."""
    lists = []
    for onset, offset, pitch, velocity in zip(
        notes.onsets, notes.offsets, notes.pitches, notes.velocities, strict=True
    ):
        begin, end = max(onset, start), min(offset, stop)
        if end > begin:
            lists.append(
                _rounded(float(begin - start), float(end - begin), float(pitch), float(velocity))
            )
    return lists


def agreement(stored: NoteTable, again: Notes, start: float, stop: float) -> Mapping[str, int]:
    """Whether a replay gave the stored notes: of the stored false notes well inside the excerpt,
    how many are in the replay, too."""
    inside = (stored.false_onset > start + 0.2) & (stored.false_onset < stop - 0.2)
    same = [
        bool(np.any(_near(again, onset, pitch)))
        for onset, pitch in zip(stored.false_onset[inside], stored.false_pitch[inside], strict=True)
    ]
    return {"same": sum(same), "all": len(same)}


def _near(notes: Notes, onset: float, pitch: float) -> NDArray[np.bool_]:
    near = (np.abs(notes.onsets - onset) < 0.002) & (np.abs(notes.pitches - pitch) < 0.02)
    return np.asarray(near)
