"""Every mask beside the truth, on music: the study behind ``pi-amt calibrate MODEL --music``.

The recordings are the held-out part of the truth set (:mod:`pi_amt.datasets.known_partials`). Masks
are run on them as in any study. The truth of a mask is a recording as well: the same performance on
the same piano, whose strings lack the partials that the mask removes, or have no others than those
that it keeps. What the model finds there, unperturbed, is what it should find under the mask.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from pi_amt.core.checks import check_choice
from pi_amt.core.hashing import canonical_json
from pi_amt.core.notes import Notes
from pi_amt.core.units import Samples
from pi_amt.datasets.known_partials import (
    ALL_PARTIALS,
    VERSION,
    KnownPartialsTrack,
    known_partials,
)
from pi_amt.datasets.track import Track
from pi_amt.models.loading import ModelSpec
from pi_amt.models.transcriber import Transcriber
from pi_amt.permutations.coalition import PLAYERS, Coalition, coalitions
from pi_amt.permutations.loading import load_permutation
from pi_amt.permutations.masks import PartialMask
from pi_amt.permutations.permutation import Permutation
from pi_amt.store.rows import (
    AUDIO_WITH_ONLY,
    AUDIO_WITHOUT,
    BASELINE,
    DATA_SETTINGS,
    Row,
    Variant,
    variant_of,
)
from pi_amt.store.store import Store
from pi_amt.study.conditions import Condition, as_condition, make_conditions
from pi_amt.study.driver import run_study
from pi_amt.study.executors.processes import ExecutorFactory, local
from pi_amt.study.groups import Group

#: What is calibrated: config names of masks, and the options that differ from the defaults. A mask
#: that gets a line here is in the tables, the reports and the picture after the next calibration.
CALIBRATED: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("fund_mask", {}),
    ("soft_fund_mask", {}),
    ("ratio_fund_mask", {}),
    *(
        ("remove_harmonic", {"harmonic": k, **kind})
        for k in (2, 3, 4, 5)
        for kind in ({}, {"kind": "ratio"})
    ),
    ("harm_mask", {}),
    ("soft_harm_mask", {}),
    ("ratio_harm_mask", {}),
    ("keep_harmonic", {"harmonic": 2}),
    ("keep_harmonic", {"harmonic": 2, "kind": "ratio"}),
)
DATASET = "known_partials"
PART = "held_out"
TRUTH_SET = f"{DATASET}, part {PART}, version {VERSION}"


class KnownTrack(Track, Protocol):
    """A recording that can be made without some of its partials."""

    def audio_without(self, partials: Collection[int]) -> tuple[Samples, int]:
        """Samples ``(samples,)`` of the sound in which no note has these, and their rate in Hz."""

    def audio_with_only(self, partials: Collection[int]) -> tuple[Samples, int]:
        """Samples ``(samples,)`` of these partials of all notes alone, and their rate in Hz."""


@dataclass(frozen=True)
class Truth:
    """The sound that a mask or a coalition is to imitate.

    Attributes:
        partials: the numbers of those that it removes or keeps.
        keep: whether it keeps them.
    """

    partials: tuple[int, ...]
    keep: bool

    @classmethod
    def of(cls, permutation: Permutation) -> Truth:
        """The truth of a mask or a coalition."""
        if isinstance(permutation, Coalition):
            return cls(permutation.partials(present=permutation.keeps), permutation.keeps)
        assert isinstance(permutation, PartialMask)
        return cls(permutation.partials, permutation.keep)

    def __str__(self) -> str:
        numbers = ", ".join(map(str, self.partials)) or "none"
        return f"with only partial {numbers}" if self.keep else f"without partial {numbers}"


@dataclass(frozen=True)
class AblatedTrack:
    """A recording of the truth set made without some partials; see :class:`~pi_amt.Track`."""

    track: KnownTrack
    truth: Truth

    @property
    def name(self) -> str:
        """That of the whole recording."""
        return self.track.name

    @property
    def composition(self) -> str:
        """The work."""
        return self.track.composition

    @property
    def duration_seconds(self) -> float | None:
        """Length in seconds."""
        return self.track.duration_seconds

    def audio(self) -> tuple[Samples, int]:
        """Samples ``(samples,)`` of the sound that the mask is to imitate, and their rate in Hz."""
        partials = self.truth.partials
        if self.truth.keep:
            return self.track.audio_with_only(partials)
        return self.track.audio_without(partials)

    def notes(self) -> Notes:
        """The notes that are played: all of them."""
        return self.track.notes()

    def fingerprint(self) -> str:
        """Hash of everything that decides the sound and the notes."""
        return hashlib.sha256(f"{self.track.fingerprint()} {self.truth}".encode()).hexdigest()

    def stamp(self) -> str:
        """The fingerprint: it is cheap."""
        return self.fingerprint()


@dataclass(frozen=True)
class TruthRows:
    """The rows of a calibration, each sequence in the order of the recordings.

    Attributes:
        clean: of the unperturbed recordings.
        pairs: per mask its rows, and the model's rows on the true ablations.
    """

    clean: tuple[Row, ...]
    pairs: tuple[tuple[tuple[Row, ...], tuple[Row, ...]], ...]


def held_out_recordings() -> list[KnownPartialsTrack]:
    """The recordings of the truth set that the published tables are made of."""
    return one_per_work(PART)


def one_per_work(part: str, **options: Any) -> list[KnownPartialsTrack]:
    """Each work of a part of the truth set once; the pianos take turns. ``options`` are those of
    the dataset."""
    by_work: dict[str, list[KnownPartialsTrack]] = {}
    for track in known_partials(part, **options):
        assert isinstance(track, KnownPartialsTrack)
        by_work.setdefault(track.work, []).append(track)
    return [played[i % len(played)] for i, played in enumerate(by_work.values())]


def calibrated_masks(
    names: Collection[str] | None = None,
) -> list[tuple[str, Mapping[str, Any]]]:
    """Those of :data:`CALIBRATED` with these config names, all by default.

    Raises:
        ValueError: for a name that none of them has.
    """
    if names is not None:
        for name in names:
            check_choice("masks", name, list(dict.fromkeys(name for name, _ in CALIBRATED)))
    return [mask for mask in CALIBRATED if names is None or mask[0] in names]


def calibrate_music(
    model: ModelSpec | Transcriber,
    tracks: Sequence[KnownTrack] | None = None,
    *,
    calibrated: Iterable[tuple[str, Mapping[str, Any]]] = CALIBRATED,
    executor: ExecutorFactory = local,
    quiet: bool | None = None,
) -> TruthRows:
    """Run every mask, and the model on the true ablations.

    Args:
        model: the model, or the recipe that workers make it from.
        tracks: recordings whose sound is known without some partials; default:
            :func:`held_out_recordings`.
        calibrated: the masks, each as its config name and options.
        executor: makes the executor that computes; default: one process per core.
        quiet: no progress bar; default: one if standard error is a terminal.

    Raises:
        ValueError: if a recording failed.
    """
    tracks = held_out_recordings() if tracks is None else tracks
    masks = [_condition(name, options) for name, options in calibrated]
    truths = [Truth.of(condition.permutation) for condition in masks]
    groups = [
        Group(model, DATASET, tracks, make_conditions(masks)),
        *truth_groups(model, tracks, truths),
    ]
    rows = {(row.dataset, row.label, row.track): row for row in _rows(groups, executor, quiet)}

    def found(dataset: str, label: str) -> tuple[Row, ...]:
        return tuple(rows[dataset, label, track.name] for track in tracks)

    return TruthRows(
        clean=found(DATASET, BASELINE),
        pairs=tuple(
            (found(DATASET, mask.label), found(_dataset(truth), BASELINE))
            for mask, truth in zip(masks, truths, strict=True)
        ),
    )


def truth_groups(
    model: ModelSpec | Transcriber, tracks: Sequence[KnownTrack], truths: Iterable[Truth]
) -> list[Group]:
    """For each truth a group of the recordings that are made so, without any permutation."""
    return [
        Group(model, _dataset(truth), [AblatedTrack(t, truth) for t in tracks], make_conditions([]))
        for truth in dict.fromkeys(truths)
    ]


def as_conditions(rows: Iterable[Row]) -> list[Row]:
    """Rows in which each recording that was made without one partial, or of one alone, is a
    condition of the whole recording.

    So the true drops stand beside those under masks in a :class:`~pi_amt.statistics.result.Result`.
    The conditions ``audio_without`` and ``audio_with_only`` have the option ``harmonic``.

    A row of which the whole recording was not run (yet) is left out.

    Args:
        rows: of the recordings, and of those of :func:`truth_groups`.

    Raises:
        ValueError: if a recording was run with several contents, such as two lengths: which of
            them a row without partials belongs to is not known.
    """
    rows = list(rows)
    whole = {_heard(row): row for row in rows if row.dataset == DATASET}
    made = {_heard(row) for row in rows if row.dataset in _MADE}
    for row in rows:
        place = _heard(row)
        if row.dataset == DATASET and place in made and row.data != whole[place].data:
            raise ValueError(
                f"{DATASET}/{row.track}: got rows of several contents, such as two lengths, beside "
                "those without partials, expected one: use a results folder for each"
            )

    def named(row: Row) -> Row:
        name, k = _MADE[row.dataset]
        return _as_condition(
            row,
            whole[_heard(row)],
            permutation=name,
            parameters=canonical_json({"harmonic": k}),
            label=f"{name}(harmonic={k})",
            role="condition",
            varied=canonical_json(["harmonic"]),
        )

    return [
        named(row) if row.dataset in _MADE else row
        for row in rows
        if row.dataset not in _MADE or _heard(row) in whole
    ]


def _heard(row: Row) -> tuple[str, str, Variant]:
    """Which recording was heard, and by what: what a row of a sound that is made otherwise has in
    common with those of the whole recording. Settings of the data are not among it, because a sound
    made otherwise has none of its own."""
    settings = json.loads(row.settings or "{}")
    own = {name: value for name, value in settings.items() if name not in DATA_SETTINGS}
    return row.track, row.model, replace(variant_of(row), settings=canonical_json(own))


def coalitions_in_truth(
    model: ModelSpec | Transcriber,
    tracks: Sequence[KnownTrack],
    players: str = PLAYERS,
    *,
    executor: ExecutorFactory = local,
    quiet: bool | None = None,
) -> tuple[list[Row], list[Row]]:
    """The rows of all coalitions as masks make them, and as the true sounds give them.

    A true coalition is a recording of the same performance on which nothing but its players
    sounds. Its rows are returned as those of the coalition, so that Shapley values of both can be
    made in the same way.

    Args:
        model: the model, or the recipe that workers make it from.
        tracks: recordings whose sound is known without some partials.
        players: see :class:`~pi_amt.permutations.coalition.Coalition`.
        executor, quiet: see :func:`calibrate_music`.

    Raises:
        ValueError: if a recording failed.
    """
    asked = {Truth.of(one): as_condition(one) for one in coalitions(players)}
    groups = [
        Group(model, DATASET, tracks, make_conditions(asked.values())),
        *truth_groups(model, tracks, asked),
    ]
    by_dataset = {_dataset(truth): condition for truth, condition in asked.items()}
    rows = _rows(groups, executor, quiet)
    estimated = [row for row in rows if row.dataset == DATASET]
    clean = {row.track: row for row in estimated if row.role == "baseline"}
    true = [
        _as_condition(
            row,
            clean[row.track],
            permutation=condition.name,
            parameters=condition.parameters,
            label=condition.label,
            role=condition.role,
        )
        for row in rows
        if (condition := by_dataset.get(row.dataset)) is not None
    ]
    return estimated, [*clean.values(), *true]


def _rows(groups: Sequence[Group], executor: ExecutorFactory, quiet: bool | None) -> list[Row]:
    """The rows of all groups; ``ValueError`` if a recording failed."""
    if quiet is None:
        quiet = not sys.stderr.isatty()
    with tempfile.TemporaryDirectory() as scratch, Store(scratch) as store:
        summary = run_study(groups, store, executor, quiet=quiet)
        rows = store.rows([key for keys in summary.asked for key in keys])
    for row in rows:
        if row.status != "ok":
            raise ValueError(f"calibrate: {row.track} under {row.label} failed: {row.error}")
    return rows


def _condition(name: str, options: Mapping[str, Any]) -> Condition:
    """A mask as a condition, labelled by its options."""
    said = ",".join(f"{option}={value}" for option, value in options.items())
    return Condition(load_permutation(name, **options), f"{name}({said})" if said else name)


def _as_condition(row: Row, whole: Row, **condition: Any) -> Row:
    """The row of a sound made otherwise as that of a condition of the whole recording.

    Args:
        row: of the sound.
        whole: any row of the whole recording by the same model, whose contents and settings stand
            for both.
        condition: what the row says of its condition, by the names of its fields.
    """
    return replace(row, dataset=DATASET, data=whole.data, settings=whole.settings, **condition)


def _dataset(truth: Truth) -> str:
    return f"{DATASET} {truth}"


#: dataset of recordings made without one partial, or of one alone → condition and partial
_MADE = {
    _dataset(Truth((k,), keep)): (AUDIO_WITH_ONLY if keep else AUDIO_WITHOUT, k)
    for k in ALL_PARTIALS
    for keep in (False, True)
}
