"""Strata of notes: which kinds of notes a perturbation takes away.

Factors cut the reference notes of a :class:`~pi_amt.scoring.note_table.NoteTable` into named
levels; several factors cross. Nothing here averages over recordings: it counts, statistics come
later.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np

from pi_amt.scoring.note_table import Ints, NoteTable

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
