"""What one condition does to one model on one dataset: the figures of the importance table.

:mod:`pi_amt.statistics.estimates` computes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pi_amt.statistics.bootstrap import LEVEL, N_RESAMPLES
from pi_amt.statistics.inference import holm

NAN = float("nan")

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
class Settings:
    """How results were computed.

    Attributes:
        score: key of ``Row.scores``.
        n_resamples, seed, level: of the bootstrap (and the random sign flips).
    """

    score: str
    n_resamples: int = N_RESAMPLES
    seed: int = 0
    level: float = LEVEL

    @property
    def bounded(self) -> bool:
        """Whether the score lies in [0, 1]; one of a plug-in, ``<entry point>.<key>``, may not."""
        return "." not in self.score


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
