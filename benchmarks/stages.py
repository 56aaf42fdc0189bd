"""Where the time of a study goes, stage by stage."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from benchmarks.measure import Line, seconds
from benchmarks.studies import demo_tracks, run_study, spec_of
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.datasets.track import FileTrack
from pi_amt.models.loading import cached_model
from pi_amt.models.transcriber import Transcriber
from pi_amt.permutations.effects import EffectMeter
from pi_amt.permutations.permutation import Permutation
from pi_amt.scoring.frames import FrameScorer
from pi_amt.study import evaluate

Clock = Callable[[], float]


def stages(rounds: int) -> list[Line]:
    """Processor seconds of eight conditions, by model."""
    del rounds
    lines: list[Line] = []
    for name, tracks in (("basic_pitch", demo_tracks(6)), ("timbre_trap", demo_tracks(1, 9.0))):
        ledger = split(name, tracks, "cpu", time.process_time)
        lines += ledger_lines(name, ledger)
    return lines


def ledger_lines(name: str, ledger: dict[str, float]) -> list[Line]:
    """A ledger as lines, the longest stage first."""
    total = sum(ledger.values())
    return [
        Line(f"{name}: {stage}", seconds(spent), f"{100 * spent / total:.0f} %")
        for stage, spent in sorted(ledger.items(), key=lambda item: -item[1])
    ]


def split(name: str, tracks: list[FileTrack], device: str, clock: Clock) -> dict[str, float]:
    """Seconds of eight conditions by stage, after a round that warms up."""
    model = cached_model(spec_of(name, device))
    run_study(name, tracks, device=device)
    ledger: dict[str, float] = {}
    started = clock()
    with _stopwatch(model, ledger, clock):
        run_study(name, tracks, device=device)
    ledger["the rest"] = clock() - started - sum(ledger.values())
    return ledger


@contextmanager
def _stopwatch(model: Transcriber, ledger: dict[str, float], clock: Clock) -> Iterator[None]:
    """Add up time by stage while recordings are evaluated; no stage contains another."""

    def timed(stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **options: Any) -> Any:
            started = clock()
            try:
                return function(*args, **options)
            finally:
                ledger[stage] = ledger.get(stage, 0.0) + clock() - started

        return run

    stream = model.stream

    def timed_stream(*args: Any, **options: Any) -> Iterator[Spectrogram]:
        parts = stream(*args, **options)
        following = timed("front end", lambda: next(parts, None))
        while (part := following()) is not None:
            yield part

    decoder, stitcher = type(model.decoder()), type(model.stitcher(1))
    places = (
        (evaluate, "estimate_tuning", "estimate the tuning"),
        (evaluate, "match_notes", "score notes"),
        (evaluate, "score_notes", "score notes"),
        (FileTrack, "audio", "read audio"),
        (FileTrack, "notes", "read notes"),
        (FileTrack, "fingerprint", "hash the files"),
        (model, "resampled", "resample"),
        (model, "outputs", "network"),
        (Permutation, "perturb", "permute"),
        (EffectMeter, "push", "account of removed energy"),
        (stitcher, "push", "stitch"),
        (decoder, "push", "decode"),
        (decoder, "finish", "decode"),
        (FrameScorer, "push", "score frames"),
        (FrameScorer, "finish", "score frames"),
    )
    with ExitStack() as stack:
        stack.enter_context(patch.object(model, "stream", timed_stream))
        for owner, name, stage in places:
            replaced = timed(stage, getattr(owner, name))
            stack.enter_context(patch.object(owner, name, replaced))
        yield
