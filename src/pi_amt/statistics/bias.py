"""Known bias: how far the drop under a mask is from the drop that the missing sound would cause.

The sound without some partials can only be made where the partials are known. On the truth set
(:mod:`pi_amt.datasets.known_partials`) the model hears both: the input under the mask, and the
recording that was made without these partials. Both lose some F against the clean recording:

* the *measured* drop is F(clean) − F(under the mask),
* the *true* drop is F(clean) − F(on the recording made without the partials),
* the *bias* is measured − true: above 0 the mask reads too high, below 0 too low,
* the *error* is the mean over recordings of the distance between the two.

In a stratum of notes (a register, a polyphony) there is no F, because a false note belongs to none:
drops are the shares of its notes that are no longer found, and recordings count by their notes.

A table belongs to one set of weights with its settings, and to one version of the method. Those of
the shipped models are in the folder ``known_bias`` beside this module; those that a user made are
in :func:`user_folder`, because a bias belongs to a model and not to a study: every results folder
finds it there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pi_amt.core.hashing import canonical_json, digest
from pi_amt.scoring.note_table import NoteTable
from pi_amt.scoring.notes import F_MEASURE
from pi_amt.statistics.breakdown import found_by_stratum, levels
from pi_amt.store.rows import Row

#: what cuts the notes into strata, each factor by itself
STRATA = ("register", "polyphony")
#: settings of a row's recording that have no part in a bias
_OF_THE_RECORDING = ("max_seconds", "onset_shift_ms")
_DIGITS = 4


@dataclass(frozen=True)
class Drops:
    """A true and a measured drop: of F, or in a stratum of the share of notes that are found.

    Attributes:
        true, measured: see the module.
        error: mean over recordings of their distance.
        notes: that they rest on.
    """

    true: float
    measured: float
    error: float
    notes: int

    @property
    def bias(self) -> float:
        """By how much the mask reads too high; negative where it reads too low."""
        return self.measured - self.true


@dataclass(frozen=True)
class MaskBias:
    """What is known of one mask.

    Attributes:
        label: the mask for people.
        permutation: its config name.
        parameters: its options.
        version: of its own method, as in a :class:`~pi_amt.store.rows.Row`.
        drops: of F.
        by_stratum: factor → level → drops of the share of notes found; without empty levels.
        true_scores, measured_scores: F of each recording, in the order of the table's recordings.
    """

    label: str
    permutation: str
    parameters: Mapping[str, Any]
    drops: Drops
    by_stratum: Mapping[str, Mapping[str, Drops]]
    true_scores: tuple[float, ...]
    measured_scores: tuple[float, ...]
    version: str = ""

    @property
    def is_ratio(self) -> bool:
        """Whether it is a ratio mask; the others are binary."""
        return self.permutation.startswith("ratio_") or self.parameters.get("kind") == "ratio"


@dataclass(frozen=True)
class BiasTable:
    """The known bias of one model under each calibrated mask.

    Attributes:
        model, weights, weights_label, precision: as in a :class:`~pi_amt.store.rows.Row`.
        settings: of the model, and of the data as far as they decide a mask.
        method: the version of the method that made the rows.
        version: of the package.
        truth_set: which recordings, in words.
        recordings: name of each → the fingerprint of its sound and notes.
        clean_scores: F of each without a mask.
        masks: one per mask.
    """

    model: str
    weights: str
    weights_label: str
    precision: str
    settings: Mapping[str, Any]
    method: str
    version: str
    truth_set: str
    recordings: Mapping[str, str]
    clean_scores: tuple[float, ...]
    masks: tuple[MaskBias, ...]

    @classmethod
    def from_rows(
        cls,
        clean: Sequence[Row],
        pairs: Iterable[tuple[Sequence[Row], Sequence[Row]]],
        truth_set: str,
    ) -> Self:
        """The table of one model.

        Args:
            clean: rows of the unperturbed recordings.
            pairs: per mask its rows, and the rows of the unperturbed true ablations; both in the
                order of ``clean``.
            truth_set: which recordings, in words.
        """
        row = clean[0]
        return cls(
            model=row.model,
            weights=row.weights,
            weights_label=row.weights_label,
            precision=row.precision,
            settings=_deciding(row),
            method=row.method,
            version=row.version,
            truth_set=truth_set,
            recordings={row.track: row.data for row in clean},
            clean_scores=_scores(clean),
            masks=tuple(_mask_bias(clean, measured, true) for measured, true in pairs),
        )

    @classmethod
    def read(cls, path: Any) -> Self:
        """The table of a file that :meth:`write` made.

        Args:
            path: anything with a method ``read_text``.

        Raises:
            ValueError: if it holds no such table.
        """
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            masks = tuple(_mask_from(mask) for mask in stored.pop("masks"))
            clean = tuple(stored.pop("clean_scores"))
            return cls(**stored, clean_scores=clean, masks=masks)
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            raise ValueError(
                f"known bias: got {path}, which holds no table of this version ({error}); delete "
                "the file, and make it again with: pi-amt calibrate MODEL --music"
            ) from None

    def write(self, path: Path) -> Path:
        """Write the table as JSON, with the bias beside each true and measured drop."""
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(_with_bias(asdict(self)), indent=1, ensure_ascii=False)
        path.write_text(text + "\n", encoding="utf-8")
        return path

    def with_kept(self) -> Self:
        """This table, and of those masks that it lacks what the user's folder has for them.

        A calibration takes minutes, so a run with one mask must not cost those of the others. Their
        numbers stand beside these where the model was the same and heard the same. A file of other
        recordings or clean scores, or one that cannot be read, has nothing to give.
        """
        try:
            kept = BiasTable.read(user_folder() / self.file_name)
        except (OSError, ValueError):
            return self
        if replace(kept, masks=self.masks, version=self.version) != self:
            return self
        masks = {(m.permutation, canonical_json(m.parameters)): m for m in kept.masks + self.masks}
        return replace(self, masks=tuple(masks.values()))

    @property
    def file_name(self) -> str:
        """A name that no table of another model, or of other weights or settings, has."""
        identity = (self.model, self.weights, self.precision, self.settings, self.method)
        return f"{digest(identity)[:16]}.json"

    def fits(self, row: Row) -> bool:
        """Whether a row is of this model, with these weights and settings and by this method."""
        return (self.model, self.weights, self.precision, self.method) == (
            row.model,
            row.weights,
            row.precision,
            row.method,
        ) and self.settings == _deciding(row)


def known_bias(row: Row, score: str = F_MEASURE) -> Drops | None:
    """The true and the measured drop of a row's mask, on music with known partials.

    Args:
        row: any row of the mask.
        score: that its drop is of.

    Returns:
        ``None`` where they are not known: another score, weights or settings for which nobody has
        measured them, a mask that is not in the table with these options and this version.

    Raises:
        ValueError: if a user's table cannot be read.
    """
    if score != F_MEASURE or row.role != "condition":
        return None
    asked = (row.permutation, json.loads(row.parameters or "{}"), row.permutation_version)
    found = (
        mask.drops
        for table in _tables(row.model)
        if table.fits(row)
        for mask in table.masks
        if (mask.permutation, mask.parameters, mask.version) == asked
    )
    return next(found, None)


@cache
def shipped_table(model: str) -> BiasTable:
    """The table of a model whose weights are in the package."""
    return BiasTable.read(_shipped(model))


def user_folder() -> Path:
    """Where the tables are that a user made: ``pi_amt/known_bias`` in ``$XDG_DATA_HOME``, which is
    ``~/.local/share`` unless it is set."""
    home = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(home).expanduser() / "pi_amt" / "known_bias"


def _tables(model: str) -> Iterator[BiasTable]:
    """Those of this model and of any that a user made.

    The shipped one comes first, so that a mask that is in both has one bias for everybody; those
    of a user add the masks that it lacks.
    """
    if _shipped(model).is_file():
        yield shipped_table(model)
    yield from map(BiasTable.read, sorted(user_folder().glob("*.json")))


def _shipped(model: str) -> Any:
    return files("pi_amt.statistics") / "known_bias" / f"{model}.json"


def _deciding(row: Row) -> dict[str, Any]:
    """The settings of a row that have a part in a bias."""
    settings: dict[str, Any] = json.loads(row.settings or "{}")
    return {name: value for name, value in settings.items() if name not in _OF_THE_RECORDING}


def _scores(rows: Sequence[Row]) -> tuple[float, ...]:
    return tuple(round(row.scores[F_MEASURE], _DIGITS) for row in rows)


def _mask_bias(clean: Sequence[Row], measured: Sequence[Row], true: Sequence[Row]) -> MaskBias:
    row = measured[0]
    scores = [np.array([row.scores[F_MEASURE] for row in rows]) for rows in (clean, true, measured)]
    notes = np.array([row.counts["reference"] for row in clean])
    return MaskBias(
        label=row.label,
        permutation=row.permutation,
        parameters=json.loads(row.parameters),
        drops=_drops(scores[0] - scores[1], scores[0] - scores[2], notes),
        by_stratum={factor: _strata(factor, clean, measured, true) for factor in STRATA},
        true_scores=_scores(true),
        measured_scores=_scores(measured),
        version=row.permutation_version,
    )


def _drops(
    true: NDArray[Any],
    measured: NDArray[Any],
    notes: NDArray[Any],
    weights: NDArray[Any] | None = None,
) -> Drops:
    """All arguments ``(recordings,)``; without weights each recording counts alike."""

    def mean(values: NDArray[Any]) -> float:
        return round(float(np.average(values, weights=weights)), _DIGITS)

    return Drops(mean(true), mean(measured), mean(np.abs(measured - true)), int(notes.sum()))


def _strata(
    factor: str, clean: Sequence[Row], measured: Sequence[Row], true: Sequence[Row]
) -> dict[str, Drops]:
    """Level → drops of the share of its notes that are found."""

    def counts(row: Row) -> tuple[NDArray[Any], NDArray[Any]]:
        return found_by_stratum(NoteTable.from_bytes(row.notes), (factor,))

    # each (recordings, levels)
    before, notes = (np.array(part) for part in zip(*map(counts, clean), strict=True))
    after, made = (np.array([counts(row)[0] for row in rows]) for rows in (measured, true))
    found = {}
    for number, level in enumerate(levels(factor)):
        there = notes[:, number] > 0
        if there.any():
            n = notes[there, number]
            lost_true = (before - made)[there, number] / n
            lost_measured = (before - after)[there, number] / n
            found[level] = _drops(lost_true, lost_measured, n, weights=n)
    return found


def _mask_from(stored: dict[str, Any]) -> MaskBias:
    strata = {
        factor: {level: _drops_from(drops) for level, drops in found.items()}
        for factor, found in stored.pop("by_stratum").items()
    }
    return MaskBias(
        drops=_drops_from(stored.pop("drops")),
        by_stratum=strata,
        true_scores=tuple(stored.pop("true_scores")),
        measured_scores=tuple(stored.pop("measured_scores")),
        **stored,
    )


def _drops_from(stored: Mapping[str, Any]) -> Drops:
    return Drops(**{name: value for name, value in stored.items() if name != "bias"})


def _with_bias(value: Any) -> Any:
    """The same data, in which every pair of drops has its difference, for those who read it."""
    if isinstance(value, Mapping):
        found = {name: _with_bias(part) for name, part in value.items()}
        if {"true", "measured"} <= set(found):
            found["bias"] = round(found["measured"] - found["true"], _DIGITS)
        return found
    return [_with_bias(part) for part in value] if isinstance(value, list | tuple) else value
