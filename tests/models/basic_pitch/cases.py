"""Activations to decode, made from seeds: shared by the tests and the golden-data script."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.float32]

#: options of the golden notes, as keywords of DecoderOptions; {} is the published default
GOLDEN_OPTIONS: dict[str, dict[str, float | int | bool]] = {
    "default": {},
    "no_melodia": {"melodia_trick": False},
    "sensitive": {"onset_threshold": 0.2, "frame_threshold": 0.15, "minimum_frames": 3},
    "strict": {"onset_threshold": 0.75, "frame_threshold": 0.5, "minimum_frames": 20},
}


def noise(seed: int, frames: int) -> tuple[Frames, Frames]:
    """Independent uniform values: nothing musical, many short runs."""
    rng = np.random.default_rng(seed)
    note, onset = rng.random((2, frames, 88), dtype=np.float32)
    return note, onset


def ties(seed: int, frames: int, levels: int = 8) -> tuple[Frames, Frames]:
    """A few distinct levels only, thresholds among them: ties everywhere."""
    rng = np.random.default_rng(seed)
    note, onset = (rng.integers(0, levels + 1, (2, frames, 88)) / levels).astype(np.float32)
    return note, onset


def music(seed: int, frames: int, notes: int) -> tuple[Frames, Frames]:
    """Decaying notes with onset bumps, leakage a semitone and an octave away, a noise floor."""
    rng = np.random.default_rng(seed)
    note = 0.08 * rng.random((frames, 88), dtype=np.float32)
    onset = 0.08 * rng.random((frames, 88), dtype=np.float32)
    for _ in range(notes):
        start, pitch = int(rng.integers(0, frames)), int(rng.integers(0, 88))
        length, level = int(rng.integers(2, 90)), 0.3 + 0.7 * rng.random()
        decay = level * np.exp(-np.arange(min(length, frames - start)) / 60)
        for step, share in ((0, 1.0), (1, 0.5), (-1, 0.45), (12, 0.4)):
            if 0 <= pitch + step < 88:
                column = note[start : start + len(decay), pitch + step]
                np.maximum(column, share * decay, out=column)
        bump = onset[max(0, start - 1) : start + 2, pitch]
        np.maximum(bump, level * rng.random(len(bump)), out=bump)
    return note, onset


def golden_inputs() -> dict[str, tuple[Frames, Frames]]:
    """The named activations of the golden data."""
    empty = np.zeros((200, 88), np.float32)
    full = np.ones((200, 88), np.float32)
    return {
        "noise": noise(1, 400),
        "ties": ties(2, 300),
        "coarse_ties": ties(3, 200, levels=3),
        "music": music(4, 1500, 300),
        "dense_music": music(5, 800, 900),
        "short": music(6, 13, 12),
        "two_frames": noise(7, 2),
        "empty": (empty, empty),
        "constant": (full, 0.4 * full),
        "no_onset": (music(8, 200, 40)[0], empty),
    }
