"""What a mask leaves behind: silence, an attenuated rest, noise at the local background, or each
bin at a gain of its own.

The background's definition is in :mod:`pi_amt.permutations.background`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from pi_amt.core.spectrogram import Spectrogram, moved
from pi_amt.permutations.background import local_background, rows_of
from pi_amt.permutations.draws import complex_normal, hash_bits, rayleigh
from pi_amt.permutations.regions import Mask

FILLS = ("silence", "background", "attenuate")
# Keeps what one pass draws in the processor's cache.
_VALUES_PER_PASS = 1 << 15


@dataclass(frozen=True)
class Fill:
    """Decided contents of a mask.

    Attributes:
        mask: ``(blocks, bins, frames)`` bool, what is touched in every channel.
        gain: amplitude factor inside the mask: 0 = silence, 1 = untouched.
        noise: what the touched bins hold instead, or ``None``.
    """

    mask: Mask
    gain: float = 0.0
    noise: Noise | None = None

    def apply(self, spectrogram: Spectrogram) -> Spectrogram:
        """Fill the mask; all other bins stay bit-identical."""
        values = spectrogram.tensor
        if self.noise is not None:
            filled = values.clone(memory_format=torch.contiguous_format)
            filled.view(-1)[self.noise.positions] = self.noise.values
        elif self.gain == 0.0:
            filled = values.masked_fill(self._over_channels(spectrogram), 0)
        else:
            mask = self._over_channels(spectrogram)
            filled = torch.where(mask, scaled(values, self.gain), values)
        return spectrogram.with_values(filled)

    def _over_channels(self, spectrogram: Spectrogram) -> torch.Tensor:
        return spectrogram.over_channels(moved(self.mask, spectrogram.tensor.device))


@dataclass(frozen=True)
class Gains:
    """Decided factors of a ratio mask.

    Attributes:
        values: ``(blocks, bins, frames)`` amplitude factor of each bin in every channel.
    """

    values: torch.Tensor

    def apply(self, spectrogram: Spectrogram) -> Spectrogram:
        """Multiply."""
        factor = spectrogram.over_channels(moved(self.values, spectrogram.tensor.device))
        return spectrogram.with_values(spectrogram.tensor * factor)


@dataclass(frozen=True)
class Noise:
    """Values ``(channels, touched)`` and their places, of the same shape, in the flattened
    spectrogram."""

    positions: torch.Tensor
    values: torch.Tensor


def scaled(values: torch.Tensor, gain: float) -> torch.Tensor:
    """Values times a real factor; real and imaginary part alike, signed zeros kept."""
    if values.is_complex():
        return torch.view_as_complex(torch.view_as_real(values) * gain)
    return values * gain


def background_noise(spectrogram: Spectrogram, mask: Mask, fundamentals: Mask, key: int) -> Noise:
    """Noise for the bins of ``mask``, its root mean square equal to the local background.

    Rayleigh-distributed magnitudes for real values, circular Gaussian for complex ones. All
    channels get the same noise, each at the level of its own background.

    Args:
        spectrogram: whose background is measured.
        mask: ``(blocks, bins, frames)`` bool, where noise goes.
        fundamentals: ``(blocks, bins, frames)`` bool, what does not count as background.
        key: 64-bit key of the draws.
    """
    values = spectrogram.tensor
    _, n_bins, n_frames = spectrogram.grid
    where = rows_of(torch.from_numpy(mask)).to(values.device)
    row, bins = where.nonzero(as_tuple=True)
    numbers = torch.from_numpy(spectrogram.frame_numbers.reshape(-1)).to(values.device)
    levels = torch.stack(
        [local_background(one, where, fundamentals)[where] for one in spectrogram.channels]
    )
    draw = complex_normal if values.is_complex() else rayleigh
    noise = values.new_empty(levels.shape)
    for start in range(0, len(row), _VALUES_PER_PASS):
        part = slice(start, start + _VALUES_PER_PASS)
        noise[:, part] = draw(hash_bits(key, numbers[row[part]], bins[part])) * levels[:, part]
    block = torch.div(row, n_frames, rounding_mode="floor")
    channel = torch.arange(len(levels), device=row.device)[:, None]
    page = block * len(levels) + channel
    return Noise((page * n_bins + bins - block) * n_frames + row, noise)
