"""Taking a single note apart: modelled notes, whose partials are known, are the oracle."""

from __future__ import annotations

import numpy as np
import pytest
from scripts.real_notes import split

from pi_amt.core.notes import Notes
from pi_amt.core.units import Floats, ratio_to_cents
from pi_amt.datasets.known_partials import ALL_PARTIALS, SAMPLE_RATE, draw_pianos, play_partials

PIANO = draw_pianos("development")[0]


def sounds(pitch: int, partials: list[int] | range) -> Floats:
    """A note of 3 s, without the room."""
    notes = Notes.from_arrays([0.0], [3.0], [pitch], [90])
    return play_partials(PIANO, notes, partials, 3 * SAMPLE_RATE)


@pytest.mark.parametrize("pitch", [40, 60, 84])
def test_measured_partials_are_those_that_were_played(pitch: int) -> None:
    note, hz = split(sounds(pitch, ALL_PARTIALS), pitch), PIANO.partial_hz(pitch)
    n = min(len(note.hz), len(hz))
    assert n >= 0.9 * len(hz)
    assert np.abs(ratio_to_cents(note.hz[:n] / hz[:n])).max() < 4
    for k in (2, 3):
        truth = sounds(pitch, [k])
        error = np.sum((note.partial(k) - truth) ** 2) / np.sum(truth**2)
        assert 10 * np.log10(error) < -15
        left = note.render([i for i in ALL_PARTIALS if i != k], residual=True)
        later = slice(SAMPLE_RATE // 5, 2 * SAMPLE_RATE)
        true_left = sounds(pitch, [i for i in ALL_PARTIALS if i != k])
        off = np.sum((left - true_left)[later] ** 2) / np.sum(truth[later] ** 2)
        assert 10 * np.log10(off) < -30


def test_partials_and_residual_add_up_to_the_note() -> None:
    samples = sounds(60, ALL_PARTIALS) + 0.001 * np.random.default_rng(0).standard_normal(66_150)
    note = split(samples, 60)
    total = sum(note.partial(k) for k in ALL_PARTIALS) + note.render([], residual=True)
    np.testing.assert_allclose(total, samples, atol=1e-12)
    kept, removed = note.render([1, 4], residual=False), note.render([2, 3], residual=False)
    rest = note.render(range(5, 33), residual=True)
    np.testing.assert_allclose(kept + removed + rest, samples, atol=1e-12)
    np.testing.assert_array_equal(note.render(ALL_PARTIALS, residual=True), samples)
