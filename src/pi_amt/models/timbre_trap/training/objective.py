"""Loss, initial weights and quick validation scores of the Timbre-Trap training."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pi_amt.models.timbre_trap.network import TimbreTrapNetwork

_FLOOR = 1e-4  # of the squared magnitude: keeps its gradient finite; activation 0.01 at the least


def magnitude(channels: Tensor) -> Tensor:
    """Magnitude float32 (batch, 540, frames) of an output's two channels, at least 0.01."""
    return (channels.float().square().sum(1) + _FLOOR).sqrt()


def transcription_loss(
    channels: Tensor, targets: Tensor, weights: Tensor, positive_weight: float
) -> Tensor:
    """Weighted binary cross-entropy of tanh of the magnitude, plus a penalty on negative outputs.

    Blocks are added as complex numbers before the magnitude is taken, so their outputs must agree
    in phase: the real part is kept from going negative, the imaginary part starts and stays at 0.
    """
    m = magnitude(channels)
    log_on = torch.log(-torch.expm1(-2 * m)) - F.softplus(-2 * m)
    log_off = 0.6931471805599453 - F.softplus(2 * m)
    entropy = -(positive_weight * targets * log_on + (1 - targets) * log_off)
    negative = channels[:, 0].float().clamp(max=0).square()
    return (weights * (entropy + 0.5 * negative)).mean() * 100


def initialize(network: TimbreTrapNetwork, seed: int) -> None:
    """Weights that keep the variance through ELUs and start residual units near the identity."""
    generator = torch.Generator().manual_seed(seed)
    for name, module in network.named_modules():
        if not isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            continue
        taps = module.weight[0, 0].numel()
        if isinstance(module, nn.ConvTranspose2d):
            taps = 2 if taps == 4 else 1  # what reaches one output row
        std = 1.25 / (module.in_channels * taps) ** 0.5
        if name.endswith("conv2.0"):
            std *= 0.4
        if name == "encoder.convin.0":
            std *= 4.0  # soft notes have coefficients of a few hundredths
        with torch.no_grad():
            module.weight.normal_(0, std, generator=generator)
            assert module.bias is not None
            module.bias.zero_()
            if name == "decoder.convout":
                module.weight.mul_(0.1)
                module.weight[1].zero_()
                module.bias.copy_(torch.tensor([0.05, 0.0]))


def pitch_scores(activations: Tensor, targets: Tensor, weights: Tensor) -> tuple[float, float]:
    """Best frame F over thresholds and its threshold, on bins merged five to a semitone.

    activations, targets, weights: (batch, 540, frames). Bins near the edges of a semitone may
    belong to either; a stand-in for the real score during training, not a result.
    """
    ref = F.max_pool2d(targets * (weights > 0.5), (5, 1))
    est = F.max_pool2d(activations * (weights > 0.5), (5, 1))
    on = ref > 0.15
    off = ref < 0.05
    best = (0.0, 0.0)
    for step in range(3, 16):
        threshold = step / 20
        hit = est > threshold
        tp = float((hit & on).sum())
        score = 2 * tp / max(1.0, 2 * tp + float((hit & off).sum()) + float((~hit & on).sum()))
        best = max(best, (score, threshold))
    return best
