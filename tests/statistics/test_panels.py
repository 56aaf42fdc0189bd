"""Conditions of one name are told apart by what differs between them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.rows import make_row

from pi_amt.permutations.loading import load_permutation
from pi_amt.permutations.matched_energy import MatchedEnergy
from pi_amt.permutations.permutation import Permutation
from pi_amt.statistics.panels import Panel, panels_of, told_apart
from pi_amt.study.conditions import Condition, make_conditions


@pytest.mark.parametrize(
    ("own", "others", "name"),
    [
        ({"p": 0.3, "draw": "frame"}, [], "random"),
        ({"p": 0.3, "draw": "frame"}, [{"p": 0.3, "draw": "frame"}], "random"),
        ({"p": 0.3, "draw": "frame"}, [{"p": 0.1, "draw": "frame"}], "random (p=0.3)"),
        ({"p": 0.3, "draw": "frame"}, [{"p": 0.1}, {"p": 0.3}], "random (p=0.3, draw=frame)"),
        ({"p": 0.3}, [{"p": 0.3, "draw": "frame"}], "random"),
        ({"p": 1.0}, [{"p": 1}], "random (p=1.0)"),
        ({"p": True}, [{"p": 1}], "random (p=True)"),
        ({"of": {"a": 1, "b": 2}}, [{"of": {"b": 2, "a": 1}}], "random"),
    ],
)
def test_a_name_has_the_options_that_differ_and_no_others(
    own: dict[str, Any], others: list[dict[str, Any]], name: str
) -> None:
    assert told_apart("random", own, others) == name
    assert told_apart("random", own, [own, *others]) == name


def test_values_are_written_as_the_caller_wants_them() -> None:
    assert told_apart("x", {"on": True}, [{"on": False}], json.dumps) == "x (on=true)"


def panel(*conditions: Condition) -> Panel:
    """The only panel of rows of these conditions."""
    options = ({"parameters": json.loads(c.parameters)} for c in conditions)
    rows = [
        make_row(c.label, 0.5, role=c.role, target=c.target, permutation=c.name, **option)
        for c, option in zip(conditions, options, strict=True)
    ]
    return panels_of(rows)[0]


def found_control(found: Panel, label: str) -> str:
    number = found.control_of(found.index(label), "matched_tracks")
    return "" if number is None else found.conditions[number].label


def test_a_control_is_found_again_whatever_another_study_calls_its_condition() -> None:
    """Both studies have one row of the control, and it names the condition of the first."""
    mask = load_permutation("fund_mask")
    first = make_conditions([mask], controls="matched")
    second = Condition(mask, "fund_mask(onset=all)")
    assert found_control(panel(*first, second), second.label) == "matched_tracks(fund_mask)"
    assert found_control(panel(*first, second), "fund_mask") == "matched_tracks(fund_mask)"


def test_rows_of_one_control_are_one_condition_whatever_its_target_is_called() -> None:
    (control,) = [c for c in make_conditions(["fund_mask"], controls="matched") if c.target]
    baseline = make_conditions([])
    rows = [make_row(baseline[0].label, 0.7, track=track) for track in ("a", "b")]
    options = {"parameters": json.loads(control.parameters), "permutation": control.name}
    rows += [
        make_row(control.label, 0.6, track=track, target=target, **options)
        for track, target in (("a", "fund_mask"), ("b", "fund_mask(onset=all)"))
    ]
    assert len(panels_of(rows)[0].conditions) == 1


def test_each_energy_matched_pair_has_its_own_control() -> None:
    pairs: list[Permutation] = [
        MatchedEnergy(load_permutation("fund_mask", half_width_cents=cents), side=side)
        for cents in (50.0, 100.0)
        for side in ("target", "control")
    ]
    found = panel(*make_conditions(pairs))
    for number, condition in enumerate(found.conditions):
        if condition.role == "condition":
            control = found.control_of(number, "matched_tracks")
            assert control is not None
            target = found.conditions[control].options["target"]
            assert target == condition.options["target"]
