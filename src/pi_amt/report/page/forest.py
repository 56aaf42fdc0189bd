"""The forest plot of the page: positions in per cent, drawn by the template as SVG.

The page's own plot follows the theme, the width of the screen and the keyboard;
:func:`pi_amt.report.figures.plots.forest` draws the one for papers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pi_amt.report.catalog import Entry, by_feature, main_conditions
from pi_amt.report.names import Look
from pi_amt.report.tables.cells import format_value, minus
from pi_amt.statistics.estimates import ConditionResult
from pi_amt.statistics.result import Result

#: above and below the marks of a row, pixels
PADDING = 7
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


@dataclass(frozen=True)
class Axis:
    """A linear axis in per cent of the plot's width."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def place(self, value: float) -> float:
        """Per cent from the left."""
        return round(100 * (value - self.low) / (self.high - self.low), 2)

    def frame_on(self, near: Axis) -> tuple[float, float]:
        """Left edge and width, per cent, at which all of this axis fits into a plot of ``near``."""
        width = 100 * (self.high - self.low) / (near.high - near.low)
        return round(near.place(self.low), 2), round(width, 2)


@dataclass(frozen=True)
class Mark:
    """One model in one row; positions in per cent, ``None`` where undefined."""

    look: Look
    y: float
    drop: float | None
    low: float | None
    high: float | None
    control: float | None
    control_low: float | None
    control_high: float | None
    change: str
    text: str
    interval: str
    excess: str
    excess_interval: str
    p: str
    description: str


@dataclass(frozen=True)
class ForestRow:
    """One condition with the marks of all models.

    ``keys`` are what it can be sorted by, such as the largest drop of any model; large goes first.
    """

    entry: Entry
    marks: tuple[Mark, ...]
    keys: Mapping[str, float]


@dataclass(frozen=True)
class Feature:
    """Conditions that are about one feature, such as the binary, soft and ratio masks of the
    fundamentals; the title is empty where there is only one."""

    title: str
    rows: tuple[ForestRow, ...]


@dataclass(frozen=True)
class Forest:
    """The forest plot of one dataset.

    Attributes:
        dataset: config name.
        axis: holds all rows; positions of marks are on it.
        near: holds the rows that are shown at first, so that what is hidden does not squeeze them.
        features: all conditions, the hidden ones too, in groups.
        step: height of one model in a row, pixels.
        height: height of a row, pixels.
    """

    dataset: str
    axis: Axis
    near: Axis
    features: tuple[Feature, ...]
    step: int
    height: int

    @property
    def rows(self) -> tuple[ForestRow, ...]:
        """All conditions in the order in which they are shown."""
        return tuple(row for feature in self.features for row in feature.rows)


def forests(importance: Result, entries: Sequence[Entry]) -> list[Forest]:
    """One forest plot per dataset, all on the same axes."""
    axis = make_axis(_values(entries))
    near = make_axis(_values(main_conditions(entries) or entries))
    found = []
    for dataset in importance.datasets:
        places = [i for i, panel in enumerate(importance.panels) if panel.dataset == dataset]
        shown = [entry for entry in entries if any(place in entry.results for place in places)]
        step = 30 if any(place in entry.controls for entry in shown for place in places) else 20
        features = tuple(
            Feature(title, tuple(_row(importance, entry, places, axis, step) for entry in members))
            for title, members in by_feature(shown)
        )
        height = 2 * PADDING + step * len(places)
        found.append(Forest(dataset, axis, near, features, step, height))
    return found


def _values(entries: Sequence[Entry]) -> list[float]:
    """Drops and ends of intervals of conditions and their matched controls, as far as known."""
    return [
        value
        for entry in entries
        for result in (*entry.results.values(), *entry.controls.values())
        for value in (result.drop, result.drop_low, result.drop_high)
        if not math.isnan(value)
    ]


def make_axis(values: Sequence[float]) -> Axis:
    """Round limits that hold all values and zero, with 3 to 8 ticks."""
    low, high = min([0.0, *values]), max([0.05, *values])
    step = next((s for s in _STEPS if (high - low) / s <= 7), 2.0)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(round(i * step, 4) + 0.0 for i in range(first, last + 1))
    margin = 0.04 * (ticks[-1] - ticks[0])
    return Axis(ticks[0] - margin, ticks[-1] + margin, ticks)


def ticks_of(forest: Forest) -> list[tuple[float, str]]:
    """(value, ``far``, ``near`` or nothing for both) of the ticks of both axes."""
    far, near = forest.axis.ticks, forest.near.ticks
    kinds = dict.fromkeys(far, "far") | dict.fromkeys(near, "near")
    kinds |= dict.fromkeys(set(far) & set(near), "")
    return sorted(kinds.items())


def _row(
    importance: Result, entry: Entry, places: Sequence[int], axis: Axis, step: int
) -> ForestRow:
    marks = []
    for order, place in enumerate(places):
        look = Look.of(importance, importance.panels[place])
        result, control = entry.results.get(place), entry.controls.get(place)
        middle = PADDING + step * (order + 0.5)
        drop, low, high = _places(axis, result)
        control_drop, control_low, control_high = _places(axis, control)
        marks.append(
            Mark(
                look=look,
                y=middle if control is None else middle - 5,
                drop=drop,
                low=low,
                high=high,
                control=control_drop,
                control_low=control_low,
                control_high=control_high,
                change=_change(result),
                text=minus(format_value(result.drop if result else math.nan)),
                interval=interval_text(result, "drop"),
                excess=minus(format_value(result.excess_drop if result else math.nan)),
                excess_interval=excess_interval_text(result),
                p=format_value(result.p_holm if result else math.nan, "p"),
                description=_describe(look.model, entry, result, control),
            )
        )
    return ForestRow(
        entry, tuple(marks), _keys([entry.results[p] for p in places if p in entry.results])
    )


def _change(result: ConditionResult | None) -> str:
    """``0.812 → 0.301``: the mean score without and with the perturbation."""
    if result is None or math.isnan(result.drop):
        return "–"
    return f"{format_value(result.baseline)} → {format_value(result.perturbed)}"


def _keys(results: Sequence[ConditionResult]) -> dict[str, float]:
    def best(values: Sequence[float]) -> float:
        return round(max((v for v in values if not math.isnan(v)), default=-9.0), 6)

    return {
        "drop": best([result.drop for result in results]),
        "excess": best([result.excess_drop for result in results]),
        "f": best([-result.perturbed for result in results]),
        "p": best([-result.p_holm for result in results]),
    }


def _places(axis: Axis, result: ConditionResult | None) -> list[float | None]:
    """Where a drop and the ends of its interval stand, ``None`` where undefined."""
    if result is None:
        return [None] * 3
    values = (result.drop, result.drop_low, result.drop_high)
    return [None if math.isnan(value) else axis.place(value) for value in values]


def interval_text(result: ConditionResult | None, of: str) -> str:
    """``[low, high]`` of ``drop``, ``excess``, ``relative`` …; empty where undefined."""
    low = getattr(result, f"{of}_low", math.nan)
    if math.isnan(low):
        return ""
    return minus(f"[{format_value(low)}, {format_value(getattr(result, f'{of}_high'))}]")


def excess_interval_text(result: ConditionResult | None) -> str:
    """The interval of the excess, or that the control leaves nothing to compare with."""
    if result is not None and result.control_at_floor == "yes":
        return "control at the floor"
    return interval_text(result, "excess")


def _describe(
    model: str, entry: Entry, result: ConditionResult | None, control: ConditionResult | None
) -> str:
    """What the mark shows, for a tooltip and for screen readers."""
    if result is None or math.isnan(result.drop):
        return f"{model}, {entry.title}: no score"
    said = f"{model}, {entry.title}: drop {format_value(result.drop)} "
    said += interval_text(result, "drop")
    if control is not None and not math.isnan(control.drop):
        said += f"; matched control {format_value(control.drop)} "
        said += interval_text(control, "drop")
    return minus(said.strip())
