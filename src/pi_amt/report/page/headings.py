"""The head of the page in words: its title, what was run on what, one sentence per model."""

from __future__ import annotations

from collections.abc import Sequence

from pi_amt.core.text import enumeration, plural
from pi_amt.report.catalog import Entry, without_controls
from pi_amt.report.names import Look, score_name
from pi_amt.report.page.context import DatasetFacts, model_facts
from pi_amt.report.statements import answer_of
from pi_amt.report.tables.cells import format_value, minus
from pi_amt.report.tables.shapley import shapley_sentence, with_values
from pi_amt.statistics.estimates import baseline_result
from pi_amt.statistics.floor import why_at_floor
from pi_amt.statistics.panels import Panel
from pi_amt.statistics.result import Result


def title_of(models: Sequence[str], entries: Sequence[Entry], shared: str = "") -> str:
    """The question that the conditions can answer. Without one, that of the Shapley values: what
    they share is the score ``shared``, empty where there are none.

    Reliance is read off the excess over matched controls, sensitivity off the drops alone.
    """
    who = enumeration(models)
    several = len(models) > 1
    if not without_controls(entries):
        if shared:
            return f"Where does the {shared} of {who} come from?"
        return f"{who}, under controls only" if entries else f"{who}, unperturbed"
    if any(entry.controls for entry in entries):
        return f"What {'do' if several else 'does'} {who} rely on?"
    return f"What {'are' if several else 'is'} {who} sensitive to?"


def lede(importance: Result, datasets: Sequence[DatasetFacts], entries: Sequence[Entry]) -> str:
    """What was run on what."""
    recordings = plural(sum(dataset.pieces for dataset in datasets), "recording")
    where = f"{plural(len(datasets), 'dataset')}, {recordings}"
    if conditions := without_controls(entries):
        return (
            f"{plural(len(conditions), 'perturbation')} of {_perturbed(importance)}, {where}. "
            f"Each number is the fall of {score_name(importance.score)} against the same "
            "recording, unperturbed."
        )
    if importance.attributions:
        return f"The baseline and coalitions of parts of the sound only: {where}."
    if entries:
        return f"The baseline and its controls only: {where}."
    return f"The baseline only, without any perturbation: {where}."


def _perturbed(importance: Result) -> str:
    """What the perturbations act on."""
    hear = {model.hears for model in model_facts(importance)}
    ways = {False: "the models' own input", True: "the sound that the models hear"}
    return " or of ".join(words for hears, words in ways.items() if hears in hear)


def headlines(importance: Result, entries: Sequence[Entry]) -> list[tuple[Look, list[str]]]:
    """Per model and dataset its look, and the answer in three parts: what is claimed, what that
    rests on, what was found besides. Where the score comes from stands beside it, as a picture."""
    found = []
    for panel in importance.panels:
        look = Look.of(importance, panel)
        if without_controls(entries) or why_at_floor(panel, importance.inference):
            answer = answer_of(importance, panel)
            parts = [answer.lead, " ".join(answer.evidence), " ".join(answer.others)]
        else:
            parts = [_baseline(importance, panel, look), "", ""]
        found.append((look, [minus(part).replace("p = ", "p\u00a0=\u00a0") for part in parts]))
    return found


def _baseline(importance: Result, panel: Panel, look: Look) -> str:
    """The sentence where no condition was run: where the score comes from, if that is known."""
    found = [one for one in with_values(importance) if one.panel is panel]
    if found:
        return shapley_sentence(found[0], look.model, look.dataset)
    result = baseline_result(panel, importance.inference)
    return (
        f"{score_name(importance.score)} {format_value(result.baseline)} without any perturbation, "
        f"mean over {plural(result.n_pieces, 'recording')}."
    )
