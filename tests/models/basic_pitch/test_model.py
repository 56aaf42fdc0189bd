"""Basic Pitch agrees with the published model, and its results do not depend on batching."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from tests.models.basic_pitch import published, recordings
from tests.models.basic_pitch.reference_decoder import decode as reference_decode

from pi_amt.core.audio import read_audio, resample
from pi_amt.core.spectrogram import Spectrogram, concatenate
from pi_amt.datasets import loading as datasets
from pi_amt.models.basic_pitch.model import BasicPitch

RECORDINGS = recordings.oracle_recordings()


@pytest.fixture(scope="module")
def model() -> BasicPitch:
    return BasicPitch(device="cpu")


@pytest.fixture(scope="module")
def model_as_published() -> BasicPitch:
    return BasicPitch(device="cpu", trim="published")


@pytest.fixture(scope="module")
def music() -> Spectrogram:
    return BasicPitch(device="cpu").analyze(recordings.polyphony(12.0, seed=5), 22_050)


@pytest.fixture
def restore_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("name", RECORDINGS)
def test_activations_equal_the_published_model(name: str, model_as_published: BasicPitch) -> None:
    samples = RECORDINGS[name]
    expected = published.activations(samples)
    spectrogram = model_as_published.analyze(samples, 22_050)
    found = model_as_published.activations(spectrogram)
    assert set(found) == set(expected)
    for head, values in expected.items():
        assert found[head].shape == values.shape
        assert found[head].dtype == np.float32
        np.testing.assert_allclose(found[head], values, rtol=0, atol=1e-4)
    renormalised = model_as_published.activations(replace(spectrogram, normalization=None))
    np.testing.assert_array_equal(renormalised["note"], found["note"])


def test_a_demo_recording_is_transcribed_as_by_the_published_model() -> None:
    path = Path(datasets.__file__).parent / "demo_data/bach_invention_1.ogg"
    samples = resample(*read_audio(path), 22_050)
    expected = published.activations(samples)
    model = BasicPitch(device="cpu", trim="published")
    found = model.activations(model.analyze(samples, 22_050))
    for head, values in expected.items():
        np.testing.assert_allclose(found[head], values, rtol=0, atol=1e-4)
    events = reference_decode(expected["note"], expected["onset"])
    notes = model.transcribe(samples, 22_050)
    assert sorted(notes.pitches) == sorted(pitch for _, _, pitch, _ in events)
    assert len(notes) > 50


def test_full_trim_continues_to_the_end(model: BasicPitch, model_as_published: BasicPitch) -> None:
    samples = recordings.polyphony(40.0, seed=3, notes_per_second=1.0)
    full = model.activations(model.analyze(samples, 22_050))
    cut = model_as_published.activations(model_as_published.analyze(samples, 22_050))
    np.testing.assert_array_equal(full["note"][: len(cut["note"])], cut["note"])
    end = len(samples) / 22_050
    assert end - 256 / 22_050 <= model.frame_times(len(full["note"]))[-1] < end
    assert model.frame_times(len(cut["note"]))[-1] < end - 0.25


@pytest.mark.parametrize("seconds", [0.31, 1.2, 3.05, 5.5])
def test_times_of_a_click_are_exact_to_a_frame(seconds: float, model: BasicPitch) -> None:
    samples = np.zeros(7 * 22_050, np.float32)
    samples[round(seconds * 22_050)] = 1.0
    spectrogram = model.analyze(samples, 22_050)
    energy = spectrogram.tensor[:, 250:].square().sum(dim=1)  # high bins: windows of 6 ms
    for window, times in zip(energy, spectrogram.times, strict=True):
        if times[2] < seconds < times[-3]:
            assert abs(times[int(window.argmax())] - seconds) <= 0.51 * 256 / 22_050


def test_times_of_kept_frames_are_those_of_the_activations(
    model: BasicPitch, music: Spectrogram
) -> None:
    kept = music.times[:, 15:157].ravel()
    n = len(model.activations(music)["note"])
    np.testing.assert_array_equal(kept[:n], model.frame_times(n))
    np.testing.assert_array_equal(model.frame_times(50, 120), model.frame_times(170)[120:])
    assert kept[0] == 0.0
    np.testing.assert_allclose(model.frame_times(143)[142], 36_164 / 22_050)


def test_a_sine_peaks_at_its_bin(model: BasicPitch) -> None:
    for bin_number in (60, 144, 288):
        frequency = model.analyze(np.ones(1, np.float32), 22_050).frequencies[bin_number]
        samples = np.sin(2 * np.pi * frequency * np.arange(66_150) / 22_050).astype(np.float32)
        spectrum = model.analyze(samples, 22_050).tensor[0, :, 80]
        assert int(spectrum.argmax()) == bin_number
        level = 20 * torch.log10(spectrum[bin_number - 2 : bin_number + 3] / spectrum.max())
        np.testing.assert_allclose(level[[1, 3]], -6.0, atol=0.5)
        assert float(level[[0, 4]].max()) < -35


def test_a_window_does_not_depend_on_its_company(model: BasicPitch, music: Spectrogram) -> None:
    whole = model.outputs([music])[0]
    for window in range(len(music.times)):
        alone = model.outputs([music.block_slice(window, window + 1)])[0]
        for head, values in whole.items():
            assert torch.equal(alone[head][0], values[window])


def test_conditions_in_a_batch_equal_conditions_alone(
    model: BasicPitch, music: Spectrogram
) -> None:
    conditions = [music.with_values(music.tensor * gain) for gain in (1.0, 0.5, 0.01, 0.0)]
    stacked = model.outputs(conditions)
    for condition, output in zip(conditions, stacked, strict=True):
        for head, values in model.outputs([condition])[0].items():
            assert torch.equal(values, output[head])


@pytest.mark.parametrize("stream_blocks", [1, 3, 100])
def test_streamed_equals_whole(stream_blocks: int, music: Spectrogram) -> None:
    model = BasicPitch(device="cpu")
    model.stream_blocks = stream_blocks
    parts = list(model.stream(recordings.polyphony(12.0, seed=5), 22_050))
    joined = concatenate(parts)
    assert torch.equal(joined.tensor, music.tensor)
    np.testing.assert_array_equal(joined.times, music.times)
    np.testing.assert_array_equal(joined.normalization, music.normalization)
    stitcher = model.stitcher(joined.n_samples)
    pieces = [stitcher.push(model.outputs([part])[0])["note"] for part in parts]
    pieces.append(stitcher.finish()["note"])
    np.testing.assert_array_equal(np.concatenate(pieces), model.activations(music)["note"])


@pytest.mark.usefixtures("restore_threads")
def test_threads_change_nothing() -> None:
    results = []
    for threads in (1, 2, 3, 4, 8):
        torch.set_num_threads(threads)
        model = BasicPitch(device="cpu")
        spectrogram = model.analyze(recordings.polyphony(4.0, seed=5), 22_050)
        results.append((spectrogram.tensor, model.activations(spectrogram)))
    for values, activations in results[1:]:
        assert torch.equal(values, results[0][0])
        for head, expected in results[0][1].items():
            np.testing.assert_array_equal(activations[head], expected)


def test_frozen_normalization_is_local(model: BasicPitch, music: Spectrogram) -> None:
    """Silencing high bins leaves the levels of other bins, and far contours, as they were."""
    values = music.tensor.clone()
    values[:, 200:] = 0.0
    before = model.activations(music)["contour"]
    after = model.activations(music.with_values(values))["contour"]
    # the highest harmonic of the stack is 101 bins up, kernels reach 19 + 2 bins further
    np.testing.assert_array_equal(after[:, : 200 - 101 - 21], before[:, : 200 - 101 - 21])
    assert np.abs(after - before).max() > 0.01
    anew = BasicPitch(device="cpu", normalization="model")
    assert next(anew.stream(np.ones(5, np.float32), 22_050)).normalization is None
    quieter = music.with_values(0.1 * music.tensor)
    renormalised = anew.activations(replace(quieter, normalization=None))["contour"]
    assert np.abs(renormalised - model.activations(quieter)["contour"]).max() > 0.01


def test_perturbed_levels_are_clipped_to_the_clean_range(
    model: BasicPitch, music: Spectrogram
) -> None:
    loudest = music.tensor.amax(dim=(1, 2), keepdim=True)
    louder = music.tensor * 1e3
    clipped = model.activations(music.with_values(torch.minimum(louder, loudest)))
    for head, values in model.activations(music.with_values(louder)).items():
        np.testing.assert_allclose(values, clipped[head], atol=1e-5)


def test_ablated_channels_do_not_reach_the_network(music: Spectrogram) -> None:
    """Without the channels above the fundamental, bins far above a note cannot change it."""
    model = BasicPitch(device="cpu", ablate_channels=(2, 3, 4, 5, 6, 7))
    values = music.tensor.clone()
    values[:, 150:] = 0.0
    before, after = model.activations(music), model.activations(music.with_values(values))
    np.testing.assert_array_equal(before["note"][:, :40], after["note"][:, :40])
    assert np.abs(before["note"][:, 52:] - after["note"][:, 52:]).max() > 0.01
    plain = BasicPitch(device="cpu").activations(music)
    assert np.abs(plain["note"] - before["note"]).max() > 0.01


def test_bf16_stays_close(music: Spectrogram, model: BasicPitch) -> None:
    bf16 = BasicPitch(device="cpu", precision="bf16").activations(music)
    fp32 = model.activations(music)
    assert bf16["note"].dtype == np.float32
    difference = np.abs(bf16["note"] - fp32["note"])
    assert 0 < difference.max() < 0.15
    assert difference.mean() < 2e-3
    # equal neighbours are no peaks: onsets must not be rounded to bf16
    assert np.mean(bf16["onset"][1:] == bf16["onset"][:-1]) < 1e-3


@pytest.mark.parametrize("n_samples", [1, 2, 255, 256, 257, 36_164, 36_165, 40_000])
def test_any_length_is_transcribed(n_samples: int, model: BasicPitch) -> None:
    activations = model.activations(model.analyze(recordings.noise(2.0)[:n_samples], 22_050))
    windows, rest = divmod(n_samples, 36_164)
    expected = 142 * windows + -(-rest // 256)
    assert {len(values) for values in activations.values()} == {expected}
    assert all(np.isfinite(values).all() for values in activations.values())
    model.decode(activations)


def test_other_rates_are_resampled(model: BasicPitch) -> None:
    samples = recordings.polyphony(3.0)
    native = model.activations(model.analyze(samples, 22_050))["note"]
    upsampled = resample(samples, 22_050, 96_000)
    other = model.analyze(upsampled, 96_000)
    assert other.n_samples == len(samples)
    assert np.abs(model.activations(other)["note"] - native).mean() < 0.02
    assert len(model.transcribe(np.ones(1, np.float32), 96_000)) == 0


def test_silence_has_no_notes_and_no_nan(model: BasicPitch) -> None:
    samples = np.zeros(60_000, np.float32)
    activations = model.activations(model.analyze(samples, 22_050))
    assert all(np.isfinite(values).all() for values in activations.values())
    assert len(model.decode(activations)) == 0


def test_one_tone_is_one_note(model: BasicPitch) -> None:
    time = np.arange(22_050) / 22_050
    tone = sum(np.sin(2 * np.pi * 440 * k * time) / k for k in range(1, 6)) * np.exp(-2 * time)
    samples = np.concatenate([np.zeros(22_050), 0.3 * tone, np.zeros(22_050)]).astype(np.float32)
    notes = model.transcribe(samples, 22_050)
    (found,) = np.flatnonzero(notes.pitches == 69)
    assert abs(notes.onsets[found] - 1.0) < 0.05
    assert 0.4 < notes.offsets[found] - notes.onsets[found] < 1.3


def test_geometry_travels_with_the_spectrogram(music: Spectrogram) -> None:
    assert music.values.shape[1:] == (309, 172)
    np.testing.assert_allclose(music.frequencies[[0, 36, 144]], [27.5, 55.0, 440.0])
    np.testing.assert_allclose(music.window_seconds * music.frequencies, 51.44, atol=0.01)
    assert (music.sample_rate, music.frame_rate) == (22_050, 22_050 / 256)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trim": "none"}, "trim: got 'none', expected"),
        ({"precision": "fp16"}, "precision: got 'fp16', expected"),
        ({"normalization": "log"}, "normalization: got 'log', expected"),
        ({"ablate_channels": (8,)}, "ablate_channels: got"),
        ({"device": "tpu"}, "device: got 'tpu', expected"),
        ({"device": "cuda:99"}, "device: got 'cuda:99'"),
        ({"onset_threshold": 0.0}, "onset_threshold: got 0.0, expected"),
        ({"minimum_note_ms": -1.0}, "minimum_note_ms: got -1.0, expected"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BasicPitch(**options)  # type: ignore[arg-type]


def test_identity_tells_what_decides_a_result() -> None:
    plain, other = BasicPitch(device="cpu"), BasicPitch(device="cpu", trim="published")
    assert plain.identity.settings != other.identity.settings
    assert plain.identity.weights_label == "published weights"
    assert len(plain.identity.weights_sha256) == 64


def test_wrong_weights_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="missing"):
        BasicPitch(tmp_path / "missing.safetensors")
    save_file({"note.hidden.weight": np.zeros((3, 3), np.float32)}, tmp_path / "w.safetensors")
    with pytest.raises(ValueError, match=r"w\.safetensors.*expected"):
        BasicPitch(tmp_path / "w.safetensors")
    (tmp_path / "text.safetensors").write_text("not a weights file")
    with pytest.raises(ValueError, match=r"text\.safetensors.*expected"):
        BasicPitch(tmp_path / "text.safetensors")


def test_empty_audio_is_refused(model: BasicPitch) -> None:
    with pytest.raises(ValueError, match="samples: got shape"):
        model.analyze(np.zeros(0, np.float32), 22_050)
    with pytest.raises(ValueError, match="samples: got shape"):
        model.analyze(np.zeros((2, 100), np.float32), 22_050)
