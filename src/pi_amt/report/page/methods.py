"""A methods paragraph made from the settings of the rows, and the references that it cites."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence
from functools import cache

import numpy as np

from pi_amt.core.notes import N_PITCHES
from pi_amt.core.text import enumeration, plural
from pi_amt.models.loading import SHIPPED, load_model
from pi_amt.permutations.masks import PartialMask
from pi_amt.permutations.matched_energy import MatchedEnergy
from pi_amt.permutations.matched_tracks import CANDIDATES
from pi_amt.permutations.permutation import Permutation
from pi_amt.permutations.regions import default_half_width_cents
from pi_amt.permutations.shuffles import HighFreq
from pi_amt.report.catalog import permutation_of
from pi_amt.report.names import citation, families, model_title, score_name
from pi_amt.report.page.context import (
    ModelFacts,
    baselines_at_floor,
    dataset_facts,
    model_facts,
    reproductions,
)
from pi_amt.report.page.render import template_text
from pi_amt.report.statements import answer_of
from pi_amt.report.tables.shapley import with_values
from pi_amt.scoring.frames import FRAME_SCORES, GRID_SECONDS
from pi_amt.scoring.matching import ONSET_TOLERANCE_SECONDS, PITCH_TOLERANCE_CENTS
from pi_amt.scoring.notes import F_MEASURE, NOTE_SCORES, TOLERANCE_SCORES
from pi_amt.statistics.estimates import LEAKS_ABOVE
from pi_amt.statistics.floor import why_at_floor
from pi_amt.statistics.inference import FEWEST_COMPOSITIONS
from pi_amt.statistics.result import Result
from pi_amt.store.rows import COALITION, ConditionKey


def methods_markdown(importance: Result) -> str:
    """The paragraph in Markdown; citations as ``[@key]`` (pandoc), keys of :func:`references`."""
    sentences = [
        *_data(importance),
        *_perturbations(importance),
        *_shapley(importance),
        *_statistics(importance),
        *_claims(importance),
        *_reservations(importance),
        *_findings(importance),
    ]
    return "## Methods\n\n" + " ".join(sentences) + "\n"


def references(markdown: str) -> str:
    """BibTeX of the entries that a paragraph cites, in alphabetical order."""
    text = template_text("references.bib")
    entries = dict(re.findall(r"(?ms)^(?=@\w+\{([^,]+),)(.*?^\})", text))
    cited = set(re.findall(r"@([A-Za-z0-9_:-]+)", markdown))
    return "\n\n".join(entries[key] for key in sorted(cited & set(entries))) + "\n"


def _data(importance: Result) -> list[str]:
    said = [_question(importance)]
    for model in model_facts(importance):
        said.append(f"{model.look.model}{citation(model.name)} ran with {_weights(model)}.")
    for dataset in dataset_facts(importance):
        cited = citation(dataset.name)
        name = f"{dataset.title}{cited}" if cited else f"The dataset “{dataset.title}”"
        left_out = f"; {dataset.unscored}" if dataset.unscored else ""
        said.append(
            f"{name} contributed {plural(dataset.pieces, 'recording')} ({dataset.hours}{left_out})."
        )
    return said


def _question(importance: Result) -> str:
    """What was asked: of reliance only with matched controls, of nothing without a condition."""
    tool = f"pi_amt {importance.rows[0].version or '(version unknown)'} [@pi_amt]"
    if not any(result.role == "condition" for result in importance.results):
        return f"We scored transcription models with {tool}."
    controlled = any(result.n_excess for result in importance.results)
    own, hearing = _by_domain(importance)
    places = [
        *(["the models' own time–frequency input"] if own else []),
        *(["the sound that the models hear"] if hearing else []),
    ]
    return (
        f"We measured with {tool} which harmonic features transcription models "
        f"{'rely on' if controlled else 'are sensitive to'}, by permutation importance "
        f"[@breiman2001] of {' or of '.join(places)}."
    )


def _by_domain(importance: Result) -> tuple[list[str], list[str]]:
    """The models whose own input was perturbed, and those that heard perturbed sound."""
    models = model_facts(importance)
    own, hearing = ([m.look.model for m in models if m.hears is hears] for hears in (False, True))
    return own, hearing


def _perturbations(importance: Result) -> list[str]:
    conditions = list(
        dict.fromkeys(
            c for panel in importance.panels for c in panel.conditions if c.role != COALITION
        )
    )
    tried = [c for c in conditions if c.role == "condition"]
    if not tried:
        if importance.attributions and not conditions:
            return []
        besides = f" and the controls {_listing(conditions)} were" if conditions else " was"
        return [f"Only the unperturbed baseline{besides} run."]
    made = {condition: permutation_of(condition) for condition in tried}
    inside = [c for c, permutation in made.items() if permutation and permutation.needs_probe]
    said = []
    if len(inside) < len(tried):
        where = _where(importance)
        said.append(f"{where}: {_listing(c for c in tried if c not in inside)}.")
    if inside:
        said.append(
            f"One channel of the harmonic stack inside the network was set to zero by "
            f"{_listing(inside)}."
        )
    said += _masks(importance, [p for p in made.values() if isinstance(p, PartialMask)])
    seeds = sorted({row.seed for row in importance.rows})
    said.append(
        f"Random draws were keyed by recording, permutation and repeat "
        f"(seed {', '.join(map(str, seeds))}; {_repeats(importance)} where stochastic)."
    )
    return said + _controls(conditions) + _leaks(conditions)


def _where(importance: Result) -> str:
    """Where perturbations acted, of which a list follows."""
    own, hearing = _by_domain(importance)
    linear = "on the linear representation, before logarithm and normalisation"
    gabor = "on a non-stationary Gabor transform of the sound, from which the sound was made again"
    if not hearing:
        return f"Perturbations acted {linear}"
    if not own:
        return f"Perturbations acted {gabor}"
    return f"Perturbations acted {linear}, and for {enumeration(hearing)} {gabor}"


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


def _masks(importance: Result, masks: Sequence[PartialMask]) -> list[str]:
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


def _partials(masks: Sequence[PartialMask]) -> str:
    """Where the masks look for partials."""
    said = {
        "piano": "with the inharmonicity of piano strings [@rigaud2013]",
        "none": "with exactly harmonic partials",
        "estimate": "with the inharmonicity that was found in each recording, in units of that of "
        "piano strings [@rigaud2013]",
    }
    found = {mask.inharmonicity for mask in masks}
    kinds = [words for name, words in said.items() if name in found]
    for factor in sorted(value for value in found if not isinstance(value, str)):
        kinds.append(f"with {factor:g} times the inharmonicity of piano strings [@rigaud2013]")
    return kinds[0] if len(kinds) == 1 else ", ".join(f"some {kind}" for kind in kinds)


def _width(importance: Result, masks: Sequence[PartialMask]) -> str:
    widths = {mask.half_width_cents for mask in masks}
    if None not in widths:  # several are in the list of conditions
        return f", ±{widths.pop():g} cents around each partial" if len(widths) == 1 else ""
    # other people's models may need much to be loaded, a GPU for example
    known = [
        f"±{_own_half_width_cents(model):g} cents in {model_title(model)}"
        for model in importance.models
        if model in SHIPPED
    ]
    unless = " unless another width is listed" if len(widths) > 1 else ""
    return f", {' and '.join(known)} around each partial{unless}" if known else ""


@cache
def _own_half_width_cents(model: str) -> float:
    """The half-width of a mask for which none was chosen, from the front end of the model."""
    silence = np.zeros(22_050, dtype=np.float32)
    return default_half_width_cents(load_model(model, device="cpu").analyze(silence, 22_050))


def _controls(conditions: Sequence[ConditionKey]) -> list[str]:
    """What each kind of matched control did."""
    targets = {c.label: c for c in conditions if c.role == "condition"}
    groups: dict[str, list[str]] = {}
    for control in conditions:
        if control.kind == "matched_tracks" and control.target in targets:
            does = _control_of(permutation_of(targets[control.target]))
            groups.setdefault(does, []).append(f"`{control.target}`")
    if not groups:
        return []
    said = [
        f"{enumeration([*dict.fromkeys(t)])} with a control that {w}" for w, t in groups.items()
    ]
    return [
        f"We compared {'; '.join(said)}. The excess drop is the drop minus that under this matched "
        "control."
    ]


def _leaks(conditions: Sequence[ConditionKey]) -> list[str]:
    """How leaks were measured, and what was said to leak."""
    leaks = [c for c in conditions if c.kind == "leak"]
    targets = {leak.target for leak in leaks}
    checked = [c for c in conditions if c.role == "condition" and c.label in targets]
    if not checked:
        return []
    does = {
        "noise": "on Gaussian noise of the recording's long-term spectrum",
        "other": "on a recording of another composition, minus that recording's score without a "
        "perturbation",
    }
    carriers = {leak.options.get("carrier") for leak in leaks}
    ways = " and ".join(way for carrier, way in does.items() if carrier in carriers)
    return [
        f"The leak of {_listing(checked)} is the score against the recording's notes {ways}. A "
        f"condition leaks if one of these is above {LEAKS_ABOVE:g} times its score, which then is "
        "no evidence that what is left suffices."
    ]


def _control_of(target: Permutation | None) -> str:
    """What the matched control of a permutation does, to follow *a control that*."""
    if isinstance(target, MatchedEnergy):
        return "takes the same energy from a random other partial of the same notes"
    if isinstance(target, HighFreq):
        return "shuffles as many bins below the cutoff"
    if isinstance(target, PartialMask) and target.keep:
        return "keeps a random other partial of the same notes instead of the fundamental"
    first, *_, last = CANDIDATES
    return f"treats a random other partial of the same notes (k = {first} … {last}) in the same way"


def _shapley(importance: Result) -> list[str]:
    """How Shapley values were made."""
    found = with_values(importance)
    if not found:
        return []
    sets = dict.fromkeys(one.players for one in found)
    players = "; of others: ".join(", ".join(f"`{name}`" for name in names) for names in sets)
    n = " and ".join(f"{2 ** len(names)}" for names in sets)
    return [
        f"Exact Shapley values [@shapley1953] share the score among the players {players}, where "
        "f0 is the fundamental of all notes, hk their partial k, and rest all other sound. In each "
        f"of the {n} coalitions the partials of the absent players were removed by ratio masks, "
        "or, without rest, nothing but those of the present players was kept. Interactions are "
        "Shapley interaction indices [@grabisch1999]."
    ]


def _statistics(importance: Result) -> list[str]:
    inference = importance.inference
    score = f"The score is {_score(inference.score)}, averaged over recordings"
    if all("aligned_ms" in row.effects for row in importance.rows if row.status == "ok"):
        score = (
            "The transcriptions of each recording were shifted in time by the median onset offset "
            f"of its baseline. {score}"
        )
    if not importance.results:
        return [f"{score}."]
    return [
        f"{score}; repeats were averaged inside a recording first.",
        "Intervals are 95 % studentised bootstrap intervals [@efron1993] "
        f"({plural(inference.n_resamples, 'resample')} over recordings, clustered by composition, "
        f"seed {inference.seed}); p-values come from paired sign-flip permutation tests, corrected "
        "over all conditions after Holm [@holm1979].",
    ]


def _claims(importance: Result) -> list[str]:
    """What had to hold for a claim; nothing without matched controls, which every claim needs."""
    if not any(result.n_excess for result in importance.results):
        return []
    margin = importance.inference.equivalence_margin
    known = any(not math.isnan(result.known_bias) for result in importance.results)
    beyond = ", and it is larger than the known bias of the mask" if known else ""
    return [
        "A model is said to rely on a feature where the excess drop is significant and its "
        f"interval lies above zero{beyond}; and not to rely on it where the excess drop lies "
        f"within ±{margin:g} by two one-sided tests at 5 %. Nothing is claimed from fewer than "
        f"{FEWEST_COMPOSITIONS} compositions."
    ]


def _findings(importance: Result) -> list[str]:
    """The answers in the words of the report; those of a baseline at the floor are said before."""
    tried = any(result.role == "condition" for result in importance.results)
    return [
        answer_of(importance, panel).lead
        for panel in importance.panels
        if tried and not why_at_floor(panel, importance.inference)
    ]


def _score(score: str) -> str:
    """What a score is, and whose: mir_eval's for notes, pi_amt's for frames, else a user's own."""
    if score in FRAME_SCORES:
        grid = f"{1000 * GRID_SECONDS:g} ms"
        return f"the {score_name(score)} (is each of {N_PITCHES} pitches sounding, every {grid})"
    if score in TOLERANCE_SCORES:
        far = score.rpartition("_")[2]
        limit = "50 ms, octaves folded" if far == "chroma" else far.replace("ms", " ms")
        name = "note F-measure" if score.startswith("F") else score.partition("_")[0].lower()
        return f"the {name} without offsets (onset within {limit})"
    if score not in NOTE_SCORES:
        return f"`{score}`"
    near = (
        f"onset within {1000 * ONSET_TOLERANCE_SECONDS:g} ms, "
        f"pitch within {PITCH_TOLERANCE_CENTS:g} cents"
    )
    name = f"note F-measure ({near}, offsets ignored)" if score == F_MEASURE else score_name(score)
    return f"the {name} as defined by mir_eval [@raffel2014mireval]"


def _reservations(importance: Result) -> list[str]:
    reproduced = [
        f"{name} is a synthetic-trained reproduction: its numbers do not describe the published "
        "model."
        for name in reproductions(importance)
    ]
    unseen = [
        f"Nothing can be learnt from the drops of {place}: {why}; no p-values were computed there."
        for place, why in baselines_at_floor(importance)
    ]
    return [*reproduced, *unseen]


def _weights(model: ModelFacts) -> str:
    label = model.label if "weights" in model.label else f"weights labelled “{model.label}”"
    return f"{label} (sha256 `{model.weights[:12]}`, {model.precision})"
