"""Stored rows as matrices: one panel per model and dataset, condition × piece × repeat.

A panel keeps the rows themselves; every matrix is a view computed from them, NaN where there is no
value (an error, no reference notes, a repeat that was not run).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pi_amt.core.text import plural
from pi_amt.core.units import Floats
from pi_amt.scoring.note_table import NoteTable
from pi_amt.store.rows import BASELINE, ConditionKey, Row, condition_of, flat_options, is_baseline
from pi_amt.store.untouched import UNTOUCHED, untouched_are_empty


@dataclass(frozen=True)
class Panel:
    """All rows of one model on one dataset.

    Attributes:
        pieces: track names, sorted; ``compositions`` and ``seconds`` belong to them.
        seconds: length of each recording; 0 where it failed, for what a header claims was not read.
        conditions: everything but the baseline, in the order in which it was stored.
        baseline: piece → its baseline row.
        cells: (condition number, piece number, repeat) → row.
    """

    model: str
    dataset: str
    pieces: tuple[str, ...]
    compositions: tuple[str, ...]
    seconds: tuple[float, ...]
    conditions: tuple[ConditionKey, ...]
    baseline: Mapping[str, Row] = field(repr=False)
    cells: Mapping[tuple[int, int, int], Row] = field(repr=False)
    n_repeats: int = 1

    def __repr__(self) -> str:
        return (
            f"Panel({self.model} × {self.dataset}: {plural(len(self.conditions), 'condition')} × "
            f"{plural(len(self.pieces), 'recording')} × {plural(self.n_repeats, 'repeat')})"
        )

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows behind this panel, baseline first."""
        return (*self.baseline.values(), *self.cells.values())

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Per condition its label, with the options that tell it from others of that label."""
        return tuple(self._name(condition) for condition in self.conditions)

    def _name(self, condition: ConditionKey) -> str:
        alike = [flat_options(c.options) for c in self.conditions if c.label == condition.label]
        return told_apart(condition.label, flat_options(condition.options), alike)

    def values(self, key: str, of: str = "scores") -> Floats:
        """``(conditions, pieces, repeats)`` of one entry of ``scores``, ``effects``, ``counts``."""
        shape = (len(self.conditions), len(self.pieces), self.n_repeats)
        matrix = np.full(shape, np.nan)
        if self.cells:
            found = [source.get(key, np.nan) for source in self._sources[of]]
            matrix[tuple(np.array(list(self.cells)).T)] = found
        return matrix

    @cached_property
    def _sources(self) -> dict[str, list[Mapping[str, float]]]:
        """Per kind the entries of every cell; none where the row is not ``ok``."""
        kinds = ("scores", "effects", "counts")
        return {
            kind: [getattr(row, kind) if row.status == "ok" else {} for row in self.cells.values()]
            for kind in kinds
        }

    def baseline_values(self, key: str, of: str = "scores") -> Floats:
        """``(pieces,)`` of the baseline."""
        rows = (self.baseline.get(piece) for piece in self.pieces)
        return np.array([np.nan if row is None else _value(row, key, of) for row in rows])

    @cached_property
    def baseline_notes(self) -> dict[str, NoteTable]:
        """Piece → note table of its baseline, where there is one; every condition needs them."""
        tables = {piece: note_table(row) for piece, row in self.baseline.items()}
        return {piece: table for piece, table in tables.items() if table is not None}

    def piece_means(self, key: str, of: str = "scores") -> Floats:
        """``(conditions, pieces)``: repeats averaged inside each recording."""
        return mean_over_repeats(self.values(key, of))

    def drops(self, key: str) -> Floats:
        """``(conditions, pieces, repeats)``: baseline minus perturbed."""
        return self.baseline_values(key)[None, :, None] - self.values(key)

    def index(self, label: str, parameters: str | None = None) -> int:
        """Number of the condition with this label (and parameters).

        Raises:
            ValueError: if there is none, or several and no parameters are given.
        """
        found = [
            i
            for i, condition in enumerate(self.conditions)
            if condition.label == label and parameters in (None, condition.parameters)
        ]
        if len(found) == 1:
            return found[0]
        known = ", ".join(dict.fromkeys(condition.label for condition in self.conditions))
        problem = "matches several parameters, give parameters=…" if found else "is not here"
        raise ValueError(f"got condition {label!r}, which {problem}; conditions: {known}")

    def why_missing(self, number: int, piece: int) -> str:
        """Why a recording has no drop: ``error``, ``empty`` (the condition is not defined for it),
        ``missing`` (no row) or ``undefined`` (a score that is NaN: no reference notes)."""
        base = self.baseline.get(self.pieces[piece])
        rows = [self.cells.get((number, piece, repeat)) for repeat in range(self.n_repeats)]
        there = [row for row in (base, *rows) if row is not None]
        for status in ("error", "empty"):
            if any(row.status == status for row in there):
                return status
        return "missing" if base is None or len(there) == 1 else "undefined"

    def touches_nothing(self, number: int) -> NDArray[np.bool_]:
        """``(pieces,)`` whether a condition left a recording as it is."""
        found = np.zeros(len(self.pieces), dtype=np.bool_)
        for (condition, piece, _), row in self.cells.items():
            if condition == number and row.status == "empty" and row.error == UNTOUCHED:
                found[piece] = True
        return found

    def out_of_distribution(self, number: int) -> bool | None:
        """What a condition says of its input, on any recording; ``None`` if no row tells."""
        said = {row.out_of_distribution for place, row in self.cells.items() if place[0] == number}
        return "yes" in said if said & {"yes", "no"} else None

    def is_step(self, number: int) -> bool:
        """Whether a condition was run as one of a series that differs in some options."""
        told = {row.varied for place, row in self.cells.items() if place[0] == number} - {""}
        if told:
            return told != {"[]"}
        # rows of version 0.1.0 tell it by their label alone
        return "=" in self.conditions[number].label

    def control_of(self, number: int, kind: str, **options: object) -> int | None:
        """Number of the control of this ``kind`` for a condition; ``None`` without a clear one.

        It has the condition's normalisation (stored where it is not the default) and the given
        options, and its own options tell the condition. If none does, it is the only one of what
        the condition is called.
        """
        target = self.conditions[number]
        found = [
            (i, control)
            for i, control in enumerate(self.conditions)
            if control.role == "control"
            and control.kind == kind
            and control.options.get("normalization") == target.options.get("normalization")
            and options.items() <= control.options.items()
        ]
        told = [i for i, control in found if _tells(control, target)]
        called = told or [i for i, control in found if control.target == target.label]
        return called[0] if len(called) == 1 else None

    def lone_control(self, kind: str) -> int | None:
        """Number of the control ``floor`` or ``identity``; ``None`` if it was not run."""
        found = [
            i
            for i, condition in enumerate(self.conditions)
            if condition.role == "control" and condition.kind == kind and not condition.target
        ]
        return found[0] if found else None

    @cached_property
    def chance(self) -> int | None:
        """Number of the control that tells what the other recording scores by chance: its leak
        without a permutation; ``None`` if it was not run."""
        found = [
            i
            for i, condition in enumerate(self.conditions)
            if condition.kind == "leak"
            and condition.target == BASELINE
            and condition.options.get("carrier") == "other"
        ]
        return found[0] if found else None


def told_apart(
    label: str,
    own: Mapping[str, object],
    alike: Collection[Mapping[str, object]],
    text: Callable[[object], str] = str,
) -> str:
    """A label with the options in which it differs from its namesakes: ``random (p=0.3)``.

    Args:
        label: what all of them are called.
        own: its options, whose values JSON can hold.
        alike: the options of each namesake, with or without its own.
        text: how the value of an option is written.
    """
    # as JSON, so that 1, 1.0 and True are three values
    apart = [k for k in own if any(_json(other.get(k)) != _json(own[k]) for other in alike)]
    return f"{label} ({', '.join(f'{k}={text(own[k])}' for k in apart)})" if apart else label


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True)


def note_table(row: Row) -> NoteTable | None:
    """The decoded note table of a row; ``None`` if it was stored or read without one.

    Raises:
        NoteTableError: if it is damaged.
    """
    return NoteTable.from_bytes(row.notes) if row.status == "ok" and row.notes else None


def mean_over_repeats(matrix: Floats) -> Floats:
    """NaN-aware mean over the last axis; NaN (without a warning) where all are NaN."""
    known = ~np.isnan(matrix)
    count = known.sum(axis=-1)
    total = np.where(known, matrix, 0.0).sum(axis=-1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def panels_of(rows: Sequence[Row], baseline: str = BASELINE) -> tuple[Panel, ...]:
    """Sort selected rows into panels, in the order in which model and dataset first appear.

    A model and dataset without any baseline row is left out; see
    :meth:`pi_amt.statistics.result.Result.from_rows` for what is said about it. Rows of conditions
    that touched nothing are empty (:mod:`pi_amt.store.untouched`).
    """
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in untouched_are_empty(rows):
        groups.setdefault((row.model, row.dataset), []).append(row)
    found = (_panel(model, dataset, group, baseline) for (model, dataset), group in groups.items())
    return tuple(panel for panel in found if panel.baseline)


def _panel(model: str, dataset: str, rows: Sequence[Row], baseline: str) -> Panel:
    pieces = tuple(sorted({row.track for row in rows}))
    piece_number = {piece: i for i, piece in enumerate(pieces)}
    compositions = {row.track: row.composition or row.track for row in rows}
    seconds = {row.track: row.seconds for row in rows if row.status != "error"}
    base = {row.track: row for row in rows if is_baseline(row, baseline)}
    others = [row for row in rows if not is_baseline(row, baseline)]
    conditions = tuple(dict.fromkeys(condition_of(row) for row in others))
    number = {condition: i for i, condition in enumerate(conditions)}
    cells = {
        (number[condition_of(row)], piece_number[row.track], row.repeat): row for row in others
    }
    return Panel(
        model=model,
        dataset=dataset,
        pieces=pieces,
        compositions=tuple(compositions[piece] for piece in pieces),
        seconds=tuple(seconds.get(piece, 0.0) for piece in pieces),
        conditions=conditions,
        baseline=base,
        cells=cells,
        n_repeats=1 + max((row.repeat for row in others), default=0),
    )


def _value(row: Row, key: str, of: str) -> float:
    if row.status != "ok":
        return np.nan
    source: Mapping[str, float] = getattr(row, of)
    return float(source.get(key, np.nan))


def _tells(control: ConditionKey, target: ConditionKey) -> bool:
    """Whether the options of a control tell that it belongs to a condition.

    What the condition is called does not always tell it: two studies may call one condition
    differently, and find one row of its control.
    """
    own, wanted = control.options, target.options
    if control.kind != control.permutation:  # it is a side of an energy-matched pair
        return {**own, "side": ""} == {**wanted, "side": ""}
    wanted.pop("normalization", None)
    return own.get("target") == {"name": target.permutation, **wanted}
