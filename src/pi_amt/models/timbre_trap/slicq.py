"""The sliCQ of Timbre-Trap: an invertible constant-Q transform of 3-s blocks (forward and inverse).

Each block of 66,150 samples (22,050 Hz) is one non-stationary Gabor transform (Velasco, Holighaus,
Dörfler & Grill, "Constructing an invertible constant-Q transform with nonstationary Gabor frames",
DAFx 2011): FFT of the block, crops of it around 540 centre frequencies, Hann windows on the crops,
inverse FFT of each crop on 1,024 points. The transform of a block is circular, which is why the
model cross-fades overlapping blocks.

Conventions, and where they may surprise:

* A crop of 1,024 points *begins* 512 points below its centre, so a steady tone's coefficients
  alternate in sign from frame to frame. The published weights expect that.
* The window of bin k has the width of bin k + 1 (an off-by-one of the published transform, kept).
* The published dual windows grow to 4,640 at Nyquist, where a single window ends, so that a little
  noise written there became a whistle. The inverse fades out what lies so near to an end.
* Values are linear: a sine of amplitude A at a bin's centre has the magnitude A · 66150/2/1024.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

SAMPLE_RATE_HZ = 22_050
BLOCK_SAMPLES = 66_150
BLOCK_FRAMES = 1_024
N_OCTAVES = 9
BINS_PER_OCTAVE = 60
N_BINS = N_OCTAVES * BINS_PER_OCTAVE
FRAME_RATE_HZ = BLOCK_FRAMES * SAMPLE_RATE_HZ / BLOCK_SAMPLES  # 341.33…
_NYQUIST_BIN = BLOCK_SAMPLES // 2
#: sum of squared windows below which the inverse fades out
_LEAST_OVERLAP = 0.1
_Q = 1.0 / (2 ** (1 / BINS_PER_OCTAVE) - 2 ** (-1 / BINS_PER_OCTAVE))


def center_frequencies_hz() -> np.ndarray:
    """Centre frequencies of the 540 bins in Hz, float64 (540,): 21.53 Hz up to Nyquist."""
    lowest_hz = SAMPLE_RATE_HZ / 2 / 2**N_OCTAVES
    return np.asarray(lowest_hz * 2 ** (np.arange(N_BINS) / BINS_PER_OCTAVE))


def bandwidths_hz() -> np.ndarray:
    """Full width in Hz of every bin's Hann window in the spectrum, float64 (540,)."""
    return np.asarray(center_frequencies_hz() * 2 ** (1 / BINS_PER_OCTAVE) / _Q)


def window_lengths() -> np.ndarray:
    """Number of FFT points (1/3 Hz each) under every bin's window, int64 (540,)."""
    return np.rint(bandwidths_hz() * BLOCK_SAMPLES / SAMPLE_RATE_HZ).astype(np.int64)


def _window_tables() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """FFT index of every crop point int64, windows, their published duals, and duals that stay
    within bounds float32, each (540, 1024)."""
    centers = np.rint(center_frequencies_hz() * BLOCK_SAMPLES / SAMPLE_RATE_HZ).astype(np.int64)
    starts = torch.from_numpy(centers - BLOCK_FRAMES // 2)
    index = (starts[:, None] + torch.arange(BLOCK_FRAMES)) % BLOCK_SAMPLES
    windows = torch.zeros(N_BINS, BLOCK_FRAMES)
    for row, length in zip(windows, window_lengths().tolist(), strict=True):
        left = (BLOCK_FRAMES - length) // 2
        row[left : left + length] = torch.hann_window(length)
    overlap = torch.zeros(BLOCK_SAMPLES).index_add_(0, index.flatten(), windows.square().flatten())
    duals = windows / (overlap[index] + 1e-8)
    return index, windows, duals, duals * (overlap[index] / _LEAST_OVERLAP).clamp(max=1.0)


class SliCQ(nn.Module):
    """Forward and inverse transform of blocks; buffers as in the published state dict.

    Buffers: ``windows_range_idx`` int64, ``windows`` and ``windows_inverse`` float32, (540, 1024).
    The compact tables beside them list only the points where a window is not zero (1 in 8).
    """

    windows_range_idx: Tensor
    windows: Tensor
    windows_inverse: Tensor
    _crop: Tensor
    _source: Tensor
    _weight: Tensor
    _crop_in_band: Tensor
    _source_in_band: Tensor
    _dual_in_band: Tensor

    def __init__(self) -> None:
        super().__init__()
        index, windows, duals, bounded = _window_tables()
        self.register_buffer("windows_range_idx", index)
        self.register_buffer("windows", windows)
        self.register_buffer("windows_inverse", duals)
        crop = windows.flatten().nonzero()[:, 0]
        source = index.flatten()[crop]
        inside = source <= _NYQUIST_BIN  # irfft takes the half spectrum; what lies above is dropped
        compact = {
            "_crop": crop,
            "_source": source,
            "_weight": windows.flatten()[crop],
            "_crop_in_band": crop[inside],
            "_source_in_band": source[inside],
            "_dual_in_band": bounded.flatten()[crop[inside]],
        }
        self._beyond = int(source.max()) - _NYQUIST_BIN
        for name, table in compact.items():
            self.register_buffer(name, table, persistent=False)

    @property
    def frequencies_hz(self) -> np.ndarray:
        """Centre frequencies in Hz, float64 (540,)."""
        return center_frequencies_hz()

    @property
    def window_seconds(self) -> np.ndarray:
        """Length in time of every bin's window, float64 (540,): 4/bandwidth, at most the block."""
        return np.asarray(np.minimum(4.0 / bandwidths_hz(), BLOCK_SAMPLES / SAMPLE_RATE_HZ))

    def forward(self, blocks: Tensor) -> Tensor:
        """Real samples float32 (blocks, 66150) → coefficients complex64 (blocks, 540, 1024).

        Raises:
            ValueError: if the samples are not cut into blocks.
        """
        if blocks.ndim != 2 or blocks.shape[1] != BLOCK_SAMPLES:
            raise ValueError(
                f"sliCQ: got samples of shape {tuple(blocks.shape)}, expected "
                f"(blocks, {BLOCK_SAMPLES}); cut or zero-pad the audio to 3-s blocks"
            )
        # One block at a time: FFTs of a batch round differently from those of its parts, and
        # results must not depend on the batch.
        out = blocks.new_empty(len(blocks), N_BINS, BLOCK_FRAMES, dtype=torch.complex64)
        for block, coefficients in zip(blocks, out, strict=True):
            coefficients.copy_(self._transform(block))
        return out

    def _transform(self, block: Tensor) -> Tensor:
        """One block (66150,) → (540, 1024)."""
        half = torch.fft.rfft(block)
        # The highest windows reach past Nyquist, where the spectrum is the mirrored conjugate.
        beyond = self._beyond
        if beyond > 0:
            mirror = half[_NYQUIST_BIN - beyond : _NYQUIST_BIN].flip(0).conj()
            half = torch.cat([half, mirror])
        crops = half.new_zeros(N_BINS * BLOCK_FRAMES)
        crops[self._crop] = half[self._source] * self._weight
        out: Tensor = torch.fft.ifft(crops.view(N_BINS, BLOCK_FRAMES))
        return out

    def inverse(self, coefficients: Tensor) -> Tensor:
        """Coefficients complex64 (blocks, 540, 1024) → real samples float32 (blocks, 66150).

        Raises:
            ValueError: if the coefficients have another shape.
        """
        if coefficients.ndim != 3 or coefficients.shape[1:] != (N_BINS, BLOCK_FRAMES):
            raise ValueError(
                f"sliCQ inverse: got coefficients of shape {tuple(coefficients.shape)}, "
                f"expected (blocks, {N_BINS}, {BLOCK_FRAMES})"
            )
        crops = torch.fft.fft(coefficients).flatten(1)[:, self._crop_in_band] * self._dual_in_band
        half = crops.new_zeros(len(coefficients), _NYQUIST_BIN + 1)
        half.index_add_(1, self._source_in_band, crops)
        out: Tensor = torch.fft.irfft(half, BLOCK_SAMPLES)
        return out
