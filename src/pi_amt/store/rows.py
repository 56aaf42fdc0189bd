"""A row: one recording under one condition, the raw result that all statistics start from.

A row also tells which condition it belongs to (:class:`ConditionKey`), which rows it may be
averaged with (:class:`Variant`), and by which version of the method it was made
(:data:`METHOD_VERSION`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from pi_amt.scoring.notes import F_MEASURE

#: Change this when a change of method changes rows: old rows are then computed again.
METHOD_VERSION = "1"
#: label of the rows of the unperturbed input, and config name of what makes them
BASELINE = "no_permutation"
#: Role of the rows that Shapley values are made of. Each is a part of a sum and no question of its
#: own, so these rows are in no table, test or figure of conditions.
COALITION = "coalition"
#: What stands in the place of a permutation's config name in rows of recordings that were made
#: without some partials, or of these alone (:func:`pi_amt.study.truth.as_conditions`).
AUDIO_WITHOUT, AUDIO_WITH_ONLY = "audio_without", "audio_with_only"
#: settings of a row that are those of its data; all others are of its model
DATA_SETTINGS = ("tuning", "pedal", "max_seconds", "onset_shift_ms", "align")


@dataclass(frozen=True)
class Row:
    """One recording under one condition, with all that decides the result.

    Attributes:
        key: hash of everything that decides the result.
        model: config name; ``weights`` is the sha256 of its weights, ``weights_label`` their
            honest description; ``precision`` fp32 or bf16.
        dataset: config name; ``track`` is unique in it, ``composition`` clusters recordings,
            ``seconds`` is the recording's length.
        permutation: config name; ``parameters`` its canonical JSON (sorted keys), ``label`` the
            condition for people, e.g. ``fund_mask`` or ``matched_tracks(fund_mask)``.
        role: ``baseline``, ``condition``, ``control`` or ``coalition``.
        target: label of the condition that a control belongs to, else empty.
        repeat: number of the draw, 0 for deterministic conditions; ``seed`` of the study.
        settings: JSON of the model's options and of those of the data (tuning, pedal, cut).
        status: ``ok``, ``error``, or ``empty`` where the condition is not defined for the
            recording; ``error`` is the reason, one plain line.
        scores: mir_eval's keys, those at other tolerances (not in rows up to version 0.2.0) and
            frame scores, NaN where undefined (no reference notes).
        effects: removed energy in dB, share of bins touched, collateral (see
            :class:`pi_amt.permutations.effects.EffectMeter`), ``removed_db_tones``: what a mask
            takes from steady tones (see
            :func:`pi_amt.permutations.reach.removed_from_tones_db`; in newer rows of masks that
            remove partials only), ``stiffness`` of the strings whose partials a mask looked for, in
            units of a typical piano's (in newer rows of masks only), ``tuning_cents`` of the
            recording, ``onset_offset_ms`` of the transcription (see
            :func:`pi_amt.scoring.alignment.onset_offset_ms`; not in rows up to version 0.2.0) and,
            with ``align=median``, ``aligned_ms``: by how much it was taken to be late.
        counts: ``reference``, ``estimate``, ``matched`` (no-offset) notes, and against the
            baseline those of each class of :class:`pi_amt.scoring.anatomy.Comparison`;
            ``out_of_reach`` those reference notes for which a mask cannot be valid on this model's
            input (:mod:`pi_amt.permutations.reach`), in newer rows of masks only.
        notes: compressed table of error anatomy (:class:`pi_amt.scoring.note_table.NoteTable`).
        version: package version; ``method`` the version of the method that decides rows.
        elapsed_seconds: computing time of this condition.
        data: fingerprint of the track's audio and notes; rows of other contents of the same
            track are never paired with each other.
        out_of_distribution: what the permutation, as it was settled on this recording, says of its
            input: ``yes`` or ``no``; empty where it gave no answer (an error, version 0.1.0).
        varied: JSON list of the options in which the conditions of its series differ, ``[]`` where
            it is no step of a series; empty in rows of version 0.1.0.
        traceback: of an error, as Python prints it; empty in rows of version 0.1.0.
        permutation_version: of the permutation's own method; empty where it was the first, and in
            rows from before the field existed.
    """

    key: str
    model: str
    weights: str
    weights_label: str
    precision: str
    dataset: str
    track: str
    composition: str
    seconds: float
    permutation: str
    parameters: str
    label: str
    role: str = "condition"
    target: str = ""
    repeat: int = 0
    seed: int = 0
    status: str = "ok"
    error: str = ""
    settings: str = "{}"
    scores: Mapping[str, float] = field(default_factory=dict)
    effects: Mapping[str, float] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    notes: bytes = b""
    version: str = ""
    method: str = ""
    elapsed_seconds: float = 0.0
    data: str = ""
    out_of_distribution: str = ""
    varied: str = ""
    traceback: str = ""
    permutation_version: str = ""

    def __repr__(self) -> str:
        found = self.scores.get(F_MEASURE)
        said = self.status if found is None else f"F {found:.3f}"
        place = f"{self.model} × {self.dataset}/{self.track}"
        return f"Row({place}, {self.label}, repeat {self.repeat}: {said})"


@dataclass(frozen=True, order=True)
class ConditionKey:
    """What was done to the input; two conditions are the same if all these fields but the last are.

    Attributes:
        permutation: config name.
        parameters: canonical JSON.
        label: for people, such as ``matched_tracks(fund_mask)``.
        role: ``baseline``, ``condition``, ``control`` or ``coalition``.
        target: what the condition that a control belongs to was called in the study that computed
            the row, else empty. Another study may call it otherwise and find the same row, so the
            target tells no conditions apart.
    """

    permutation: str
    parameters: str
    label: str
    role: str = "condition"
    target: str = field(default="", compare=False)

    @property
    def kind(self) -> str:
        """Config name of the permutation; ``matched_tracks`` for the control of an energy-matched
        pair, although ``matched_energy`` makes both sides of the pair."""
        is_side = (self.permutation, self.role) == ("matched_energy", "control")
        return "matched_tracks" if is_side else self.permutation

    @property
    def options(self) -> dict[str, object]:
        """``parameters`` as a dict."""
        parsed = json.loads(self.parameters or "{}")
        return parsed if isinstance(parsed, dict) else {}


def condition_of(row: Row) -> ConditionKey:
    """The condition that a row belongs to."""
    return ConditionKey(row.permutation, row.parameters, row.label, row.role, row.target)


@dataclass(frozen=True)
class Variant:
    """What rows of a model must share to be averaged."""

    weights: str
    precision: str
    settings: str
    method: str


def variant_of(row: Row) -> Variant:
    """The variant that a row belongs to."""
    return Variant(row.weights, row.precision, row.settings, row.method or row.version)


def heard_of(row: Row) -> tuple[object, ...]:
    """What a row has in common with its baseline and its other conditions: the model in one
    variant, and the recording with its contents."""
    return row.model, variant_of(row), row.dataset, row.track, row.data


def cell_of(row: Row) -> tuple[object, ...]:
    """What two rows share if one of them is enough."""
    return (*heard_of(row), row.label, row.parameters, row.repeat, row.seed)


def is_baseline(row: Row, baseline: str) -> bool:
    """Whether a row is the unperturbed run (the control ``identity`` is not)."""
    return row.label == baseline


def flat_options(options: Mapping[str, object]) -> dict[str, object]:
    """Options or settings with those of a nested one raised to the top."""
    flat: dict[str, object] = {}
    for name, value in options.items():
        if isinstance(value, dict):
            flat.update(flat_options(value))
        else:
            flat[name] = value
    return flat
