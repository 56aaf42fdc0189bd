"""Layers of :mod:`pi_amt.models.timbre_trap.inference.network` on rows of channels-last memory.

A map is ``(rows, frames · channels)``: rows are frequencies, and the channels of a frame are
neighbours in memory. So a row of frames with 4 channels is also a row of a quarter of the frames
with 16 channels. Activations are in units of ln 2, see there.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

#: by which every activation is multiplied, so that exp becomes 2^x
UNIT = 1 / math.log(2.0)
_ZERO, _MINUS_UNIT = torch.tensor(0.0), torch.tensor(-UNIT)
#: frames that a 1 × 1 convolution makes at once, by channels; measured
_PACK_POINTWISE = {4: 2, 8: 2}
_ONEDNN: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]


class Convolution(NamedTuple):
    """A convolution on rows ``(rows, frames · channels)``; no padding in frequency."""

    weight: Tensor
    bias: Tensor
    n_in: int
    row_stride: int = 1
    row_dilation: int = 1
    frame_dilation: int = 1
    frame_stride: int = 1
    frame_padding: int = 0

    def __call__(self, rows: Tensor) -> Tensor:
        """Rows ``(n, frames · in)`` → ``(m, frames · out)``.

        The bits of a frame do not depend on how many frames there are.
        """
        padded = self.frame_padding
        if self.frame_dilation > 1:
            # Beside padding of its own, oneDNN adds up in another order on AVX2, and how far
            # that reaches into the map depends on the number of frames.
            rows, padded = F.pad(rows, [padded * self.n_in] * 2), 0
        maps = rows.view(1, len(rows), -1, self.n_in).permute(0, 3, 1, 2)
        padding, stride = (0, padded), (self.row_stride, self.frame_stride)
        dilation = (self.row_dilation, self.frame_dilation)
        weight, bias = self.weight.to(rows.dtype), self.bias.to(rows.dtype)
        if _ONEDNN and maps.dtype == torch.float32:
            # F.conv2d would choose the algorithm of fp32 by the number of threads
            out = torch.mkldnn_convolution(maps, weight, bias, padding, stride, dilation, 1)
        else:
            out = F.conv2d(maps, weight, bias, stride, padding, dilation)
        return out.permute(0, 2, 3, 1).reshape(out.shape[2], -1)


def dilated(weight: Tensor, bias: Tensor, dilation: int, pack: int = 1) -> Convolution:
    """A 3 × 3 convolution ``(out, in, 3, 3)`` that makes ``pack`` frames at once."""
    n_out, n_in = weight.shape[:2]
    step = dilation if pack == 1 else 1  # of the kernel in frames
    wide = weight.new_zeros(pack, n_out, n_in, 3, (pack - 1 + 2 * dilation) // step + 1)
    for i in range(pack):
        wide[i, :, :, :, i : i + 2 * dilation // step + 1 : dilation // step] = weight
    return Convolution(
        as_float32(wide.flatten(0, 1)),
        as_float32(bias.repeat(pack)),
        n_in,
        row_dilation=dilation,
        frame_dilation=step,
        frame_stride=pack,
        frame_padding=dilation,
    )


def pointwise(weight: Tensor, bias: Tensor) -> Convolution:
    """A 1 × 1 convolution ``(n, n, 1, 1)`` on several frames at once."""
    n = len(weight)
    pack = _PACK_POINTWISE.get(n, 1)
    blocks = torch.kron(torch.eye(pack, dtype=weight.dtype), weight[:, :, 0, 0])
    return Convolution(
        as_float32(blocks[:, :, None, None]), as_float32(bias.repeat(pack)), pack * n
    )


def as_float32(values: Tensor) -> Tensor:
    """Weights, computed in float64, as they are kept."""
    return values.to(torch.float32).contiguous()


def elu(rows: Tensor, scratch: Tensor, out: Tensor | None = None) -> Tensor:
    """c · ELU(rows / c), in place (or into ``out``); see the module's docstring."""
    below = torch.exp2(rows, out=scratch[: rows.numel()].view(rows.shape))
    torch.add(_MINUS_UNIT, below, alpha=UNIT, out=below)
    return torch.clamp(rows, _ZERO, below, out=rows if out is None else out)
