"""What may be claimed of a condition follows from its numbers, and no more than that."""

from __future__ import annotations

from dataclasses import replace
from math import nan
from typing import Any

import pytest

from pi_amt.permutations.permutation import DISTURBANCE, NECESSITY, SUFFICIENCY
from pi_amt.statistics.estimates import ConditionResult
from pi_amt.statistics.inference import Inference
from pi_amt.statistics.verdicts import Verdict, verdict_of

INFERENCE = Inference("F-measure_no_offset")
#: the fundamentals removed: F falls by 0.5, by 0.4 more than under the control
PLAIN = ConditionResult(
    model="m",
    dataset="d",
    permutation="p",
    parameters="{}",
    label="p",
    condition="p",
    role="condition",
    n_pieces=12,
    baseline=0.8,
    perturbed=0.3,
    drop=0.5,
    drop_low=0.45,
    drop_high=0.55,
    drop_within=0.54,
    p=0.0005,
    p_holm=0.001,
    excess_drop=0.4,
    excess_low=0.35,
    excess_high=0.45,
    excess_within=0.44,
    excess_p=0.0005,
    excess_p_holm=0.001,
    n_excess=12,
    n_repeats=1,
    n_compositions=12,
    n_errors=0,
    n_without_reference=0,
    n_missing=0,
)


def shown(tests: str = NECESSITY, /, **fields: Any) -> Verdict:
    return verdict_of(replace(PLAIN, **fields), tests, INFERENCE)


def test_reliance_needs_an_excess_that_is_confident_corrected_and_beyond_the_bias() -> None:
    assert shown() is Verdict.RELIES
    assert shown(excess_low=-0.01) is Verdict.NO_EVIDENCE
    assert shown(excess_p_holm=0.06) is Verdict.NO_EVIDENCE
    assert shown(known_bias=0.3) is Verdict.RELIES
    assert shown(known_bias=0.41) is Verdict.WITHIN_BIAS
    assert shown(DISTURBANCE) is Verdict.RELIES


def test_an_excess_that_is_confidently_negative_is_called_that() -> None:
    less = {"excess_drop": -0.2, "excess_low": -0.3, "excess_high": -0.1, "excess_within": 0.28}
    assert shown(**less) is Verdict.LESS
    assert shown(**less | {"excess_high": 0.01}) is Verdict.NO_EVIDENCE


def test_no_reliance_needs_equivalence_and_not_just_a_large_p() -> None:
    none = {"excess_drop": 0.0, "excess_low": -0.02, "excess_high": 0.02, "excess_p_holm": 1.0}
    assert shown(**none, excess_within=0.02) is Verdict.DOES_NOT_RELY
    assert shown(**none, excess_within=0.031) is Verdict.NO_EVIDENCE
    # a mask that reads too low by more than the margin hides a reliance
    assert shown(**none, excess_within=0.02, known_bias=-0.04) is Verdict.NO_EVIDENCE
    assert shown(**none, excess_within=0.02, leaks="yes") is Verdict.NO_EVIDENCE
    # significant, and smaller than anybody cares for
    small = {"excess_drop": 0.01, "excess_low": 0.005, "excess_high": 0.015}
    assert shown(**small, excess_within=0.014) is Verdict.DOES_NOT_RELY


def test_the_margin_is_a_parameter() -> None:
    result = replace(PLAIN, excess_drop=0.02, excess_within=0.04, excess_p_holm=1.0)
    for margin, verdict in ((0.03, Verdict.NO_EVIDENCE), (0.05, Verdict.DOES_NOT_RELY)):
        given = replace(INFERENCE, equivalence_margin=margin)
        assert verdict_of(result, NECESSITY, given) is verdict


def test_without_a_control_a_drop_is_sensitivity_and_no_drop_is_none() -> None:
    bare = {"excess_drop": nan, "excess_p": nan, "excess_p_holm": nan, "excess_within": nan}
    assert shown(**bare) is Verdict.SENSITIVE
    assert shown(**bare, p_holm=0.2) is Verdict.NO_EVIDENCE
    assert shown(**bare, drop=-0.1) is Verdict.RISES
    assert shown(**bare, drop_within=0.03) is Verdict.NOT_SENSITIVE
    assert shown(**bare, drop_within=0.03, leaks="yes") is not Verdict.NOT_SENSITIVE


KEPT = {
    "perturbed": 0.66,
    "drop": 0.14,
    "drop_low": 0.1,
    "drop_high": 0.18,
    "drop_within": 0.17,
    "excess_drop": -0.5,
    "excess_low": -0.6,
    "excess_high": -0.4,
    "leaks": "no",
}


def test_sufficiency_needs_no_leak_and_more_than_the_control_keeps() -> None:
    whole = KEPT | {"drop_within": 0.02}
    assert shown(SUFFICIENCY, **whole) is Verdict.SUFFICES
    assert shown(SUFFICIENCY, **KEPT) is Verdict.IN_PART
    for fields in (KEPT, whole):
        assert shown(SUFFICIENCY, **fields | {"leaks": "yes"}) is Verdict.LEAKS
        assert shown(SUFFICIENCY, **fields | {"leaks": ""}) is Verdict.NO_EVIDENCE
        assert shown(SUFFICIENCY, **fields | {"excess_high": 0.01}) is Verdict.NO_EVIDENCE
        assert shown(SUFFICIENCY, **fields | {"excess_p_holm": 0.1}) is Verdict.NO_EVIDENCE
        # the mask is known to keep more than the sound without the rest would have
        assert shown(SUFFICIENCY, **fields, known_bias=-0.55) is Verdict.NO_EVIDENCE
    assert shown(SUFFICIENCY, **whole, known_bias=-0.05) is Verdict.IN_PART


def test_less_than_half_of_f_does_not_suffice_whether_or_not_a_leak_was_measured() -> None:
    lost = KEPT | {"perturbed": 0.2, "drop": 0.6, "drop_low": 0.5, "drop_high": 0.7}
    assert shown(SUFFICIENCY, **lost) is Verdict.DOES_NOT_SUFFICE
    assert shown(SUFFICIENCY, **lost | {"leaks": ""}) is Verdict.DOES_NOT_SUFFICE
    assert shown(SUFFICIENCY, **lost, known_bias=0.2) is Verdict.IN_PART


def test_few_compositions_floors_and_missing_scores_claim_nothing() -> None:
    for tests in (NECESSITY, SUFFICIENCY, DISTURBANCE):
        assert shown(tests, n_compositions=5) is Verdict.TOO_FEW
        assert shown(tests, drop=nan) is Verdict.NO_SCORE
        assert verdict_of(PLAIN, tests, INFERENCE, at_floor=True) is Verdict.AT_FLOOR
    assert shown(n_compositions=6) is Verdict.RELIES


@pytest.mark.parametrize(("tests", "verdict"), [(6, Verdict.TOO_FEW), (3, Verdict.NO_EVIDENCE)])
def test_a_correction_that_no_p_can_survive_is_not_the_fault_of_the_feature(
    tests: int, verdict: Verdict
) -> None:
    """Seven recordings: the smallest p is 1/64, of which 6 are more than 0.05 and 3 are not."""
    seven = replace(
        PLAIN, n_compositions=7, excess_p=1 / 64, excess_p_holm=min(1, tests / 64) + 0.1
    )
    assert verdict_of(seven, NECESSITY, INFERENCE, among=[seven] * tests) is verdict


def test_nothing_rests_on_an_excess_over_a_control_at_the_floor() -> None:
    floor = {"control_at_floor": "yes"}
    none = {"excess_drop": 0.0, "excess_low": -0.02, "excess_high": 0.02, "excess_within": 0.02}
    less = {"excess_drop": -0.2, "excess_low": -0.3, "excess_high": -0.1, "excess_within": 0.28}
    for fields in ({}, none, less):
        for tests in (NECESSITY, DISTURBANCE):
            assert shown(tests, **fields, **floor) is Verdict.CONTROL_AT_FLOOR
            other = shown(tests, **fields, control_at_floor="no")
            assert other is shown(tests, **fields) is not Verdict.CONTROL_AT_FLOOR
    assert shown(SUFFICIENCY, **KEPT, **floor) is Verdict.CONTROL_AT_FLOOR
    # what is lost needs no control
    lost = KEPT | {"perturbed": 0.2, "drop": 0.6, "drop_low": 0.5, "drop_high": 0.7}
    assert shown(SUFFICIENCY, **lost, **floor) is Verdict.DOES_NOT_SUFFICE
    assert shown(SUFFICIENCY, **KEPT | {"leaks": "yes"}, **floor) is Verdict.LEAKS


def test_a_condition_that_touches_nothing_says_so() -> None:
    assert shown(drop=nan, n_untouched=12) is Verdict.TOUCHES_NOTHING
    assert shown(n_untouched=1) is Verdict.RELIES
