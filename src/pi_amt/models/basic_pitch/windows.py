"""Geometry of Basic Pitch in time: windows, the frames that are kept, and their exact times.

A recording at 22,050 Hz gets 3,840 zeros in front and is cut into windows of 43,844 samples every
36,164 samples. A window has 172 frames, 256 samples apart; 15 are dropped on each side, so that
kept frame ``j`` (0–141) of window ``w`` stands exactly ``w * 36164 + j * 256`` samples after the
start of the recording. 142 kept frames span 36,352 samples, so consecutive windows overlap by 188
samples and the joined frames are *not* evenly spaced: 86.58 a second on average, not 86.13.

What may surprise: the published code (0.4.0 on PyPI) keeps ``floor(samples * 86 / 22050)`` frames,
which leaves out the last 0.67 % of a recording; its repository has mended this since.
``trim="published"`` reproduces the package, ``trim="full"`` keeps every frame inside the recording.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pi_amt.core.units import Floats

SAMPLE_RATE = 22_050
HOP = 256
WINDOW_SAMPLES = 43_844
WINDOW_HOP = 36_164
WINDOW_FRAMES = 172
#: frames dropped on each side of a window
TRIMMED_FRAMES = 15
KEPT_FRAMES = WINDOW_FRAMES - 2 * TRIMMED_FRAMES
#: zeros before the first sample: frame 15 of the first window is the start of the recording
LEADING_ZEROS = TRIMMED_FRAMES * HOP
#: whole frames per second in the published code
PUBLISHED_RATE = 86
TRIMS = ("full", "published")


def n_frames(n_samples: int, trim: str) -> int:
    """Frames of a recording of ``n_samples`` samples at 22,050 Hz."""
    if trim == "published":
        return int(np.floor(n_samples * (PUBLISHED_RATE / SAMPLE_RATE)))
    whole, rest = divmod(n_samples, WINDOW_HOP)
    return whole * KEPT_FRAMES + min(-(-rest // HOP), KEPT_FRAMES)


def n_windows(n_samples: int, trim: str) -> int:
    """Windows that these frames come from, at least one."""
    return max(1, -(-n_frames(n_samples, trim) // KEPT_FRAMES))


def window_times(first: int, count: int) -> Floats:
    """``(count, 172)`` exact times in seconds of all frames of windows ``first``, ``first + 1`` …

    Negative in the zeros before the recording.
    """
    windows = np.arange(first, first + count)[:, None]
    frames = np.arange(WINDOW_FRAMES)[None, :] - TRIMMED_FRAMES
    return np.asarray((windows * WINDOW_HOP + frames * HOP) / SAMPLE_RATE)


def frame_times(n: int, start: int = 0) -> Floats:
    """Exact times ``(n,)`` in seconds of joined frames ``start``, ``start + 1`` …"""
    windows, frames = np.divmod(np.arange(start, start + n), KEPT_FRAMES)
    return np.asarray((windows * WINDOW_HOP + frames * HOP) / SAMPLE_RATE)


def published_frame_times(n: int) -> Floats:
    """Times ``(n,)`` in seconds that the published decoder gives to joined frames 0, 1 …

    It takes a constant off every 172 frames, 1.8 ms of it by trial; at most 11 ms from the exact
    times over half an hour.
    """
    frames = np.arange(n)
    correction = HOP / SAMPLE_RATE * (WINDOW_FRAMES - WINDOW_SAMPLES / HOP) + 0.0018
    return np.asarray(frames * HOP / SAMPLE_RATE - correction * (frames // WINDOW_FRAMES))


def cut_windows(samples: NDArray[np.float32], first: int, count: int) -> NDArray[np.float32]:
    """``(count, 43844)`` windows ``first``, ``first + 1`` … of a recording, zeros outside of it."""
    windows = np.zeros((count, WINDOW_SAMPLES), dtype=np.float32)
    for row in range(count):
        start = (first + row) * WINDOW_HOP - LEADING_ZEROS
        skipped = max(0, -start)
        piece = samples[start + skipped : start + WINDOW_SAMPLES]
        windows[row, skipped : skipped + len(piece)] = piece
    return windows
