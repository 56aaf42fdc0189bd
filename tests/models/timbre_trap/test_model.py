"""Timbre-Trap up the ladder: streams, edges, padding, checkpoints, listening."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.signal import butter, sosfiltfilt
from tests.models.timbre_trap.parity import synthetic_state

from pi_amt.core.audio import read_audio, resample
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.core.units import Samples
from pi_amt.datasets import loading as datasets
from pi_amt.models.timbre_trap.model import TimbreTrap
from pi_amt.models.timbre_trap.slicq import BLOCK_SAMPLES, N_BINS, SAMPLE_RATE_HZ
from pi_amt.permutations.loading import load_permutation


@cache
def model() -> TimbreTrap:
    return TimbreTrap(device="cpu")


def tones(seconds: float) -> Samples:
    """A4 all the time, E5 from half a second on."""
    t = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    sound = np.sin(2 * np.pi * 440 * t) + np.sin(2 * np.pi * 659.26 * t) * (t > 0.5)
    return np.asarray(0.3 * sound, dtype=np.float32)


@pytest.mark.parametrize("n_samples", [1, 400, 30_000])
def test_recordings_shorter_than_a_block_have_all_their_frames(n_samples: int) -> None:
    spectrogram = model().analyze(tones(2)[:n_samples], SAMPLE_RATE_HZ)
    assert spectrogram.values.shape == (3, N_BINS, 1024)
    pitch = model().activations(spectrogram)["pitch"]
    assert pitch.shape == (-(-n_samples * 1024 // BLOCK_SAMPLES), N_BINS)
    assert pitch.min() >= 0
    assert pitch.max() <= 1
    notes = model().decode({"pitch": pitch})
    assert np.all(notes.offsets <= n_samples / SAMPLE_RATE_HZ + 0.01)


def test_silence_has_no_notes() -> None:
    silent = np.zeros(SAMPLE_RATE_HZ, dtype=np.float32)
    spectrogram = model().analyze(silent, SAMPLE_RATE_HZ)
    assert not np.abs(spectrogram.values).any()
    assert len(model().transcribe(silent, SAMPLE_RATE_HZ)) == 0


def test_empty_or_stereo_audio_is_refused() -> None:
    for wrong in (np.zeros(0, dtype=np.float32), np.zeros((2, 100), dtype=np.float32)):
        with pytest.raises(ValueError, match="samples"):
            next(model().stream(wrong, SAMPLE_RATE_HZ))


def test_gain_changes_nothing() -> None:
    quiet = model().analyze(tones(0.5) / np.float32(8), SAMPLE_RATE_HZ)
    np.testing.assert_array_equal(quiet.values, model().analyze(tones(0.5), SAMPLE_RATE_HZ).values)


def test_blocks_overlap_by_half_and_agree_on_time() -> None:
    spectrogram = model().analyze(tones(4), SAMPLE_RATE_HZ)
    numbers = spectrogram.frame_numbers
    assert numbers[0, 0] == -512
    for earlier, later in pairwise(numbers):
        np.testing.assert_array_equal(earlier[512:], later[:512])
    np.testing.assert_allclose(model().frame_times(3, 1024), 3 + np.arange(3) * 3 / 1024)
    inside = spectrogram.times[1]  # block 1 begins with the recording
    np.testing.assert_allclose(inside, model().frame_times(1024), atol=1e-9)


def test_padding_that_is_not_computed_changes_no_activation() -> None:
    spectrogram = model().analyze(tones(1.6), SAMPLE_RATE_HZ)
    stitcher = model().stitcher(spectrogram.n_samples)
    computed = stitcher.push(model().network(spectrogram.tensor, None))["pitch"]
    np.testing.assert_array_equal(computed, model().activations(spectrogram)["pitch"])


def test_streaming_equals_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = tones(2.5)
    whole = model().decode(model().activations(model().analyze(samples, SAMPLE_RATE_HZ)))
    monkeypatch.setattr(TimbreTrap, "stream_blocks", 1)
    streamed = model().transcribe(samples, SAMPLE_RATE_HZ)
    assert len(whole) > 0
    for name in ("onsets", "offsets", "pitches", "velocities"):
        np.testing.assert_array_equal(getattr(streamed, name), getattr(whole, name))


def test_conditions_in_one_batch_are_those_alone() -> None:
    clean = model().analyze(tones(0.6), SAMPLE_RATE_HZ).block_slice(0, 2)
    louder = clean.with_values(2 * clean.tensor)
    together = model().outputs([clean, louder])
    for part, output in zip((clean, louder), together, strict=True):
        alone = model().outputs([part])[0]["transcription"]
        assert torch.equal(output["transcription"], alone)
    assert not torch.equal(*(output["transcription"] for output in together))


def test_a_probe_of_another_model_is_refused() -> None:
    spectrogram = model().analyze(tones(2.0), SAMPLE_RATE_HZ)
    probed = load_permutation("ablate_channel", channel=1)(spectrogram, key=1)
    with pytest.raises(ValueError, match="harmonic_channel"):
        model().activations(probed)


def test_a_stream_of_a_long_recording_holds_two_blocks_at_a_time() -> None:
    parts = model().stream(np.zeros(60 * SAMPLE_RATE_HZ, dtype=np.float32), SAMPLE_RATE_HZ)
    shapes = {next(parts).tensor.shape for _ in range(5)}
    assert shapes == {(2, N_BINS, 1024)}


def test_a_checkpoint_of_a_user_is_what_runs(tmp_path: Path) -> None:
    path = tmp_path / "tt-orig.pt"
    torch.save(synthetic_state(), path)
    other = TimbreTrap(path, device="cpu")
    assert other.identity.weights_label == "user checkpoint"
    assert other.identity.weights_sha256 != model().identity.weights_sha256
    spectrogram = model().analyze(tones(0.1), SAMPLE_RATE_HZ)
    pitch, ours = (m.activations(spectrogram)["pitch"] for m in (other, model()))
    assert np.abs(pitch - ours).max() > 1e-3


def test_a_demo_recording_survives_its_round_trip() -> None:
    path = min((Path(datasets.__file__).parent / "demo_data").glob("*.ogg"))
    samples = resample(*read_audio(path), SAMPLE_RATE_HZ)
    samples = samples / np.abs(samples).max()
    parts = list(model().stream(samples, SAMPLE_RATE_HZ))
    heard = model().synthesize(_joined(parts))
    assert heard.shape == samples.shape
    band = butter(8, (40, 10_000), "bandpass", fs=SAMPLE_RATE_HZ, output="sos")
    signal, error = (sosfiltfilt(band, x) for x in (samples, heard - samples))
    assert 10 * np.log10(np.sum(signal**2) / np.sum(error**2)) > 45


@pytest.mark.parametrize("seconds", [0.05, 1.5, 4.2])
def test_the_level_is_the_peak_of_the_sound_whatever_streams_at_once(seconds: float) -> None:
    samples = tones(seconds)
    samples[len(samples) // 3] = 0.9
    whole = model().analyze(samples, SAMPLE_RATE_HZ)
    softer = whole.with_values(whole.tensor * 0.25)
    levels = []
    for size in (1, 2, 100):
        meter = model().level_meter()
        for first in range(0, len(whole.times), size):
            meter.push(softer.block_slice(first, first + size))
        levels.append(meter.finish())
    assert len(set(levels)) == 1
    assert levels[0] == float(np.abs(model().synthesize(softer)).max())
    assert levels[0] == pytest.approx(
        0.25, rel=0.05
    )  # the model divides by the peak; no bin hears 0 Hz


def _joined(parts: list[Spectrogram]) -> Spectrogram:
    values = torch.cat([part.tensor for part in parts])
    times = np.concatenate([part.times for part in parts])
    return Spectrogram(
        values,
        parts[0].frequencies,
        times,
        parts[0].window_seconds,
        parts[0].frame_rate,
        parts[0].n_samples,
        parts[0].sample_rate,
    )
