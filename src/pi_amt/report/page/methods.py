"""A methods paragraph made from the settings of the rows, and the references that it cites."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from importlib.resources import files

from pi_amt.core.text import plural
from pi_amt.report.names import (
    families,
    is_reproduction,
    model_title,
)
from pi_amt.report.page.context import dataset_facts
from pi_amt.scoring.frames import FRAME_SCORES, GRID_SECONDS
from pi_amt.scoring.notes import NOTE_SCORES
from pi_amt.statistics.panels import Panel
from pi_amt.statistics.result import Result
from pi_amt.store.rows import ConditionKey

_MODEL_KEYS = {"basic_pitch": "bittner2022basicpitch", "timbre_trap": "cwitkowitz2024timbretrap"}
_DATASET_KEYS = {"maps": "emiya2010maps", "maestro": "hawthorne2019maestro"}
_MASKS = ("fund_mask", "harm_mask", "soft_fund_mask", "soft_harm_mask", "remove_harmonic",
          "keep_harmonic")  # fmt: skip
_INSIDE_THE_NETWORK = ("ablate_channel",)
#: what ``half_width_cents: null`` comes to in the front ends that ship
HALF_WIDTH_CENTS = {"basic_pitch": 70, "timbre_trap": 50}
_KEPT = "keeps a random other partial of the same notes instead of the fundamental"
#: permutation → what its matched control does
_CONTROLLED = {
    "fund_mask": "treats a random other partial of the same notes (k = 2 … 10) in the same way",
    "harm_mask": _KEPT,
    "soft_harm_mask": _KEPT,
    "keep_harmonic": _KEPT,
    "high_freq": "shuffles as many bins below the cutoff",
    "matched_energy": "takes the same energy from a random other partial of the same notes",
}


def methods_markdown(importance: Result) -> str:
    """The paragraph in Markdown; citations as ``[@key]`` (pandoc), keys of :func:`references`."""
    sentences = [
        *_data(importance),
        *_perturbations(importance),
        *_statistics(importance),
        *_reservations(importance),
    ]
    return "## Methods\n\n" + " ".join(sentences) + "\n"


def references(markdown: str) -> str:
    """BibTeX of the entries that a paragraph cites, in alphabetical order."""
    text = (files("pi_amt.report.page") / "templates" / "references.bib").read_text(
        encoding="utf-8"
    )
    entries = dict(re.findall(r"(?ms)^(?=@\w+\{([^,]+),)(.*?^\})", text))
    cited = set(re.findall(r"@([A-Za-z0-9_:-]+)", markdown))
    return "\n\n".join(entries[key] for key in sorted(cited & set(entries))) + "\n"


def _data(importance: Result) -> list[str]:
    version = importance.rows[0].version or "(version unknown)"
    said = [f"{_question(importance)} with pi_amt {version} [@pi_amt]."]
    for model in importance.models:
        panel = next(panel for panel in importance.panels if panel.model == model)
        said.append(
            f"{_cited(model_title(model), _MODEL_KEYS.get(model))} ran with {_weights(panel)}."
        )
    for dataset in dataset_facts(importance):
        name = _cited(dataset.title, _DATASET_KEYS.get(dataset.name))
        if dataset.name not in _DATASET_KEYS:
            name = f"The dataset “{name}”"
        left_out = f"; {dataset.unscored}" if dataset.unscored else ""
        said.append(
            f"{name} contributed {plural(dataset.pieces, 'recording')} ({dataset.hours}{left_out})."
        )
    return said


def _question(importance: Result) -> str:
    """What was asked: of reliance only with matched controls, of nothing without a condition."""
    if not any(result.role == "condition" for result in importance.results):
        return "We scored transcription models"
    controlled = any(result.n_excess for result in importance.results)
    return (
        "We measured which harmonic features of their input transcription models "
        f"{'rely on' if controlled else 'are sensitive to'} by permutation importance "
        "[@breiman2001], applied to the models' own time–frequency input"
    )


def _perturbations(importance: Result) -> list[str]:
    conditions = list(dict.fromkeys(c for panel in importance.panels for c in panel.conditions))
    tried = [c for c in conditions if c.role == "condition"]
    if not tried:
        besides = f" and the controls {_listing(conditions)} were" if conditions else " was"
        return [f"Only the unperturbed baseline{besides} run."]
    inside = [c for c in tried if c.permutation in _INSIDE_THE_NETWORK]
    said = []
    if len(inside) < len(tried):
        said.append(
            "Perturbations acted on the linear representation, before logarithm and "
            f"normalisation: {_listing(c for c in tried if c not in inside)}."
        )
    if inside:
        said.append(
            f"One channel of the harmonic stack inside the network was set to zero by "
            f"{_listing(inside)}."
        )
    said += _masks(importance, [c for c in tried if c.permutation in _MASKS])
    seeds = sorted({row.seed for row in importance.rows})
    said.append(
        f"Random draws were keyed by recording, permutation and repeat "
        f"(seed {', '.join(map(str, seeds))}; {_repeats(importance)} where stochastic)."
    )
    return said + _controls(conditions)


def _repeats(importance: Result) -> str:
    """The most, which is *up to* so many where conditions of one permutation differ in theirs."""
    counts: dict[str, set[int]] = {}
    for result in importance.results:
        if result.n_pieces:
            counts.setdefault(result.permutation, set()).add(result.n_repeats)
    most = max(panel.n_repeats for panel in importance.panels)
    differ = any(len(found) > 1 for found in counts.values())
    return f"{'up to ' if differ else ''}{plural(most, 'repeat')}"


def _listing(conditions: Iterable[ConditionKey]) -> str:
    labels = {condition: condition.label for condition in conditions}
    return ", ".join(f"`{name}`{options}" for name, options in families(labels))


def _masks(importance: Result, masks: Sequence[ConditionKey]) -> list[str]:
    """How the masks were made; a tuning, a width and a pedal rule only where all share one."""
    if not masks:
        return []
    settings = [json.loads(text or "{}") for text in {row.settings for row in importance.rows}]
    tuned = {setting.get("tuning") for setting in settings} == {"estimate"}
    shifted = ", shifted by each recording's estimated tuning" if tuned else ""
    said = [
        f"Masks followed the reference notes{shifted}, {_partials(masks)}"
        f"{_width(importance, masks)}."
    ]
    if {setting.get("pedal") for setting in settings} == {"extend"}:
        said.append("The sustain pedal extended notes, for masks and for scores alike.")
    return said


def _partials(masks: Sequence[ConditionKey]) -> str:
    """Where the masks look for partials."""
    stretched = "with the inharmonicity of piano strings [@rigaud2013]"
    exact = "with exactly harmonic partials"
    kinds = {mask.options.get("inharmonicity", "piano") == "piano" for mask in masks}
    if len(kinds) > 1:
        return f"some {stretched}, some {exact}"
    return stretched if kinds == {True} else exact


def _width(importance: Result, masks: Sequence[ConditionKey]) -> str:
    widths = {mask.options.get("half_width_cents") for mask in masks}
    if len(widths) == 1:
        (width,) = widths
        if isinstance(width, int | float):
            return f", ±{width:g} cents around each partial"
    if None not in widths:
        return ""  # the list of conditions says them
    known = [
        f"±{HALF_WIDTH_CENTS[model]} cents in {model_title(model)}"
        for model in importance.models
        if model in HALF_WIDTH_CENTS
    ]
    unless = " unless another width is listed" if len(widths) > 1 else ""
    return f", {' and '.join(known)} around each partial{unless}" if known else ""


def _controls(conditions: Sequence[ConditionKey]) -> list[str]:
    """What each kind of matched control did."""
    targets = {c.label: c.permutation for c in conditions if c.role == "condition"}
    groups: dict[str, list[str]] = {}
    for control in conditions:
        if control.role == "control" and control.kind == "matched_tracks":
            name = targets.get(control.target, control.target)
            groups.setdefault(_CONTROLLED.get(name, _CONTROLLED["fund_mask"]), []).append(
                f"`{control.target}`"
            )
    if not groups:
        return []
    said = [f"{' and '.join(dict.fromkeys(t))} with a control that {w}" for w, t in groups.items()]
    return [
        f"We compared {'; '.join(said)}. The excess drop is the drop minus that under this matched "
        "control."
    ]


def _statistics(importance: Result) -> list[str]:
    inference = importance.inference
    score = f"The score is {_score(inference.score)}, averaged over recordings"
    if not importance.results:
        return [f"{score}."]
    return [
        f"{score}; repeats were averaged inside a recording first.",
        "Intervals are 95 % studentised bootstrap intervals [@efron1993] "
        f"({inference.n_resamples:,} resamples over recordings, clustered by composition, seed "
        f"{inference.seed}); p-values come from paired sign-flip permutation tests, corrected over "
        "all conditions after Holm [@holm1979].",
    ]


def _score(score: str) -> str:
    """What a score is, and whose: mir_eval's for notes, pi_amt's for frames, else a user's own."""
    name = score.replace("_", " ")
    if score in FRAME_SCORES:
        grid = f"{1000 * GRID_SECONDS:g} ms"
        return f"the {name} (is each of 88 pitches sounding, every {grid})"
    if score not in NOTE_SCORES:
        return f"`{score}`"
    if score == "F-measure_no_offset":
        name = "note F-measure (onset within 50 ms, pitch within 50 cents, offsets ignored)"
    return f"the {name} as defined by mir_eval [@raffel2014mireval]"


def _reservations(importance: Result) -> list[str]:
    names = [model_title(panel.model) for panel in importance.panels if is_reproduction(panel)]
    return [
        f"{name} is a synthetic-trained reproduction: its numbers do not describe the published "
        "model."
        for name in dict.fromkeys(names)
    ]


def _weights(panel: Panel) -> str:
    row = panel.rows[0]
    label = row.weights_label or "unlabelled weights"
    if "weights" not in label:
        label = f"weights labelled “{label}”"
    return f"{label} (sha256 `{row.weights[:12]}`, {row.precision})"


def _cited(name: str, key: str | None) -> str:
    return f"{name} [@{key}]" if key else name
