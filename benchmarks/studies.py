"""The study against the naive ways of doing it, stage times, scaling: single-threaded parts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any
from unittest.mock import patch

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.baselines import EagerTimbreTrap, check_eager, published_basic_pitch
from benchmarks.measure import Line, interleaved, ratio, seconds, wall_seconds
from pi_amt import recording
from pi_amt.audio import resample
from pi_amt.conditions import Condition, make_conditions
from pi_amt.datasets import load_dataset
from pi_amt.datasets.track import FileTrack
from pi_amt.effects import EffectMeter
from pi_amt.executors import available_cores, local
from pi_amt.frames import FrameScorer
from pi_amt.jobs import Job
from pi_amt.models import ModelSpec, cached_model
from pi_amt.models.timbre_trap.slicq import BLOCK_FRAMES, N_BINS
from pi_amt.models.transcriber import Samples
from pi_amt.recording import evaluate
from pi_amt.spectrogram import Spectrogram

EIGHT = (
    *("no_permutation", "random", "microtonal", "high_freq"),
    *("fund_mask", "harm_mask", "soft_fund_mask", "soft_harm_mask"),
)
#: multiply-adds of the published Basic Pitch network for one window, times two
BASIC_PITCH_FLOP = (
    2
    * 172
    * (264 * (8 * 8 * 3 * 39 + 8 * 5 * 5) + 88 * 32 * (7 * 7 + 7 * 3 + 8 * 5 * 5) + 88 * 33 * 3 * 3)
)


def demo_tracks(count: int, max_seconds: float | None = None) -> list[FileTrack]:
    """The first demo recordings."""
    return list(load_dataset("demo", max_tracks=count, max_seconds=max_seconds))  # type: ignore[arg-type]


def job_of(model: str, track: FileTrack, conditions: tuple[Condition, ...]) -> Job:
    """All these conditions of one recording."""
    return Job(ModelSpec(model, '{"device":"cpu"}'), "demo", track, conditions)


def run_study(model: str, tracks: list[FileTrack], names: tuple[str, ...] = EIGHT) -> None:
    """The unit of work on each recording, in this process: read to scored row."""
    conditions = tuple(make_conditions(names))
    for track in tracks:
        failed = [row.error for row in evaluate(job_of(model, track, conditions)).rows if row.error]
        if failed:
            raise RuntimeError(failed[0])


def run_unfused(model: str, tracks: list[FileTrack]) -> None:
    """The same, one condition at a time, each from the file on."""
    for condition in make_conditions(EIGHT):
        for track in tracks:
            evaluate(job_of(model, track, (condition,)))


def samples_of(tracks: list[FileTrack]) -> list[Samples]:
    """Audio at 22,050 Hz."""
    return [resample(*track.audio(), 22_050) for track in tracks]


def activations(model: str, recordings: list[Samples]) -> None:
    """Plain transcription up to the activations, no condition."""
    built = cached_model(ModelSpec(model, '{"device":"cpu"}'))
    for samples in recordings:
        stitcher = None
        for part in built.stream(samples, 22_050):
            stitcher = stitcher or built.stitcher(part.n_samples)
            stitcher.push(built.outputs([part])[0])


def each(function: Callable[[Samples], object], recordings: list[Samples], times: int) -> None:
    """Call the function on every recording, so many times."""
    for _ in range(times):
        for samples in recordings:
            function(samples)


def basic_pitch(rounds: int) -> list[Line]:
    """Eight conditions and plain transcription against the published model."""
    tracks = demo_tracks(12)
    recordings = samples_of(tracks)
    times = interleaved(
        {
            "study": partial(run_study, "basic_pitch", tracks),
            "naive": partial(each, published_basic_pitch, recordings, len(EIGHT)),
            "unfused": partial(run_unfused, "basic_pitch", tracks),
            "plain": partial(activations, "basic_pitch", recordings),
            "onnx": partial(each, published_basic_pitch, recordings, 1),
        },
        rounds,
    )
    a, b, c = times["study"], times["naive"], times["unfused"]
    told = f"{len(tracks)} recordings, {sum(map(len, recordings)) / 22_050:.0f} s of audio"
    return [
        Line("(a) this study: 8 conditions, read to scored row", seconds(a), told),
        Line("(b) naive: published ONNX model once per condition, network only", seconds(b)),
        Line("(c) our own network, unfused: 8 single runs, read to scored row", seconds(c)),
        Line("(a) / (b)", ratio(a, b), "goal 0.70, aim 0.50"),
        Line("(a) / (c)", ratio(a, c)),
        Line("plain: audio to activations", seconds(times["plain"])),
        Line("published ONNX model, the same", seconds(times["onnx"])),
        Line("plain / published", ratio(times["plain"], times["onnx"]), "goal 1, aim 0.75"),
    ]


def timbre_trap(rounds: int) -> list[Line]:
    """Eight conditions against an eager loop over blocks and conditions."""
    tracks = demo_tracks(1, max_seconds=6.0)
    recordings = samples_of(tracks)
    eager = EagerTimbreTrap()
    times = interleaved(
        {
            "study": partial(run_study, "timbre_trap", tracks),
            "naive": partial(each, eager, recordings, len(EIGHT)),
            "unfused": partial(run_unfused, "timbre_trap", tracks),
            "plain": partial(activations, "timbre_trap", recordings),
            "eager": partial(each, eager, recordings, 1),
        },
        max(1, rounds - 1),
    )
    a, b, c = times["study"], times["naive"], times["unfused"]
    return [
        Line("(a) this study: 8 conditions, read to scored row", seconds(a), "6 s of audio"),
        Line("(b) naive: eager, block by block, condition by condition, network only", seconds(b)),
        Line("(c) our own network, unfused: 8 single runs, read to scored row", seconds(c)),
        Line("(a) / (b)", ratio(a, b), "goal 0.45"),
        Line("(a) / (c)", ratio(a, c)),
        Line("plain: audio to activations", seconds(times["plain"])),
        Line("plain / eager", ratio(times["plain"], times["eager"])),
        Line("largest difference of the two networks, relative", f"{check_eager():.0e}"),
    ]


@contextmanager
def stopwatch(ledger: dict[str, float]) -> Iterator[None]:
    """Add up processor time by stage while recordings are evaluated."""

    def timed(stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **options: Any) -> Any:
            started = time.process_time()
            try:
                return function(*args, **options)
            finally:
                ledger[stage] = ledger.get(stage, 0.0) + time.process_time() - started

        return run

    places = (
        (recording, "estimate_tuning", "estimate the tuning"),
        (FileTrack, "audio", "read audio"),
        (FileTrack, "notes", "read notes"),
        (EffectMeter, "push", "account of removed energy"),
        (recording, "score_notes", "score notes"),
        (FrameScorer, "push", "score frames"),
        (FrameScorer, "finish", "score frames"),
    )
    with ExitStack() as stack:
        for owner, name, stage in places:
            replaced = timed(stage, getattr(owner, name))
            stack.enter_context(patch.object(owner, name, replaced))
        yield


def stages(rounds: int) -> list[Line]:
    """Where the time of a study goes, by model."""
    del rounds
    lines: list[Line] = []
    for name, tracks in (("basic_pitch", demo_tracks(6)), ("timbre_trap", demo_tracks(1, 6.0))):
        model = cached_model(ModelSpec(name, '{"device":"cpu"}'))
        ledger: dict[str, float] = {}
        wrapped = {"network": model.outputs, "stream": model.stream}

        def outputs(parts: list[Spectrogram], wrapped: Any = wrapped, ledger: Any = ledger) -> Any:
            started = time.process_time()
            result = wrapped["network"](parts)
            ledger["network"] = ledger.get("network", 0.0) + time.process_time() - started
            return result

        def stream(*args: Any, wrapped: Any = wrapped, ledger: Any = ledger, **options: Any) -> Any:
            parts = wrapped["stream"](*args, **options)
            while True:
                started = time.process_time()
                part = next(parts, None)
                spent = time.process_time() - started
                ledger["front end"] = ledger.get("front end", 0.0) + spent
                if part is None:
                    return
                yield part

        run_study(name, tracks)
        started = time.process_time()
        with (
            stopwatch(ledger),
            patch.object(model, "outputs", outputs),
            patch.object(model, "stream", stream),
        ):
            run_study(name, tracks)
        total = time.process_time() - started
        ledger["permute, stitch, decode, the rest"] = total - sum(ledger.values())
        for stage, spent in sorted(ledger.items(), key=lambda item: -item[1]):
            lines.append(Line(f"{name}: {stage}", seconds(spent), f"{100 * spent / total:.0f} %"))
    return lines


def conditions(rounds: int) -> list[Line]:
    """Cost against the number of conditions of a pass."""
    tracks = demo_tracks(4)
    counts = (1, 2, 4, 8)
    times = interleaved(
        {str(n): partial(run_study, "basic_pitch", tracks, EIGHT[:n]) for n in counts}, rounds
    )
    one = times["1"]
    return [
        Line(f"basic_pitch, {n} conditions", seconds(times[str(n)]), f"{times[str(n)] / one:.2f} ×")
        for n in counts
    ]


def workers(rounds: int) -> list[Line]:
    """Wall-clock time against the number of worker processes, once they run."""
    tracks = demo_tracks(12)
    made = tuple(make_conditions(EIGHT))
    lines: list[Line] = []
    first = 0.0
    for n in range(1, available_cores() + 1):
        with local(n) as executor:
            warm = [executor.submit(evaluate, job_of("basic_pitch", t, made)) for t in tracks[:4]]
            [future.result() for future in warm]

            def everything(executor: Any = executor) -> None:
                jobs = [executor.submit(evaluate, job_of("basic_pitch", t, made)) for t in tracks]
                [job.result() for job in jobs]

            took = interleaved({"": everything}, rounds, wall_seconds)[""]
        first = first or took
        lines.append(
            Line(f"basic_pitch, {n} workers (wall)", seconds(took), f"{first / took:.2f} ×")
        )
    return lines


def roofline(rounds: int) -> list[Line]:
    """Arithmetic of the published networks per second, against a matrix product's."""
    a, b = torch.randn(1024, 1024), torch.randn(1024, 1024)
    c, d = torch.randn(4096, 64), torch.randn(64, 64)
    window = next(
        cached_model(ModelSpec("basic_pitch")).stream(samples_of(demo_tracks(1))[0], 22_050)
    )
    pitch, trap = (cached_model(ModelSpec(n)) for n in ("basic_pitch", "timbre_trap"))
    count = len(window.times)
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
                "pitch": lambda: pitch.outputs([window]),
                "trap": lambda: trap.network(block, None),
                "eager": lambda: eager.network(block),
            },
            3 * rounds,
        )
    peak = 2 * 1024**3 / times["large"]
    rates = {
        "matrix product 1024 × 1024": peak,
        "matrix product 4096 × 64 × 64": 2 * 4096 * 64 * 64 / times["small"],
        "Basic Pitch network": count * BASIC_PITCH_FLOP / times["pitch"],
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
