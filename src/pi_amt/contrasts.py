"""Differences of drops: between models on the same recordings, or between two stores.

A contrast is paired inside each recording (drop here minus drop there) before anything is
resampled: with the same resamples on both sides that is the difference of the two means.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from pi_amt.condition_results import Settings, mean, snapped
from pi_amt.importance_table import method_note
from pi_amt.panels import Condition, Panel
from pi_amt.resampling import holm, mean_interval, sign_flip
from pi_amt.store import Row
from pi_amt.tables import Table
from pi_amt.units import Floats

if TYPE_CHECKING:
    from pi_amt.statistics import Importance

_COLUMNS = (
    "dataset", "label", "condition", "parameters", "role", "a", "b", "n_pieces",
    "baseline_a", "baseline_b", "drop_a", "drop_b",
    "difference", "difference_low", "difference_high", "p", "p_holm",
    "relative_drop_a", "relative_drop_b", "excess_a", "excess_b",
)  # fmt: skip
_LEAD = (
    "condition", "difference", "p_holm", "drop_a", "drop_b", "a", "b", "dataset", "n_pieces",
    "baseline_a", "baseline_b",
)  # fmt: skip
_FORMATS = {"p": "p", "p_holm": "p"}
_INTERVALS = {"difference": ("difference_low", "difference_high")}


@dataclass(frozen=True)
class _Side:
    """One side of a contrast: the recordings of one condition by name."""

    panel: Panel
    score: str

    def drops(self, number: int, pieces: Sequence[str]) -> Floats:
        """``(pieces,)`` drop, repeats averaged; NaN where missing."""
        return self._base(pieces) - self._of(self.panel.piece_means(self.score)[number], pieces)

    def excess(self, number: int, pieces: Sequence[str]) -> Floats:
        """``(pieces,)`` drop minus that of the matched control; NaN without one."""
        control = self.panel.control_of(number, "matched_tracks")
        if control is None:
            return np.full(len(pieces), np.nan)
        return self.drops(number, pieces) - self.drops(control, pieces)

    def baseline(self, pieces: Sequence[str]) -> Floats:
        """``(pieces,)`` baseline score."""
        return self._base(pieces)

    def _base(self, pieces: Sequence[str]) -> Floats:
        return self._of(self.panel.baseline_values(self.score), pieces)

    def _of(self, values: Floats, pieces: Sequence[str]) -> Floats:
        place = {piece: i for i, piece in enumerate(self.panel.pieces)}
        return values[[place[piece] for piece in pieces]]


def model_contrasts(importance: Importance) -> Table:
    """Per dataset, pair of models and condition that both have: drop of b minus drop of a.

    Conditions are paired by label and parameters; by label alone where it is unique on both sides
    (mask widths differ between front ends). Holm corrects over all rows with the role
    ``condition``.
    """
    records: list[dict[str, Any]] = []
    for dataset in importance.datasets:
        panels = [panel for panel in importance.panels if panel.dataset == dataset]
        for a, b in combinations(panels, 2):
            records += _records(a, b, a.model, b.model, importance.settings)
    return _table("Differences between models of the drop in F", records, importance.settings)


def compare(
    rows_a: Sequence[Row],
    rows_b: Sequence[Row],
    *,
    names: tuple[str, str] = ("A", "B"),
    **options: Any,
) -> Table:
    """Two stores (two versions, two weights): per condition, drop in b minus drop in a.

    Panels are paired by model and dataset. The first line of each pair contrasts the baselines:
    its ``difference`` is that of the scores.

    Args:
        rows_a, rows_b: rows of the two stores.
        names: what to call them.
        options: of :func:`pi_amt.statistics.importance_from_rows`, the same for both.

    Raises:
        ValueError: if no model and dataset is in both, or for rows that are refused.
    """
    from pi_amt.statistics import importance_from_rows

    a, b = (importance_from_rows(rows, **options) for rows in (rows_a, rows_b))
    others = {(panel.model, panel.dataset): panel for panel in b.panels}
    records: list[dict[str, Any]] = []
    for panel in a.panels:
        other = others.get((panel.model, panel.dataset))
        if other is not None:
            sides = [f"{name}: {panel.model}" for name in names]
            records.append(_baseline_record(panel, other, sides[0], sides[1], a.settings))
            records += _records(panel, other, sides[0], sides[1], a.settings)
    if not records:
        had = ["; ".join(f"{p.model} × {p.dataset}" for p in side.panels) for side in (a, b)]
        raise ValueError(f"got {had[0]} and {had[1]}, expected a model and dataset in both stores")
    said = [f"{name}: {note}" for name, side in zip(names, (a, b), strict=True)
            for note in (*_weights(side), *side.messages, *side.warnings)]  # fmt: skip
    alone = [*_only_in(names[0], a, b), *_only_in(names[1], b, a)]
    return _table(f"{names[0]} against {names[1]}", records, a.settings, [*alone, *said])


def _only_in(name: str, own: Importance, other: Importance) -> Iterator[str]:
    """What one store has and the other has not, so that it is not in the table."""
    there = {(panel.model, panel.dataset): panel for panel in other.panels}
    for panel in own.panels:
        place, twin = f"{panel.model} × {panel.dataset}", there.get((panel.model, panel.dataset))
        if twin is None:
            yield f"Only in {name}, not compared: {place}."
            continue
        shared = {c.label for c in twin.conditions}
        lone = dict.fromkeys(c.label for c in panel.conditions if c.label not in shared)
        if lone:
            yield f"Only in {name}, not compared: {place} under {', '.join(lone)}."
        pieces = len(set(panel.pieces) - set(twin.pieces))
        if pieces:
            count = f"{pieces} of {len(panel.pieces)} recordings"
            yield f"Only in {name}, not compared: {place}, {count}."


def _records(
    a: Panel, b: Panel, name_a: str, name_b: str, settings: Settings
) -> list[dict[str, Any]]:
    pieces = sorted(set(a.pieces) & set(b.pieces))
    side_a, side_b = _Side(a, settings.score), _Side(b, settings.score)
    records = []
    for i, j in _pairs(a.conditions, b.conditions):
        drops_a, drops_b = side_a.drops(i, pieces), side_b.drops(j, pieces)
        both = ~np.isnan(drops_a) & ~np.isnan(drops_b)
        base_a, base_b = side_a.baseline(pieces)[both], side_b.baseline(pieces)[both]
        drop_a, drop_b = mean(drops_a[both]), mean(drops_b[both])
        records.append(
            {
                "dataset": a.dataset,
                "label": a.conditions[i].label,
                "condition": a.names[i],
                "parameters": a.conditions[i].parameters,
                "role": a.conditions[i].role,
                "a": name_a,
                "b": name_b,
                "n_pieces": int(both.sum()),
                "baseline_a": mean(base_a),
                "baseline_b": mean(base_b),
                "drop_a": drop_a,
                "drop_b": drop_b,
                **_difference(drops_b - drops_a, _clusters(a, pieces), settings),
                "relative_drop_a": _ratio(drop_a, mean(base_a)),
                "relative_drop_b": _ratio(drop_b, mean(base_b)),
                "excess_a": mean(side_a.excess(i, pieces)[both]),
                "excess_b": mean(side_b.excess(j, pieces)[both]),
            }
        )
    return records


def _baseline_record(
    a: Panel, b: Panel, name_a: str, name_b: str, settings: Settings
) -> dict[str, Any]:
    pieces = sorted(set(a.pieces) & set(b.pieces))
    base_a, base_b = (_Side(panel, settings.score).baseline(pieces) for panel in (a, b))
    both = ~np.isnan(base_a) & ~np.isnan(base_b)
    undefined = dict.fromkeys(_COLUMNS, float("nan"))
    row = next(iter(a.baseline.values()))
    return undefined | {
        "dataset": a.dataset,
        "label": row.label,
        "condition": row.label,
        "parameters": row.parameters,
        "role": "baseline",
        "a": name_a,
        "b": name_b,
        "n_pieces": int(both.sum()),
        "baseline_a": mean(base_a[both]),
        "baseline_b": mean(base_b[both]),
        "drop_a": 0.0,
        "drop_b": 0.0,
        **_difference(base_b - base_a, _clusters(a, pieces), settings),
    }


def _pairs(a: Sequence[Condition], b: Sequence[Condition]) -> list[tuple[int, int]]:
    """Numbers of the conditions that are the same on both sides."""
    pairs = []
    for i, condition in enumerate(a):
        same = [j for j, other in enumerate(b) if other.label == condition.label]
        exact = [j for j in same if b[j].parameters == condition.parameters]
        alone = sum(other.label == condition.label for other in a) == 1 and len(same) == 1
        if exact or alone:
            pairs.append((i, (exact or same)[0]))
    return pairs


def _clusters(panel: Panel, pieces: Sequence[str]) -> list[str]:
    cluster = dict(zip(panel.pieces, panel.compositions, strict=True))
    return [cluster[piece] for piece in pieces]


def _difference(values: Floats, clusters: Sequence[str], settings: Settings) -> dict[str, float]:
    values = snapped(values)
    known = ~np.isnan(values)
    inside = [c for c, k in zip(clusters, known, strict=True) if k]
    n, seed = settings.n_resamples, settings.seed
    found = mean_interval(values[known], None, inside, n_resamples=n, seed=seed).within(-2.0, 2.0)
    p = float("nan")
    if known.any():
        p = float(sign_flip(values[known][:, None], inside, n_resamples=n, seed=seed)[0])
    return {
        "difference": found.estimate,
        "difference_low": found.low,
        "difference_high": found.high,
        "p": p,
    }


def _ratio(top: float, bottom: float) -> float:
    return top / bottom if bottom else float("nan")


def _weights(importance: Importance) -> list[str]:
    rows = [panel.rows[0] for panel in importance.panels]
    return list(
        dict.fromkeys(
            f"{row.model}, {row.weights_label} ({row.weights[:12]}), pi_amt {row.version}"
            for row in rows
        )
    )


def _table(
    title: str, records: list[dict[str, Any]], settings: Settings, said: Sequence[str] = ()
) -> Table:
    tested = [record["role"] == "condition" for record in records]
    p = holm([r["p"] if t else np.nan for r, t in zip(records, tested, strict=True)])
    finished = [record | {"p_holm": float(p[i])} for i, record in enumerate(records)]
    return Table(
        title=title,
        columns=_COLUMNS,
        records=tuple({name: record[name] for name in _COLUMNS} for record in finished),
        footers=(
            f"Score: {settings.score}, mean over the recordings that both sides have; "
            "difference = drop of b − drop of a (baseline line: score of b − score of a).",
            method_note(settings.n_resamples, settings.seed, sum(tested)),
            *said,
        ),
        formats=_FORMATS,
        lead=_LEAD,
        groups=("a", "b", "dataset"),
        intervals=_INTERVALS,
    )  # fmt: skip
