"""The result in one sentence per model and dataset, made from the numbers.

The words follow the evidence: F *is sensitive to* a condition if its drop is significant after
Holm's correction; the model *relies on* something only if the drop also exceeds that of the
matched control, again after correction and with an interval above zero, and if this excess is not
smaller than the mask's known bias (:mod:`pi_amt.statistics.bias`). Where the baseline is at the
floor, neither can be asked. That F holds up is never said of a condition that leaks: there the
notes may come from the condition and not from the sound.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from pi_amt.core.text import plural
from pi_amt.report.names import score_name
from pi_amt.report.tables.cells import format_value
from pi_amt.statistics.estimates import ConditionResult
from pi_amt.statistics.floor import why_at_floor
from pi_amt.statistics.inference import SIGNIFICANT
from pi_amt.statistics.panels import Panel
from pi_amt.statistics.result import Result

#: of several conditions that leak this many are named
_NAMED = 3


def headline(importance: Result) -> list[str]:
    """One sentence (or two: sensitivity, then control) per model and dataset."""
    return [sentence(importance, panel, panel.model, panel.dataset) for panel in importance.panels]


def sentence(importance: Result, panel: Panel, model: str, dataset: str) -> str:
    """The headline of one panel, with these names for its model and dataset."""
    place = f"{model}'s {score_name(importance.score)} on {dataset}"
    if why := why_at_floor(panel, importance.inference):
        return f"Nothing can be learnt from {place}: {why}, so a drop cannot be seen."
    results = [r for r in importance.results_of(panel) if r.role == "condition"]
    known = [r for r in results if not math.isnan(r.drop)]
    if not known:
        return f"{place}: no condition has a score, so there is nothing to say."
    return " ".join([_drops(place, known), *_leaks(score_name(importance.score), known)])


def _drops(place: str, known: Sequence[ConditionResult]) -> str:
    """Where F falls most, and what the controls say about it; or that it does not fall."""
    found = [r for r in known if r.drop > 0 and r.p_holm < SIGNIFICANT]
    if not found:
        known = [r for r in known if r.leaks != "yes"]
        if not known:
            return f"{place}: every condition leaks, so that it does not fall says nothing."
        worst = max(known, key=lambda r: r.drop)
        largest = f"{_interval(worst, 'drop')} under {worst.condition} ({_no_evidence(worst)})."
        if len(known) == 1:
            return f"{place} does not fall significantly; the drop is {largest}"
        return (
            f"{place} falls significantly under none of {len(known)} conditions; the largest drop "
            f"is {largest}"
        )
    top = max(found, key=lambda r: r.drop)
    return (
        f"{place} is most sensitive to {top.condition} (drop {_interval(top, 'drop')} from "
        f"{top.baseline:.2f}, {plural(top.n_pieces, 'recording')}{_bias(top)}); "
        f"{_control(top, found)}."
    )


def _leaks(score: str, results: Sequence[ConditionResult]) -> list[str]:
    """That nothing about what suffices can rest on the conditions that leak; none without any."""
    leaking = sorted((r for r in results if r.leaks == "yes"), key=_leak, reverse=True)
    if not leaking:
        return []
    names = [r.condition for r in leaking[:_NAMED]] + ["others"] * (len(leaking) > _NAMED)
    names[0] += f" ({_leak(leaking[0]):.2f} on a sound without the notes)"
    under = f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
    they = "it leaks" if len(leaking) == 1 else "they leak"
    return [f"{score} under {under} is no evidence that what is left suffices: {they}."]


def _leak(result: ConditionResult) -> float:
    """The larger of its leaks, as far as they are known."""
    known = [leak for leak in (result.leak_noise, result.leak_other) if not math.isnan(leak)]
    return max(known)


def _no_evidence(worst: ConditionResult) -> str:
    """The test's answer, or why there was none."""
    if not math.isnan(worst.p_holm):
        p = "p < 0.001" if worst.p_holm < 0.001 else f"p = {worst.p_holm:.3f}"
        return f"{p} after correction, {plural(worst.n_pieces, 'recording')}"
    if worst.n_pieces == 1:
        return "one recording is too few for a test"
    one_kind = " of one composition" if worst.n_compositions == 1 else ""
    return f"{plural(worst.n_pieces, 'recording')}{one_kind} are too few for a test"


def bias_in_words(result: ConditionResult) -> str:
    """``reads 0.22 too high on music with known partials``; empty where the bias is not known."""
    if math.isnan(result.known_bias):
        return ""
    size = format_value(abs(result.known_bias), ".2f")
    side = "high" if result.known_bias > 0 else "low"
    by = "true" if float(size) == 0 else f"{size} too {side}"
    return f"reads {by} on music with known partials"


def _bias(result: ConditionResult) -> str:
    said = bias_in_words(result)
    return f"; it {said}" if said else ""


def _control(top: ConditionResult, found: Sequence[ConditionResult]) -> str:
    """What the matched controls say about it."""
    if math.isnan(top.excess_drop):
        part = "there is no matched control for it, so this says nothing about reliance"
    elif _relies(top):
        part = (
            "more than under its matched control (excess "
            f"{_interval(top, 'excess')}), so the model relies on what it removes"
        )
    elif _exceeds(top):
        part = (
            f"its excess over the matched control, {_interval(top, 'excess')}, is smaller than "
            "what the mask reads too high, so the drop is no evidence of reliance"
        )
    else:
        part = (
            f"its excess over the matched control, {_interval(top, 'excess')}, is not above zero "
            "with confidence, so the drop is no evidence of reliance"
        )
    others = [r for r in found if r is not top and _relies(r)]
    if others and not (_relies(top) and top.excess_drop >= max(r.excess_drop for r in others)):
        best = max(others, key=lambda r: r.excess_drop)
        part += (
            f"; the largest excess over a matched control is {_interval(best, 'excess')}, "
            f"under {best.condition}"
        )
    return part


def _relies(result: ConditionResult) -> bool:
    return _exceeds(result) and not result.is_within_bias


def _exceeds(result: ConditionResult) -> bool:
    return result.excess_low > 0 and result.excess_p_holm < SIGNIFICANT


def _interval(result: ConditionResult, of: str) -> str:
    value = result.drop if of == "drop" else result.excess_drop
    low, high = getattr(result, f"{of}_low"), getattr(result, f"{of}_high")
    said, least, most = (format_value(number, ".2f") for number in (value, low, high))
    return said if math.isnan(low) else f"{said} [{least}, {most}]"
