"""Basic Pitch's weights, rearranged so that its layers become wide convolutions.

Notation: a published weight is ``(out, in, time taps, frequency taps)``; ``f`` is an output bin
(0–263), ``d`` the distance in bins from an output bin to what it reads. Everything is computed once
in float64. No weight is approximated: each function gives the same linear map in another order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from pi_amt.models.basic_pitch.frontend import BINS_PER_OCTAVE, N_BINS

#: arrays of a weights file
WEIGHT_SHAPES: dict[str, tuple[int, ...]] = {
    "normalization.scale": (1,),
    "normalization.offset": (1,),
    "contour.hidden.weight": (8, 8, 3, 39),
    "contour.hidden.bias": (8,),
    "contour.output.weight": (1, 8, 5, 5),
    "contour.output.bias": (1,),
    "note.hidden.weight": (32, 1, 7, 7),
    "note.hidden.bias": (32,),
    "note.output.weight": (1, 32, 7, 3),
    "note.output.bias": (1,),
    "onset.hidden.weight": (32, 8, 5, 5),
    "onset.hidden.bias": (32,),
    "onset.output.weight": (1, 33, 3, 3),
    "onset.output.bias": (1,),
}
#: harmonics of the stack, one channel each
HARMONICS = (0.5, 1, 2, 3, 4, 5, 6, 7)
#: their distances in bins: −36, 0, 36, 57, 72, 84, 93, 101
SHIFTS = tuple(round(BINS_PER_OCTAVE * float(np.log2(h))) for h in HARMONICS)
CONTOUR_BINS = 264
#: reach of the first contour layer in frequency, bins to each side
REACH = 19
#: bins that the first contour layer computes at once
BLOCK_BINS = 8
#: zeros below bin 0: the lowest tap is REACH bins below the −36 of harmonic ½; whole blocks
LEFT_BINS = -(-(REACH - SHIFTS[0]) // BLOCK_BINS) * BLOCK_BINS
#: blocks that one block of outputs reads
KERNEL_BLOCKS = -(-(LEFT_BINS + SHIFTS[-1] + REACH + BLOCK_BINS) // BLOCK_BINS)
PADDED_BINS = CONTOUR_BINS + (KERNEL_BLOCKS - 1) * BLOCK_BINS
#: contour bins that the second contour layer computes at once
CONTOUR_BLOCK = 12

Weights = Mapping[str, torch.Tensor]


@dataclass(frozen=True)
class Edge:
    """Outputs near an edge of the stack, and the bins that the merged taps wrongly read there."""

    name: str
    first_output: int
    n_outputs: int
    first_input: int
    n_inputs: int


def _wrong_reads(outputs: range) -> list[int]:
    """Bins that these outputs read through the merged taps, but not in the published stack."""
    return sorted(
        {
            f + d + shift
            for f in outputs
            for d in range(-REACH, REACH + 1)
            for shift in SHIFTS
            if not 0 <= f + d < CONTOUR_BINS and 0 <= f + d + shift < N_BINS
        }
    )


def _edge(name: str, outputs: range) -> Edge:
    reads = _wrong_reads(outputs)
    return Edge(name, outputs[0], len(outputs), reads[0], reads[-1] + 1 - reads[0])


EDGES = (_edge("low", range(REACH)), _edge("high", range(CONTOUR_BINS - REACH, CONTOUR_BINS)))


def arrange(weights: Weights) -> dict[str, torch.Tensor]:
    """All layers of :class:`~pi_amt.models.basic_pitch.network.BasicPitchNetwork`."""
    onset_output = weights["onset.output.weight"]
    arranged = {
        "contour.hidden": merge_harmonics(weights["contour.hidden.weight"]),
        "contour.hidden.bias": weights["contour.hidden.bias"].repeat(BLOCK_BINS),
        "contour.output": several_bins(weights["contour.output.weight"], CONTOUR_BLOCK),
        "contour.output.bias": weights["contour.output.bias"].repeat(CONTOUR_BLOCK),
        "note.hidden": bins_to_channels(weights["note.hidden.weight"], 1, 3, first=-2),
        "note.hidden.bias": weights["note.hidden.bias"],
        "note.output": time_taps_to_outputs(weights["note.output.weight"]),
        "note.output.bias": weights["note.output.bias"],
        "onset.hidden": weights["onset.hidden.weight"],
        "onset.hidden.bias": weights["onset.hidden.bias"],
        "onset.output": several_bins(onset_output[:, 1:], 8),
        "onset.output.bias": weights["onset.output.bias"].repeat(8),
        "onset.output.note": bins_to_channels(onset_output[:, :1], 8, 8, first=-1),
    }
    for edge in EDGES:
        name = f"contour.edge.{edge.name}"
        arranged[name] = edge_products(weights["contour.hidden.weight"], edge)
    return arranged


def merge_harmonics(weight: torch.Tensor) -> torch.Tensor:
    """``(8, 8 harmonics, 3, 39)`` → ``(8 bins × 8, 8 bins, 3, 23 blocks)`` on the spectrogram.

    A tap at distance ``d`` in the channel of a harmonic reads the spectrogram at ``d`` plus the
    harmonic's shift; taps that read the same bin are added.
    """
    n_out, _, n_time, n_taps = weight.shape
    merged = weight.new_zeros(n_out, n_time, KERNEL_BLOCKS * BLOCK_BINS + BLOCK_BINS)
    for channel, shift in enumerate(SHIFTS):
        start = LEFT_BINS + shift - REACH
        merged[:, :, start : start + n_taps] += weight[:, channel]
    blocks = weight.new_zeros(BLOCK_BINS, n_out, n_time, KERNEL_BLOCKS * BLOCK_BINS)
    for i in range(BLOCK_BINS):
        blocks[i, :, :, i:] = merged[:, :, : KERNEL_BLOCKS * BLOCK_BINS - i]
    split = blocks.view(BLOCK_BINS, n_out, n_time, KERNEL_BLOCKS, BLOCK_BINS)
    return split.permute(0, 1, 4, 2, 3).flatten(0, 1).contiguous()


def edge_products(weight: torch.Tensor, edge: Edge) -> torch.Tensor:
    """``(outputs × 8, inputs, 3, 1)``: what the merged taps read beyond the stack at this edge."""
    n_out, _, n_time, _ = weight.shape
    products = weight.new_zeros(n_time, edge.n_inputs, edge.n_outputs, n_out)
    for output in range(edge.n_outputs):
        for tap in range(-REACH, REACH + 1):
            position = edge.first_output + output + tap
            if 0 <= position < CONTOUR_BINS:
                continue
            for channel, shift in enumerate(SHIFTS):
                if 0 <= position + shift < N_BINS:
                    taps = weight[:, channel, :, tap + REACH].T
                    products[:, position + shift - edge.first_input, output] += taps
    return products.flatten(2).permute(2, 1, 0)[..., None].contiguous()


def several_bins(weight: torch.Tensor, bins: int) -> torch.Tensor:
    """``(1, in, t, k)`` → ``(bins, in, t, k + bins − 1)``: output channel i is i bins further."""
    _, n_in, n_time, n_taps = weight.shape
    wide = weight.new_zeros(bins, n_in, n_time, n_taps + bins - 1)
    for i in range(bins):
        wide[i, :, :, i : i + n_taps] = weight[0]
    return wide


def bins_to_channels(weight: torch.Tensor, bins: int, group: int, first: int) -> torch.Tensor:
    """``(out, 1, t, k)`` → ``(bins × out, group, t, 3)`` on bins grouped into channels.

    An output at group n reads the groups n − 1, n and n + 1. Of its ``bins`` output bins, the
    first one's taps begin ``first`` bins from the start of group n; the next one is a bin further.
    """
    n_out, _, n_time, n_taps = weight.shape
    wide = weight.new_zeros(bins, n_out, n_time, 3 * group)
    for i in range(bins):
        start = group + first + i
        wide[i, :, :, start : start + n_taps] = weight[:, 0]
    split = wide.view(bins, n_out, n_time, 3, group)
    return split.permute(0, 1, 4, 2, 3).flatten(0, 1).contiguous()


def time_taps_to_outputs(weight: torch.Tensor) -> torch.Tensor:
    """``(1, in, t, k)`` → ``(t, in, 1, k)``: one output channel per time tap, to be added up."""
    return weight[0].permute(1, 0, 2)[:, :, None, :].contiguous()
