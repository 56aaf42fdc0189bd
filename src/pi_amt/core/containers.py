"""Audio containers: files whose samples do not end where libsndfile believes.

It silently shortens truncated WAV, RF64, Wave64, AIFF, AU and Ogg files, and it guesses the length
of an MP3 from its first bit rate unless a Xing or Info header tells. What it notices itself (FLAC,
CAF) is not looked at here. A header whose length a streaming writer left open counts as whole.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import BinaryIO, Literal

_UNKNOWN_32 = 0xFFFFFFFF
_OPEN_WAV = 0x7FFFF000  # lengths from here on are placeholders of streaming writers
_OPEN_64 = 1 << 62
# MPEG version bits of an MP3 frame → kbit/s by index, sample rates in Hz by index, samples / 8
_LOW_RATES = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_HIGH_RATES = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_MPEG = {
    3: (_HIGH_RATES, (44100, 48000, 32000), 144),
    2: (_LOW_RATES, (22050, 24000, 16000), 72),
    0: (_LOW_RATES, (11025, 12000, 8000), 72),
}


def length_problem(raw: BinaryIO) -> str:
    """Why libsndfile would read less of a file than was recorded, in plain words, or nothing."""
    size = raw.seek(0, os.SEEK_END)
    raw.seek(0)
    head = raw.read(24)
    said = 0
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        said = _wav_end(raw)
    elif head[:4] == b"RF64" and head[8:12] == b"WAVE":
        said = _rf64_end(raw)
    elif head[:4] == b"riff":
        said = _length(head[16:24], "little", open_from=_OPEN_64)
    elif head[:4] == b"FORM":
        said = 8 + _length(head[4:8], "big")
    elif head[:4] in (b".snd", b"dns."):
        said = _au_end(head)
    elif head[:3] == b"ID3" or _mp3_frame(head) is not None:
        return _mp3_problem(raw, head)
    elif head[:4] == b"OggS" and not _ogg_ends(raw, size):
        return f"truncated audio ({size} bytes without an end-of-stream page)"
    if said > size:
        return f"truncated audio ({size} bytes, its header says {said})"
    return ""


def _length(field: bytes, order: Literal["little", "big"], open_from: int = _UNKNOWN_32) -> int:
    """A length in a header; 0 where it was left open."""
    length = int.from_bytes(field, order)
    return length if length < open_from else 0


def _chunks(raw: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Name, first byte and length of each chunk of a RIFF file, by the chunks' own headers."""
    position = 12
    raw.seek(position)
    while len(head := raw.read(8)) == 8:
        length = int.from_bytes(head[4:], "little")
        yield head[:4], position + 8, length
        position += 8 + length + length % 2
        raw.seek(position)


def _wav_end(raw: BinaryIO) -> int:
    """Where a WAV file's samples end by its header; 0 where that is open."""
    for name, start, length in _chunks(raw):
        if name == b"data":
            return start + length if length < _OPEN_WAV else 0
    return 0


def _rf64_end(raw: BinaryIO) -> int:
    """Where an RF64 file's samples end: WAV whose long lengths are in its chunk ``ds64``."""
    long_length = 0
    for name, start, length in _chunks(raw):
        if name == b"ds64":
            long_length = _length(raw.read(16)[8:], "little", open_from=_OPEN_64)
        elif name == b"data":
            return start + (long_length if length == _UNKNOWN_32 else length)
    return 0


def _au_end(head: bytes) -> int:
    """Where an AU file's samples end by its header; 0 where that is open."""
    order: Literal["little", "big"] = "big" if head[:4] == b".snd" else "little"
    start, length = _length(head[4:8], order), _length(head[8:12], order)
    return start + length if length else 0


def _ogg_ends(raw: BinaryIO, size: int) -> bool:
    """Whether the last page of an Ogg file is whole and marked as the end of its stream."""
    start = max(0, size - (1 << 17))
    raw.seek(start)
    tail = raw.read()
    page = tail.rfind(b"OggS")
    if page < 0 or len(tail) < page + 27:
        return False
    segments = tail[page + 26]
    lengths = tail[page + 27 : page + 27 + segments]
    whole = len(lengths) == segments and page + 27 + segments + sum(lengths) <= len(tail)
    return whole and bool(tail[page + 5] & 4)


def _mp3_problem(raw: BinaryIO, head: bytes) -> str:
    """Whether an MP3 of variable bit rate does not say how long it is."""
    position = 0
    if head[:3] == b"ID3":  # a tag first, its length in four times seven bits
        position = 10 + sum(
            byte << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True)
        )
    rates: set[int] = set()
    raw.seek(position)
    while (frame := _mp3_frame(head := raw.read(4))) is not None:
        length, kbps = frame
        if not rates and any(tag in raw.read(length) for tag in (b"Xing", b"Info", b"VBRI")):
            return ""
        rates.add(kbps)
        if len(rates) > 1:
            return (
                "an MP3 of variable bit rate that does not say its length (no Xing header), so "
                "that its end would be lost; write it anew, e.g. as FLAC"
            )
        position += length
        raw.seek(position)
    return ""


def _mp3_frame(head: bytes) -> tuple[int, int] | None:
    """Bytes and kbit/s of the MPEG layer III frame that begins so; ``None``: none does."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:
        return None
    version, rate, frequency = head[1] >> 3 & 3, head[2] >> 4, head[2] >> 2 & 3
    if version not in _MPEG or not 0 < rate < 15 or frequency == 3:
        return None
    rates, frequencies, per_kbps = _MPEG[version]
    size = per_kbps * 1000 * rates[rate] // frequencies[frequency] + (head[2] >> 1 & 1)
    return size, rates[rate]
