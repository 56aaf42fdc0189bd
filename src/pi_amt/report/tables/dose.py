"""The table of dose curves: area and D50 of each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pi_amt.core.text import WARNING
from pi_amt.report.tables.table import Table, bounds_of, with_bounds
from pi_amt.statistics.dose import Curve, DoseCurve, dose_curves
from pi_amt.statistics.panels import told_apart
from pi_amt.statistics.result import Result

_COLUMNS = (
    "model", "dataset", "curve", "permutation", "parameter", "constant", "n_pieces",
    "n_doses", "lowest", "highest", "area", "area_low", "area_high", "d50", "d50_low",
    "d50_high", "d50_bound", "half_drop",
)  # fmt: skip
_LEAD = (
    "curve", "parameter", "area", "d50", "d50_bound", "model", "dataset", "lowest", "highest",
    "n_pieces", "half_drop",
)  # fmt: skip


def dose_table(importance: Result) -> Table:
    """Area and D50 of every dose curve."""
    curves = dose_curves(importance)
    notes = [
        "area: mean drop over the range of doses; d50: dose at half of baseline − floor, by linear "
        "interpolation, in the unit of the parameter; undefined if the curve never gets there."
    ]
    if not all(curve.floor_known for curve in curves):
        notes.append(f"{WARNING}without the control floor, d50 takes the floor as 0.")
    return Table(
        title="Dose curves",
        columns=_COLUMNS,
        records=tuple(_record(curve, curve_name(curve, curves)) for curve in curves),
        footers=tuple(notes),
        formats=dict.fromkeys(("lowest", "highest", *with_bounds(("d50",))), ".4g"),
        main=tuple(name for name in _COLUMNS if name not in ("permutation", "constant")),
        lead=_LEAD,
        groups=("model", "dataset"),
        intervals=bounds_of(("area", "d50")),
    )


def _record(curve: DoseCurve, name: str) -> dict[str, Any]:
    return {
        "model": curve.model,
        "dataset": curve.dataset,
        "curve": name,
        "permutation": curve.permutation,
        "parameter": curve.parameter,
        "constant": curve.constant,
        "n_pieces": curve.n_pieces,
        "n_doses": len(curve.values),
        "lowest": float(curve.values[0]),
        "highest": float(curve.values[-1]),
        **curve.area.columns("area"),
        **curve.d50.columns("d50"),
        "d50_bound": curve.d50_bound,
        "half_drop": curve.half_drop,
    }


def curve_name(curve: Curve, curves: Sequence[Curve]) -> str:
    """The permutation, with the constant options that tell it from its other curves."""
    alike = [
        json.loads(other.constant)
        for other in curves
        if (other.permutation, other.parameter) == (curve.permutation, curve.parameter)
    ]
    return told_apart(curve.permutation, json.loads(curve.constant), alike)
