"""Jobs to executors: order of tries, dead workers, guilt; nothing is lost and nothing twice."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.toys import TOY, ToyTrack

from pi_amt.models.loading import ModelSpec
from pi_amt.study.conditions import make_conditions
from pi_amt.study.dispatch import run_jobs
from pi_amt.study.executors.processes import InlineExecutor, WorkerDied, local
from pi_amt.study.jobs import Job, JobResult

CONDITIONS = tuple(make_conditions(["fund_mask"]))


def jobs_named(*names: str) -> list[Job]:
    return [Job(ModelSpec(TOY), "toy", ToyTrack(name), CONDITIONS) for name in names]


def echo(job: Job) -> JobResult:
    return JobResult((), job.track.name)


def outcomes(results: Iterator[tuple[Job, JobResult]]) -> list[tuple[str, str]]:
    """Track name and ``ok`` or the reason, in the order of finishing."""
    found = []
    for job, result in results:
        assert result.rows == () or len(result.rows) == len(job.conditions)
        found.append((job.track.name, result.rows[0].error if result.rows else "ok"))
    return found


@dataclass
class FragilePool(Executor):
    """A pool that runs ``in_flight`` jobs at a time and breaks as a whole when one of them kills.

    Jobs named ``killer…`` kill always, jobs named ``once…`` the first time.

    Attributes:
        log: the names of the jobs that were in the pool together, for each round.
        died: names of the jobs that have killed, shared by successive pools.
    """

    in_flight: int
    log: list[str]
    died: set[str]
    queue: list[tuple[Future[Any], Callable[..., Any], Job]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        with self.lock:
            self.queue.append((future, fn, args[0]))
            full = len(self.queue) >= self.in_flight
        # an idle pool runs what it has; the driver would wait for ever for the pool to fill
        threading.Timer(0.0 if full else 0.25, self.run).start()
        return future

    def run(self) -> None:
        """Run what is queued."""
        with self.lock:
            queue, self.queue = self.queue, []
        names = [job.track.name for _, _, job in queue]
        if names:
            self.log.append(" ".join(names))
        kills = [
            name
            for name in names
            if name.startswith("killer") or (name.startswith("once") and name not in self.died)
        ]
        self.died.update(kills)
        for future, fn, job in queue:
            if kills:
                future.set_exception(BrokenExecutor("a worker died"))
            else:
                future.set_result(fn(job))


def fragile(size: int, log: list[str]) -> Callable[[], AbstractContextManager[Executor]]:
    died: set[str] = set()
    return lambda: nullcontext(FragilePool(size, log, died))


def test_every_job_comes_back_once_with_its_result() -> None:
    results = run_jobs(jobs_named("a", "b", "c"), lambda: nullcontext(InlineExecutor()), echo)
    assert [(job.track.name, result.fingerprint) for job, result in results] == [
        ("a", "a"),
        ("b", "b"),
        ("c", "c"),
    ]


def test_nothing_to_do_starts_no_executor() -> None:
    def refuse() -> AbstractContextManager[Executor]:
        raise AssertionError("started")

    assert list(run_jobs([], refuse, echo)) == []


def test_only_the_guilty_job_becomes_an_error() -> None:
    log: list[str] = []
    names = ("a", "b", "killer", "c", "d", "e")
    found = outcomes(run_jobs(jobs_named(*names), fragile(3, log), echo))
    reasons = dict(found)
    assert sorted(reasons) == sorted(names)
    assert len(found) == len(names)
    assert "died twice" in reasons.pop("killer")
    assert set(reasons.values()) == {"ok"}
    assert log[0] == "a b killer"
    assert log.count("killer") == 2  # twice alone


def test_a_job_whose_worker_died_by_chance_succeeds_when_tried_again() -> None:
    log: list[str] = []
    found = outcomes(run_jobs(jobs_named("a", "once", "b", "c"), fragile(2, log), echo))
    assert sorted(found) == [("a", "ok"), ("b", "ok"), ("c", "ok"), ("once", "ok")]


def test_several_killers_are_told_apart() -> None:
    names = ("killer 1", "a", "killer 2", "b")
    found = dict(outcomes(run_jobs(jobs_named(*names), fragile(4, []), echo)))
    assert {name for name, reason in found.items() if reason == "ok"} == {"a", "b"}


def test_a_job_is_not_lost_when_the_pool_is_broken_before_it_is_submitted() -> None:
    class BrokenAtFirst(InlineExecutor):
        made = 0

        def __init__(self) -> None:
            BrokenAtFirst.made += 1
            self._broken = BrokenAtFirst.made == 1

        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            if self._broken:
                raise BrokenExecutor("broken before the first job")
            return super().submit(fn, *args, **kwargs)

    results = run_jobs(jobs_named("a", "b"), lambda: nullcontext(BrokenAtFirst()), echo)
    assert outcomes(results) == [("a", "ok"), ("b", "ok")]


def test_a_cluster_that_lost_one_worker_goes_on_with_the_others() -> None:
    """``WorkerDied`` concerns one job: the executor stays, the job is tried again at the end."""
    tried: list[str] = []
    made: list[InlineExecutor] = []

    def work(job: Job) -> JobResult:
        tried.append(job.track.name)
        if job.track.name == "killer" or (job.track.name == "once" and tried.count("once") == 1):
            raise WorkerDied("lost")
        return echo(job)

    def make() -> AbstractContextManager[Executor]:
        made.append(InlineExecutor())
        return nullcontext(made[-1])

    found = outcomes(run_jobs(jobs_named("killer", "a", "once", "b"), make, work))
    assert tried == ["killer", "a", "once", "b", "killer", "killer", "once"]
    assert [name for name, reason in found if reason == "ok"] == ["a", "b", "once"]
    assert "died twice" in dict(found)["killer"]
    assert len(made) == 1


def test_other_errors_of_the_engine_end_the_study() -> None:
    def work(job: Job) -> JobResult:
        raise ConnectionError("the scheduler went away")

    with pytest.raises(ConnectionError, match="went away"):
        list(run_jobs(jobs_named("a"), lambda: nullcontext(InlineExecutor()), work))


def test_the_executor_is_closed_when_the_caller_stops_early() -> None:
    closed: list[bool] = []

    @contextmanager
    def make() -> Iterator[Executor]:
        try:
            yield InlineExecutor()
        finally:
            closed.append(True)

    results = run_jobs(jobs_named("a", "b"), make, echo)
    next(results)
    assert closed == []
    results.close()
    assert closed == [True]


def die_once_or_echo(job: Job) -> JobResult:
    track = job.track
    assert isinstance(track, ToyTrack)
    if track.marker is not None and not track.marker.exists():
        track.marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return echo(job)


def test_a_real_worker_that_is_killed_loses_nothing(tmp_path: Path) -> None:
    tracks = [ToyTrack(name) for name in "abcde"]
    tracks.insert(2, ToyTrack("once", marker=tmp_path / "died"))
    jobs = [Job(ModelSpec(TOY), "toy", track, CONDITIONS) for track in tracks]
    found = dict(outcomes(run_jobs(jobs, lambda: local(2), die_once_or_echo)))
    assert (tmp_path / "died").exists()
    assert found == dict.fromkeys(["a", "b", "c", "d", "e", "once"], "ok")
