"""Quick validation inside the training loop: crops of instruments that are never trained on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from pi_amt.models.timbre_trap.training.banks import Bank
from pi_amt.models.timbre_trap.training.config import Config
from pi_amt.models.timbre_trap.training.objective import magnitude, pitch_scores, transcription_loss
from pi_amt.models.timbre_trap.training.stream import Packed, make_block, unpack

_SEED_OFFSET = 1_000_003  # examples that no training of a near seed draws


class Validation:
    """The crops of one stage, the same at every call."""

    def __init__(self, config: Config, stage: int, banks: Sequence[Bank]) -> None:
        self.config = config
        stride = config.stages[stage].stride
        self.items = []
        for index in range(config.validation_blocks):
            bank = [banks[index % len(banks)]]
            example = make_block(config.seed + _SEED_OFFSET, index, stride, bank, [])
            slack = example.targets.shape[1] - config.frames
            self.items.append(Packed(example, slack // 2, config.frames))

    @torch.no_grad()
    def score(
        self, transcribe: Callable[[Tensor], Tensor], device: torch.device
    ) -> tuple[float, float, float]:
        """Mean loss, best frame F over thresholds, and its threshold.

        ``transcribe``: channels (n, 2, 540, frames) on ``device`` → outputs of the same shape.
        """
        losses, parts = [], []
        for first in range(0, len(self.items), self.config.batch):
            channels, targets, weights = unpack(self.items[first : first + self.config.batch])
            channels = channels.to(device, memory_format=torch.channels_last)
            out = transcribe(channels).float().cpu()
            loss = transcription_loss(out, targets, weights, self.config.positive_weight)
            losses.append(float(loss))
            parts.append((torch.tanh(magnitude(out)), targets, weights))
        activations, targets, weights = (torch.cat(part) for part in zip(*parts, strict=True))
        return float(np.mean(losses)), *pitch_scores(activations, targets, weights)
