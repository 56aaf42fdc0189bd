"""Audio files whose samples do not end where libsndfile or FFmpeg believes.

libsndfile silently shortens truncated WAV (also RIFX, RF64 and BW64), Wave64, AIFF, AU, CAF and Ogg
files, and passes over damaged pages of an Ogg file. Where several files were joined byte by byte,
it reads the first, or takes the header of the second for samples; FFmpeg does the same with MP4.
What these decoders notice themselves is not looked at here; the packets of compressed audio are a
matter of :mod:`pi_amt.core.ffmpeg`. A file whose header gives no length, because a streaming writer
left it open, counts as whole.
"""

from __future__ import annotations

import mmap
import os
import re
import zlib
from collections.abc import Callable, Iterator
from itertools import takewhile
from typing import BinaryIO, Literal

JOINED = (
    "several recordings joined to one file, which cannot be read to the sample across a joint; "
    "write it anew, e.g. as FLAC"
)
_UNKNOWN_32 = 0xFFFFFFFF
_OPEN_WAV = 0x7FFFF000  # lengths from here on are placeholders of streaming writers
_OPEN_64 = 1 << 62
_MUCH_BYTES = 1 << 14  # behind the samples: a tenth of a second and more
_NAME = re.compile(rb"[ -~]{4}")  # of a chunk
_REVERSED_BITS = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_NOT_INVERTED = 0xFFFFFFFF  # zlib inverts its checksum before the first byte and behind the last


def length_problem(raw: BinaryIO, to_its_end: bool) -> str:
    """Why a decoder would read less of a file than was recorded, or more, in plain words; empty if
    it would not. ``to_its_end``: also what only a search through all of the file can tell."""
    size = raw.seek(0, os.SEEK_END)
    begin = _behind_tags(raw)
    raw.seek(begin)
    head = raw.read(_LONGEST_BEGINNING)
    if head[:4] == b"OggS":
        if not _ogg_ends(raw, size):
            return f"truncated audio ({size} bytes without an end-of-stream page)"
        if to_its_end and (hole := _ogg_hole(raw, begin)) is not None:
            return f"damaged audio, or several recordings (no next Ogg page at byte {hole})"
    if head[4:8] in _FIRST_BOXES and _has_a_second_movie(raw, begin, size):
        return JOINED
    for beginning, end in _KINDS:
        if beginning.match(head):
            said = end(raw, begin)
            if (said or to_its_end) and _occurs(beginning, raw, max(said, begin + 1)):
                return JOINED
            if said > size:
                return f"truncated audio ({size} bytes, its header says {said})"
            if end in (_wav_end, _rf64_end) and said and _has_more_samples(raw, begin, said):
                return (
                    f"two chunks of samples (the first up to byte {said}), which cannot be read as "
                    "one; write it anew with the program that made it"
                )
            inner = _aiff_samples_end(raw, begin) if end is _form_end else 0
            last = next((at for at in (inner, said) if _is_no_chunk(raw, at, size)), 0)
            # libsndfile reads Wave64 to the end of the file, whatever its header says
            if last and end is not _w64_end:
                how = "e.g. by sox --ignore-length FILE new.wav"
                if end is _caf_end:  # which sox does not read
                    how = "with the program that made it"
                return (
                    f"its header says that the samples end at byte {last}, and {size - last} bytes "
                    "follow that belong to nothing: a recorder may not have brought the header up "
                    f"to date; write it anew, {how}"
                )
    return ""


def _occurs(beginning: re.Pattern[bytes], raw: BinaryIO, start: int) -> bool:
    """Whether a file of a kind begins at ``start`` or later, be it behind padding or a tag."""
    with mmap.mmap(raw.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return beginning.search(data, start) is not None


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


def _chunks(raw: BinaryIO, begin: int, first: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, first byte and length of each chunk of a WAV or AIFF file, by the chunks' own headers;
    ``first``: where to start."""
    raw.seek(begin)
    order: Literal["little", "big"] = "big" if raw.read(4) in (b"RIFX", b"FORM") else "little"
    position = first
    raw.seek(position)
    while len(head := raw.read(8)) == 8:
        length = int.from_bytes(head[4:], order)
        yield head[:4], position + 8, length
        position += 8 + length + length % 2
        raw.seek(position)


def _has_more_samples(raw: BinaryIO, begin: int, end: int) -> bool:
    """Whether a WAV file has a second chunk of samples behind the ``end`` of the first.

    libsndfile then reads nothing, and FFmpeg the last one only.
    """
    for position in (end, end + 1):  # a byte may have been padded
        names = (name for name, _, _ in _chunks(raw, begin, position))
        if b"data" in takewhile(_NAME.match, names):
            return True
    return False


def _is_no_chunk(raw: BinaryIO, end: int, size: int) -> bool:
    """Whether much follows the samples of a file that is no chunk, no tag and no padding.

    A recorder that did not end leaves the length that it wrote at first. Little may be anything.
    """
    if not end or size - end < _MUCH_BYTES:
        return False
    for position in (end, end + 1):  # a byte may have been padded
        raw.seek(position)
        head = raw.read(8)
        length = min(int.from_bytes(head[4:], order) for order in ("little", "big"))
        fits = position + 8 + length <= size
        if head.startswith((b"ID3", b"TAG", b"APE")) or (fits and _NAME.match(head)):
            return False
    raw.seek(end)
    while part := raw.read(_MUCH_BYTES):
        if any(part):
            return True
    return False


def _wav_end(raw: BinaryIO, begin: int) -> int:
    """Where a WAV file's samples end by its header; 0 where that is open."""
    for name, start, length in _chunks(raw, begin, begin + 12):
        if name == b"data":
            return start + length if length < _OPEN_WAV else 0
    return 0


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
    """Where the samples of an RF64 or BW64 file end: WAV whose long lengths are in its chunk
    ``ds64``; 0 where that is open."""
    long_length = 0
    for name, start, length in _chunks(raw, begin, begin + 12):
        if name == b"ds64":
            long_length = _length(raw.read(16)[8:], "little", open_from=_OPEN_64)
        elif name == b"data":
            whole = long_length if length == _UNKNOWN_32 else length
            return start + whole if whole else 0
    return 0


def _w64_end(raw: BinaryIO, begin: int) -> int:
    """Where a Wave64 file ends by its header; 0 where that is open."""
    raw.seek(begin + 16)
    length = _length(raw.read(8), "little", open_from=_OPEN_64)
    return begin + length if length else 0


def _form_end(raw: BinaryIO, begin: int) -> int:
    """Where an AIFF file ends by its header; 0 where that is open."""
    raw.seek(begin + 4)
    length = _length(raw.read(4), "big")
    return begin + 8 + length if length else 0


def _aiff_samples_end(raw: BinaryIO, begin: int) -> int:
    """Where the samples of an AIFF file end by their own chunk; 0 where that is open."""
    for name, start, length in _chunks(raw, begin, begin + 12):
        if name in (b"SSND", b"BODY"):
            return start + length if 0 < length < _UNKNOWN_32 else 0
    return 0


def _au_end(raw: BinaryIO, begin: int) -> int:
    """Where an AU file's samples end by its header; 0 where that is open."""
    raw.seek(begin)
    head = raw.read(12)
    order: Literal["little", "big"] = "big" if head[:4] == b".snd" else "little"
    start, length = _length(head[4:8], order), _length(head[8:], order)
    return begin + start + length if length else 0


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


def _ogg_hole(raw: BinaryIO, begin: int) -> int | None:
    """Where something else lies in an Ogg file than the next page of one of its streams, in full.

    Decoders leave out a page of which a bit is wrong, and all notes behind it come early. Only the
    checksum tells of the bit, and only the number of a page tells of pages that are missing. Behind
    its headers a stream may begin with any number, as a recording of a broadcast does.
    """
    following: dict[bytes, int | None] = {}  # number of the next page by stream; none: any
    with mmap.mmap(raw.fileno(), 0, access=mmap.ACCESS_READ) as data:
        position = begin
        while page := _ogg_page(data, position):
            stream, number = page[14:18], int.from_bytes(page[18:22], "little")
            is_first, is_header = page[5] & 2, not any(page[6:14])
            if not is_first and following.get(stream, -1) not in (number, None):
                return position
            following[stream] = None if is_header else number + 1
            position += len(page)
        return position if data.find(b"OggS", position) >= 0 else None  # a tag may follow the last


def _ogg_page(data: mmap.mmap, start: int) -> bytes:
    """The page of an Ogg file that begins at ``start``; nothing if it is cut off or damaged.

    Its checksum is zlib's with the bits of all bytes reversed, and without zlib's inversions. By a
    table in Python, an hour of sound would take many seconds; so it takes a tenth of one.
    """
    head = data[start : start + 27]
    if len(head) < 27 or head[:4] != b"OggS":
        return b""
    body = start + 27 + head[26]
    page = data[start : body + sum(data[start + 27 : body])]
    blank = page[:22] + bytes(4) + page[26:]
    checksum = zlib.crc32(blank.translate(_REVERSED_BITS), _NOT_INVERTED) ^ _NOT_INVERTED
    is_right = page[22:26] == checksum.to_bytes(4, "big").translate(_REVERSED_BITS)
    return page if is_right else b""


def _has_a_second_movie(raw: BinaryIO, begin: int, size: int) -> bool:
    """Whether a box that an MP4 or QuickTime file has once comes again, wherever ``mdat`` lies."""
    seen = set()
    position = begin
    while position < size:
        raw.seek(position)
        head = raw.read(16)
        length, name = int.from_bytes(head[:4], "big"), head[4:8]
        if name in seen:
            return True
        if name in (b"ftyp", b"moov"):
            seen.add(name)
        if length == 1:
            length = int.from_bytes(head[8:], "big")
        if length < 8:  # 0: this box goes on to the end of the file
            return False
        position += length
    return False


#: What an MP4 or QuickTime file may begin with.
_FIRST_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot")
_LONGEST_BEGINNING = 24
#: How files of each kind begin, in so many fixed bytes that samples do not look like it by chance,
#: and where they end by their headers: 0 where that is open, as always in FLAC.
_KINDS: tuple[tuple[re.Pattern[bytes], Callable[[BinaryIO, int], int]], ...] = tuple(
    (re.compile(beginning, re.DOTALL), end)
    for beginning, end in (
        (rb"RIF[FX].{4}WAVE", _wav_end),
        (rb"(?:RF|BW)64.{4}WAVE", _rf64_end),
        (rb"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0", _w64_end),
        (rb"FORM.{4}(?:AIF[FC]|8SVX|16SV)", _form_end),
        (rb"\.snd\0.{3}.{4}\0{3}.\0.{3}\0{3}.", _au_end),
        (rb"dns\..{3}\0.{4}.\0{3}.{3}\0.\0{3}", _au_end),
        (rb"caff.{4}desc", _caf_end),
        (rb"fLaC[\0\x80]\0\0\x22", lambda *_: 0),
    )
)
