"""Differences of drops between models on the same recordings.

A contrast is paired inside each recording (drop here minus drop there) before anything is
resampled: with the same resamples on both sides that is the difference of the two means.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pi_amt.core.units import Floats
from pi_amt.statistics.floor import why_at_floor
from pi_amt.statistics.inference import Inference, interval_over, mean, p_value_over, snapped
from pi_amt.statistics.panels import Panel
from pi_amt.store.rows import COALITION, ConditionKey


@dataclass(frozen=True)
class Side:
    """One side of a contrast: a panel, with the recordings that the other side has, too.

    Attributes:
        name: what to call it.
        pieces: track names; all arrays are ``(pieces,)`` in this order, NaN where missing.
    """

    name: str
    panel: Panel
    score: str
    pieces: tuple[str, ...]

    def baseline(self) -> Floats:
        """Baseline scores."""
        return self._of(self.panel.baseline_values(self.score))

    def drops(self, number: int) -> Floats:
        """Drops under one condition, repeats averaged."""
        return self.baseline() - self._of(self.panel.piece_means(self.score)[number])

    def excess(self, number: int) -> Floats:
        """Drops minus those of the matched control."""
        control = self.panel.control_of(number, "matched_tracks")
        if control is None:
            return np.full(len(self.pieces), np.nan)
        return self.drops(number) - self.drops(control)

    def clusters(self) -> list[str]:
        """The composition of each recording."""
        cluster = dict(zip(self.panel.pieces, self.panel.compositions, strict=True))
        return [cluster[piece] for piece in self.pieces]

    def _of(self, values: Floats) -> Floats:
        place = {piece: i for i, piece in enumerate(self.panel.pieces)}
        return values[[place[piece] for piece in self.pieces]]


def two_sides(a: Panel, b: Panel, names: Sequence[str], score: str) -> tuple[Side, Side]:
    """Two panels on the recordings that both have."""
    pieces = tuple(sorted(set(a.pieces) & set(b.pieces)))
    return Side(names[0], a, score, pieces), Side(names[1], b, score, pieces)


def contrast_records(a: Side, b: Side, inference: Inference) -> list[dict[str, Any]]:
    """One record (column → value) per condition that both sides have.

    There is no p where a side's baseline is at the floor: its drops are no drops to compare.
    """
    at_floor = any(why_at_floor(side.panel, inference) for side in (a, b))
    records = []
    for i, j in paired_conditions(a.panel.conditions, b.panel.conditions):
        condition = a.panel.conditions[i]
        drops_a, drops_b = a.drops(i), b.drops(j)
        both = ~np.isnan(drops_a) & ~np.isnan(drops_b)
        base_a, base_b = mean(a.baseline()[both]), mean(b.baseline()[both])
        drop_a, drop_b = mean(drops_a[both]), mean(drops_b[both])
        records.append(
            {
                "dataset": a.panel.dataset,
                "label": condition.label,
                "condition": a.panel.names[i],
                "parameters": condition.parameters,
                "role": condition.role,
                "a": a.name,
                "b": b.name,
                "n_pieces": int(both.sum()),
                "baseline_a": base_a,
                "baseline_b": base_b,
                "drop_a": drop_a,
                "drop_b": drop_b,
                **paired_difference(drops_b - drops_a, a.clusters(), inference),
                **({"p": np.nan} if at_floor else {}),
                "relative_drop_a": _ratio(drop_a, base_a),
                "relative_drop_b": _ratio(drop_b, base_b),
                "excess_a": mean(a.excess(i)[both]),
                "excess_b": mean(b.excess(j)[both]),
            }
        )
    return records


def paired_conditions(
    a: Sequence[ConditionKey], b: Sequence[ConditionKey]
) -> list[tuple[int, int]]:
    """Numbers of the conditions that are the same on both sides; coalitions are none.

    The options of those that have one label to themselves on each side may differ.
    """
    pairs = []
    for i, condition in enumerate(a):
        if condition.role == COALITION:
            continue
        same = [j for j, other in enumerate(b) if other.label == condition.label]
        exact = [j for j in same if b[j].parameters == condition.parameters]
        alone = sum(other.label == condition.label for other in a) == 1 and len(same) == 1
        if exact or alone:
            pairs.append((i, (exact or same)[0]))
    return pairs


def paired_difference(
    values: Floats, clusters: Sequence[str], inference: Inference
) -> dict[str, float]:
    """Mean of ``(pieces,)`` differences with interval and p, by column."""
    values = snapped(values)
    found = interval_over(values, clusters, inference, limits=(-2.0, 2.0))
    return {
        **found.columns("difference"),
        "p": p_value_over(values, clusters, inference),
    }


def _ratio(top: float, bottom: float) -> float:
    return top / bottom if bottom else np.nan
