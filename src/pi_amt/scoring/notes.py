"""Note scores: mir_eval's definitions (``mir_eval.transcription.evaluate``), in n log n.

A note is found if its onset is within 50 ms, its pitch within 50 cents and, for the scores with
offsets, its offset within 50 ms or 20 % of the reference's duration, whichever is more. Distances
in time are rounded to 4 decimals; limits are inclusive. Found notes are the largest possible
one-to-one matching. Precision, recall and F equal mir_eval's; what differs:

* mir_eval compares all notes with all (12,000 notes: 16 s and 4.9 GB), here
  :mod:`pi_amt.scoring.matching` compares only those that are near.
* The average overlap ratios depend on *which* largest matching is taken where several exist
  (notes of one pitch within 100 ms); there, and only there, they may differ from mir_eval's.
* mir_eval refuses notes of no length; here they count like any other. The overlap ratio of two
  notes of no length at the same time is 1.
* mir_eval warns on empty input; here the same zeros come without a warning. What a recording
  without reference notes contributes to means is up to the caller (a study leaves it out).

Beside these, :func:`score_tolerances` scores without offsets where a found note may be further
away: its onset within 100 or 150 ms, or its pitch off by whole octaves. What a drop loses when the
limit widens was moved, not lost.

References: Bay, Ehmann & Downie (2009); Raffel et al., *mir_eval* (2014).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from pi_amt.core.notes import Notes
from pi_amt.scoring.matching import (
    WIDEST_TOLERANCE_SECONDS,
    Indices,
    candidates,
    largest_matching,
    match_notes,
    offsets_agree,
    offsets_found,
    onsets_found,
)

Scores = dict[str, float]

#: what is meant by F in this package: drops are of it unless another score is asked for
F_MEASURE = "F-measure_no_offset"

NOTE_SCORES = (
    "Precision",
    "Recall",
    "F-measure",
    "Average_Overlap_Ratio",
    "Precision_no_offset",
    "Recall_no_offset",
    F_MEASURE,
    "Average_Overlap_Ratio_no_offset",
    "Onset_Precision",
    "Onset_Recall",
    "Onset_F-measure",
    "Offset_Precision",
    "Offset_Recall",
    "Offset_F-measure",
)

#: addition to the names of the scores without offsets → the pairs that may be matched
_TOLERANCES: dict[str, Callable[[Notes, Notes], Indices]] = {
    "100ms": partial(candidates, onset_tolerance=0.1),
    "150ms": partial(candidates, onset_tolerance=WIDEST_TOLERANCE_SECONDS),
    "chroma": partial(candidates, folded=True),
}
TOLERANCE_SCORES = tuple(
    f"{part}_no_offset_{tolerance}"
    for tolerance in _TOLERANCES
    for part in ("Precision", "Recall", "F-measure")
)


def score_notes(reference: Notes, estimate: Notes) -> Scores:
    """Scores of an estimate, under mir_eval's names (:data:`NOTE_SCORES`).

    ``F-measure_no_offset`` is *the* F of this package. All lie in [0, 1] but the average overlap
    ratios, which can be negative, as in mir_eval, and depend on the choice among largest
    matchings (see the module).

    Args:
        reference, estimate: notes, in any order; pitches in MIDI numbers.
    """
    if len(reference) == 0 or len(estimate) == 0:
        return dict.fromkeys(NOTE_SCORES, 0.0)
    pairs = candidates(reference, estimate)
    with_offset = pairs[offsets_agree(reference, estimate, pairs)]
    scores: Scores = {}
    for suffix, accepted in (("", with_offset), ("_no_offset", pairs)):
        matched = largest_matching(accepted, len(reference), len(estimate))
        precision, recall, f_measure = _rates(len(matched), reference, estimate)
        scores |= {
            f"Precision{suffix}": precision,
            f"Recall{suffix}": recall,
            f"F-measure{suffix}": f_measure,
            f"Average_Overlap_Ratio{suffix}": _mean_overlap(reference, estimate, matched),
        }
    for name, found in (
        ("Onset", onsets_found(reference, estimate)),
        ("Offset", offsets_found(reference, estimate)),
    ):
        precision, recall, f_measure = _rates(found, reference, estimate)
        scores |= {
            f"{name}_Precision": precision,
            f"{name}_Recall": recall,
            f"{name}_F-measure": f_measure,
        }
    return scores


def score_tolerances(reference: Notes, estimate: Notes) -> Scores:
    """Scores without offsets at other tolerances (:data:`TOLERANCE_SCORES`).

    ``…_100ms`` and ``…_150ms`` widen the limit of onsets. ``…_chroma`` keeps it at 50 ms and folds
    octaves: a note is found if some whole number of octaves brings its pitch within 50 cents.
    All else is as for ``F-measure_no_offset`` in :func:`score_notes`.
    """
    if len(reference) == 0 or len(estimate) == 0:
        return dict.fromkeys(TOLERANCE_SCORES, 0.0)
    found = (
        len(largest_matching(pairs(reference, estimate), len(reference), len(estimate)))
        for pairs in _TOLERANCES.values()
    )
    rates = (rate for count in found for rate in _rates(count, reference, estimate))
    return dict(zip(TOLERANCE_SCORES, rates, strict=True))


def check_pitch_units() -> None:
    """Guard, run at every start: one semitone off scores 0, 49 cents 1, 51 cents 0.

    Passing MIDI numbers where Hz are meant lets neighbouring semitones pass the 50-cent test.

    Raises:
        RuntimeError: if the scores are otherwise.
    """
    pitches = np.arange(21.0, 109.0)
    onsets = np.arange(len(pitches)) / 2
    reference = Notes.from_arrays(onsets, onsets + 0.4, pitches)
    for cents, expected in ((100.0, 0.0), (49.0, 1.0), (-49.0, 1.0), (51.0, 0.0), (-51.0, 0.0)):
        shifted = Notes.from_arrays(onsets, onsets + 0.4, pitches + cents / 100)
        pairs = match_notes(reference, shifted)
        if len(pairs) != expected * len(reference):
            raise RuntimeError(
                f"pitch units: notes {cents:+.0f} cents off got {len(pairs)} of {len(reference)} "
                f"matched, expected {expected:.0%}; MIDI numbers and Hz are mixed up"
            )


def _rates(found: int, reference: Notes, estimate: Notes) -> tuple[float, float, float]:
    """Precision, recall and F from the number of found notes."""
    precision, recall = found / len(estimate), found / len(reference)
    if found == 0:
        return precision, recall, 0.0
    return precision, recall, 2.0 * precision * recall / (precision + recall)


def _mean_overlap(reference: Notes, estimate: Notes, pairs: Indices) -> float:
    """Mean over pairs of the time both notes sound over the time either sounds."""
    if len(pairs) == 0:
        return 0.0
    ref, est = reference[pairs[:, 0]], estimate[pairs[:, 1]]
    both = np.minimum(ref.offsets, est.offsets) - np.maximum(ref.onsets, est.onsets)
    either = np.maximum(ref.offsets, est.offsets) - np.minimum(ref.onsets, est.onsets)
    ratios = np.divide(both, either, out=np.ones_like(both), where=either > 0)
    return float(np.mean(ratios))
