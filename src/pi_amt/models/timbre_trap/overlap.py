"""Overlapped block inference: complex block outputs are cross-faded, then tanh of the magnitude.

As the authors do it: blocks of 1,024 frames every 512 are multiplied by the *symmetric* Hann
``np.hanning(1024)`` and added as complex numbers, not divided by the sum of the weights. The
recording is zero-padded to full blocks and then by half a block on both sides; the first and last
512 frames of the sum are that padding and are cut. Block i begins at sample i · 33,075 − 33,075.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pi_amt.models.timbre_trap.slicq import BLOCK_FRAMES, BLOCK_SAMPLES, N_BINS

HOP_FRAMES = BLOCK_FRAMES // 2
HOP_SAMPLES = BLOCK_SAMPLES // 2


class OverlapAdd:
    """Streams block outputs in, finished activations out; holds half a block of sums.

    ``push`` takes the blocks in order, any number at a time, and finishes 512 frames a block. The
    first 512 frames of all are padding (they stand before the recording); so are the 512 frames
    that the last block leaves unfinished.
    """

    def __init__(self) -> None:
        self._window = torch.from_numpy(np.hanning(BLOCK_FRAMES).astype(np.float32))
        self._tail: Tensor | None = None

    def push(self, outputs: Tensor) -> NDArray[np.float32]:
        """Complex outputs (blocks, 540, 1024) → activations float32 (512 · blocks, 540)."""
        if outputs.ndim != 3 or outputs.shape[1:] != (N_BINS, BLOCK_FRAMES):
            raise ValueError(
                f"overlap-add: got outputs of shape {tuple(outputs.shape)}, "
                f"expected (blocks, {N_BINS}, {BLOCK_FRAMES})"
            )
        faded = outputs * self._window.to(outputs.device)
        totals, ends = faded[..., :HOP_FRAMES], faded[..., HOP_FRAMES:]
        totals[1:] += ends[:-1]
        if len(outputs):
            if self._tail is not None:
                totals[0] += self._tail
            self._tail = ends[-1].clone()
        # one transfer for all blocks: a GPU waits for each
        finished = torch.tanh(totals.abs()).transpose(1, 2).cpu().numpy()
        return np.asarray(finished.reshape(-1, N_BINS))
