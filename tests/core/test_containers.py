"""Audio files that libsndfile would silently shorten are refused, whole ones are read."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.sounds import RATE, encoded

from pi_amt.core.audio import read_audio
from pi_amt.core.errors import DataError

#: an ID3 tag, which some programs put before any kind of audio
TAG = b"ID3\x04\0\0\0\0\x10\0" + bytes(2048)


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


@pytest.mark.parametrize("tag", [b"", TAG, TAG * 2])
@pytest.mark.parametrize("suffix", ["flac", "wav"])
def test_files_in_a_row_are_refused(suffix: str, tag: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(tag + encoded(suffix))
    assert len(read_audio(path)[0]) == 3 * RATE
    path.write_bytes(tag + encoded(suffix) * 2)
    with pytest.raises(DataError, match="several recordings"):
        read_audio(path)


@pytest.mark.parametrize("suffix", ["wav", "aiff", "au", "ogg"])
def test_a_truncated_file_behind_a_tag_is_refused(suffix: str, tmp_path: Path) -> None:
    data = TAG + encoded(suffix)
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(data)
    assert len(read_audio(path)[0]) == 3 * RATE
    for missing in (1, 300, len(data) // 2):
        path.write_bytes(data[:-missing])
        with pytest.raises(DataError, match="truncated"):
            read_audio(path)


@pytest.mark.parametrize("missing", [1, 300, 4000])
def test_a_caf_without_its_end_is_refused(missing: int, tmp_path: Path) -> None:
    (tmp_path / "a.caf").write_bytes(encoded("caf")[:-missing])
    with pytest.raises(DataError, match="truncated"):
        read_audio(tmp_path / "a.caf")
