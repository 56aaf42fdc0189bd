"""Audio files that libsndfile would silently shorten are refused, whole ones are read."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tests.sounds import RATE, encoded, tone

from pi_amt.core.audio import read_audio
from pi_amt.core.errors import DataError


@pytest.mark.parametrize(
    "suffix", ["wav", "flac", "ogg", "aiff", "au", "w64", "rf64", "wavex", "caf", "mp3"]
)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_truncated_files_are_refused(suffix: str, share: float, tmp_path: Path) -> None:
    data = encoded(suffix)
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(data)
    assert len(read_audio(path)[0]) == 3 * RATE
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(DataError, match=r"truncated|damaged|not audio|length of 0") as caught:
        read_audio(path)
    assert str(path) in str(caught.value)


def mp3(mode: str, quiet_first: bool = True) -> tuple[np.ndarray, bytes]:
    """Samples and an MP3 of them without the header that says its length."""
    rng = np.random.default_rng(3)
    noise = rng.uniform(-0.5, 0.5, 3 * RATE)
    parts = [tone(2.0), noise] if quiet_first else [noise, tone(2.0)]
    samples = np.concatenate(parts)
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, format="MP3", bitrate_mode=mode, compression_level=0.5)
    data = file.getvalue()
    return samples, data[data.index(data[:2], 4) :]


def test_an_mp3_of_constant_rate_needs_no_length(tmp_path: Path) -> None:
    samples, data = mp3("CONSTANT")
    (tmp_path / "a.mp3").write_bytes(data)
    found, _ = read_audio(tmp_path / "a.mp3")
    assert abs(len(found) - len(samples)) < 4 * 1152
    assert np.isfinite(found).all()
    assert np.abs(found).max() < 2.0  # nothing that was left in memory


@pytest.mark.parametrize("quiet_first", [True, False])
def test_an_mp3_of_variable_rate_that_hides_its_length_is_refused(
    quiet_first: bool, tmp_path: Path
) -> None:
    samples, data = mp3("VARIABLE", quiet_first)
    for tag in (b"", b"ID3\x04\0\0\0\0\x01\x00" + bytes(128)):
        (tmp_path / "a.mp3").write_bytes(tag + data)
        with pytest.raises(DataError, match="does not say its length"):
            read_audio(tmp_path / "a.mp3")
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, format="MP3", bitrate_mode="VARIABLE")
    (tmp_path / "a.mp3").write_bytes(file.getvalue())
    assert len(read_audio(tmp_path / "a.mp3")[0]) == len(samples)


def test_a_wav_of_a_streaming_writer_is_read(tmp_path: Path) -> None:
    data = bytearray(encoded("wav"))
    at = data.index(b"data")
    data[4:8] = data[at + 4 : at + 8] = b"\xff\xff\xff\xff"  # as ffmpeg writes into a pipe
    (tmp_path / "a.wav").write_bytes(data)
    assert len(read_audio(tmp_path / "a.wav")[0]) == 3 * RATE
