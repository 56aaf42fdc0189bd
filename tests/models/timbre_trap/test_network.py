"""Network and overlap-add: published keys, parity at every stage, streaming."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tests.models.timbre_trap.parity import DATA, TOLERANCE, fixture, network, padded_audio
from torch import nn

from pi_amt.models.timbre_trap.blocks import HOP_FRAMES, OverlapAdd
from pi_amt.models.timbre_trap.network import TimbreTrapNetwork, _upsample
from pi_amt.models.timbre_trap.slicq import BLOCK_FRAMES, BLOCK_SAMPLES, N_BINS


def test_state_dict_has_the_published_keys_shapes_and_types() -> None:
    published = json.loads((DATA / "timbre_trap_state_dict.json").read_text())
    ours = [
        [key, list(tensor.shape), str(tensor.dtype).removeprefix("torch.")]
        for key, tensor in TimbreTrapNetwork().state_dict().items()
    ]
    assert len(published) == 123
    assert ours == published


def channels_of(coefficients: torch.Tensor) -> torch.Tensor:
    """Real and imaginary parts (batch, 2, 540, frames)."""
    return torch.stack([coefficients.real, coefficients.imag], 1)


def test_latents_of_the_whole_transform_agree() -> None:
    net = network()
    blocks = net.sliCQ(padded_audio().view(-1, BLOCK_SAMPLES))
    whole = blocks.permute(1, 0, 2).reshape(1, N_BINS, -1)
    latents = net.encoder(channels_of(whole))[0][:, fixture()["frames"]].numpy()
    np.testing.assert_allclose(latents, fixture()["latents"], atol=TOLERANCE)


def test_transcription_of_one_block_agrees() -> None:
    net = network()
    out = net.transcribe(net.sliCQ(padded_audio()[None, :BLOCK_SAMPLES]))[0]
    pair = torch.stack([out.real, out.imag])[:, :, fixture()["block_frames"]].numpy()
    np.testing.assert_allclose(pair, fixture()["block_output"], atol=TOLERANCE)


def test_overlapped_activations_agree_before_trimming() -> None:
    net = network()
    padded = F.pad(padded_audio(), (BLOCK_SAMPLES // 2, BLOCK_SAMPLES // 2))
    blocks = padded.unfold(0, BLOCK_SAMPLES, BLOCK_SAMPLES // 2)
    overlap = OverlapAdd()
    finished = [overlap.push(net.transcribe(net.sliCQ(block[None]))) for block in blocks]
    activations = np.concatenate(finished)[HOP_FRAMES:]
    assert len(activations) == fixture()["n_frames"]
    np.testing.assert_allclose(
        activations[fixture()["frames"]].T, fixture()["activations"], atol=TOLERANCE
    )


def test_overlap_add_is_the_same_whatever_is_pushed_at_once() -> None:
    generator = torch.Generator().manual_seed(1)
    real, imag = torch.randn(2, 3, N_BINS, BLOCK_FRAMES, generator=generator)
    outputs = torch.complex(real, imag)
    together, singly = OverlapAdd(), OverlapAdd()
    whole = together.push(outputs)
    parts = np.concatenate([singly.push(output[None]) for output in outputs])
    assert whole.shape == (3 * HOP_FRAMES, N_BINS)
    np.testing.assert_array_equal(whole, parts)
    with pytest.raises(ValueError, match="540, 1024"):
        OverlapAdd().push(outputs[:, :10])


def test_the_indicator_tells_transcription_from_reconstruction() -> None:
    net = network()
    coefficients = net.sliCQ(padded_audio()[None, :BLOCK_SAMPLES])[:, :, :64]
    transcription = net.transcribe(coefficients)
    assert transcription.shape == coefficients.shape
    latents = net.encoder(channels_of(coefficients))
    transcribed, reconstructed = (
        net.decoder(nn.functional.pad(latents, (0, 0, 0, 1), value=indicator))
        for indicator in (0.0, 1.0)
    )
    torch.testing.assert_close(torch.complex(transcribed[:, 0], transcribed[:, 1]), transcription)
    assert float((transcribed - reconstructed).abs().max()) > 1e-3


@pytest.mark.parametrize("padding", [0, 1])
def test_upsampling_equals_the_transposed_convolution(padding: int) -> None:
    torch.manual_seed(padding)
    plain = nn.ConvTranspose2d(6, 3, (4, 1), stride=(2, 1), output_padding=(padding, 0))
    x = torch.randn(2, 6, 5, 7)
    torch.testing.assert_close(_upsample(x, plain, padding), plain(x), atol=1e-6, rtol=1e-5)


def test_a_frame_depends_on_50_frames_at_either_side_and_no_more() -> None:
    net = network()
    coefficients = torch.randn(1, N_BINS, 160, dtype=torch.complex64)
    changed = coefficients.clone()
    changed[:, :, 80] += 1
    difference = (net.transcribe(changed) - net.transcribe(coefficients)).abs().amax((0, 1))
    touched = difference.nonzero()[:, 0]
    assert 80 - 50 <= int(touched.min()) <= 80 - 45
    assert 80 + 45 <= int(touched.max()) <= 80 + 50


def test_real_input_is_refused() -> None:
    with pytest.raises(ValueError, match="complex"):
        network().transcribe(torch.zeros(1, N_BINS, 8))
