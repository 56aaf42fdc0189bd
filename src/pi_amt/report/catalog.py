"""The conditions of a report: the same perturbation of several models and datasets as one entry.

Conditions are the same if label and parameters agree; where a label occurs once per panel it is
enough (the width of a mask may differ between front ends).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pi_amt.permutations.loading import available
from pi_amt.permutations.permutation import Permutation
from pi_amt.report.names import feature_of, option_text, unique_slugs
from pi_amt.statistics.dose import charted
from pi_amt.statistics.estimates import ConditionResult
from pi_amt.statistics.panels import Panel, told_apart
from pi_amt.statistics.result import Result
from pi_amt.store.rows import COALITION, ConditionKey
from pi_amt.study.conditions import Condition

#: what other fills than silence leave in the bins of a mask
_FILLS = {"attenuate": "attenuated", "background": "noise at the local background"}


@dataclass(frozen=True)
class Entry:
    """One condition of a report.

    Attributes:
        id: safe in a fragment, unique.
        title: label, with what distinguishes it where the label alone does not.
        condition: of the first panel that has it.
        numbers: panel number → number of the condition in that panel.
        results: panel number → its figures.
        controls: panel number → figures of its ``matched_tracks`` control.
        step: whether it is one of a series such as ``remove_harmonic(harmonic=3)`` and stands in
            the chart of that series in every panel that has it.
        hard: whether its permutation says that its input is out of distribution.
    """

    id: str
    title: str
    condition: ConditionKey
    numbers: Mapping[int, int]
    results: Mapping[int, ConditionResult]
    controls: Mapping[int, ConditionResult] = field(default_factory=dict)
    step: bool = False
    hard: bool = False

    @property
    def leaks(self) -> bool:
        """Whether its score comes in part from the condition alone, in any of its panels."""
        return any(result.leaks == "yes" for result in self.results.values())

    @property
    def summary(self) -> str:
        """What it does, in one line; a mask that was filled otherwise makes no silence."""
        line = available().get(self.condition.permutation, "")
        fill = _FILLS.get(str(self.condition.options.get("fill")))
        return line.removeprefix("hard: ").replace("→ silence", f"→ {fill}") if fill else line

    @property
    def parameters(self) -> dict[str, str]:
        """Options as text, nested ones as JSON."""
        return {name: option_text(value) for name, value in self.condition.options.items()}


def catalog(importance: Result) -> list[Entry]:
    """All entries but coalitions, conditions before controls, else in the order in which they were
    stored."""
    together = _repeated_labels(importance)
    found: dict[tuple[str, str], dict[int, int]] = {}
    for place, panel in enumerate(importance.panels):
        for number, condition in enumerate(panel.conditions):
            if condition.role == COALITION:
                continue
            parameters = condition.parameters if condition.label in together else ""
            found.setdefault((condition.label, parameters), {})[place] = number
    titles = [_title(label, parameters, list(found)) for label, parameters in found]
    in_charts = [charted(panel) for panel in importance.panels]
    entries = [
        _entry(importance, in_charts, slug, title, numbers)
        for slug, title, numbers in zip(unique_slugs(titles), titles, found.values(), strict=True)
    ]
    return sorted(entries, key=lambda entry: entry.condition.role == "control")


def why_no_condition(importance: Result) -> str:
    """What was run in place of a condition, and how to run one; empty where one was run."""
    roles = {result.role for result in importance.results}
    if "condition" in roles:
        return ""
    if COALITION in roles:
        return (
            "Only coalitions were run: there is no drop under a condition, and no control. "
            "Run at least one condition, for example permutation=fund_mask controls=true."
        )
    if "control" in roles:
        return (
            "Only the baseline and controls were run: there is nothing for them to control. "
            "Run at least one condition, for example permutation=fund_mask."
        )
    return (
        "Only the baseline was run: there is nothing to compare it with. "
        "Run at least one condition, for example permutation=fund_mask."
    )


def without_controls(entries: Sequence[Entry]) -> list[Entry]:
    """What the study asked about."""
    return [entry for entry in entries if entry.condition.role == "condition"]


def main_conditions(entries: Sequence[Entry]) -> list[Entry]:
    """The conditions that lead: without controls, and without steps of profiles and doses, which
    have charts of their own, unless there is nothing else.
    """
    conditions = without_controls(entries)
    return [entry for entry in conditions if not entry.step] or conditions


def by_feature(entries: Sequence[Entry]) -> list[tuple[str, list[Entry]]]:
    """Conditions in groups that are about one feature, in the order of the first of each; the
    title is empty where there is only one. Controls, and steps of a series, stand by themselves."""
    groups: dict[object, tuple[str, list[Entry]]] = {}
    for entry in entries:
        key, title = None, ""
        if entry.condition.role == "condition" and not entry.step:
            key, title = feature_of(permutation_of(entry.condition))
        groups.setdefault(entry.id if key is None else key, (title, []))[1].append(entry)
    return [(title if len(found) > 1 else "", found) for title, found in groups.values()]


def permutation_of(condition: ConditionKey) -> Permutation | None:
    """What made a condition's rows, made again; ``None`` where that cannot be done here."""
    try:
        return Condition.rebuilt(condition).permutation
    except ValueError:  # somebody else's, not installed here, or known to the study alone
        return None


def _repeated_labels(importance: Result) -> set[str]:
    return {
        label
        for panel in importance.panels
        for label, count in Counter(c.label for c in panel.conditions).items()
        if count > 1
    }


def _title(label: str, parameters: str, keys: list[tuple[str, str]]) -> str:
    """The label, and the options in which it differs from its namesakes."""
    same = [json.loads(p or "{}") for name, p in keys if name == label]
    return told_apart(label, json.loads(parameters or "{}"), same, option_text)


def _entry(
    importance: Result,
    in_charts: Sequence[set[int]],
    slug: str,
    title: str,
    numbers: Mapping[int, int],
) -> Entry:
    first, number = next(iter(numbers.items()))
    results: dict[int, ConditionResult] = {}
    controls: dict[int, ConditionResult] = {}
    for place, n in numbers.items():
        panel = importance.panels[place]
        all_results = importance.results_of(panel)
        results[place] = all_results[n]
        control = panel.control_of(n, "matched_tracks")
        if control is not None and panel.conditions[n].role != "control":
            controls[place] = all_results[control]
    condition = importance.panels[first].conditions[number]
    step = all(
        importance.panels[place].is_step(n) and n in in_charts[place]
        for place, n in numbers.items()
    )
    hard = any(_is_hard(importance.panels[place], n) for place, n in numbers.items())
    return Entry(slug, title, condition, numbers, results, controls, step, hard)


def _is_hard(panel: Panel, number: int) -> bool:
    """What the permutation says; rows of version 0.1.0 did not keep it, so it is asked again."""
    said = panel.out_of_distribution(number)
    if said is not None:
        return said
    try:
        made = permutation_of(panel.conditions[number])
        return made is not None and bool(made.out_of_distribution)
    except Exception:  # somebody else's permutation, which is broken
        return False
