"""Jobs to executors and results back, whatever dies on the way.

When a worker dies, nobody knows which of the jobs in flight killed it. They are all tried once
more, one at a time, and only a job that kills its worker again is given up, as error rows.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait

from pi_amt.executors import ExecutorFactory, WorkerDied, in_flight
from pi_amt.recording import Job, JobResult, error_rows, evaluate

Work = Callable[[Job], JobResult]
Finished = Iterator[tuple[Job, JobResult]]


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
    suspects: deque[Job] = deque()
    while waiting or suspects:
        flight: dict[Future[JobResult], Job] = {}
        alone = False
        try:
            with make_executor() as executor:
                yield from _together(executor, work, waiting, flight, suspects)
                alone = True
                yield from _one_by_one(executor, work, suspects)
        except BrokenExecutor:
            if alone:
                job = suspects.popleft()
                yield job, _died(job)
            suspects += flight.values()


def _together(
    executor: Executor,
    work: Work,
    waiting: deque[Job],
    flight: dict[Future[JobResult], Job],
    suspects: deque[Job],
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
                suspects.append(flight.pop(future))
            elif isinstance(error, BrokenExecutor):
                broken = error
            else:
                yield flight.pop(future), future.result()
        if broken is not None:
            raise broken


def _one_by_one(executor: Executor, work: Work, suspects: deque[Job]) -> Finished:
    """Run each suspect alone: if a worker dies now, it was the first of them."""
    while suspects:
        try:
            result = executor.submit(work, suspects[0]).result()
        except WorkerDied:
            result = _died(suspects[0])
        yield suspects.popleft(), result


def _died(job: Job) -> JobResult:
    error = ChildProcessError("the worker process died twice on this recording (out of memory?)")
    return JobResult(error_rows(job, error), "")
