"""Which notes of an estimate are which notes of the reference: largest one-to-one matchings.

The limits are mir_eval's, see :mod:`pi_amt.scoring.notes`. Candidates come from sorted arrays, so
that notes that are far apart are never compared. Where each reference accepts one stretch of the
sorted estimates (onsets or offsets alone) Glover's greedy rule finds the size of a largest matching
without listing candidates at all.

References: Glover (1967) for the greedy rule; Hopcroft & Karp (1973) for the general matching.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from pi_amt.core.notes import Notes
from pi_amt.core.units import Floats

Indices = NDArray[np.intp]

ONSET_TOLERANCE_SECONDS = 0.05
#: an onset that is further away is not the same note that was moved in time
WIDEST_TOLERANCE_SECONDS = 0.15
PITCH_TOLERANCE_CENTS = 50.0
OFFSET_TOLERANCE_RATIO = 0.2
OFFSET_MIN_TOLERANCE_SECONDS = 0.05
_DECIMALS = 4
_OCTAVE = 12.0  # semitones
#: a hundred bytes each; a process that takes more memory than there is would end without a word
_MOST_PAIRS = 100_000_000


def match_notes(reference: Notes, estimate: Notes) -> Indices:
    """Largest one-to-one matching by onset and pitch: ``(pairs, 2)`` reference, estimate index.

    Sorted by reference index. The same input gives the same pairs.
    """
    pairs = candidates(reference, estimate)
    return largest_matching(pairs, len(reference), len(estimate))


def candidates(
    reference: Notes,
    estimate: Notes,
    onset_tolerance: float | Floats = ONSET_TOLERANCE_SECONDS,
    *,
    folded: bool = False,
) -> Indices:
    """All pairs ``(pairs, 2)`` whose onset and pitch agree, sorted by reference, then estimate.

    Estimates are sorted by semitone, then onset; each reference looks into its own semitone and
    the two beside it, and there into the stretch of onsets that agree.

    Args:
        reference, estimate: notes, in any order.
        onset_tolerance: seconds, one for all references or ``(references,)``.
        folded: octaves are folded: pitches agree if they do after a shift by whole octaves.

    Raises:
        ValueError: if there are more pairs than memory can be expected to hold.
    """
    if len(reference) == 0 or len(estimate) == 0:
        return np.zeros((0, 2), dtype=np.intp)
    ref_semitones, est_semitones = np.rint(reference.pitches), np.rint(estimate.pitches)
    if folded:
        est_semitones %= _OCTAVE
    order = np.lexsort((estimate.onsets, est_semitones))
    semitones, onsets = est_semitones[order], estimate.onsets[order]
    tolerances = np.broadcast_to(np.asarray(onset_tolerance, np.float64), len(reference))
    ref_found: list[Indices] = []
    est_found: list[Indices] = []
    for step in (-1.0, 0.0, 1.0):
        wanted = (ref_semitones + step) % _OCTAVE if folded else ref_semitones + step
        first = np.searchsorted(semitones, wanted, side="left")
        last = np.searchsorted(semitones, wanted, side="right")
        start, stop = _stretches(reference.onsets, tolerances, onsets, first, last)
        if (count := int((stop - start).sum())) > _MOST_PAIRS:
            raise ValueError(
                f"got {len(estimate):,} notes, of which {count:,} pairs agree with others in onset "
                "and pitch, expected notes of music: raise the threshold of the model that made "
                "them"
            )
        which, at = indices_in(start, stop)
        ref_found.append(which)
        est_found.append(order[at])
    pairs = np.stack([np.concatenate(ref_found), np.concatenate(est_found)], axis=1)
    log_ref, log_est = np.log2(reference.frequencies), np.log2(estimate.frequencies)
    cents = np.abs(1200 * (log_ref[pairs[:, 0]] - log_est[pairs[:, 1]]))
    if folded:
        cents = np.abs(cents - 1200 * np.rint(cents / 1200))
    pairs = pairs[cents <= PITCH_TOLERANCE_CENTS]
    return np.asarray(pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))])


def indices_in(start: Indices, stop: Indices) -> tuple[Indices, Indices]:
    """Every index of the stretches ``start:stop``, and the number of the stretch it is from."""
    counts = stop - start
    before = np.cumsum(counts) - counts
    at = np.arange(counts.sum()) + np.repeat(start - before, counts)
    return np.repeat(np.arange(len(start)), counts), at


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


def offsets_agree(reference: Notes, estimate: Notes, pairs: Indices) -> NDArray[np.bool_]:
    """``(pairs,)``: whether the offsets of each pair ``(pairs, 2)`` agree."""
    ref, est = pairs.T
    distance = np.around(np.abs(reference.offsets[ref] - estimate.offsets[est]), _DECIMALS)
    return np.asarray(distance <= _offset_tolerances(reference)[ref])


def largest_matching(pairs: Indices, n_reference: int, n_estimate: int) -> Indices:
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


def onsets_found(reference: Notes, estimate: Notes) -> int:
    """Size of the largest matching by onset alone."""
    tolerances = np.full(len(reference), ONSET_TOLERANCE_SECONDS)
    return _greedy_matching(reference.onsets, tolerances, estimate.onsets)


def offsets_found(reference: Notes, estimate: Notes) -> int:
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
