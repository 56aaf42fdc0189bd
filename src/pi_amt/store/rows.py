"""A row: one recording under one condition, the raw result that all statistics start from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

#: label of the rows of the unperturbed input, and config name of what makes them
BASELINE = "no_permutation"


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
        role: ``baseline``, ``condition`` or ``control``.
        target: label of the condition that a control belongs to, else empty.
        repeat: number of the draw, 0 for deterministic conditions; ``seed`` of the study.
        settings: JSON of the model's options and of those of the data (tuning, pedal, cut).
        status: ``ok``, ``error``, or ``empty`` where the condition is not defined for the
            recording; ``error`` is the reason, one plain line.
        scores: mir_eval's keys and frame scores, NaN where undefined (no reference notes).
        effects: removed energy in dB, share of bins touched, collateral (see
            :class:`pi_amt.permutations.effects.EffectMeter`), and ``tuning_cents`` of the
            recording.
        counts: ``reference``, ``estimate``, ``matched`` (no-offset) notes, and against the
            baseline those of each class of :class:`pi_amt.scoring.anatomy.Comparison`.
        notes: compressed table of error anatomy (:class:`pi_amt.scoring.note_table.NoteTable`).
        version: package version; ``method`` the version of the method that decides rows.
        elapsed_seconds: computing time of this condition.
        data: fingerprint of the track's audio and notes; rows of other contents of the same
            track are never paired with each other.
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
