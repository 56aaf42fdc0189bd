"""What ``precision=bf16`` saves on this machine's CPU, and what it does to F."""

from __future__ import annotations

from functools import partial

from benchmarks.measure import Line, interleaved, ratio
from benchmarks.studies import demo_tracks, job_of, samples_of, spec_of
from pi_amt.core.units import Samples
from pi_amt.datasets.track import FileTrack
from pi_amt.models.loading import cached_model
from pi_amt.scoring.notes import F_MEASURE
from pi_amt.study.conditions import make_conditions
from pi_amt.study.evaluate import evaluate


def precision(rounds: int) -> list[Line]:
    """Plain transcription of the demo recordings in both precisions."""
    lines = []
    for name, seconds in (("basic_pitch", None), ("timbre_trap", 6.0)):
        tracks = demo_tracks(12, seconds)
        chosen = tracks if name == "basic_pitch" else tracks[:2]  # for the time; F is of all
        tasks = {
            kind: partial(transcribe, name, kind, samples_of(chosen)) for kind in ("fp32", "bf16")
        }
        times = interleaved(tasks, rounds)
        exact, coarse = (f_measure(name, kind, tracks) for kind in ("fp32", "bf16"))
        what = f"{len(tracks)} recordings"
        lines += [
            Line(f"{name}: time of bf16 / fp32", ratio(times["bf16"], times["fp32"])),
            Line(f"{name}: mean F in fp32", f"{exact:.4f}", what),
            Line(f"{name}: mean F in bf16", f"{coarse:.4f}", f"difference {coarse - exact:+.4f}"),
        ]
    return lines


def transcribe(name: str, kind: str, recordings: list[Samples]) -> None:
    """Transcribe samples ``(samples,)`` at 22,050 Hz from sound to notes."""
    model = cached_model(spec_of(name, precision=kind))
    for samples in recordings:
        model.transcribe(samples, 22_050)


def f_measure(name: str, kind: str, tracks: list[FileTrack]) -> float:
    """Mean F of the unperturbed recordings."""
    conditions = tuple(make_conditions(["no_permutation"]))
    rows = [evaluate(job_of(name, track, conditions, precision=kind)).rows[0] for track in tracks]
    return sum(row.scores[F_MEASURE] for row in rows) / len(rows)
