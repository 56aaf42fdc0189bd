"""Local background: equal to its definition, value by value."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.permutations.synthetic import KINDS, make_spectrogram

from pi_amt.core.spectrogram import Spectrogram
from pi_amt.permutations.background import local_background


def slow_background(s: Spectrogram, fundamentals: np.ndarray) -> np.ndarray:
    """The definition, value by value: ``(blocks, bins, frames)``."""
    magnitudes = np.abs(np.asarray(s.values)).astype(np.float64)
    cents = 1200.0 * np.log2(s.frequencies)
    levels = np.empty(magnitudes.shape)
    for block, b, j in np.ndindex(*magnitudes.shape):
        free = ~fundamentals[block, :, j]
        near = free & (np.abs(cents - cents[b]) <= 600.0 + 1e-6)
        column = magnitudes[block, :, j]
        if near.any():
            levels[block, b, j] = np.percentile(column[near], 25)
        elif free.any():
            levels[block, b, j] = np.percentile(column[free], 5)
        else:
            levels[block, b, j] = np.percentile(magnitudes[~fundamentals], 5)
    return levels


def small(kind: str, frames: int = 6) -> Spectrogram:
    """Two blocks of a few frames."""
    s = make_spectrogram(kind, 2)
    return replace(
        s, values=np.asarray(s.values)[:, :, :frames].copy(), times=s.times[:, :frames].copy()
    )


def levels_of(s: Spectrogram, fundamentals: np.ndarray) -> np.ndarray:
    """Local background of every bin, ``(blocks, bins, frames)``."""
    blocks, bins, frames = s.values.shape
    everywhere = torch.ones(blocks * frames, bins, dtype=torch.bool)
    levels = local_background(s, everywhere, fundamentals)
    return levels.numpy().reshape(blocks, frames, bins).transpose(0, 2, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_local_background_equals_its_definition(kind: str) -> None:
    s = small(kind)
    rng = np.random.default_rng(0)
    fundamentals = rng.random(s.values.shape) < 0.3
    fundamentals[0, 40:160, 0] = True  # an octave and more without background
    fundamentals[1, :, 3] = True  # a frame without background
    fundamentals[1, 1:, 4] = True
    np.testing.assert_allclose(
        levels_of(s, fundamentals), slow_background(s, fundamentals), rtol=1e-5
    )


def test_local_background_on_an_axis_that_is_not_even_in_pitch() -> None:
    s = small("real")
    keep = np.sort(np.random.default_rng(3).choice(309, 120, replace=False))
    uneven = replace(
        s,
        values=np.ascontiguousarray(np.asarray(s.values)[:, keep]),
        frequencies=s.frequencies[keep],
        window_seconds=s.window_seconds[keep],
    )
    fundamentals = np.random.default_rng(1).random(uneven.values.shape) < 0.2
    np.testing.assert_allclose(
        levels_of(uneven, fundamentals), slow_background(uneven, fundamentals), rtol=1e-5
    )


def test_nothing_but_fundamentals_gives_silence() -> None:
    s = small("real")
    assert (levels_of(s, np.ones(s.values.shape, dtype=bool)) == 0.0).all()


@pytest.mark.parametrize("step", [3, 9, 18, 36])
def test_local_background_on_a_coarse_axis(step: int) -> None:
    s = small("real")
    coarse = replace(
        s,
        values=np.ascontiguousarray(np.asarray(s.values)[:, ::step]),
        frequencies=s.frequencies[::step],
        window_seconds=s.window_seconds[::step],
    )
    fundamentals = np.random.default_rng(1).random(coarse.values.shape) < 0.3
    np.testing.assert_allclose(
        levels_of(coarse, fundamentals), slow_background(coarse, fundamentals), rtol=1e-5
    )
