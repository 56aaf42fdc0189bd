"""What a perturbation does to notes, summed over the recordings of one condition.

Factors such as register and polyphony cut the reference notes into strata; several factors cross.
From the note tables in the rows: intervals of false notes (minus the baseline's), how many notes of
each stratum are lost, and what became of the lost ones. Repeats are averaged. Rows without a note
table are left out and counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from pi_amt.core.notes import REGISTERS
from pi_amt.scoring.anatomy import chance_histogram, interval_histogram
from pi_amt.scoring.fate import FATES, chance_fates, fate_counts, fates
from pi_amt.scoring.note_table import Ints, NoteTable
from pi_amt.statistics.panels import Panel, note_table

#: factor → (inner limits, names of the levels); a value at a limit belongs to the level above
FACTORS: dict[str, tuple[tuple[float, ...], tuple[str, ...]]] = {
    "register": (tuple(REGISTERS.values())[1:], ("below C3", "C3 to B4", "C5 and above")),
    "velocity": ((48.0, 80.0), ("soft (< 48)", "medium", "loud (≥ 80)")),
    "polyphony": ((2.0, 4.0), ("1 note", "2-3 notes", "4 notes and more")),
    "duration": ((0.25, 1.0), ("< 0.25 s", "0.25-1 s", "≥ 1 s")),
    "shares_partial": ((0.5,), ("no lower partial", "on a lower partial")),
}
#: factors that a breakdown crosses with each other, and those that it takes alone
CROSSED = ("register", "velocity", "polyphony")
ALONE = ("duration", "shares_partial")
#: reference notes found clean, found perturbed, all
Counts = tuple[float, float, float]
#: chance is computed from recordings until so many notes have been placed
_CHANCE_NOTES = 1_500


@dataclass(frozen=True)
class Breakdown:
    """One condition of one panel.

    Attributes:
        n_pieces: recordings with note tables of baseline and condition.
        references: reference notes of these.
        before, after: interval class → false notes, clean and perturbed.
        chance: interval class → change that chance pitches would give; empty without false notes.
        strata: level names (register, velocity, polyphony) → (found before, found after, all).
        alone: factor → level → the same three numbers.
        fates: fate of a note that was found clean only → how many have it.
        chance_fates: the same if the false notes had each other's pitches.
    """

    n_pieces: int
    references: float
    before: Mapping[str, float]
    after: Mapping[str, float]
    chance: Mapping[str, float]
    strata: Mapping[tuple[str, ...], Counts]
    alone: Mapping[str, Mapping[str, Counts]]
    fates: Mapping[str, float]
    chance_fates: Mapping[str, float]

    @property
    def lost(self) -> float:
        """Notes that were found clean only, repeats averaged."""
        return sum(self.fates.values())

    def fate_shares(self) -> dict[str, float]:
        """Fate → share of the lost notes, from which that of :meth:`chance_fate_shares` is taken;
        what is left is gone. Empty if nothing was lost."""
        if not self.lost:
            return {}
        chance = self.chance_fate_shares()
        shares = {name: self.fates[name] / self.lost - chance[name] for name in FATES[:-1]}
        return {**shares, FATES[-1]: 1 - sum(shares.values())}

    def chance_fate_shares(self) -> dict[str, float]:
        """Fate → share of the lost notes that chance would explain in this way."""
        scale = 1 / self.lost if self.lost else 0.0
        return {name: scale * self.chance_fates[name] for name in FATES[:-1]}

    def change(self) -> dict[str, float]:
        """Interval class → false notes gained, per 100 reference notes."""
        scale = 100.0 / max(self.references, 1.0)
        return {name: scale * (self.after[name] - self.before[name]) for name in self.after}

    def chance_change(self) -> dict[str, float]:
        """Interval class → what :meth:`change` would be if pitches fell by chance."""
        scale = 100.0 / max(self.references, 1.0)
        return {name: scale * value for name, value in self.chance.items()}

    def by_level(self) -> dict[tuple[str, str], Counts]:
        """(factor, level) → (found before, found after, all), one factor at a time."""
        sums = {
            (factor, level): counts
            for factor, found in self.alone.items()
            for level, counts in found.items()
        }
        for names, counts in self.strata.items():
            for key in zip(CROSSED, names, strict=True):
                sums[key] = _added(sums.get(key, (0.0, 0.0, 0.0)), counts)
        return sums


def breakdown(panel: Panel, number: int) -> Breakdown | None:
    """The breakdown of a condition; ``None`` where no recording has note tables."""
    pairs = list(_tables(panel, number))
    if not pairs:
        return None
    before = _summed(interval_histogram(table) for table, _ in pairs)
    after = _summed(_mean_histogram(tables) for _, tables in pairs)
    return Breakdown(
        n_pieces=len(pairs),
        references=float(sum(len(table.onset) for table, _ in pairs)),
        before=before,
        after=after,
        chance=_chance(pairs, before, after),
        strata=_strata(pairs, CROSSED),
        alone={
            factor: {names[0]: found for names, found in _strata(pairs, (factor,)).items()}
            for factor in ALONE
        },
        fates=(counts := _fates(pairs)),
        chance_fates=_chance_fates(pairs, sum(counts.values())),
    )


def levels(factor: str) -> tuple[str, ...]:
    """Names of a factor's levels, in order."""
    return FACTORS[factor][1]


def strata(factors: Sequence[str]) -> list[tuple[str, ...]]:
    """Level names of every stratum of crossed factors, in the order of their numbers."""
    return list(product(*map(levels, factors)))


def stratify(table: NoteTable, factors: Sequence[str]) -> Ints:
    """Number of the stratum of each reference note ``(references,)``.

    Raises:
        ValueError: if a factor is unknown.
    """
    codes = np.zeros(len(table.onset), dtype=np.int64)
    for factor in factors:
        if factor not in FACTORS:
            raise ValueError(f"factors: got {factor!r}, expected some of {', '.join(FACTORS)}")
        limits, names = FACTORS[factor]
        column = "pitch" if factor == "register" else factor
        values = np.asarray(getattr(table, column), dtype=np.float64)
        codes = codes * len(names) + np.searchsorted(np.array(limits), values, side="right")
    return codes


def found_by_stratum(table: NoteTable, factors: Sequence[str]) -> tuple[Ints, Ints]:
    """How many reference notes of every stratum were found, and how many there are.

    Returns:
        Both ``(strata,)``, in the order of :func:`strata`.

    Raises:
        ValueError: see :func:`stratify`.
    """
    codes, n = stratify(table, factors), len(strata(factors))
    return np.bincount(codes[table.matched], minlength=n), np.bincount(codes, minlength=n)


def _tables(panel: Panel, number: int) -> Iterator[tuple[NoteTable, list[NoteTable]]]:
    """(baseline, repeats) of every recording that has both, of the same reference notes."""
    for place, piece in enumerate(panel.pieces):
        base = panel.baseline_notes.get(piece)
        if base is None:
            continue
        cells = (panel.cells.get((number, place, repeat)) for repeat in range(panel.n_repeats))
        tables = (note_table(row) for row in cells if row is not None)
        after = [
            table for table in tables if table is not None and len(table.onset) == len(base.onset)
        ]
        if after:
            yield base, after


def _mean_histogram(tables: Sequence[NoteTable]) -> dict[str, float]:
    """Interval class → false notes, repeats averaged."""
    share = len(tables)
    counts = (interval_histogram(table) for table in tables)
    return _summed({name: n / share for name, n in count.items()} for count in counts)


def _fates(pairs: Sequence[tuple[NoteTable, list[NoteTable]]]) -> dict[str, float]:
    """Fate → lost notes, repeats averaged."""
    return _summed(
        {name: n / len(repeats) for name, n in fate_counts(fates(base, after)).items()}
        for base, repeats in pairs
        for after in repeats
    )


def _chance_fates(
    pairs: Sequence[tuple[NoteTable, list[NoteTable]]], lost: float
) -> dict[str, float]:
    """Chance shares from the first draws of the first recordings, times all lost notes."""
    sums = dict.fromkeys(FATES, 0.0)
    for base, repeats in pairs:
        if sum(sums.values()) < _CHANCE_NOTES:
            sums = _summed([sums, chance_fates(base, repeats[0])])
    scale = lost / max(sum(sums.values()), 1e-9)
    return {name: scale * value for name, value in sums.items()}


def _summed(counts: Iterable[Mapping[str, float]]) -> dict[str, float]:
    sums: dict[str, float] = {}
    for count in counts:
        for name, value in count.items():
            sums[name] = sums.get(name, 0.0) + value
    return sums


def _chance(
    pairs: Sequence[tuple[NoteTable, list[NoteTable]]],
    before: Mapping[str, float],
    after: Mapping[str, float],
) -> dict[str, float]:
    """Chance shares from the first recordings, times all false notes, after minus before."""
    sums = [dict.fromkeys(after, 0.0), dict.fromkeys(after, 0.0)]
    for base, repeats in pairs:
        for total, table in zip(sums, (base, repeats[0]), strict=True):
            if sum(total.values()) >= _CHANCE_NOTES:
                continue
            n = len(table.false_onset)
            chosen = np.arange(n) % max(1, -(-n // _CHANCE_NOTES)) == 0
            weight = n / max(int(chosen.sum()), 1)
            for name, value in chance_histogram(table, chosen).items():
                total[name] += weight * value
    if not sum(after.values()):
        return {}
    shares = [{k: v / max(sum(total.values()), 1e-9) for k, v in total.items()} for total in sums]
    n_before, n_after = sum(before.values()), sum(after.values())
    return {name: shares[1][name] * n_after - shares[0][name] * n_before for name in after}


def _strata(
    pairs: Sequence[tuple[NoteTable, list[NoteTable]]], factors: Sequence[str]
) -> dict[tuple[str, ...], Counts]:
    sums = np.zeros((len(strata(factors)), 3))
    for base, repeats in pairs:
        clean, _ = found_by_stratum(base, factors)
        for table in repeats:
            sums += np.stack([clean, *found_by_stratum(table, factors)], axis=1) / len(repeats)
    counts = ((float(before), float(after), float(total)) for before, after, total in sums)
    return dict(zip(strata(factors), counts, strict=True))


def _added(a: Counts, b: Counts) -> Counts:
    return a[0] + b[0], a[1] + b[1], a[2] + b[2]
