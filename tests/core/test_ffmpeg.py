"""Compressed audio is read whole and to the sample, or refused with the reason."""

from __future__ import annotations

import io
import tempfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import cast

import av
import numpy as np
import pytest
import soundfile
from scipy.signal import correlate

from pi_amt.core.audio import audio_seconds, read_audio
from pi_amt.core.errors import DataError

RATE = 44_100
SECONDS = 2.0


def music(rate: int = RATE, channels: int = 1) -> np.ndarray:
    """``(samples, channels)``: noise that swells and fades, in frequencies that encoders keep."""
    time = np.arange(round(SECONDS * rate)) / rate
    steps = np.random.default_rng(5).uniform(-1, 1, 6_001)
    swell = 0.01 + np.sin(2 * np.pi * 1.7 * time) ** 8
    mono = 0.5 * swell * np.interp(time * 3_000, np.arange(6_001), steps)
    return np.repeat(mono[:, None], channels, axis=1).astype(np.float32)


def by_ffmpeg(
    container: str,
    codec: str,
    rate: int = RATE,
    channels: int = 1,
    begin: float = 0.0,
    **options: str,
) -> bytes:
    """A file as FFmpeg writes it, whose time begins after ``begin`` seconds, with options of the
    container."""
    layout = {1: "mono", 2: "stereo"}[channels]
    samples = np.ascontiguousarray(music(rate, channels).T)
    frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout=layout)
    frame.sample_rate, frame.pts = rate, round(begin * rate)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a")
        with av.open(str(path), "w", format=container, options=options) as output:
            stream = cast("av.AudioStream", output.add_stream(codec, rate=rate, layout=layout))
            output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
        return path.read_bytes()


def by_libsndfile(form: str, rate: int = RATE, **options: object) -> bytes:
    """A file as libsndfile writes it: an MP3 with LAME's tag."""
    file = io.BytesIO()
    soundfile.write(file, music(rate), rate, format=form, **options)
    return file.getvalue()


def mp3(mode: str, rate: int = RATE, tagged: bool = True) -> bytes:
    """An MP3 with the frame that says its length and LAME's delay, or without it."""
    data = by_libsndfile("MP3", rate, bitrate_mode=mode, compression_level=0.5)
    return data if tagged else data[data.index(data[:2], 4) :]


def open_flac(rate: int = RATE) -> bytes:
    """FLAC as it comes out of a pipe: number of samples and checksum are left open."""
    data = bytearray(by_libsndfile("FLAC", rate))
    data[21] &= 0xF0
    data[22:42] = bytes(20)
    return bytes(data)


def in_fragments() -> bytes:
    """An MP4 as a camera or a stream writes it, with many boxes of samples behind one header."""
    return by_ffmpeg("mp4", "aac", movflags="empty_moov+frag_every_frame")


def without_type(movie: bytes) -> bytes:
    """QuickTime as it was before MP4; its table of chunks still finds the samples."""
    length = int.from_bytes(movie[:4], "big")
    return length.to_bytes(4, "big") + b"wide" + movie[8:]


def read(data: bytes, tmp_path: Path) -> np.ndarray:
    """Samples of a file, after a look at its length."""
    path = tmp_path / "a.mp3"  # for libsndfile, which takes others for MP3 only without padding
    path.write_bytes(data)
    samples, rate = read_audio(path)
    assert audio_seconds(path) == pytest.approx(len(samples) / rate, abs=0.04)
    return samples


def refused(data: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(data)
    with pytest.raises(DataError, match=message) as caught:
        read_audio(path)
    assert len(str(caught.value).splitlines()) == 1


def offset(found: np.ndarray, source: np.ndarray) -> int:
    """By how many samples ``found`` is later than ``source``."""
    return int(np.argmax(correlate(found, source, method="fft"))) - (len(source) - 1)


#: how to make it, and how many samples may follow
WHOLE: dict[str, tuple[Callable[[int], bytes], int]] = {
    "mp3 of FFmpeg": (lambda rate: by_ffmpeg("mp3", "mp3", rate), 0),
    "stereo mp3 of FFmpeg": (lambda rate: by_ffmpeg("mp3", "mp3", rate, 2), 0),
    "mp3 of FFmpeg into a pipe": (lambda rate: by_ffmpeg("mp3", "mp3", rate, write_xing="0"), 600),
    "mp3": (lambda rate: mp3("CONSTANT", rate), 0),
    "mp3, variable": (lambda rate: mp3("VARIABLE", rate), 0),
    "mp3, no tag": (lambda rate: mp3("CONSTANT", rate, tagged=False), 600),
    "mp3, variable, no tag": (lambda rate: mp3("VARIABLE", rate, tagged=False), 600),
    "mp3 in wav": (lambda rate: by_ffmpeg("wav", "mp3", rate), 600),
    "mp3 in Matroska": (lambda rate: by_ffmpeg("matroska", "mp3", rate), 30),
    "aac in Matroska": (lambda rate: by_ffmpeg("matroska", "aac", rate), 1023),
    "aac in MP4": (lambda rate: by_ffmpeg("ipod", "aac", rate), 0),
    "aac": (lambda rate: by_ffmpeg("adts", "aac", rate), 1023),
    "alac in MP4": (lambda rate: by_ffmpeg("ipod", "alac", rate), 0),
    "flac in Ogg of FFmpeg": (lambda rate: by_ffmpeg("ogg", "flac", rate), 0),
    "flac of a pipe": (open_flac, 0),
    "vorbis": (lambda rate: by_libsndfile("OGG", rate), 0),
    "opus": (lambda _: by_libsndfile("OGG", 48_000, subtype="OPUS"), 0),
    "opus in WebM": (lambda _: by_ffmpeg("webm", "libopus", 48_000), 0),
    "pcm of 8 bits in QuickTime": (lambda rate: by_ffmpeg("mov", "pcm_u8", rate), 0),
    "pcm in QuickTime": (lambda rate: by_ffmpeg("mov", "pcm_s16le", rate), 0),
}


@pytest.mark.parametrize("rate", [16_000, 22_050, 32_000, 44_100])
@pytest.mark.parametrize("kind", WHOLE)
def test_recordings_are_read_whole_and_to_the_sample(kind: str, rate: int, tmp_path: Path) -> None:
    """Where a file does not say where it ends, less than a packet of silence follows."""
    make, behind = WHOLE[kind]
    (tmp_path / "a").write_bytes(make(rate))
    samples, found = read_audio(tmp_path / "a")
    source = music(found)[:, 0]
    assert offset(samples, source) == 0
    assert -30 <= len(samples) - len(source) <= behind
    assert np.abs(samples[len(source) :]).max(initial=0) < 0.01
    assert audio_seconds(tmp_path / "a") == pytest.approx(len(samples) / found, abs=0.06)


@pytest.mark.parametrize(
    ("container", "codec", "behind"),
    [
        *(("matroska", "flac", 0), ("matroska", "aac", 1023), ("webm", "libopus", 0)),
        *(("ogg", "libopus", 0), ("ipod", "aac", 0)),
    ],
)
def test_time_need_not_begin_at_zero(
    container: str, codec: str, behind: int, tmp_path: Path
) -> None:
    """Some containers say when the audio ends, and not how long it is."""
    data = by_ffmpeg(container, codec, 48_000, begin=0.5)
    source = music(48_000)[:, 0]
    samples = read(data, tmp_path)
    assert offset(samples, source) == 0
    assert -30 <= len(samples) - len(source) <= behind
    for share in (0.3, 0.6, 0.9):
        refused(data[: int(share * len(data)) + 1], "truncated|damaged|not audio", tmp_path)


def test_layer_two_comes_in_time(tmp_path: Path) -> None:
    assert offset(read(by_ffmpeg("mp2", "mp2"), tmp_path), music()[:, 0]) == 0


def test_lossless_kinds_are_exact(tmp_path: Path) -> None:
    source = np.round(music()[:, 0] * 32_767)
    for data in (open_flac(), by_ffmpeg("ipod", "alac"), by_ffmpeg("ogg", "flac")):
        assert np.abs(read(data, tmp_path) * 32_768 - source).max() <= 2


def test_what_libsndfile_reads_whole_it_decodes(tmp_path: Path) -> None:
    """Another decoder would differ in the last bits, and stored rows with it."""
    for data in (mp3("CONSTANT"), mp3("VARIABLE"), by_libsndfile("OGG"), by_libsndfile("FLAC")):
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            np.testing.assert_array_equal(read(data, tmp_path), file.read(dtype="float32"))


def id3(content: bytes) -> bytes:
    size = bytes(len(content) >> shift & 127 for shift in (21, 14, 7, 0))
    return b"ID3\x03\0\0" + size + content


NOISE = np.random.default_rng(2).integers(0, 256, 40_000, dtype=np.uint8).tobytes()
TITLE = b"TIT2\0\0\0\x05\0\0\x03\xe9t\xe9\0"  # says that it is UTF-8, but is Latin-1
AROUND = {
    "title in Latin-1": (id3(TITLE + bytes(100)), b""),
    "cover picture": (id3(NOISE), b""),
    "two tags": (id3(bytes(300)) + id3(bytes(500)), b""),
    "tag and padding": (id3(bytes(300)) + bytes(3_000), b""),
    "old tag": (b"", b"TAG" + bytes(125)),
    "picture behind": (b"", b"APETAGEX" + bytes(24) + NOISE),
    "zeros behind": (b"", bytes(20_000)),
}


@pytest.mark.parametrize("tagged", [True, False])
@pytest.mark.parametrize("mode", ["CONSTANT", "VARIABLE"])
@pytest.mark.parametrize("around", AROUND)
def test_what_lies_around_an_mp3_changes_nothing(
    around: str, mode: str, tagged: bool, tmp_path: Path
) -> None:
    data = mp3(mode, tagged=tagged)
    before, behind = AROUND[around]
    expected = read(data, tmp_path)
    np.testing.assert_array_equal(read(before + data + behind, tmp_path), expected)


def box(name: bytes, content: bytes, is_long: bool = False) -> bytes:
    """A part of an MP4, ``is_long`` with a length of 64 bits."""
    if is_long:
        return b"\0\0\0\1" + name + (16 + len(content)).to_bytes(8, "big") + content
    return (8 + len(content)).to_bytes(4, "big") + name + content


@pytest.mark.parametrize("codec", ["aac", "alac"])
def test_boxes_of_an_mp4_change_nothing(codec: str, tmp_path: Path) -> None:
    """In any order, with free space and parts of other names; also one that has no end."""
    path = tmp_path / "a.m4a"
    data = by_ffmpeg("ipod", codec)
    path.write_bytes(data)
    expected, _ = read_audio(path)
    inner = box(b"ftyp", b"M4A " + bytes(4)) * 2  # within another: not of this file
    for behind in (
        *(box(b"free", bytes(3_000)), box(b"free", b"", is_long=True) + box(b"uuid", NOISE)),
        *(box(b"free", inner), bytes(20_000), id3(NOISE), b"\0\0\0\0free" + inner),
    ):
        path.write_bytes(data + behind)
        np.testing.assert_array_equal(read_audio(path)[0], expected)
    path.write_bytes(by_ffmpeg("ipod", codec, movflags="faststart"))
    np.testing.assert_array_equal(read_audio(path)[0], expected)


def test_an_mp4_in_fragments_is_read(tmp_path: Path) -> None:
    assert offset(read(in_fragments(), tmp_path), music()[:, 0]) == 0


def test_a_length_frame_without_a_length(tmp_path: Path) -> None:
    data = bytearray(mp3("VARIABLE"))
    at = data.index(b"Xing")
    data[at + 8 : at + 12] = bytes(4)
    assert offset(read(bytes(data), tmp_path), music()[:, 0]) == 0


JOINED: dict[str, Callable[[], bytes]] = {
    "mp3": lambda: mp3("CONSTANT") * 2,
    "mp3, variable": lambda: mp3("VARIABLE") * 3,
    "mp3, tag in the middle": lambda: mp3("CONSTANT") + id3(bytes(300)) + mp3("CONSTANT"),
    "mp3, the second without a length": lambda: mp3("CONSTANT") + mp3("CONSTANT", tagged=False),
    "mp3, the first without a length": lambda: mp3("CONSTANT", tagged=False) + mp3("CONSTANT"),
    "vorbis": lambda: by_libsndfile("OGG") * 2,
    "vorbis of two rates": lambda: by_libsndfile("OGG") + by_libsndfile("OGG", 22_050),
    "opus": lambda: by_libsndfile("OGG", 48_000, subtype="OPUS") * 2,
    "flac in Ogg": lambda: by_ffmpeg("ogg", "flac") * 2,
    "aac in MP4": lambda: by_ffmpeg("ipod", "aac") * 2,
    "aac in MP4, header first": lambda: by_ffmpeg("ipod", "aac", movflags="faststart") * 2,
    "alac in MP4": lambda: by_ffmpeg("ipod", "alac") * 2,
    "MP4 of two kinds": lambda: by_ffmpeg("mp4", "aac") + by_ffmpeg("ipod", "alac"),
    "MP4, the first in fragments": lambda: in_fragments() + by_ffmpeg("ipod", "aac"),
    "MP4, the second in fragments": lambda: by_ffmpeg("ipod", "aac") + in_fragments(),
    "pcm in QuickTime": lambda: by_ffmpeg("mov", "pcm_s16le") * 2,
    "QuickTime without a type": lambda: without_type(by_ffmpeg("mov", "pcm_s16le")) * 2,
}


@pytest.mark.parametrize("kind", JOINED)
def test_joined_files_are_refused(kind: str, tmp_path: Path) -> None:
    refused(JOINED[kind](), "several recordings", tmp_path)


def test_joined_mp3s_that_cannot_be_told_from_one_are_read_whole(tmp_path: Path) -> None:
    data = mp3("VARIABLE", tagged=False)
    once, twice = read(data, tmp_path), read(data * 2, tmp_path)
    assert len(twice) == 2 * len(once) + 529 + 576
    np.testing.assert_array_equal(twice[: len(once)], once)


TRUNCATED: dict[str, Callable[[], bytes]] = {
    "mp4": lambda: by_ffmpeg("ipod", "aac"),
    "mp4, header first": lambda: by_ffmpeg("ipod", "aac", movflags="faststart"),
    "Matroska": lambda: by_ffmpeg("matroska", "mp3"),
    "WebM": lambda: by_ffmpeg("webm", "libopus", 48_000),
    "mp3 in wav": lambda: by_ffmpeg("wav", "mp3"),
    "mp3": lambda: by_ffmpeg("mp3", "mp3"),
    "aac": lambda: by_ffmpeg("adts", "aac"),
    "alac": lambda: by_ffmpeg("ipod", "alac", movflags="faststart"),
    "flac of a pipe": open_flac,
    "flac in Ogg": lambda: by_ffmpeg("ogg", "flac"),
}


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("kind", TRUNCATED)
def test_truncated_files_are_refused(kind: str, share: float, tmp_path: Path) -> None:
    data = TRUNCATED[kind]()
    refused(data[: int(share * len(data)) + 1], r"truncated|damaged|not audio", tmp_path)


@pytest.mark.parametrize("missing", [1, 60, 600, 1_000])
@pytest.mark.parametrize("kind", ["mp3", "mp3, variable", "mp3 of FFmpeg"])
def test_an_mp3_without_its_last_bytes_is_refused(kind: str, missing: int, tmp_path: Path) -> None:
    """Less than a frame may be silence that the encoder put there, but need not."""
    data = WHOLE[kind][0](RATE)
    assert len(read(data, tmp_path)) == len(music())
    refused(data[:-missing], "truncated", tmp_path)


def test_an_encoder_may_count_the_frame_with_the_length(tmp_path: Path) -> None:
    data = bytearray(mp3("CONSTANT"))
    at = data.index(b"Info")
    data[at + 11] += 1
    refused(bytes(data), "truncated", tmp_path)  # LAME does not
    data[at + 120 : at + 124] = b"Else"
    assert offset(read(bytes(data), tmp_path), music()[:, 0]) in (0, 576, 1105)


@pytest.mark.parametrize("tagged", [True, False])
def test_a_hole_in_an_mp3_is_refused(tagged: bool, tmp_path: Path) -> None:
    """Decoders leave it out, and all notes behind it would come early."""
    data = mp3("CONSTANT", tagged=tagged)
    middle = len(data) // 2
    for hole in (data[:middle] + bytes(300) + data[middle + 300 :], data[:middle] + data[-middle:]):
        refused(hole, "damaged", tmp_path)


@pytest.mark.parametrize("container", ["ogg", "webm"])
def test_a_gap_between_the_times_of_packets_is_refused(container: str, tmp_path: Path) -> None:
    """As in a copy of a damaged file: all pages are whole again, but packets are missing."""
    path = tmp_path / "a"
    soundfile.write(path, np.tile(music(48_000), (6, 1)), 48_000, format="OGG", subtype="OPUS")
    file = io.BytesIO()
    with av.open(str(path)) as given, av.open(file, "w", format=container) as made:
        stream = made.add_stream_from_template(given.streams.audio[0])
        for packet in list(given.demux(audio=0)):
            if packet.size and not 6.0 <= float((packet.pts or 0) * packet.time_base) < 6.2:
                packet.stream = stream
                made.mux(packet)
    refused(file.getvalue(), r"damaged audio.*no audio at 6\.0", tmp_path)


def test_random_damage_gives_samples_or_a_data_error(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for kind, make in TRUNCATED.items():
        whole = make()
        for part in (600, len(whole)) * 6:
            data = bytearray(whole)
            for _ in range(rng.integers(1, 5)):
                data[rng.integers(min(part, len(data)))] = rng.integers(256)
            (tmp_path / kind).write_bytes(data)
            try:
                samples, _ = read_audio(tmp_path / kind, max_seconds=5.0)
            except DataError:
                continue
            assert np.isfinite(samples).all()


def test_containers_without_audio_and_playlists_are_refused(tmp_path: Path) -> None:
    (tmp_path / "real.mp3").write_bytes(mp3("CONSTANT"))
    playlist = b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nreal.mp3\n#EXT-X-ENDLIST\n"
    refused(playlist, "not audio", tmp_path)
    refused(b"ffconcat version 1.0\nfile real.mp3\n", "not audio", tmp_path)


def test_wav_in_big_endian_does_not_become_noise(tmp_path: Path) -> None:
    """libsndfile reads it, but not where the samples come first; FFmpeg takes the wrong order."""
    data = by_libsndfile("WAV", endian="BIG")
    at = data.index(b"data")
    chunks = data[at:] + data[12:at]
    refused(data[:12] + chunks, "not audio that can be read", tmp_path)


def test_max_seconds_and_memory(tmp_path: Path) -> None:
    """A recording costs its mono copy, whoever decodes it."""
    path = tmp_path / "a.mp3"
    path.write_bytes(mp3("VARIABLE", tagged=False) * 30)
    tracemalloc.start()
    samples, rate = read_audio(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(samples) > 59 * rate
    assert peak < samples.nbytes + 2e6
    cut, _ = read_audio(path, max_seconds=1.5)
    np.testing.assert_array_equal(cut, samples[: round(1.5 * rate)])


def test_names_are_not_addresses(tmp_path: Path) -> None:
    path = tmp_path / "http:" / "concat:a|b%03d.m4a"
    path.parent.mkdir()
    path.write_bytes(by_ffmpeg("ipod", "aac"))
    assert len(read_audio(path)[0]) == len(music())
