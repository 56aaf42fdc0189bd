"""Optimiser of the training: Muon for the convolutions, AdamW for biases and narrow layers.

Muon (K. Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024): momentum
whose matrix is replaced by the nearest semi-orthogonal one, by a Newton–Schulz iteration. Kernels
are read as matrices (outputs × everything else).
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn


def orthogonalize(matrix: Tensor) -> Tensor:
    """The semi-orthogonal factor of a matrix (rows, columns), to within some 30 % per value.

    The quintic's coefficients and the five iterations are those of the method's authors: fast, not
    convergent.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    x: Tensor = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    x = x / (x.norm() + 1e-7)
    for _ in range(5):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x if matrix.shape[0] <= matrix.shape[1] else x.T


class Muon(torch.optim.Optimizer):
    """Muon on kernels (out, in, h, w); ``lr`` is the RMS of an update relative to 0.2 · AdamW's."""

    def __init__(
        self, params: Iterable[nn.Parameter], lr: float, momentum: float, weight_decay: float
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One update of every kernel that has a gradient."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if not state:
                    state["momentum"] = torch.zeros_like(weight)
                average = state["momentum"].lerp_(weight.grad, 1 - group["momentum"])
                nesterov = weight.grad.lerp(average, group["momentum"])
                update = orthogonalize(nesterov.flatten(1))
                # One RMS whatever the shape, as AdamW's updates have.
                scale = 0.2 * max(update.shape) ** 0.5
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                weight.add_(update.reshape(weight.shape), alpha=-group["lr"] * scale)


def build_optimizers(
    network: nn.Module, name: str, lr: float, weight_decay: float
) -> list[torch.optim.Optimizer]:
    """``adamw`` for everything, or ``muon`` for kernels with AdamW for the rest.

    Raises:
        ValueError: for another name.
    """
    trained = [p for p in network.parameters() if p.requires_grad]
    betas = (0.9, 0.98)
    if name == "adamw":
        return [torch.optim.AdamW(trained, lr, betas, weight_decay=weight_decay)]
    if name != "muon":
        raise ValueError(f"optimizer: got {name!r}, expected adamw or muon")
    kernels = [p for p in trained if p.ndim == 4 and min(p.shape[:2]) >= 4]
    taken = {id(p) for p in kernels}
    rest = [p for p in trained if id(p) not in taken]
    return [
        Muon(kernels, lr, 0.95, weight_decay),
        torch.optim.AdamW(rest, lr, betas, weight_decay=0.0),
    ]
