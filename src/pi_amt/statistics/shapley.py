"""Where a score comes from: exact Shapley values of the players of the sound.

With v(S) the score when only the players S sound (:mod:`pi_amt.permutations.coalition`), the value
of player i among n is its mean contribution over all orders in which players can join:

    φ_i = Σ_S  |S|! (n − |S| − 1)! / n!  · (v(S ∪ i) − v(S))                  over all S without i

In every recording the values add up to the score of the whole minus that of nothing. The
interaction of two players (Grabisch & Roubens 1999) is what both together add beyond what each
adds alone, over the orders of the others:

    I_ij = Σ_T  |T|! (n − |T| − 2)! / (n − 1)!  · (v(T ∪ ij) − v(T ∪ i) − v(T ∪ j) + v(T))

It is negative where one can stand in for the other, and positive where each needs the other.

A recording counts only with all coalitions. Coalitions are numbered by bits: the first player is
present in those with the lowest bit set, and the last number is the whole, for which the baseline
stands. Reference: Shapley, "A value for n-person games" (1953).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import combinations, compress
from math import factorial, nan
from typing import Any

import numpy as np

from pi_amt.core.notes import REGISTERS
from pi_amt.core.text import first_few, plural
from pi_amt.core.units import Floats
from pi_amt.permutations.coalition import NOTHING, REST, Coalition
from pi_amt.scoring.note_table import NoteTable
from pi_amt.scoring.notes import F_MEASURE
from pi_amt.statistics.bootstrap import Interval
from pi_amt.statistics.breakdown import FACTORS
from pi_amt.statistics.inference import Inference, interval_over, mean, snapped
from pi_amt.statistics.panels import Panel, note_table
from pi_amt.store.rows import COALITION, ConditionKey

#: register → its limits in words
LIMITS = dict(zip(REGISTERS, FACTORS["register"][1], strict=True))
#: the score that the parts add up to
ALL = "all"


def shapley_values(scores: Floats) -> Floats:
    """Values ``(…, n)`` of n players from the scores ``(…, 2^n)`` of all coalitions."""
    return np.asarray(scores @ _weights(_n_players(scores)))


def shapley_interactions(scores: Floats) -> Floats:
    """Interactions ``(…, pairs)`` from the scores ``(…, 2^n)`` of all coalitions, in the order of
    ``itertools.combinations``."""
    return np.asarray(scores @ _pair_weights(_n_players(scores)))


def _n_players(scores: Floats) -> int:
    n = int(scores.shape[-1]).bit_length() - 1
    if scores.shape[-1] != 2**n or n < 1:
        raise ValueError(f"got {scores.shape[-1]} scores, expected 2^n, one per coalition")
    return n


@cache
def _weights(n: int) -> Floats:
    """``(2^n, n)`` by which the score of each coalition enters each player's value."""
    weights = np.zeros((2**n, n))
    for number in range(2**n):
        size = number.bit_count()
        for player in range(n):
            there = number >> player & 1
            others = size - there
            share = factorial(others) * factorial(n - others - 1) / factorial(n)
            weights[number, player] = share if there else -share
    return weights


@cache
def _pair_weights(n: int) -> Floats:
    """``(2^n, pairs)`` by which the score of each coalition enters each interaction."""
    pairs = list(combinations(range(n), 2))
    weights = np.zeros((2**n, len(pairs)))
    for number in range(2**n):
        for column, pair in enumerate(pairs):
            there = sum(number >> player & 1 for player in pair)
            others = number.bit_count() - there
            share = factorial(others) * factorial(n - others - 2) / factorial(n - 1)
            weights[number, column] = -share if there == 1 else share
    return weights


@dataclass(frozen=True)
class Part:
    """A part of a score.

    Attributes:
        name: of the player that contributes it, or ``nothing`` or ``all``.
        value: mean over recordings, with its interval.
        share: of the mean score of the whole; NaN where that is 0.
    """

    name: str
    value: Interval
    share: float


@dataclass(frozen=True)
class Parts:
    """A score and its parts: what the ``players`` contribute and what is left with ``nothing`` add
    up to the ``whole``."""

    players: tuple[Part, ...]
    nothing: Part
    whole: Part

    @property
    def lines(self) -> tuple[Part, ...]:
        """All of them, the sum last."""
        return (*self.players, self.nothing, self.whole)


@dataclass(frozen=True)
class Interaction:
    """What two players add together beyond what each adds alone."""

    players: tuple[str, str]
    value: Interval

    @property
    def kind(self) -> str:
        """``redundant`` or ``synergy`` where the interval tells, else empty."""
        if self.value.high < 0:
            return "redundant"
        return "synergy" if self.value.low > 0 else ""


@dataclass(frozen=True, eq=False)
class Attribution:
    """The score of one model on one dataset, shared among its players.

    Attributes:
        panel: with the rows.
        inference: score, resamples, seed, level.
        players: their names.
        options: of the coalitions, besides which players are present.
        numbers: coalition number → number of its condition in the panel, of those that were run.
    """

    panel: Panel = field(repr=False)
    inference: Inference
    players: tuple[str, ...]
    options: Mapping[str, Any]
    numbers: Mapping[int, int] = field(repr=False)

    @property
    def model(self) -> str:
        """Config name."""
        return self.panel.model

    @property
    def dataset(self) -> str:
        """Config name."""
        return self.panel.dataset

    @cached_property
    def all_scores(self) -> Floats:
        """``(all pieces, coalitions)`` scores, repeats averaged, NaN where there is none."""
        scores = np.full((len(self.panel.pieces), 2 ** len(self.players)), nan)
        means = self.panel.piece_means(self.inference.score)
        for number, condition in self.numbers.items():
            scores[:, number] = means[condition]
        scores[:, -1] = self.panel.baseline_values(self.inference.score)
        return scores

    @cached_property
    def known(self) -> tuple[int, ...]:
        """Places in the panel of the recordings that have all coalitions."""
        return tuple(np.flatnonzero(~np.isnan(self.all_scores).any(axis=1)).tolist())

    @property
    def pieces(self) -> tuple[str, ...]:
        """The recordings that have all coalitions."""
        return tuple(self.panel.pieces[place] for place in self.known)

    @property
    def scores(self) -> Floats:
        """``(pieces, coalitions)`` scores of the recordings that have all."""
        return self.all_scores[list(self.known)]

    @property
    def values(self) -> Floats:
        """``(pieces, players)`` Shapley values of every recording."""
        return snapped(shapley_values(self.scores))

    @cached_property
    def parts(self) -> Parts:
        """The mean score of these recordings, and its parts."""
        return self._parts(self.scores, self.known)

    @cached_property
    def interactions(self) -> tuple[Interaction, ...]:
        """Of every pair of players, the strongest first."""
        values = snapped(shapley_interactions(self.scores))
        found = [
            Interaction(pair, self._interval(column, self.known, (-2.0, 2.0)))
            for pair, column in zip(combinations(self.players, 2), values.T, strict=True)
        ]
        return tuple(sorted(found, key=lambda one: -abs(np.nan_to_num(one.value.estimate))))

    @cached_property
    def by_register(self) -> dict[str, Parts]:
        """Register → parts of the score of its notes alone, over the recordings that have such
        notes. Empty for other scores than F, and where rows hold no note tables."""
        found = {}
        if self.inference.score == F_MEASURE:
            for register, scores in zip(REGISTERS, self._register_scores(), strict=True):
                places = np.flatnonzero(~np.isnan(scores).any(axis=1))
                if len(places):
                    found[register] = self._parts(scores[places], places.tolist())
        return found

    def score_of(self, number: int) -> tuple[Interval, int]:
        """Mean score of one coalition over the recordings that have it, and how many these are."""
        column = self.all_scores[:, number]
        places = np.flatnonzero(~np.isnan(column))
        return self._interval(column[places], places.tolist(), (0.0, 1.0)), len(places)

    def name_of(self, number: int) -> str:
        """Who is present in a coalition."""
        there = (number >> place & 1 for place in range(len(self.players)))
        return "+".join(compress(self.players, there)) or NOTHING

    @property
    def not_run(self) -> list[str]:
        """Names of the coalitions of which there is no row."""
        return [self.name_of(n) for n in range(2 ** len(self.players) - 1) if n not in self.numbers]

    @property
    def absent(self) -> list[str]:
        """Players whose absence touches no bin of any recording: no note has these partials."""
        touched = self.panel.piece_means("touched_share", "effects")
        everyone = 2 ** len(self.players) - 1
        found = []
        for place, name in enumerate(self.players):
            condition = self.numbers.get(everyone - (1 << place))
            if name != REST and condition is not None and self.known:
                shares = touched[condition][list(self.known)]
                found += [name] if bool((shares == 0).all()) else []
        return found

    def _parts(self, scores: Floats, places: Sequence[int]) -> Parts:
        whole = mean(scores[:, -1])

        def part(name: str, column: Floats, lowest: float) -> Part:
            value = self._interval(column, places, (lowest, 1.0))
            return Part(name, value, value.estimate / whole if whole else nan)

        values = snapped(shapley_values(scores)).T
        return Parts(
            tuple(part(name, v, -1.0) for name, v in zip(self.players, values, strict=True)),
            part(NOTHING, scores[:, 0], 0.0),
            part(ALL, scores[:, -1], 0.0),
        )

    def _interval(
        self, values: Floats, places: Sequence[int], limits: tuple[float, float]
    ) -> Interval:
        clusters = [self.panel.compositions[place] for place in places]
        return interval_over(values, clusters, self.inference, limits=limits)

    def _register_scores(self) -> Floats:
        """``(registers, all pieces, coalitions)`` F of the notes of each register."""
        panel, n = self.panel, len(self.players)
        scores = np.full((len(REGISTERS), len(panel.pieces), 2**n), nan)
        for place in self.known:
            whole = panel.baseline_notes.get(panel.pieces[place])
            if whole is None:
                continue
            scores[:, place, -1] = f_by_register(whole)
            for number, condition in self.numbers.items():
                cells = (panel.cells.get((condition, place, r)) for r in range(panel.n_repeats))
                tables = [table for row in cells if row and (table := note_table(row))]
                if tables:
                    found = [f_by_register(table) for table in tables]
                    scores[:, place, number] = np.mean(found, axis=0)
        return scores


def f_by_register(table: NoteTable) -> Floats:
    """``(registers,)`` F of the notes of each register; NaN where it has no reference note.

    An estimated note that was matched counts where its reference is, another one by its own pitch.
    """
    limits, names = FACTORS["register"]

    def counted(pitches: Floats) -> Floats:
        codes = np.searchsorted(limits, pitches, side="right")
        return np.bincount(codes, minlength=len(names)).astype(np.float64)

    reference, matched = counted(table.pitch), counted(table.pitch[table.matched])
    total = reference + matched + counted(table.false_pitch)
    return np.where(reference > 0, 2 * matched / np.maximum(total, 1), nan)


def attributions(panels: Sequence[Panel], inference: Inference) -> tuple[Attribution, ...]:
    """One per panel and set of players (with its options) of which any coalition was run."""
    found = []
    for panel in panels:
        groups: dict[tuple[Any, ...], dict[int, int]] = {}
        for number, condition in enumerate(panel.conditions):
            if condition.role == COALITION:
                options, coalition = _group(condition)
                bits = enumerate(coalition.members.values())
                code = sum(1 << place for place, there in bits if there)
                groups.setdefault(tuple(options.items()), {})[code] = number
        for group, numbers in groups.items():
            options = dict(group)
            players = tuple(str(options["players"]).split("+"))
            # of the whole the baseline tells
            partial = {code: n for code, n in numbers.items() if code < 2 ** len(players) - 1}
            found.append(Attribution(panel, inference, players, options, partial))
    return tuple(found)


def _group(condition: ConditionKey) -> tuple[dict[str, Any], Coalition]:
    """What coalitions must share to be compared, and the coalition."""
    options = dict(condition.options)
    normalization = options.pop("normalization", None)
    coalition = Coalition(**options)  # type: ignore[arg-type]
    shared = {"players": coalition.players, "inharmonicity": coalition.inharmonicity}
    return shared | ({"normalization": normalization} if normalization else {}), coalition


def cautions_of(found: Sequence[Attribution]) -> Iterator[str]:
    """Plain sentences about what is missing, or may mislead."""
    for one in found:
        place = f"{one.model} × {one.dataset}: Shapley values of {', '.join(one.players)}"
        if one.not_run:
            yield (
                f"{place}: there are none, because {plural(len(one.not_run), 'coalition')} of "
                f"{2 ** len(one.players) - 1} were not run ({first_few(one.not_run)}). "
                "experiment=shapley runs all of them."
            )
            continue
        lacking = len(one.panel.pieces) - len(one.known)
        if not one.known:
            yield f"{place}: there are none, because no recording has a score for every coalition."
        elif lacking:
            without = first_few([p for p in one.panel.pieces if p not in one.pieces])
            yield (
                f"{place}: {plural(lacking, 'recording')} without a score for every coalition "
                f"{'is' if lacking == 1 else 'are'} left out ({without})."
            )
        if 0 < len(set(map(one.panel.compositions.__getitem__, one.known))) < 2:
            yield f"{place}: all recordings are of one composition, so there is no interval."
        if absent := one.absent:
            yield (
                f"{place}: no note has partials of {' or '.join(absent)}, so what "
                f"{'it contributes' if len(absent) == 1 else 'they contribute'} is 0 because "
                "nothing is there, which says nothing about the model."
            )
    for dataset in dict.fromkeys(one.dataset for one in found):
        here = [one for one in found if one.dataset == dataset]
        sets = dict.fromkeys(one.players for one in here)
        if len(sets) > 1:
            told = "; ".join("+".join(players) for players in sets)
            yield (
                f"{dataset}: Shapley values of different players ({told}) stand side by side. A "
                "player's value depends on who the others are, so compare within one set only."
            )
