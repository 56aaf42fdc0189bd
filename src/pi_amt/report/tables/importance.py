"""The importance table: every number of a result, and its notes.

:data:`COLUMNS` is the full list of columns, in order, with what each means.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict

from pi_amt.core.text import WARNING, plural
from pi_amt.report.catalog import why_no_condition
from pi_amt.report.names import score_name
from pi_amt.report.statements import too_few_in_words, verdicts
from pi_amt.report.tables.table import Table, bounds_of
from pi_amt.statistics.estimates import RESULT_COLUMNS, baseline_result
from pi_amt.statistics.inference import SIGNIFICANT, Inference, smallest_p
from pi_amt.statistics.panels import Panel
from pi_amt.statistics.result import Result
from pi_amt.store.rows import COALITION

#: column → (format, meaning): the fields of ``ConditionResult``, and what they show
COLUMNS: dict[str, tuple[str, str]] = {
    **RESULT_COLUMNS,
    "verdict": ("", "what the condition shows, in a word or two"),
}
MAIN = (
    "model", "dataset", "permutation", "parameters", "label", "n_pieces", "baseline", "perturbed",
    "drop", "drop_low", "drop_high", "p_holm", "relative_drop", "excess_drop", "verdict",
)  # fmt: skip
LEAD = (
    "condition", "drop", "known_bias", "perturbed", "p_holm", "excess_drop", "verdict", "leaks",
    "control_at_floor",
    "model", "dataset", "n_pieces", "leak_noise", "leak_other", "precision", "recall", "baseline",
    "relative_drop", "chance_corrected_drop",
)  # fmt: skip
#: what a notebook and a paper show
BRIEF = ("condition", "perturbed", "drop", "excess_drop", "p_holm")
_HEADS = {"perturbed": "clean → perturbed", "excess_drop": "excess", "p_holm": "p (Holm)"}
#: further views of the same lines in a terminal: title → columns
VIEWS = {
    "What became of the notes": (
        "condition", "model", "dataset", "kept", "lost", "gained", "precision_drop", "recall_drop",
        "baseline_micro", "perturbed_micro", "average_precision_drop",
    ),
    "What was done to the input, and how much of the spread comes from draws": (
        "condition", "model", "dataset", "touched_share", "removed_db", "removed_db_target",
        "removed_db_tones", "control_removed_db", "collateral_db", "residual_db",
        "residual_db_bass", "residual_db_middle", "residual_db_treble", "n_repeats",
        "repeat_variance_share", "repeats_needed",
    ),
}  # fmt: skip
#: estimates that a terminal shows with their interval; files have those of the others, too
INTERVALS = bounds_of(("drop", "excess_drop", "leak_noise", "leak_other"))
_ROLES = {"condition": 0, "control": 1}


def importance_table(importance: Result) -> Table:
    """Per model and dataset: the baseline, the conditions, the controls. Coalitions have tables of
    their own (:mod:`pi_amt.report.tables.shapley`)."""
    records = []
    known = any(not math.isnan(result.known_bias) for result in importance.results)
    for panel in importance.panels:
        lines = [
            asdict(result) | {"verdict": str(verdict or "")}
            for result, verdict in zip(
                importance.results_of(panel), verdicts(importance, panel), strict=True
            )
            if result.role != COALITION
        ]
        baseline = asdict(baseline_result(panel, importance.inference)) | {"verdict": ""}
        records += [baseline, *sorted(lines, key=lambda line: _ROLES.get(line["role"], 2))]
    brief = (*BRIEF[:4], "known_bias", *BRIEF[4:]) if known else BRIEF
    score = score_name(importance.score)
    return Table(
        title=f"Sensitivity of the model's {score} to each perturbation of its input",
        columns=tuple(COLUMNS),
        records=tuple(records),
        footers=tuple(footnotes(importance)),
        formats={name: form for name, (form, _) in COLUMNS.items()},
        main=(*MAIN, "known_bias", "known_bias_error") if known else MAIN,
        lead=LEAD,
        groups=("model", "dataset"),
        intervals=INTERVALS,
        brief=brief,
        befores={"perturbed": "baseline"},
        heads=_HEADS,
        asides=frozenset(i for i, record in enumerate(records) if record["target"]),
        score=score,
    )


def footnotes(importance: Result) -> Iterator[str]:
    """What a reader must know: score, pedal rule, method, weights, then messages and warnings."""
    inference = importance.inference
    tested = [r for r in importance.results if r.role == "condition" and not math.isnan(r.p)]
    tests = len(tested)
    span = " (0 to 1)" if inference.bounded else ""
    yield (
        f"Score: {inference.score}{span}, mean over recordings; drop = baseline − perturbed on "
        f"the same recordings; pedal: {pedal_rule(importance)}."
    )
    if any("aligned_ms" in row.effects for row in importance.rows):
        yield (
            "align=median: the notes of each recording were shifted by the median onset offset of "
            "its baseline before they were scored."
        )
    if why := why_no_condition(importance):
        yield why
    else:
        yield method_note(inference, tests)
    if any(result.n_excess for result in importance.results):
        yield "excess_drop = drop − drop of the condition's matched_tracks control."
    elif not why:
        yield (
            f"No matched controls here: a drop says what {score_name(inference.score)} is "
            "sensitive to, not what it relies on."
        )
    if any(result.leaks for result in importance.results):
        yield (
            "leaks: yes where a condition scores more than a tenth of its score on noise, or more "
            "than that beyond chance on another recording; its score then says nothing about what "
            "suffices."
        )
    if any(not math.isnan(result.known_bias) for result in importance.results):
        yield (
            "known_bias: by how much the drop reads too high (+) or too low (−) on music with "
            "known partials, where the true drop can be measured. A drop whose known_bias is "
            "larger than its excess_drop supports no claim of reliance."
        )
    for panel in importance.panels:
        yield f"{panel.model} × {panel.dataset}: {_weights(panel)}."
    largest = max(tested, key=lambda result: result.n_compositions, default=None)
    if largest and smallest_p(largest.n_compositions, inference.n_resamples) * tests > SIGNIFICANT:
        yield f"{WARNING}{too_few_in_words(largest, importance)}"
    yield from importance.messages
    yield from (f"{WARNING}{warning}" for warning in importance.warnings)


def method_note(inference: Inference, tests: int) -> str:
    """How intervals and p-values were made."""
    return (
        f"Intervals: {inference.intervals_in_words}; p: sign-flip test, "
        f"Holm over {plural(tests, 'test')}."
    )


def pedal_rule(importance: Result) -> str:
    """``extend``, ``ignore`` or both, from the rows; says so where they do not tell."""
    found = {_setting(text, "pedal") for text in {row.settings for row in importance.rows}}
    return ", ".join(sorted(found)) or "not recorded"


def _setting(text: str, name: str) -> str:
    settings = json.loads(text or "{}")
    values = [settings, *(value for value in settings.values() if isinstance(value, dict))]
    return next((str(value[name]) for value in values if name in value), "not recorded")


def _weights(panel: Panel) -> str:
    row = panel.rows[0]
    hours = sum(panel.seconds) / 3600
    return (
        f"{row.weights_label} ({row.weights[:12]}), {row.precision}, "
        f"{plural(len(panel.pieces), 'recording')}, {hours:.2f} h, pi_amt {row.version}"
    )
