"""Timbre-Trap's encoder–decoder with the published state dict's keys and shapes.

F. Cwitkowitz, K. W. Cheuk, W. Choi, M. A. Martínez-Ramírez, K. Toyama, W.-H. Liao & Y. Mitsufuji,
"Timbre-Trap: A low-resource framework for instrument-agnostic music transcription", ICASSP 2024.
Complex sliCQ coefficients in (real and imaginary parts as two channels), complex coefficients out;
one extra latent channel says which: 0 = transcription, 1 = reconstruction of the input.

Written from the architecture's description. Time is never strided: one latent vector per frame.
Strided transposed convolutions run as plain convolutions on the same weights (PyTorch has no
fast transposed convolution on CPU); the results are equal up to rounding.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pi_amt.models.timbre_trap.slicq import N_BINS, SliCQ

N_LATENTS = 128
CHANNELS = (4, 8, 16, 32, 64)
N_LATENT_BINS = 31  # what four strides of two leave of 540 bins: 269, 133, 65, 31
_OUTPUT_PADDING_BINS = (1, 1, 1, 0)


def _conv_elu(convolution: nn.Module) -> nn.Sequential:
    return nn.Sequential(convolution, nn.ELU())


_ONEDNN: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]


def _pointwise(layer: nn.Module, x: Tensor) -> Tensor:
    """A 1×1 convolution, in inference on CPU always by oneDNN.

    PyTorch would choose the algorithm by batch size and number of threads, so that results would
    depend on both; and with one thread it chooses one that makes the network 1.4 times slower.
    """
    plain = torch.is_grad_enabled() or torch.is_autocast_enabled("cpu") or x.device.type != "cpu"
    if plain or not _ONEDNN or x.dtype == torch.float64:
        out: Tensor = layer(x)
        return out
    assert isinstance(layer, nn.Conv2d)
    return torch.mkldnn_convolution(x, layer.weight, layer.bias, (0, 0), (1, 1), (1, 1), 1)


class _ResidualUnit(nn.Module):
    """3×3 convolution of one dilation, ELU, 1×1 convolution, ELU, plus the input."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.conv1 = _conv_elu(
            nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation)
        )
        self.conv2 = _conv_elu(nn.Conv2d(channels, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        return F.elu(_pointwise(self.conv2[0], self.conv1(x))) + x


class _EncoderBlock(nn.Module):
    """Three residual units, then a (4, 1) convolution of stride 2 in frequency."""

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__()
        self.block1 = _ResidualUnit(channels, 1)
        self.block2 = _ResidualUnit(channels, 2)
        self.block3 = _ResidualUnit(channels, 3)
        self.sconv = _conv_elu(nn.Conv2d(channels, out_channels, (4, 1), stride=(2, 1)))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.sconv(self.block3(self.block2(self.block1(x))))
        return out


class _Encoder(nn.Module):
    """(batch, 2, 540, frames) → latents (batch, 128, frames)."""

    def __init__(self) -> None:
        super().__init__()
        self.convin = _conv_elu(nn.Conv2d(2, CHANNELS[0], 3, padding=1))
        self.block1 = _EncoderBlock(CHANNELS[0], CHANNELS[1])
        self.block2 = _EncoderBlock(CHANNELS[1], CHANNELS[2])
        self.block3 = _EncoderBlock(CHANNELS[2], CHANNELS[3])
        self.block4 = _EncoderBlock(CHANNELS[3], CHANNELS[4])
        self.convlat = nn.Conv2d(CHANNELS[4], N_LATENTS, (N_LATENT_BINS, 1))

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.block4(self.block3(self.block2(self.block1(self.convin(x)))))
        latents: Tensor = self.convlat(hidden)
        return latents.squeeze(2)


def _upsample(x: Tensor, transposed: nn.ConvTranspose2d, padding_bins: int) -> Tensor:
    """A (4, 1) transposed convolution of stride (2, 1): (b, c, h, t) → (b, c', 2h + 2 + pad, t).

    Output row 2i + r = W[r] · row i + W[r + 2] · row i − 1: a convolution of two taps with twice
    the channels, whose channel halves are the even and the odd rows.
    """
    weight, bias = transposed.weight, transposed.bias
    assert bias is not None
    n_out = weight.shape[1]
    taps = torch.stack([weight[:, :, 2:, 0], weight[:, :, :2, 0]])  # (tap, in, out, row)
    kernel = taps.permute(3, 2, 1, 0).reshape(2 * n_out, -1, 2, 1)
    pairs = F.conv2d(x, kernel, bias.repeat(2), padding=(1, 0))
    batch, _, rows, frames = pairs.shape
    # Rows interleave on the channels-last layout, where this is one copy.
    grid = pairs.view(batch, 2, n_out, rows, frames).permute(0, 3, 1, 4, 2)
    out = grid.reshape(batch, 2 * rows, frames, n_out).permute(0, 3, 1, 2)
    if padding_bins:
        edge = bias.to(out.dtype).view(1, -1, 1, 1).expand(batch, -1, padding_bins, frames)
        out = torch.cat([out, edge], dim=2)
    return out


class _DecoderBlock(nn.Module):
    """A (4, 1) transposed convolution of stride 2 in frequency, then three residual units."""

    def __init__(self, channels: int, out_channels: int, padding_bins: int) -> None:
        super().__init__()
        self.padding_bins = padding_bins
        self.tconv = _conv_elu(
            nn.ConvTranspose2d(
                channels, out_channels, (4, 1), stride=(2, 1), output_padding=(padding_bins, 0)
            )
        )
        self.block1 = _ResidualUnit(out_channels, 1)
        self.block2 = _ResidualUnit(out_channels, 2)
        self.block3 = _ResidualUnit(out_channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        transposed = self.tconv[0]
        assert isinstance(transposed, nn.ConvTranspose2d)
        up = F.elu(_upsample(x, transposed, self.padding_bins))
        out: Tensor = self.block3(self.block2(self.block1(up)))
        return out


class _Decoder(nn.Module):
    """Latents with the indicator channel (batch, 129, frames) → (batch, 2, 540, frames)."""

    def __init__(self) -> None:
        super().__init__()
        self.convin = _conv_elu(nn.ConvTranspose2d(N_LATENTS + 1, CHANNELS[4], (N_LATENT_BINS, 1)))
        blocks = [
            _DecoderBlock(CHANNELS[4 - i], CHANNELS[3 - i], padding)
            for i, padding in enumerate(_OUTPUT_PADDING_BINS)
        ]
        self.block1, self.block2, self.block3, self.block4 = blocks
        self.convout = nn.Conv2d(CHANNELS[0], 2, 3, padding=1)

    def forward(self, latents: Tensor) -> Tensor:
        # The input has one row, so the transposed convolution is a matrix product per frame.
        transposed = self.convin[0]
        assert isinstance(transposed, nn.ConvTranspose2d)
        assert transposed.bias is not None
        weight = transposed.weight[..., 0].permute(0, 2, 1).flatten(1)
        product = latents.transpose(1, 2) @ weight
        rows = product.view(*product.shape[:2], N_LATENT_BINS, CHANNELS[4])
        x = rows.transpose(1, 2).contiguous().permute(0, 3, 1, 2)
        x = F.elu(x + transposed.bias.view(1, -1, 1, 1))
        out: Tensor = self.convout(self.block4(self.block3(self.block2(self.block1(x)))))
        return out


class TimbreTrapNetwork(nn.Module):
    """Transform and network under the published keys: ``sliCQ.*``, ``encoder.*``, ``decoder.*``."""

    def __init__(self) -> None:
        super().__init__()
        self.sliCQ = SliCQ()
        self.encoder = _Encoder()
        self.decoder = _Decoder()

    def transcribe(self, coefficients: Tensor) -> Tensor:
        """Complex coefficients (batch, 540, frames) → complex transcription, the same shape.

        The activation is tanh of its magnitude, after overlapping blocks are added.
        """
        out = self.transcribe_channels(_as_channels(coefficients))
        return torch.complex(out[:, 0].float(), out[:, 1].float())

    def transcribe_channels(self, channels: Tensor) -> Tensor:
        """``transcribe`` on real and imaginary parts (batch, 2, 540, frames): what training calls.

        bf16 has no complex numbers, so mixed precision stays on this path.
        """
        out: Tensor = self.decoder(F.pad(self.encoder(channels), (0, 0, 0, 1)))
        return out


def _as_channels(coefficients: Tensor) -> Tensor:
    if coefficients.ndim != 3 or coefficients.shape[1] != N_BINS or not coefficients.is_complex():
        raise ValueError(
            f"Timbre-Trap: got {coefficients.dtype} of shape {tuple(coefficients.shape)}, "
            f"expected complex coefficients (batch, {N_BINS}, frames)"
        )
    pair = torch.stack([coefficients.real, coefficients.imag], dim=1)
    return pair.contiguous(memory_format=torch.channels_last)
