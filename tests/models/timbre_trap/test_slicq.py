"""sliCQ: parity with the published transform, known tones, round trips."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.models.timbre_trap.parity import TOLERANCE, fixture, padded_audio

from pi_amt.models.timbre_trap.slicq import (
    BLOCK_FRAMES,
    BLOCK_SAMPLES,
    FRAME_RATE_HZ,
    N_BINS,
    SAMPLE_RATE_HZ,
    SliCQ,
)


@pytest.fixture(scope="module")
def transform() -> SliCQ:
    return SliCQ()


def test_coefficients_agree_with_the_published_transform(transform: SliCQ) -> None:
    coefficients = transform(padded_audio().view(-1, BLOCK_SAMPLES))
    whole = coefficients.permute(1, 0, 2).reshape(N_BINS, -1)[:, fixture()["frames"]].numpy()
    assert np.abs(whole.real).max() > 1
    np.testing.assert_allclose(whole.real, fixture()["slicq_real"], atol=TOLERANCE)
    np.testing.assert_allclose(whole.imag, fixture()["slicq_imag"], atol=TOLERANCE)


def test_geometry_is_that_of_the_paper(transform: SliCQ) -> None:
    hz = transform.frequencies_hz
    midi = 69 + 12 * np.log2(hz / 440)
    np.testing.assert_allclose(midi, fixture()["midi_freqs"], atol=1e-4)
    np.testing.assert_allclose(midi, 16.7656 + np.arange(N_BINS) / 5, atol=1e-4)
    assert pytest.approx(1024 / 3) == FRAME_RATE_HZ
    seconds = transform.window_seconds
    assert seconds.shape == (N_BINS,)
    assert seconds[0] == 3.0
    assert seconds[-1] == pytest.approx(4 / (11025 * (2 ** (1 / 60) - 2 ** (-1 / 60))), rel=1e-6)


@pytest.mark.parametrize("bin_", [130, 262, 400, 520])
def test_a_tone_at_a_bins_centre_peaks_there_with_the_known_magnitude(
    transform: SliCQ, bin_: int
) -> None:
    hz = np.round(transform.frequencies_hz[bin_] * 3) / 3  # a whole number of periods per block
    tone = 0.5 * np.sin(2 * np.pi * hz * np.arange(BLOCK_SAMPLES) / SAMPLE_RATE_HZ)
    magnitude = transform(torch.from_numpy(tone.astype(np.float32))[None])[0].abs()
    assert int(magnitude.mean(1).argmax()) == bin_
    expected = 0.5 * BLOCK_SAMPLES / 2 / BLOCK_FRAMES
    # The windows of low bins are a few FFT points wide, so the tone may miss their top.
    assert float(magnitude[bin_].mean()) == pytest.approx(expected, rel=0.25)
    assert float(magnitude[bin_].std()) < 1e-3 * expected


def test_a_whole_recording_survives_the_round_trip_above_45_db(transform: SliCQ) -> None:
    rng = np.random.default_rng(7)
    n = 4 * BLOCK_SAMPLES
    time = np.arange(n) / SAMPLE_RATE_HZ
    audio = sum(
        0.1 * np.sin(2 * np.pi * hz * time) * np.exp(-((time - at) ** 2))
        for hz, at in zip(rng.uniform(50, 8000, 25), rng.uniform(0, 12, 25), strict=True)
    )
    audio = (audio + 0.001 * rng.standard_normal(n)).astype(np.float32)
    blocks = transform(torch.from_numpy(audio).view(-1, BLOCK_SAMPLES))
    back = transform.inverse(blocks).flatten().numpy()
    assert band_snr_db(audio, back) > 45


def band_snr_db(reference: np.ndarray, estimate: np.ndarray) -> float:
    """SNR between 40 Hz and 10 kHz of two float32 recordings."""
    hz = np.fft.rfftfreq(len(reference), 1 / SAMPLE_RATE_HZ)
    band = (hz > 40) & (hz < 10_000)
    clean = np.fft.rfft(reference.astype(np.float64))[band]
    error = np.fft.rfft(estimate.astype(np.float64))[band] - clean
    return float(10 * np.log10((np.abs(clean) ** 2).sum() / (np.abs(error) ** 2).sum()))


def test_noise_in_the_highest_bins_becomes_no_whistle(transform: SliCQ) -> None:
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((2, 40, BLOCK_FRAMES)).astype(np.float32)
    values = torch.zeros(1, N_BINS, BLOCK_FRAMES, dtype=torch.complex64)
    values[0, -40:] = torch.complex(*torch.from_numpy(noise))
    power = torch.fft.rfft(transform.inverse(values)[0]).abs().square()
    top = round(SAMPLE_RATE_HZ / 2 - 20) * 3  # in thirds of a Hz: the last 20 Hz
    assert power[top:].mean() < 4 * power[top - 1500 : top].mean()


def test_silence_stays_silence_and_batches_do_not_mix(transform: SliCQ) -> None:
    blocks = torch.zeros(2, BLOCK_SAMPLES)
    blocks[1, 1000] = 1.0
    coefficients = transform(blocks)
    assert coefficients.dtype == torch.complex64
    assert float(coefficients[0].abs().max()) == 0.0
    assert torch.equal(coefficients[1:], transform(blocks[1:]))
    assert float(transform.inverse(coefficients)[0].abs().max()) == 0.0


def test_wrong_shapes_are_refused(transform: SliCQ) -> None:
    with pytest.raises(ValueError, match="66150"):
        transform(torch.zeros(1, 1000))
    with pytest.raises(ValueError, match="540, 1024"):
        transform.inverse(torch.zeros(1, 540, 512, dtype=torch.complex64))
