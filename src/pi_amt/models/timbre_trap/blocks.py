"""How a recording is cut into the network's blocks, and joined again."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pi_amt.core.units import Floats, Samples, frames_to_seconds, seconds_to_frames
from pi_amt.models.timbre_trap.slicq import (
    BLOCK_FRAMES,
    BLOCK_SAMPLES,
    FRAME_RATE_HZ,
    N_BINS,
    SAMPLE_RATE_HZ,
)
from pi_amt.models.transcriber import Activations

HOP_FRAMES = BLOCK_FRAMES // 2
HOP_SAMPLES = BLOCK_SAMPLES // 2


def cut_blocks(samples: Samples, first: int, count: int) -> NDArray[np.float32]:
    """Blocks ``first`` to ``first + count`` of the padded recording ``(count, 66150)``."""
    blocks = np.zeros((count, BLOCK_SAMPLES), dtype=np.float32)
    for i, block in enumerate(blocks):
        start = (first + i - 1) * HOP_SAMPLES
        part = samples[max(start, 0) : max(start + BLOCK_SAMPLES, 0)]
        offset = max(-start, 0)
        block[offset : offset + len(part)] = part
    return blocks


def n_blocks(n_samples: int) -> int:
    """Blocks of a recording of ``n_samples`` samples, padded to full blocks and by half a block on
    either side."""
    return 2 * max(-(-n_samples // BLOCK_SAMPLES), 1) + 1


def n_frames(n_samples: int) -> int:
    """Frames of a recording of ``n_samples`` samples."""
    return -(-n_samples * BLOCK_FRAMES // BLOCK_SAMPLES)


def used_frames(times: Floats, n_samples: int) -> NDArray[np.int64]:
    """First frame and end ``(blocks, 2)`` of what lies inside the recording in each block."""
    starts = seconds_to_frames(times[:, 0], FRAME_RATE_HZ)
    bounds = np.stack([-starts, n_frames(n_samples) - starts], axis=1)
    return np.clip(bounds, 0, times.shape[1])


def block_times(first: int, count: int) -> Floats:
    """Times ``(count, 1024)`` of the blocks' frames, seconds from the start of the recording."""
    starts = (np.arange(first, first + count) - 1) * HOP_SAMPLES / SAMPLE_RATE_HZ
    return np.asarray(starts[:, None] + frames_to_seconds(np.arange(BLOCK_FRAMES), FRAME_RATE_HZ))


class BlockStitcher:
    """Overlap-adds block outputs and trims the frames to the recording.

    Args:
        n_frames: frames of the recording.
    """

    def __init__(self, n_frames: int) -> None:
        self._overlap = OverlapAdd()
        self._left = n_frames
        self._lead = HOP_FRAMES  # the padding before the recording

    def push(self, outputs: Mapping[str, torch.Tensor]) -> Activations:
        """Complex outputs ``(blocks, 540, 1024)`` → finished frames ``pitch (frames, 540)``."""
        done = self._overlap.push(outputs["transcription"])
        skip = min(self._lead, len(done))
        self._lead -= skip
        done = done[skip : skip + self._left]
        self._left -= len(done)
        return {"pitch": done}

    def finish(self) -> Activations:
        """Nothing is left: the last half block is padding."""
        return {"pitch": np.zeros((0, N_BINS), dtype=np.float32)}


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
        """Complex outputs (blocks, 540, 1024) → activations float32 (512 · blocks, 540).

        Raises:
            ValueError: if the outputs have another shape.
        """
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
