"""Where jobs run: anything that is a ``concurrent.futures.Executor``.

Each function makes one kind of executor as a context manager; ``conf/executor/*.yaml`` name them
(clusters: :mod:`pi_amt.study.executors.dask_cluster`). A job carries paths and small options, rows
come back; only the driver writes the store. Workers compute with one thread each, so that results
depend neither on their number nor on their place.
"""

from __future__ import annotations

import ctypes
import inspect
import multiprocessing.resource_tracker
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

from pi_amt.core.checks import check_count
from pi_amt.core.text import plural

ExecutorFactory = Callable[[], AbstractContextManager[Executor]]

#: More workers than this on a core are taken for a mistyped number.
_WORKERS_PER_CORE = 8
#: What asks a program to end: ``kill``, a closed terminal, and what batch systems send before they
#: stop a job (SLURM's ``--signal=USR1`` and SIGTERM; soft limits of Grid Engine and LSF).
STOP_SIGNALS = tuple(
    getattr(signal, name)
    for name in ("SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU")
    if hasattr(signal, name)
)
_PR_SET_PDEATHSIG = 1  # of <linux/prctl.h>


class WorkerDied(BrokenExecutor):
    """The worker of one job died; the executor and its other jobs go on."""


class InlineExecutor(Executor):
    """Runs each job at once in this process and thread."""

    in_flight = 1

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def in_flight(executor: Executor) -> int:
    """How many jobs to give to an executor at once.

    There are enough to keep all workers busy, and no more, because jobs in flight may be lost.
    Executors with an attribute ``in_flight`` say the number themselves; others get one job more
    than they have workers.
    """
    told = getattr(executor, "in_flight", None)
    return int(getattr(executor, "_max_workers", 1) + 1 if told is None else told)


def available_cores() -> int:
    """Cores that this process may use (affinity and the container's quota respected)."""
    from loky import cpu_count

    return int(cpu_count())


def check_n_jobs(n_jobs: int) -> None:
    """Refuse a number of worker processes that cannot work.

    Raises:
        ValueError: for 0, negative numbers, or far more workers than the machine can carry.
    """
    check_count("n_jobs", n_jobs)
    cores = available_cores()
    if n_jobs > _WORKERS_PER_CORE * cores:
        raise ValueError(
            f"n_jobs: got {n_jobs}, but this machine has {plural(cores, 'core')}; at most "
            f"{_WORKERS_PER_CORE * cores} are accepted, and more than one worker per core is slower"
        )


def resolve_n_jobs(n_jobs: int | None) -> int:
    """Number of worker processes; ``None`` means one per core.

    More workers than cores are accepted with a line on the standard error.

    Raises:
        ValueError: see :func:`check_n_jobs`.
    """
    cores = available_cores()
    if n_jobs is None:
        return cores
    check_n_jobs(n_jobs)
    if n_jobs > cores:
        print(
            f"n_jobs={n_jobs} on {plural(cores, 'core')}: workers take turns, n_jobs={cores} is "
            "faster",
            file=sys.stderr,
        )
    return n_jobs


def bounded(make_executor: ExecutorFactory, jobs: int) -> ExecutorFactory:
    """The same executor with no more workers than jobs, if its factory has an option ``at_most``.

    Starting a worker costs seconds, and one recording needs one.
    """
    factory: Callable[..., AbstractContextManager[Executor]] = make_executor
    if "at_most" in inspect.signature(factory).parameters:
        return partial(factory, at_most=max(jobs, 1))
    return factory


@contextmanager
def serial() -> Iterator[Executor]:
    """Everything in this process, one recording after the other."""
    previous = set_threads(1)
    try:
        yield InlineExecutor()
    finally:
        set_threads(previous)


@contextmanager
def local(n_jobs: int | None = None, at_most: int | None = None) -> Iterator[Executor]:
    """Worker processes on this machine (loky), one thread each.

    Args:
        n_jobs: number of processes; ``None``: one per core; 1 stays in this process.
        at_most: there is no work for more processes than this (see :func:`bounded`).

    Raises:
        ValueError: see :func:`resolve_n_jobs`.
    """
    n_jobs = resolve_n_jobs(n_jobs)
    if n_jobs == 1:
        with serial() as executor:
            yield executor
        return
    from loky import ProcessPoolExecutor
    from loky.backend import resource_tracker

    shield_from_signals(resource_tracker.ensure_running)
    # loky takes a long recording after a short one for a leak of memory: it replaces the worker
    # between two jobs, which loses nothing and need not alarm anybody.
    warnings.filterwarnings("ignore", "A worker was restarted", UserWarning, "loky")
    # Threads are set by the environment too, because OpenMP reads it when torch is imported.
    env = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    executor = ProcessPoolExecutor(
        max_workers=n_jobs if at_most is None else min(n_jobs, at_most),
        initializer=start_worker,
        initargs=(os.getpid(),),
        env=env,
        timeout=None,
    )
    try:
        yield executor
        executor.shutdown(wait=True)
    except BaseException:
        executor.shutdown(wait=False, kill_workers=True)
        raise


def shield_from_signals(*starts: Callable[[], object]) -> None:
    """Start the helper processes of an engine so that what stops the driver does not end them.

    They tidy up after the driver and end with it. If a signal to the whole group ended them first,
    Python would start others and print warnings about it. They are started while the signals are
    held back, which a process inherits. Python's own helper is started, too.
    """
    if not hasattr(signal, "pthread_sigmask"):
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        for start in (*starts, multiprocessing.resource_tracker.ensure_running):
            start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def start_worker(driver: int) -> None:
    """Prepare a worker process of this machine.

    Ctrl-C and the signals of a batch system reach a whole group of processes, but only the driver
    is to answer them: a worker that died of one would look like a recording that kills its worker.
    A worker whose driver was killed ends itself, because it would wait for ever.

    Args:
        driver: process id of the driver.
    """
    for number in (signal.SIGINT, *STOP_SIGNALS):
        signal.signal(number, signal.SIG_IGN)
    _die_with_parent()
    threading.Thread(target=_end_with, args=(driver,), daemon=True).start()
    set_threads(1)


def _die_with_parent() -> None:
    """Have Linux kill this process when the thread that started it ends.

    The threads that start workers live as long as the executor. On other systems nothing is done.
    """
    prctl = getattr(ctypes.CDLL(None), "prctl", None) if sys.platform == "linux" else None
    if prctl is not None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _end_with(driver: int) -> None:
    """End this process once its parent is another one than the driver.

    This works on every system, and also where the driver died before the kernel could be asked to
    watch it. But while a long computation holds Python's global lock, this thread does not run.
    """
    while os.getppid() == driver:
        time.sleep(1.0)
    os._exit(1)


def set_threads(threads: int) -> int:
    """Set the number of torch threads of this process; returns the previous number."""
    import torch

    previous = torch.get_num_threads()
    torch.set_num_threads(threads)
    return int(previous)
