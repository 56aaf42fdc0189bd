"""The numbers that the page draws from: one JSON object, every name of it plain text.

``charts.js`` turns it into pictures. Numbers are rounded to four decimals, undefined ones null.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import Any

from pi_amt.report.catalog import Entry
from pi_amt.report.figures.profile import LINES, TITLES
from pi_amt.report.names import COLOURS, Look, axis_of, model_title
from pi_amt.report.tables.dose import curve_name
from pi_amt.statistics.breakdown import CROSSED, Breakdown, breakdown, levels
from pi_amt.statistics.dose import Curve, dose_curves
from pi_amt.statistics.estimates import PARTS
from pi_amt.statistics.panels import Panel
from pi_amt.statistics.profile import profiles
from pi_amt.statistics.result import Result
from pi_amt.statistics.tolerance import Tolerances, tolerances


def payload(importance: Result, entries: Sequence[Entry]) -> dict[str, Any]:
    """Everything that the charts of a report need.

    Keys: ``score``, ``panels`` (names, pieces, baseline scores), ``conditions`` (entry id → panel
    number → scores and breakdown), ``curves``, ``levels`` of the strata.
    """
    parts = PARTS.get(importance.score)
    return {
        "score": importance.score,
        "panels": [_panel(importance, panel, parts) for panel in importance.panels],
        "conditions": {entry.id: _condition(importance, entry, parts) for entry in entries},
        "curves": _curves(importance),
        "levels": [list(levels(factor)) for factor in CROSSED],
    }


def safe_json(value: object) -> str:
    """JSON that may stand inside ``<script>``: nothing in it can end the element."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def number(value: float) -> float | None:
    """Four decimals; ``None`` where undefined."""
    return None if math.isnan(value) or math.isinf(value) else round(float(value), 4)


def numbers(values: Iterable[float]) -> list[float | None]:
    """Each by :func:`number`."""
    return [number(value) for value in values]


def _panel(importance: Result, panel: Panel, parts: tuple[str, str] | None) -> dict[str, Any]:
    look = Look.of(importance, panel)
    found: dict[str, Any] = {
        "model": look.model,
        "dataset": look.dataset,
        "colour": look.number,
        "marker": look.marker,
        "badge": look.badge,
        "pieces": list(panel.pieces),
        "base": numbers(panel.baseline_values(importance.score)),
    }
    if parts:
        precision, recall = (panel.baseline_values(part) for part in parts)
        found |= {"precision": numbers(precision), "recall": numbers(recall)}
    return found


def _condition(
    importance: Result, entry: Entry, parts: tuple[str, str] | None
) -> dict[int, dict[str, Any]]:
    cells: dict[int, dict[str, Any]] = {}
    for place, n in entry.numbers.items():
        panel = importance.panels[place]
        cells[place] = {"after": numbers(panel.piece_means(importance.score)[n])}
        if parts:
            precision, recall = (panel.piece_means(part)[n] for part in parts)
            cells[place] |= {"precision": numbers(precision), "recall": numbers(recall)}
        found = breakdown(panel, n) if entry.condition.role == "condition" else None
        if found is not None:
            cells[place] |= _breakdown(found)
        if (wider := tolerances(panel, n)) is not None:
            cells[place]["tolerances"] = _tolerances(wider)
    return cells


def _breakdown(found: Breakdown) -> dict[str, Any]:
    change, chance = found.change(), found.chance_change()
    return {
        "notes": found.n_pieces,
        "classes": list(change),
        "change": numbers(change.values()),
        "chance": numbers(chance.values()),
        "lost": number(found.lost),
        "fates": [[name, number(share)] for name, share in found.fate_shares().items()],
        "chance_fates": numbers(found.chance_fate_shares().values()),
        "strata": [[round(v, 2) for v in values] for values in found.strata.values()],
        "alone": {
            factor: {level: [round(v, 2) for v in values] for level, values in by_level.items()}
            for factor, by_level in found.alone.items()
        },
    }


def _tolerances(found: Tolerances) -> dict[str, Any]:
    return {
        "n": found.n_pieces,
        "clean": numbers(found.clean.values()),
        "perturbed": numbers(found.perturbed.values()),
        "timing": number(found.timing),
        "octaves": number(found.octaves),
    }


def _curves(importance: Result) -> list[dict[str, Any]]:
    """One per line of a chart: those of a profile are the ways to take a partial away, those of a
    dose the models."""
    lines = [
        _curve(importance, curve)
        | {
            "chart": f"{profile.model} {profile.dataset} {TITLES[profile.keep]}",
            "title": f"{model_title(profile.model)}: {TITLES[profile.keep]}",
            "line": name,
            # that of the text, or a number as models have
            "colour": COLOURS.index(colour) if colour in COLOURS else "ink",
            "marker": marker,
        }
        for profile in profiles(importance)
        for way, curve in profile.curves.items()
        for name, colour, _, marker in [LINES[way]]
    ]
    doses = dose_curves(importance)
    return lines + [
        _curve(importance, curve)
        | {
            "chart": f"{curve.dataset} {curve.permutation} {curve.parameter} {curve.constant}",
            "title": curve_name(curve, doses),
            "d50": number(curve.d50.estimate),
            "bound": curve.d50_bound,
        }
        for curve in doses
    ]


def _curve(importance: Result, curve: Curve) -> dict[str, Any]:
    places = [(panel.model, panel.dataset) for panel in importance.panels]
    place = places.index((curve.model, curve.dataset))
    look = Look.of(importance, importance.panels[place])
    axis, unit = axis_of(curve.parameter)
    return {
        "panel": place,
        "line": look.model + look.badge,
        "colour": look.number,
        "marker": look.marker,
        "axis": axis,
        "unit": unit,
        "constant": curve.constant,
        "x": [float(value) for value in curve.values],
        "y": numbers(curve.drop),
        "low": numbers(curve.drop_low),
        "high": numbers(curve.drop_high),
        "n": curve.n_pieces,
    }
