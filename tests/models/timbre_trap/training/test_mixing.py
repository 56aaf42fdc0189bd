"""Synthesis on the fly: what is heard is where the targets say it is."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.models.timbre_trap.training.tones import tone_bank

from pi_amt.models.timbre_trap.slicq import BLOCK_SAMPLES, FRAME_RATE_HZ, SliCQ
from pi_amt.models.timbre_trap.training import mixing
from pi_amt.models.timbre_trap.training.mixing import synthesize
from pi_amt.models.timbre_trap.training.scores import Score
from pi_amt.models.timbre_trap.training.targets import (
    PREROLL_SECONDS,
    RELEASE_WEIGHT,
    REST_SECONDS,
    SUSTAIN,
    UNSURE_WEIGHT,
)

BANK = tone_bank()


def single(onset: float, offset: float, pitch: int) -> Score:
    """One note at seconds of the block."""
    at = np.array([onset, offset]) + PREROLL_SECONDS
    return Score(at[:1], at[1:], np.array([pitch]), np.array([100.0]))


@pytest.mark.parametrize(("stride", "phase"), [(1, 0), (2, 1), (4, 3), (8, 0), (8, 5)])
def test_strided_frames_are_those_of_the_transform(stride: int, phase: int) -> None:
    block = np.random.default_rng(stride).standard_normal(BLOCK_SAMPLES).astype(np.float32)
    full = SliCQ()(torch.from_numpy(block)[None])[0].numpy()[:, phase::stride]
    if stride > 1:
        full[:, 1::2] *= -1
    got = mixing._TRANSFORM.frames(np.fft.rfft(block).astype(np.complex64), stride, phase)
    np.testing.assert_allclose(got, full, atol=2e-5 * np.abs(full).max())


@pytest.mark.parametrize("seed", range(8))
def test_the_target_stands_where_the_tone_is_in_time_and_frequency(seed: int) -> None:
    example = synthesize(single(1.0, 2.0, 88), BANK, np.random.default_rng(seed), 1)
    energy = np.abs(example.coefficients)
    target = example.targets
    rows = np.flatnonzero(target.max(axis=1) > 0.9)
    inside = slice(int(1.1 * FRAME_RATE_HZ), int(1.9 * FRAME_RATE_HZ))
    loudest = int(energy[rows[0] - 40 : rows[0] + 41, inside].mean(axis=1).argmax()) - 40
    assert abs(loudest) <= 1  # bins of 20 cents, whatever the detuning
    sounding = np.flatnonzero(target[rows[0]])
    assert sounding[0] == pytest.approx(1.0 * FRAME_RATE_HZ, abs=1)
    assert sounding[-1] == pytest.approx(2.0 * FRAME_RATE_HZ, abs=2)
    band = energy[rows[0] - 1 : rows[0] + 2].sum(axis=0)
    rise = int(np.argmax(band[:500] > 0.5 * np.median(band[inside])))
    assert abs(rise - sounding[0]) < 0.045 * FRAME_RATE_HZ


def test_targets_peak_at_the_onset_fall_to_the_sustain_and_rest_before_a_restrike() -> None:
    onsets = np.array([0.5, 1.5]) + PREROLL_SECONDS
    score = Score(onsets, onsets + 1.0, np.array([60, 60]), np.array([90.0, 90.0]))
    example = synthesize(score, BANK, np.random.default_rng(1), 1)
    row = example.targets[int(example.targets.max(axis=1).argmax())]
    first, second = round(0.5 * FRAME_RATE_HZ), round(1.5 * FRAME_RATE_HZ)
    assert row[first + 2] == 1.0
    assert row[second - round(REST_SECONDS * FRAME_RATE_HZ) - 3] == pytest.approx(SUSTAIN, abs=0.01)
    assert row[second - 3] == 0.0
    assert row[second + 2] == 1.0


def test_inaudible_notes_and_first_moments_of_releases_weigh_little() -> None:
    loud = single(0.5, 2.5, 60)
    soft = Score(
        np.repeat(loud.onsets, 2), np.repeat(loud.offsets, 2), np.array([60, 107]), np.full(2, 90.0)
    )
    example = synthesize(soft, BANK, np.random.default_rng(2), 1)  # the bank is silent at 107
    middle = round(1.5 * FRAME_RATE_HZ)
    rows = np.flatnonzero(example.targets[:, middle] > 0.2)
    assert len(rows) == 6  # three bins of each note
    assert (example.weights[rows[:3], middle] == 1).all()
    assert (example.weights[rows[3:], middle] == UNSURE_WEIGHT).all()
    after = round(2.51 * FRAME_RATE_HZ)
    assert (example.weights[rows[:3], after] == UNSURE_WEIGHT).all()
    damped = round(2.6 * FRAME_RATE_HZ)
    assert (example.weights[rows, damped] == RELEASE_WEIGHT).all()
    assert (example.weights[rows, round(2.8 * FRAME_RATE_HZ)] == 1).all()


def test_examples_follow_from_their_generator_and_stay_within_full_scale() -> None:
    a, b = (synthesize(single(1, 2, 50), BANK, np.random.default_rng(5), 8) for _ in range(2))
    np.testing.assert_array_equal(a.coefficients, b.coefficients)
    assert a.coefficients.shape == a.targets.shape == a.weights.shape == (540, 128)
    assert np.isfinite(a.coefficients).all()
