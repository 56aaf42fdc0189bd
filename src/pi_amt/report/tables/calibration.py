"""The table of ``pi-amt calibrate``: how close each mask comes to the true ablation."""

from __future__ import annotations

from typing import Any

from pi_amt.report.tables.table import Table
from pi_amt.study.calibration import MASKS


def calibration_table(model: str, records: list[dict[str, Any]]) -> Table:
    """The records of a calibration as a table, with the closest options of each mask.

    Args:
        model: what to call the model, with the label of its weights.
        records: one per mask and options.
    """
    best = {
        mask: min((r for r in records if r["mask"] == mask), key=lambda r: float(r["distance"]))
        for mask in MASKS
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
