"""Audio files → mono samples, resampling, content hashes. Nothing else decodes audio.

Files are read in blocks, so a 45-minute recording costs its mono float32 copy and no more.

A recording is read whole and to the sample, or an error says why not. libsndfile decodes what it
reads whole: PCM, FLAC, Ogg, and MP3 with a length in its first frame. Stored rows came from it, and
another decoder would round differently. It silently shortens files of many kinds:
:mod:`pi_amt.core.containers` finds these by the headers of PCM, :mod:`pi_amt.core.ffmpeg` by the
packets of compressed audio. FFmpeg decodes what libsndfile does not read, or not to its end: AAC,
MP3 without a length or within WAV, and FLAC whose length a streaming writer left open; and Opus
whose time does not begin at 0, which libsndfile makes late. Whether such an MP3 or FLAC was cut off
between two packets cannot be known. Formats of which nobody checks whether they are whole, such as
NIST, VOC and MATLAB's, are refused although libsndfile reads them: no dataset of music comes in
them, and half a recording would count as one with many missed notes.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
import soxr

from pi_amt.core import ffmpeg
from pi_amt.core.containers import JOINED, length_problem
from pi_amt.core.errors import EMPTY, DataError, data_error, open_data
from pi_amt.core.units import Samples

#: What :mod:`pi_amt.datasets` take for audio, lower case, the best first. Later additions stand
#: behind the first line, so that a study finds the files again that an earlier one had chosen. The
#: last line is not read: an error that names such a file says more than that there is none.
AUDIO_SUFFIXES = (
    *(".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".aif", ".au", ".w64", ".caf"),
    *(".wave", ".aifc", ".oga", ".m4a", ".m4b", ".mp4", ".aac", ".mka", ".webm", ".mkv", ".mov"),
    *(".wma", ".ape", ".wv", ".tta", ".mpc", ".amr", ".ac3", ".dts", ".dsf", ".ra", ".avi"),
)
#: sample rates of recordings, Hz
MIN_RATE, MAX_RATE = 4_000, 768_000
#: libsndfile's names of the formats that are read; it reads others without a check of their length.
_CHECKED = ("WAV", "WAVEX", "RF64", "W64", "AIFF", "SVX", "AU", "CAF", "FLAC", "OGG", "MP3")
_CHUNK = 1 << 18
#: Share of the channels' mean power that the mixed sound has at least. Two unlike channels leave
#: half of it, and even a wide recording leaves far more than this (-20 dB).
_LEAST_OF_MIX = 0.01
_LONGEST_SECONDS = 100 * 3600  # a header that says more is damaged
#: Full scale is 1. Floats may be larger (some people write 32-bit integers as they are), but where
#: powers of a spectrum would leave float32 they are damage.
_LOUDEST = 1e12
_MP3_SLACK = 1152  # samples: some encoders count the frame that holds the length, too
_OPEN_LENGTH = 1 << 62  # libsndfile's length from here on means that the header has none


def read_audio(path: str | Path, max_seconds: float | None = None) -> tuple[Samples, int]:
    """Decode a recording and mix it down: mean over channels.

    Args:
        path: WAV, FLAC, Ogg, MP3, AIFF, AU, CAF, Wave64, AAC, or audio in MP4, Matroska or WebM.
        max_seconds: read no further than this.

    Returns:
        Samples ``(samples,)`` float32 and their rate in Hz.

    Raises:
        DataError: if the file is missing, empty, truncated, damaged, not audio, without samples,
            several recordings joined to one, holds NaN or infinite values, or channels whose mean
            is nearly silent because one of them is inverted.
        ValueError: if ``max_seconds`` is not above 0.
    """
    if max_seconds is not None and not max_seconds > 0:
        raise ValueError(f"max_seconds: got {max_seconds}, expected a number above 0 or none")
    recording = _recording(path, to_its_end=True)
    wanted = recording.frames
    if max_seconds is not None:
        wanted = max(1, round(min(max_seconds * recording.rate, wanted)))
    samples = np.empty(wanted, dtype=np.float32)
    done = 0
    mixed = heard = 0.0  # power of the mix, and mean power of the channels, summed over samples
    for block in recording.blocks(wanted):
        part = samples[done : done + len(block)]
        with np.errstate(over="ignore", invalid="ignore"):
            np.mean(block, axis=1, out=part)
        if problem := _sample_problem(part, done, recording.rate):
            raise data_error(path, problem)
        done += len(block)
        if block.shape[1] > 1:
            mixed += _energy(part)
            heard += _energy(block) / block.shape[1]
    if mixed < _LEAST_OF_MIX * heard:
        raise data_error(
            path,
            "the channels cancel each other out: one of them is inverted, so that their mean is "
            "nearly silent; invert it again, or keep one channel only",
        )
    if done < max(1, wanted - recording.slack):
        got, said = done / recording.rate, wanted / recording.rate
        raise data_error(path, f"truncated audio ({got:.3f} s of {said:.3f} s)")
    return samples[:done], recording.rate


def _energy(samples: Samples) -> float:
    """Sum of squares; double precision, in which those of all samples can be added."""
    return float(np.square(samples, dtype=np.float64).sum())


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
    """Length of a recording in seconds, from its header or its packets, without decoding it.

    Raises:
        DataError: see :func:`read_audio`, as far as these tell.
    """
    recording = _recording(path)
    return recording.frames / recording.rate


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


@dataclass(frozen=True)
class _Recording:
    """What a file holds.

    Attributes:
        rate: sample rate in Hz.
        frames: samples per channel.
        slack: how many frames fewer may be decoded although the recording is whole.
        blocks: decodes a number of frames from the beginning, as blocks ``(frames, channels)``.
        problem: why it cannot be used; empty if it can.
    """

    rate: int
    frames: int
    slack: int
    blocks: Callable[[int], Iterator[Samples]]
    problem: str = ""


def _recording(path: str | Path, to_its_end: bool = False) -> _Recording:
    """The recording in a file, checked; ``to_its_end``: also what its beginning does not tell."""
    with open_data(path) as raw:
        if raw.seek(0, os.SEEK_END) == 0:
            raise data_error(path, EMPTY)
        if problem := length_problem(raw, to_its_end):
            raise data_error(path, problem)
    found = _found(path, to_its_end)
    if problem := found.problem or _header_problem(found):
        raise data_error(path, problem)
    return found


def _found(path: str | Path, to_its_end: bool) -> _Recording:
    """The recording by libsndfile, or by FFmpeg where libsndfile does not read it whole."""
    try:
        with _sound_file(path) as file:
            kind, codec = file.format, file.subtype
            slack = _MP3_SLACK if kind == "MP3" else 0
            found = _Recording(file.samplerate, file.frames, slack, partial(_blocks, path))
    except soundfile.LibsndfileError as error:
        try:
            return _by_ffmpeg(path, ffmpeg.follow(path))
        except DataError:
            raise data_error(path, f"not audio that can be read ({_reason(error)})") from None
    if kind not in _CHECKED:
        unknown = f"a file of format {kind}, of which it cannot be told whether it is whole"
        return replace(found, problem=f"{unknown}; convert it to WAV or FLAC, e.g. with sox")
    guesses = codec.startswith("MPEG") and not (kind == "MP3" and ffmpeg.says_length(path))
    if guesses or found.frames >= _OPEN_LENGTH:
        return _by_ffmpeg(path, ffmpeg.follow(path))
    if to_its_end and kind in ("MP3", "OGG"):
        packets = ffmpeg.follow(path)
        if codec == "OPUS" and packets.begin > 0:  # libsndfile leaves the encoder's delay in then
            return _by_ffmpeg(path, packets)
        return replace(found, problem=_packet_problem(packets, found))
    return found


def _by_ffmpeg(path: str | Path, packets: ffmpeg.Packets) -> _Recording:
    blocks = partial(ffmpeg.decoded, path, packets)
    return _Recording(packets.rate, packets.frames, ffmpeg.PADDING, blocks, packets.problem)


def _packet_problem(packets: ffmpeg.Packets, found: _Recording) -> str:
    """Why the packets of a file are not those of the recording that libsndfile finds."""
    said, there = found.frames / found.rate, packets.frames / packets.rate
    if not packets.problem and there > said + ffmpeg.PADDING / packets.rate:
        return f"got {there:.3f} s, its header says {said:.3f} s: {JOINED}"
    return packets.problem


def _header_problem(found: _Recording) -> str:
    """What is wrong with a header that can be read, or nothing."""
    if found.frames == 0:
        return "no samples (a length of 0)"
    if not MIN_RATE <= found.rate <= MAX_RATE:
        return f"got a sample rate of {found.rate} Hz, expected {MIN_RATE} to {MAX_RATE}"
    if found.frames > _LONGEST_SECONDS * found.rate:
        return f"damaged audio (its header says {found.frames} samples)"
    return ""


def _sound_file(path: str | Path) -> soundfile.SoundFile:
    # bytes, because names need not be UTF-8; Windows has its own way
    return soundfile.SoundFile(str(path) if os.name == "nt" else os.fsencode(path))


def _blocks(path: str | Path, wanted: int) -> Iterator[Samples]:
    """The first ``wanted`` frames, or those that are there, as blocks ``(frames, channels)``.

    Not ``SoundFile.blocks``: where a file ends before its header says, that goes on with whatever
    was in memory.
    """
    try:
        with _sound_file(path) as file:
            buffer = np.empty((min(_CHUNK, wanted), file.channels), dtype=np.float32)
            while wanted > 0:
                block = file.read(out=buffer[:wanted])
                if not len(block):
                    return
                yield block
                wanted -= len(block)
    except soundfile.LibsndfileError as error:
        raise data_error(path, f"damaged audio ({_reason(error)})") from None


def _reason(error: soundfile.LibsndfileError) -> str:
    """libsndfile's own words, without our file's name."""
    return str(error.error_string).strip().rstrip(".")
