"""From the matrices of one panel to one result per condition."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from pi_amt.core.units import Floats
from pi_amt.statistics.bootstrap import Interval
from pi_amt.statistics.inference import (
    NAN,
    Inference,
    holm,
    interval_over,
    mean,
    p_value_over,
    pooled_f,
    snapped,
    total,
)
from pi_amt.statistics.panels import Panel
from pi_amt.statistics.variance import repeat_variance_share, repeats_needed

#: precision and recall that belong to an F
PARTS = {
    "F-measure_no_offset": ("Precision_no_offset", "Recall_no_offset"),
    "F-measure": ("Precision", "Recall"),
    "Onset_F-measure": ("Onset_Precision", "Onset_Recall"),
    "Offset_F-measure": ("Offset_Precision", "Offset_Recall"),
}
#: threshold-free score of the frame activations
AVERAGE_PRECISION = "Frame_Average_Precision"


@dataclass(frozen=True)
class ConditionResult:
    """One line of the importance table; fields are its columns, NaN where undefined.

    Attributes:
        condition: the label, with the options that tell it from others of the same label.
        n_pieces: recordings with both a baseline and a perturbed score; all means are over them.
        n_errors: recordings whose row is an error (here or in the baseline).
        n_without_reference: recordings without reference notes, left out.
        n_empty: recordings for which the condition is not defined.
        n_missing: recordings of the panel that have no row here.
        n_compositions: clusters among ``n_pieces``.
        baseline, perturbed, drop: macro means of the score; drop = baseline − perturbed.
        drop_std: between recordings.
        p, p_holm: sign-flip test of the drop; corrected over the conditions of the report.
        relative_drop: ratio of means, drop / baseline.
        chance_corrected_drop: drop / (baseline − floor), needs the ``floor`` control.
        precision, recall: means with the perturbation; their drops are baseline − perturbed.
        baseline_micro, perturbed_micro: F of the pooled counts (``F-measure_no_offset`` only).
        kept, lost, gained: notes, summed over recordings (repeats averaged).
        excess_drop: drop − drop of ``matched_tracks``, over ``n_excess`` recordings with both.
        wrong_piece_drop: drop of its ``wrong_piece`` control.
        removed_db, removed_db_target, touched_share, collateral_db: mean effects on the input.
        control_removed_db: total removed energy of the matched control.
        average_precision_drop: of the threshold-free frame score.
        repeat_variance_share: share of the variance of the recordings' drops that comes from
            repeats; ``repeats_needed`` keeps it under a tenth of the variance between recordings.
    """

    model: str
    dataset: str
    permutation: str
    parameters: str
    label: str
    condition: str
    role: str
    target: str
    n_pieces: int = 0
    n_compositions: int = 0
    n_repeats: int = 0
    n_errors: int = 0
    n_without_reference: int = 0
    n_empty: int = 0
    n_missing: int = 0
    baseline: float = NAN
    perturbed: float = NAN
    drop: float = NAN
    drop_low: float = NAN
    drop_high: float = NAN
    drop_std: float = NAN
    p: float = NAN
    p_holm: float = NAN
    relative_drop: float = NAN
    relative_low: float = NAN
    relative_high: float = NAN
    chance_corrected_drop: float = NAN
    chance_corrected_low: float = NAN
    chance_corrected_high: float = NAN
    excess_drop: float = NAN
    excess_low: float = NAN
    excess_high: float = NAN
    excess_p: float = NAN
    excess_p_holm: float = NAN
    n_excess: int = 0
    wrong_piece_drop: float = NAN
    precision: float = NAN
    recall: float = NAN
    precision_drop: float = NAN
    recall_drop: float = NAN
    baseline_micro: float = NAN
    perturbed_micro: float = NAN
    kept: float = NAN
    lost: float = NAN
    gained: float = NAN
    removed_db: float = NAN
    removed_db_target: float = NAN
    control_removed_db: float = NAN
    touched_share: float = NAN
    collateral_db: float = NAN
    average_precision_drop: float = NAN
    average_precision_low: float = NAN
    average_precision_high: float = NAN
    repeat_variance_share: float = NAN
    repeats_needed: float = NAN


def holm_corrected(results: Sequence[ConditionResult]) -> tuple[ConditionResult, ...]:
    """Correct over all rows with the role ``condition``; controls keep NaN."""
    tested = [result.role == "condition" for result in results]
    p = holm([r.p if t else NAN for r, t in zip(results, tested, strict=True)])
    excess = holm([r.excess_p if t else NAN for r, t in zip(results, tested, strict=True)])
    return tuple(
        replace(result, p_holm=float(p[i]), excess_p_holm=float(excess[i]))
        for i, result in enumerate(results)
    )


Known = NDArray[np.bool_]


def panel_results(panel: Panel, inference: Inference) -> list[ConditionResult]:
    """All conditions of one panel → results (not yet Holm-corrected) and plain warnings."""
    summary = _Summary(panel, inference)
    return [summary.result(number) for number in range(len(panel.conditions))]


def baseline_result(panel: Panel, inference: Inference) -> ConditionResult:
    """The line of the baseline itself: no drop, no test; over all recordings with a score."""
    values = panel.baseline_values(inference.score)
    known = ~np.isnan(values)
    row = next(iter(panel.baseline.values()))
    failed = sum(row.status != "ok" for row in panel.baseline.values())
    precision, recall = PARTS.get(inference.score, ("", ""))
    keys = ("reference", "estimate", "matched")
    pooled = pooled_f(*(panel.baseline_values(key, "counts")[known].sum() for key in keys))
    return ConditionResult(
        model=panel.model,
        dataset=panel.dataset,
        permutation=row.permutation,
        parameters=row.parameters,
        label=row.label,
        condition=row.label,
        role="baseline",
        target="",
        n_pieces=int(known.sum()),
        n_compositions=len({c for c, k in zip(panel.compositions, known, strict=True) if k}),
        n_repeats=1,
        n_errors=failed,
        n_missing=len(panel.pieces) - len(panel.baseline),
        n_without_reference=len(panel.baseline) - failed - int(known.sum()),
        baseline=mean(values),
        perturbed=mean(values),
        drop=0.0 if known.any() else NAN,
        precision=mean(panel.baseline_values(precision)[known]),
        recall=mean(panel.baseline_values(recall)[known]),
        baseline_micro=pooled if inference.score == "F-measure_no_offset" else NAN,
        perturbed_micro=pooled if inference.score == "F-measure_no_offset" else NAN,
    )


class _Summary:
    """Matrices of one panel, read once, and the figures of one condition from them."""

    def __init__(self, panel: Panel, inference: Inference) -> None:
        self.panel, self.inference = panel, inference
        self.clusters = np.array(panel.compositions, dtype=object)
        self.values = panel.values(inference.score)
        self.base = panel.baseline_values(inference.score)
        self.draws = snapped(self.base[None, :, None] - self.values)  # drop of every repeat
        self.drops = snapped(self.base[None] - panel.piece_means(inference.score))
        self.floor = panel.lone_control("floor")
        self.effect = cache(lambda name: panel.piece_means(name, "effects"))
        self.count = cache(lambda name: panel.piece_means(name, "counts"))
        self.drop_of = cache(lambda key: panel.baseline_values(key)[None] - panel.piece_means(key))

    def interval(
        self,
        top: Floats,
        bottom: Floats | None = None,
        limits: tuple[float, float] = (-1.0, 1.0),
    ) -> Interval:
        """:func:`~pi_amt.statistics.inference.interval_over` of ``(pieces,)``."""
        clusters = self.panel.compositions
        return interval_over(top, clusters, self.inference, bottom=bottom, limits=limits)

    def p_value(self, differences: Floats) -> float:
        """:func:`~pi_amt.statistics.inference.p_value_over` of ``(pieces,)``."""
        return p_value_over(differences, self.panel.compositions, self.inference)

    def result(self, number: int) -> ConditionResult:
        """Every figure of one condition."""
        drops = self.drops[number]
        known = ~np.isnan(drops)
        drop, relative = self.interval(drops), self.interval(drops, self.base, (-np.inf, 1.0))
        result = replace(
            self._counts(number, known),
            baseline=mean(self.base[known]),
            perturbed=mean(self.base[known] - drops[known]),
            drop=drop.estimate,
            drop_low=drop.low,
            drop_high=drop.high,
            drop_std=float(drops[known].std(ddof=1)) if known.sum() > 1 else NAN,
            p=self.p_value(drops),
            relative_drop=relative.estimate,
            relative_low=relative.low,
            relative_high=relative.high,
            repeat_variance_share=repeat_variance_share(self.draws[number]),
            repeats_needed=repeats_needed(self.draws[number]),
        )
        for add in (self._excess, self._chance_corrected, self._parts, self._pooled, self._effects):
            result = add(number, known, result)
        return result

    def _counts(self, number: int, known: Known) -> ConditionResult:
        panel = self.panel
        condition = panel.conditions[number]
        reasons = Counter(panel.why_missing(number, int(i)) for i in np.flatnonzero(~known))
        return ConditionResult(
            model=panel.model,
            dataset=panel.dataset,
            permutation=condition.permutation,
            parameters=condition.parameters,
            label=condition.label,
            condition=panel.names[number],
            role=condition.role,
            target=condition.target,
            n_pieces=int(known.sum()),
            n_compositions=len(set(self.clusters[known])),
            n_repeats=int((~np.isnan(self.values[number])).any(axis=0).sum()),
            n_errors=reasons["error"],
            n_empty=reasons["empty"],
            n_missing=reasons["missing"],
            n_without_reference=reasons["undefined"],
        )

    def _excess(self, number: int, known: Known, result: ConditionResult) -> ConditionResult:
        matched = self.panel.control_of(number, "matched_tracks")
        wrong = self.panel.control_of(number, "wrong_piece")
        if wrong is not None:
            result = replace(result, wrong_piece_drop=mean(self.drops[wrong]))
        if matched is None:
            return result
        excess = snapped(self.drops[number] - self.drops[matched])
        interval = self.interval(excess)
        return replace(
            result,
            excess_drop=interval.estimate,
            excess_low=interval.low,
            excess_high=interval.high,
            excess_p=self.p_value(excess),
            n_excess=int((~np.isnan(excess)).sum()),
            control_removed_db=mean(self.effect("removed_db")[matched][known]),
        )

    def _chance_corrected(
        self, number: int, known: Known, result: ConditionResult
    ) -> ConditionResult:
        if self.floor is None:
            return result
        found = self.interval(self.drops[number], self.drops[self.floor], (-np.inf, np.inf))
        return replace(
            result,
            chance_corrected_drop=found.estimate,
            chance_corrected_low=found.low,
            chance_corrected_high=found.high,
        )

    def _parts(self, number: int, known: Known, result: ConditionResult) -> ConditionResult:
        """Precision, recall and the threshold-free score."""
        free = self.interval(self.drop_of(AVERAGE_PRECISION)[number])
        result = replace(
            result,
            average_precision_drop=free.estimate,
            average_precision_low=free.low,
            average_precision_high=free.high,
        )
        if self.inference.score not in PARTS:
            return result
        keys = PARTS[self.inference.score]
        after = [self.panel.piece_means(key)[number][known] for key in keys]
        before = [self.panel.baseline_values(key)[known] for key in keys]
        return replace(
            result,
            precision=mean(after[0]),
            recall=mean(after[1]),
            precision_drop=mean(before[0] - after[0]),
            recall_drop=mean(before[1] - after[1]),
        )

    def _pooled(self, number: int, known: Known, result: ConditionResult) -> ConditionResult:
        """Notes kept, lost, gained, and F of the pooled counts."""
        count = {key: self.count(key)[number][known] for key in ("kept", "lost", "gained")}
        result = replace(
            result,
            kept=total(count["kept"]),
            lost=total(count["lost"]),
            gained=total(count["gained"]),
        )
        if self.inference.score != "F-measure_no_offset":
            return result
        keys = ("reference", "estimate", "matched")
        base = [self.panel.baseline_values(key, "counts")[known].sum() for key in keys]
        after = [self.count(key)[number][known].sum() for key in keys]
        return replace(result, baseline_micro=pooled_f(*base), perturbed_micro=pooled_f(*after))

    def _effects(self, number: int, known: Known, result: ConditionResult) -> ConditionResult:
        return replace(
            result,
            removed_db=mean(self.effect("removed_db")[number][known]),
            removed_db_target=mean(self.effect("removed_db_target")[number][known]),
            touched_share=mean(self.effect("touched_share")[number][known]),
            collateral_db=mean(self.effect("collateral_db")[number][known]),
        )
