"""The unit of work: one recording with all its conditions, (job) → rows.

The recording is read, resampled and analysed once; its blocks go by as a stream; every condition
perturbs each part of the stream, and the network runs on all of them as one batch. Nothing here
depends on which worker runs it, on the order of jobs or on the other conditions of the job.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray

from pi_amt import anatomy
from pi_amt.conditions import Condition
from pi_amt.donors import donor_pool
from pi_amt.effects import EffectMeter
from pi_amt.jobs import Job, JobResult, blank_row, empty_rows, error_rows, model_of
from pi_amt.models import ModelSpec
from pi_amt.models.transcriber import Decoder, Stitcher, Transcriber
from pi_amt.notes import Notes
from pi_amt.permutations.permutation import Neighbour, Permutation
from pi_amt.scoring import FrameScorer, match_notes, score_notes
from pi_amt.spectrogram import Spectrogram
from pi_amt.store import Row
from pi_amt.tuning import estimate_tuning

Samples = NDArray[np.float32]


def evaluate(job: Job) -> JobResult:
    """Compute all rows of a job.

    Errors of a file (missing, truncated, not audio, …) and errors while computing are both kept
    as rows with their reason, so that a study goes on and lists them at its end. With
    ``device=auto`` a GPU that cannot hold a single block hands the recording to the CPU.
    """
    model = model_of(job)
    try:
        fingerprint = job.track.fingerprint()
    except (OSError, ValueError) as error:
        return JobResult(error_rows(job, error), "")
    try:
        recording = _Recording.read(job)
        settled, reasons = _settled(model, job, recording)
        runs = _stream(model, job, recording, settled)
        rows = dict(zip(settled, _finish(model, job, recording, fingerprint, runs), strict=True))
        rows |= zip(reasons, empty_rows(job, reasons, fingerprint), strict=True)
    except torch.OutOfMemoryError as error:
        on_cpu = job.model.on_cpu() if isinstance(job.model, ModelSpec) else None
        if on_cpu is None:
            full = f"{model.device} is full ({error}): free it, or run with device=cpu"
            return JobResult(error_rows(job, RuntimeError(full), fingerprint), fingerprint)
        warnings.warn(f"{model.device} is full: going on with the CPU", stacklevel=2)
        return evaluate(replace(job, model=on_cpu))
    except Exception as error:  # one bad recording must not end a study of thousands
        return JobResult(error_rows(job, error, fingerprint), fingerprint)
    return JobResult(tuple(rows[condition] for condition in job.conditions), fingerprint)


@dataclass(frozen=True)
class _Recording:
    samples: Samples
    sample_rate: int
    reference: Notes
    tuning_cents: float

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.sample_rate

    def stream(self, model: Transcriber) -> Iterator[Spectrogram]:
        return model.stream(self.samples, self.sample_rate, tuning_cents=self.tuning_cents)

    @staticmethod
    def read(job: Job) -> _Recording:
        samples, sample_rate = job.track.audio()
        if job.tuning == "estimate":
            tuning = estimate_tuning(samples, sample_rate)
        else:
            tuning = 0.0 if job.tuning == "off" else float(job.tuning)
        return _Recording(samples, sample_rate, job.track.notes(), tuning)


@dataclass
class _Run:
    """The state of one condition while the recording streams by."""

    condition: Condition
    permutation: Permutation
    key: int
    neighbour: Neighbour | None
    stitcher: Stitcher
    decoder: Decoder
    frame_scorer: FrameScorer
    meter: EffectMeter = field(default_factory=EffectMeter)
    frames: int = 0
    elapsed: float = 0.0
    settled: Permutation | None = None

    def perturb(self, clean: Spectrogram, notes: Notes) -> Spectrogram:
        started = time.perf_counter()
        permutation = self.settled or self.condition.permutation
        key, other = self.key, self.neighbour
        perturbed = permutation(clean, notes, key=key, neighbour=other)
        self.meter.push(clean, perturbed, permutation, notes, key=key, neighbour=other)
        self.elapsed += time.perf_counter() - started
        if self.condition.normalization == "model":
            perturbed = replace(perturbed, reference=None)
        return perturbed

    def push(self, model: Transcriber, outputs: Mapping[str, torch.Tensor] | None) -> None:
        """Take the network's outputs for some blocks; ``None`` ends the recording."""
        started = time.perf_counter()
        done = self.stitcher.finish() if outputs is None else self.stitcher.push(outputs)
        n = len(next(iter(done.values()), ()))
        if n:
            times = model.frame_times(n, self.frames)
            self.frame_scorer.push(times, model.pitch_activity(done))
            self.decoder.push(done)
            self.frames += n
        self.elapsed += time.perf_counter() - started


def _settled(
    model: Transcriber, job: Job, recording: _Recording
) -> tuple[dict[Condition, Permutation], dict[Condition, str]]:
    """The permutations as they are for this recording, and the reasons of those that cannot be.

    Some must read the whole clean recording first, and may find nothing to compare in it.
    """
    settled: dict[Condition, Permutation] = {c: c.permutation for c in job.conditions}
    passes = {c: prepass for c in settled if (prepass := c.permutation.prepass()) is not None}
    reasons: dict[Condition, str] = {}
    if passes:
        for clean in recording.stream(model):
            for condition, prepass in passes.items():
                key = condition.key_for(job.dataset, job.track.name)
                prepass.push(clean, recording.reference, key)
    for condition, prepass in passes.items():
        try:
            settled[condition] = prepass.finish()
        except ValueError as error:
            reasons[condition] = str(error)
            del settled[condition]
    return settled, reasons


def _stream(
    model: Transcriber,
    job: Job,
    recording: _Recording,
    settled: Mapping[Condition, Permutation],
) -> list[_Run]:
    """Analyse, perturb and run the network on one part of the recording after the other."""
    runs: list[_Run] = []
    for clean in recording.stream(model) if settled else ():
        runs = runs or [
            _start_run(model, job, recording, condition, permutation, clean.n_samples)
            for condition, permutation in settled.items()
        ]
        perturbed = [run.perturb(clean, recording.reference) for run in runs]
        started = time.perf_counter()
        outputs = model.outputs(perturbed)
        share = (time.perf_counter() - started) / len(runs)
        for run, output in zip(runs, outputs, strict=True):
            run.elapsed += share
            run.push(model, output)
    for run in runs:
        run.push(model, None)
    return runs


def _start_run(
    model: Transcriber,
    job: Job,
    recording: _Recording,
    condition: Condition,
    permutation: Permutation,
    n_samples: int,
) -> _Run:
    return _Run(
        condition,
        permutation,
        condition.key_for(job.dataset, job.track.name),
        _neighbour(model, job, recording, condition),
        model.stitcher(n_samples),
        model.decoder(),
        FrameScorer(recording.reference, model.frame_threshold),
    )


def _finish(
    model: Transcriber,
    job: Job,
    recording: _Recording,
    fingerprint: str,
    runs: Sequence[_Run],
) -> list[Row]:
    """Decode and score each condition, the baseline first: the others are compared with it."""
    baseline = anatomy.NoteTable.from_bytes(job.baseline) if job.baseline else None
    rows: dict[int, Row] = {}
    for i in sorted(range(len(runs)), key=lambda i: runs[i].condition.role != "baseline"):
        run = runs[i]
        started = time.perf_counter()
        estimate = run.decoder.finish()
        reference = recording.reference
        pairs = match_notes(reference, estimate)
        table = anatomy.annotate(reference, estimate, pairs)
        if run.condition.role == "baseline" and run.condition.normalization == "frozen":
            baseline = table
        scores = {**score_notes(reference, estimate), **run.frame_scorer.finish()}
        counts = {"reference": len(reference), "estimate": len(estimate), "matched": len(pairs)}
        if baseline is not None:
            counts |= anatomy.compare(baseline, table).counts()
        elapsed = run.elapsed + time.perf_counter() - started
        rows[i] = replace(
            blank_row(job, model, run.condition, fingerprint),
            seconds=recording.seconds,
            scores=scores if len(reference) else dict.fromkeys(scores, float("nan")),
            effects={**run.meter.finish(), "tuning_cents": recording.tuning_cents},
            counts=counts,
            notes=table.to_bytes(),
            elapsed_seconds=elapsed,
        )
    return [rows[i] for i in range(len(runs))]


def _neighbour(
    model: Transcriber, job: Job, recording: _Recording, condition: Condition
) -> Neighbour | None:
    """What the condition borrows: the next track's notes, or a pool of donor sound."""
    needs = condition.permutation.needs_neighbour
    if not needs:
        return None
    if needs == "own_spectrogram":
        pool = donor_pool(recording.stream(model), recording.seconds)
        return Neighbour(job.track.name, recording.reference, pool)
    if job.neighbour is None:
        raise ValueError(f"{condition.label}: needs another recording, the dataset has only one")
    notes = job.neighbour.notes()
    if needs == "notes":
        length = job.neighbour.duration_seconds or float(notes.offsets.max(initial=0.0))
        return Neighbour(job.neighbour.name, notes.looped(length, recording.seconds))
    samples, sample_rate = job.neighbour.audio()
    pool = donor_pool(model.stream(samples, sample_rate), len(samples) / sample_rate)
    return Neighbour(job.neighbour.name, notes, pool)
