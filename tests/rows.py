"""Rows of a make-believe study with planted drops, for tests of statistics, report and tables.

>>> rows = make_rows({"fund_mask": 0.3, "microtonal": 0.0}, n_pieces=20, noise=0.05)

Every score of the condition ``fund_mask`` is the baseline's minus 0.3 (plus noise per piece), so
its drop is known. Controls are named as the study names them: ``matched_tracks(fund_mask)``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pi_amt.statistics.bias import shipped_table
from pi_amt.store.rows import Row

REFERENCE_NOTES = 100
CONTROLS = ("identity", "floor", "matched_tracks", "wrong_piece", "leak")


def make_row(
    label: str,
    score: float,
    *,
    track: str = "piece_00",
    parameters: Mapping[str, Any] | None = None,
    average_precision: float | None = None,
    baseline_score: float | None = None,
    **fields: Any,
) -> Row:
    """One row whose note scores all follow from ``score`` (NaN: no reference notes).

    The permutation is what stands before the first bracket of the label; labels of controls, such
    as ``matched_tracks(fund_mask)``, set role and target, too; that of a leak its carrier.
    ``fields`` are other fields of :class:`~pi_amt.store.rows.Row`.
    """
    kind, _, rest = label.partition("(")
    if kind.startswith("leak_"):
        kind, _, carrier = kind.partition("_")
        parameters = {"carrier": carrier, **(parameters or {})}
    control = kind in CONTROLS
    text = json.dumps(dict(parameters or {}), sort_keys=True)
    model, dataset = fields.get("model", "basic_pitch"), fields.get("dataset", "demo")
    silent = bool(np.isnan(score))
    matched = 0 if silent else round(score * REFERENCE_NOTES)
    base = matched
    if baseline_score is not None and not silent:
        base = round(baseline_score * REFERENCE_NOTES)
    baseline = label == "no_permutation"
    defaults: dict[str, Any] = {
        "key": f"{model}/{dataset}/{track}/{label}/{text}/{fields.get('repeat', 0)}",
        "model": model,
        "weights": "a" * 64,
        "weights_label": "published weights",
        "precision": "fp32",
        "dataset": dataset,
        "track": track,
        "composition": track,
        "seconds": 15.0,
        "permutation": kind,
        "parameters": text,
        "label": label,
        "role": "baseline" if baseline else "control" if control else "condition",
        "target": rest.removesuffix(")"),
        "settings": json.dumps({"pedal": "extend", "trim": "full"}),
        "scores": _scores(score, score if average_precision is None else average_precision),
        "effects": {}
        if baseline
        else {"removed_db": 3.0, "touched_share": 0.1, "collateral_db": 0.2},
        "counts": {
            "reference": 0 if silent else REFERENCE_NOTES,
            "estimate": REFERENCE_NOTES,
            "matched": matched,
            "kept": min(matched, base),
            "lost": max(base - matched, 0),
            "gained": max(matched - base, 0),
        },
        "version": "0.1.0",
        "method": "1",
        "elapsed_seconds": 0.5,
    }
    return Row(**(defaults | fields))


def _scores(f: float, average_precision: float) -> dict[str, float]:
    note = {
        f"{part}{suffix}": f
        for part in ("Precision", "Recall", "F-measure")
        for suffix in ("", "_no_offset")
    }
    return note | {"Frame_Average_Precision": average_precision, "Frame_F-measure": f}


def make_rows(
    drops: Mapping[str, float] | None = None,
    *,
    n_pieces: int = 12,
    baseline: float = 0.7,
    spread: float = 0.05,
    noise: float = 0.02,
    repeats: Mapping[str, int] | None = None,
    repeat_noise: float = 0.02,
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    compositions: Sequence[str] | None = None,
    seed: int = 0,
    **fields: Any,
) -> list[Row]:
    """A study on one model and dataset: baseline plus the planted ``drops`` per label.

    Args:
        drops: label → mean drop; ``no_permutation`` is always added.
        baseline, spread: mean and standard deviation of baseline scores over pieces.
        noise: standard deviation of a condition's drop over pieces (0 for ``identity``).
        repeats: label → repeats, each with its own ``repeat_noise``; 1 for the others.
        parameters: label → parameters.
        compositions: one per piece; every piece its own if not given.
        fields: other fields of every row, such as ``model=…``.
    """
    drops = {"fund_mask": 0.3, "harm_mask": 0.1} if drops is None else drops
    rng = np.random.default_rng(seed)
    base = np.clip(rng.normal(baseline, spread, n_pieces), 0, 1)
    rows = []
    for piece in range(n_pieces):
        common = dict(fields) | {"track": f"piece_{piece:02d}"}
        if compositions is not None:
            common["composition"] = compositions[piece]
        rows.append(make_row("no_permutation", float(base[piece]), **common))
        for label, drop in drops.items():
            planted = drop + (0.0 if label == "identity" else noise * rng.standard_normal())
            count = (repeats or {}).get(label, 1)
            for repeat in range(count):
                shift = repeat_noise * rng.standard_normal() if count > 1 else 0.0
                score = float(np.clip(base[piece] - planted - shift, 0, 1))
                options = (parameters or {}).get(label)
                rows.append(
                    make_row(
                        label,
                        score,
                        repeat=repeat,
                        parameters=options,
                        baseline_score=float(base[piece]),
                        **common,
                    )
                )
    return rows


def calibrated_rows(drops: Mapping[str, float], **options: Any) -> list[Row]:
    """Rows of Basic Pitch as it ships, whose masks have their default options: the bias of these
    masks is known; ``options`` as for :func:`make_rows`."""
    table = shipped_table("basic_pitch")
    versions = {mask.label: mask.version for mask in table.masks}
    rows = make_rows(
        drops,
        parameters={mask.label: mask.parameters for mask in table.masks},
        model=table.model,
        weights=table.weights,
        settings=json.dumps({**table.settings, "max_seconds": 20.0}),
        method=table.method,
        noise=0.0,
        **options,
    )
    return [replace(row, permutation_version=versions.get(row.label, "")) for row in rows]


def make_dose_rows(
    doses: Mapping[float, float],
    *,
    permutation: str = "random",
    parameter: str = "p",
    constant: Mapping[str, Any] | None = None,
    **options: Any,
) -> list[Row]:
    """A dose sweep: dose → planted mean drop; ``options`` as for :func:`make_rows`.

    The draws depend on the seed only, so all doses share their baseline rows.
    """
    rows: dict[str, Row] = {}
    for dose, drop in doses.items():
        setting = {permutation: {**(constant or {}), parameter: dose}}
        for row in make_rows({permutation: drop}, parameters=setting, **options):
            rows[row.key] = row
    return list(rows.values())
