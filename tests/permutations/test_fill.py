"""Fills: silence, attenuation, and noise at the local background."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.permutations.synthetic import KINDS, bits, changed, make_spectrogram

from pi_amt.permutations.background import local_background
from pi_amt.permutations.fill import Fill, background_noise, scaled
from pi_amt.spectrogram import Spectrogram
from pi_amt.units import db_to_amplitude


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


@pytest.mark.parametrize("kind", KINDS)
def test_noise_has_the_level_of_the_background(kind: str) -> None:
    s = make_spectrogram(kind, 3)
    mask = np.random.default_rng(2).random(s.values.shape) < 0.5
    levels = levels_of(s, np.zeros_like(mask))
    filled = np.asarray(
        Fill(mask, noise=background_noise(s, mask, np.zeros_like(mask), 11)).apply(s).values
    )
    relative = np.abs(filled[mask]) / levels[mask]
    assert np.mean(relative**2) == pytest.approx(1.0, abs=0.03)
    # Rayleigh magnitudes, not a constant: the mean is √(π/4) of the root mean square.
    assert np.mean(relative) == pytest.approx(np.sqrt(np.pi / 4), abs=0.02)
    if kind == "complex":
        assert abs(np.mean(filled[mask] / levels[mask])) < 0.02


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fill", ["silence", "attenuate", "noise"])
def test_only_the_mask_changes(kind: str, fill: str) -> None:
    s = make_spectrogram(kind, 2)
    mask = np.random.default_rng(2).random(s.values.shape) < 0.2
    noise = background_noise(s, mask, np.zeros_like(mask), 1) if fill == "noise" else None
    out = Fill(mask, gain=0.25 if fill == "attenuate" else 0.0, noise=noise).apply(s)
    np.testing.assert_array_equal(changed(s, out), mask)


@pytest.mark.parametrize("kind", KINDS)
def test_silence_and_attenuation_in_closed_form(kind: str) -> None:
    s = make_spectrogram(kind, 1)
    mask = np.zeros(s.values.shape, dtype=bool)
    mask[0, 50:60] = True
    silent = np.asarray(Fill(mask).apply(s).values)
    assert (silent[0, 50:60] == 0).all()
    quieter = np.asarray(Fill(mask, gain=float(db_to_amplitude(-20.0))).apply(s).values)
    # Real and imaginary part together: the phase stays.
    np.testing.assert_allclose(quieter[0, 50:60], 0.1 * s.values[0, 50:60], rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_a_gain_of_one_keeps_every_bit(kind: str) -> None:
    s = make_spectrogram(kind, 1)
    values = np.asarray(s.values).copy()
    values[0, :3] = 0.0
    values[0, 3:6] *= -0.0  # signed zeros
    s = s.with_values(values)
    out = Fill(np.ones(values.shape, dtype=bool), gain=1.0).apply(s)
    np.testing.assert_array_equal(bits(out), bits(s))
    assert torch.equal(scaled(s.tensor, 1.0), s.tensor)


def test_empty_mask_takes_no_noise() -> None:
    s = make_spectrogram("complex", 1)
    mask = np.zeros(s.values.shape, dtype=bool)
    out = Fill(mask, noise=background_noise(s, mask, mask, 3)).apply(s)
    np.testing.assert_array_equal(bits(out), bits(s))


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
