"""Basic Pitch's network, from linear magnitudes to note, onset and contour activations."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch.nn import functional

from pi_amt.models.basic_pitch.frontend import BINS_PER_OCTAVE, N_BINS
from pi_amt.models.basic_pitch.windows import TRIMMED_FRAMES

#: harmonics of the stack, one channel each
HARMONICS = (0.5, 1, 2, 3, 4, 5, 6, 7)
CONTOUR_BINS = 264
POWER_FLOOR = 1e-10


def log_power(magnitudes: torch.Tensor) -> torch.Tensor:
    """Power in dB, with the published floor of 1e-10 added."""
    return 10.0 * torch.log10(magnitudes.square() + POWER_FLOOR)


def window_range(magnitudes: torch.Tensor) -> torch.Tensor:
    """Lowest level and range ``(windows, 2)`` in dB of ``(windows, bins, frames)``."""
    levels = log_power(magnitudes).flatten(1)
    lowest = levels.amin(dim=1)
    return torch.stack((lowest, levels.amax(dim=1) - lowest), dim=1)


class BasicPitchNetwork:
    """Weights on one device and the network that uses them."""

    def __init__(
        self,
        weights: Mapping[str, torch.Tensor],
        device: torch.device,
        precision: str = "fp32",
        ablate_channels: tuple[int, ...] = (),
    ) -> None:
        self._dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        self._device = device
        self._scale = float(weights["normalization.scale"])
        self._offset = float(weights["normalization.offset"])
        self._weights = {
            name: value.to(device, self._dtype)
            for name, value in weights.items()
            if not name.startswith("normalization")
        }
        self._ablate = ablate_channels

    def __call__(
        self, magnitudes: torch.Tensor, ranges: torch.Tensor | None
    ) -> dict[str, torch.Tensor]:
        """``(windows, 309, 172)`` → note, onset ``(windows, 142, 88)``, contour (…, 264)."""
        if ranges is None:
            ranges = window_range(magnitudes)
        lowest, span = ranges[:, 0, None, None], ranges[:, 1, None, None]
        levels = (log_power(magnitudes) - lowest) / span
        levels = torch.where(span > 0, levels, 0.0).clamp(0.0, 1.0)
        x = (levels * self._scale + self._offset).transpose(1, 2).to(self._dtype)
        stack = self._stack(x)
        hidden = self._convolve(stack, "contour.hidden", (1, 19)).relu()
        contour = self._convolve(hidden, "contour.output", (2, 2)).sigmoid()
        hidden = self._convolve(contour, "note.hidden", (3, 2), 3).relu()
        note = self._convolve(hidden, "note.output", (3, 1)).sigmoid()
        hidden = self._convolve(stack, "onset.hidden", (2, 1), 3).relu()
        onset = self._convolve(torch.cat((note, hidden), dim=1), "onset.output", (1, 1)).sigmoid()
        kept = slice(TRIMMED_FRAMES, -TRIMMED_FRAMES)
        outputs = {"note": note, "onset": onset, "contour": contour}
        return {name: output[:, 0, kept].float() for name, output in outputs.items()}

    def _convolve(
        self, x: torch.Tensor, name: str, padding: tuple[int, int], stride: int = 1
    ) -> torch.Tensor:
        weight, bias = self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
        return functional.conv2d(x, weight, bias, stride=(1, stride), padding=padding)

    def _stack(self, x: torch.Tensor) -> torch.Tensor:
        """``(windows, frames, 309)`` → ``(windows, 8, frames, 264)``."""
        stack = x.new_zeros(x.shape[0], len(HARMONICS), x.shape[1], CONTOUR_BINS)
        for channel, harmonic in enumerate(HARMONICS):
            if channel in self._ablate:
                continue
            shift = round(BINS_PER_OCTAVE * float(np.log2(harmonic)))
            first, last = max(0, -shift), min(CONTOUR_BINS, N_BINS - shift)
            stack[:, channel, :, first:last] = x[:, :, first + shift : last + shift]
        return stack
