"""Rows of every coalition of some players, whose scores are a function of who is present."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tests.rows import make_row

from pi_amt.permutations.coalition import Coalition, coalitions
from pi_amt.store.rows import Row
from pi_amt.study.conditions import describe

#: who is present, and the number of the recording → score
Game = Callable[[frozenset[str], int], float]


def coalition_row(
    coalition: Coalition, score: float, *, track: str = "piece_00", **fields: Any
) -> Row:
    """The row of one coalition."""
    given: dict[str, Any] = {
        "role": "coalition",
        "target": "",
        "effects": {"touched_share": 0.3},
        **fields,
    }
    label = f"coalition(present={coalition.present})"
    return make_row(label, score, track=track, parameters=describe(coalition), **given)


def shapley_rows(
    game: Game, players: str | Sequence[str] = "f0 h2 rest", *, n_pieces: int = 8, **fields: Any
) -> list[Row]:
    """Baseline and coalitions of a study on one model and dataset."""
    found = coalitions(players)
    everyone = frozenset(found[0].members)
    rows = []
    for piece in range(n_pieces):
        common = {"track": f"piece_{piece:02d}", **fields}
        rows.append(make_row("no_permutation", game(everyone, piece), **common))
        for coalition in found:
            present = frozenset(name for name, there in coalition.members.items() if there)
            rows.append(coalition_row(coalition, game(present, piece), **common))
    return rows
