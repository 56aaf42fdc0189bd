"""The entries of a report: facts come from rows and permutations, never from labels."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pytest
from tests.rows import make_rows
from tests.toys import ToyTranscriber, toy_tracks

import pi_amt
from pi_amt.permutations.controls import NoPermutation
from pi_amt.permutations.loading import available, controls_of, load_permutation
from pi_amt.permutations.permutation import Permutation
from pi_amt.report.catalog import catalog
from pi_amt.statistics.result import Result
from pi_amt.study.conditions import Condition, as_condition

FILLS: tuple[dict[str, Any], ...] = (
    {},
    {"fill": "attenuate"},
    {"fill": "attenuate", "attenuation_db": math.inf},
    {"fill": "background"},
)


def _conditions() -> list[Condition]:
    """Every registered permutation with every fill that it takes, and the controls of each."""
    found: list[Permutation] = []
    for name in available():
        for options in FILLS if name != "no_permutation" else ():
            try:
                found.append(load_permutation(name, **options))
            except ValueError:  # it has no fill, or not this one
                continue
    found += [control for permutation in found for control in controls_of(permutation)]
    return [as_condition(permutation) for permutation in found]


@pytest.mark.parametrize("stored", [True, False], ids=["0.2.0", "0.1.0"])
@pytest.mark.parametrize("condition", _conditions(), ids=lambda c: f"{c.label} {c.parameters}")
def test_the_badge_is_what_the_permutation_says(condition: Condition, stored: bool) -> None:
    said = condition.permutation.out_of_distribution
    kept = {True: "yes", False: "no"}[said] if stored else ""
    rows = [
        replace(
            row,
            permutation=condition.name,
            parameters=condition.parameters,
            label=condition.label,
            role=condition.role,
            target=condition.target,
            out_of_distribution=kept,
        )
        if row.role != "baseline"
        else row
        for row in make_rows({"fund_mask": 0.2}, n_pieces=2)
    ]
    (entry,) = catalog(Result.from_rows(rows, n_resamples=10))
    assert entry.hard == said


@dataclass(frozen=True)
class Holes(NoPermutation):
    """A permutation of somebody else, which is not registered."""

    name: ClassVar[str] = "holes (mine), p=1"
    out_of_distribution = True


def test_a_permutation_of_somebody_else_gets_its_badge_and_keeps_its_name() -> None:
    found = pi_amt.importance(
        ToyTranscriber(), toy_tracks(2), permutations=[Holes()], n_jobs=1, tuning="off"
    )
    (entry,) = catalog(found)
    assert entry.hard
    assert not entry.step
    assert entry.condition.kind == Holes.name
