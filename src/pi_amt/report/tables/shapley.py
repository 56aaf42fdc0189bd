"""Where a score comes from, as tables: Shapley values, interactions, the score of every coalition.

The numbers are those of :mod:`pi_amt.statistics.shapley`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pi_amt.core.text import enumeration, plural
from pi_amt.permutations.coalition import REST, partials_of
from pi_amt.permutations.masks import partials_in_words
from pi_amt.report.names import score_name
from pi_amt.report.tables.cells import format_value
from pi_amt.report.tables.table import Table, bounds_of, with_bounds
from pi_amt.statistics.bootstrap import UNDEFINED
from pi_amt.statistics.result import Result
from pi_amt.statistics.shapley import LIMITS, Attribution

_GROUPS = ("model", "dataset", "players")


def shapley_table(importance: Result) -> Table:
    """What each player contributes to the score; no line where no coalition was run."""
    found = with_values(importance)
    registers = [name for name in LIMITS if any(name in one.by_register for one in found)]
    name = score_name(importance.score)
    notes = [
        f"shapley: what a player contributes to {name}, averaged over all orders in which the "
        f"players can join. The values, and what is left without any player (nothing), add up to "
        f"{name} of the whole recording (all); share: of that.",
        f"Intervals: {importance.inference.intervals_in_words}.",
    ]
    if registers:
        limits = ", ".join(f"{name}: {LIMITS[name]}" for name in registers)
        notes.append(
            f"{limits}: the same for {name} of these notes alone, over the recordings that have "
            "such notes."
        )
    return Table(
        title=f"Where {name} comes from",
        columns=(
            *(*_GROUPS, "player", "n_pieces"),
            *with_bounds(("shapley",)),
            "share",
            *with_bounds(registers),
        ),
        records=tuple(record for one in found for record in _lines(one, registers)),
        footers=tuple(notes),
        formats={"share": ".2f"},
        lead=("player", "shapley", "share", *registers, *_GROUPS, "n_pieces"),
        main=(*_GROUPS, "player", "n_pieces", *with_bounds(("shapley",)), "share", *registers),
        groups=_GROUPS,
        intervals=bounds_of(("shapley", *registers)),
    )


def interaction_table(importance: Result) -> Table:
    """What each pair of players adds together beyond what each adds alone."""
    records = [
        {
            **_place(one),
            "pair": " × ".join(pair.players),
            "n_pieces": len(one.pieces),
            "kind": pair.kind,
            **pair.value.columns("interaction"),
        }
        for one in with_values(importance)
        for pair in one.interactions
    ]
    return Table(
        title="Which players stand in for each other, and which need each other",
        columns=(*_GROUPS, "pair", "n_pieces", *with_bounds(("interaction",)), "kind"),
        records=tuple(records),
        footers=(
            "interaction: what two players add together beyond what each adds alone (Shapley "
            "interaction index). redundant: one can stand in for the other (the interval is below "
            "0); synergy: each needs the other (the interval is above 0).",
        ),
        lead=("pair", "interaction", "kind", *_GROUPS, "n_pieces"),
        groups=_GROUPS,
        intervals=bounds_of(("interaction",)),
    )


def coalition_table(importance: Result) -> Table:
    """The score of every coalition that was run, over the recordings that have it."""
    records = [
        {
            **_place(one),
            "present": one.name_of(number),
            "n_pieces": n_pieces,
            **score.columns("score"),
        }
        for one in importance.attributions
        for number in (*sorted(one.numbers), 2 ** len(one.players) - 1)
        for score, n_pieces in [one.score_of(number)]
    ]
    name = score_name(importance.score)
    return Table(
        title=f"{name} of every coalition",
        columns=(*_GROUPS, "present", "n_pieces", *with_bounds(("score",))),
        records=tuple(records),
        footers=(f"Mean {name} where only these players sound; the last line is the baseline.",),
        lead=("present", "score", *_GROUPS, "n_pieces"),
        groups=_GROUPS,
        intervals=bounds_of(("score",)),
    )


def shapley_sentence(one: Attribution, model: str, dataset: str) -> str:
    """Where a score comes from, with these names for its model and dataset."""
    parts = sorted(one.parts.players, key=lambda part: -part.value.estimate)
    told = [
        f"{format_value(part.value.estimate, '.2f')} from {player_in_words(part.name)}"
        for part in parts
    ]
    whole, left = (
        format_value(part.value.estimate, ".2f") for part in (one.parts.whole, one.parts.nothing)
    )
    told += [] if float(left) == 0 else [f"{left} that is left without any sound"]
    return (
        f"{model}'s {score_name(one.inference.score)} of {whole} on {dataset} is the sum of "
        f"{enumeration(told)} (Shapley values, mean over "
        f"{plural(len(one.pieces), 'recording')})."
    )


def player_in_words(player: str) -> str:
    """What a player is: ``h4-h10`` → ``harmonics 4 to 10``."""
    return "the rest" if player == REST else partials_in_words(partials_of(player))


def with_values(importance: Result) -> list[Attribution]:
    """The attributions that have any recording with all coalitions."""
    return [one for one in importance.attributions if one.known]


def _lines(one: Attribution, registers: Sequence[str]) -> Iterator[dict[str, Any]]:
    by_register = {name: one.by_register.get(name) for name in registers}
    for number, part in enumerate(one.parts.lines):
        line = {
            **_place(one),
            "player": part.name,
            "n_pieces": len(one.pieces),
            "share": part.share,
            **part.value.columns("shapley"),
        }
        for name, parts in by_register.items():
            line |= (parts.lines[number].value if parts else UNDEFINED).columns(name)
        yield line


def _place(one: Attribution) -> dict[str, Any]:
    return {"model": one.model, "dataset": one.dataset, "players": "+".join(one.players)}
