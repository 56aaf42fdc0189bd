"""Strata of notes: which kinds of notes a perturbation takes away.

Factors cut the reference notes of a :class:`~pi_amt.note_table.NoteTable` into named levels;
several factors cross. Nothing here averages over recordings: it counts, statistics come later.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from pi_amt.anatomy import Comparison
from pi_amt.note_table import NO_INTERVAL, PARTIAL_INTERVALS, Ints, NoteTable

#: factor → (inner limits, names of the levels); a value at a limit belongs to the level above
FACTORS: dict[str, tuple[tuple[float, ...], tuple[str, ...]]] = {
    "register": ((48.0, 72.0), ("below C3", "C3 to B4", "C5 and above")),
    "velocity": ((48.0, 80.0), ("soft (< 48)", "medium", "loud (≥ 80)")),
    "polyphony": ((2.0, 4.0), ("1 note", "2-3 notes", "4 notes and more")),
    "duration": ((0.25, 1.0), ("< 0.25 s", "0.25-1 s", "≥ 1 s")),
    "shares_partial": ((0.5,), ("no lower partial", "on a lower partial")),
}


def stratify(table: NoteTable, factors: Sequence[str]) -> tuple[Ints, list[tuple[str, ...]]]:
    """Stratum number of each reference note ``(references,)``, and the strata's level names.

    Raises:
        ValueError: if a factor is unknown.
    """
    codes = np.zeros(len(table.onset), dtype=np.int64)
    levels: list[tuple[str, ...]] = []
    for factor in factors:
        if factor not in FACTORS:
            raise ValueError(f"factors: got {factor!r}, expected some of {', '.join(FACTORS)}")
        limits, names = FACTORS[factor]
        column = "pitch" if factor == "register" else factor
        values = np.asarray(getattr(table, column), dtype=np.float64)
        codes = codes * len(names) + np.searchsorted(np.array(limits), values, side="right")
        levels.append(names)
    return codes, list(product(*levels))


def found_by_stratum(
    table: NoteTable, factors: Sequence[str]
) -> dict[tuple[str, ...], tuple[int, int]]:
    """Level names → (found, all) reference notes, for every stratum, empty ones included.

    Raises:
        ValueError: see :func:`stratify`.
    """
    codes, names = stratify(table, factors)
    found = np.bincount(codes[table.matched], minlength=len(names))
    total = np.bincount(codes, minlength=len(names))
    return {name: (int(f), int(t)) for name, f, t in zip(names, found, total, strict=True)}


def note_columns(
    table: NoteTable, comparison: Comparison | None = None
) -> dict[str, NDArray[np.generic]]:
    """The table as equally long columns for export, reference notes first, then false notes.

    ``reference`` numbers the reference notes and is −1 for false ones. ``fate`` is ``found``,
    ``missed`` or ``false``; with a comparison it is ``kept``, ``lost``, ``gained``, ``missed``,
    ``false_new`` or ``false_old``. What a kind of note has not is NaN (``interval`` of reference
    notes and of false notes without one; velocity and surroundings of false notes).
    """
    n, m = len(table.onset), len(table.false_onset)
    if comparison is None:
        fates = np.where(table.matched, "found", "missed").astype(object)
        false_fates = np.full(m, "false", dtype=object)
    else:
        fates = np.full(n, "missed", dtype=object)
        for name in ("kept", "lost", "gained"):
            fates[getattr(comparison, name)] = name
        false_fates = np.where(comparison.false_new, "false_new", "false_old").astype(object)
    nothing = np.full(m, np.nan)
    interval = np.where(table.false_interval == NO_INTERVAL, np.nan, table.false_interval)
    columns = {
        "reference": np.concatenate([np.arange(n), np.full(m, -1)]),
        "fate": np.concatenate([fates, false_fates]),
        "onset": np.concatenate([table.onset, table.false_onset]),
        "duration": np.concatenate([table.duration, table.false_duration]),
        "pitch": np.concatenate([table.pitch, table.false_pitch]),
        "velocity": np.concatenate([table.velocity, nothing]),
        "polyphony": np.concatenate([table.polyphony, nothing]),
        "interval": np.concatenate([np.full(n, np.nan), interval]),
    }
    for bit, semitones in enumerate(PARTIAL_INTERVALS):
        columns[f"lower_{semitones}"] = np.concatenate([(table.lower >> bit) & 1, nothing])
    return columns
