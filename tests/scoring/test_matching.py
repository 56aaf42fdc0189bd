"""Matchings are one-to-one, within the limits, and the largest there are."""

from __future__ import annotations

import numpy as np
import pytest
from tests.scoring.test_notes import random_notes

from pi_amt.core.notes import Notes
from pi_amt.scoring.matching import indices_in, match_notes


def test_stretches_are_listed_in_order_and_empty_ones_left_out() -> None:
    which, at = indices_in(np.array([3, 5, 1]), np.array([5, 5, 2]))
    assert which.tolist() == [0, 0, 2]
    assert at.tolist() == [3, 4, 1]


def test_matches_are_one_to_one_and_within_the_limits() -> None:
    rng = np.random.default_rng(4)
    a, b = (random_notes(rng, 300, 3.0, 0.0) for _ in "ab")
    ref, est = match_notes(a, b).T
    assert len(ref) > 50
    assert len(set(ref)) == len(set(est)) == len(ref)
    assert np.all(np.diff(ref) > 0)
    assert np.abs(a.onsets[ref] - b.onsets[est]).max() <= 0.05005
    assert np.abs(a.pitches[ref] - b.pitches[est]).max() <= 0.5 + 1e-9


def test_a_flood_of_notes_is_refused_before_it_takes_all_memory() -> None:
    onsets = np.linspace(0.0, 1.0, 60_000)
    flood = Notes.from_arrays(onsets, onsets + 0.1, np.full(len(onsets), 60.0))
    few = Notes.from_arrays([0.5], [0.6], [60])
    assert len(match_notes(few, flood)) == 1
    with pytest.raises(ValueError, match=r"got 60,000 notes, of which \d+,\d+,\d+ pairs agree"):
        match_notes(flood, flood)


def test_a_greedy_choice_would_lose_a_match() -> None:
    # the first estimate fits both references, the second only the first one
    reference = Notes.from_arrays([0.0, 0.05], [1, 1], [60, 60])
    estimate = Notes.from_arrays([0.0, 0.04], [1, 1], [60, 60])
    assert len(match_notes(reference, estimate)) == 2
    reference = Notes.from_arrays([0.05, 0.09], [1, 1], [60, 60])
    estimate = Notes.from_arrays([0.0, 0.06], [1, 1], [60, 60])
    assert match_notes(reference, estimate).tolist() == [[0, 0], [1, 1]]
