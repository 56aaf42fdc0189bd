"""A perfect-reconstruction time–frequency transform of sound, in which sound itself is perturbed.

It is a non-stationary Gabor transform of blocks that overlap by half (Balazs, Dörfler, Jaillet,
Holighaus & Velasco, "Theory, implementation and applications of nonstationary Gabor frames", 2011):
FFT of a block, crops of it around the centre of every bin, Hann windows on the crops, inverse FFT
of each crop. The inverse is exact, since every crop has fewer points than its bin has frames.

The windows in time are a constant number of periods long, within limits: bass notes would otherwise
last for seconds, and hammers would be smeared. Bins stand a quarter of their width apart.

Conventions, and where they may surprise:

* A sine of amplitude A has the magnitude A in a bin at its frequency; nothing is divided by a peak.
* The phase of a value is relative to the centre frequency of its bin: a steady tone at the centre
  has a constant phase.
* Sound below the lowest bin is faded out, so the inverse never amplifies what is written near an
  end of the axis.
* The transform of a block is circular: its end is heard at its beginning. The ends of a block have
  no weight in the sound (:attr:`Gabor.fade`).
* Of changed values only the magnitudes count. Their phases are still those of the unchanged
  recording: where a mask removes a loud tone and leaves a quiet one beside it, they belong to the
  loud one, and a model hears its onsets there. :meth:`Gabor.sound` looks for phases that fit the
  magnitudes.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from pi_amt.core.units import Floats, Samples, frames_to_seconds

BLOCK_SECONDS = 3
BLOCK_FRAMES = 384
FRAME_RATE_HZ = BLOCK_FRAMES / BLOCK_SECONDS
HOP_FRAMES = BLOCK_FRAMES // 2
#: frames for which a block, of those that overlap, is the one that counts
CORE_FRAMES = slice(HOP_FRAMES // 2, 3 * HOP_FRAMES // 2)
#: below the lowest note of a piano, 27.5 Hz
LOWEST_HZ = 20.0
#: Rounds of the fast Griffin–Lim algorithm for changed values, and its α: how far each round goes
#: beyond what it has found, in units of the step from the round before.
PHASE_ROUNDS, _MOMENTUM = 10, 0.99
#: Values are those of a sound if the inverse and the forward transform change no more than this
#: share of their energy.
_CONSISTENT_WITHIN = 1e-6
#: length of a bin's window in periods of its frequency, and its limits in seconds
PERIODS = 51.0
SHORTEST_SECONDS, LONGEST_SECONDS = 0.046, 0.37
_BINS_PER_WIDTH = 4
#: The squared windows add up to 0.375 · _BINS_PER_WIDTH where bins stand on either side. Where they
#: add up to less than a third of that, sound is faded out.
_LEAST_COVERAGE = 0.375 * _BINS_PER_WIDTH / 3


def window_seconds(hz: Floats) -> Floats:
    """Window lengths in seconds of bins at these frequencies in Hz, any shape: each is 4 / (the
    bin's width in Hz)."""
    return np.asarray(np.clip(PERIODS / hz, SHORTEST_SECONDS, LONGEST_SECONDS))


def center_frequencies(sample_rate: int) -> Floats:
    """Centres of all bins in Hz ``(bins,)``, from ``LOWEST_HZ`` up to half the sample rate."""
    found = [LOWEST_HZ]
    while True:
        step = 4.0 / float(window_seconds(np.asarray(found[-1]))) / _BINS_PER_WIDTH
        if found[-1] + step > sample_rate / 2:
            return np.array(found)
        found.append(found[-1] + step)


class Gabor:
    """Forward and inverse transform at one sample rate.

    Args:
        sample_rate: in Hz, even, so that half a block is a whole number of samples.

    Attributes:
        block_samples, hop_samples: length of a block, and from one block to the next.
        frequencies: ``(bins,)`` centres in Hz, ascending.
        window_seconds: ``(bins,)`` length of each bin's window in time.
        fade: ``(samples,)`` weights of a block in the sound; those of two blocks add up to one.
    """

    def __init__(self, sample_rate: int) -> None:
        self.sample_rate = sample_rate
        self.block_samples = BLOCK_SECONDS * sample_rate
        self.hop_samples = self.block_samples // 2
        self.frequencies = center_frequencies(sample_rate)
        self.window_seconds = window_seconds(self.frequencies)
        # a periodic window: the halves of a symmetric one would not quite add up to one
        self.fade = torch.hann_window(self.block_samples, periodic=True)
        self._tables()

    def _tables(self) -> None:
        """Make the tables: to which points of the crops each point of the spectrum goes, and by
        what it is multiplied on the way there and on the way back."""
        top = self.block_samples // 2
        places, sources, weights = [], [], []
        for row, (hz, seconds) in enumerate(
            zip(self.frequencies.tolist(), self.window_seconds.tolist(), strict=True)
        ):
            middle, half = hz * BLOCK_SECONDS, 2.0 / seconds * BLOCK_SECONDS
            points = np.arange(max(int(middle - half) + 1, 0), min(int(middle + half), top) + 1)
            places.append(row * BLOCK_FRAMES + (points - round(middle)) % BLOCK_FRAMES)
            sources.append(points)
            weights.append(0.5 + 0.5 * np.cos(np.pi * (points - middle) / half))
        source, weight = np.concatenate(sources), np.concatenate(weights)
        coverage = np.bincount(source, weight**2, top + 1)
        dual = weight / np.maximum(coverage[source], _LEAST_COVERAGE)
        # an inverse FFT divides by its number of points, and a sine of amplitude 1 has half the
        # number of samples in the spectrum of a block
        scale = BLOCK_FRAMES * 2.0 / self.block_samples
        self._place = torch.from_numpy(np.concatenate(places))
        self._source = torch.from_numpy(source)
        self._weight = torch.from_numpy((weight * scale).astype(np.float32))
        self._dual = torch.from_numpy((dual / scale).astype(np.float32))

    def forward(self, block: Tensor) -> Tensor:
        """Samples of one block float32 ``(samples,)`` → complex64 ``(bins, frames)``."""
        crops = torch.zeros(len(self.frequencies) * BLOCK_FRAMES, dtype=torch.complex64)
        crops[self._place] = torch.fft.rfft(block)[self._source] * self._weight
        out: Tensor = torch.fft.ifft(crops.view(len(self.frequencies), BLOCK_FRAMES))
        return out

    def inverse(self, values: Tensor) -> Tensor:
        """Values of one block complex64 ``(bins, frames)`` → samples float32 ``(samples,)``."""
        crops = torch.fft.fft(values).flatten()[self._place] * self._dual
        half = torch.zeros(self.block_samples // 2 + 1, dtype=torch.complex64)
        half.index_add_(0, self._source, crops)
        out: Tensor = torch.fft.irfft(half, self.block_samples)
        return out

    def sound(self, values: Tensor) -> Tensor:
        """Samples float32 ``(samples,)`` of one block whose magnitudes are near those of the values
        complex64 ``(bins, frames)``.

        Values that are those of a sound give this sound. For others the magnitudes are kept, and
        the search for phases begins with theirs (Perraudin, Balazs & Søndergaard, "A fast
        Griffin–Lim algorithm", 2013).
        """
        sound, magnitude = self.inverse(values), values.abs()
        previous = self.forward(sound)
        lost, whole = (previous - values).abs().square().sum(), magnitude.square().sum()
        if lost <= _CONSISTENT_WITHIN * whole:
            return sound
        sound = self.inverse(magnitude * torch.sgn(previous))
        for _ in range(PHASE_ROUNDS - 1):
            current = self.forward(sound)
            sound = self.inverse(magnitude * torch.sgn(current + _MOMENTUM * (current - previous)))
            previous = current
        return sound

    def response(self, hz: Floats) -> Floats:
        """Power ``(tones, bins)`` that steady tones of amplitude 1 at ``hz (tones,)`` have in the
        bins."""
        # in units of half a bin's width, where the Hann window of the bin has come down to zero
        away = np.abs(np.asarray(hz)[:, None] - self.frequencies) * self.window_seconds / 2.0
        return np.asarray(np.cos(np.pi / 2 * np.minimum(away, 1.0)) ** 4)

    def n_blocks(self, n_samples: int) -> int:
        """Number of blocks of a recording: the first begins half a block before it, so that every
        moment is in two."""
        return -(-n_samples // self.hop_samples) + 1

    def block(self, samples: Samples, number: int) -> Tensor:
        """Samples ``(samples,)`` of the block with this number, zeros where it lies outside of the
        recording."""
        first = (number - 1) * self.hop_samples
        inside = samples[max(first, 0) : max(first + self.block_samples, 0)]
        out = np.zeros(self.block_samples, dtype=np.float32)
        out[max(-first, 0) :][: len(inside)] = inside
        return torch.from_numpy(out)


def block_times(first: int, count: int) -> Floats:
    """Times ``(count, frames)`` of the frames of ``count`` blocks from number ``first`` on, seconds
    from the start of the recording."""
    starts = (np.arange(first, first + count) - 1) * (BLOCK_SECONDS / 2)
    return np.asarray(starts[:, None] + frames_to_seconds(np.arange(BLOCK_FRAMES), FRAME_RATE_HZ))


@lru_cache(maxsize=4)
def gabor(sample_rate: int) -> Gabor:
    """The transform at a sample rate in Hz; its tables are made once."""
    return Gabor(sample_rate)
