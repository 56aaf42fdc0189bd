"""The stream of training examples: made in a worker process, reused from a reservoir.

Example i of a run is decided by (seed, i) alone. Neighbouring frames are near copies, so a batch
draws from a reservoir of many blocks instead of training on each new one at once.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from pi_amt.models.timbre_trap.slicq import N_BINS
from pi_amt.models.timbre_trap.training.banks import Bank
from pi_amt.models.timbre_trap.training.mixing import Example, synthesize
from pi_amt.models.timbre_trap.training.scores import random_score
from pi_amt.models.timbre_trap.training.targets import PREROLL_SECONDS

# Targets and weights are kept as bytes.
_TARGET_STEPS = 200
_WEIGHT_STEPS = 100


@dataclass(frozen=True)
class Stage:
    """Part of a training: frames ``stride`` apart, ``crops`` of ``frames`` from every block."""

    until: float  # share of the whole training at which the stage ends
    stride: int
    crops: int
    fresh: int  # new crops per step


class Packed:
    """An example in few bytes: float16 channels (2, 540, n), uint8 targets and weights (540, n)."""

    def __init__(self, example: Example, first: int, frames: int) -> None:
        part = slice(first, first + frames)
        z = example.coefficients[:, part]
        self.channels = torch.from_numpy(np.stack([z.real, z.imag]).astype(np.float16))
        targets = np.rint(example.targets[:, part] * _TARGET_STEPS)
        self.targets = torch.from_numpy(targets.astype(np.uint8))
        self.weights = torch.from_numpy((example.weights[:, part] * _WEIGHT_STEPS).astype(np.uint8))


def unpack(items: Sequence[Packed]) -> tuple[Tensor, Tensor, Tensor]:
    """float32 channels (n, 2, 540, frames), targets and weights (n, 540, frames)."""
    return (
        torch.stack([item.channels for item in items]).float(),
        torch.stack([item.targets for item in items]).float() / _TARGET_STEPS,
        torch.stack([item.weights for item in items]).float() / _WEIGHT_STEPS,
    )


def make_block(
    seed: int, index: int, stride: int, banks: list[Bank], excerpts: list[np.ndarray]
) -> Example:
    """Example ``index`` of a seed at a stride: score, instrument, mix."""
    rng = np.random.default_rng([seed, index])
    weights = np.array([bank.instrument.weight for bank in banks])
    bank = banks[rng.choice(len(banks), p=weights / weights.sum())]
    score = random_score(rng, PREROLL_SECONDS + 3.2, excerpts)
    return synthesize(score, bank, rng, stride)


class BlockStream(IterableDataset[Packed]):
    """Endless crops; ``stage`` (shared memory) says of which stage."""

    def __init__(
        self,
        seed: int,
        first_index: int,
        stages: list[Stage],
        frames: int,
        banks: list[Bank],
        excerpts: list[np.ndarray],
    ) -> None:
        self.seed, self.first_index, self.stages = seed, first_index, stages
        self.frames, self.banks, self.excerpts = frames, banks, excerpts
        self.stage: Any = multiprocessing.get_context("fork").Value("i", 0)

    def __iter__(self) -> Iterator[Packed]:
        worker = get_worker_info()
        index, hop = self.first_index, 1
        if worker is not None:
            index, hop = self.first_index + worker.id, worker.num_workers
            torch.set_num_threads(1)
        while True:
            stage = self.stages[self.stage.value]
            example = make_block(self.seed, index, stage.stride, self.banks, self.excerpts)
            rng = np.random.default_rng([self.seed, index, 1])
            slack = example.targets.shape[1] - self.frames
            for first in rng.integers(0, slack + 1, stage.crops).tolist():
                yield Packed(example, first, self.frames)
            index += hop


class Reservoir:
    """Keeps ``size`` crops, replaces some at every step, draws batches from all of them."""

    def __init__(self, stream: BlockStream, size: int, workers: int, seed: int) -> None:
        self.stream, self.size = stream, size
        self.rng = np.random.default_rng([seed, 2])
        loader = DataLoader(
            stream,
            batch_size=None,
            num_workers=workers,
            multiprocessing_context="fork" if workers else None,
            prefetch_factor=16 if workers else None,
            collate_fn=lambda item: item,
        )
        self.source = iter(loader)
        self.items: list[Packed] = []

    def refill(self, n: int) -> None:
        """Take n new crops; once it is full they overwrite others, drawn at random."""
        for _ in range(n):
            item = next(self.source)
            if len(self.items) < self.size:
                self.items.append(item)
            else:
                self.items[int(self.rng.integers(self.size))] = item

    def empty(self) -> None:
        """Drop what is kept (a new stage begins); 16 crops of the old stage may still arrive."""
        self.items.clear()

    def batch(self, n: int) -> tuple[Tensor, Tensor, Tensor]:
        """n crops: channels (n, 2, 540, frames), targets and weights (n, 540, frames), float32.

        Each is turned by a random phase and changed in gain by up to 3 dB, which costs nothing.
        """
        picked = [self.items[i] for i in self.rng.integers(0, len(self.items), n)]
        channels, targets, weights = unpack(picked)
        angle = torch.from_numpy(self.rng.uniform(0, 2 * np.pi, n).astype(np.float32))
        gain = torch.from_numpy((10 ** self.rng.uniform(-0.15, 0.15, n)).astype(np.float32))
        c = (angle.cos() * gain).view(-1, 1, 1)
        s = (angle.sin() * gain).view(-1, 1, 1)
        real, imag = channels[:, 0], channels[:, 1]
        channels = torch.stack([real * c - imag * s, real * s + imag * c], dim=1)
        assert channels.shape[2] == N_BINS
        return channels, targets, weights
