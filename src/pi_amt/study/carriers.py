"""Carriers: what a model hears in a recording's place when the leak of a condition is measured.

A carrier is a recording with the same names, notes, tuning, length and root mean square, and with
other samples: noise of the recording's long-term spectrum, or the next recording of another
composition. There is one of each kind per recording, whatever the seed and the repeat, so all
conditions of a kind share one pass of the front end.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch

from pi_amt.core.audio import check_audio, resample
from pi_amt.core.hashing import digest
from pi_amt.core.units import Floats, Samples
from pi_amt.datasets.track import Track
from pi_amt.permutations.draws import complex_normal, hash_bits
from pi_amt.permutations.permutation import NotApplicable
from pi_amt.study.streaming import Recording

#: shortest segment of the spectrum's average; the lowest octave of a piano needs that much
SEGMENT_SECONDS = 0.25
_SEGMENTS_AT_ONCE = 32
_SAMPLES_AT_ONCE = 1 << 20


def carried(recording: Recording, carrier: str, other: Track | None) -> Recording:
    """The recording with a carrier's sound in place of its own.

    Args:
        recording: whose place is taken.
        carrier: ``noise`` or ``other``, see :attr:`Permutation.carrier`; empty for its own sound.
        other: the recording that ``other`` takes.

    Raises:
        NotApplicable: if the recording, or what is to take its place, is silent.
        ValueError: if there is no other recording, or its audio cannot be read.
    """
    if not carrier:
        return recording
    level = _root_mean_square(recording.samples)
    if not level:
        raise NotApplicable("the recording is silent, so nothing of its level can take its place")
    if carrier == "noise":
        key = int(digest(["noise", recording.dataset, recording.track])[:16], 16)
        samples = noise_like(recording.samples, recording.sample_rate, key)
    else:
        samples = _fitted(other, recording)
    own_level = _root_mean_square(samples)
    if not own_level:
        raise NotApplicable("the other recording is silent, so nothing is heard in it")
    samples *= np.float32(level / own_level)
    return replace(recording, samples=samples)


def noise_like(samples: Samples, sample_rate: float, key: int) -> Samples:
    """Gaussian noise with the long-term power spectrum of some audio, of the same length.

    The power spectrum is the average over segments that overlap by half, under a sine window
    (Welch 1967), whose squares add up to one, so that every sample counts alike. It is flat inside
    each third of an octave: in a finer one the recording's notes can be heard. Segments of noise
    with this spectrum, under the same window and overlap, add up to noise of constant power.

    Args:
        samples: ``(samples,)``.
        sample_rate: Hz.
        key: 64-bit key; the noise is a hash of it, the segment and the frequency.
    """
    length = 2 ** math.ceil(math.log2(SEGMENT_SECONDS * sample_rate))
    hop = length // 2
    window = np.sin(np.pi * (np.arange(length) + 0.5) / length).astype(np.float32)
    n_segments = math.ceil(len(samples) / hop) + 1
    sound = np.zeros((n_segments + 1) * hop, dtype=np.float32)
    sound[hop : hop + len(samples)] = samples
    segments = np.lib.stride_tricks.sliding_window_view(sound, length)[::hop]
    power = np.zeros(hop + 1)
    for some in _batches(n_segments):
        power += (np.abs(np.fft.rfft(segments[some] * window)) ** 2).sum(axis=0)
    # irfft divides by the length of a segment, the sum above went over all samples
    power = _third_octaves(power, sample_rate) * length / len(samples)
    amplitude = np.sqrt(power).astype(np.float32)
    sound[:] = 0  # takes the noise now: a long recording is held twice, not three times
    for some in _batches(n_segments):
        noise = _segments_of_noise(amplitude, some, key) * window
        for number, segment in zip(range(some.start, some.stop), noise, strict=True):
            sound[number * hop : number * hop + length] += segment
    return sound[hop : hop + len(samples)]


def _third_octaves(power: Floats, sample_rate: float) -> Floats:
    """A spectrum ``(frequencies,)`` from 0 to half the rate, averaged in bands around 1 kHz."""
    frequencies = np.linspace(0.0, sample_rate / 2, len(power))
    frequencies[0] = frequencies[1]
    band = np.rint(3 * np.log2(frequencies / 1000.0)).astype(np.int64)
    band -= band.min()
    means = np.bincount(band, power) / np.maximum(np.bincount(band), 1)
    return np.asarray(means[band])


def _segments_of_noise(amplitude: Samples, which: slice, key: int) -> Samples:
    """``(segments, samples)`` of noise with these amplitudes ``(frequencies,)``."""
    numbers = torch.arange(which.start, which.stop)[:, None]
    bits = hash_bits(key, numbers, torch.arange(len(amplitude)))
    noise = np.fft.irfft(complex_normal(bits).numpy() * amplitude)
    return noise.astype(np.float32, copy=False)


def _batches(n_segments: int) -> Iterator[slice]:
    for start in range(0, n_segments, _SEGMENTS_AT_ONCE):
        yield slice(start, min(start + _SEGMENTS_AT_ONCE, n_segments))


def _fitted(other: Track | None, recording: Recording) -> Samples:
    """A copy of another recording's sound, cut off or repeated to the length of this one."""
    if other is None:
        raise ValueError(
            "got no recording of another composition to hear in its place: add one to the data"
        )
    samples, sample_rate = other.audio()
    check_audio(samples, sample_rate)
    needed = math.ceil(recording.seconds * sample_rate) + 1
    samples = resample(samples[:needed], sample_rate, recording.sample_rate)
    return np.resize(samples, len(recording.samples)).astype(np.float32, copy=False)


def _root_mean_square(samples: Samples) -> float:
    """In double precision, without BLAS, whose bits depend on the threads of a process."""
    power = 0.0
    for start in range(0, len(samples), _SAMPLES_AT_ONCE):
        part = samples[start : start + _SAMPLES_AT_ONCE].astype(np.float64)
        power += float((part**2).sum())
    return math.sqrt(power / max(len(samples), 1))
