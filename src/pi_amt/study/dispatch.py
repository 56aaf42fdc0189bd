"""Gives jobs to executors and takes their results back, whatever dies on the way.

When a worker dies, nobody knows which of the jobs in flight killed it, or whether a job had begun.
They are all tried once more, one at a time; only a job that kills its worker twice when alone is
given up, as error rows.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from dataclasses import dataclass, field
from pickle import PicklingError

from pi_amt.models.loading import built
from pi_amt.study.evaluate import evaluate
from pi_amt.study.executors.processes import ExecutorFactory, WorkerDied, in_flight
from pi_amt.study.jobs import Job, JobResult, error_rows

#: for what cannot travel between processes
_WAYS_OUT = (
    'give the model by name ("module:function" that makes it), so that each process makes its own, '
    "or use n_jobs=1"
)

Work = Callable[[Job], JobResult]
Finished = Generator[tuple[Job, JobResult], None, None]


def run_jobs(
    jobs: Iterable[Job], make_executor: ExecutorFactory, work: Work = evaluate
) -> Finished:
    """Run jobs, a bounded number in flight; yield each with its result as it finishes.

    Args:
        jobs: what to do.
        make_executor: makes the executor, and another one when its workers have died.
        work: what a worker does with a job.
    """
    waiting = deque(jobs)
    suspects = _Suspects()
    while waiting or suspects.jobs:
        flight: dict[Future[JobResult], Job] = {}
        alone = False
        try:
            with make_executor() as executor:
                yield from _together(executor, work, waiting, flight, suspects)
                alone = True
                yield from _one_by_one(executor, work, suspects)
        except BrokenExecutor as error:
            if alone:
                yield from suspects.first_died(error)
            suspects.jobs += flight.values()


@dataclass
class _Suspects:
    """Jobs that may have killed a worker.

    Attributes:
        jobs: to be tried alone, in this order.
        deaths: how often the first of them killed a worker when it was alone.
    """

    jobs: deque[Job] = field(default_factory=deque)
    deaths: int = 0

    def first_died(self, error: BaseException) -> Finished:
        """The first job killed its worker: the second time this is its result."""
        self.deaths += 1
        if self.deaths == 2:
            job = self.take()
            yield job, _died(job, error)

    def take(self) -> Job:
        """The first job, which is done with."""
        self.deaths = 0
        return self.jobs.popleft()


def _together(
    executor: Executor,
    work: Work,
    waiting: deque[Job],
    flight: dict[Future[JobResult], Job],
    suspects: _Suspects,
) -> Finished:
    """Run the waiting jobs; those that may have killed a worker stay in flight or are suspects."""
    while waiting or flight:
        while waiting and len(flight) < in_flight(executor):
            future = executor.submit(work, waiting[0])  # may raise: then the job still waits
            flight[future] = waiting.popleft()
        finished, _ = wait(flight, return_when=FIRST_COMPLETED)
        broken: BaseException | None = None
        for future in finished:
            error = future.exception()
            if isinstance(error, WorkerDied):
                suspects.jobs.append(flight.pop(future))
            elif isinstance(error, BrokenExecutor):
                broken = error
            elif isinstance(error, PicklingError):
                raise _cannot_be_sent(flight[future], error) from error
            else:
                yield flight.pop(future), future.result()
        if broken is not None:
            raise broken


def _one_by_one(executor: Executor, work: Work, suspects: _Suspects) -> Finished:
    """Run each suspect alone: if a worker dies now, it was the first of them."""
    while suspects.jobs:
        try:
            result = executor.submit(work, suspects.jobs[0]).result()
        except WorkerDied as error:
            yield from suspects.first_died(error)
            continue
        yield suspects.take(), result


def _died(job: Job, error: BaseException) -> JobResult:
    """The rows of a job that killed its worker, or that no worker could read."""
    reason = "the worker process died twice on this recording (out of memory?)"
    if error.__cause__ is not None and "un-serialize" in str(error):  # in the words of loky
        reason = (
            f"a worker process cannot read the model, the recording or a condition "
            f"({_last_line(error.__cause__)}), expected that it can import all that they need: "
            f"{_WAYS_OUT}"
        )
    return JobResult(error_rows(job, ChildProcessError(reason)), "")


def _cannot_be_sent(job: Job, error: BaseException) -> ValueError:
    """What to do about a job that no other process can be given."""
    reason = _last_line(error.__cause__ or error)
    return ValueError(
        f"{built(job.model).identity.name} on {job.track.name}: got a model, a recording or a "
        f"condition that cannot be sent to another process ({reason}), expected what pickle can "
        f"keep: {_WAYS_OUT}"
    )


def _last_line(error: BaseException) -> str:
    """The end of an error, of which a worker may have sent its whole traceback as text."""
    lines = str(error).strip().strip('"').splitlines()
    return lines[-1].strip() if lines else type(error).__name__
