"""Note scores: mir_eval's definitions (``mir_eval.transcription.evaluate``), in n log n.

A note is found if its onset is within 50 ms, its pitch within 50 cents and, for the scores with
offsets, its offset within 50 ms or 20 % of the reference's duration, whichever is more. Distances
in time are rounded to 4 decimals; limits are inclusive. Found notes are the largest possible
one-to-one matching. Precision, recall and F equal mir_eval's; what differs:

* mir_eval compares all notes with all (12,000 notes: 16 s and 4.9 GB). Here, candidates come from
  sorted arrays, and where each reference accepts one stretch of the sorted estimates (onsets or
  offsets alone) Glover's greedy rule finds a largest matching without listing candidates at all.
* The average overlap ratios depend on *which* largest matching is taken where several exist
  (notes of one pitch within 100 ms); there, and only there, they may differ from mir_eval's.
* mir_eval refuses notes of no length; here they count like any other. The overlap ratio of two
  notes of no length at the same time is 1.
* mir_eval warns on empty input; here the same zeros come without a warning. What a recording
  without reference notes contributes to means is up to the caller (a study leaves it out).

References: Bay, Ehmann & Downie (2009); Raffel et al., *mir_eval* (2014); Glover (1967) for the
greedy rule; Hopcroft & Karp (1973) for the general matching.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from pi_amt.notes import Notes
from pi_amt.units import Floats

Indices = NDArray[np.intp]
Scores = dict[str, float]

ONSET_TOLERANCE_SECONDS = 0.05
PITCH_TOLERANCE_CENTS = 50.0
OFFSET_TOLERANCE_RATIO = 0.2
OFFSET_MIN_TOLERANCE_SECONDS = 0.05
_DECIMALS = 4

NOTE_SCORES = (
    "Precision",
    "Recall",
    "F-measure",
    "Average_Overlap_Ratio",
    "Precision_no_offset",
    "Recall_no_offset",
    "F-measure_no_offset",
    "Average_Overlap_Ratio_no_offset",
    "Onset_Precision",
    "Onset_Recall",
    "Onset_F-measure",
    "Offset_Precision",
    "Offset_Recall",
    "Offset_F-measure",
)


def score_notes(reference: Notes, estimate: Notes) -> Scores:
    """Scores of an estimate, under mir_eval's names (:data:`NOTE_SCORES`), each in [0, 1].

    ``F-measure_no_offset`` is *the* F of this package. Average overlap ratios can be negative,
    as in mir_eval, and depend on the choice among largest matchings (see the module).

    Args:
        reference, estimate: notes, in any order; pitches in MIDI numbers.
    """
    if len(reference) == 0 or len(estimate) == 0:
        return dict.fromkeys(NOTE_SCORES, 0.0)
    candidates = _candidates(reference, estimate)
    with_offset = candidates[_offsets_agree(reference, estimate, candidates)]
    scores: Scores = {}
    for suffix, pairs in (("", with_offset), ("_no_offset", candidates)):
        matched = _largest_matching(pairs, len(reference), len(estimate))
        precision, recall, f_measure = _rates(len(matched), reference, estimate)
        scores |= {
            f"Precision{suffix}": precision,
            f"Recall{suffix}": recall,
            f"F-measure{suffix}": f_measure,
            f"Average_Overlap_Ratio{suffix}": _mean_overlap(reference, estimate, matched),
        }
    for name, found in (
        ("Onset", _onsets_found(reference, estimate)),
        ("Offset", _offsets_found(reference, estimate)),
    ):
        precision, recall, f_measure = _rates(found, reference, estimate)
        scores |= {
            f"{name}_Precision": precision,
            f"{name}_Recall": recall,
            f"{name}_F-measure": f_measure,
        }
    return scores


def match_notes(reference: Notes, estimate: Notes) -> Indices:
    """Largest one-to-one matching by onset and pitch: ``(pairs, 2)`` reference, estimate index.

    Sorted by reference index. The same input gives the same pairs.
    """
    pairs = _candidates(reference, estimate)
    return _largest_matching(pairs, len(reference), len(estimate))


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


def _candidates(reference: Notes, estimate: Notes) -> Indices:
    """All pairs ``(pairs, 2)`` whose onset and pitch agree, sorted by reference, then estimate.

    Estimates are sorted by semitone, then onset; each reference looks into its own semitone and
    the two beside it, and there into the stretch of onsets that agree.
    """
    if len(reference) == 0 or len(estimate) == 0:
        return np.zeros((0, 2), dtype=np.intp)
    ref_semitones, est_semitones = np.rint(reference.pitches), np.rint(estimate.pitches)
    order = np.lexsort((estimate.onsets, est_semitones))
    semitones, onsets = est_semitones[order], estimate.onsets[order]
    tolerance = np.full(len(reference), ONSET_TOLERANCE_SECONDS)
    ref_found: list[Indices] = []
    est_found: list[Indices] = []
    for step in (-1.0, 0.0, 1.0):
        first = np.searchsorted(semitones, ref_semitones + step, side="left")
        last = np.searchsorted(semitones, ref_semitones + step, side="right")
        start, stop = _stretches(reference.onsets, tolerance, onsets, first, last)
        counts = stop - start
        ref_found.append(np.repeat(np.arange(len(reference)), counts))
        before = np.cumsum(counts) - counts
        est_found.append(order[np.arange(counts.sum()) + np.repeat(start - before, counts)])
    pairs = np.stack([np.concatenate(ref_found), np.concatenate(est_found)], axis=1)
    log_ref, log_est = np.log2(reference.frequencies), np.log2(estimate.frequencies)
    cents = np.abs(1200 * (log_ref[pairs[:, 0]] - log_est[pairs[:, 1]]))
    pairs = pairs[cents <= PITCH_TOLERANCE_CENTS]
    return np.asarray(pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))])


def _stretches(
    centres: Floats, tolerances: Floats, values: Floats, first: Indices, last: Indices
) -> tuple[Indices, Indices]:
    """For each centre the stretch ``start:stop`` of sorted values that agree with it.

    Only ``first:last`` of the values is looked at, where they must ascend. Rounding is part of
    the definition, so the edges are found by bisection on the very comparison.
    """

    def distance(at: Indices) -> Floats:
        return np.asarray(np.around(np.abs(centres - values[at]), _DECIMALS), np.float64)

    start = _bisect(first, last, lambda at: (values[at] >= centres) | (distance(at) <= tolerances))
    stop = _bisect(start, last, lambda at: (values[at] > centres) & (distance(at) > tolerances))
    return start, stop


def _bisect(
    first: Indices, last: Indices, reached: Callable[[Indices], NDArray[np.bool_]]
) -> Indices:
    """Per element, the first index in ``first:last`` where ``reached`` is true, else ``last``."""
    low, high = first.copy(), last.copy()
    while np.any(low < high):
        open_ = low < high
        middle = np.where(open_, (low + high) // 2, 0)
        yes = reached(middle)
        high = np.where(open_ & yes, middle, high)
        low = np.where(open_ & ~yes, middle + 1, low)
    return low


def _offset_tolerances(reference: Notes) -> Floats:
    """``(notes,)`` seconds."""
    return np.maximum(OFFSET_TOLERANCE_RATIO * reference.durations, OFFSET_MIN_TOLERANCE_SECONDS)


def _offsets_agree(reference: Notes, estimate: Notes, pairs: Indices) -> NDArray[np.bool_]:
    """Whether the offsets of each pair agree."""
    ref, est = pairs.T
    distance = np.around(np.abs(reference.offsets[ref] - estimate.offsets[est]), _DECIMALS)
    return np.asarray(distance <= _offset_tolerances(reference)[ref])


def _largest_matching(pairs: Indices, n_reference: int, n_estimate: int) -> Indices:
    """A largest subset of ``pairs`` in which no note occurs twice, sorted by reference."""
    if len(pairs) == 0:
        return pairs
    graph = csr_array(
        (np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])),
        shape=(n_reference, n_estimate),
    )
    partner = maximum_bipartite_matching(graph, perm_type="column")
    found = np.flatnonzero(partner >= 0)
    return np.stack([found, partner[found].astype(np.intp)], axis=1)


def _onsets_found(reference: Notes, estimate: Notes) -> int:
    """Size of the largest matching by onset alone."""
    tolerances = np.full(len(reference), ONSET_TOLERANCE_SECONDS)
    return _greedy_matching(reference.onsets, tolerances, estimate.onsets)


def _offsets_found(reference: Notes, estimate: Notes) -> int:
    """Size of the largest matching by offset alone."""
    return _greedy_matching(reference.offsets, _offset_tolerances(reference), estimate.offsets)


def _greedy_matching(centres: Floats, tolerances: Floats, values: Floats) -> int:
    """Size of the largest matching where each centre accepts one stretch of sorted values.

    Glover (1967): each value in turn goes to the open centre whose stretch ends first.
    """
    values = np.sort(values)
    whole = np.zeros(len(centres), np.intp), np.full(len(centres), len(values), np.intp)
    start, stop = _stretches(centres, tolerances, values, *whole)
    order = np.argsort(start, kind="stable")
    starts, stops = start[order].tolist(), stop[order].tolist()
    waiting: list[int] = []  # ends of the open stretches
    taken = found = 0
    for at in range(len(values)):
        while taken < len(starts) and starts[taken] <= at:
            heappush(waiting, stops[taken])
            taken += 1
        while waiting and waiting[0] <= at:
            heappop(waiting)
        if waiting:
            heappop(waiting)
            found += 1
    return found


def _mean_overlap(reference: Notes, estimate: Notes, pairs: Indices) -> float:
    """Mean over pairs of the time both notes sound over the time either sounds."""
    if len(pairs) == 0:
        return 0.0
    ref, est = reference[pairs[:, 0]], estimate[pairs[:, 1]]
    both = np.minimum(ref.offsets, est.offsets) - np.maximum(ref.onsets, est.onsets)
    either = np.maximum(ref.offsets, est.offsets) - np.minimum(ref.onsets, est.onsets)
    ratios = np.divide(both, either, out=np.ones_like(both), where=either > 0)
    return float(np.mean(ratios))


__all__ = [
    "NOTE_SCORES",
    "check_pitch_units",
    "match_notes",
    "score_notes",
]
