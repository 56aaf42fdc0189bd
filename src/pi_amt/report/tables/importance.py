"""The importance table: every number of a result, and its notes.

:data:`COLUMNS` is the full list of columns, in order, with what each means.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict

from pi_amt.core.text import plural
from pi_amt.report.tables.table import Table
from pi_amt.statistics.estimates import baseline_result
from pi_amt.statistics.inference import EXACT_CLUSTERS, SIGNIFICANT
from pi_amt.statistics.panels import Panel
from pi_amt.statistics.result import Result

#: column → (format, meaning); fields of ``ConditionResult``
COLUMNS: dict[str, tuple[str, str]] = {
    "model": ("", "config name"),
    "dataset": ("", "config name"),
    "permutation": ("", "config name"),
    "parameters": ("", "options as JSON"),
    "label": ("", "the condition for people"),
    "condition": ("", "the label, with options where it is not unique"),
    "role": ("", "baseline, condition or control"),
    "n_pieces": ("", "recordings with a baseline and a perturbed score"),
    "baseline": (".3f", "mean score without perturbation"),
    "perturbed": (".3f", "mean score with it"),
    "drop": (".3f", "baseline − perturbed"),
    "drop_low": (".3f", "95 % interval of the drop"),
    "drop_high": (".3f", ""),
    "p": ("p", "sign-flip test of the drop"),
    "p_holm": ("p", "corrected over the conditions of the report"),
    "relative_drop": (".3f", "drop / baseline, ratio of means"),
    "relative_low": (".3f", "95 % interval"),
    "relative_high": (".3f", ""),
    "excess_drop": (".3f", "drop − drop of the matched control"),
    "excess_low": (".3f", "95 % interval"),
    "excess_high": (".3f", ""),
    "excess_p": ("p", "sign-flip test of the excess"),
    "excess_p_holm": ("p", "corrected over the conditions of the report"),
    "n_excess": ("", "recordings with condition and control"),
    "chance_corrected_drop": (".3f", "drop / (baseline − floor), ratio of means"),
    "chance_corrected_low": (".3f", "95 % interval"),
    "chance_corrected_high": (".3f", ""),
    "wrong_piece_drop": (".3f", "drop with the masks of another piece"),
    "precision": (".3f", "mean precision with the perturbation"),
    "recall": (".3f", "mean recall with the perturbation"),
    "precision_drop": (".3f", "baseline − perturbed"),
    "recall_drop": (".3f", "baseline − perturbed"),
    "baseline_micro": (".3f", "F of the counts of all recordings together"),
    "perturbed_micro": (".3f", "F of the counts of all recordings together"),
    "kept": (".0f", "notes found with and without the perturbation"),
    "lost": (".0f", "notes found without it only"),
    "gained": (".0f", "notes found with it only"),
    "average_precision_drop": (".3f", "of the frame activations, over all thresholds"),
    "average_precision_low": (".3f", "95 % interval"),
    "average_precision_high": (".3f", ""),
    "removed_db": (".2f", "energy taken in all, dB"),
    "removed_db_target": (".2f", "energy taken from the band of the target partials, dB"),
    "control_removed_db": (".2f", "energy taken in all by the matched control, dB"),
    "touched_share": (".3f", "share of bins touched"),
    "collateral_db": (".2f", "energy taken from other sounding notes, dB"),
    "drop_std": (".3f", "standard deviation of the drop between recordings"),
    "n_repeats": ("", "draws per recording"),
    "repeat_variance_share": (".3f", "share of the recordings' variance due to repeats"),
    "repeats_needed": (".0f", "draws that keep it under a tenth of the between variance"),
    "n_compositions": ("", "clusters of the interval"),
    "n_errors": ("", "recordings that failed"),
    "n_without_reference": ("", "recordings without a defined score, left out"),
    "n_empty": ("", "recordings for which the condition is not defined"),
    "n_missing": ("", "recordings without a row"),
    "target": ("", "condition that a control belongs to"),
}  # fmt: skip
MAIN = (
    "model", "dataset", "permutation", "parameters", "label", "n_pieces", "baseline", "perturbed",
    "drop", "drop_low", "drop_high", "p_holm", "relative_drop", "excess_drop",
)  # fmt: skip
LEAD = (
    "condition", "drop", "perturbed", "p_holm", "excess_drop", "model", "dataset", "n_pieces",
    "precision", "recall", "baseline", "relative_drop", "chance_corrected_drop",
)  # fmt: skip
#: further views of the same lines in a terminal: title → columns
VIEWS = {
    "What became of the notes": (
        "condition", "model", "dataset", "kept", "lost", "gained", "precision_drop", "recall_drop",
        "baseline_micro", "perturbed_micro", "average_precision_drop",
    ),
    "What was done to the input, and how much of the spread comes from draws": (
        "condition", "model", "dataset", "touched_share", "removed_db", "removed_db_target",
        "control_removed_db", "collateral_db", "n_repeats", "repeat_variance_share",
        "repeats_needed",
    ),
}  # fmt: skip
#: estimates that a terminal shows with their interval; files have those of the others, too
INTERVALS = {
    "drop": ("drop_low", "drop_high"),
    "excess_drop": ("excess_low", "excess_high"),
}
_ROLES = {"condition": 0, "control": 1}


def importance_table(importance: Result) -> Table:
    """Per model and dataset: the baseline, the conditions, the controls."""
    records = []
    for panel in importance.panels:
        results = sorted(importance.results_of(panel), key=lambda r: _ROLES.get(r.role, 2))
        found = [asdict(r) for r in (baseline_result(panel, importance.inference), *results)]
        records += [{name: record[name] for name in COLUMNS} for record in found]
    return Table(
        title="Sensitivity of the model's F to each perturbation of its input",
        columns=tuple(COLUMNS),
        records=tuple(records),
        footers=tuple(footnotes(importance)),
        formats={name: form for name, (form, _) in COLUMNS.items()},
        main=MAIN,
        lead=LEAD,
        groups=("model", "dataset"),
        intervals=INTERVALS,
    )


def footnotes(importance: Result) -> Iterator[str]:
    """What a reader must know: score, pedal rule, method, weights, then messages and warnings."""
    inference = importance.inference
    tests = sum(result.role == "condition" for result in importance.results)
    span = " (0 to 1)" if inference.bounded else ""
    yield (
        f"Score: {inference.score}{span}, mean over recordings; drop = baseline − perturbed on "
        f"the same recordings; pedal: {pedal_rule(importance)}."
    )
    yield method_note(inference.n_resamples, inference.seed, tests)
    if any(result.n_excess for result in importance.results):
        yield "excess_drop = drop − drop of the condition's matched_tracks control."
    else:
        yield "No matched controls here: a drop says what F is sensitive to, not what it relies on."
    for panel in importance.panels:
        yield f"{panel.model} × {panel.dataset}: {_weights(panel)}."
    smallest = _smallest_p(importance)
    if smallest * tests > SIGNIFICANT:
        yield (
            f"Warning: with so few recordings no p is below {smallest:.2g} before correction, so "
            f"no p_holm of {tests} tests can be below {min(smallest * tests, 1):.2g}."
        )
    yield from importance.messages
    yield from (f"Warning: {warning}" for warning in importance.warnings)


def _smallest_p(importance: Result) -> float:
    """The smallest p that the largest panel's sign-flip test can give."""
    clusters = max((result.n_compositions for result in importance.results), default=0)
    if clusters <= EXACT_CLUSTERS:
        return float(2.0 ** (1 - clusters)) if clusters > 1 else 0.0
    return 1 / (importance.inference.n_resamples + 1)


def method_note(n_resamples: int, seed: int, tests: int) -> str:
    """How intervals and p-values were made."""
    return (
        f"Intervals: 95 %, studentised bootstrap, {n_resamples:,} resamples over recordings, "
        f"clustered by composition, seed {seed}; p: sign-flip test, "
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
