"""The study: recordings × conditions → rows, whatever computes them.

:func:`run_study` is the driver. It finds out which rows are missing, makes one job per recording
with all that is missing for it, gives the jobs to an executor, and writes what comes back.
:func:`pi_amt.importance` is the same for notebooks: it ends in statistics.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from pi_amt.datasets.track import Track
from pi_amt.models.loading import built
from pi_amt.models.transcriber import ModelIdentity
from pi_amt.scoring.notes import check_pitch_units
from pi_amt.scoring.plugins import broken_scorers
from pi_amt.store.rows import Row
from pi_amt.store.store import Store
from pi_amt.study.conditions import Condition
from pi_amt.study.cost import Workload
from pi_amt.study.dispatch import run_jobs
from pi_amt.study.executors.processes import ExecutorFactory, bounded
from pi_amt.study.groups import Group, askable
from pi_amt.study.jobs import Job, JobResult, borrows, row_key
from pi_amt.study.manifest import (
    check_same_study,
    check_unchanged,
    environment,
    sources,
    what_decides,
)
from pi_amt.study.neighbours import neighbours_of
from pi_amt.study.progress import Pulses, StudyProgress


@dataclass
class Summary:
    """What a study did.

    Attributes:
        asked: for each group, the key of every row that it asked for → the row's condition.
        computed: rows computed now.
        reused: rows that were there already.
        errors: rows with an error.
        skipped: plain reasons for conditions that could not be asked for.
        left: recordings that were not computed, because the study stopped at an error.
    """

    asked: list[dict[str, Condition]] = field(default_factory=list)
    computed: int = 0
    reused: int = 0
    errors: list[Row] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    left: int = 0


def run_study(
    groups: Iterable[Group],
    store: Store,
    executor: ExecutorFactory,
    *,
    configuration: Mapping[str, Any] | None = None,
    resumed: Mapping[str, Any] | None = None,
    quiet: bool = False,
    fail_fast: bool = False,
    kept: bool = True,
) -> Summary:
    """Compute and store all rows of the groups that are not stored yet.

    Args:
        groups: models on recordings, with the conditions that are asked of them.
        store: rows are looked up and written here; only this process writes.
        executor: makes the executor that computes; made anew when a worker dies.
        configuration: what the manifest keeps besides versions, machine and files.
        resumed: the manifest of the study that is resumed; nothing may have changed since.
        quiet: no progress bar.
        fail_fast: stop after the first recording with an error.
        kept: whether the store outlives this call.

    Returns:
        What was done.

    Raises:
        ValueError: for settings that cannot work, or a model whose rows cannot be kept. Broken
            recordings raise nothing: they become error rows.
    """
    check_pitch_units()
    for problem in broken_scorers():
        warnings.warn(f"{problem}; rows do not hold its scores", stacklevel=2)
    summary, groups = Summary(), list(groups)
    if kept:
        _check_models(groups)
    check_same_study(groups, store.manifests())
    if resumed is not None:
        check_unchanged(groups, resumed, store)
    with ExitStack() as stack:
        pulses = stack.enter_context(Pulses())
        jobs, asked = _jobs(groups, store, summary, pulses)
        workload = _workload(jobs)
        started = datetime.now(UTC).isoformat(timespec="seconds")
        told = {**environment(), **sources(groups), **what_decides(groups)}
        store.add_manifest(started, {**told, **(configuration or {})})
        results = stack.enter_context(closing(run_jobs(jobs, bounded(executor, len(jobs)))))
        shown = StudyProgress(workload, pulses.under_way, quiet=quiet)
        progress = stack.enter_context(shown)
        numbers = {id(job): number for number, job in enumerate(jobs)}  # two jobs may be equal
        for done, (job, result) in enumerate(results, start=1):
            number, failed = numbers[id(job)], _keep(job, result, store, summary)
            keys = (row.key for row in result.rows)
            asked[number].update(zip(keys, job.conditions, strict=True))
            if job.pulse is not None:
                job.pulse.stop()
            seconds = max((row.seconds for row in result.rows), default=0.0)
            workload.finish(number, result.took_seconds, seconds or None, failed=failed > 0)
            progress.advance(job.track.name, len(result.rows), failed)
            if failed and fail_fast:
                summary.left = len(jobs) - done
                break
    return summary


def _check_models(groups: Iterable[Group]) -> None:
    """Refuse models whose rows another model of the same class would get."""
    for group in groups:
        identity = built(group.model).identity
        if identity.unreadable:
            raise ValueError(
                f"{identity.name}: got {identity.unreadable}, whose contents cannot be read, so "
                "rows of this model could not be told from those of another one; give the model a "
                "fingerprint, a text that changes with its weights (an attribute, or "
                "model.fingerprint=TEXT), before rows are kept"
            )


def _jobs(
    groups: Iterable[Group], store: Store, summary: Summary, pulses: Pulses
) -> tuple[list[Job], list[dict[str, Condition]]]:
    """The jobs of all groups, and for each job the rows that its group asked for.

    The place of a job in the list is its number, by which its pulse and its part of the workload
    are known.
    """
    jobs: list[Job] = []
    asked: list[dict[str, Condition]] = []
    for group in groups:
        summary.asked.append({})
        for job in _missing_jobs(group, store, summary):
            jobs.append(replace(job, pulse=pulses.new(len(jobs))))
            asked.append(summary.asked[-1])
    return jobs, asked


def _workload(jobs: Iterable[Job]) -> Workload:
    """What the jobs cost, each under its number."""
    workload = Workload()
    for job in jobs:
        name = built(job.model).identity.name
        workload.add(name, job.dataset, len(job.conditions), job.track.duration_seconds)
    return workload


def _keep(job: Job, result: JobResult, store: Store, summary: Summary) -> int:
    """Store and count what a worker sent back; returns the number of errors in it."""
    store.write(result.rows)
    if result.fingerprint:
        store.remember(job.track.stamp(), result.fingerprint)
    failed = [row for row in result.rows if row.status == "error"]
    summary.errors += failed
    summary.computed += len(result.rows) - len(failed)
    return len(failed)


def _missing_jobs(group: Group, store: Store, summary: Summary) -> Iterator[Job]:
    """One job per recording for which rows are missing.

    Neither the order of the dataset nor what is missing decides which recording borrows from which.
    """
    tracks, neighbours = sorted(group.tracks, key=lambda t: t.name), neighbours_of(group.tracks)
    model = built(group.model)
    conditions, skipped = askable(group)
    summary.skipped += skipped
    store.regroup(group.dataset, {track.name: track.composition for track in tracks})
    for track in tracks:
        job = Job(
            model=group.model,
            dataset=group.dataset,
            track=track,
            conditions=tuple(conditions),
            neighbour=neighbours[track.name],
            tuning=group.tuning,
            align=group.align,
        )
        job = _without_finished(job, model.identity, store, summary)
        if job.conditions:
            yield job


def _without_finished(job: Job, identity: ModelIdentity, store: Store, summary: Summary) -> Job:
    """The job without the conditions whose rows are stored; these are counted and remembered.

    If the baseline is among them, the job carries its notes, which other conditions are compared
    with.
    """
    fingerprint = _known_fingerprint(job.track, job.dataset, store)
    if fingerprint is None:
        return job
    if job.neighbour is not None and any(map(borrows, job.conditions)):
        other = _known_fingerprint(job.neighbour, job.dataset, store, needed=True)
        job = replace(job, neighbour_fingerprint=other)
    keys = [row_key(identity, job, fingerprint, condition) for condition in job.conditions]
    finished = store.finished(keys)
    asked = dict(zip(keys, job.conditions, strict=True))
    summary.asked[-1] |= {key: c for key, c in asked.items() if key in finished}
    summary.reused += len(finished)
    missing = tuple(c for key, c in asked.items() if key not in finished)
    baseline = next((key for key, c in asked.items() if c.role == "baseline"), None)
    if baseline not in finished or not missing:
        return replace(job, conditions=missing)
    (stored,) = store.rows([baseline])
    aligned_ms = stored.effects.get("aligned_ms")
    return replace(job, conditions=missing, baseline=stored.notes, baseline_aligned_ms=aligned_ms)


def _known_fingerprint(
    track: Track, dataset: str, store: Store, *, needed: bool = False
) -> str | None:
    """The track's fingerprint, or ``None``: then a worker finds it out.

    Files are hashed here only if rows of this track may be stored, or if rows of another track
    depend on it (``needed``).
    """
    stamp = track.stamp()
    known = store.fingerprint(stamp)
    if known is None and (needed or store.knows(dataset, track.name)):
        try:
            known = track.fingerprint()
        except Exception:  # the worker meets it, too, and makes error rows of it
            return None
        store.remember(stamp, known)
    return known
