"""Audio files whose samples do not end where libsndfile believes.

libsndfile silently shortens truncated WAV, RF64, Wave64, AIFF, AU, CAF and Ogg files, and of
several WAV or FLAC files in a row it reads the first. What it notices itself is not looked at here;
the packets of compressed audio are a matter of :mod:`pi_amt.core.ffmpeg`. A file whose header gives
no length, because a streaming writer left it open, counts as whole.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from typing import BinaryIO, Literal

JOINED = (
    "several recordings joined to one file, which cannot be read to the sample across a joint; "
    "write it anew, e.g. as FLAC"
)
_FLAC = b"fLaC\0\0\0\x22"  # and how every FLAC file goes on
_UNKNOWN_32 = 0xFFFFFFFF
_OPEN_WAV = 0x7FFFF000  # lengths from here on are placeholders of streaming writers
_OPEN_64 = 1 << 62


def length_problem(raw: BinaryIO) -> str:
    """Why libsndfile would read less of a file than was recorded, in plain words; empty if it would
    not."""
    size = raw.seek(0, os.SEEK_END)
    begin = _behind_tags(raw)
    raw.seek(begin)
    head = raw.read(24)
    said = 0
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        said = _wav_end(raw, begin)
        if said and _is_wave_at(raw, said):
            return JOINED
    elif head[:4] == b"RF64" and head[8:12] == b"WAVE":
        said = _rf64_end(raw, begin)
    elif head[:4] == b"riff":
        said = begin + _length(head[16:24], "little", open_from=_OPEN_64)
    elif head[:4] == b"FORM":
        said = begin + 8 + _length(head[4:8], "big")
    elif head[:4] in (b".snd", b"dns."):
        said = begin + _au_end(head)
    elif head[:4] == b"caff":
        said = _caf_end(raw, begin)
    elif head[:4] == b"OggS" and not _ogg_ends(raw, size):
        return f"truncated audio ({size} bytes without an end-of-stream page)"
    if said > size:
        return f"truncated audio ({size} bytes, its header says {said})"
    return ""


def is_joined_flac(raw: BinaryIO) -> bool:
    """Whether another FLAC file follows in the same one; libsndfile ends where the first does."""
    begin = _behind_tags(raw)
    with mmap.mmap(raw.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return data[begin : begin + 4] == _FLAC[:4] and data.find(_FLAC, begin + 4) > 0


def _behind_tags(raw: BinaryIO) -> int:
    """Where a file begins for libsndfile, which passes over ID3 tags of any format of audio."""
    position = 0
    while True:
        raw.seek(position)
        head = raw.read(10)
        if head[:3] != b"ID3" or len(head) < 10:
            return position
        length = 0
        for byte in head[6:]:
            length = length << 7 | byte & 0x7F
        position += 10 + length


def _length(field: bytes, order: Literal["little", "big"], open_from: int = _UNKNOWN_32) -> int:
    """A length in a header; 0 where it was left open."""
    length = int.from_bytes(field, order)
    return length if length < open_from else 0


def _chunks(raw: BinaryIO, begin: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, first byte and length of each chunk of a RIFF file, by the chunks' own headers."""
    position = begin + 12
    raw.seek(position)
    while len(head := raw.read(8)) == 8:
        length = int.from_bytes(head[4:], "little")
        yield head[:4], position + 8, length
        position += 8 + length + length % 2
        raw.seek(position)


def _wav_end(raw: BinaryIO, begin: int) -> int:
    """Where a WAV file's samples end by its header; 0 where that is open."""
    for name, start, length in _chunks(raw, begin):
        if name == b"data":
            return start + length if length < _OPEN_WAV else 0
    return 0


def _is_wave_at(raw: BinaryIO, position: int) -> bool:
    """Whether another WAV file begins where the samples of one end, or behind a byte of padding."""
    raw.seek(position)
    data = raw.read(13)
    return any(d[:4] == b"RIFF" and d[8:12] == b"WAVE" for d in (data, data[1:]))


def _caf_end(raw: BinaryIO, begin: int) -> int:
    """Where the samples of a Core Audio file end by its header; 0 where that is open."""
    position = begin + 8
    raw.seek(position)
    while len(head := raw.read(12)) == 12:
        length = _length(head[4:], "big", open_from=_OPEN_64)
        if head[:4] == b"data":
            return position + 12 + length if length else 0
        position += 12 + length
        raw.seek(position)
    return 0


def _rf64_end(raw: BinaryIO, begin: int) -> int:
    """Where an RF64 file's samples end: WAV whose long lengths are in its chunk ``ds64``."""
    long_length = 0
    for name, start, length in _chunks(raw, begin):
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
