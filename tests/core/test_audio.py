"""Audio reading: formats, rates and channels that must work, and files that must be refused."""

from __future__ import annotations

import hashlib
import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tests.sounds import RATE, encoded, tone

from pi_amt.core.audio import audio_seconds, content_hash, read_audio, resample
from pi_amt.core.errors import DataError


@pytest.mark.parametrize("rate", [8_000, 11_025, 44_100, 96_000, 192_000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_mix_is_the_mean_of_the_channels(rate: int, channels: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    data = rng.uniform(-1, 1, (rate // 10, channels)).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", data, rate, subtype="FLOAT")
    samples, found = read_audio(tmp_path / "a.wav")
    assert found == rate
    assert samples.dtype == np.float32
    np.testing.assert_allclose(samples, data.astype(np.float64).mean(axis=1), atol=1e-6)


@pytest.mark.parametrize(
    ("suffix", "tolerance"), [("wav", 1e-4), ("flac", 1e-4), ("aiff", 1e-4), ("ogg", 0.05)]
)
def test_formats(suffix: str, tolerance: float, tmp_path: Path) -> None:
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, tone(1.0), RATE)
    samples, _ = read_audio(path)
    assert len(samples) == RATE
    np.testing.assert_allclose(samples[100:-100], tone(1.0)[100:-100], atol=tolerance)
    assert audio_seconds(path) == 1.0


def test_more_than_one_chunk_and_max_seconds(tmp_path: Path) -> None:
    data = np.random.default_rng(1).uniform(-1, 1, 700_001).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", data, 44_100, subtype="FLOAT")
    np.testing.assert_array_equal(read_audio(tmp_path / "a.wav")[0], data)
    cut, _ = read_audio(tmp_path / "a.wav", max_seconds=7.5)
    np.testing.assert_array_equal(cut, data[: round(7.5 * 44_100)])
    for more in (1e6, np.inf):
        assert len(read_audio(tmp_path / "a.wav", max_seconds=more)[0]) == len(data)


def test_very_short_and_silent_audio_are_fine(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(1), RATE)
    assert read_audio(tmp_path / "a.wav")[0].tolist() == [0.0]


def test_memory_is_the_mono_copy(tmp_path: Path) -> None:
    seconds, rate = 120, 44_100
    soundfile.write(tmp_path / "a.wav", np.zeros((seconds * rate, 2), np.int16), rate)
    tracemalloc.start()
    samples, _ = read_audio(tmp_path / "a.wav")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < samples.nbytes + 8e6


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_refused_with_their_place(bad: float, tmp_path: Path) -> None:
    data = tone(2.0).astype(np.float32)
    data[RATE] = bad
    soundfile.write(tmp_path / "a.wav", np.stack([data, data], 1), RATE, subtype="FLOAT")
    with pytest.raises(DataError, match=r"NaN or infinite sample at 1\.000 s"):
        read_audio(tmp_path / "a.wav")
    assert len(read_audio(tmp_path / "a.wav", max_seconds=0.9)[0]) > 0


@pytest.mark.parametrize(
    ("bad", "message"), [(1e30, "a sample of 1e\\+30 at 1.000 s"), (-3e38, "full scale is 1")]
)
def test_samples_that_no_spectrum_could_hold_are_refused(
    bad: float, message: str, tmp_path: Path
) -> None:
    data = tone(2.0).astype(np.float32)
    data[RATE] = bad
    soundfile.write(tmp_path / "a.wav", data, RATE, subtype="FLOAT")
    with pytest.raises(DataError, match=message):
        read_audio(tmp_path / "a.wav")
    soundfile.write(tmp_path / "b.wav", tone(1.0) * 2**31, RATE, subtype="FLOAT")
    assert read_audio(tmp_path / "b.wav")[0].max() > 1e9  # integers written as they are


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.wav")
    for read in (read_audio, audio_seconds, content_hash):
        with pytest.raises(DataError, match="a pipe or a device"):
            read(tmp_path / "a.wav")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "the file is missing"),
        (b"", "empty"),
        (b"Once upon a time there was a text.\n" * 9, "not audio that can be read"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "not audio"),
        (encoded("wav", seconds=0.0), "length of 0"),
    ],
)
def test_unusable_files_are_one_plain_line(
    content: bytes | None, message: str, tmp_path: Path
) -> None:
    path = tmp_path / ("long name " * 12 + ".wav")
    if content is not None:
        path.write_bytes(content)
    for read in (read_audio, audio_seconds):
        with pytest.raises(DataError, match=message) as caught:
            read(path)
        assert str(path) in str(caught.value)
        assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("kind", ["NIST", "VOC", "IRCAM", "AVR", "PAF", "PVF", "MAT4", "MAT5"])
def test_formats_that_nobody_checks_for_their_length_are_refused(kind: str, tmp_path: Path) -> None:
    """libsndfile reads half of such a file as if it were all of it."""
    (tmp_path / "a.wav").write_bytes(encoded(kind, "PCM_16"))
    for read in (read_audio, audio_seconds):
        with pytest.raises(DataError, match=f"a file of format {kind}, .*convert it to WAV"):
            read(tmp_path / "a.wav")


def test_a_folder_is_not_audio(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="this is a folder"):
        read_audio(tmp_path)


def test_max_seconds_must_be_positive(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="max_seconds: got 0"):
        read_audio(tmp_path / "a.wav", max_seconds=0)


def test_random_damage_gives_samples_or_a_data_error(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for suffix in ("wav", "flac", "ogg"):
        whole = encoded(suffix, seconds=0.2)
        for _ in range(60):
            data = bytearray(whole)
            for _ in range(rng.integers(1, 5)):
                data[rng.integers(min(len(data), 4000))] = rng.integers(256)
            (tmp_path / "b").write_bytes(data)
            try:
                samples, _ = read_audio(tmp_path / "b", max_seconds=5.0)
            except DataError:
                continue
            assert np.isfinite(samples).all()


# --- resampling


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000, 96_000])
def test_resampling_keeps_a_tone(rate: int) -> None:
    found = resample(tone(1.0, rate).astype(np.float32), rate, RATE)
    assert abs(len(found) - RATE) <= 1
    middle = slice(1000, 21_000)
    np.testing.assert_allclose(found[middle], tone(1.0)[middle], atol=2e-4)


def test_resampling_removes_what_the_new_rate_cannot_hold() -> None:
    found = resample(tone(1.0, 48_000, hz=15_000).astype(np.float32), 48_000, RATE)
    assert np.abs(found[1000:-1000]).max() < 1e-4


def test_equal_rates_are_left_alone() -> None:
    samples = np.ones(5, np.float32)
    assert resample(samples, RATE, RATE) is samples


def test_content_hash(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert content_hash(tmp_path / "a") == hashlib.sha256(b"abc").hexdigest()
    with pytest.raises(DataError, match="missing"):
        content_hash(tmp_path / "b")


def test_channels_that_cancel_each_other_out_are_told_of(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    one, other = rng.uniform(-0.5, 0.5, (2, 3 * (1 << 18))).astype(np.float32)
    path = tmp_path / "stereo.wav"
    for inverted in (-one, -0.95 * one):
        soundfile.write(path, np.stack([one, inverted], axis=1), 22050, subtype="FLOAT")
        with pytest.raises(DataError, match="the channels cancel each other out"):
            read_audio(path)
    for second in (other, 0 * one, -0.5 * one):  # unlike, silent, inverted and softer
        soundfile.write(path, np.stack([one, second], axis=1), 22050, subtype="FLOAT")
        samples, _ = read_audio(path)
        np.testing.assert_allclose(samples, (one + second) / 2, atol=1e-7)
