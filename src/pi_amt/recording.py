"""The unit of work: one recording with all its conditions, (job) → rows.

The recording is read, resampled and analysed once; its blocks go by as a stream; every condition
perturbs each part of the stream, and the network runs on all of them as one batch. Nothing here
depends on which worker runs it, on the order of jobs or on the other conditions of the job.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from pi_amt import anatomy
from pi_amt.audio import check_audio
from pi_amt.conditions import Condition
from pi_amt.donors import Lender
from pi_amt.effects import EffectMeter
from pi_amt.frames import FrameScorer
from pi_amt.jobs import Job, JobResult, blank_row, empty_rows, error_rows
from pi_amt.matching import match_notes
from pi_amt.memory import return_freed_memory
from pi_amt.models import ModelSpec, built
from pi_amt.models.devices import is_full
from pi_amt.models.transcriber import Decoder, Samples, Stitcher, Transcriber
from pi_amt.note_table import NoteTable
from pi_amt.notes import Notes
from pi_amt.permutations.permutation import Neighbour, Permutation
from pi_amt.rows import Row
from pi_amt.scorers import plugged_scores
from pi_amt.scoring import score_notes
from pi_amt.spectrogram import Spectrogram
from pi_amt.tuning import estimate_tuning

# each time costs Timbre-Trap's workers a share of a part, about 2 % of their time in all
_PARTS_PER_TRIM = 4


def evaluate(job: Job) -> JobResult:
    """Compute all rows of a job.

    Errors of a file (missing, truncated, not audio, …) and errors while computing are both kept
    as rows with their reason, so that a study goes on and lists them at its end. With
    ``device=auto`` a GPU that cannot hold a single block hands the recording to the CPU.
    """
    model = built(job.model)
    try:
        fingerprint = job.track.fingerprint()
    except (OSError, ValueError) as error:
        return JobResult(error_rows(job, error), "")
    job = job.with_neighbour()
    try:
        recording = _Recording.read(job, model)
        settled, reasons = _settled(model, job, recording)
        lent, broken = _neighbours(model, job, recording, settled)
        runs, refused = _stream(model, job, recording, settled, lent)
        finished = _finish(model, job, recording, fingerprint, runs)
        rows = dict(zip((run.condition for run in runs), finished, strict=True))
        rows |= zip(reasons, empty_rows(job, reasons, fingerprint), strict=True)
        for condition, reason in (broken | refused).items():
            alone = replace(job, conditions=(condition,))
            (rows[condition],) = error_rows(alone, reason, fingerprint)
    # one bad recording must not end a study of thousands, nor a model that leaves with sys.exit
    except (Exception, SystemExit) as error:
        on_cpu = job.model.on_cpu() if isinstance(job.model, ModelSpec) else None
        if not is_full(error):
            return JobResult(error_rows(job, error, fingerprint), fingerprint)
        if on_cpu is None:
            full = f"{model.device} is full ({error}): free it, or run with device=cpu"
            return JobResult(error_rows(job, RuntimeError(full), fingerprint), fingerprint)
    else:
        return JobResult(tuple(rows[condition] for condition in job.conditions), fingerprint)
    # here, where the error no longer holds what it left on the GPU
    warnings.warn(f"{model.device} is full: going on with the CPU", stacklevel=2)
    return evaluate(replace(job, model=on_cpu))


@dataclass(frozen=True)
class _Recording:
    samples: Samples
    sample_rate: int
    seconds: float
    reference: Notes
    tuning_cents: float

    def stream(self, model: Transcriber) -> Iterator[Spectrogram]:
        return model.stream(self.samples, self.sample_rate, tuning_cents=self.tuning_cents)

    @staticmethod
    def read(job: Job, model: Transcriber) -> _Recording:
        samples, sample_rate = job.track.audio()
        check_audio(samples, sample_rate)
        seconds = len(samples) / sample_rate
        if job.tuning == "estimate":
            tuning = estimate_tuning(samples, sample_rate)
        else:
            tuning = 0.0 if job.tuning == "off" else float(job.tuning)
        samples, sample_rate = model.resampled(samples, sample_rate)
        return _Recording(samples, sample_rate, seconds, job.track.notes(), tuning)


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

    def perturb(self, clean: Spectrogram, notes: Notes, kept: NDArray[np.bool_]) -> Spectrogram:
        started = time.perf_counter()
        key, other = self.key, self.neighbour
        perturbed = self._perturbed(clean, notes)
        self.meter.push(
            clean, perturbed, self.permutation, notes, key=key, neighbour=other, kept=kept
        )
        self.elapsed += time.perf_counter() - started
        if self.condition.normalization == "model":
            perturbed = replace(perturbed, reference=None)
        return perturbed

    def _perturbed(self, clean: Spectrogram, notes: Notes) -> Spectrogram:
        """What the permutation makes of values of its own: users' may work in place."""
        own = clean.with_values(clean.tensor.clone())
        perturbed = self.permutation(own, notes, key=self.key, neighbour=self.neighbour)
        # a sum is NaN or infinite where a value is, and takes far less than a look at each
        if not bool(perturbed.tensor.sum().isfinite()):
            name = self.permutation.name
            raise ValueError(f"{name}: made NaN or infinite values, expected numbers")
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
                prepass.push(clean, recording.reference, key, model.counted_frames(clean))
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
    lent: Mapping[Condition, Neighbour | None],
) -> tuple[list[_Run], dict[Condition, Exception]]:
    """Analyse, perturb and run the network on one part of the recording after the other.

    A condition that cannot perturb this recording is left out, with its error. The baseline goes
    first: a model may compute of the others only what differs from it.
    """
    ordered = sorted(lent.items(), key=lambda item: item[0].role != "baseline")
    runs: list[_Run] = []
    refused: dict[Condition, Exception] = {}
    for number, clean in enumerate(recording.stream(model) if ordered else (), start=1):
        runs = runs or [
            _Run(
                condition,
                settled[condition],
                condition.key_for(job.dataset, job.track.name),
                neighbour,
                model.stitcher(clean.n_samples),
                model.decoder(),
                FrameScorer(recording.reference, model.frame_threshold),
            )
            for condition, neighbour in ordered
            if condition not in refused
        ]
        refused |= _advance(model, recording, runs, clean)
        runs = [run for run in runs if run.condition not in refused]
        if not runs:
            break
        if number % _PARTS_PER_TRIM == 0:
            return_freed_memory()
        if job.pulse is not None:
            job.pulse.beat(float(clean.times.max()) / max(recording.seconds, 1e-9))
    for run in runs:
        run.push(model, None)
    return runs, refused


def _advance(
    model: Transcriber, recording: _Recording, runs: Sequence[_Run], clean: Spectrogram
) -> dict[Condition, Exception]:
    """Take all conditions through one part of the recording.

    Returns:
        The errors of those that cannot perturb it; these are not run.
    """
    kept = model.counted_frames(clean)
    refused: dict[Condition, Exception] = {}
    able: list[_Run] = []
    perturbed: list[Spectrogram] = []
    for run in runs:
        try:
            perturbed.append(run.perturb(clean, recording.reference, kept))
            able.append(run)
        except Exception as error:
            if is_full(error):  # of the GPU: nothing that a condition could help
                raise
            refused[run.condition] = error
    if able:
        started = time.perf_counter()
        outputs = model.outputs(perturbed)
        share = (time.perf_counter() - started) / len(able)
        for run, output in zip(able, outputs, strict=True):
            run.elapsed += share
            run.push(model, output)
    return refused


def _finish(
    model: Transcriber,
    job: Job,
    recording: _Recording,
    fingerprint: str,
    runs: Sequence[_Run],
) -> list[Row]:
    """Decode and score each condition, the baseline first: the others are compared with it."""
    baseline = NoteTable.from_bytes(job.baseline) if job.baseline else None
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
        scores = {
            **score_notes(reference, estimate),
            **run.frame_scorer.finish(),
            **plugged_scores(reference, estimate),
        }
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


def _neighbours(
    model: Transcriber, job: Job, recording: _Recording, conditions: Iterable[Condition]
) -> tuple[dict[Condition, Neighbour | None], dict[Condition, Exception]]:
    """What the conditions borrow, and the errors of those whose neighbour is a broken file."""
    lender = Lender(
        model, job, recording.reference, recording.seconds, partial(recording.stream, model)
    )
    lent: dict[Condition, Neighbour | None] = {}
    broken: dict[Condition, Exception] = {}
    for condition in conditions:
        try:
            lent[condition] = lender.lend(condition.permutation.needs_neighbour)
        except (OSError, ValueError) as error:
            broken[condition] = error
    return lent, broken
