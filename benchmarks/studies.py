"""The study against the naive ways of doing it, and its scaling on one machine."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch

from benchmarks.baselines import EagerTimbreTrap, check_eager, published_basic_pitch
from benchmarks.measure import Line, interleaved, ratio, seconds, wall_seconds
from pi_amt.core.audio import resample
from pi_amt.core.text import plural
from pi_amt.core.units import Samples
from pi_amt.datasets.loading import load_dataset
from pi_amt.datasets.track import FileTrack
from pi_amt.models.loading import ModelSpec, cached_model
from pi_amt.permutations.loading import load_permutation
from pi_amt.study.conditions import Condition, make_conditions
from pi_amt.study.evaluate import evaluate
from pi_amt.study.executors.processes import available_cores, local
from pi_amt.study.jobs import Job

EIGHT = (
    *("no_permutation", "random", "microtonal", "high_freq"),
    *("fund_mask", "harm_mask", "soft_fund_mask", "soft_harm_mask"),
)


def demo_tracks(count: int, max_seconds: float | None = None) -> list[FileTrack]:
    """The first demo recordings."""
    return list(load_dataset("demo", max_tracks=count, max_seconds=max_seconds))  # type: ignore[arg-type]


def spec_of(model: str, device: str = "cpu", precision: str = "fp32") -> ModelSpec:
    """The recipe of a model."""
    return ModelSpec(model, json.dumps({"device": device, "precision": precision}))


def job_of(model: str, track: FileTrack, conditions: tuple[Condition, ...], **options: str) -> Job:
    """All these conditions of one recording; ``options`` as for :func:`spec_of`."""
    return Job(spec_of(model, **options), "demo", track, conditions)


def run_study(
    model: str,
    tracks: list[FileTrack],
    permutations: Sequence[str | Condition] = EIGHT,
    device: str = "cpu",
) -> None:
    """The unit of work on each recording, in this process: read to scored row."""
    conditions = tuple(make_conditions(permutations))
    for track in tracks:
        rows = evaluate(job_of(model, track, conditions, device=device)).rows
        failed = [row.error for row in rows if row.error]
        if failed:
            raise RuntimeError(failed[0])


def run_unfused(model: str, tracks: list[FileTrack]) -> None:
    """The same as :func:`run_study`, but one condition after the other, each from the file on."""
    for condition in make_conditions(EIGHT):
        for track in tracks:
            evaluate(job_of(model, track, (condition,)))


def samples_of(tracks: list[FileTrack]) -> list[Samples]:
    """Samples ``(samples,)`` of each recording at 22,050 Hz."""
    return [resample(*track.audio(), 22_050) for track in tracks]


def activations(model: str, recordings: list[Samples]) -> None:
    """Plain transcription up to the activations, no condition."""
    built = cached_model(spec_of(model))
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
    tracks = demo_tracks(1, max_seconds=9.0)
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
        Line("(a) this study: 8 conditions, read to scored row", seconds(a), "9 s of audio"),
        Line("(b) naive: eager, block by block, condition by condition, network only", seconds(b)),
        Line("(c) our own network, unfused: 8 single runs, read to scored row", seconds(c)),
        Line("(a) / (b)", ratio(a, b), "goal 0.45"),
        Line("(a) / (c)", ratio(a, c)),
        Line("plain: audio to activations", seconds(times["plain"])),
        Line("plain / eager", ratio(times["plain"], times["eager"])),
        Line("largest difference of activations", f"{check_eager(recordings[0]):.0e}", "of 0 to 1"),
    ]


def ratio_masks(rounds: int) -> list[Line]:
    """A study of ratio masks against one of as many binary masks of the same partials."""
    lines = []
    for model, tracks, goal in (
        ("basic_pitch", demo_tracks(3), "goal 3"),
        ("timbre_trap", demo_tracks(2, max_seconds=8.0), "goal 1.5"),
    ):
        studies = {
            kind: partial(run_study, model, tracks, eight_masks(kind))
            for kind in ("binary", "ratio")
        }
        times = interleaved(studies, rounds)
        told = f"{plural(len(tracks), 'recording')}, 8 masks, read to scored row"
        lines += [
            *(Line(f"{model}: {kind}", seconds(times[kind]), told) for kind in studies),
            Line(f"{model}: ratio / binary", ratio(times["ratio"], times["binary"]), goal),
        ]
    return lines


def eight_masks(kind: str) -> list[Condition]:
    """Masks of one kind that remove one of the first five partials, or keep one of three."""
    masks = [("remove_harmonic", k) for k in range(1, 6)]
    masks += [("keep_harmonic", k) for k in range(1, 4)]
    return [
        Condition(load_permutation(name, harmonic=k, kind=kind), f"{name}({k})")
        for name, k in masks
    ]


def conditions(rounds: int) -> list[Line]:
    """Cost against the number of conditions of a pass."""
    tracks = demo_tracks(4)
    counts = (1, 2, 4, 8)
    times = interleaved(
        {str(n): partial(run_study, "basic_pitch", tracks, EIGHT[:n]) for n in counts}, rounds
    )
    one = times["1"]
    return [
        Line(
            f"basic_pitch, {plural(n, 'condition')}",
            seconds(times[str(n)]),
            f"{times[str(n)] / one:.2f} ×",
        )
        for n in counts
    ]


def cores(rounds: int) -> list[Line]:
    """The whole machine at work: worker processes against the naive loop with as many threads."""
    n, lines = available_cores(), []
    naive: dict[str, tuple[Callable[[Samples], object], int, float | None]] = {
        "basic_pitch": (partial(published_basic_pitch, threads=n), 12, None),
        "timbre_trap": (EagerTimbreTrap(), 2 * n, 9.0),
    }
    for model, (transcribe, count, max_seconds) in naive.items():
        tracks = demo_tracks(count, max_seconds)
        recordings = samples_of(tracks)
        with local(n) as executor:
            run_on(executor, model, tracks[:n])  # starts the workers
            torch.set_num_threads(n)
            times = interleaved(
                {
                    "study": partial(run_on, executor, model, tracks),
                    "naive": partial(each, transcribe, recordings, len(EIGHT)),
                },
                max(1, rounds - 1),
                wall_seconds,
            )
            torch.set_num_threads(1)
        a, b = times["study"], times["naive"]
        goal = {"basic_pitch": "goal 0.70, aim 0.50", "timbre_trap": "goal 0.45"}[model]
        told = f"{count} recordings, {sum(map(len, recordings)) / 22_050:.0f} s of audio"
        lines += [
            Line(f"{model}: (a) this study, {n} worker processes (wall)", seconds(a), told),
            Line(f"{model}: (b) naive, {n} threads, network only (wall)", seconds(b)),
            Line(f"{model}: (a) / (b)", ratio(a, b), goal),
        ]
    return lines


def run_on(executor: Any, model: str, tracks: list[FileTrack]) -> None:
    """All eight conditions of the recordings, one job a recording; waits for the rows."""
    made = tuple(make_conditions(EIGHT))
    jobs = [executor.submit(evaluate, job_of(model, track, made)) for track in tracks]
    for job in jobs:
        job.result()


def workers(rounds: int) -> list[Line]:
    """Wall-clock time against the number of worker processes, once they run."""
    tracks = demo_tracks(12)
    lines: list[Line] = []
    first = 0.0
    for n in range(1, available_cores() + 1):
        with local(n) as executor:
            everything = partial(run_on, executor, "basic_pitch", tracks)
            run_on(executor, "basic_pitch", tracks[:4])  # starts the workers
            took = interleaved({"": everything}, rounds, wall_seconds)[""]
        first = first or took
        lines.append(
            Line(f"basic_pitch, {n} workers (wall)", seconds(took), f"{first / took:.2f} ×")
        )
    return lines
