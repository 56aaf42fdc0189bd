"""The section of the page that says where the score comes from: the bars of
:mod:`pi_amt.report.figures.shapley`, in per cent of the width of their axis."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pi_amt.permutations.coalition import NOTHING, REST
from pi_amt.report.figures.shapley import Bar, Segment, bars, has_room, key_of, span_of
from pi_amt.report.names import Look, score_name
from pi_amt.report.tables.cells import rounded
from pi_amt.report.tables.shapley import player_in_words
from pi_amt.statistics.result import Result


@dataclass(frozen=True)
class Stretch:
    """One player's part of a bar: where it begins, how wide it is and where its middle is, per
    cent; ``text`` is its value, empty where there is no room for it."""

    name: str
    x: float
    width: float
    middle: float
    colour: str
    ink: str
    text: str
    description: str


@dataclass(frozen=True)
class Line:
    """One bar, and what stands beside it; ``zero`` and ``sum`` are places, per cent."""

    look: Look
    parts: tuple[Stretch, ...]
    zero: float
    sum: float
    text: str
    interval: str
    description: str


@dataclass(frozen=True)
class Section:
    """The bars, and a key of their players: name, colour and what each is, in words. No bar where
    there are no values."""

    bars: tuple[Line, ...]
    key: tuple[tuple[str, str, str], ...]


def section(importance: Result) -> Section:
    """What the page shows."""
    shown = bars(importance)
    if not shown:
        return Section((), ())
    span = span_of(shown)
    score = score_name(importance.score)
    key = tuple((name, colour, _explained(name)) for name, colour in key_of(shown))
    return Section(tuple(_line(bar, span, score) for bar in shown), key)


def _line(bar: Bar, span: tuple[float, float], score: str) -> Line:
    low, high = span

    def place(value: float) -> float:
        return round(100 * (value - low) / (high - low), 2)

    def stretch(part: Segment) -> Stretch:
        start, stop = place(min(part.start, part.stop)), place(max(part.start, part.stop))
        value = rounded(part.value)
        return Stretch(
            name=part.name,
            x=start,
            width=round(stop - start, 2),
            middle=round((start + stop) / 2, 2),
            colour=part.colour,
            ink=part.ink,
            text=value if has_room(part, span) else "",
            description=f"{part.name}: {value}",
        )

    parts = tuple(stretch(part) for part in bar.segments)
    whole = bar.attribution.parts.whole.value
    text = f"{score} {rounded(whole.estimate)}"
    told = ", ".join(part.description for part in parts)
    known = not math.isnan(whole.low)
    bounds = f"{rounded(whole.low)}, {rounded(whole.high)}"
    interval = f"[{bounds}]" if known else ""
    return Line(
        bar.look, parts, place(0.0), place(bar.whole), text, interval, f"{text}; of it {told}"
    )


def _explained(player: str) -> str:
    """A player for those who read its name for the first time."""
    if player == NOTHING:
        return "what is left without any sound"
    return "hammers, room and all other partials" if player == REST else player_in_words(player)
