"""What readers see in place of config names, and the look of each model.

Colours are those of Okabe & Ito ("Color universal design", 2008), which colour-blind readers can
tell apart; every mark also differs in shape, so that nothing rests on colour alone.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pi_amt.permutations.masks import PartialMask
from pi_amt.permutations.permutation import Permutation
from pi_amt.scoring.notes import F_MEASURE
from pi_amt.statistics.estimates import RESULT_COLUMNS
from pi_amt.statistics.panels import Panel
from pi_amt.statistics.reliance import MEASURES, SHAPLEY, measure_in_words
from pi_amt.statistics.result import Result
from pi_amt.store.rows import ConditionKey, flat_options

#: config name → title, and the key of its publication in ``references.bib``
_MODELS = {
    "basic_pitch": ("Basic Pitch", "bittner2022basicpitch"),
    "timbre_trap": ("Timbre-Trap", "cwitkowitz2024timbretrap"),
}
_DATASETS = {
    "maps": ("MAPS", "emiya2010maps"),
    "maestro": ("MAESTRO", "hawthorne2019maestro"),
    "demo": ("Demo", ""),
    "known_partials": ("Truth set", ""),
    "guitarset": ("GuitarSet", "xi2018guitarset"),
    "urmp": ("URMP", "li2019urmp"),
    "slakh": ("Slakh2100", "manilow2019slakh"),
    "musicnet": ("MusicNet", "thickstun2017musicnet"),
    "bach10": ("Bach10", "duan2011soundprism"),
    "vocadito": ("vocadito", "bittner2021vocadito"),
}
#: option that curves run over → what its values are, and their unit
_AXES = {
    "attenuation_db": ("attenuation", "dB"),
    "half_width_cents": ("half-width", "cents"),
    "cutoff_hz": ("cutoff", "Hz"),
    "p": ("share of bins p", ""),
    "harmonic": ("harmonic k", ""),
}
#: score → what it is called in running text
_SCORES = {
    F_MEASURE: "F",
    f"{F_MEASURE}_100ms": "F at 100 ms",
    f"{F_MEASURE}_150ms": "F at 150 ms",
    f"{F_MEASURE}_chroma": "F with octaves folded",
}

#: one per model, in the order in which models are stored; the page's styles have the colours, too
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_MARKERS = ("o", "s", "^", "D", "v", "P")

#: columns of tables other than that of ``ConditionResult``, whose fields say what theirs mean
_COLUMNS = {
    "a": "the side that is subtracted",
    "b": "the side that it is subtracted from",
    "baseline_a": "mean score of a without perturbation",
    "baseline_b": "mean score of b without perturbation",
    "drop_a": "baseline − perturbed of a",
    "drop_b": "baseline − perturbed of b",
    "difference": "drop of b − drop of a on the same recordings, with its 95 % interval",
    "relative_drop_a": "drop / baseline of a, ratio of means",
    "relative_drop_b": "drop / baseline of b, ratio of means",
    "excess_a": "drop of a − drop of its matched control",
    "excess_b": "drop of b − drop of its matched control",
    "curve": "the permutation whose option is varied",
    "parameter": "the option that is varied",
    "constant": "options that are the same along the curve",
    "n_doses": "values of the option",
    "lowest": "lowest value of the option",
    "highest": "highest value of the option",
    "area": "mean drop over the range of doses",
    "d50": "dose at which half of the way from the clean score to the floor is lost",
    "d50_bound": "says that the curve never gets there, or is there from the first dose on",
    "half_drop": "the drop that d50 is about",
    "moved": "share of the lost notes that begin within 150 ms, in per cent",
    "octave": "share found an octave, a twelfth or two octaves away, in per cent",
    "split": "share found later while the note sounds, in per cent",
    "gone": "share of which nothing is left, in per cent",
    **{
        f"{fate}_by_chance": f"share that chance alone would call {fate}, in per cent"
        for fate in ("moved", "octave", "split")
    },
    **{
        f"{kind}_{key}": f"{text} {name}"
        for kind, text in (
            ("clean", "mean F without perturbation"),
            ("perturbed", "mean F with the perturbation"),
            ("drop", "drop"),
        )
        for key, name in (
            ("50ms", "with onsets within 50 ms"),
            ("100ms", "with onsets within 100 ms"),
            ("150ms", "with onsets within 150 ms"),
            ("chroma", "with octaves folded"),
        )
    },
    "timing": "share of the drop at 50 ms that is gone at 150 ms, in per cent",
    "octaves": "share of the drop at 50 ms that is gone with octaves folded, in per cent",
    "track": "the recording",
    "conditions": "what it failed under",
    "reason": "why it failed",
    **MEASURES,
    "rank_F": "places by F, the largest first",
    "rank_reliance": "places by reliance, the largest first",
}
#: column → its head on the page, where its name is not what readers would call it
_HEADS = {
    "excess_drop": "excess",
    "p_holm": "p",
    "p": "p uncorrected",
    "excess_p_holm": "p of the excess",
    "excess_p": "p of the excess, uncorrected",
    "n_pieces": "recordings",
}

BADGE = "synthetic-trained reproduction"
BANNER = (
    "Synthetic-trained reproduction: these weights were trained by pi_amt on synthetic data, "
    "not by the model's authors. Read the numbers as a property of this reproduction, "
    "not of the published model."
)
HARD_BADGE = "hard (out of distribution)"
LEAK_BADGE = "leaks"


def model_title(name: str) -> str:
    """``timbre_trap`` → ``Timbre-Trap``; what stands behind it in brackets stays."""
    head, addition = _head_and_addition(name)
    return _MODELS.get(head, (head,))[0] + addition


def dataset_title(name: str) -> str:
    """``maps`` → ``MAPS``; unknown names as they are."""
    return _DATASETS.get(name, (name,))[0]


def citation(name: str) -> str:
    """`` [@key]`` for the publication of a model or dataset; empty where none is known."""
    head, _ = _head_and_addition(name)
    _, key = (_MODELS | _DATASETS).get(head, ("", ""))
    return f" [@{key}]" if key else ""


def _head_and_addition(name: str) -> tuple[str, str]:
    """``basic_pitch (audio)`` → ``basic_pitch``, `` (audio)``; of a variant, what is in ``[ ]``."""
    head = re.split(r" (?=[\[(])", name, maxsplit=1)[0]
    return head, name[len(head) :]


def is_reproduction(weights_label: str) -> bool:
    """Whether weights of this label are a synthetic-trained reproduction."""
    return "reproduction" in weights_label.lower()


@dataclass(frozen=True)
class Look:
    """How the model and the dataset of a panel appear, wherever a report shows them.

    Attributes:
        model, dataset: titles.
        number: of the model's colour and marker; the page's styles call it ``c<number>``.
        reproduction: whether the badge of a reproduction must stand beside every number.
    """

    model: str
    dataset: str
    number: int
    reproduction: bool

    @classmethod
    def of(cls, importance: Result, panel: Panel) -> Look:
        """The look of one panel of a result."""
        number = importance.models.index(panel.model) % len(COLOURS)
        titles = model_title(panel.model), dataset_title(panel.dataset)
        return cls(*titles, number, is_reproduction(panel.rows[0].weights_label))

    @property
    def colour(self) -> str:
        """The model's colour, as ``#RRGGBB``."""
        return COLOURS[self.number]

    @property
    def marker(self) -> str:
        """The model's marker, as matplotlib names it."""
        return _MARKERS[self.number]

    @property
    def badge(self) -> str:
        """The badge in brackets, to follow a title in plain text; empty without one."""
        return f" ({BADGE})" if self.reproduction else ""


def column_head(name: str) -> str:
    """What a column is called on the page: ``relative_drop`` → ``relative drop``."""
    return _HEADS.get(name, name.replace("_", " "))


def column_meaning(name: str) -> str:
    """What a column means, as the fields of ``ConditionResult`` say it; empty if nothing does."""
    if name.startswith(SHAPLEY):
        return measure_in_words(name)
    _, meaning = RESULT_COLUMNS.get(name, ("", ""))
    return meaning or _COLUMNS.get(name, "")


def feature_of(permutation: Permutation | None) -> tuple[object, str]:
    """What a condition is about, (key, title): binary, soft and ratio masks of the same partials
    are about one feature. Others are about themselves; their key is ``None``, their title empty.
    """
    if not isinstance(permutation, PartialMask):
        return None, ""
    partials = permutation.partials
    what = "fundamentals" if partials == (1,) else f"partials {', '.join(map(str, partials))}"
    title = f"Nothing but the {what} is kept" if permutation.keep else f"The {what} are removed"
    return (permutation.keep, partials), title


def slug(text: str) -> str:
    """A name that is safe in file names and fragments: letters, digits, ``-`` and ``_``."""
    return re.sub(r"[^a-z0-9_]+", "-", text.lower()).strip("-") or "x"


def unique_slugs(texts: Sequence[str]) -> list[str]:
    """Slugs in the same order, numbered where two would be the same."""
    slugs: dict[str, None] = {}
    for text in texts:
        base = slug(text)[:60]
        numbered = (f"{base}-{number}" for number in range(2, len(texts) + 1))
        slugs[next(name for name in (base, *numbered) if name not in slugs)] = None
    return list(slugs)


def families(conditions: Mapping[ConditionKey, str]) -> list[tuple[str, str]]:
    """Conditions in short: ``remove_harmonic`` of ten harmonics as (``remove_harmonic``,
    `` (harmonic = 1 … 10)``).

    Conditions of one permutation stand together with the values of the options in which they
    differ. Where these are not a full grid, or options of a target, each stands by itself.

    Args:
        conditions: each with what it is called where it stands by itself.
    """
    groups: dict[tuple[str, bool], list[ConditionKey]] = {}
    for condition in conditions:
        plain = condition.label == condition.permutation
        groups.setdefault((condition.permutation, plain), []).append(condition)
    found: list[tuple[str, str]] = []
    for (name, _), members in groups.items():
        options = [flat_options(member.options) for member in members]
        values = {
            key: list(dict.fromkeys(str(own.get(key)) for own in options))
            for key in dict.fromkeys(key for own in options for key in own)
        }
        varied = {key: given for key, given in values.items() if len(given) > 1}
        full = math.prod(map(len, varied.values())) == len(members) > 1
        if full and all(key in member.options for key in varied for member in members):
            text = "; ".join(f"{key} = {_listed(given)}" for key, given in varied.items())
            found.append((name, f" ({text})"))
        else:
            found += dict.fromkeys((conditions[member], "") for member in members)
    return found


def _listed(values: Sequence[str]) -> str:
    """``1 … 10`` for whole numbers without a hole, else all of them."""
    run = [str(int(values[0]) + i) for i in range(len(values))] if values[0].isdigit() else []
    return f"{values[0]} … {values[-1]}" if len(values) > 3 and run == values else ", ".join(values)


def score_name(score: str) -> str:
    """A score's key as readers see it: the default one is plain F."""
    return _SCORES.get(score, score.replace("_", " "))


def axis_of(parameter: str) -> tuple[str, str]:
    """The title of an axis of an option's values, and their unit, which may be empty."""
    name, unit = _AXES.get(parameter, (parameter, ""))
    return f"{name} ({unit})" if unit else name, unit


def option_text(value: object) -> str:
    """The value of an option or setting as readers see it: text as it is, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)
