"""Audio files that libsndfile would silently shorten are refused, whole ones are read."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import av
import numpy as np
import pytest
import soundfile
from tests.sounds import RATE, encoded, tone

from pi_amt.core.audio import read_audio
from pi_amt.core.errors import DataError

#: an ID3 tag, which some programs put before any kind of audio
TAG = b"ID3\x04\0\0\0\0\x10\0" + bytes(2048)
BEHIND = {
    "a new tag": TAG,
    "an old tag": b"TAG" + bytes(125),
    "an APE tag": b"APETAGEX" + bytes(24) + b"x" * 300,
    "padding": bytes(20_000),
    "a chunk": b"LIST\x08\0\0\0adtlWAVE",
}


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


def by_libsndfile(form: str, subtype: str, endian: str | None = None) -> bytes:
    """A file whose number of bytes is odd where a sample has one."""
    file = io.BytesIO()
    soundfile.write(file, tone(3.0)[:-1], RATE, format=form, subtype=subtype, endian=endian)
    return file.getvalue()


#: one sample fewer than in three seconds, all without loss
KINDS: dict[str, Callable[[], bytes]] = {
    "wav": lambda: by_libsndfile("WAV", "PCM_16"),
    "wav, odd": lambda: by_libsndfile("WAV", "PCM_U8"),
    "wav, big endian": lambda: by_libsndfile("WAV", "PCM_16", "BIG"),
    "wavex": lambda: by_libsndfile("WAVEX", "FLOAT"),
    "bw64": lambda: broadcast_wave(by_libsndfile("RF64", "PCM_16")),
    "rf64": lambda: by_libsndfile("RF64", "PCM_16"),
    "rf64, odd": lambda: by_libsndfile("RF64", "PCM_U8"),
    "w64": lambda: by_libsndfile("W64", "PCM_16"),
    "w64, odd": lambda: by_libsndfile("W64", "PCM_U8"),
    "aiff": lambda: by_libsndfile("AIFF", "PCM_24"),
    "aiff, odd": lambda: by_libsndfile("AIFF", "PCM_S8"),
    "aifc": lambda: by_libsndfile("AIFF", "FLOAT"),
    "au": lambda: by_libsndfile("AU", "PCM_16"),
    "au, little endian": lambda: by_libsndfile("AU", "FLOAT", "LITTLE"),
    "caf": lambda: by_libsndfile("CAF", "PCM_16"),
    "caf, alac": lambda: by_libsndfile("CAF", "ALAC_16"),
    "flac": lambda: by_libsndfile("FLAC", "PCM_16"),
    "flac without comments": lambda: without_comments(by_libsndfile("FLAC", "PCM_16")),
}


def without_comments(flac: bytes) -> bytes:
    """FLAC with nothing between its first block of metadata and its samples."""
    position, is_last = 4, False
    while not is_last:
        is_last = flac[position] >= 0x80
        position += 4 + int.from_bytes(flac[position + 1 : position + 4], "big")
    return flac[:4] + b"\x80" + flac[5:42] + flac[position:]


def broadcast_wave(rf64: bytes) -> bytes:
    """BW64 with its length in the chunk ``ds64`` only."""
    at = rf64.index(b"data") + 4
    return b"BW64" + rf64[4:at] + b"\xff" * 4 + rf64[at + 4 :]


def opened(kind: str) -> bytes:
    """A file as a streaming writer leaves it, which cannot go back to fill in the length."""
    data = bytearray(KINDS[kind]())
    if kind == "wav":
        at = data.index(b"data")
        data[4:8] = data[at + 4 : at + 8] = b"\xff" * 4
    else:
        data[8:12] = b"\xff" * 4
    return bytes(data)


def refused_as_joined(data: bytes, path: Path) -> None:
    path.write_bytes(data)
    with pytest.raises(DataError, match="several recordings"):
        read_audio(path)


@pytest.mark.parametrize("kind", KINDS)
def test_files_in_a_row_are_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "a"
    data = KINDS[kind]()
    path.write_bytes(data)
    assert read_audio(path)[0].size in (3 * RATE - 1, 3 * RATE)  # a padded byte may count
    for between in (b"", bytes(3), TAG, b"TAG" + bytes(125)):
        refused_as_joined(data + between + data, path)
    refused_as_joined(data * 3, path)


@pytest.mark.parametrize("tag", [TAG, TAG * 2])
@pytest.mark.parametrize("kind", ["wav", "aiff", "au", "flac"])
def test_files_in_a_row_behind_a_tag_are_refused(kind: str, tag: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(tag + KINDS[kind]())
    assert len(read_audio(path)[0]) == 3 * RATE - 1
    refused_as_joined(tag + KINDS[kind]() * 2, path)
    refused_as_joined((tag + KINDS[kind]()) * 2, path)


@pytest.mark.parametrize("kind", ["wav", "au", "au, little endian"])
def test_a_length_left_open(kind: str, tmp_path: Path) -> None:
    """The one file is read; of two, the header of the second would be taken for samples."""
    path = tmp_path / "a"
    path.write_bytes(KINDS[kind]())
    expected, _ = read_audio(path)
    path.write_bytes(opened(kind))
    np.testing.assert_array_equal(read_audio(path)[0], expected)
    for second in (opened(kind), KINDS[kind]()):
        refused_as_joined(opened(kind) + second, path)


@pytest.mark.parametrize("behind", BEHIND)
@pytest.mark.parametrize("kind", ["wav", "rf64", "aiff", "au", "caf", "flac"])
def test_what_lies_behind_a_file_changes_nothing(kind: str, behind: str, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(KINDS[kind]())
    expected, _ = read_audio(path)
    path.write_bytes(KINDS[kind]() + BEHIND[behind])
    np.testing.assert_array_equal(read_audio(path)[0], expected)


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


@pytest.mark.parametrize("kind", ["wav, big endian", "bw64"])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_truncated_wav_of_other_kinds_is_refused(kind: str, share: float, tmp_path: Path) -> None:
    data = KINDS[kind]()
    (tmp_path / "a").write_bytes(data[: int(share * len(data))])
    with pytest.raises(DataError, match="truncated"):
        read_audio(tmp_path / "a")


@pytest.mark.parametrize("missing", [1, 300, 4000])
def test_a_caf_without_its_end_is_refused(missing: int, tmp_path: Path) -> None:
    (tmp_path / "a.caf").write_bytes(encoded("caf")[:-missing])
    with pytest.raises(DataError, match="truncated"):
        read_audio(tmp_path / "a.caf")


@pytest.mark.parametrize(
    ("kind", "share"), [("wav", 0.0), ("wav", 0.5), ("wav", 0.9), ("rf64", 0.5)]
)
def test_samples_behind_the_end_that_a_header_says_are_not_left_out(
    kind: str, share: float, tmp_path: Path
) -> None:
    """As a recorder leaves a file whose header it did not bring up to date."""
    data = bytearray(KINDS[kind]())
    at = data.index(b"data") + 4
    length = 2 * round(share * RATE)
    data[at : at + 4] = length.to_bytes(4, "little")
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(DataError, match=f"end at byte {at + 4 + length}, and .* header"):
        read_audio(tmp_path / "a")


@pytest.mark.parametrize("between", [b"", b"LIST\x04\0\0\0INFO"])
@pytest.mark.parametrize("kind", ["wav", "wav, odd", "wav, big endian", "rf64", "bw64"])
def test_wav_with_two_chunks_of_samples_is_refused(
    kind: str, between: bytes, tmp_path: Path
) -> None:
    """As some recorders write when they go on after a pause."""
    order: Literal["little", "big"] = "big" if "big" in kind else "little"
    if order == "big":
        between = between[:4] + between[4:8][::-1] + between[8:]
    data = KINDS[kind]() + between + b"data"
    samples = RATE * b"ab"
    (tmp_path / "a").write_bytes(data + len(samples).to_bytes(4, order) + samples)
    with pytest.raises(DataError, match="two chunks of samples"):
        read_audio(tmp_path / "a")


#: where a header says how long a file, its samples, or both are, and in how many bytes
LENGTHS = {
    "aiff": ((b"FORM", 4, 4), (b"SSND", 4, 4), (b"COMM", 10, 4)),
    "au": ((b".snd", 8, 4),),
    "caf": ((b"data", 4, 8),),
}


@pytest.mark.parametrize("lost", [RATE, 2 * RATE])
@pytest.mark.parametrize("kind", LENGTHS)
def test_a_header_in_big_endian_that_was_not_brought_up_to_date_is_refused(
    kind: str, lost: int, tmp_path: Path
) -> None:
    whole = KINDS[kind]()
    sample = 3 if kind == "aiff" else 2
    data = bytearray(whole)
    for name, behind, width in LENGTHS[kind]:
        at = whole.index(name) + behind
        length = int.from_bytes(whole[at : at + width], "big")
        less = lost if name == b"COMM" else lost * sample
        data[at : at + width] = (length - less).to_bytes(width, "big")
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(DataError, match=f"and {lost * sample} bytes follow .* header"):
        read_audio(tmp_path / "a")


@pytest.mark.parametrize("lost", [RATE, 2 * RATE])
def test_an_aiff_whose_samples_go_on_behind_their_chunk_is_refused(
    lost: int, tmp_path: Path
) -> None:
    """The length of the file is right, and that of the samples is not."""
    data = bytearray(KINDS["aiff"]())
    at = data.index(b"SSND") + 4
    length = int.from_bytes(data[at : at + 4], "big") - 3 * lost
    data[at : at + 4] = length.to_bytes(4, "big")
    (tmp_path / "a").write_bytes(data)
    said = f"samples end at byte {at + 4 + length}, and {3 * lost} bytes follow"
    with pytest.raises(DataError, match=said):
        read_audio(tmp_path / "a")


@pytest.mark.parametrize("kind", ["aiff", "caf"])
def test_a_long_chunk_in_big_endian_behind_the_samples_is_none_of_them(
    kind: str, tmp_path: Path
) -> None:
    data = KINDS[kind]()
    (tmp_path / "a").write_bytes(data)
    expected, _ = read_audio(tmp_path / "a")
    width = 8 if kind == "caf" else 4
    chunk = b"uuid" + (50_000).to_bytes(width, "big") + b"x" * 50_000
    (tmp_path / "a").write_bytes(data + chunk)
    np.testing.assert_array_equal(read_audio(tmp_path / "a")[0], expected)


@pytest.mark.parametrize("kind", ["wav", "wav, odd", "rf64"])
def test_a_long_chunk_behind_the_samples_is_none_of_them(kind: str, tmp_path: Path) -> None:
    data = KINDS[kind]()
    (tmp_path / "a").write_bytes(data)
    expected, _ = read_audio(tmp_path / "a")
    (tmp_path / "a").write_bytes(data + b"bext" + (50_000).to_bytes(4, "little") + b"x" * 50_000)
    np.testing.assert_array_equal(read_audio(tmp_path / "a")[0], expected)


# --- Ogg


def ogg(subtype: str) -> bytes:
    """Twelve seconds, in many pages."""
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 12 * 48_000)
    file = io.BytesIO()
    soundfile.write(file, noise, 48_000, format="OGG", subtype=subtype)
    return file.getvalue()


def pages(data: bytes) -> list[bytes]:
    found = []
    while data:
        body = 27 + data[26]
        length = body + sum(data[27:body])
        found.append(data[:length])
        data = data[length:]
    return found


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_a_damaged_or_missing_ogg_page_is_refused(subtype: str, tmp_path: Path) -> None:
    """Decoders leave the page out, and all notes behind it would come early."""
    path = tmp_path / "a.ogg"
    whole = pages(ogg(subtype))
    path.write_bytes(b"".join(whole))
    assert len(read_audio(path)[0]) == 12 * 48_000
    for number in (2, len(whole) // 2, len(whole) - 2, len(whole) - 1):
        before, page, after = whole[:number], whole[number], whole[number + 1 :]
        at = sum(map(len, before))
        for position in (0, 7, 24, 30, len(page) // 2, len(page) - 1):
            flipped = bytearray(page)
            flipped[position] ^= 1
            path.write_bytes(b"".join([*before, flipped, *after]))
            with pytest.raises(DataError, match=f"Ogg page at byte {at}|truncated"):
                read_audio(path)
        if after and number > 2:
            path.write_bytes(b"".join([*before, *after]))
            with pytest.raises(DataError, match=f"no next Ogg page at byte {at}"):
                read_audio(path)


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_whole_ogg_pages_are_read_with_a_tag_or_another_stream(
    subtype: str, tmp_path: Path
) -> None:
    data = ogg(subtype)
    path = tmp_path / "a.ogg"
    path.write_bytes(data)
    expected, _ = read_audio(path)
    path.write_bytes(data + b"TAG" + bytes(125))
    np.testing.assert_array_equal(read_audio(path)[0], expected)
    path.write_bytes(multiplexed(path))
    assert len(read_audio(path)[0]) == len(expected)


def test_a_recording_of_a_broadcast_begins_with_any_ogg_page(tmp_path: Path) -> None:
    path = tmp_path / "a.ogg"
    path.write_bytes(ogg("VORBIS"))
    expected, _ = read_audio(path)
    whole = pages(ogg("VORBIS"))
    path.write_bytes(b"".join(whole[:2] + whole[len(whole) // 2 :]))
    samples, _ = read_audio(path)
    assert len(samples) > 5 * 48_000
    np.testing.assert_array_equal(samples, expected[-len(samples) :])


def multiplexed(path: Path) -> bytes:
    """An Ogg file with its stream twice, page beside page."""
    file = io.BytesIO()
    with av.open(str(path)) as given, av.open(file, "w", format="ogg") as made:
        streams = [made.add_stream_from_template(given.streams.audio[0]) for _ in range(2)]
        packets = [packet for packet in given.demux(audio=0) if packet.size]
        for packet in packets:
            times = packet.pts, packet.dts
            for stream in streams:
                packet.stream = stream
                packet.pts, packet.dts = times
                made.mux(packet)
    return file.getvalue()
