"""The keyed hash: uniform, and independent across neighbouring keys, frames, bins, streams."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from pi_amt.permutations.draws import (
    complex_normal,
    hash_bits,
    hash_key,
    rayleigh,
    sort_last_,
    uniform,
)

FRAMES = torch.arange(-150, 850)[:, None]
BINS = torch.arange(300)


def bit_matrix(bits: torch.Tensor) -> np.ndarray:
    """``(values, 64)`` the single bits."""
    flat = bits.numpy().reshape(-1).view(np.uint64)
    return np.unpackbits(flat.view(np.uint8).reshape(-1, 8), axis=1)


@pytest.mark.parametrize("key", [0, 1, 2**64 - 1, 0x123456789ABCDEF])
def test_every_bit_is_a_fair_coin(key: int) -> None:
    means = bit_matrix(hash_bits(key, FRAMES, BINS)).mean(axis=0)
    # 300,000 tosses have a standard deviation of 0.0009.
    np.testing.assert_allclose(means, 0.5, atol=0.005)


@pytest.mark.parametrize(
    ("other_key", "frame_step", "bin_step", "stream"),
    [(1, 0, 0, 0), (2**63, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 1, 1, 0), (0, 0, 0, 1)],
)
def test_neighbouring_counters_share_no_bit(
    other_key: int, frame_step: int, bin_step: int, stream: int
) -> None:
    here = hash_bits(0, FRAMES, BINS)
    there = hash_bits(other_key, FRAMES + frame_step, BINS + bin_step, stream)
    agreement = (bit_matrix(here) == bit_matrix(there)).mean(axis=0)
    np.testing.assert_allclose(agreement, 0.5, atol=0.005)


def test_no_two_counters_get_the_same_bits() -> None:
    bits = hash_bits(5, FRAMES, BINS)
    assert len(np.unique(bits.numpy())) == bits.numel()


def test_uniform_is_uniform_and_open() -> None:
    values = uniform(hash_bits(3, FRAMES, BINS)).numpy().ravel()
    assert values.dtype == np.float32
    assert stats.kstest(values, "uniform").pvalue > 1e-3
    extremes = uniform(torch.tensor([0, -1])).numpy()
    assert 0.0 < extremes[0] < extremes[1] < 1.0


def test_rayleigh_has_its_distribution() -> None:
    bits = hash_bits(4, FRAMES, BINS)
    magnitudes = rayleigh(bits).numpy().ravel().astype(float)
    assert stats.kstest(magnitudes, stats.rayleigh(scale=np.sqrt(0.5)).cdf).pvalue > 1e-3
    assert np.mean(magnitudes**2) == pytest.approx(1.0, abs=0.01)


def test_complex_normal_is_circular() -> None:
    values = complex_normal(hash_bits(6, FRAMES, BINS)).numpy().ravel()
    assert values.dtype == np.complex64
    assert stats.kstest(values.real * np.sqrt(2.0), "norm").pvalue > 1e-3
    phase = (np.angle(values) / (2 * np.pi)) % 1.0
    assert stats.kstest(phase, "uniform").pvalue > 1e-3
    assert np.mean(np.abs(values) ** 2) == pytest.approx(1.0, abs=0.01)
    # Magnitude and phase come from other bits of the hash.
    assert abs(np.corrcoef(np.abs(values), phase)[0, 1]) < 0.01
    np.testing.assert_allclose(
        np.abs(values), rayleigh(hash_bits(6, FRAMES, BINS)).ravel(), rtol=1e-5
    )


def test_a_value_depends_on_its_own_counters_only() -> None:
    whole = hash_bits(9, FRAMES, BINS)
    part = hash_bits(9, FRAMES[40:50], BINS[7:9])
    assert torch.equal(whole[40:50, 7:9], part)
    pairs = hash_bits(9, FRAMES[:300, 0], BINS)
    assert torch.equal(pairs, whole[:300].diagonal())


def test_key_hash_separates_keys_and_counters() -> None:
    hashes = {hash_key(k, stream) for k in range(400) for stream in range(-10, 10)}
    assert len(hashes) == 20 * 20 * 20
    assert hash_key(1, 2) == hash_key(1 + 2**64, 2)
    assert all(0 <= h < 2**64 for h in hashes)


def test_sort_is_a_sort() -> None:
    bits = hash_bits(2, FRAMES[:5], BINS)
    assert torch.equal(sort_last_(bits.clone()), torch.sort(bits, dim=-1).values)
