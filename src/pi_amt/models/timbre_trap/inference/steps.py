"""The steps of the network as it runs in a study: one map of it → the next.

A map is ``(rows, frames · channels)``, see :mod:`pi_amt.models.timbre_trap.inference.packed`.
Around its rows (frequencies) lie ``PAD`` rows of zeros on either side: they are the convolutions'
padding, so that nothing is copied. A step works on a few rows at a time, so that what lies between
its input and its output stays in the cache; the bits of a row do not depend on which others are
computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from pi_amt.models.timbre_trap.inference.packed import (
    UNIT,
    Convolution,
    as_float32,
    dilated,
    elu,
    pointwise,
)
from pi_amt.models.timbre_trap.network import CHANNELS, N_LATENT_BINS
from pi_amt.models.timbre_trap.slicq import N_BINS

#: rows of each level's maps
ROWS = (N_BINS, 269, 133, 65, N_LATENT_BINS)
#: rows of zeros above and below every map: the largest dilation
PAD = 3
#: frames must come in multiples of this
FRAME_STEP = 4
TILE_VALUES = 2**18  # 1 MB in fp32
_DILATIONS = (1, 2, 3)
#: frames that a dilated 3 × 3 convolution makes at once, by channels and dilation; measured
_PACK = {(4, 1): 4, (4, 2): 4, (4, 3): 4, (8, 1): 2, (8, 2): 2}

Weights = Mapping[str, Tensor]
Rows = tuple[int, int]  # the first and the end, padding not counted


class Step(Protocol):
    """One map → the next, in chosen rows."""

    level: int

    def run(self, x: Tensor, out: Tensor, rows: Rows, scratch: Tensor) -> None:
        """Compute these rows of padded ``out`` from padded ``x``; ``scratch`` is lost."""


class EncoderStep(Step, Protocol):
    """A step that can be run for the rows alone in which a condition differs from another."""

    def reached(self, rows: Rows) -> Rows:
        """Rows of the output that depend on these rows of the input."""


class Entry:
    """Real and imaginary part → the first map: a 3×3 convolution and ELU."""

    level = 0

    def __init__(self, w: Weights) -> None:
        weight, bias = w["encoder.convin.0.weight"], w["encoder.convin.0.bias"]
        self._convolution = dilated(weight * UNIT, bias * UNIT, 1, FRAME_STEP)

    def reached(self, rows: Rows) -> Rows:
        return _widened(rows, 1, self.level)

    def run(self, x: Tensor, out: Tensor, rows: Rows, scratch: Tensor) -> None:
        for top, end in _tiles(rows, out):
            elu(self._convolution(x[top - 1 : end + 1]), scratch, out[top:end])


class ResidualUnit:
    """3×3 convolution of one dilation, ELU, 1×1 convolution, ELU, plus the input."""

    def __init__(self, w: Weights, name: str, level: int, dilation: int) -> None:
        self.level = level
        weight = w[f"{name}.conv1.0.weight"]
        pack = _PACK.get((len(weight), dilation), 1)
        self._first = dilated(weight, w[f"{name}.conv1.0.bias"] * UNIT, dilation, pack)
        self._second = pointwise(w[f"{name}.conv2.0.weight"], w[f"{name}.conv2.0.bias"] * UNIT)
        self._halo = dilation

    def reached(self, rows: Rows) -> Rows:
        return _widened(rows, self._halo, self.level)

    def run(self, x: Tensor, out: Tensor, rows: Rows, scratch: Tensor) -> None:
        for top, end in _tiles(rows, out):
            hidden = elu(self._first(x[top - self._halo : end + self._halo]), scratch)
            change = elu(self._second(hidden), scratch)
            torch.add(x[top:end], change, out=out[top:end])


def residual_units(w: Weights, name: str, level: int) -> list[ResidualUnit]:
    """The three of a block."""
    return [ResidualUnit(w, f"{name}.block{d}", level, d) for d in _DILATIONS]


class Down:
    """A (4, 1) convolution of stride 2 in frequency and ELU: row i is made of rows 2i to 2i + 3."""

    def __init__(self, w: Weights, name: str, level: int) -> None:
        self.level = level
        weight, bias = w[f"{name}.sconv.0.weight"], w[f"{name}.sconv.0.bias"] * UNIT
        self._convolution = Convolution(
            as_float32(weight), as_float32(bias), CHANNELS[level - 1], row_stride=2
        )

    def reached(self, rows: Rows) -> Rows:
        first, end = rows
        return max((first - 2) // 2, 0), min((end + 1) // 2, ROWS[self.level])

    def run(self, x: Tensor, out: Tensor, rows: Rows, scratch: Tensor) -> None:
        inside = x[PAD:]
        for top, end in _tiles(rows, out):
            used = inside[2 * (top - PAD) : 2 * (end - PAD) + 2]
            elu(self._convolution(used), scratch, out[top:end])


class Up:
    """A (4, 1) transposed convolution of stride 2 in frequency and ELU, in pairs of rows.

    Output row 2i + r = W[r] · row i + W[r + 2] · row i − 1: one convolution of two taps each for
    the even and the odd rows.
    """

    def __init__(self, w: Weights, name: str, level: int) -> None:
        self.level = level
        weight, bias = w[f"{name}.tconv.0.weight"], w[f"{name}.tconv.0.bias"] * UNIT
        taps = weight.transpose(0, 1)
        self._rows = [
            Convolution(as_float32(taps[:, :, [r + 2, r]]), as_float32(bias), CHANNELS[level + 1])
            for r in (0, 1)
        ]
        self._edge = as_float32(F.elu(bias / UNIT) * UNIT)  # a row of output padding: bias alone

    def run(self, x: Tensor, out: Tensor, rows: Rows, scratch: Tensor) -> None:
        inside, used = out[PAD:-PAD], x[PAD - 1 : 1 - PAD]
        made = len(used) - 1
        step = max(1, TILE_VALUES // out.shape[1])
        for top in range(rows[0] // 2, min(-(-rows[1] // 2), made), step):
            end = min(top + step, made)
            for r, convolution in enumerate(self._rows):
                target = inside[2 * top + r : 2 * end + r : 2]
                elu(convolution(used[top : end + 1]), scratch, target)
        inside[2 * made :] = self._edge.repeat(out.shape[1] // len(self._edge))


def _widened(rows: Rows, by: int, level: int) -> Rows:
    return max(rows[0] - by, 0), min(rows[1] + by, ROWS[level])


def _tiles(rows: Rows, padded: Tensor) -> list[Rows]:
    """First row and end of every tile of these rows, padding counted."""
    first, end = rows[0] + PAD, rows[1] + PAD
    step = max(1, TILE_VALUES // padded.shape[1])
    return [(top, min(top + step, end)) for top in range(first, end, step)]
