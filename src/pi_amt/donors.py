"""The pool of sound that a donor permutation takes values from."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from pi_amt.spectrogram import Spectrogram, concatenate

POOL_BLOCKS = 6


def donor_pool(stream: Iterable[Spectrogram], seconds: float) -> Spectrogram:
    """Whole blocks spread evenly over a recording, through the model's own front end.

    Taken from the stream of the whole recording, so that levels are those of the recording
    (Timbre-Trap divides by its peak) and no block holds a seam or the padding at its ends.

    Args:
        stream: all blocks of the recording in order.
        seconds: length of the recording.

    Returns:
        Up to ``POOL_BLOCKS`` blocks; of a recording too short for two whole blocks, its first
        ones, padding included.
    """
    chosen: list[Spectrogram] = []
    first: list[Spectrogram] = []
    for part in stream:
        for block in range(len(part.times)):
            single = part.block_slice(block, block + 1)
            begin, end = single.times[0, 0], single.times[0, -1]
            first += [single] if len(first) < POOL_BLOCKS else []
            targets = np.linspace(0.0, max(seconds - (end - begin), 0.0), POOL_BLOCKS)
            is_next = len(chosen) < POOL_BLOCKS and begin >= targets[len(chosen)] - (end - begin)
            if is_next and begin >= 0.0 and end <= seconds:
                chosen.append(single)
    return concatenate(chosen if len(chosen) > 1 else first)
