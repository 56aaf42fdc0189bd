"""Fills: silence, attenuation, and noise at the local background."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.permutations.synthetic import KINDS, bits, changed, make_spectrogram
from tests.permutations.test_background import levels_of

from pi_amt.core.units import db_to_amplitude
from pi_amt.permutations.fill import Fill, background_noise, scaled


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
