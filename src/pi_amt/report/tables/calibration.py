"""The tables of ``pi-amt calibrate``: how close each mask comes to the true ablation, on tones and
on music."""

from __future__ import annotations

from typing import Any

import numpy as np

from pi_amt.core.text import plural
from pi_amt.report.tables.table import Table
from pi_amt.statistics.bias import BiasTable
from pi_amt.statistics.inference import mean
from pi_amt.study.calibration import TONE_MASKS


def calibration_table(model: str, records: list[dict[str, Any]]) -> Table:
    """The records of a calibration as a table, with the closest options of each mask.

    Args:
        model: what to call the model, with the label of its weights.
        records: one per mask and options.
    """
    best = {
        mask: min((r for r in records if r["mask"] == mask), key=lambda r: float(r["distance"]))
        for mask in TONE_MASKS
    }
    columns = tuple(records[0])
    return Table(
        title=f"How close masks come to the true ablation: {model}",
        columns=columns,
        records=tuple(records),
        footers=(
            "distance: sum over pitches of |mean activity under the mask − on the true ablation|, "
            "mean over tones (two per octave); 0 = as if the sound had been made without. chords: "
            "the same for four chords, per note.",
            "clean, true, masked: mean activity of the tone's own pitch.",
            *(
                f"closest for {mask}: {record['option']} ({record['distance']:.3f})"
                for mask, record in best.items()
            ),
        ),
        formats=dict.fromkeys((c for c in columns if c not in ("mask", "option")), ".3f"),
        lead=("option", *(c for c in columns if c != "option")),
        groups=("mask",),
    )


def bias_table(bias: BiasTable) -> Table:
    """The known bias of each mask: of F, and of the notes that are lost in each stratum."""
    levels = list(
        dict.fromkeys(
            level for mask in bias.masks for found in mask.by_stratum.values() for level in found
        )
    )
    records = [
        {
            "mask": mask.label,
            "true_drop": mask.drops.true,
            "measured_drop": mask.drops.measured,
            "bias": mask.drops.bias,
            "error": mask.drops.error,
            **{
                level: drops.bias
                for found in mask.by_stratum.values()
                for level, drops in found.items()
            },
        }
        for mask in bias.masks
    ]
    columns = ("mask", "true_drop", "measured_drop", "bias", "error", *levels)
    return Table(
        title=f"True and measured drops on music with known partials: {bias.model} "
        f"({bias.weights_label})",
        columns=columns,
        records=tuple(records),
        footers=(
            f"F without a mask: {mean(np.array(bias.clean_scores)):.3f}, "
            f"{plural(len(bias.recordings), 'recording')} ({bias.truth_set}).",
            "true_drop: what F loses where the recording is made without the partials; "
            "measured_drop: what it loses under the mask; bias: measured − true, above 0 the mask "
            "reads too high; error: mean over recordings of the distance between the two.",
            "The other columns are the bias by register and by the number of notes that sound: "
            "share of these notes that is lost, measured − true.",
        ),
        formats={
            "true_drop": ".3f",
            "measured_drop": ".3f",
            "error": ".3f",
            **dict.fromkeys(("bias", *levels), "+.3f"),
        },
    )
