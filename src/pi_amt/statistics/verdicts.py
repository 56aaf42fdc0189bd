"""What may be claimed from the numbers of one condition: the rules behind every sentence.

* That a model *relies* on a feature is claimed only where the drop exceeds that of the matched
  control: significantly after Holm's correction, with an interval above zero, and by more than the
  mask is known to read too high (:mod:`pi_amt.statistics.bias`).
* That it *does not rely* on it is claimed only where the excess is equivalent to none: it lies
  within ± the margin with confidence (two one-sided tests at 5 %, not corrected for the number of
  conditions), and the mask is not known to read too low by more than the margin. An excess so small
  is no reliance, even if it is significant.
* That a feature *suffices* is claimed only of a condition that keeps it, whose leak was measured
  and which does not leak, and which keeps confidently more than its control does. F must then be
  equivalent to the baseline; where it is lower, the feature is enough *in part*, unless more than
  half of F is lost with confidence.
* Without a matched control a drop only says that F is *sensitive*.
* Where the control itself is at the floor, nothing is claimed that rests on the excess.
* With fewer than six compositions nothing is claimed, nor where the baseline is at the floor, nor
  of a condition that touches nothing of a model's input.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import StrEnum

from pi_amt.permutations.permutation import SUFFICIENCY
from pi_amt.statistics.estimates import ConditionResult
from pi_amt.statistics.inference import SIGNIFICANT, Inference, smallest_p

#: of a baseline's F; a feature that keeps confidently less than this does not suffice
HALF = 0.5


class Verdict(StrEnum):
    """What one condition shows, in a word or two."""

    RELIES = "relies"
    SUFFICES = "suffices"
    IN_PART = "in part"
    SENSITIVE = "sensitive"
    RISES = "rises"
    LESS = "less than control"
    DOES_NOT_SUFFICE = "not enough"
    TOO_FEW = "too few"
    DOES_NOT_RELY = "does not rely"
    NOT_SENSITIVE = "not sensitive"
    WITHIN_BIAS = "within bias"
    NO_EVIDENCE = "no evidence"
    LEAKS = "leaks"
    CONTROL_AT_FLOOR = "control at floor"
    AT_FLOOR = "at the floor"
    TOUCHES_NOTHING = "touches nothing"
    NO_SCORE = "no score"


def excess_tests(results: Sequence[ConditionResult]) -> int:
    """How many excesses of a report Holm corrects over."""
    return sum(r.role == "condition" and not math.isnan(r.excess_p) for r in results)


def drop_tests(results: Sequence[ConditionResult]) -> int:
    """How many drops of a report Holm corrects over."""
    return sum(r.role == "condition" and not math.isnan(r.p) for r in results)


def verdict_of(
    result: ConditionResult,
    tests: str,
    inference: Inference,
    *,
    at_floor: bool = False,
    among: Sequence[ConditionResult] = (),
) -> Verdict:
    """What one condition shows.

    Args:
        result: its numbers, corrected for the number of tests.
        tests: what its permutation tests: ``necessity``, ``sufficiency`` or ``disturbance``.
        inference: how they were computed.
        at_floor: whether the baseline is at the floor.
        among: all results of the report, which decide how much the correction costs.
    """
    if math.isnan(result.drop):
        return Verdict.TOUCHES_NOTHING if result.n_untouched else Verdict.NO_SCORE
    if at_floor:
        return Verdict.AT_FLOOR
    if result.leaks == "yes" and tests == SUFFICIENCY:
        return Verdict.LEAKS
    if not result.is_testable:
        return Verdict.TOO_FEW
    if tests == SUFFICIENCY:
        found = _sufficiency(result, inference.equivalence_margin)
    elif math.isnan(result.excess_drop):
        found = _sensitivity(result, inference.equivalence_margin)
    else:
        found = _necessity(result, inference.equivalence_margin)
    if found is Verdict.NO_EVIDENCE and _hopeless(result, inference, among):
        return Verdict.TOO_FEW
    return found


def _hopeless(
    result: ConditionResult, inference: Inference, among: Sequence[ConditionResult]
) -> bool:
    """Whether the test gave its smallest p, and the correction made even that too large."""
    controlled = not math.isnan(result.excess_p)
    p, tests = (
        (result.excess_p, excess_tests(among)) if controlled else (result.p, drop_tests(among))
    )
    least = smallest_p(result.n_compositions, inference.n_resamples)
    return p <= least and least * tests >= SIGNIFICANT


def _necessity(result: ConditionResult, margin: float) -> Verdict:
    if result.control_at_floor == "yes":
        return Verdict.CONTROL_AT_FLOOR
    reads_too_low = result.known_bias < -margin
    if result.excess_within <= margin and result.leaks != "yes" and not reads_too_low:
        return Verdict.DOES_NOT_RELY
    if result.excess_p_holm < SIGNIFICANT and result.excess_low > 0:
        return Verdict.WITHIN_BIAS if result.is_within_bias else Verdict.RELIES
    if result.excess_p_holm < SIGNIFICANT and result.excess_high < 0:
        return Verdict.LESS
    return Verdict.NO_EVIDENCE


def _sensitivity(result: ConditionResult, margin: float) -> Verdict:
    if result.drop_within <= margin and result.leaks != "yes":
        return Verdict.NOT_SENSITIVE
    if result.p_holm < SIGNIFICANT:
        return Verdict.SENSITIVE if result.drop > 0 else Verdict.RISES
    return Verdict.NO_EVIDENCE


def _sufficiency(result: ConditionResult, margin: float) -> Verdict:
    bias = 0.0 if math.isnan(result.known_bias) else result.known_bias
    # what the mask takes too much is not the feature's fault, what it takes too little no merit
    if result.drop_low - max(bias, 0.0) > HALF * result.baseline:
        return Verdict.DOES_NOT_SUFFICE
    if result.control_at_floor == "yes":
        return Verdict.CONTROL_AT_FLOOR
    better = result.excess_p_holm < SIGNIFICANT and result.excess_high < 0
    if not result.leaks or not better or result.excess_drop >= min(bias, 0.0):
        return Verdict.NO_EVIDENCE
    if result.drop_within <= margin and bias >= -margin:
        return Verdict.SUFFICES
    return Verdict.IN_PART
