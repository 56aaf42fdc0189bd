"""What the study is compared with: other ways of getting the same activations."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from tests.models.basic_pitch import published

from pi_amt.core.units import Samples
from pi_amt.models.timbre_trap.blocks import OverlapAdd
from pi_amt.models.timbre_trap.model import TimbreTrap
from pi_amt.models.timbre_trap.weights import load_weights

Weights = dict[str, torch.Tensor]


def published_basic_pitch(samples: Samples, threads: int = 1) -> None:
    """One pass of the published ONNX model, front end included (onnxruntime)."""
    published.activations(samples, threads)


class EagerTimbreTrap:
    """Timbre-Trap's published architecture, layer by layer in PyTorch's default memory layout.

    Written here, literally, so that nothing of the package's own arrangement is in the baseline.
    """

    def __init__(self) -> None:
        self._weights, _ = load_weights(None)
        self._front_end = TimbreTrap(device="cpu")  # its network is not used

    @torch.inference_mode()
    def __call__(self, samples: Samples) -> None:
        """Audio at 22,050 Hz → activations, block by block, front end included."""
        overlap = OverlapAdd()
        for part in self._front_end.stream(samples, 22_050):
            for block in part.tensor:
                overlap.push(self.network(block[None]))

    def network(self, coefficients: torch.Tensor) -> torch.Tensor:
        """Complex ``(1, 540, 1024)`` → complex transcription, the same shape."""
        w = self._weights
        x = torch.stack([coefficients.real, coefficients.imag], dim=1).contiguous()
        x = F.elu(_convolve(w, "encoder.convin.0", x, padding=1))
        for level in range(1, 5):
            x = _residuals(w, f"encoder.block{level}", x)
            x = F.elu(_convolve(w, f"encoder.block{level}.sconv.0", x, stride=(2, 1)))
        latents = F.pad(_convolve(w, "encoder.convlat", x), (0, 0, 0, 0, 0, 1))
        x = F.elu(_transpose(w, "decoder.convin.0", latents))
        for level, padding in zip(range(1, 5), (1, 1, 1, 0), strict=True):
            name = f"decoder.block{level}"
            x = F.elu(
                _transpose(w, f"{name}.tconv.0", x, stride=(2, 1), output_padding=(padding, 0))
            )
            x = _residuals(w, name, x)
        x = _convolve(w, "decoder.convout", x, padding=1)
        return torch.complex(x[:, 0], x[:, 1])


def _residuals(w: Weights, name: str, x: torch.Tensor) -> torch.Tensor:
    for unit in (1, 2, 3):
        y = F.elu(_convolve(w, f"{name}.block{unit}.conv1.0", x, padding=unit, dilation=unit))
        x = F.elu(_convolve(w, f"{name}.block{unit}.conv2.0", y)) + x
    return x


def _convolve(
    w: Weights,
    name: str,
    x: torch.Tensor,
    *,
    stride: tuple[int, int] = (1, 1),
    padding: int = 0,
    dilation: int = 1,
) -> torch.Tensor:
    return F.conv2d(x, w[f"{name}.weight"], w[f"{name}.bias"], stride, padding, dilation)


def _transpose(
    w: Weights,
    name: str,
    x: torch.Tensor,
    *,
    stride: tuple[int, int] = (1, 1),
    output_padding: tuple[int, int] = (0, 0),
) -> torch.Tensor:
    return F.conv_transpose2d(x, w[f"{name}.weight"], w[f"{name}.bias"], stride, 0, output_padding)


def check_eager(samples: Samples) -> float:
    """Largest difference between the activations of this network and the package's, of 3 s of
    audio at 22,050 Hz."""
    model, eager = TimbreTrap(device="cpu"), EagerTimbreTrap()
    block = next(model.stream(samples, 22_050)).tensor[1:2]
    with torch.inference_mode():
        ours = model.network(block, None)["transcription"]
        difference = torch.tanh(eager.network(block).abs()) - torch.tanh(ours.abs())
    return float(difference.abs().max())
