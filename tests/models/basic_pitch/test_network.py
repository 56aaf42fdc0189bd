"""The rearranged network is the published one: plain convolutions on the harmonic stack."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional

from pi_amt.models.basic_pitch import rearrange
from pi_amt.models.basic_pitch.model import PUBLISHED_WEIGHTS
from pi_amt.models.basic_pitch.network import BasicPitchNetwork, log_power, window_range

CPU = torch.device("cpu")
WEIGHTS = load_file(PUBLISHED_WEIGHTS)
#: bins by which each channel of the stack is shifted, round(36 log2 h)
SHIFTS = (-36, 0, 36, 57, 72, 84, 93, 101)


def plain_network(
    weights: dict[str, torch.Tensor], magnitudes: torch.Tensor, ablated: tuple[int, ...] = ()
) -> dict[str, torch.Tensor]:
    """The published layers one by one, on all 172 frames."""
    levels = 10 * torch.log10(magnitudes**2 + 1e-10)
    levels = levels - levels.amin((1, 2), keepdim=True)
    levels = levels / levels.amax((1, 2), keepdim=True)
    x = levels * weights["normalization.scale"] + weights["normalization.offset"]
    stack = torch.zeros(len(x), 8, 172, 264)
    for channel, shift in enumerate(SHIFTS):
        for bin_number in range(264):
            if channel not in ablated and 0 <= bin_number + shift < 309:
                stack[:, channel, :, bin_number] = x[:, bin_number + shift]

    def layer(
        name: str, inputs: torch.Tensor, padding: tuple[int, int], stride: int = 1
    ) -> torch.Tensor:
        weight, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
        return functional.conv2d(inputs, weight, bias, (1, stride), padding)

    contour = layer("contour.output", layer("contour.hidden", stack, (1, 19)).relu(), (2, 2))
    contour = contour.sigmoid()
    note = layer("note.output", layer("note.hidden", contour, (3, 2), 3).relu(), (3, 1)).sigmoid()
    hidden = layer("onset.hidden", stack, (2, 1), 3).relu()
    onset = layer("onset.output", torch.cat((note, hidden), dim=1), (1, 1)).sigmoid()
    outputs = {"note": note, "onset": onset, "contour": contour}
    return {name: output[:, 0, 15:157].float() for name, output in outputs.items()}


def random_magnitudes(windows: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(windows, 309, 172, generator=generator).pow(6)


@pytest.fixture
def random_weights() -> dict[str, torch.Tensor]:
    """Weights of the same size but without the published ones' small corners."""
    generator = torch.Generator().manual_seed(1)
    return {
        name: torch.randn(value.shape, generator=generator) * value.abs().mean()
        for name, value in WEIGHTS.items()
    }


@pytest.mark.parametrize("ablated", [(), (0,), (1,), (2, 5), tuple(range(8))])
def test_network_equals_plain_convolutions(
    ablated: tuple[int, ...], random_weights: dict[str, torch.Tensor]
) -> None:
    magnitudes = random_magnitudes(1)
    for weights in (WEIGHTS, random_weights):
        found = BasicPitchNetwork(weights, CPU, ablate_channels=ablated)(magnitudes, None)
        for name, expected in plain_network(weights, magnitudes, ablated).items():
            assert found[name].shape == expected.shape
            torch.testing.assert_close(found[name], expected, rtol=0, atol=3e-5)


@pytest.mark.parametrize("bin_number", [0, 17, 100, 101, 228, 245, 263, 264, 300, 308])
def test_every_bin_reaches_the_outputs_that_it_should(
    bin_number: int, random_weights: dict[str, torch.Tensor]
) -> None:
    """One bin rings alone, so that each edge of the stack is seen by itself."""
    magnitudes = torch.full((1, 309, 172), 1e-4)
    magnitudes[:, bin_number, 80:90] = 1.0
    found = BasicPitchNetwork(random_weights, CPU)(magnitudes, None)
    for name, expected in plain_network(random_weights, magnitudes).items():
        torch.testing.assert_close(found[name], expected, rtol=0, atol=3e-5)


def test_the_shifts_are_those_of_the_harmonics() -> None:
    assert rearrange.SHIFTS == SHIFTS


def test_the_edges_are_as_wide_as_the_kernel_reaches() -> None:
    low, high = rearrange.EDGES
    assert (low.first_output, low.n_outputs) == (0, 19)
    assert (high.first_output, high.n_outputs) == (245, 19)
    assert (low.first_input, low.n_inputs) == (36 - 19, 101 - 1 - (36 - 19) + 1)
    assert high.first_input + high.n_inputs == 309


def test_ranges_are_those_of_the_levels() -> None:
    magnitudes = random_magnitudes(3)
    levels = log_power(magnitudes.clone())
    lowest, span = window_range(magnitudes).T
    torch.testing.assert_close(lowest, levels.flatten(1).min(dim=1).values, rtol=0, atol=0)
    torch.testing.assert_close(lowest + span, levels.flatten(1).max(dim=1).values)
    assert log_power(torch.zeros(1)).item() == pytest.approx(-100.0)


def test_the_input_is_not_changed() -> None:
    magnitudes = random_magnitudes(1)
    before = magnitudes.clone()
    BasicPitchNetwork(WEIGHTS, CPU)(magnitudes, window_range(magnitudes))
    assert torch.equal(magnitudes, before)
