"""Where a score comes from, as one bar per model that is put together of its players.

What a player contributes is a segment. Contributions above zero are laid side by side to the right
of zero, and those below zero to the left of it: the score is what the right ones reach, minus what
the left ones take back, and a mark shows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pi_amt.permutations.coalition import NOTHING, REST, partials_of
from pi_amt.report.figures.style import INK, WIDE, drawable, new_axes, paper_style
from pi_amt.report.names import Look, score_name
from pi_amt.report.tables.cells import rounded
from pi_amt.report.tables.shapley import with_values
from pi_amt.statistics.result import Result
from pi_amt.statistics.shapley import Attribution

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: From low to high partials, dark to light, so that nothing rests on the hue (after viridis), with
#: the colour of what is written on each. Models have other colours.
_SHADES = (
    ("#3b1c5a", "#ffffff"), ("#3f4788", "#ffffff"), ("#2e6f8e", "#ffffff"), ("#1f8a70", "#ffffff"),
    ("#6cb96a", INK), ("#b5d85b", INK), ("#f3e55c", INK),
)  # fmt: skip
_REST, _NOTHING = ("#b9bec7", INK), ("#ffffff", INK)
#: shares of the axis that a segment needs for its name: for each letter, and at least
_ROOM_PER_LETTER, _ROOM = 0.014, 0.065


@dataclass(frozen=True)
class Segment:
    """One player's part of a bar, from ``start`` to ``stop``, in units of the score.

    Attributes:
        name: of the player.
        value: its Shapley value: the length, negative to the left of zero.
        colour, ink: ``#RRGGBB`` of the segment and of what is written on it.
    """

    name: str
    value: float
    start: float
    stop: float
    colour: str
    ink: str


@dataclass(frozen=True)
class Bar:
    """One model on one dataset, put together of its players.

    Attributes:
        attribution: whose bar it is.
        look: of the model.
        segments: of its players, in their order.
    """

    attribution: Attribution
    look: Look
    segments: tuple[Segment, ...]

    @property
    def whole(self) -> float:
        """The score: what the segments add up to."""
        return self.attribution.parts.whole.value.estimate


def bars(importance: Result) -> list[Bar]:
    """One per model, dataset and set of players of which there are Shapley values."""
    attributions = with_values(importance)
    colours = _colours([name for one in attributions for name in one.players])
    return [
        Bar(one, Look.of(importance, one.panel), tuple(_segments(one, colours)))
        for one in attributions
    ]


def span_of(shown: Sequence[Bar]) -> tuple[float, float]:
    """First and last value of an axis on which all bars have room."""
    edges = [edge for bar in shown for part in bar.segments for edge in (part.start, part.stop)]
    return min(0.0, *edges), max(1e-3, *edges)


def has_room(part: Segment, span: tuple[float, float]) -> bool:
    """Whether a segment is long enough for its name."""
    room = max(_ROOM, _ROOM_PER_LETTER * len(part.name))
    return abs(part.value) >= room * (span[1] - span[0])


def key_of(shown: Sequence[Bar]) -> dict[tuple[str, str], None]:
    """(name, colour) of everything that the bars are put together of, each once."""
    return dict.fromkeys((part.name, part.colour) for bar in shown for part in bar.segments)


def where_from(importance: Result, ax: Axes | None = None) -> Axes:
    """A stacked bar per model and dataset that adds up to its score.

    Raises:
        ValueError: if there are no Shapley values.
    """
    shown = bars(importance)
    if not shown:
        raise ValueError(
            "got no Shapley values, expected rows of every coalition; run experiment=shapley"
        )
    from matplotlib.patches import Patch  # matplotlib takes a second to load

    span = span_of(shown)
    with paper_style():
        ax = new_axes(ax, WIDE, height_of(importance))
        for row, bar in enumerate(shown):
            for part in bar.segments:
                ax.barh(row, part.value, 0.62, part.start, color=part.colour, ec=INK, linewidth=0.5)
                if has_room(part, span):
                    ax.text(
                        (part.start + part.stop) / 2, row,
                        f"{part.name}\n{rounded(part.value)}",
                        ha="center", va="center", fontsize=7, color=part.ink,
                    )  # fmt: skip
            for side in (-1, 1):  # beside the bar, so that it crosses nothing that is written
                ends = [row + side * 0.31, row + side * 0.42]
                ax.plot([bar.whole, bar.whole], ends, color=INK, linewidth=2)
            whole = f"{score_name(importance.score)} {rounded(bar.whole)}"
            ax.annotate(
                drawable(whole), (bar.whole, row - 0.42), (0, 1), textcoords="offset points",
                ha="center", va="bottom", fontsize=7.5, fontweight="bold",
            )  # fmt: skip
        key = [Patch(fc=c, ec=INK, lw=0.5, label=name) for name, c in key_of(shown)]
        ax.legend(handles=key, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=9, fontsize=7.5)
        ax.axvline(0, color=INK, linewidth=0.9)
        ax.set_yticks(range(len(shown)), [_label(importance, bar) for bar in shown])
        ax.set_ylim(len(shown) - 0.5, -0.75)
        ax.grid(axis="y", visible=False)
        ax.set_xlabel(f"contribution to {drawable(score_name(importance.score))} (Shapley values)")
    return ax


def height_of(importance: Result) -> float:
    """Of the figure, inches."""
    return 1.2 + 0.75 * max(len(bars(importance)), 1)


def _segments(one: Attribution, colours: Mapping[str, tuple[str, str]]) -> list[Segment]:
    right = left = 0.0
    found = []
    for part in (*one.parts.players, one.parts.nothing):
        value = part.value.estimate
        start = right if value >= 0 else left
        if value >= 0:
            right += value
        else:
            left += value
        if value != 0:
            found.append(Segment(part.name, value, start, start + value, *colours[part.name]))
    return found


def _colours(players: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Player → colour of its segments and of what is written on them; models whose players differ
    share the shades, so that none stands for two players."""
    partials = sorted({name for name in players if name != REST}, key=partials_of)
    steps = (len(_SHADES) - 1) / max(len(partials) - 1, 1)
    shades = {name: _SHADES[round(i * steps)] for i, name in enumerate(partials)}
    return {**shades, REST: _REST, NOTHING: _NOTHING}


def _label(importance: Result, bar: Bar) -> str:
    lines = [bar.look.model + bar.look.badge.replace(" (", "\n(")]
    if len(importance.datasets) > 1:
        lines.append(bar.look.dataset)
    return drawable("\n".join(lines))
