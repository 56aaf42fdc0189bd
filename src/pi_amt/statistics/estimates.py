"""From the matrices of one panel to one result per condition."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import compress
from math import nan
from typing import Annotated, Any, get_type_hints

import numpy as np
from numpy.typing import NDArray

from pi_amt.core.spectrogram import RESIDUALS
from pi_amt.core.text import plural
from pi_amt.core.units import Floats
from pi_amt.permutations.controls import CARRIERS
from pi_amt.scoring.notes import F_MEASURE, NOTE_SCORES, TOLERANCE_SCORES
from pi_amt.statistics.bias import known_bias
from pi_amt.statistics.bootstrap import Interval
from pi_amt.statistics.floor import is_at_floor, why_at_floor
from pi_amt.statistics.inference import (
    FEWEST_COMPOSITIONS,
    Inference,
    equivalent_within,
    holm,
    interval_over,
    mean,
    p_value_over,
    snapped,
)
from pi_amt.statistics.panels import Panel
from pi_amt.statistics.variance import repeat_variance_share, repeats_needed

#: precision and recall that belong to an F of notes
PARTS = {
    score: (score.replace("F-measure", "Precision"), score.replace("F-measure", "Recall"))
    for score in (*NOTE_SCORES, *TOLERANCE_SCORES)
    if "F-measure" in score
}
#: share of a condition's score that its leak may be; above it the score says nothing about what
#: suffices
LEAKS_ABOVE = 0.1
#: threshold-free score of the frame activations
AVERAGE_PRECISION = "Frame_Average_Precision"

# Kinds of columns, each a type with the format in which people read it.
Text = Annotated[str, ""]
Count = Annotated[int, ""]
Number = Annotated[float, ".3f"]
Signed = Annotated[float, "+.3f"]
Whole = Annotated[float, ".0f"]
Decibels = Annotated[float, ".2f"]
PValue = Annotated[float, "p"]

#: some columns of a :class:`ConditionResult` by name
Columns = dict[str, Any]
#: those that are means of the effects in the rows, under the same names
_EFFECTS = (
    *("removed_db", "removed_db_target", "removed_db_tones", "touched_share", "collateral_db"),
    *RESIDUALS,
)
#: ``(pieces,)`` recordings with both scores
Known = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class ConditionResult:
    """One line of the importance table.

    Its fields are the columns of the table, in their order. The annotation of each says what it
    means and, by its kind, how it is written. Means and sums are over the ``n_pieces`` recordings.
    Numbers are NaN where they are not defined; p-values are NaN, too, where the baseline is at the
    floor (:mod:`pi_amt.statistics.floor`).
    """

    model: Annotated[Text, "config name of the model"]
    dataset: Annotated[Text, "config name of the dataset"]
    permutation: Annotated[Text, "config name of the permutation"]
    parameters: Annotated[Text, "options as JSON"]
    label: Annotated[Text, "the condition for people"]
    condition: Annotated[Text, "the label, with options where it is not unique"]
    role: Annotated[Text, "baseline, condition or control"]
    n_pieces: Annotated[Count, "recordings with a baseline and a perturbed score"]
    baseline: Annotated[Number, "mean score without perturbation"] = nan
    perturbed: Annotated[Number, "mean score with the perturbation"] = nan
    drop: Annotated[Number, "baseline − perturbed"] = nan
    drop_low: Annotated[Number, "lower bound of the drop's 95 % interval"] = nan
    drop_high: Annotated[Number, "upper bound of the drop's 95 % interval"] = nan
    drop_within: Annotated[
        Number, "the smallest margin inside which the drop lies: two one-sided tests at 5 %"
    ] = nan
    known_bias: Annotated[Signed, "measured − true drop on music with known partials"] = nan
    known_bias_error: Annotated[
        Number, "mean over its recordings of the distance of measured from true drop"
    ] = nan
    p: Annotated[
        PValue, "sign-flip test of the drop; at least 2^(1 − n) with n ≤ 12 compositions"
    ] = nan
    p_holm: Annotated[
        PValue,
        "p, corrected over the conditions of the report; at least their number times the smallest "
        "possible p",
    ] = nan
    relative_drop: Annotated[Number, "drop / baseline, ratio of means"] = nan
    relative_low: Annotated[Number, "lower bound of its 95 % interval"] = nan
    relative_high: Annotated[Number, "upper bound of its 95 % interval"] = nan
    excess_drop: Annotated[Number, "drop − drop of the control matched_tracks"] = nan
    excess_low: Annotated[Number, "lower bound of its 95 % interval"] = nan
    excess_high: Annotated[Number, "upper bound of its 95 % interval"] = nan
    excess_within: Annotated[
        Number, "the smallest margin inside which the excess lies: two one-sided tests at 5 %"
    ] = nan
    excess_p: Annotated[
        PValue, "sign-flip test of the excess; at least 2^(1 − n) with n ≤ 12 compositions"
    ] = nan
    excess_p_holm: Annotated[PValue, "excess_p, corrected over the conditions of the report"] = nan
    n_excess: Annotated[Count, "recordings with both condition and matched control"] = 0
    control_at_floor: Annotated[
        Text,
        "yes if the matched control leaves a mean score under 0.10, so that the excess says "
        "nothing, else no; empty if not run",
    ] = ""
    chance_corrected_drop: Annotated[Number, "drop / (baseline − floor), ratio of means"] = nan
    chance_corrected_low: Annotated[Number, "lower bound of its 95 % interval"] = nan
    chance_corrected_high: Annotated[Number, "upper bound of its 95 % interval"] = nan
    wrong_piece_drop: Annotated[Number, "drop with the masks of another piece"] = nan
    leak_noise: Annotated[Number, "score of the condition on noise, against its notes"] = nan
    leak_noise_low: Annotated[Number, "lower bound of its 95 % interval"] = nan
    leak_noise_high: Annotated[Number, "upper bound of its 95 % interval"] = nan
    leak_other: Annotated[
        Number, "score of the condition on another recording − that recording's by chance"
    ] = nan
    leak_other_low: Annotated[Number, "lower bound of its 95 % interval"] = nan
    leak_other_high: Annotated[Number, "upper bound of its 95 % interval"] = nan
    leaks: Annotated[
        Text, "yes if a leak is above a tenth of the perturbed score, else no; empty if not run"
    ] = ""
    precision: Annotated[Number, "mean precision with the perturbation"] = nan
    recall: Annotated[Number, "mean recall with the perturbation"] = nan
    precision_drop: Annotated[Number, "precision of the baseline − precision"] = nan
    recall_drop: Annotated[Number, "recall of the baseline − recall"] = nan
    baseline_micro: Annotated[Number, "F of the summed counts, F-measure_no_offset only"] = nan
    perturbed_micro: Annotated[Number, "the same with the perturbation"] = nan
    kept: Annotated[Whole, "notes found with and without the perturbation, repeats averaged"] = nan
    lost: Annotated[Whole, "notes found without it only, repeats averaged"] = nan
    gained: Annotated[Whole, "notes found with it only, repeats averaged"] = nan
    average_precision_drop: Annotated[Number, "drop of the frame score over all thresholds"] = nan
    average_precision_low: Annotated[Number, "lower bound of its 95 % interval"] = nan
    average_precision_high: Annotated[Number, "upper bound of its 95 % interval"] = nan
    removed_db: Annotated[Decibels, "energy taken in all, dB"] = nan
    removed_db_target: Annotated[Decibels, "energy taken from the target partials' band, dB"] = nan
    removed_db_tones: Annotated[
        Decibels, "energy taken from steady tones at the target partials, in all bins, dB"
    ] = nan
    control_removed_db: Annotated[Decibels, "energy taken in all by the matched control, dB"] = nan
    touched_share: Annotated[Number, "share of bins touched"] = nan
    collateral_db: Annotated[Decibels, "energy taken from other sounding notes, dB"] = nan
    residual_db: Annotated[
        Decibels, "domain=audio: what the sound does not keep of its perturbation, dB"
    ] = nan
    residual_db_bass: Annotated[Decibels, "the same of frequencies below C3"] = nan
    residual_db_middle: Annotated[Decibels, "the same of frequencies from C3 to B4"] = nan
    residual_db_treble: Annotated[Decibels, "the same of frequencies from C5 on"] = nan
    drop_std: Annotated[Number, "standard deviation of the drop between recordings"] = nan
    n_repeats: Annotated[Count, "draws per recording"]
    repeat_variance_share: Annotated[Number, "share of the drops' variance due to repeats"] = nan
    repeats_needed: Annotated[
        Whole, "draws that leave repeats under a tenth of the variance between recordings"
    ] = nan
    n_compositions: Annotated[Count, "compositions: the clusters of interval and test"]
    n_errors: Annotated[Count, "recordings that failed, here or in the baseline"]
    n_without_reference: Annotated[Count, "recordings without a defined score, left out"]
    n_empty: Annotated[Count, "recordings for which the condition is not defined"] = 0
    n_untouched: Annotated[Count, "those of them of which the condition touches nothing"] = 0
    n_missing: Annotated[Count, "recordings without a row"]
    target: Annotated[Text, "condition that a control belongs to"] = ""

    def __repr__(self) -> str:
        drop = f"drop {self.drop:.3f} [{self.drop_low:.3f}, {self.drop_high:.3f}]"
        excess = f"excess {self.excess_drop:.3f} [{self.excess_low:.3f}, {self.excess_high:.3f}]"
        told = [drop, *([excess] if self.n_excess else []), f"p_holm {self.p_holm:.2g}"]
        return (
            f"ConditionResult({self.model} × {self.dataset}, {self.condition}: "
            f"{self.baseline:.3f} → {self.perturbed:.3f}, {', '.join(told)}, "
            f"{plural(self.n_pieces, 'recording')})"
        )

    @property
    def is_within_bias(self) -> bool:
        """Whether a mask that reads too high, as far as is known, explains all of the excess."""
        return self.known_bias > self.excess_drop

    @property
    def is_testable(self) -> bool:
        """Whether there are enough compositions for a test; with fewer no interval is drawn."""
        return self.n_compositions >= FEWEST_COMPOSITIONS


#: column of the importance table → (format, meaning), as :class:`ConditionResult` says them
RESULT_COLUMNS: dict[str, tuple[str, str]] = {
    name: kind.__metadata__
    for name, kind in get_type_hints(ConditionResult, include_extras=True).items()
}


def panel_results(panel: Panel, inference: Inference) -> list[ConditionResult]:
    """One result per condition of a panel, not yet corrected for the number of tests."""
    summary = _Summary(panel, inference)
    return [summary.result(number) for number in range(len(panel.conditions))]


def baseline_result(panel: Panel, inference: Inference) -> ConditionResult:
    """The line of the baseline itself: no drop, no test; over all recordings with a score."""
    values = panel.baseline_values(inference.score)
    known = ~np.isnan(values)
    row = next(iter(panel.baseline.values()))
    failed = sum(row.status != "ok" for row in panel.baseline.values())
    precision, recall = PARTS.get(inference.score, ("", ""))
    micro = _micro(inference.score, lambda key: panel.baseline_values(key, "counts"), known)
    return ConditionResult(
        model=panel.model,
        dataset=panel.dataset,
        permutation=row.permutation,
        parameters=row.parameters,
        label=row.label,
        condition=row.label,
        role="baseline",
        n_pieces=int(known.sum()),
        n_compositions=len(set(compress(panel.compositions, known))),
        n_repeats=1,
        n_errors=failed,
        n_missing=len(panel.pieces) - len(panel.baseline),
        n_without_reference=len(panel.baseline) - failed - int(known.sum()),
        baseline=mean(values),
        perturbed=mean(values),
        drop=0.0 if known.any() else nan,
        precision=mean(panel.baseline_values(precision)[known]),
        recall=mean(panel.baseline_values(recall)[known]),
        baseline_micro=micro,
        perturbed_micro=micro,
    )


def holm_corrected(results: Sequence[ConditionResult]) -> tuple[ConditionResult, ...]:
    """Correct p-values for the number of results with the role ``condition``; controls keep NaN."""
    tested = [result.role == "condition" for result in results]
    p = holm([r.p if t else nan for r, t in zip(results, tested, strict=True)])
    excess = holm([r.excess_p if t else nan for r, t in zip(results, tested, strict=True)])
    return tuple(
        replace(result, p_holm=float(p[i]), excess_p_holm=float(excess[i]))
        for i, result in enumerate(results)
    )


class _Summary:
    """Matrices of one panel, read once, and the columns of one condition from them."""

    def __init__(self, panel: Panel, inference: Inference) -> None:
        self.panel, self.inference = panel, inference
        self.values = panel.values(inference.score)
        self.base = panel.baseline_values(inference.score)
        self.draws = snapped(self.base[None, :, None] - self.values)  # drop of every repeat
        self.means = panel.piece_means(inference.score)
        self.drops = snapped(self.base[None] - self.means)
        frames = panel.piece_means(AVERAGE_PRECISION)
        self.frame_drops = panel.baseline_values(AVERAGE_PRECISION)[None] - frames
        self.floor = panel.lone_control("floor")
        self.at_floor = bool(why_at_floor(panel, inference))
        self.effect = cache(lambda name: panel.piece_means(name, "effects"))
        self.count = cache(lambda name: panel.piece_means(name, "counts"))
        self.clean_count = cache(lambda name: panel.baseline_values(name, "counts"))

    def result(self, number: int) -> ConditionResult:
        """Every column of one condition."""
        known = ~np.isnan(self.drops[number])
        return ConditionResult(
            **self._condition(number),
            **self._recordings(number, known),
            **self._drop(number, known),
            **self._bias(number),
            **self._repeats(number),
            **self._controls(number, known),
            **self._leaks(number),
            **self._precision_and_recall(number, known),
            **self._frames(number),
            **self._notes(number, known),
            **self._effects(number, known),
        )

    def _condition(self, number: int) -> Columns:
        condition = self.panel.conditions[number]
        return {
            "model": self.panel.model,
            "dataset": self.panel.dataset,
            "permutation": condition.permutation,
            "parameters": condition.parameters,
            "label": condition.label,
            "condition": self.panel.names[number],
            "role": condition.role,
            "target": condition.target,
        }

    def _recordings(self, number: int, known: Known) -> Columns:
        """How many there are, and why the others are not."""
        panel = self.panel
        reasons = Counter(panel.why_missing(number, int(i)) for i in np.flatnonzero(~known))
        return {
            "n_pieces": int(known.sum()),
            "n_compositions": len(set(compress(panel.compositions, known))),
            "n_errors": reasons["error"],
            "n_empty": reasons["empty"],
            "n_untouched": int(panel.touches_nothing(number).sum()),
            "n_missing": reasons["missing"],
            "n_without_reference": reasons["undefined"],
        }

    def _drop(self, number: int, known: Known) -> Columns:
        drops = self.drops[number]
        return {
            "baseline": mean(self.base[known]),
            "perturbed": mean(self.base[known] - drops[known]),
            **self._interval(drops).columns("drop"),
            "drop_within": self._within(drops),
            **self._interval(drops, self.base, (-np.inf, 1.0)).columns("relative_drop"),
            "drop_std": float(drops[known].std(ddof=1)) if known.sum() > 1 else nan,
            "p": self._p_value(drops),
        }

    def _bias(self, number: int) -> Columns:
        """How far the drop of this mask was from the truth where the truth is known."""
        row = next(row for place, row in self.panel.cells.items() if place[0] == number)
        drops = known_bias(row, self.inference.score)
        return {} if drops is None else {"known_bias": drops.bias, "known_bias_error": drops.error}

    def _repeats(self, number: int) -> Columns:
        return {
            "n_repeats": int((~np.isnan(self.values[number])).any(axis=0).sum()),
            "repeat_variance_share": repeat_variance_share(self.draws[number]),
            "repeats_needed": repeats_needed(self.draws[number]),
        }

    def _controls(self, number: int, known: Known) -> Columns:
        """The drop beside those of the controls that were run."""
        found: Columns = {}
        drops = self.drops[number]
        wrong = self.panel.control_of(number, "wrong_piece")
        if wrong is not None:
            found["wrong_piece_drop"] = mean(self.drops[wrong])
        if self.floor is not None:
            ratio = self._interval(drops, self.drops[self.floor], (-np.inf, np.inf))
            found |= ratio.columns("chance_corrected_drop")
        matched = self.panel.control_of(number, "matched_tracks")
        if matched is not None:
            excess = snapped(drops - self.drops[matched])
            found |= self._interval(excess).columns("excess_drop")
            found["excess_within"] = self._within(excess)
            found["excess_p"] = self._p_value(excess)
            both = ~np.isnan(excess)
            found["n_excess"] = int(both.sum())
            if both.any():
                at_floor = is_at_floor(self.means[matched][both], self.inference)
                found["control_at_floor"] = "yes" if at_floor else "no"
            found["control_removed_db"] = mean(self.effect("removed_db")[matched][known])
        return found

    def _leaks(self, number: int) -> Columns:
        """What the condition scores on a sound without the notes, and whether that is too much.

        Only for scores from 0 to 1: of one of a plug-in it is not known what nothing scores.
        """
        panel, means = self.panel, self.means
        if panel.conditions[number].role != "condition" or not self.inference.bounded:
            return {}
        leaks: dict[str, Floats] = {}
        for carrier in CARRIERS:
            control = panel.control_of(number, "leak", carrier=carrier)
            if control is not None:
                leaks[carrier] = means[control]
        if "other" in leaks:
            chance = (
                np.full(len(panel.pieces), nan) if panel.chance is None else means[panel.chance]
            )
            leaks["other"] = snapped(leaks["other"] - chance)
        found: Columns = {}
        verdicts = []
        for carrier, leak in leaks.items():
            limits = (-1.0 if carrier == "other" else 0.0, 1.0)
            found |= self._interval(leak, limits=limits).columns(f"leak_{carrier}")
            both = ~np.isnan(leak) & ~np.isnan(means[number])
            if both.any():
                verdicts.append(mean(leak[both]) > LEAKS_ABOVE * mean(means[number][both]))
        if verdicts:
            found["leaks"] = "yes" if any(verdicts) else "no"
        return found

    def _precision_and_recall(self, number: int, known: Known) -> Columns:
        found: Columns = {}
        keys = PARTS.get(self.inference.score, ())
        for name, key in zip(("precision", "recall"), keys, strict=False):
            after = self.panel.piece_means(key)[number][known]
            found[name] = mean(after)
            found[f"{name}_drop"] = mean(self.panel.baseline_values(key)[known] - after)
        return found

    def _frames(self, number: int) -> Columns:
        return self._interval(self.frame_drops[number]).columns("average_precision_drop")

    def _notes(self, number: int, known: Known) -> Columns:
        """What became of the notes, and F of the pooled counts."""
        score, count = self.inference.score, self.count
        return {
            **{name: _total(count(name)[number][known]) for name in ("kept", "lost", "gained")},
            "baseline_micro": _micro(score, self.clean_count, known),
            "perturbed_micro": _micro(score, lambda key: count(key)[number], known),
        }

    def _effects(self, number: int, known: Known) -> Columns:
        return {name: mean(self.effect(name)[number][known]) for name in _EFFECTS}

    def _interval(
        self,
        top: Floats,
        bottom: Floats | None = None,
        limits: tuple[float, float] = (-1.0, 1.0),
    ) -> Interval:
        clusters = self.panel.compositions
        return interval_over(top, clusters, self.inference, bottom=bottom, limits=limits)

    def _within(self, differences: Floats) -> float:
        return equivalent_within(differences, self.panel.compositions, self.inference)

    def _p_value(self, differences: Floats) -> float:
        if self.at_floor:
            return nan
        return p_value_over(differences, self.panel.compositions, self.inference)


def _total(values: Floats) -> float:
    """Sum of what is not NaN in ``(pieces,)``; NaN where all are."""
    known = values[~np.isnan(values)]
    return float(known.sum()) if len(known) else nan


def _micro(score: str, count: Callable[[str], Floats], known: Known) -> float:
    """F of the counts of the ``known (pieces,)`` together; NaN where the score has no counts."""
    if score != F_MEASURE:
        return nan
    reference, estimate, matched = (
        count(key)[known].sum() for key in ("reference", "estimate", "matched")
    )
    return float(2 * matched / (reference + estimate)) if reference + estimate > 0 else nan
