"""Audio files → mono samples, resampling, content hashes. Nothing else decodes audio.

Files are read in chunks, so a 45-minute recording costs its mono float32 copy and no more.
libsndfile silently shortens truncated WAV and Ogg files; :func:`read_audio` refuses them. A
truncated MP3 cannot be told from a whole one.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from pi_amt.errors import data_error, describe

Samples = NDArray[np.float32]

#: what :func:`pi_amt.datasets` look for, lower case; every one is read by libsndfile
AUDIO_SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".aif", ".au", ".w64", ".caf")
MIN_RATE, MAX_RATE = 4_000, 768_000
_CHUNK = 1 << 18
_LONGEST_SECONDS = 100 * 3600  # a header that says more is damaged


def read_audio(path: str | Path, max_seconds: float | None = None) -> tuple[Samples, int]:
    """Decode a recording and mix it down: mean over channels.

    Args:
        path: any file that libsndfile reads.
        max_seconds: read no further than this.

    Returns:
        Samples ``(samples,)`` float32 and their rate in Hz.

    Raises:
        DataError: if the file is missing, empty, truncated, not audio, without samples, or holds
            NaN or infinite values.
        ValueError: if ``max_seconds`` is not above 0.
    """
    if max_seconds is not None and not max_seconds > 0:
        raise ValueError(f"max_seconds: got {max_seconds}, expected a number above 0 or none")
    with _open(path) as file:
        wanted = file.frames
        if max_seconds is not None:
            wanted = min(wanted, max(1, round(max_seconds * file.samplerate)))
        samples = np.empty(wanted, dtype=np.float32)
        done = 0
        try:
            for block in file.blocks(_CHUNK, frames=wanted, dtype="float32", always_2d=True):
                part = samples[done : done + len(block)]
                with np.errstate(over="ignore", invalid="ignore"):
                    np.mean(block, axis=1, out=part)
                if not np.isfinite(part).all():
                    at = (done + int(np.argmin(np.isfinite(part)))) / file.samplerate
                    raise data_error(path, f"NaN or infinite sample at {at:.3f} s")
                done += len(block)
        except soundfile.LibsndfileError as error:
            raise data_error(path, f"damaged audio ({_reason(error)})") from None
        if done < wanted:
            got, said = done / file.samplerate, wanted / file.samplerate
            raise data_error(path, f"truncated audio ({got:.3f} s of {said:.3f} s)")
        return samples, int(file.samplerate)


def audio_seconds(path: str | Path) -> float:
    """Length of a recording in seconds, from its header.

    Raises:
        DataError: see :func:`read_audio`, as far as the header tells.
    """
    with _open(path) as file:
        return float(file.frames / file.samplerate)


def resample(samples: Samples, from_rate: float, to_rate: float) -> Samples:
    """Band-limited resampling (soxr HQ) of ``(samples,)``; the same array if the rates agree."""
    if from_rate == to_rate:
        return samples
    return np.asarray(soxr.resample(samples, from_rate, to_rate, quality="HQ"), dtype=np.float32)


def content_hash(path: str | Path) -> str:
    """sha256 of a file's bytes, in hexadecimal.

    Raises:
        DataError: if the file cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise data_error(path, describe(error)) from None


def _open(path: str | Path) -> soundfile.SoundFile:
    """The opened file, its header checked."""
    try:
        with Path(path).open("rb") as raw:
            size = raw.seek(0, os.SEEK_END)
            if size == 0:
                raise data_error(path, "the file is empty (0 bytes)")
            truncated = _truncation(raw, size)
    except OSError as error:
        raise data_error(path, describe(error)) from None
    try:
        # bytes, because names need not be UTF-8; Windows has its own way
        name = str(path) if os.name == "nt" else os.fsencode(path)
        file = soundfile.SoundFile(name)
    except soundfile.LibsndfileError as error:
        raise data_error(path, f"not audio that can be read ({_reason(error)})") from None
    problem = truncated or _header_problem(file)
    if problem:
        file.close()
        raise data_error(path, problem)
    return file


def _header_problem(file: soundfile.SoundFile) -> str:
    """What is wrong with a header that libsndfile accepts, or nothing."""
    if file.frames == 0:
        return "no samples (a length of 0)"
    if not MIN_RATE <= file.samplerate <= MAX_RATE:
        return f"got a sample rate of {file.samplerate} Hz, expected {MIN_RATE} to {MAX_RATE}"
    if file.frames > _LONGEST_SECONDS * file.samplerate:
        return f"damaged audio (its header says {file.frames} samples)"
    return ""


def _truncation(raw: BinaryIO, size: int) -> str:
    """How a file of ``size`` bytes is cut short where libsndfile would not say so, or nothing."""
    raw.seek(0)
    head = raw.read(12)
    said = 0
    if head[:4] == b"RIFF" and head[8:] == b"WAVE":
        said = _wav_end(raw)
    elif head[:4] == b"FORM":
        said = 8 + int.from_bytes(head[4:8], "big")
    elif head[:4] == b"OggS" and not _ogg_ends(raw, size):
        return f"truncated audio ({size} bytes without an end-of-stream page)"
    if said > size:
        return f"truncated audio ({size} bytes, its header says {said})"
    return ""


def _wav_end(raw: BinaryIO) -> int:
    """Where a WAV file's samples end by its header; 0 where a streaming writer left it open."""
    position = 12
    while len(head := raw.read(8)) == 8:
        length = int.from_bytes(head[4:], "little")
        position += 8 + length
        if head[:4] == b"data":
            return position if length < 0x7FFFF000 else 0
        position += length % 2
        raw.seek(position)
    return 0


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


def _reason(error: soundfile.LibsndfileError) -> str:
    """libsndfile's own words, without our file's name."""
    return str(error.error_string).strip().rstrip(".")
