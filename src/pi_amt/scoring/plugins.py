"""Scores of other people: entry points of the group ``pi_amt.scorers``.

A scorer is a function ``(reference: Notes, estimate: Notes) → dict of floats``. Its keys stand in
every row beside those of :func:`pi_amt.scoring.notes.score_notes`, as ``<entry point>.<key>``, and
``score=<entry point>.<key>`` makes tables and reports of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import lru_cache

from pi_amt.core.notes import Notes
from pi_amt.core.registry import Entry, Registry

Scorer = Callable[[Notes, Notes], dict[str, float]]
ENTRY_POINTS = "pi_amt.scorers"
SCORERS = Registry("scorer", ENTRY_POINTS, {}, "a function of reference and estimate")


@lru_cache(maxsize=1)
def _installed() -> tuple[Entry, ...]:
    return tuple(SCORERS.look())


@lru_cache(maxsize=1)
def scorers() -> dict[str, Scorer]:
    """Installed scorers that can be used, by name, sorted."""
    return {entry.name: SCORERS.load(entry.name) for entry in _installed() if not entry.problem}


def broken_scorers() -> list[str]:
    """What is wrong with each installed scorer that cannot be used."""
    return [entry.problem for entry in _installed() if entry.problem]


def plugged_scores(reference: Notes, estimate: Notes) -> dict[str, float]:
    """The scores of all installed scorers, named ``scorer.score``. Each scorer is given notes of
    its own, which it may change.

    Raises:
        ValueError: if a scorer fails or gives no dict of finite numbers (or NaN); the message names
            the scorer.
    """
    found: dict[str, float] = {}
    for name, scorer in scorers().items():
        try:
            scores = scorer(deepcopy(reference), deepcopy(estimate))
        except (Exception, SystemExit) as error:
            reason = f"{type(error).__name__}: {error}"
            raise ValueError(
                f"scorer {name}: failed ({reason}), expected a dict of floats"
            ) from error
        if not isinstance(scores, Mapping):
            raise ValueError(
                f"scorer {name}: got {type(scores).__name__}, expected a dict of floats, such as "
                '{"f": 0.5}'
            )
        for key, value in scores.items():
            try:
                found[f"{name}.{key}"] = float(value)
            except (TypeError, ValueError):
                raise ValueError(
                    f"scorer {name}: got {type(value).__name__} as {key!r}, expected one number: "
                    "give several values a key each"
                ) from None
            if math.isinf(found[f"{name}.{key}"]):
                raise ValueError(
                    f"scorer {name}: got {value} as {key!r}, expected a finite number, or NaN "
                    "where there is none"
                )
    return found
