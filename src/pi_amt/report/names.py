"""What readers see in place of config names, and the colours that stand for models.

Colours are those of Okabe & Ito ("Color universal design", 2008), which colour-blind readers can
tell apart; every mark also differs in shape, so that nothing rests on colour alone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from pi_amt.statistics.panels import Panel

if TYPE_CHECKING:
    pass

_MODELS = {"basic_pitch": "Basic Pitch", "timbre_trap": "Timbre-Trap"}
_DATASETS = {"maps": "MAPS", "maestro": "MAESTRO", "demo": "Demo"}

#: one per model, in the order in which models are stored
MODEL_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MODEL_MARKERS = ("o", "s", "^", "D", "v", "P")

REPRODUCTION = "reproduction"
BANNER = (
    "Synthetic-trained reproduction: these weights were trained by pi_amt on synthetic data, "
    "not by the model's authors. Read the numbers as a property of this reproduction, "
    "not of the published model."
)
HARD_BADGE = "hard (out of distribution)"


def model_title(name: str) -> str:
    """``timbre_trap`` → ``Timbre-Trap``; a variant's addition in brackets stays."""
    head, bracket, rest = name.partition(" [")
    return _MODELS.get(head, head) + bracket + rest


def dataset_title(name: str) -> str:
    """``maps`` → ``MAPS``; unknown names as they are."""
    return _DATASETS.get(name, name)


def weights_label(panel: Panel) -> str:
    """The honest description of a panel's weights."""
    return panel.rows[0].weights_label


def is_reproduction(panel: Panel) -> bool:
    """Whether the numbers come from a synthetic-trained reproduction."""
    return REPRODUCTION in weights_label(panel).lower()


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


def families(labels: Iterable[str]) -> list[tuple[str, str]]:
    """Labels in short: ``remove_harmonic(harmonic=1)`` … as (``remove_harmonic``, `` (harmonic =
    1 … 10)``); those whose options are not a full grid stand one by one.
    """
    groups: dict[tuple[str, ...], list[dict[str, str]]] = {}
    for label in labels:
        name, bracket, inside = label.partition("(")
        pairs = dict(part.strip().partition("=")[::2] for part in inside[:-1].split(","))
        if bracket and inside.endswith(")") and all(pairs.values()):
            groups.setdefault((name.strip(), *pairs), []).append(pairs)
        else:
            groups.setdefault((label,), []).append({})
    found: list[tuple[str, str]] = []
    for (name, *keys), members in groups.items():
        values = {key: list(dict.fromkeys(member[key] for member in members)) for key in keys}
        if math.prod(map(len, values.values())) == len(members):
            text = "; ".join(f"{key} = {_listed(given)}" for key, given in values.items())
            found.append((name, f" ({text})" if text else ""))
        else:
            found += [(f"{name}({', '.join(map('='.join, m.items()))})", "") for m in members]
    return found


def _listed(values: Sequence[str]) -> str:
    """``1 … 10`` for whole numbers without a hole, else all of them."""
    run = [str(int(values[0]) + i) for i in range(len(values))] if values[0].isdigit() else []
    return f"{values[0]} … {values[-1]}" if len(values) > 3 and run == values else ", ".join(values)


def score_name(score: str) -> str:
    """A score's key as readers see it: the default one is plain F."""
    return "F" if score == "F-measure_no_offset" else score.replace("_", " ")
