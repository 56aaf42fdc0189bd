"""Audio files → mono samples, resampling, content hashes. Nothing else decodes audio.

Files are read in chunks, so a 45-minute recording costs its mono float32 copy and no more.
libsndfile silently shortens truncated files of many kinds; :func:`read_audio` refuses them (see
:mod:`pi_amt.core.containers`). A truncated MP3 without a length in its first frame cannot be told
from a whole one.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
import soxr

from pi_amt.core.containers import length_problem
from pi_amt.core.errors import EMPTY, data_error, open_data
from pi_amt.core.units import Samples

#: what :func:`pi_amt.datasets` look for, lower case; every one is read by libsndfile
AUDIO_SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".aif", ".au", ".w64", ".caf")
MIN_RATE, MAX_RATE = 4_000, 768_000
_CHUNK = 1 << 18
_LONGEST_SECONDS = 100 * 3600  # a header that says more is damaged
#: Full scale is 1. Floats may be larger (some people write 32-bit integers as they are), but where
#: powers of a spectrum would leave float32 they are damage.
_LOUDEST = 1e12
_MP3_SLACK = 2 * 1152  # samples: without a length in its first frame an MP3 has two frames less


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
            wanted = max(1, round(min(max_seconds * file.samplerate, wanted)))
        samples = np.empty(wanted, dtype=np.float32)
        done = 0
        try:
            for block in _blocks(file, wanted):
                part = samples[done : done + len(block)]
                with np.errstate(over="ignore", invalid="ignore"):
                    np.mean(block, axis=1, out=part)
                if problem := _sample_problem(part, done, file.samplerate):
                    raise data_error(path, problem)
                done += len(block)
        except soundfile.LibsndfileError as error:
            raise data_error(path, f"damaged audio ({_reason(error)})") from None
        slack = _MP3_SLACK if file.format == "MP3" else 0
        if done < max(1, wanted - slack):
            got, said = done / file.samplerate, wanted / file.samplerate
            raise data_error(path, f"truncated audio ({got:.3f} s of {said:.3f} s)")
        return samples[:done], int(file.samplerate)


def _blocks(file: soundfile.SoundFile, wanted: int) -> Iterator[Samples]:
    """The first ``wanted`` frames, or those that are there, as blocks ``(frames, channels)``.

    Not ``SoundFile.blocks``: where a file ends before its header says, that goes on with whatever
    was in memory.
    """
    buffer = np.empty((min(_CHUNK, wanted), file.channels), dtype=np.float32)
    while wanted > 0:
        block = file.read(out=buffer[:wanted])
        if not len(block):
            return
        yield block
        wanted -= len(block)


def _sample_problem(part: Samples, first: int, rate: int) -> str:
    """What is wrong with samples that begin at number ``first``, or nothing."""
    fine = np.abs(part) <= _LOUDEST  # false for NaN
    if fine.all():
        return ""
    worst = int(np.argmin(fine))
    at = (first + worst) / rate
    if np.isfinite(part[worst]):
        return f"damaged audio (a sample of {part[worst]:.3g} at {at:.3f} s, full scale is 1)"
    return f"NaN or infinite sample at {at:.3f} s"


def audio_seconds(path: str | Path) -> float:
    """Length of a recording in seconds, from its header.

    Raises:
        DataError: see :func:`read_audio`, as far as the header tells.
    """
    with _open(path) as file:
        return float(file.frames / file.samplerate)


def check_audio(samples: Samples, sample_rate: float) -> None:
    """Refuse what a user's own dataset may return for audio.

    Raises:
        ValueError: for anything but finite mono floats and a rate; integers, as full scale is 1.
    """
    if not (isinstance(samples, np.ndarray) and samples.ndim == 1 and samples.dtype.kind == "f"):
        got = getattr(samples, "shape", type(samples).__name__)
        kind = getattr(samples, "dtype", "")
        raise ValueError(f"audio: got {got} {kind}, expected (samples,) of float, full scale 1")
    # a sum is NaN or infinite where a sample is, and needs no memory
    if not (len(samples) and math.isfinite(samples.sum(dtype=np.float64)) and sample_rate > 0):
        raise ValueError(
            f"audio: got {len(samples)} samples at {sample_rate} Hz, expected at least one, all "
            "finite, and a rate above 0"
        )


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
    with open_data(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _open(path: str | Path) -> soundfile.SoundFile:
    """The opened file, its header checked."""
    with open_data(path) as raw:
        if raw.seek(0, os.SEEK_END) == 0:
            raise data_error(path, EMPTY)
        problem = length_problem(raw)
    try:
        # bytes, because names need not be UTF-8; Windows has its own way
        name = str(path) if os.name == "nt" else os.fsencode(path)
        file = soundfile.SoundFile(name)
    except soundfile.LibsndfileError as error:
        raise data_error(path, f"not audio that can be read ({_reason(error)})") from None
    problem = problem or _header_problem(file)
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


def _reason(error: soundfile.LibsndfileError) -> str:
    """libsndfile's own words, without our file's name."""
    return str(error.error_string).strip().rstrip(".")
