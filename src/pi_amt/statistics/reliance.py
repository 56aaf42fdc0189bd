"""What one model relies on, as measures that are compared between models and between versions.

A :class:`Measure` keeps two numbers of every recording, and its value is the ratio of their means:
F itself is over ones, and a share of F over F. So two measures of the same recordings are compared
in the same resamples (:func:`~pi_amt.statistics.bootstrap.ratio_difference`), whether they are of
two models or of two versions of one.

**Ranks** are the places that paired intervals leave to a model: behind every model that is
confidently ahead of it, and before every model that it is confidently ahead of. Ahead is a model
whose paired difference on the recordings of both has a 95 % interval above 0. Models that are not
told apart share places. The intervals are not corrected for the number of pairs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from pi_amt.core.spectrogram import RESIDUALS
from pi_amt.core.units import Floats
from pi_amt.permutations.masks import RatioFundMask, RatioHarmMask
from pi_amt.statistics.bootstrap import UNDEFINED, Interval, ratio_difference
from pi_amt.statistics.estimates import ConditionResult
from pi_amt.statistics.floor import why_at_floor
from pi_amt.statistics.inference import (
    FEWEST_COMPOSITIONS,
    Inference,
    interval_over,
    mean,
    snapped,
)
from pi_amt.statistics.panels import Panel
from pi_amt.statistics.result import Result
from pi_amt.store.rows import AUDIO_WITH_ONLY, AUDIO_WITHOUT, Row, flat_options

#: of a model whose perturbed sound is heard, behind its name
IN_AUDIO = " (audio)"
#: measure → what it is
MEASURES = {
    "F": "F without a perturbation",
    "reliance": "share of F that is lost without the fundamentals, beyond the control",
    "necessity": "drop in F without the fundamentals, beyond the control",
    "kept": "share of F that is left with the fundamentals alone",
    "sufficiency": "F that is left with the fundamentals alone, beyond the control",
    "onset": "drop in F without the fundamentals of the first 50 ms of notes, beyond the control",
    "microtonal": "drop in F with bins shuffled inside semitones, in the model's own input",
    "bias_removed": "bias of the mask that removes the fundamentals: measured − true drop",
    "bias_kept": "bias of the mask that keeps the fundamentals alone: measured − true drop",
}
#: prefix of a measure that is a Shapley value, before the name of its player
SHAPLEY = "from "
#: measures that a model without F has, too
_NEED_NO_F = ("F",)
_REMOVED, _KEPT = RatioFundMask.name, RatioHarmMask.name


@dataclass(frozen=True)
class Measure:
    """One quantity of one model.

    Attributes:
        parts: recording → numerator and denominator, both finite.
    """

    parts: Mapping[str, tuple[float, float]]

    @classmethod
    def of(cls, pieces: Sequence[str], top: Floats, bottom: Floats | None = None) -> Measure:
        """From ``(pieces,)`` numbers, of which recordings with a NaN are left out."""
        below = np.ones(len(pieces)) if bottom is None else bottom
        there = ~np.isnan(top) & ~np.isnan(below)
        numbers = zip(pieces, top.tolist(), below.tolist(), there.tolist(), strict=True)
        return cls({piece: (t, b) for piece, t, b, known in numbers if known})

    def on(self, pieces: Sequence[str]) -> tuple[Floats, Floats]:
        """Numerators and denominators, each ``(pieces,)``, of recordings that it has."""
        top, bottom = np.array([self.parts[piece] for piece in pieces]).reshape(-1, 2).T
        return top, bottom

    @property
    def is_ratio(self) -> bool:
        """Whether it is a share of something, and no mean."""
        return any(bottom != 1.0 for _, bottom in self.parts.values())


#: some measures by name, and for others why they have no value
_Made = tuple[dict[str, Measure], dict[str, str]]


@dataclass(frozen=True)
class Standing:
    """One model on one dataset.

    Attributes:
        model: name, without what says that it heard perturbed sound.
        dataset: config name.
        compositions: recording → its composition.
        data: recording → fingerprint of its sound and notes.
        measures: name → measure; those that were not run are missing.
        inference: resamples, seed, level.
        missing: measure → why it has no value, where that is known.
        residual_db: mean over recordings of what the sound does not keep of the mask that removes
            the fundamentals; NaN where it was not run.
        facts: how the rows were made, for readers: weights, method, settings and so on.
    """

    model: str
    dataset: str
    compositions: Mapping[str, str]
    data: Mapping[str, str]
    measures: Mapping[str, Measure]
    inference: Inference
    missing: Mapping[str, str] = field(default_factory=dict)
    residual_db: float = np.nan
    facts: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def values(self) -> dict[str, Interval]:
        """Measure → its value with its interval; no interval over fewer than six compositions."""
        return {name: self._value(measure) for name, measure in self.measures.items()}

    def _value(self, measure: Measure) -> Interval:
        pieces = list(measure.parts)
        top, bottom = measure.on(pieces)
        clusters = [self.compositions[piece] for piece in pieces]
        limits = (-np.inf, np.inf) if measure.is_ratio else (-1.0, 1.0)
        found = interval_over(top, clusters, self.inference, bottom=bottom, limits=limits)
        return _with_enough(clusters, found)


def measure_in_words(name: str) -> str:
    """What a measure is."""
    if name.startswith(SHAPLEY):
        return f"Shapley value of {name.removeprefix(SHAPLEY)}, a part of F"
    return MEASURES.get(name, name)


def difference(a: Standing, b: Standing, name: str) -> Interval:
    """Measure of a − that of b over the recordings of both, which must be the same sound and notes;
    no interval over fewer than six compositions."""
    ours, theirs = a.measures.get(name), b.measures.get(name)
    if ours is None or theirs is None:
        return UNDEFINED
    pieces = [p for p in ours.parts if p in theirs.parts and a.data[p] == b.data[p]]
    clusters = [a.compositions[piece] for piece in pieces]
    given = a.inference
    found = ratio_difference(
        ours.on(pieces),
        theirs.on(pieces),
        clusters,
        n_resamples=given.n_resamples,
        level=given.level,
        seed=given.seed,
    )
    return _with_enough(clusters, found)


def _with_enough(clusters: Sequence[str], found: Interval) -> Interval:
    """An estimate without its bounds where there are fewer compositions than a test needs."""
    if len(set(clusters)) >= FEWEST_COMPOSITIONS:
        return found
    return Interval(found.estimate, np.nan, np.nan)


def ranks(standings: Sequence[Standing], name: str) -> list[tuple[int, int] | None]:
    """First and last place that each model may have by a measure, the largest value first; see the
    module for the rule.

    ``None`` where a model has no value, or too few compositions for an interval.
    """
    ranked = [
        one for one in standings if name in one.measures and not np.isnan(one.values[name].low)
    ]
    ahead = np.array([[difference(a, b, name).low > 0 for b in ranked] for a in ranked])
    found: dict[int, tuple[int, int]] = {}
    for number, one in enumerate(ranked):
        before, behind = ahead[:, number].sum(), ahead[number].sum()
        found[id(one)] = (1 + int(before), len(ranked) - int(behind))
    return [found.get(id(one)) for one in standings]


def standings(result: Result) -> tuple[Standing, ...]:
    """One per model and dataset that heard perturbed sound; the largest F of a dataset first."""
    panels = {(panel.model, panel.dataset): panel for panel in result.panels}
    found = [
        _standing(result, panel, panels.get((_plain(panel.model), panel.dataset)))
        for panel in result.panels
        if _settings(panel).get("domain") == "audio"
    ]
    order = {name: number for number, name in enumerate(result.datasets)}
    return tuple(sorted(found, key=lambda one: (order[one.dataset], -_f(one))))


def _f(one: Standing) -> float:
    """F; 0 where every recording failed."""
    return one.values["F"].estimate if "F" in one.values else 0.0


def _plain(model: str) -> str:
    return model.removesuffix(IN_AUDIO)


def _settings(panel: Panel) -> dict[str, Any]:
    return flat_options(json.loads(panel.rows[0].settings or "{}"))


def _standing(result: Result, panel: Panel, own: Panel | None) -> Standing:
    """The standing of a model from its panel; ``own``: that of its own input, if it was run."""
    drops, results = _Drops(panel, result.score), result.results_of(panel)
    measures = {"F": Measure.of(panel.pieces, drops.base)}
    missing: dict[str, str] = {}
    for made, reasons in (
        _of_necessity(drops, results),
        _of_sufficiency(drops, results),
        _of_players(result, panel),
        _of_onsets(drops, results),
        _of_own_input(own, panel, result.score),
        _of_bias(drops),
    ):
        measures |= made
        missing |= reasons
    if why := why_at_floor(panel, result.inference):
        missing |= dict.fromkeys((m for m in measures if m not in _NEED_NO_F), why)
    removed = drops.named(_REMOVED)
    effects = panel.piece_means(RESIDUALS[0], "effects")
    return Standing(
        model=_plain(panel.model),
        dataset=panel.dataset,
        compositions=dict(zip(panel.pieces, panel.compositions, strict=True)),
        data={piece: row.data for piece, row in panel.baseline.items()},
        measures={name: one for name, one in measures.items() if one.parts and name not in missing},
        inference=result.inference,
        missing=missing,
        residual_db=np.nan if removed is None else mean(effects[removed]),
        facts=_facts(panel),
    )


def _of_necessity(drops: _Drops, results: Sequence[ConditionResult]) -> _Made:
    """What is lost without the fundamentals."""
    removed = drops.named(_REMOVED)
    if removed is None:
        return {}, {}
    made = {"necessity": drops.excess(removed), "reliance": drops.excess(removed, share=True)}
    return made, _uninformative(results[removed], made)


def _of_sufficiency(drops: _Drops, results: Sequence[ConditionResult]) -> _Made:
    """What is left with the fundamentals alone."""
    kept = drops.named(_KEPT)
    if kept is None:
        return {}, {}
    made = {
        "kept": Measure.of(drops.panel.pieces, drops.base - drops.drops[kept], drops.base),
        "sufficiency": drops.excess(kept, sign=-1.0),
    }
    missing = _uninformative(results[kept], ("sufficiency",))
    if results[kept].leaks == "yes":
        missing |= dict.fromkeys(made, _leak(results[kept]))
    return made, missing


def _of_players(result: Result, panel: Panel) -> _Made:
    """Shapley values, as far as all coalitions were run."""
    return {
        SHAPLEY + player: Measure.of(one.pieces, column)
        for one in result.attributions
        if one.panel is panel and one.known
        for column, player in zip(one.values.T, one.players, strict=True)
    }, {}


def _of_onsets(drops: _Drops, results: Sequence[ConditionResult]) -> _Made:
    """What is lost without the fundamentals of the beginnings of notes."""
    onset = drops.named("fund_mask", onset="only")
    if onset is None:
        return {}, {}
    made = {"onset": drops.excess(onset)}
    return made, _uninformative(results[onset], made)


_NO_OWN_INPUT = (
    "it needs the model's own input, which is not known or was not run; a sound keeps no shuffle"
)


def _of_own_input(own: Panel | None, panel: Panel, score: str) -> _Made:
    """What is lost where the bins of the model's own input are shuffled, on the recordings that the
    model was also given as sound."""
    drops = None if own is None else _Drops(own, score)
    moved = None if drops is None else drops.named("microtonal")
    if drops is None or moved is None:
        return {}, {"microtonal": _NO_OWN_INPUT}
    lost = Measure.of(drops.panel.pieces, drops.drops[moved]).parts
    return {"microtonal": Measure({p: lost[p] for p in panel.pieces if p in lost})}, {}


def _of_bias(drops: _Drops) -> _Made:
    """Measured − true drops, where the sound was also made without the fundamentals, or of them."""
    made = {}
    for name, mask, truth in (
        ("bias_removed", drops.named(_REMOVED), drops.named(AUDIO_WITHOUT, harmonic=1)),
        ("bias_kept", drops.named(_KEPT), drops.named(AUDIO_WITH_ONLY, harmonic=1)),
    ):
        if mask is not None and truth is not None:
            off = drops.drops[mask] - drops.drops[truth]
            made[name] = Measure.of(drops.panel.pieces, snapped(off))
    return made, {}


def _facts(panel: Panel) -> dict[str, Any]:
    """How the rows of a panel were made."""
    row = panel.rows[0]
    return {
        "weights": row.weights,
        "weights_label": row.weights_label,
        "precision": row.precision,
        "settings": _settings(panel),
        "conditions": [
            panel.names[n]
            for n in _conditions(panel)
            if panel.conditions[n].permutation not in (AUDIO_WITHOUT, AUDIO_WITH_ONLY)  # the truth
        ],
        "seconds": round(sum(panel.seconds), 1),
        "method": row.method,
        "permutation_versions": _versions(panel),
        "pi_amt": row.version,
    }


def _uninformative(result: ConditionResult, names: Iterable[str]) -> dict[str, str]:
    """Why an excess says nothing, for each measure made of it; empty if it says something."""
    if result.control_at_floor == "yes":
        return dict.fromkeys(names, "the control itself leaves no F to compare with")
    return {}


def _leak(result: ConditionResult) -> str:
    """Why what is left under a mask that leaks says nothing."""
    found = np.nanmax([result.leak_noise, result.leak_other])
    return (
        f"the mask alone lets notes be guessed (F {found:.2f} on a sound without them, "
        f"{result.perturbed:.2f} on the recording: it leaks)"
    )


def _versions(panel: Panel) -> dict[str, str]:
    """Permutation → the versions of its own method that its rows have."""
    found: dict[str, set[str]] = {}
    for row in panel.rows:
        found.setdefault(row.permutation, set()).add(row.permutation_version or "1")
    return {name: " and ".join(sorted(versions)) for name, versions in found.items()}


def _conditions(panel: Panel) -> list[int]:
    return [n for n, condition in enumerate(panel.conditions) if condition.role == "condition"]


class _Drops:
    """Drops of one panel, repeats averaged."""

    def __init__(self, panel: Panel, score: str) -> None:
        self.panel = panel
        self.base = panel.baseline_values(score)
        self.drops = snapped(self.base[None] - panel.piece_means(score))

    def named(self, permutation: str, **options: object) -> int | None:
        """Number of the first condition of this permutation with these options."""
        for number in _conditions(self.panel):
            condition = self.panel.conditions[number]
            there = flat_options(condition.options)
            fits = all(there.get(name) == value for name, value in options.items())
            if condition.permutation == permutation and fits:
                return number
        return None

    def excess(self, number: int, *, share: bool = False, sign: float = 1.0) -> Measure:
        """Drops beyond those of the matched control; none where it was not run."""
        control = self.panel.control_of(number, "matched_tracks")
        if control is None:
            return Measure({})
        beyond = sign * snapped(self.drops[number] - self.drops[control])
        return Measure.of(self.panel.pieces, beyond, self.base if share else None)


def named(rows: Sequence[Row], model: str) -> list[Row]:
    """The rows of one model under another name, whichever input they are of: several versions of
    one architecture stand side by side, each as a model of its own."""
    return [
        replace(row, model=model + (IN_AUDIO if row.model.endswith(IN_AUDIO) else ""))
        for row in rows
    ]
