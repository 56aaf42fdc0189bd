"""The league table as one file in the report's look: a picture of each ranking, and all numbers."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pi_amt.report.names import dataset_title, model_title
from pi_amt.report.page.forest import Axis, make_axis
from pi_amt.report.page.render import check_output, write_chartless
from pi_amt.report.tables.cells import minus
from pi_amt.report.tables.league import RANKED, RULE, league_table, rank_texts, size_table
from pi_amt.statistics.bootstrap import Interval
from pi_amt.statistics.reliance import Standing, measure_in_words, standings
from pi_amt.statistics.result import Result


@dataclass(frozen=True)
class Line:
    """One model: its rank, and where its value stands, per cent of the axis."""

    model: str
    rank: str
    place: float
    low: float | None
    high: float | None
    value: str
    interval: str


def write_league(result: Result, output: str | os.PathLike[str]) -> Path:
    """Write the league table of a result as a page.

    Args:
        result: of models that heard perturbed sound.
        output: the HTML file.

    Returns:
        The HTML file.

    Raises:
        ValueError: if the output is a folder, or no model heard perturbed sound.
    """
    output = Path(output)
    check_output("league", output)
    found = standings(result)
    if not found:
        raise ValueError(
            "league: got no rows of domain=audio, expected those of a model or more; run a study "
            "with domain=audio first"
        )
    tables = {"league": league_table(found)}
    if len(sizes := size_table(found)):
        tables["sizes"] = sizes
    return write_chartless(
        "league.html.j2",
        output,
        tables["league"].footers,
        kind="League table",
        title="What do transcription models rely on?",
        lede="All models heard the same perturbed sound of the same recordings.",
        tabs=[("league", "League table", 0)],
        closing="Models share places where intervals do not tell them apart.",
        blocks=[block for name in RANKED for block in _blocks(found, name)],
        tables=tables,
        rule=RULE,
    )


def _blocks(found: Sequence[Standing], name: str) -> list[tuple[str, Axis, list[Line]]]:
    """(title, axis, lines) of each dataset; the largest value first."""
    blocks = []
    for dataset in dict.fromkeys(one.dataset for one in found):
        here = [one for one in found if one.dataset == dataset and name in one.values]
        if not here:
            continue
        ranks = dict(zip(map(id, here), rank_texts(here, name), strict=True))
        here.sort(key=lambda one: -one.values[name].estimate)
        shown = [one.values[name] for one in here]
        ends = [end for v in shown for end in (v.estimate, v.low, v.high) if not math.isnan(end)]
        axis = make_axis([min(max(end, -1.0), 1.0) for end in ends])
        title = f"{dataset_title(dataset)}: {measure_in_words(name)}"
        lines = [_line(one, one.values[name], ranks[id(one)], axis) for one in here]
        blocks.append((title, axis, lines))
    return blocks


def _line(one: Standing, value: Interval, rank: str, axis: Axis) -> Line:
    def place(number: float) -> float | None:
        return None if math.isnan(number) else axis.place(min(max(number, -1.0), 1.0))

    known = not math.isnan(value.low)
    return Line(
        model=model_title(one.model),
        rank=rank,
        place=place(value.estimate) or 0.0,
        low=place(value.low),
        high=place(value.high),
        value=minus(f"{value.estimate:.2f}"),
        interval=minus(f"[{value.low:.2f}, {value.high:.2f}]") if known else "",
    )
