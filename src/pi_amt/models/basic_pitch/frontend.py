"""Front end of Basic Pitch: audio windows → linear constant-Q magnitudes.

309 bins, 36 to the octave, from 27.5 Hz (bin 0 is the centre of A0), a frame every 256 samples at
22,050 Hz. The kernels of the top octave are applied to the window and to eight successively
halved copies of it (Schörkhuber & Klapuri, "Constant-Q transform toolbox for music processing",
SMC 2010). Kernels are Hann-windowed complex exponentials of ``Q`` periods with unit L1 norm; the
result is scaled by the square root of the kernel's length at the full rate.

What may surprise: the decimation filter has an even number of taps, so each halving delays by half
a sample of its rate: the lowest octave lags by 127.5 samples (5.8 ms). The published model does
so; its frame times, and ours, leave it out.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from pi_amt.core.units import Floats
from pi_amt.models.basic_pitch.windows import HOP, SAMPLE_RATE, WINDOW_FRAMES

N_BINS = 309
BINS_PER_OCTAVE = 36
LOWEST_HZ = 27.5
N_OCTAVES = 9
#: taps of the CQT kernels and of the decimation filter
TAPS = 256
#: transition band of the decimation filter, relative to its edge (half of Nyquist)
TRANSITION = 0.001
#: samples that are seen as the channels of one position, see :class:`_SlidingFilters`
CQT_BLOCK = 16
DECIMATION_BLOCK = 64
#: periods of a bin's frequency in its kernel
Q = 1.0 / (2.0 ** (1.0 / BINS_PER_OCTAVE) - 1.0)


def bin_frequencies() -> Floats:
    """Centre frequencies ``(309,)`` in Hz."""
    return np.asarray(LOWEST_HZ * 2.0 ** (np.arange(N_BINS) / BINS_PER_OCTAVE))


def cqt_kernels() -> NDArray[np.complex128]:
    """Kernels ``(36, 256)`` of the top octave (bins 273–308) at the full rate, L1 norm 1."""
    kernels = np.zeros((BINS_PER_OCTAVE, TAPS), dtype=np.complex128)
    for kernel, frequency in zip(kernels, bin_frequencies()[-BINS_PER_OCTAVE:], strict=True):
        length = int(np.ceil(Q * SAMPLE_RATE / frequency))
        odd = length % 2
        start = (TAPS - length + odd) // 2 - odd
        position = np.arange(length)
        hann = 0.5 - 0.5 * np.cos(2 * np.pi * position / length)
        phase = 2 * np.pi * frequency / SAMPLE_RATE * (position - (length + odd) // 2)
        wave = hann * np.exp(1j * phase)
        kernel[start : start + length] = wave / np.abs(wave).sum()
    return kernels


def decimation_filter() -> Floats:
    """Half-band low-pass ``(256,)``: frequency sampling on 257 points, Hamming window."""
    frequencies = np.linspace(0.0, 1.0, TAPS + 1)
    edges = [0.0, 0.5 / (1 + TRANSITION), 0.5 * (1 + TRANSITION), 1.0]
    gain = np.interp(frequencies, edges, [1.0, 1.0, 0.0, 0.0])
    delay = np.exp(-0.5j * (TAPS - 1) * np.pi * frequencies)
    return np.asarray(np.fft.irfft(gain * delay)[:TAPS] * np.hamming(TAPS))


class ConstantQ:
    """The transform with its kernels on one device; built once per model.

    Args:
        device: where windows are transformed.
    """

    def __init__(self, device: torch.device) -> None:
        kernels = cqt_kernels()
        stacked = np.concatenate([kernels.real, kernels.imag])
        self._octaves = [
            _SlidingFilters(stacked, HOP >> octave, CQT_BLOCK, device)
            for octave in range(N_OCTAVES)
        ]
        self._halve = _SlidingFilters(decimation_filter()[None], 2, DECIMATION_BLOCK, device)
        lengths = np.ceil(Q * SAMPLE_RATE / bin_frequencies())
        self._scale = torch.tensor(np.sqrt(lengths), dtype=torch.float32, device=device)

    def __call__(self, windows: torch.Tensor) -> torch.Tensor:
        """Windows ``(windows, 43844)`` → magnitudes ``(windows, 309, 172)``."""
        magnitudes = windows.new_empty(len(windows), N_OCTAVES * BINS_PER_OCTAVE, WINDOW_FRAMES)
        signal = windows
        for octave, filters in enumerate(self._octaves):
            if octave:
                # with one zero more in front the even filter would not be delayed by half a sample
                padded = functional.pad(signal, (TAPS // 2 - 1, TAPS // 2 - 1))
                signal = self._halve(padded, signal.shape[1] // 2)[:, :, 0]
            padded = functional.pad(signal[:, None], (TAPS // 2, TAPS // 2), mode="reflect")[:, 0]
            real, imaginary = filters(padded, WINDOW_FRAMES).chunk(2, dim=2)
            row = (N_OCTAVES - 1 - octave) * BINS_PER_OCTAVE
            magnitude = (real.square() + imaginary.square()).sqrt_()
            magnitudes[:, row : row + BINS_PER_OCTAVE] = magnitude.transpose(1, 2)
        return magnitudes[:, -N_BINS:].mul_(self._scale[:, None])


class _SlidingFilters:
    """A bank of filters applied every ``hop`` samples, as a convolution over blocks of samples.

    A block of samples is seen as the channels of one position, so that the arithmetic is wide;
    if it spans several hops, one position gives the outputs of all of them.

    Args:
        filters: ``(n, taps)``.
        hop: samples between outputs; it divides ``block`` or is a multiple of it.
        block: samples that are one position.
        device: where the signals are.
    """

    def __init__(self, filters: Floats, hop: int, block: int, device: torch.device) -> None:
        n, taps = filters.shape
        self._n, self._block, self._stride = n, block, max(1, hop // block)
        self._outputs = max(1, block // hop)
        width = -(-(taps + (self._outputs - 1) * hop) // block)
        weight = np.zeros((self._outputs, n, width * block))
        for i, delayed in enumerate(weight):
            delayed[:, i * hop : i * hop + taps] = filters
        weight = weight.reshape(self._outputs * n, width, block).transpose(0, 2, 1)[:, :, None]
        self._weight = torch.tensor(weight, dtype=torch.float32, device=device).contiguous(
            memory_format=torch.channels_last
        )

    def __call__(self, signal: torch.Tensor, n_outputs: int) -> torch.Tensor:
        """``(windows, samples)`` → ``(windows, n_outputs, n)``; output i starts at ``i · hop``."""
        positions = -(-n_outputs // self._outputs)
        blocks = (positions - 1) * self._stride + self._weight.shape[3]
        padded = functional.pad(signal, (0, blocks * self._block - signal.shape[1]))
        channels = padded.view(len(signal), 1, blocks, self._block).permute(0, 3, 1, 2)
        outputs = functional.conv2d(channels, self._weight, stride=(1, self._stride))
        rows = outputs.permute(0, 2, 3, 1).reshape(len(signal), -1, self._n)
        return rows[:, :n_outputs]
