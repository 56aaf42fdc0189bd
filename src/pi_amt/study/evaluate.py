"""The unit of work: one recording with all its conditions, (job) → rows.

The recording is read and resampled once, its conditions are settled on it and given what they
borrow, and it streams by (:mod:`pi_amt.study.streaming`). Then each carrier
(:mod:`pi_amt.study.carriers`) streams by in its place, under the conditions that ask for it. In the
end each condition's notes are scored.

Nothing here depends on which worker runs it, on the order of jobs or on the other conditions of the
job.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from pi_amt.core.audio import check_audio
from pi_amt.core.notes import Notes
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.core.tuning import estimate_tuning
from pi_amt.datasets.track import Track
from pi_amt.models.devices import is_full
from pi_amt.models.loading import ModelSpec, built
from pi_amt.models.transcriber import MeasuringStitcher, Transcriber
from pi_amt.permutations.partial_powers import Overview
from pi_amt.permutations.permutation import Neighbour, Permutation, Prepass, Scene
from pi_amt.permutations.reach import count_out_of_reach, removed_from_tones_db
from pi_amt.scoring import anatomy
from pi_amt.scoring.alignment import delayed, onset_offset_ms
from pi_amt.scoring.matching import match_notes
from pi_amt.scoring.note_table import NoteTable
from pi_amt.scoring.notes import score_notes, score_tolerances
from pi_amt.scoring.plugins import plugged_scores
from pi_amt.store.rows import BASELINE, Row
from pi_amt.study.carriers import carried
from pi_amt.study.conditions import Condition
from pi_amt.study.jobs import Job, JobResult, blank_row, error_rows, refused_row
from pi_amt.study.neighbours import Lender
from pi_amt.study.streaming import Account, Pass, Recording, W, overview_for, run_conditions


def evaluate(job: Job) -> JobResult:
    """Compute all rows of a job.

    Errors of a file (missing, truncated, not audio, …) and errors while computing are both kept
    as rows with their reason, so that a study goes on and lists them at its end. With
    ``device=auto`` a GPU that cannot hold a single block hands the recording to the CPU.
    """
    model = built(job.model)
    started = time.perf_counter()  # a worker loads a model once, not for each recording
    # A model that loads its weights when it is first called has its own identity only afterwards.
    changed = job.model_has_changed()
    result = _evaluate(model, job, started)
    if changed and job.model_has_changed():
        error = ValueError(
            f"{model.identity.name}: got other values from the modules of this model than in the "
            "process that started the study, because each process imports them anew, expected "
            "the same: load weights when the module is imported, hold them in an object that is "
            "the model, or use n_jobs=1"
        )
        result = JobResult(error_rows(job, error, result.fingerprint), result.fingerprint)
    return replace(result, took_seconds=time.perf_counter() - started)


def _evaluate(model: Transcriber, job: Job, started: float) -> JobResult:
    """The rows of a job that began at ``started``."""
    pulse = job.pulse
    try:
        fingerprint = job.track.fingerprint()
    except Exception as error:
        return JobResult(error_rows(job, error), "")
    job = job.with_neighbour()
    try:
        recording = read_recording(job, model)
        beat = None if pulse is None else partial(pulse.beat, started)
        passes, refused = _streamed(model, job, recording, beat)
        rows = _scored(model, job, recording, fingerprint, passes)
        for condition, reason in refused.items():
            rows[condition] = refused_row(job, condition, reason, fingerprint)
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
    # not in the handler: there the error still holds on to memory of the GPU
    warnings.warn(f"{model.device} is full: going on with the CPU", stacklevel=2)
    return evaluate(replace(job, model=on_cpu))


def read_recording(job: Job, model: Transcriber) -> Recording:
    """The job's recording, at the model's own rate where the model says so."""
    samples, sample_rate = job.track.audio()
    check_audio(samples, sample_rate)
    seconds = len(samples) / sample_rate
    if job.tuning == "estimate":
        measured = getattr(job.track, "has_measured_pitches", False)
        tuning = 0.0 if measured else estimate_tuning(samples, sample_rate)
    else:
        tuning = 0.0 if job.tuning == "off" else float(job.tuning)
    samples, sample_rate = model.resampled(samples, sample_rate)
    return Recording(
        job.dataset, job.track.name, samples, sample_rate, seconds, job.track.notes(), tuning
    )


def _streamed(
    model: Transcriber, job: Job, recording: Recording, beat: Callable[[float], None] | None
) -> tuple[list[Pass[Account]], dict[Condition, Exception]]:
    """Run all conditions of the job, first those that hear the recording itself.

    Returns:
        The passes, ready to be decoded, the baseline first; and the errors of the conditions that
        cannot be run. What a carrier raises costs only the conditions that hear it.
    """
    by_carrier: dict[str, list[Condition]] = {"": []}
    for condition in job.conditions:
        by_carrier.setdefault(condition.permutation.carrier, []).append(condition)
    passes: list[Pass[Account]] = []
    refused: dict[Condition, Exception] = {}
    done = 0
    for carrier, conditions in by_carrier.items():
        begun, share = done / len(job.conditions), len(conditions) / len(job.conditions)

        def told(part: float, begun: float = begun, share: float = share) -> None:
            if beat is not None:
                beat(begun + share * part)

        try:
            # not kept here: of a long recording there is room for one carrier at a time
            some, not_run = run_settled(
                model,
                carried(recording, carrier, job.neighbour),
                conditions,
                partial(Account, recording.reference, model.frame_threshold),
                job.neighbour,
                beat=told,
            )
        except Exception as error:
            if not carrier or is_full(error):  # the recording's own fault, or of the GPU
                raise
            some, not_run = [], dict.fromkeys(conditions, error)
        passes += some
        refused |= not_run
        done += len(conditions)
    return passes, refused


def run_settled(
    model: Transcriber,
    heard: Recording,
    conditions: Sequence[Condition],
    watch: Callable[[], W],
    other: Track | None = None,
    **options: Any,
) -> tuple[list[Pass[W]], dict[Condition, Exception]]:
    """Settle some conditions on what the model hears, lend them what they need, and run them.

    Args:
        model: the model.
        heard: what it hears: the recording, or a carrier in its place.
        conditions: in any order.
        watch: makes the watcher of one condition.
        other: the recording that conditions may borrow from.
        options: of :func:`~pi_amt.study.streaming.run_conditions`.

    Returns:
        The passes, ready to be decoded, the baseline first; and the errors of the conditions that
        cannot be run.
    """
    settled, lent, overview, refused = settle(model, heard, conditions, other)
    passes, not_run = run_conditions(
        model, heard, settled, lent, watch, overview=overview, **options
    )
    return passes, refused | not_run


def settle(
    model: Transcriber,
    heard: Recording,
    conditions: Sequence[Condition],
    other: Track | None = None,
) -> tuple[
    dict[Condition, Permutation],
    dict[Condition, Neighbour | None],
    Overview | None,
    dict[Condition, Exception],
]:
    """Get some conditions ready for what the model hears.

    Returns:
        The permutations as they are for it; what those that can be run borrow; the overview, where
        one needs it; and the errors of the conditions that cannot be run.
    """
    settled, refused = _settled(model, heard, conditions)
    lent = _lent(Lender(model, heard, other), settled, refused)
    return settled, lent, overview_for(model, heard, settled.values()), refused


def _settled(
    model: Transcriber, recording: Recording, conditions: Sequence[Condition]
) -> tuple[dict[Condition, Permutation], dict[Condition, Exception]]:
    """The permutations as they are for this recording, and the errors of those that cannot be.

    Some must read the whole clean recording first, and may find nothing to compare in it.
    """
    settled: dict[Condition, Permutation] = {c: c.permutation for c in conditions}
    prepasses: dict[Condition, Prepass] = {}
    refused: dict[Condition, Exception] = {}

    def refuse(condition: Condition, error: Exception) -> None:
        if is_full(error):  # of the GPU: nothing that a condition could help
            raise error
        refused[condition] = error
        settled.pop(condition)
        prepasses.pop(condition, None)

    for condition in conditions:
        try:
            if (prepass := condition.permutation.prepass()) is not None:
                prepasses[condition] = prepass
        except Exception as error:
            refuse(condition, error)
    for clean in recording.stream(model) if prepasses else ():
        for condition, prepass in list(prepasses.items()):
            key = condition.key_for(recording.dataset, recording.track)
            try:
                scene = Scene(clean, recording.reference, key)
                prepass.push(scene, model.counted_frames(clean))
            except Exception as error:
                refuse(condition, error)
    for condition, prepass in list(prepasses.items()):
        try:
            settled[condition] = prepass.finish()
        except Exception as error:
            refuse(condition, error)
    return settled, refused


def _lent(
    lender: Lender, conditions: Iterable[Condition], refused: dict[Condition, Exception]
) -> dict[Condition, Neighbour | None]:
    """What the conditions borrow; ``refused`` gets the errors of those that cannot."""
    lent: dict[Condition, Neighbour | None] = {}
    for condition in conditions:
        try:
            lent[condition] = lender.lend(condition.permutation.needs_neighbour)
        except Exception as error:
            if is_full(error):  # of the GPU: not the neighbour's fault
                raise
            refused[condition] = error
    return lent


def _scored(
    model: Transcriber,
    job: Job,
    recording: Recording,
    fingerprint: str,
    passes: Sequence[Pass[Account]],
) -> dict[Condition, Row]:
    """Decode and score each condition: first the baseline, with which the others are compared."""
    baseline = NoteTable.from_bytes(job.baseline) if job.baseline else None
    aligned_ms = job.baseline_aligned_ms
    reference = recording.reference
    rows: dict[Condition, Row] = {}
    for one in passes:
        started = time.perf_counter()
        estimate = one.decoder.finish()
        is_baseline = one.condition.role == "baseline" and one.condition.normalization == "frozen"
        effects = _effects(model, recording, one, estimate)
        if job.align == "median":
            if is_baseline:
                aligned_ms = effects.get("onset_offset_ms") or 0.0
            if aligned_ms is None:
                error = ValueError(f"align: got no {BASELINE}, whose onsets tell the shift")
                rows[one.condition] = refused_row(job, one.condition, error, fingerprint)
                continue
            estimate = delayed(estimate, -aligned_ms / 1000)
            effects["aligned_ms"] = aligned_ms
        table = anatomy.annotate(reference, estimate, match_notes(reference, estimate))
        notes = table.to_bytes()
        if is_baseline:
            # rounded as in the store, because a study that is resumed compares with the stored one
            baseline = NoteTable.from_bytes(notes)
        rows[one.condition] = replace(
            blank_row(job, model, one.condition, fingerprint),
            seconds=recording.seconds,
            scores=_scores(reference, estimate, one.watcher),
            effects=effects,
            counts=_counts(model, one, table, baseline),
            notes=notes,
            elapsed_seconds=one.elapsed + time.perf_counter() - started,
            out_of_distribution=_out_of_distribution(one.permutation),
        )
    return rows


def _effects(
    model: Transcriber, recording: Recording, one: Pass[Account], estimate: Notes
) -> dict[str, float]:
    """What a condition did to the input, and by how much the notes come late."""
    effects = {**one.watcher.meter.finish(), "tuning_cents": recording.tuning_cents}
    if isinstance(one.stitcher, MeasuringStitcher):
        effects |= one.stitcher.effects()
    effects |= _removed_from_tones(model, one)
    late_ms = onset_offset_ms(recording.reference, estimate)
    return effects if late_ms is None else {**effects, "onset_offset_ms": late_ms}


def _counts(
    model: Transcriber, one: Pass[Account], table: NoteTable, baseline: NoteTable | None
) -> dict[str, int]:
    """How many notes there are, cannot be reached, and are lost or won against the baseline."""
    matched = int(table.matched.sum())
    counts = {
        "reference": len(table.onset),
        "estimate": matched + len(table.false_onset),
        "matched": matched,
    }
    counts |= _out_of_reach(model, one)
    if baseline is not None:
        counts |= anatomy.compare(baseline, table).counts()
    return counts


def _out_of_reach(model: Transcriber, one: Pass[Account]) -> dict[str, int]:
    """How many reference notes a condition cannot be valid for; nothing where it is no mask."""
    if (axis := _axis_of(one)) is None:
        return {}
    found = count_out_of_reach(one.permutation, axis, one.notes, model.steady_from)
    return {} if found is None else {"out_of_reach": found}


def _removed_from_tones(model: Transcriber, one: Pass[Account]) -> dict[str, float]:
    """What a condition takes from steady tones, in dB; nothing where it removes no partials."""
    if (axis := _axis_of(one)) is None:
        return {}
    found = removed_from_tones_db(one.permutation, axis, one.notes, model.steady_from)
    return {} if found is None else {"removed_db_tones": found}


def _axis_of(one: Pass[Account]) -> Spectrogram | None:
    """The axis on which a condition acted; ``None`` for the baseline and for controls, of whose
    reach nothing is told."""
    return one.watcher.axis if one.condition.role == "condition" else None


def _scores(reference: Notes, estimate: Notes, watcher: Account) -> dict[str, float]:
    """All scores of one condition; NaN where the reference has no notes."""
    scores = {
        **score_notes(reference, estimate),
        **score_tolerances(reference, estimate),
        **watcher.frame_scorer.finish(),
        **plugged_scores(reference, estimate),
    }
    return scores if len(reference) else dict.fromkeys(scores, float("nan"))


def _out_of_distribution(permutation: Permutation) -> str:
    """Whether a permutation says that its input is out of distribution: ``yes``, ``no`` or empty.

    A class of a user may fail to answer; that is no reason to lose the results of a recording.
    """
    try:
        return "yes" if permutation.out_of_distribution else "no"
    except Exception:
        return ""
