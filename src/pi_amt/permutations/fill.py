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

from pi_amt.permutations.draws import complex_normal, hash_bits, rayleigh, sort_last
from pi_amt.permutations.regions import Mask
from pi_amt.spectrogram import Spectrogram
from pi_amt.units import Floats, ratio_to_cents

FILLS = ("silence", "background", "attenuate")
NEIGHBOURHOOD_CENTS = 600.0
_LOCAL_QUANTILE, _FRAME_QUANTILE = 0.25, 0.05
# Frames per pass of the window sort: keeps the windows of a pass in the processor's cache.
_ROWS_PER_PASS = 32


@dataclass(frozen=True)
class Fill:
    """Decided contents of a mask.

    Attributes:
        mask: ``(blocks, bins, frames)`` bool, what is touched.
        gain: amplitude factor inside the mask: 0 = silence, 1 = untouched.
        noise: ``(touched,)`` values in (block, frame, bin) order instead, or ``None``.
    """

    mask: Mask
    gain: float = 0.0
    noise: torch.Tensor | None = None

    def apply(self, spectrogram: Spectrogram) -> Spectrogram:
        """Fill the mask; all other bins stay bit-identical."""
        values = spectrogram.tensor
        mask = torch.from_numpy(self.mask).to(values.device)
        if self.noise is not None:
            filled = values.clone()
            filled.transpose(1, 2)[mask.transpose(1, 2)] = self.noise
        elif self.gain == 0.0:
            filled = values.masked_fill(mask, 0)
        else:
            filled = torch.where(mask, scaled(values, self.gain), values)
        return spectrogram.with_values(filled)


def scaled(values: torch.Tensor, gain: float) -> torch.Tensor:
    """Values times a real factor; real and imaginary part alike, signed zeros kept."""
    if values.is_complex():
        return torch.view_as_complex(torch.view_as_real(values) * gain)
    return values * gain


def background_noise(
    spectrogram: Spectrogram, mask: Mask, fundamentals: Mask, key: int
) -> torch.Tensor:
    """Noise for the bins of ``mask``, its root mean square equal to the local background.

    Rayleigh-distributed magnitudes for real values, circular Gaussian for complex ones.

    Returns:
        ``(touched,)`` in (block, frame, bin) order, the dtype of the values.
    """
    device = spectrogram.tensor.device
    where = _rows(torch.from_numpy(mask).to(device))
    levels = local_background(spectrogram, where, fundamentals)
    row, bins = where.nonzero(as_tuple=True)
    frames = torch.from_numpy(spectrogram.frame_numbers.reshape(-1)).to(device)
    bits = hash_bits(key, frames[row], bins)
    noise = complex_normal(bits) if spectrogram.tensor.is_complex() else rayleigh(bits)
    return (noise * levels).to(spectrogram.tensor.dtype)


def local_background(
    spectrogram: Spectrogram, where: torch.Tensor, fundamentals: Mask
) -> torch.Tensor:
    """Local background of the chosen bins, float32 ``(chosen,)`` in (row, bin) order.

    Args:
        spectrogram: whose magnitudes are read.
        where: ``(blocks × frames, bins)`` bool, the bins of interest.
        fundamentals: ``(blocks, bins, frames)`` bool, what does not count as background.
    """
    magnitudes = _rows(spectrogram.tensor.abs())
    covered = _rows(torch.from_numpy(fundamentals).to(magnitudes.device))
    magnitudes = magnitudes.masked_fill(covered, torch.inf)
    half, outside = _neighbourhood(spectrogram.frequencies)
    padded = F.pad(magnitudes, (half, half), value=torch.inf)
    width = 2 * half + 1
    present = F.pad(torch.cumsum(padded.isfinite(), dim=1, dtype=torch.int32), (1, 0))
    counts = present[:, width:] - present[:, :-width]
    parts = []
    for start in range(0, len(where), _ROWS_PER_PASS):
        rows = slice(start, start + _ROWS_PER_PASS)
        chosen = where[rows]
        windows = padded[rows].unfold(1, width, 1)[chosen]
        n = counts[rows][chosen]
        if outside is not None:
            bins = chosen.nonzero(as_tuple=True)[1]
            windows = windows.masked_fill(outside.to(windows.device)[bins], torch.inf)
            n = windows.isfinite().sum(dim=-1)
        parts.append(_quantile(sort_last(windows), n, _LOCAL_QUANTILE))
    levels = torch.cat(parts) if parts else magnitudes.new_zeros(0)
    lost = levels.isnan()
    if bool(lost.any()):
        row = where.nonzero(as_tuple=True)[0][lost]
        levels[lost] = _frame_background(magnitudes)[row]
    return levels


def _frame_background(magnitudes: torch.Tensor) -> torch.Tensor:
    """Fallback per row of ``(rows, bins)`` magnitudes (infinite where a fundamental sounds)."""
    ordered = sort_last(magnitudes)
    levels = _quantile(ordered, ordered.isfinite().sum(dim=-1), _FRAME_QUANTILE)
    flat = magnitudes[magnitudes.isfinite()]
    whole = torch.quantile(flat.double(), _FRAME_QUANTILE).float() if len(flat) else flat.sum()
    return torch.where(levels.isnan(), whole, levels)


def _quantile(ordered: torch.Tensor, counts: torch.Tensor, q: float) -> torch.Tensor:
    """Linear-interpolated quantile of the first ``counts`` values of each ascending row; NaN
    where there is none."""
    position = q * (counts.clamp(min=1) - 1).to(torch.float32)
    below = position.floor()
    index = below.to(torch.int64)
    above = torch.minimum(index + 1, counts.to(torch.int64).clamp(min=1) - 1)
    low = ordered.gather(-1, index[:, None])[:, 0]
    high = ordered.gather(-1, above[:, None])[:, 0]
    value = low + (position - below) * (high - low)
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
    """``(blocks, bins, frames)`` → ``(blocks × frames, bins)``."""
    return values.transpose(1, 2).reshape(-1, values.shape[1])
