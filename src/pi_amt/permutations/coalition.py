"""Coalitions: what is left of a recording when only some of the players of its sound are present.

The players share the sound among themselves: ranges of partials, and ``rest`` for all that no other
player names (residual, hammers, room, and the other partials). F under every coalition makes the
exact Shapley values of the players (:mod:`pi_amt.statistics.shapley`), which say where F comes
from.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import compress
from typing import ClassVar

import torch

from pi_amt.core.checks import check_choice
from pi_amt.core.partials import INHARMONICITIES
from pi_amt.permutations import partial_powers
from pi_amt.permutations.fill import Gains
from pi_amt.permutations.masks import partials_in_words
from pi_amt.permutations.partial_powers import ESTIMATE, N_PARTIALS, Overview
from pi_amt.permutations.permutation import SUFFICIENCY, Change, Permutation, Scene

REST = "rest"
#: what a coalition without players is called
NOTHING = "nothing"
#: the fundamental, the second and the third partial, those above, and everything else
PLAYERS = "f0+h2+h3+h4-h10+rest"
MOST_PLAYERS = 8
_EXPECTED = "expected f0, a partial such as h2, a range such as h4-h10, or rest"


@dataclass(frozen=True)
class Coalition(Permutation):
    """Only the players that are ``present`` sound: the shares of all others are removed.

    If ``rest`` is present, the partials of the absent players are removed as a ratio mask removes
    them. If it is not, nothing is kept but the partials of the present players, as a ratio mask
    keeps them. Without any player nothing is left; with all of them the input stays as it is, to
    the bit.

    Attributes:
        players: names, with ``+`` or blanks between them or as a sequence: ``f0`` (or ``h1``),
            ``h2`` and so on for single partials, ``h4-h10`` for a range, and ``rest``, which must
            be among them.
        present: the names of those that sound, in the same form; ``nothing`` for none.
        inharmonicity: ``piano``, ``none`` or ``estimate``, as of a ratio mask.
    """

    players: str = PLAYERS
    present: str = "f0"
    inharmonicity: str = "piano"

    name: ClassVar[str] = "coalition"
    summary: ClassVar[str] = "ratio: only some players sound, of f0, h2, … and rest"
    needs_notes = True
    needs_overview = True
    normalization = "model"
    tests = SUFFICIENCY

    def __post_init__(self) -> None:
        check_choice("inharmonicity", self.inharmonicity, (*INHARMONICITIES, ESTIMATE))
        players = _players(self.players)
        object.__setattr__(self, "players", "+".join(players))
        object.__setattr__(self, "present", _present(self.present, players))

    @property
    def members(self) -> dict[str, bool]:
        """Each player, in order, and whether it is present."""
        present = self.present.split("+")
        return {name: name in present for name in self.players.split("+")}

    @property
    def is_whole(self) -> bool:
        """Whether all players are present, so that the input stays as it is."""
        return all(self.members.values())

    @property
    def keeps(self) -> bool:
        """Whether only what is present is kept; else what is absent is removed."""
        return not self.members[REST]

    def partials(self, present: bool) -> tuple[int, ...]:
        """The partial numbers of the players that are present, or of those that are absent; those
        of ``rest`` are not among them."""
        names = (name for name, is_in in self.members.items() if is_in is present)
        return tuple(k for name in names for k in partials_of(name))

    @property
    def feature_in_words(self) -> str:
        numbers = self.partials(present=True)
        named = [partials_in_words(numbers)] if numbers else []
        named += ["the rest"] if self.members[REST] else []
        return " and ".join(named) or "nothing"

    @property
    def method_version(self) -> str:
        return partial_powers.VERSIONS[self.keeps]

    def added_version(self, linear_input: bool | None) -> str:
        return "" if self.is_whole else partial_powers.ADDED_VERSIONS[self.keeps][linear_input]

    @property
    def can_leak(self) -> bool:
        return self.keeps

    @property
    def out_of_distribution(self) -> bool:
        return self.keeps

    def draw(self, scene: Scene) -> Change:
        if self.is_whole:
            return Change(lambda spectrogram: spectrogram)
        spectrogram, notes = scene.spectrogram, scene.reference
        members = {name: there for name, there in self.members.items() if name != REST}
        groups = tuple(partials_of(name) for name in members)
        chosen = [there == self.keeps for there in members.values()]
        overview = scene.overview or Overview.of(spectrogram)
        powers = overview.partials(notes, self.inharmonicity)
        gains = powers.gains_of_groups(spectrogram, groups, chosen, self.keeps)
        return Change(Gains(torch.from_numpy(gains)).apply, stiffness=powers.stiffness)


def coalitions(
    players: str | Sequence[str] = PLAYERS, inharmonicity: str = "piano"
) -> list[Coalition]:
    """All coalitions of some players but the whole, for which the baseline stands.

    ``pi_amt.importance(model, tracks, permutations=coalitions())`` computes what
    ``result.shapley()`` needs.

    Args:
        players: see :class:`Coalition`.
        inharmonicity: ``piano``, ``none`` or ``estimate``.

    Raises:
        ValueError: for players that cannot be, see :class:`Coalition`.
    """
    names = _players(players)
    found = [
        "+".join(compress(names, [number >> place & 1 for place in range(len(names))])) or NOTHING
        for number in range(2 ** len(names) - 1)
    ]
    return [Coalition("+".join(names), present, inharmonicity) for present in found]


def _players(players: str | Sequence[str]) -> tuple[str, ...]:
    """The players by their plain names, in the given order."""
    names = tuple(_plain(name) for name in _words("players", players))
    if not 2 <= len(names) <= MOST_PLAYERS:
        raise ValueError(
            f"players: got {len(names)} ({players}), expected 2 to {MOST_PLAYERS}: of n players "
            "there are 2^n coalitions"
        )
    for place, name in enumerate(names):
        for other in names[:place]:
            if name == other or set(partials_of(name)) & set(partials_of(other)):
                raise ValueError(
                    f"players: got {other} and {name}, expected players that share no partial"
                )
    if REST not in names:
        raise ValueError(
            f"players: got {'+'.join(names)} without rest, add rest: all players together must be "
            "the whole sound"
        )
    return names


def _present(present: str | Sequence[str], players: Sequence[str]) -> str:
    """Those that are present, in the order of the players."""
    names = [_plain(name) for name in _words("present", present) if name != NOTHING]
    for name in names:
        if name not in players:
            raise ValueError(
                f"present: got {name}, expected some of {', '.join(players)}, or {NOTHING}"
            )
    return "+".join(name for name in players if name in names) or NOTHING


def _words(option: str, given: str | Sequence[str]) -> list[str]:
    words = [given] if isinstance(given, str) else given
    if not isinstance(words, Sequence) or not all(isinstance(word, str) for word in words):
        raise ValueError(f"{option}: got {given!r}, expected names such as {PLAYERS}")
    return [name for word in words for name in re.split(r"[\s+,]+", word) if name]


def _plain(name: str) -> str:
    """A player's plain name: ``h1`` is ``f0``, and ``h4-10`` is ``h4-h10``."""
    if name == REST:
        return REST
    numbers = partials_of(name)
    first, last = (f"h{k}" if k > 1 else "f0" for k in (numbers[0], numbers[-1]))
    return first if first == last else f"{first}-{last}"


@cache
def partials_of(name: str) -> tuple[int, ...]:
    """The partial numbers of a player; none of ``rest``.

    Raises:
        ValueError: unless the name is ``f0``, ``h`` and a number, a range of these, or ``rest``.
    """
    if name == REST:
        return ()
    found = re.fullmatch(r"(f0|h\d+)(?:-h?(\d+))?", name)
    if found is None:
        raise ValueError(f"players: got {name!r}, {_EXPECTED}")
    first = 1 if found[1] == "f0" else int(found[1][1:])
    last = first if found[2] is None else int(found[2])
    if not 1 <= first <= last <= N_PARTIALS:
        raise ValueError(
            f"players: got {name!r}, expected partials from f0 to h{N_PARTIALS}, of a range the "
            "lower one first; all higher partials belong to rest"
        )
    return tuple(range(first, last + 1))
