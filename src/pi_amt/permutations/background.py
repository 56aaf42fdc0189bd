"""The level around a bin that no fundamental explains.

The local background of a bin is the 25th percentile (linear interpolation between order
statistics), per frame, of the magnitudes of the bins within ± half an octave that lie outside all
sounding fundamentals. Where there is none, it is the 5th percentile of all bins of that frame
outside the fundamentals; where there is none either (possible only when fundamentals cover every
bin of a frame, which notes of a piano cannot), that of the given blocks.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from pi_amt.core.spectrogram import Spectrogram
from pi_amt.core.units import Floats, ratio_to_cents
from pi_amt.permutations.draws import sort_last_
from pi_amt.permutations.regions import Mask

NEIGHBOURHOOD_CENTS = 600.0
_LOCAL_QUANTILE, _FRAME_QUANTILE = 0.25, 0.05
# Neighbouring windows that share one sort: all but three values of each are the same.
_GROUP = 4
# Keeps the windows of one pass in the processor's cache.
_GROUPS_PER_PASS = 4096


def local_background(
    spectrogram: Spectrogram, where: torch.Tensor, fundamentals: Mask
) -> torch.Tensor:
    """Local background of the chosen bins.

    Args:
        spectrogram: whose magnitudes are read.
        where: ``(blocks × frames, bins)`` bool, the bins of interest.
        fundamentals: ``(blocks, bins, frames)`` bool, what does not count as background.

    Returns:
        float32 ``(blocks × frames, bins)``; values outside ``where`` mean nothing.
    """
    magnitudes = rows_of(spectrogram.tensor.abs())
    covered = rows_of(torch.from_numpy(fundamentals)).to(magnitudes.device)
    magnitudes.masked_fill_(covered, torch.inf)
    levels = _window_quantiles(magnitudes, where, spectrogram.frequencies)
    lost = levels.isnan() & where
    if bool(lost.any()):
        levels = torch.where(lost, _frame_background(magnitudes)[:, None], levels)
    return levels


def rows_of(values: torch.Tensor) -> torch.Tensor:
    """``(blocks, bins, frames)`` → ``(blocks × frames, bins)``, a contiguous copy."""
    return (
        values.transpose(1, 2)
        .reshape(-1, values.shape[1])
        .clone(memory_format=torch.contiguous_format)
    )


def _window_quantiles(
    magnitudes: torch.Tensor, where: torch.Tensor, frequencies: Floats
) -> torch.Tensor:
    """Quantile of the finite values around each chosen bin, NaN where there is none.

    ``size`` neighbouring windows of ``width`` bins share ``width − size + 1`` values. These are
    sorted once; each window has ``size − 1`` values more, merged in by :func:`_order_statistic`.
    """
    rows, n_bins = magnitudes.shape
    half, outside = _neighbourhood(frequencies)
    width = 2 * half + 1
    size = _GROUP if outside is None and width >= _GROUP else 1
    fill_up = -n_bins % size
    padded = F.pad(magnitudes, (half, half + fill_up), value=torch.inf)
    unions = padded.view(-1).unfold(0, width + size - 1, 1)
    counts = _counts(padded, width).view(rows, -1, size)
    levels = torch.full_like(counts, torch.nan, dtype=magnitudes.dtype)
    chosen = F.pad(where, (0, fill_up)).view(rows, -1, size).any(dim=-1)
    row, group = chosen.nonzero(as_tuple=True)
    for start in range(0, len(row), _GROUPS_PER_PASS):
        part = (row[start : start + _GROUPS_PER_PASS], group[start : start + _GROUPS_PER_PASS])
        union = unions.index_select(0, part[0] * padded.shape[1] + part[1] * size)
        n = counts[part]
        if outside is not None:
            union.masked_fill_(outside.to(union.device)[part[1]], torch.inf)
            n = union.isfinite().sum(dim=-1, keepdim=True)
        levels[part] = _group_quantiles(union, n, width)
    return levels.view(rows, -1)[:, :n_bins]


def _group_quantiles(union: torch.Tensor, counts: torch.Tensor, width: int) -> torch.Tensor:
    """Local quantile of each window ``union[:, i : i + width]`` with ``counts[:, i]`` finite
    values; NaN where there is none."""
    extra = union.shape[1] - width
    core = sort_last_(union[:, extra:width].contiguous())
    # Each window's further values, in ascending order: those left and right of the core.
    outer = torch.cat([union[:, :extra], union[:, width:]], dim=1)
    further = [outer[:, j : j + extra + 1] for j in range(extra)]
    for last in range(extra - 1, 0, -1):
        for j in range(last):
            a, b = further[j], further[j + 1]
            further[j], further[j + 1] = torch.minimum(a, b), torch.maximum(a, b)
    # Before the core: taking none of it costs nothing, taking fewer than none is impossible.
    ahead = torch.full((len(core), extra), torch.inf, device=core.device)
    if extra:
        ahead[:, -1] = -torch.inf
    behind = torch.full((len(core), extra + 1), torch.inf, device=core.device)
    ranked = torch.cat([ahead, core, behind], dim=1)
    position = _LOCAL_QUANTILE * (counts.clamp(min=1) - 1).to(torch.float32)
    below = position.to(torch.int64)
    taken = [ranked.gather(1, below + extra - j) for j in range(-1, extra + 1)]
    low = _order_statistic(taken[1:], further)
    high = _order_statistic(taken[:-1], further)
    # The last of the values has no successor, and needs none.
    high = torch.where(below + 1 < counts, high, low)
    value = torch.lerp(low, high, position - below)
    return torch.where(counts > 0, value, torch.nan)


def _order_statistic(taken: list[torch.Tensor], further: list[torch.Tensor]) -> torch.Tensor:
    """k-th smallest of two ascending lists together, ``min over j of max(A[k − j], B[j − 1])``.

    Args:
        taken: ``A[k − j]`` for j = 0, 1, …
        further: ``B``.
    """
    smallest = taken[0]
    for a, b in zip(taken[1:], further, strict=True):
        smallest = torch.minimum(smallest, torch.maximum(a, b))
    return smallest


def _counts(padded: torch.Tensor, width: int) -> torch.Tensor:
    """Number of finite values in each window of ``width`` along the last axis."""
    present = F.pad(torch.cumsum(padded.isfinite(), dim=1, dtype=torch.int32), (1, 0))
    return present[:, width:] - present[:, :-width]


def _frame_background(magnitudes: torch.Tensor) -> torch.Tensor:
    """Fallback per row of ``(rows, bins)`` magnitudes (infinite where a fundamental sounds)."""
    finite = torch.where(magnitudes.isfinite(), magnitudes, torch.nan).double()
    levels = torch.nanquantile(finite, _FRAME_QUANTILE, dim=1)
    flat = magnitudes[magnitudes.isfinite()].cpu().numpy()
    whole = float(np.quantile(flat, _FRAME_QUANTILE)) if len(flat) else 0.0
    return torch.where(levels.isnan(), whole, levels).to(magnitudes.dtype)


def _neighbourhood(frequencies: Floats) -> tuple[int, torch.Tensor | None]:
    """Half-width in bins of the half-octave neighbourhood, and which of a bin's ``2·half + 1``
    neighbours lie outside of it (``None`` where bins are evenly spaced in pitch)."""
    cents = ratio_to_cents(frequencies)
    reach = NEIGHBOURHOOD_CENTS + 1e-6
    number = np.arange(len(cents))
    low = np.searchsorted(cents, cents - reach, side="left")
    high = np.searchsorted(cents, cents + reach, side="right") - 1
    half = int(max((number - low).max(), (high - number).max()))
    neighbour = number[:, None] + np.arange(-half, half + 1)
    outside: NDArray[np.bool_] = (neighbour < low[:, None]) | (neighbour > high[:, None])
    on_axis = (neighbour >= 0) & (neighbour < len(cents))
    return half, torch.from_numpy(outside) if bool((outside & on_axis).any()) else None
