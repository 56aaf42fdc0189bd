"""Compressed audio through FFmpeg (PyAV): how long its packets last, and their samples.

libsndfile takes the length of a compressed file from its beginning, which may say too little, too
much or nothing. FFmpeg hands out every packet. :func:`follow` tells from them how long a recording
is and whether it is in one piece, and :func:`decoded` gives the samples where libsndfile cannot.

An encoder puts silence before the first sample, which is taken away: as much as the file says, or,
where it does not, as in an MP3 without a LAME tag, as much as the most common encoder puts there.
The table of offsets in ``docs/datasets.md`` says how well that fits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from pi_amt.core.containers import JOINED
from pi_amt.core.errors import data_error, open_data
from pi_amt.core.units import Samples

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.packet import Packet

#: The last packet of a whole recording may end so many samples before or behind it.
PADDING = 4 * 1152
#: What FFmpeg may take a file for. Not among them are WMA and CAF, of which it loses the beginning
#: or the end, and playlists, which would make it open other files.
_FORMATS = "aac,flac,matroska,mov,mp3,ogg,wav"
_GUESSED = ("aac", "flac", "mp3", "wav")  # FFmpeg estimates how long the audio of these is
#: Samples before the first one of the source where the file does not say: 576 by LAME and 529 by
#: any decoder of MP3; the filter bank of MPEG layer II; one packet of AAC.
_UNSAID_DELAY = {"mp3": 576 + 529, "mp2": 481, "aac": 1024}
#: So many MPEG frames in a row are audio; fewer may be chance in a tag or a picture.
_MPEG_RUN = 4
_LONGEST_MPEG_FRAME = 4096
#: A frame that says how long an MP3 is: sync word, side information, name, flags, length in frames.
#: LAME and FFmpeg, whose names may follow, leave this frame itself out; others may count it, too.
_INFO_FRAME = re.compile(
    rb"\xff[\xe2-\xff]..(?:..)?(?:.{9}|.{17}|.{32})(?:Xing|Info)...(.)(.{4})"
    rb"(?:.{108}(LAME|Lav[cf]))?",
    re.DOTALL,
)
#: kbit/s by the number in the header of a frame of MPEG layer III, in MPEG-1 and the later MPEG-2
_BIT_RATES = (
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0),
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0),
)


@dataclass(frozen=True)
class Packets:
    """What the packets of a recording say without being decoded.

    Attributes:
        rate: sample rate in Hz.
        frames: samples per channel without the encoder's delay; the last packet may hold fewer.
        delay: samples that an encoder put before the recording and of which the file says nothing.
        begin, end: of the packets of audio, in units of the stream's time.
        problem: why these are not the packets of one whole recording, in plain words; empty if they
            are.
    """

    rate: int
    frames: int
    delay: int
    begin: int
    end: int
    problem: str


def follow(path: str | Path) -> Packets:
    """Go through all packets of a recording, without decoding them.

    Raises:
        DataError: if this is no compressed audio that FFmpeg reads.
    """
    with _opened(path) as (container, stream, raw):
        codec = stream.codec_context.codec.canonical_name
        unit, rate = float(stream.time_base or 1), stream.codec_context.sample_rate
        course = _Course(codec in ("mp1", "mp2", "mp3"), rate, round(PADDING / rate / unit))
        first = None
        for packet in container.demux(stream):
            if packet.size:  # the one that marks the end has none
                first = first or packet
                course.add(packet)
        seconds = course.length * unit
        delay = 0 if course.delay else _UNSAID_DELAY.get(codec, 0)
        frames = max(0, round(seconds * rate) - course.delay - delay)
        said = _said_seconds(container, stream)
        if stream.duration is not None and said:
            frames = min(frames, round(said * rate))
        least = 0
        if container.format.name == "mp3" and first is not None:
            count, by = _said_frames(raw, first)
            least = count if by else count - 1
        problem = ""
        if course.is_joined:
            problem = JOINED
        elif course.hole is not None and course.hole < course.end:
            at = course.hole * unit
            problem = f"damaged audio, or several recordings (no audio at {at:.3f} s)"
        elif course.whole < least:
            problem = f"truncated audio ({course.whole} MPEG frames, its header says {least})"
        # FFmpeg says of some Ogg files when they end; whether one is whole its pages tell
        elif container.format.name != "ogg" and seconds < said - PADDING / rate:
            problem = f"truncated audio ({seconds:.3f} s of {said:.3f} s)"
        return Packets(rate, frames, delay, course.begin, course.end, problem)


def _said_seconds(container: InputContainer, stream: AudioStream) -> float:
    """How long a container says its audio is; 0 where it does not say."""
    if container.format.name in _GUESSED:
        return 0.0
    unit = stream.time_base or 0
    if stream.duration is not None:
        return float(stream.duration * unit)
    # when the longest stream ends: audio may begin late, and a video may go on a little
    begin = float(max(0, stream.start_time or 0) * unit)
    whole = max(0.0, (container.duration or 0) / 1e6 - begin)
    return whole if len(container.streams) == 1 else max(0.0, whole - 1)


@dataclass
class _Course:
    """What the packets so far say of the recording, in units of the stream's time.

    Attributes:
        is_mpeg: whether bytes that are not audio, such as a tag, can be told from a packet.
        rate: sample rate in Hz.
        slack: how far the time of a packet may lie from the end of the last one. Further before it,
            another recording begins; further behind it, something is missing.
        length: of all packets together.
        begin: of the first packet.
        end: of the last packet.
        delay: samples that the first packet says are before the recording.
        hole: where something else than audio lies, or nothing; behind the last packet it is a tag.
        is_joined: whether another recording begins somewhere.
        whole: number of frames of MPEG layer III that are not cut off.
    """

    is_mpeg: bool
    rate: int
    slack: int
    length: int = 0
    begin: int = 0
    end: int = 0
    delay: int = 0
    hole: int | None = None
    is_joined: bool = False
    whole: int = 0
    _is_first: bool = True
    _run: int = 0

    def add(self, packet: Packet[AudioStream]) -> None:
        """Go on by one packet."""
        data = bytes(packet) if self.is_mpeg else b""
        if self.is_mpeg and not _is_mpeg_frame(data):
            self._run = 0
            if self.hole is None and not self._is_first:
                self.hole = self.end
            return
        time = self.end if packet.pts is None else packet.pts
        if self._is_first:
            if _INFO_FRAME.match(data):  # behind padding FFmpeg takes it for audio
                return
            self.delay = _delay(packet)
            self.begin = self.end = time
        elif time < self.end - self.slack or _INFO_FRAME.match(data):
            self.is_joined = True
            self.end = time
        elif self.hole is None and time > self.end + self.slack:
            self.hole = self.end
        self._is_first = False
        self._run += 1
        if self.hole is None or self._run >= _MPEG_RUN:
            duration = packet.duration or 0
            if duration >= 1 << 31:  # FFmpeg's negative number, where an Ogg ends within a packet
                duration -= 1 << 32
            self.length += time + duration - self.end
            self.end = time + duration
            if self.is_mpeg and len(data) >= _layer_three_bytes(data, self.rate):
                self.whole += 1


def _is_mpeg_frame(data: bytes) -> bool:
    return data[0] == 0xFF and data[1:2] >= b"\xe2" and len(data) < _LONGEST_MPEG_FRAME


def _layer_three_bytes(frame: bytes, rate: int) -> int:
    """How long a frame of MPEG layer III is by its header; 0 where that is free."""
    if len(frame) < 3:
        return 3
    is_later = not frame[1] & 8
    bit_rate = _BIT_RATES[is_later][frame[2] >> 4]
    padding = frame[2] >> 1 & 1
    return (72_000 if is_later else 144_000) * bit_rate // rate + padding


def _delay(packet: Packet[AudioStream]) -> int:
    """Samples at the beginning of a packet that are not of the recording, where it says so."""
    if not packet.has_sidedata("skip_samples"):
        return 0
    return int.from_bytes(bytes(packet.get_sidedata("skip_samples"))[:4], "little")


def says_length(path: str | Path) -> bool:
    """Whether an MP3 says in a frame before its audio how many frames it has.

    Raises:
        DataError: if this is no audio that FFmpeg reads.
    """
    with _opened(path) as (container, stream, raw):
        first = next(container.demux(stream))
        return _said_frames(raw, first)[0] > 0


def _said_frames(raw: BinaryIO, first: Packet[AudioStream]) -> tuple[int, bytes]:
    """How many frames an MP3 says it has, right before its first packet or in it, 0 where it does
    not; and the name of the encoder that says so, where it leaves out the frame that does."""
    at = first.pos or 0
    raw.seek(max(0, at - _LONGEST_MPEG_FRAME))
    data = raw.read(min(at, _LONGEST_MPEG_FRAME)) + bytes(first)
    said = (0, b"")
    for flags, count, by in _INFO_FRAME.findall(data):
        if ord(flags) & 1 and any(count):
            said = (int.from_bytes(count, "big"), by)
    return said


def decoded(path: str | Path, packets: Packets, wanted: int) -> Iterator[Samples]:
    """The first ``wanted`` samples, or those that are there, as blocks ``(samples, channels)``.

    Raises:
        DataError: if a packet cannot be decoded.
    """
    with _opened(path) as (container, stream, _):
        delay = packets.delay
        for packet in container.demux(stream):
            if packet.pts is not None and not packets.begin <= packet.pts < packets.end:
                continue  # a tag before or behind the audio
            for frame in packet.decode():
                if frame.sample_rate != packets.rate:
                    raise data_error(path, f"got {frame.sample_rate} Hz after {packets.rate} Hz")
                block = _floats(frame)[delay : delay + wanted]
                delay = max(0, delay - frame.samples)
                wanted -= len(block)
                yield block
                if wanted == 0:
                    return


def _floats(frame: AudioFrame) -> Samples:
    """Samples ``(samples, channels)``, full scale 1."""
    values: NDArray[Any] = frame.to_ndarray()
    if not frame.format.is_planar:
        values = values.reshape(frame.samples, -1).T
    if values.dtype == np.uint8:
        values = (values ^ 0x80).view(np.int8)
    if values.dtype.kind == "i":
        full_scale = 2.0 ** (8 * values.dtype.itemsize - 1)
        return np.asarray(values / full_scale, dtype=np.float32).T
    return np.asarray(values, dtype=np.float32).T


@contextmanager
def _opened(path: str | Path) -> Iterator[tuple[InputContainer, AudioStream, BinaryIO]]:
    """A file with its first stream of audio, and its bytes; FFmpeg's errors become a DataError."""
    import av  # a tenth of a second, which recordings in WAV and FLAC do not need

    with open_data(path) as raw:
        if raw.read(4) == b"RIFX":  # whose samples FFmpeg takes for little endian
            raise data_error(path, "not audio that can be read (WAV in big endian)")
        raw.seek(0)
        try:
            # as an object, because FFmpeg takes some file names for addresses
            container = av.open(
                raw, "r", options={"format_whitelist": _FORMATS}, metadata_errors="ignore"
            )
        except av.FFmpegError as error:
            raise data_error(path, f"not audio that can be read ({error.strerror})") from None
        with container:
            # a stream has no context where FFmpeg does not know its codec, and no rate in an MP3 of
            # free format
            known = [one for one in container.streams.audio if one.codec_context is not None]
            if not known or not known[0].codec_context.sample_rate:
                raise data_error(path, "no audio that can be decoded; write it anew, e.g. as FLAC")
            try:
                yield container, known[0], raw
            except av.error.PatchWelcomeError:  # where they differ in rate or channels
                raise data_error(path, JOINED) from None
            except av.FFmpegError as error:
                raise data_error(path, f"damaged audio ({error.strerror})") from None
