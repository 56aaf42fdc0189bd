"""Arithmetic of the published networks per second, against a matrix product's."""

from __future__ import annotations

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.baselines import EagerTimbreTrap
from benchmarks.measure import Line, interleaved
from benchmarks.studies import demo_tracks, samples_of, spec_of
from pi_amt.models.loading import cached_model
from pi_amt.models.timbre_trap.model import TimbreTrap
from pi_amt.models.timbre_trap.slicq import BLOCK_FRAMES, N_BINS

#: floating-point operations of the published Basic Pitch network for one window: two for each
#: multiply-add
BASIC_PITCH_FLOP = (
    2
    * 172
    * (264 * (8 * 8 * 3 * 39 + 8 * 5 * 5) + 88 * 32 * (7 * 7 + 7 * 3 + 8 * 5 * 5) + 88 * 33 * 3 * 3)
)


def roofline(rounds: int) -> list[Line]:
    """One core: both networks, and Timbre-Trap's as the baseline runs it."""
    a, b = torch.randn(1024, 1024), torch.randn(1024, 1024)
    c, d = torch.randn(4096, 64), torch.randn(64, 64)
    pitch, trap = cached_model(spec_of("basic_pitch")), TimbreTrap()
    windows = next(pitch.stream(samples_of(demo_tracks(1))[0], 22_050))
    block = torch.randn(1, N_BINS, BLOCK_FRAMES, dtype=torch.complex64)
    eager = EagerTimbreTrap()
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        eager.network(block)
    trap_flop = counter.get_total_flops()
    with torch.inference_mode():
        times = interleaved(
            {
                "large": lambda: a @ b,
                "small": lambda: c @ d,
                "pitch": lambda: pitch.outputs([windows]),
                "trap": lambda: trap.network(block, None),
                "eager": lambda: eager.network(block),
            },
            3 * rounds,
        )
    peak = 2 * 1024**3 / times["large"]
    rates = {
        "matrix product 1024 × 1024": peak,
        "matrix product 4096 × 64 × 64": 2 * 4096 * 64 * 64 / times["small"],
        "Basic Pitch network": len(windows.times) * BASIC_PITCH_FLOP / times["pitch"],
        "Timbre-Trap network": trap_flop / times["trap"],
        "Timbre-Trap network, eager": trap_flop / times["eager"],
    }
    notes = {
        "Basic Pitch network": f"{BASIC_PITCH_FLOP / 1e9:.2f} GFLOP a window as published",
        "Timbre-Trap network": f"{trap_flop / 1e9:.2f} GFLOP a block as published",
    }
    return [
        Line(what, f"{rate / 1e9:.0f} GFLOP/s", f"{100 * rate / peak:.0f} %  {notes.get(what, '')}")
        for what, rate in rates.items()
    ]
