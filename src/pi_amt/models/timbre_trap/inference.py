"""Timbre-Trap's network for inference on CPU: the same function, arranged for speed.

:class:`~pi_amt.models.timbre_trap.network.TimbreTrapNetwork` is the readable form, and what is
trained. This one takes its weights and gives the same transcription up to rounding (1e-6 of the
largest value), in fp32:

* **ELU without exp.** The network runs in units of ln 2: every activation is multiplied by
  c = 1/ln 2, so that ELU becomes c · ELU(y / c) = min(max(y, 0), c · 2^y − c), and 2^y is the one
  exponential that is fast on all CPUs. Only biases and the first and last layer's weights change.
* **Wide convolutions.** Four or eight channels fill a quarter or half of a vector register. A
  convolution of 4 channels makes four consecutive frames at once, as if they were 16 channels; in
  channels-last memory that is the same array. Its kernel is the original one at four positions.
* **Tiles.** A residual unit runs on some rows (frequencies) at a time, so that what lies between
  its input and its output stays in the cache. Rows are contiguous in channels-last memory, and
  rows of zeros around every map serve as the convolution's padding: nothing is copied.

Every tile is computed by one thread; results depend on neither threads nor company.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from pi_amt.models.timbre_trap.network import CHANNELS, N_LATENT_BINS, N_LATENTS
from pi_amt.models.timbre_trap.packed import (
    UNIT,
    Convolution,
    as_float32,
    dilated,
    elu,
    pointwise,
)
from pi_amt.models.timbre_trap.slicq import N_BINS

#: frames on each side of a frame that it depends on
RECEPTIVE_FRAMES = 50
#: frames must come in multiples of this
FRAME_STEP = 4
_PAD = 3  # rows of zeros above and below every map: the largest dilation
_TILE_VALUES = 2**18  # 1 MB in fp32
_ROWS = (540, 269, 133, 65, N_LATENT_BINS)
_DILATIONS = (1, 2, 3)
#: frames that a dilated 3 × 3 convolution makes at once, by channels and dilation; measured
_PACK = {(4, 1): 4, (4, 2): 4, (4, 3): 4, (8, 1): 2, (8, 2): 2}
_ALIGNMENT = 16  # cropped blocks begin and end at multiples of it

Weights = Mapping[str, Tensor]
UsedFrames = NDArray[np.int64]
_THREAD = threading.local()


class _ResidualUnit:
    """3×3 convolution of one dilation, ELU, 1×1 convolution, ELU, plus the input."""

    def __init__(self, w: Weights, name: str, dilation: int) -> None:
        weight = w[f"{name}.conv1.0.weight"]
        pack = _PACK.get((len(weight), dilation), 1)
        self._first = dilated(weight, w[f"{name}.conv1.0.bias"] * UNIT, dilation, pack)
        self._second = pointwise(w[f"{name}.conv2.0.weight"], w[f"{name}.conv2.0.bias"] * UNIT)
        self._halo = dilation

    def run(self, x: Tensor, out: Tensor, scratch: Tensor) -> None:
        """Padded rows ``x`` → padded rows ``out``, whose padding is not touched."""
        for top, end in _tiles(x):
            hidden = elu(self._first(x[top - self._halo : end + self._halo]), scratch)
            change = elu(self._second(hidden), scratch)
            torch.add(x[top:end], change, out=out[top:end])


def _workspace(dtype: torch.dtype, *sizes: int) -> list[Tensor]:
    """Scratch memory of this thread, kept: fresh memory costs a page fault every 4 kB."""
    held: Tensor | None = getattr(_THREAD, "memory", None)
    if held is None or held.dtype != dtype or held.numel() < sum(sizes):
        with torch.inference_mode(False):
            held = _THREAD.memory = torch.empty(sum(sizes), dtype=dtype)
    return list(torch.split(held[: sum(sizes)], list(sizes)))


def _tiles(padded: Tensor) -> list[tuple[int, int]]:
    """First row and end of every tile of a padded map."""
    n, width = padded.shape
    step = max(1, _TILE_VALUES // width)
    return [(top, min(top + step, n - _PAD)) for top in range(_PAD, n - _PAD, step)]


def _computed_frames(first: int, end: int, frames: int) -> tuple[int, int]:
    """What must be computed so that frames ``first`` to ``end`` of ``frames`` are right."""
    left = max(first - RECEPTIVE_FRAMES, 0) // _ALIGNMENT * _ALIGNMENT
    right = -(-(end + RECEPTIVE_FRAMES) // _ALIGNMENT) * _ALIGNMENT
    return left, min(right, frames)


class _Maps:
    """A map of one level in the first of two memories; steps go from one to the other."""

    def __init__(self, memories: Sequence[Tensor], level: int, frames: int) -> None:
        self._memories, self._frames = tuple(memories), frames
        self._rows, self._width = _ROWS[level] + 2 * _PAD, frames * CHANNELS[level]
        self.padded = self._zero_padded(memories[0])

    def _zero_padded(self, memory: Tensor) -> Tensor:
        rows = memory[: self._rows * self._width].view(self._rows, self._width)
        rows[:_PAD] = 0
        rows[-_PAD:] = 0
        return rows

    @property
    def inside(self) -> Tensor:
        return self.padded[_PAD:-_PAD]

    def other(self, level: int) -> _Maps:
        """A map of another level in the other memory."""
        return _Maps(self._memories[::-1], level, self._frames)

    def run(self, units: list[_ResidualUnit], scratch: Tensor) -> None:
        """The units one after the other; what was in the other memory is lost."""
        target = self._zero_padded(self._memories[1])
        for unit in units:
            unit.run(self.padded, target, scratch)
            self.padded, target = target, self.padded
            self._memories = self._memories[::-1]


def _units(w: Weights, name: str) -> list[_ResidualUnit]:
    return [_ResidualUnit(w, f"{name}.block{d}", d) for d in _DILATIONS]


class _Down:
    """Three residual units, then a (4, 1) convolution of stride 2 in frequency."""

    def __init__(self, w: Weights, level: int) -> None:
        name = f"encoder.block{level + 1}"
        self._level = level
        self._units = _units(w, name)
        bias = as_float32(w[f"{name}.sconv.0.bias"] * UNIT)
        weight = as_float32(w[f"{name}.sconv.0.weight"])
        self._strided = Convolution(weight, bias, CHANNELS[level], row_stride=2)

    def run(self, maps: _Maps, scratch: Tensor) -> _Maps:
        """Maps of this level → maps of the next."""
        maps.run(self._units, scratch)
        smaller = maps.other(self._level + 1)
        out = smaller.inside
        step = max(1, _TILE_VALUES // out.shape[1])
        for top in range(0, len(out), step):
            end = min(top + step, len(out))
            elu(self._strided(maps.inside[2 * top : 2 * end + 2]), scratch, out[top:end])
        return smaller


class _Up:
    """A (4, 1) transposed convolution of stride 2 in frequency, then three residual units.

    Output row 2i + r = W[r] · row i + W[r + 2] · row i − 1: one convolution of two taps each for
    the even and the odd rows.
    """

    def __init__(self, w: Weights, level: int) -> None:
        name = f"decoder.block{4 - level}"
        self._level = level
        weight, bias = w[f"{name}.tconv.0.weight"], w[f"{name}.tconv.0.bias"] * UNIT
        taps = weight.transpose(0, 1)
        self._rows = [
            Convolution(as_float32(taps[:, :, [r + 2, r]]), as_float32(bias), CHANNELS[level + 1])
            for r in (0, 1)
        ]
        self._edge = as_float32(F.elu(bias / UNIT) * UNIT)  # a row of output padding: bias alone
        self._units = _units(w, name)

    def run(self, below: _Maps, scratch: Tensor) -> _Maps:
        """Maps of the level below → maps of this level."""
        maps = below.other(self._level)
        out, used = maps.inside, below.padded[_PAD - 1 : 1 - _PAD]
        step = max(1, _TILE_VALUES // out.shape[1])
        for top in range(0, len(used) - 1, step):
            end = min(top + step, len(used) - 1)
            for r, convolution in enumerate(self._rows):
                target = out[2 * top + r : 2 * end + r : 2]
                elu(convolution(used[top : end + 1]), scratch, target)
        out[2 * (len(used) - 1) :] = self._edge.repeat(out.shape[1] // len(self._edge))
        maps.run(self._units, scratch)
        return maps


class InferenceNetwork:
    """``TimbreTrapNetwork.transcribe`` from a state dict, for CPU.

    Args:
        state: state dict of the network; ``sliCQ.*`` is not used.
        precision: ``fp32``, or ``bf16`` for all weights and activations.
    """

    def __init__(self, state: Weights, precision: str = "fp32") -> None:
        self._dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        w = {k: v.detach().double() for k, v in state.items() if not k.startswith("sliCQ.")}
        self._first = dilated(
            w["encoder.convin.0.weight"] * UNIT, w["encoder.convin.0.bias"] * UNIT, 1, FRAME_STEP
        )
        self._down = [_Down(w, level) for level in range(4)]
        self._latents = Convolution(
            as_float32(w["encoder.convlat.weight"]),
            as_float32(w["encoder.convlat.bias"] * UNIT),
            CHANNELS[4],
        )
        # the last latent channel is the indicator, 0 for transcription
        weight, bias = w["decoder.convin.0.weight"][:N_LATENTS], w["decoder.convin.0.bias"] * UNIT
        self._unfold = [
            Convolution(
                as_float32(weight[:, :, row : row + 1].transpose(0, 1)), as_float32(bias), N_LATENTS
            )
            for row in range(N_LATENT_BINS)
        ]
        self._up = [_Up(w, level) for level in range(3, -1, -1)]
        self._last = dilated(
            w["decoder.convout.weight"] / UNIT, w["decoder.convout.bias"], 1, FRAME_STEP
        )

    def __call__(self, coefficients: Tensor, used: UsedFrames | None = None) -> Tensor:
        """Complex coefficients ``(blocks, 540, frames)`` → complex transcription, the same shape.

        Args:
            coefficients: complex64, frames a multiple of 4.
            used: ``(blocks, 2)`` first frame and end of what is wanted of each block; zeros
                elsewhere. ``None``: everything.

        Raises:
            ValueError: for real input or another shape.
        """
        shape = tuple(coefficients.shape)
        good = coefficients.ndim == 3 and shape[1] == N_BINS and shape[2] % FRAME_STEP == 0
        if not good or not coefficients.is_complex():
            raise ValueError(
                f"Timbre-Trap: got {coefficients.dtype} of shape {shape}, expected complex "
                f"coefficients (blocks, {N_BINS}, frames), frames a multiple of {FRAME_STEP}"
            )
        if used is None:
            return torch.stack([self._block(block) for block in coefficients])
        out = torch.zeros_like(coefficients)
        for block, target, (first, end) in zip(coefficients, out, used.tolist(), strict=True):
            if first < end:
                left, right = _computed_frames(first, end, shape[2])
                done = self._block(block[:, left:right])
                target[:, first:end] = done[:, first - left : end - left]
        return out

    def _block(self, coefficients: Tensor) -> Tensor:
        frames = coefficients.shape[1]
        size = max((r + 2 * _PAD) * c for r, c in zip(_ROWS, CHANNELS, strict=True)) * frames
        sizes = (size, size, max(_TILE_VALUES, frames * CHANNELS[4]))
        *memories, scratch = _workspace(self._dtype, *sizes)
        pairs = torch.view_as_real(coefficients.resolve_conj()).reshape(N_BINS, -1)
        pairs = F.pad(pairs.to(self._dtype), (0, 0, 1, 1))
        maps = _Maps(memories, 0, frames)
        for top, end in _tiles(maps.padded):
            rows = pairs[top - _PAD : end - _PAD + 2]
            elu(self._first(rows), scratch, maps.padded[top:end])
        for down in self._down:
            maps = down.run(maps, scratch)
        latents = self._latents(maps.inside)
        for row, convolution in zip(maps.inside, self._unfold, strict=True):
            elu(convolution(latents), scratch, row[None])
        for up in self._up:
            maps = up.run(maps, scratch)
        out = self._last(maps.padded[_PAD - 1 : 1 - _PAD])
        return torch.view_as_complex(out.float().view(N_BINS, frames, 2))
