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
* **Tiles.** A residual unit runs on some rows (frequencies) at a time, see
  :mod:`pi_amt.models.timbre_trap.inference.steps`.
* **Nothing twice.** Conditions of one recording often differ in some rows only: a mask touches the
  notes' range, ``high_freq`` what lies above it. Blocks of one call go through the encoder only in
  the rows that differ from the first block's or come to depend on such rows.
* **No denormal numbers.** Arguments of ELU go far below −100, where 2^y is smaller than the normal
  numbers of fp32; processors take long over those, and beside c they are nothing.

Every block is computed by one thread; results depend on neither threads nor company.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from pi_amt.models.timbre_trap.inference.packed import UNIT, Convolution, as_float32, dilated, elu
from pi_amt.models.timbre_trap.inference.steps import (
    FRAME_STEP,
    PAD,
    ROWS,
    TILE_VALUES,
    Down,
    EncoderStep,
    Entry,
    Rows,
    Step,
    Up,
    Weights,
    residual_units,
)
from pi_amt.models.timbre_trap.network import CHANNELS, N_LATENT_BINS, N_LATENTS
from pi_amt.models.timbre_trap.slicq import N_BINS

#: frames on each side of a frame that it depends on
RECEPTIVE_FRAMES = 50
_ALIGNMENT = 16  # cropped blocks begin and end at multiples of it
_MARGIN = 2 * PAD  # rows beyond the changed ones that the next step reads

UsedFrames = NDArray[np.int64]
_THREAD = threading.local()
_SMALLEST_NORMAL = torch.tensor(torch.finfo(torch.float32).tiny)


class _Maps:
    """Padded maps in memories that are used one after the other."""

    def __init__(self, memories: Iterable[Tensor], frames: int, scratch: Tensor) -> None:
        self._memories, self._frames, self._scratch = iter(memories), frames, scratch

    def new(self, level: int) -> Tensor:
        """A map of this level in the next memory, its padding zero."""
        rows, width = ROWS[level] + 2 * PAD, self._frames * CHANNELS[level]
        padded = next(self._memories)[: rows * width].view(rows, width)
        padded[:PAD] = 0
        padded[-PAD:] = 0
        return padded

    def run(self, step: Step, x: Tensor, rows: Rows | None = None) -> Tensor:
        """What a step makes of a map, in these rows (default: all); the others hold anything."""
        out = self.new(step.level)
        step.run(x, out, rows or (0, ROWS[step.level]), self._scratch)
        return out

    def run_dense(self, convolution: Convolution, x: Tensor, out: Tensor) -> None:
        """A convolution and ELU, not in tiles."""
        elu(convolution(x), self._scratch, out)


@dataclass(frozen=True)
class _First:
    """The first block of a call: its frames, the maps around every step of the encoder, and what
    the network made of them."""

    frames: tuple[int, int]
    maps: list[Tensor]
    output: Tensor


class InferenceNetwork:
    """``TimbreTrapNetwork.transcribe`` from a state dict, for CPU.

    Args:
        state: state dict of the network; ``sliCQ.*`` is not used.
        precision: ``fp32``, or ``bf16`` for all weights and activations.
    """

    def __init__(self, state: Weights, precision: str = "fp32") -> None:
        self._dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        w = {k: v.detach().double() for k, v in state.items() if not k.startswith("sliCQ.")}
        self._encoder: list[EncoderStep] = [Entry(w)]
        for level in range(4):
            name = f"encoder.block{level + 1}"
            self._encoder += [*residual_units(w, name, level), Down(w, name, level + 1)]
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
        self._decoder: list[Step] = []
        for level in range(3, -1, -1):
            name = f"decoder.block{4 - level}"
            self._decoder += [Up(w, name, level), *residual_units(w, name, level)]
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
        n, _, frames = shape
        wanted = [(0, frames)] * n if used is None else used.tolist()
        out = torch.zeros_like(coefficients)
        with _without_denormals():
            self._transcribe(coefficients, wanted, out)
        return out

    def _transcribe(self, coefficients: Tensor, wanted: Sequence[Rows], out: Tensor) -> None:
        """Fill the wanted frames of ``out``, block by block."""
        frames = coefficients.shape[2]
        first: _First | None = None
        for block, target, (begin, end) in zip(coefficients, out, wanted, strict=True):
            if begin == end:
                continue
            left, right = _computed_frames(begin, end, frames)
            x = self._input(block[:, left:right])
            if first is None or first.frames != (left, right):
                first = self._first_block(x, (left, right), keep=len(out) > 1)
                done = first.output
            else:
                done = self._further_block(x, first)
            target[:, begin:end] = done[:, begin - left : end - left]

    def _input(self, coefficients: Tensor) -> Tensor:
        """Complex ``(540, frames)`` → real and imaginary parts, a padded map of two channels."""
        pairs = torch.view_as_real(coefficients.resolve_conj()).reshape(N_BINS, -1)
        return F.pad(pairs.to(self._dtype), (0, 0, PAD, PAD))

    def _memory(self, frames: int, keep: bool) -> tuple[_Maps, _Maps]:
        """This thread's memory: for maps that hold until the next but one, and for kept ones."""
        sizes = [(ROWS[s.level] + 2 * PAD) * CHANNELS[s.level] * frames for s in self._encoder]
        largest, scratch_size = max(sizes), max(TILE_VALUES, CHANNELS[4] * frames)
        pieces = (scratch_size, largest, largest, *(sizes if keep else ()))
        scratch, one, other, *kept = _workspace(self._dtype, *pieces)
        turns = _Maps(cycle((one, other)), frames, scratch)
        return turns, _Maps(kept, frames, scratch) if keep else turns

    def _first_block(self, x: Tensor, frames: tuple[int, int], keep: bool) -> _First:
        """Padded input → transcription; the encoder's maps hold if they are to be kept."""
        turns, kept = self._memory(frames[1] - frames[0], keep)
        maps = [x]
        for step in self._encoder:
            maps.append(kept.run(step, maps[-1]))
        return _First(frames, maps, self._decode(maps[-1], turns))

    def _further_block(self, x: Tensor, first: _First) -> Tensor:
        """Padded input → transcription; rows that it has in common are the first block's."""
        different = (x != first.maps[0]).any(dim=1).nonzero()[:, 0].tolist()
        if not different:
            return first.output
        turns, _ = self._memory(first.frames[1] - first.frames[0], keep=True)
        rows = (different[0] - PAD, different[-1] + 1 - PAD)
        for step, same in zip(self._encoder, first.maps, strict=False):
            _borrow(x, same, rows, _MARGIN)
            rows = step.reached(rows)
            x = turns.run(step, x, rows)
        _borrow(x, first.maps[-1], rows, len(x))
        return self._decode(x, turns)

    def _decode(self, encoded: Tensor, maps: _Maps) -> Tensor:
        """The encoder's last padded map → complex transcription ``(540, frames)``."""
        latents = self._latents(encoded[PAD:-PAD])
        x = maps.new(4)
        for row, convolution in zip(x[PAD:-PAD], self._unfold, strict=True):
            maps.run_dense(convolution, latents, row[None])
        for step in self._decoder:
            x = maps.run(step, x)
        out = self._last(x[PAD - 1 : 1 - PAD])
        return torch.view_as_complex(out.float().view(N_BINS, -1, 2))


@contextmanager
def _without_denormals() -> Iterator[None]:
    """This thread takes numbers under 1.2e-38 for zero; afterwards as before."""
    before = bool(_SMALLEST_NORMAL * 0.5 == 0)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


def _borrow(x: Tensor, same: Tensor, rows: Rows, margin: int) -> None:
    """Copy up to ``margin`` rows on either side of ``rows`` from another map of the same kind."""
    first, end = rows[0] + PAD, rows[1] + PAD
    for outside in (slice(max(first - margin, 0), first), slice(end, end + margin)):
        x[outside] = same[outside]


def _computed_frames(first: int, end: int, frames: int) -> tuple[int, int]:
    """What must be computed so that frames ``first`` to ``end`` of ``frames`` are right."""
    left = max(first - RECEPTIVE_FRAMES, 0) // _ALIGNMENT * _ALIGNMENT
    right = -(-(end + RECEPTIVE_FRAMES) // _ALIGNMENT) * _ALIGNMENT
    return left, min(right, frames)


def _workspace(dtype: torch.dtype, *sizes: int) -> list[Tensor]:
    """Scratch memory of this thread, kept: fresh memory costs a page fault every 4 kB."""
    held: Tensor | None = getattr(_THREAD, "memory", None)
    if held is None or held.dtype != dtype or held.numel() < sum(sizes):
        with torch.inference_mode(False):
            held = _THREAD.memory = torch.empty(sum(sizes), dtype=dtype)
    return list(torch.split(held[: sum(sizes)], list(sizes)))
