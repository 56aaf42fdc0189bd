"""The entries of a report: facts come from rows and permutations, never from labels."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pytest
from tests.rows import make_rows
from tests.toys import ToyTranscriber, toy_tracks

import pi_amt
from pi_amt.permutations.controls import NoPermutation
from pi_amt.permutations.loading import available, controls_of, load_permutation
from pi_amt.permutations.permutation import Change, Permutation, Scene
from pi_amt.report.catalog import catalog
from pi_amt.report.page.context import missing
from pi_amt.statistics.result import Result
from pi_amt.store.rows import ConditionKey, Row
from pi_amt.study.conditions import Condition, as_condition

FILLS: tuple[dict[str, Any], ...] = (
    {},
    {"fill": "attenuate"},
    {"fill": "attenuate", "attenuation_db": math.inf},
    {"fill": "background"},
)


def _conditions() -> list[Condition]:
    """Every registered permutation with every fill that it takes, and the controls of each; no
    coalition, which is no entry of a catalog."""
    found: list[Permutation] = []
    for name in available():
        for options in FILLS if name not in ("no_permutation", "coalition") else ():
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

    def draw(self, scene: Scene) -> Change:
        return Change(lambda spectrogram: spectrogram.with_values(spectrogram.tensor * 0.999))


def test_a_permutation_of_somebody_else_gets_its_badge_and_keeps_its_name() -> None:
    found = pi_amt.importance(
        ToyTranscriber(), toy_tracks(2), permutations=[Holes()], n_jobs=1, tuning="off"
    )
    (entry,) = catalog(found)
    assert entry.hard
    assert not entry.step
    assert entry.condition.kind == Holes.name


class Broken(Holes):
    """Somebody's permutation that cannot say what it does."""

    name: ClassVar[str] = "broken"

    @property
    def out_of_distribution(self) -> bool:  # type: ignore[override]
        """Never an answer."""
        raise KeyError("no answer")


def test_a_permutation_that_gives_no_answer_costs_no_results_and_gets_no_badge() -> None:
    found = pi_amt.importance(
        ToyTranscriber(), toy_tracks(2), permutations=[Broken()], n_jobs=1, tuning="off"
    )
    assert {row.status for row in found.rows} == {"ok"}
    (entry,) = catalog(found)
    assert not entry.hard


def test_a_condition_that_cannot_be_made_again_gets_no_badge(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> Condition:
        raise KeyError("what a constructor may raise")

    monkeypatch.setattr(Condition, "rebuilt", fail)
    (entry,) = catalog(Result.from_rows(make_rows({"fund_mask": 0.2}), n_resamples=10))
    assert not entry.hard


@pytest.mark.parametrize(
    ("varied", "labels", "step"),
    [
        ('["half_width_cents"]', ("a", "b", "c"), True),
        ("[]", ("a", "b", "c"), False),  # labels that a user chose
        ("[]", ("w=1", "w=2", "w=3"), False),
        ("", ("m(w=1)", "m(w=2)", "m(w=3)"), True),  # rows of 0.1.0
        ("", ("a", "b", "c"), False),
    ],
)
def test_a_step_of_a_series_is_what_was_varied(
    varied: str, labels: tuple[str, ...], step: bool
) -> None:
    rows = make_rows(
        dict.fromkeys(labels, 0.2),
        parameters={name: {"half_width_cents": 10 * i} for i, name in enumerate(labels, start=1)},
        n_pieces=3,
    )
    told = [
        replace(row, permutation="harm_mask", varied=varied) if row.role != "baseline" else row
        for row in rows
    ]
    entries = catalog(Result.from_rows(told, n_resamples=10))
    assert [entry.step for entry in entries] == [step] * 3


def test_a_series_tells_what_it_varied() -> None:
    permutations = [
        Condition(load_permutation("random", p=p), f"random(p={p})", varied=("p",))
        for p in (0.2, 0.5)
    ]
    found = pi_amt.importance(
        ToyTranscriber(), toy_tracks(2), permutations=permutations, n_jobs=1, tuning="off"
    )
    assert {row.varied for row in found.rows if row.role == "condition"} == {'["p"]'}
    assert {row.varied for row in found.rows if row.role == "baseline"} == {"[]"}


def test_only_an_energy_matched_control_goes_by_another_name() -> None:
    side = '{"side":"control"}'
    assert ConditionKey("mine", side, "mine", "control", "x").kind == "mine"
    assert ConditionKey("matched_energy", side, "m", "control", "x").kind == "matched_tracks"


def test_what_a_model_lacks_is_named_with_its_options() -> None:
    def rows_of(model: str, widths: tuple[int, ...]) -> list[Row]:
        rows = make_rows({f"{width}": 0.2 for width in widths}, n_pieces=3, model=model)
        return [
            replace(
                row,
                permutation="harm_mask",
                label="harm_mask",
                parameters=json.dumps({"half_width_cents": int(row.label)}),
            )
            if row.role == "condition"
            else row
            for row in rows
        ]

    found = Result.from_rows(rows_of("a", (25, 50)) + rows_of("b", (25,)), n_resamples=10)
    (said,) = missing(found, catalog(found))
    assert "was not run under harm_mask (half_width_cents=50)." in said
