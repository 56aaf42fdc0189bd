"""Audio files that libsndfile would silently shorten are refused, whole ones are read."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.sounds import RATE, encoded

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


def test_a_wav_of_a_streaming_writer_is_read(tmp_path: Path) -> None:
    data = bytearray(encoded("wav"))
    at = data.index(b"data")
    data[4:8] = data[at + 4 : at + 8] = b"\xff\xff\xff\xff"  # as ffmpeg writes into a pipe
    (tmp_path / "a.wav").write_bytes(data)
    assert len(read_audio(tmp_path / "a.wav")[0]) == 3 * RATE


def test_flac_files_in_a_row_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.flac").write_bytes(encoded("flac") * 2)
    with pytest.raises(DataError, match="several recordings"):
        read_audio(tmp_path / "a.flac")
