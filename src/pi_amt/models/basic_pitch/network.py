"""Basic Pitch's network, from linear magnitudes to note, onset and contour activations.

The published network is a stack of eight copies of the spectrogram, shifted by the harmonics
½, 1 … 7, under six convolutions. This one is the same function with the arithmetic arranged for
wide vector units; every product is an ordinary convolution in channels-last memory, on any device:

* Only the frames that reach a kept frame are computed (162 of 172; the receptive field is ±10).
* The first contour layer (3 × 39 taps, 8 → 8 channels) is 70 % of the published arithmetic. Its
  input channels are shifts of one row, so its taps are merged: 176 taps on the spectrogram itself
  in place of 8 × 39, and it makes 8 bins × 8 channels at once from blocks of 8 bins. The
  published stack is cut at its edges where the shifted row goes on; :class:`_EdgeCorrection`
  takes these products off the 19 lowest and highest bins.
* Layers with one output channel compute several bins (or time taps) as if they were channels.

See :mod:`pi_amt.models.basic_pitch.rearrange` for the weights. The test oracles are the published
ONNX model and the plain convolutions.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch.nn import functional

from pi_amt.models.basic_pitch import rearrange
from pi_amt.models.basic_pitch.frontend import N_BINS
from pi_amt.models.basic_pitch.windows import KEPT_FRAMES, TRIMMED_FRAMES, WINDOW_FRAMES

CONTOUR_BINS = rearrange.CONTOUR_BINS
POWER_FLOOR = 1e-10
#: frames on each side of an output frame that it depends on
RECEPTIVE_FRAMES = 10
#: extra frames on each side that the contour and onset branches need of the note activation
_ONSET_MARGIN = 1
#: layers that stay in fp32: the last ones of the note and onset heads
_EXACT_LAYERS = ("note.output", "onset.output")

Weights = Mapping[str, torch.Tensor]


def log_power(magnitudes: torch.Tensor) -> torch.Tensor:
    """Power in dB of magnitudes of any shape, with the published floor of 1e-10 added."""
    return magnitudes.square().add_(POWER_FLOOR).log10_().mul_(10.0)


def window_range(magnitudes: torch.Tensor) -> torch.Tensor:
    """Lowest level and range ``(windows, 2)`` in dB of ``(windows, bins, frames)``."""
    lowest, highest = torch.aminmax(log_power(magnitudes).flatten(1), dim=1)
    return torch.stack((lowest, highest - lowest), dim=1)


class BasicPitchNetwork:
    """The network with its weights rearranged on one device; built once per model.

    Args:
        weights: arrays of a weights file, see ``scripts/convert_basic_pitch.py``.
        device: where it runs.
        precision: ``fp32``, or ``bf16`` for all layers but the last of the note and onset heads
            (in bf16 neighbouring frames would often be equal, and equal frames are no peak).
        ablate_channels: channels of the harmonic stack that are zero.
    """

    def __init__(
        self,
        weights: Weights,
        device: torch.device,
        precision: str = "fp32",
        ablate_channels: tuple[int, ...] = (),
    ) -> None:
        self._dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        self._scale = float(weights["normalization.scale"])
        self._offset = float(weights["normalization.offset"])
        kept = {name: value.clone().double() for name, value in weights.items()}
        for name in ("contour.hidden.weight", "onset.hidden.weight"):
            kept[name][:, list(ablate_channels)] = 0.0
        self._weights = {}
        for name, value in rearrange.arrange(kept).items():
            dtype = torch.float32 if name.startswith(_EXACT_LAYERS) else self._dtype
            layout = torch.channels_last if value.ndim == 4 else torch.contiguous_format
            self._weights[name] = value.to(device, dtype, memory_format=layout)

    def __call__(
        self, magnitudes: torch.Tensor, ranges: torch.Tensor | None
    ) -> dict[str, torch.Tensor]:
        """Magnitudes ``(windows, 309, 172)`` → activations of the 142 kept frames, float32.

        Args:
            magnitudes: linear.
            ranges: ``(windows, 2)`` of :func:`window_range`, of these or of clean magnitudes.

        Returns:
            ``note`` and ``onset`` ``(windows, 142, 88)``, ``contour`` ``(windows, 142, 264)``.
        """
        levels = self._levels(magnitudes, window_range(magnitudes) if ranges is None else ranges)
        contour = self._contour(levels)
        note = self._note(contour)
        onset = self._onset(levels, note)
        margin = (contour.shape[1] - KEPT_FRAMES) // 2
        outputs = {
            "note": note[:, _ONSET_MARGIN:-_ONSET_MARGIN],
            "onset": onset,
            "contour": contour[:, margin:-margin],
        }
        return {name: output.float() for name, output in outputs.items()}

    def _levels(self, magnitudes: torch.Tensor, ranges: torch.Tensor) -> torch.Tensor:
        """Normalised levels ``(windows, 162, 440)`` with zeros around their 309 bins."""
        first = TRIMMED_FRAMES - RECEPTIVE_FRAMES
        used = magnitudes[:, :, first : WINDOW_FRAMES - first].transpose(1, 2)
        lowest, span = ranges[:, 0, None, None], ranges[:, 1, None, None]
        levels = log_power(used).sub_(lowest).div_(span).clamp_(0.0, 1.0)
        levels.masked_fill_(span == 0, 0.0)
        padded = levels.new_zeros(*levels.shape[:2], rearrange.PADDED_BINS, dtype=self._dtype)
        start = rearrange.LEFT_BINS
        padded[:, :, start : start + N_BINS] = levels.mul_(self._scale).add_(self._offset)
        return padded

    def _contour(self, levels: torch.Tensor) -> torch.Tensor:
        """Contour activations ``(windows, 156, 264)``."""
        w = self._weights
        blocks = _as_channels(levels, rearrange.BLOCK_BINS)
        hidden = functional.conv2d(blocks, w["contour.hidden"], w["contour.hidden.bias"])
        rows = hidden.permute(0, 2, 3, 1).flatten(2)
        self._correct_edges(rows, levels)
        hidden = _as_channels(rows.relu_(), 8)
        contour = functional.conv2d(
            hidden,
            w["contour.output"],
            w["contour.output.bias"],
            stride=(1, rearrange.CONTOUR_BLOCK),
            padding=(0, 2),
        )
        return contour.permute(0, 2, 3, 1).flatten(2).sigmoid_()

    def _correct_edges(self, rows: torch.Tensor, levels: torch.Tensor) -> None:
        """Take off what the merged taps read beyond the edges of the published stack."""
        for edge in rearrange.EDGES:
            weight = self._weights[f"contour.edge.{edge.name}"]
            first = rearrange.LEFT_BINS + edge.first_input
            inputs = levels[:, :, first : first + edge.n_inputs].contiguous()
            wrong = functional.conv2d(_as_channels(inputs, edge.n_inputs), weight)
            outputs = slice(edge.first_output * 8, (edge.first_output + edge.n_outputs) * 8)
            rows[:, :, outputs] -= wrong.permute(0, 2, 3, 1).flatten(2)

    def _note(self, contour: torch.Tensor) -> torch.Tensor:
        """Note activations ``(windows, 144, 88)``."""
        w = self._weights
        hidden = functional.conv2d(
            _as_channels(contour, 3), w["note.hidden"], w["note.hidden.bias"], padding=(0, 1)
        ).relu_()
        taps = functional.conv2d(hidden.float(), w["note.output"], padding=(0, 1))
        return _sum_time_taps(taps).add_(w["note.output.bias"]).sigmoid_()

    def _onset(self, levels: torch.Tensor, note: torch.Tensor) -> torch.Tensor:
        """Onset activations ``(windows, 142, 88)``."""
        w = self._weights
        margin = RECEPTIVE_FRAMES - 3
        stack = _harmonic_stack(levels[:, margin : levels.shape[1] - margin])
        hidden = functional.conv2d(
            stack, w["onset.hidden"], w["onset.hidden.bias"], stride=(1, 3), padding=(0, 1)
        ).relu_()
        onset = functional.conv2d(
            hidden.float(), w["onset.output"], w["onset.output.bias"], stride=(1, 8), padding=(0, 1)
        )
        onset += functional.conv2d(_as_channels(note, 8), w["onset.output.note"], padding=(0, 1))
        return onset.permute(0, 2, 3, 1).flatten(2).sigmoid_()


def _as_channels(rows: torch.Tensor, channels: int) -> torch.Tensor:
    """``(windows, frames, n)`` seen as ``(windows, channels, frames, n // channels)``, no copy."""
    return rows.view(*rows.shape[:2], -1, channels).permute(0, 3, 1, 2)


def _sum_time_taps(taps: torch.Tensor) -> torch.Tensor:
    """``(windows, k, frames, bins)`` → sum over k of tap k, k frames later."""
    windows, k, frames, bins = taps.shape
    per_window, per_tap, per_frame, per_bin = taps.stride()
    return taps.as_strided(
        (windows, frames - k + 1, bins, k),
        (per_window, per_frame, per_bin, per_tap + per_frame),
        taps.storage_offset(),
    ).sum(dim=3)


def _harmonic_stack(levels: torch.Tensor) -> torch.Tensor:
    """``(windows, frames, 440)`` → ``(windows, 8, frames, 264)`` in channels-last memory."""
    rows = [
        levels[:, :, rearrange.LEFT_BINS + shift :][:, :, :CONTOUR_BINS]
        for shift in rearrange.SHIFTS
    ]
    return torch.stack(rows, dim=3).permute(0, 3, 1, 2)
