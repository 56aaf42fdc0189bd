"""What a mask leaves behind: silence, an attenuated rest, or noise at the local background.

The local background of a bin is the 25th percentile (linear interpolation between order
statistics), per frame, of the magnitudes of the bins within ± half an octave that lie outside all
sounding fundamentals. Where there is none, it is the 5th percentile of all bins of that frame
outside the fundamentals; where there is none either (possible only when fundamentals cover every
bin of a frame, which notes of a piano cannot), that of the given blocks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from pi_amt.permutations.draws import complex_normal, hash_bits, rayleigh, sort_last_
from pi_amt.permutations.regions import Mask
from pi_amt.spectrogram import Spectrogram
from pi_amt.units import Floats, ratio_to_cents

FILLS = ("silence", "background", "attenuate")
NEIGHBOURHOOD_CENTS = 600.0
_LOCAL_QUANTILE, _FRAME_QUANTILE = 0.25, 0.05
# Keeps the windows of one pass of the sort in the processor's cache.
_WINDOWS_PER_PASS = 8192


@dataclass(frozen=True)
class Fill:
    """Decided contents of a mask.

    Attributes:
        mask: ``(blocks, bins, frames)`` bool, what is touched.
        gain: amplitude factor inside the mask: 0 = silence, 1 = untouched.
        noise: what the touched bins hold instead, or ``None``.
    """

    mask: Mask
    gain: float = 0.0
    noise: Noise | None = None

    def apply(self, spectrogram: Spectrogram) -> Spectrogram:
        """Fill the mask; all other bins stay bit-identical."""
        values = spectrogram.tensor
        mask = torch.from_numpy(self.mask).to(values.device)
        if self.noise is not None:
            filled = values.clone(memory_format=torch.contiguous_format)
            filled.view(-1)[self.noise.positions] = self.noise.values
        elif self.gain == 0.0:
            filled = values.masked_fill(mask, 0)
        else:
            filled = torch.where(mask, scaled(values, self.gain), values)
        return spectrogram.with_values(filled)


@dataclass(frozen=True)
class Noise:
    """Values ``(touched,)`` and their places ``(touched,)`` in the flattened spectrogram."""

    positions: torch.Tensor
    values: torch.Tensor


def scaled(values: torch.Tensor, gain: float) -> torch.Tensor:
    """Values times a real factor; real and imaginary part alike, signed zeros kept."""
    if values.is_complex():
        return torch.view_as_complex(torch.view_as_real(values) * gain)
    return values * gain


def background_noise(spectrogram: Spectrogram, mask: Mask, fundamentals: Mask, key: int) -> Noise:
    """Noise for the bins of ``mask``, its root mean square equal to the local background.

    Rayleigh-distributed magnitudes for real values, circular Gaussian for complex ones.
    """
    values = spectrogram.tensor
    _, n_bins, n_frames = values.shape
    where = _rows(torch.from_numpy(mask)).to(values.device)
    row, bins = where.nonzero(as_tuple=True)
    numbers = torch.from_numpy(spectrogram.frame_numbers.reshape(-1)).to(values.device)
    bits = hash_bits(key, numbers[row], bins)
    noise = complex_normal(bits) if values.is_complex() else rayleigh(bits)
    noise *= local_background(spectrogram, row, bins, fundamentals)
    block = torch.div(row, n_frames, rounding_mode="floor")
    return Noise((block * (n_bins - 1) + bins) * n_frames + row, noise.to(values.dtype))


def local_background(
    spectrogram: Spectrogram, row: torch.Tensor, bins: torch.Tensor, fundamentals: Mask
) -> torch.Tensor:
    """Local background of the chosen bins, float32 ``(chosen,)``.

    Args:
        spectrogram: whose magnitudes are read.
        row: int64 ``(chosen,)``, ``block × frames + frame`` of each chosen bin.
        bins: int64 ``(chosen,)``.
        fundamentals: ``(blocks, bins, frames)`` bool, what does not count as background.
    """
    magnitudes = _rows(spectrogram.tensor.abs())
    covered = _rows(torch.from_numpy(fundamentals)).to(magnitudes.device)
    magnitudes = magnitudes.masked_fill(covered, torch.inf)
    half, outside = _neighbourhood(spectrogram.frequencies)
    width = 2 * half + 1
    padded = F.pad(magnitudes, (half, half), value=torch.inf)
    windows = padded.view(-1).unfold(0, width, 1)
    present = torch.cumsum(padded.isfinite(), dim=1, dtype=torch.int32)
    present = F.pad(present, (1, 0))
    counts = present[:, width:] - present[:, :-width]
    levels = magnitudes.new_empty(len(row))
    for start in range(0, len(row), _WINDOWS_PER_PASS):
        part = slice(start, start + _WINDOWS_PER_PASS)
        window = windows.index_select(0, row[part] * padded.shape[1] + bins[part])
        n = counts[row[part], bins[part]]
        if outside is not None:
            window = window.masked_fill(outside.to(window.device)[bins[part]], torch.inf)
            n = window.isfinite().sum(dim=-1)
        levels[part] = _quantile(sort_last_(window), n, _LOCAL_QUANTILE)
    lost = levels.isnan()
    if bool(lost.any()):
        levels[lost] = _frame_background(magnitudes)[row[lost]]
    return levels


def _frame_background(magnitudes: torch.Tensor) -> torch.Tensor:
    """Fallback per row of ``(rows, bins)`` magnitudes (infinite where a fundamental sounds)."""
    ordered = sort_last_(magnitudes.clone())
    levels = _quantile(ordered, ordered.isfinite().sum(dim=-1), _FRAME_QUANTILE)
    flat = magnitudes[magnitudes.isfinite()]
    whole = torch.quantile(flat.double(), _FRAME_QUANTILE).float() if len(flat) else flat.sum()
    return torch.where(levels.isnan(), whole, levels)


def _quantile(ordered: torch.Tensor, counts: torch.Tensor, q: float) -> torch.Tensor:
    """Linear-interpolated quantile of the first ``counts`` values of each ascending row; NaN
    where there is none."""
    last = counts.clamp(min=1) - 1
    position = q * last.to(torch.float32)
    below = position.to(torch.int64)
    above = torch.minimum(below + 1, last.to(torch.int64))
    low = ordered.gather(-1, below[:, None])[:, 0]
    high = ordered.gather(-1, above[:, None])[:, 0]
    value = torch.lerp(low, high, position - below)
    return torch.where(counts > 0, value, torch.nan)


def _neighbourhood(frequencies: Floats) -> tuple[int, torch.Tensor | None]:
    """Half-width in bins of the half-octave neighbourhood, and which of a bin's ``2·half + 1``
    neighbours lie outside of it (``None`` where bins are evenly spaced in pitch)."""
    cents = ratio_to_cents(frequencies)
    reach = NEIGHBOURHOOD_CENTS + 1e-6
    number = np.arange(len(cents))
    low = np.searchsorted(cents, cents - reach, side="left")
    high = np.searchsorted(cents, cents + reach, side="right") - 1
    half = int(max((number - low).max(), (high - number).max()))
    neighbour = number[:, None] + np.arange(-half, half + 1)
    outside: NDArray[np.bool_] = (neighbour < low[:, None]) | (neighbour > high[:, None])
    on_axis = (neighbour >= 0) & (neighbour < len(cents))
    return half, torch.from_numpy(outside) if bool((outside & on_axis).any()) else None


def _rows(values: torch.Tensor) -> torch.Tensor:
    """``(blocks, bins, frames)`` → ``(blocks × frames, bins)``, contiguous."""
    return values.transpose(1, 2).reshape(-1, values.shape[1]).contiguous()
