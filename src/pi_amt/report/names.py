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

from pi_amt.statistics.panels import Panel
from pi_amt.statistics.result import SCORE, Result
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
    SCORE: "F",
    f"{SCORE}_100ms": "F at 100 ms",
    f"{SCORE}_150ms": "F at 150 ms",
    f"{SCORE}_chroma": "F with octaves folded",
}

#: one per model, in the order in which models are stored; the page's styles have the colours, too
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_MARKERS = ("o", "s", "^", "D", "v", "P")

BADGE = "synthetic-trained reproduction"
BANNER = (
    "Synthetic-trained reproduction: these weights were trained by pi_amt on synthetic data, "
    "not by the model's authors. Read the numbers as a property of this reproduction, "
    "not of the published model."
)
HARD_BADGE = "hard (out of distribution)"
LEAK_BADGE = "leaks"


def model_title(name: str) -> str:
    """``timbre_trap`` → ``Timbre-Trap``; a variant's addition in brackets stays."""
    head, bracket, rest = name.partition(" [")
    return _MODELS.get(head, (head,))[0] + bracket + rest


def dataset_title(name: str) -> str:
    """``maps`` → ``MAPS``; unknown names as they are."""
    return _DATASETS.get(name, (name,))[0]


def citation(name: str) -> str:
    """`` [@key]`` for the publication of a model or dataset; empty where none is known."""
    _, key = (_MODELS | _DATASETS).get(name, ("", ""))
    return f" [@{key}]" if key else ""


def is_reproduction(panel: Panel) -> bool:
    """Whether the numbers come from a synthetic-trained reproduction."""
    return "reproduction" in panel.rows[0].weights_label.lower()


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
        number = importance.models.index(panel.model) % len(_COLOURS)
        titles = model_title(panel.model), dataset_title(panel.dataset)
        return cls(*titles, number, is_reproduction(panel))

    @property
    def colour(self) -> str:
        """The model's colour, as ``#RRGGBB``."""
        return _COLOURS[self.number]

    @property
    def marker(self) -> str:
        """The model's marker, as matplotlib names it."""
        return _MARKERS[self.number]

    @property
    def badge(self) -> str:
        """The badge in brackets, to follow a title in plain text; empty without one."""
        return f" ({BADGE})" if self.reproduction else ""


def slug(text: str) -> str:
    """A name that is safe in file names and fragments: letters, digits, ``-`` and ``_``."""
    return re.sub(r"[^a-z0-9_]+", "-", text.lower()).strip("-") or "x"


def unique_slugs(texts: Sequence[str]) -> list[str]:
    """Slugs in the same order, numbered where two would be the same."""
    seen: dict[str, int] = {}
    slugs = []
    for text in texts:
        base = slug(text)[:60]
        seen[base] = seen.get(base, 0) + 1
        slugs.append(base if seen[base] == 1 else f"{base}-{seen[base]}")
    return slugs


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
