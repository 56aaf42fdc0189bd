"""Rows on disk: one result per model × dataset × permutation × repeat × track."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    """One recording under one condition: the raw result that all statistics start from.

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
        repeat: 0 for deterministic conditions.
        status: ``ok`` or ``error``; ``error`` is one plain line.
        scores: mir_eval's keys and frame scores, NaN where undefined (no reference notes).
        effects: removed energy in dB, share of bins touched, collateral.
        counts: ``reference``, ``estimate``, ``matched`` (no-offset), ``kept``, ``lost``,
            ``gained`` notes.
        notes: compressed per-note table of error anatomy (see :mod:`pi_amt.anatomy`).
        version: package version; ``method`` the version of the method that decides rows.
        elapsed_seconds: computing time of this condition.
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
