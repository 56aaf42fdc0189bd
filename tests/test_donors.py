"""The donor pool: whole blocks spread over the recording, at the recording's level."""

from __future__ import annotations

import numpy as np
import pytest
from tests.models.basic_pitch.recordings import polyphony

from pi_amt.donors import POOL_BLOCKS, donor_pool
from pi_amt.models import load_model

RATE = 22_050


@pytest.mark.parametrize("model", ["basic_pitch", "timbre_trap"])
def test_blocks_lie_inside_the_recording_and_are_those_of_its_own_stream(model: str) -> None:
    samples = polyphony(24.0)
    loaded = load_model(model)
    whole = loaded.analyze(samples, RATE)
    pool = donor_pool(loaded.stream(samples, RATE), 24.0)
    assert len(pool.times) == POOL_BLOCKS
    assert pool.times.min() >= 0.0
    assert pool.times.max() <= 24.0
    assert np.all(np.diff(pool.times[:, 0]) > 0)
    assert pool.times[-1, 0] - pool.times[0, 0] > 10.0
    for block, times in zip(pool.values, pool.times, strict=True):
        (number,) = np.flatnonzero(whole.times[:, 0] == times[0])
        assert np.array_equal(block, whole.values[number])


@pytest.mark.parametrize("model", ["basic_pitch", "timbre_trap"])
def test_a_short_recording_gives_what_it_has(model: str) -> None:
    pool = donor_pool(load_model(model).stream(polyphony(2.0), RATE), 2.0)
    assert len(pool.times) >= 2
