"""Executors on a dask cluster: one that runs already, or one that is started on this machine.

A dask client becomes an executor as :mod:`concurrent.futures` knows it. Workers need the same
version of pi_amt and see the data under the same paths; jobs carry paths.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import pi_amt
from pi_amt.store.rows import METHOD_VERSION
from pi_amt.study.executors.processes import (
    WorkerDied,
    resolve_n_jobs,
    set_threads,
    shield_from_signals,
    start_worker,
)

#: the driver's version, which workers must run, too
VERSION = f"{pi_amt.__version__} (method {METHOD_VERSION})"
# Asking the scheduler for its workers is a round trip, and is not done for every job.
_COUNT_WORKERS_EVERY_SECONDS = 5.0


class DaskExecutor(Executor):
    """Jobs on a dask cluster, with what :mod:`pi_amt.study.dispatch` needs to know of it.

    Args:
        client: a connected ``distributed.Client``.
        can_grow_to: how many workers the cluster may have later, where it starts with fewer.
    """

    def __init__(self, client: Any, can_grow_to: int = 0) -> None:
        self._client = client
        self._can_grow_to = can_grow_to
        self._workers, self._counted = 0, float("-inf")

    @property
    def in_flight(self) -> int:
        """Two jobs per worker thread, so that a worker never waits for the driver."""
        if time.monotonic() - self._counted > _COUNT_WORKERS_EVERY_SECONDS:
            with suppress(OSError):  # a scheduler that went away: the jobs say so, see _failure
                self._workers = sum(self._client.nthreads().values())
            self._counted = time.monotonic()
        return 2 * max(self._workers, self._can_grow_to, 1)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        job = partial(fn, *args, **kwargs)
        remote = self._client.submit(run_on_worker, VERSION, job, pure=False)
        remote.add_done_callback(partial(_settle, future))
        return future


def run_on_worker(version: str, job: Callable[[], Any]) -> Any:
    """Run a job on a worker, with one thread, if the worker runs the driver's version.

    Args:
        version: the driver's :data:`VERSION`; here :data:`VERSION` is the worker's.
        job: what to run, without arguments.

    Raises:
        RuntimeError: if the versions differ.
    """
    if version != VERSION:
        raise RuntimeError(_other_version("a worker", VERSION, version))
    set_threads(1)
    return job()


def _settle(future: Future[Any], remote: Any) -> None:
    """Pass on how a dask future ended."""
    try:
        if remote.status == "finished":
            future.set_result(remote.result())
        else:
            future.set_exception(_failure(remote))
    # dask only logs what is raised here, and the driver would wait for ever
    except Exception as error:
        future.set_exception(error)


def _failure(remote: Any) -> BaseException:
    """Why a dask future has no result."""
    from distributed import KilledWorker

    if remote.status == "error":
        error: BaseException = remote.exception()
        return WorkerDied(str(error)) if isinstance(error, KilledWorker) else error
    return ConnectionError(
        "the dask scheduler went away; finished rows are stored, the same command goes on"
    )


def executor_of(client: Any, timeout_seconds: float, can_grow_to: int = 0) -> Executor:
    """The client's executor, once a worker is there and all run this version.

    Args:
        client: a connected ``distributed.Client``.
        timeout_seconds: how long to wait for the first worker.
        can_grow_to: how many workers the cluster may have later, where it starts with fewer.

    Raises:
        ConnectionError: if no worker comes in time.
        RuntimeError: if one runs another version of pi_amt.
    """
    # that a scheduler went away is said in one line, by _failure
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)

    # a local function is sent by value: a worker's own pi_amt may not have it
    def version_of_worker() -> str:
        try:
            import pi_amt as installed
        except ImportError:
            return "nothing"
        try:
            from pi_amt.store.rows import METHOD_VERSION as method
        except ImportError:
            return str(installed.__version__)
        return f"{installed.__version__} (method {method})"

    try:
        client.wait_for_workers(1, timeout=timeout_seconds)
    except TimeoutError as error:
        raise ConnectionError(
            f"no worker came to the dask scheduler within {timeout_seconds:g} s: start some with "
            "`dask worker ADDRESS --nthreads 1` (SLURM: see squeue and the jobs' logs)"
        ) from error
    for worker, version in client.run(version_of_worker).items():
        if version != VERSION:
            raise RuntimeError(_other_version(f"worker {worker}", version, VERSION))
    return DaskExecutor(client, can_grow_to)


def _other_version(worker: str, theirs: str, ours: str) -> str:
    """What is said of a worker whose version is another one."""
    return f"{worker} runs pi_amt {theirs}, this is {ours}: install one version everywhere"


@contextmanager
def dask(
    address: str | None = None,
    n_workers: int | None = None,
    connect_timeout_seconds: float = 10.0,
    worker_timeout_seconds: float = 60.0,
    at_most: int | None = None,
) -> Iterator[Executor]:
    """Workers of a dask cluster.

    Args:
        address: scheduler, e.g. ``tcp://host:8786``; ``None`` starts a cluster on this machine.
        n_workers: for a cluster started here; ``None``: one per core.
        connect_timeout_seconds: how long to try to reach the scheduler.
        worker_timeout_seconds: how long to wait for its first worker.
        at_most: there is no work for more workers than this.

    Raises:
        ValueError: see :func:`~pi_amt.study.executors.processes.resolve_n_jobs`.
        ConnectionError: if the scheduler cannot be reached, has no workers, or goes away.
        RuntimeError: if dask is not installed or workers run another version of pi_amt.
    """
    distributed = import_extra("distributed", "dask")
    if address is None:
        n_workers = resolve_n_jobs(n_workers)
        shield_from_signals()
        cluster = distributed.LocalCluster(
            n_workers=n_workers if at_most is None else min(n_workers, at_most),
            threads_per_worker=1,
            memory_limit=0,
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.ERROR,
            protocol="tcp",
            host="127.0.0.1",
        )
        with cluster, distributed.Client(cluster) as client:
            # for workers that come later, too: dask starts them in the place of dead ones
            client.register_worker_callbacks(partial(start_worker, os.getpid()))
            yield executor_of(client, worker_timeout_seconds)
        return
    try:
        _greet(distributed, address, connect_timeout_seconds)
        client = distributed.Client(address, timeout=connect_timeout_seconds)
    except Exception as error:  # what answers may be no scheduler, and raises anything
        raise ConnectionError(
            f"no dask scheduler answers at {address} ({connect_timeout_seconds:g} s): start one "
            "with `dask scheduler`, or check executor.address and the network"
        ) from error
    with client:
        yield executor_of(client, worker_timeout_seconds)


def _greet(distributed: Any, address: str, seconds: float) -> None:
    """Raise an error unless a dask scheduler answers in time: with a server of another kind, dask's
    client would wait for ever."""

    async def greet() -> None:
        security = distributed.Security().get_connection_args("client")
        comm = await distributed.comm.connect(address, timeout=seconds, **security)
        await comm.close()

    with ThreadPoolExecutor(1) as aside:  # a notebook's own loop runs in this thread
        aside.submit(asyncio.run, asyncio.wait_for(greet(), seconds)).result()


def import_extra(module: str, extra: str) -> Any:
    """A module of an optional extra; ``RuntimeError`` says how to install it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise RuntimeError(
            f"executor={extra} needs the package {module}: pip install 'pi_amt[{extra}]'"
        ) from error
