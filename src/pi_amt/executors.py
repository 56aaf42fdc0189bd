"""Where jobs run: anything that is a ``concurrent.futures.Executor``.

Each function makes one kind of executor as a context manager; ``conf/executor/*.yaml`` name them.
A job carries paths and small options, rows come back; only the driver writes the store. Workers
compute with one thread each, so that results depend neither on their number nor on their place.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pi_amt

ExecutorFactory = Callable[[], AbstractContextManager[Executor]]


class InlineExecutor(Executor):
    """Runs each job at once in this process and thread."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def available_cores() -> int:
    """Cores that this process may use (affinity and the container's quota respected)."""
    from loky import cpu_count

    return int(cpu_count())


def resolve_n_jobs(n_jobs: int | None) -> int:
    """Number of worker processes; ``None`` means one per core.

    Raises:
        ValueError: for 0, negative numbers, or far more workers than the machine can carry.
    """
    cores = available_cores()
    if n_jobs is None:
        return cores
    if n_jobs < 1:
        raise ValueError(f"n_jobs: got {n_jobs}, expected at least 1 (or null: one per core)")
    if n_jobs > 8 * cores:
        raise ValueError(
            f"n_jobs: got {n_jobs}, but this machine has {cores} cores; at most {8 * cores} are "
            "accepted, and more than one worker per core is slower"
        )
    return n_jobs


@contextmanager
def serial() -> Iterator[Executor]:
    """Everything in this process, one recording after the other."""
    previous = set_single_thread()
    try:
        yield InlineExecutor()
    finally:
        set_threads(previous)


@contextmanager
def local(n_jobs: int | None = None) -> Iterator[Executor]:
    """Worker processes on this machine (loky), one thread each.

    Args:
        n_jobs: number of processes; ``None``: one per core; 1 stays in this process.
    """
    n_jobs = resolve_n_jobs(n_jobs)
    if n_jobs == 1:
        with serial() as executor:
            yield executor
        return
    from loky import ProcessPoolExecutor

    # Threads are set by the environment too, because OpenMP reads it when torch is imported.
    env = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    executor = ProcessPoolExecutor(
        max_workers=n_jobs, initializer=set_single_thread, env=env, timeout=None
    )
    try:
        yield executor
        executor.shutdown(wait=True)
    except BaseException:
        executor.shutdown(wait=False, kill_workers=True)
        raise


@contextmanager
def dask(
    address: str | None = None,
    n_workers: int | None = None,
    connect_timeout_seconds: float = 10.0,
) -> Iterator[Executor]:
    """Workers of a dask cluster.

    Args:
        address: scheduler, e.g. ``tcp://host:8786``; ``None`` starts a cluster on this machine.
        n_workers: for a cluster started here; ``None``: one per core.
        connect_timeout_seconds: how long to try to reach the scheduler.

    Raises:
        ConnectionError: if the scheduler cannot be reached.
        RuntimeError: if dask is not installed or workers run another version of pi_amt.
    """
    distributed = _import("distributed", "dask")
    if address is None:
        cluster = distributed.LocalCluster(
            n_workers=resolve_n_jobs(n_workers),
            threads_per_worker=1,
            dashboard_address=None,
            protocol="tcp",
        )
        with cluster, distributed.Client(cluster) as client:
            yield _dask_executor(client)
        return
    try:
        client = distributed.Client(address, timeout=connect_timeout_seconds)
    except OSError as error:
        raise ConnectionError(
            f"no dask scheduler answers at {address} ({connect_timeout_seconds:g} s): start one "
            "with `dask scheduler`, or check executor.address and the network"
        ) from error
    with client:
        yield _dask_executor(client)


@contextmanager
def slurm(
    n_jobs: int = 4,
    partition: str | None = None,
    account: str | None = None,
    cores: int = 1,
    memory: str = "4GB",
    walltime: str = "04:00:00",
    job_extra_directives: tuple[str, ...] = (),
    start_timeout_seconds: float = 600.0,
) -> Iterator[Executor]:
    """Workers that SLURM starts (one dask worker per SLURM job).

    Args:
        n_jobs: number of SLURM jobs, each with one worker process per core.
        partition: queue, ``None`` for the cluster's default.
        account: to be charged.
        cores: per job.
        memory: per job, e.g. ``4GB``.
        walltime: limit per job, ``HH:MM:SS``; a worker that ends is replaced.
        job_extra_directives: further ``#SBATCH`` lines.
        start_timeout_seconds: how long to wait for the first worker.

    Raises:
        RuntimeError: if dask-jobqueue or SLURM is missing, or no worker starts in time.
    """
    jobqueue = _import("dask_jobqueue", "slurm")
    distributed = _import("distributed", "dask")
    import shutil
    import sys

    if shutil.which("sbatch") is None:
        raise RuntimeError(
            "executor=slurm: sbatch is not on this machine's PATH; run on a login node"
        )
    cluster = jobqueue.SLURMCluster(
        queue=partition,
        account=account,
        cores=cores,
        processes=cores,
        memory=memory,
        walltime=walltime,
        python=sys.executable,
        job_extra_directives=list(job_extra_directives),
        scheduler_options={"dashboard_address": None},
    )
    with cluster, distributed.Client(cluster) as client:
        cluster.adapt(minimum_jobs=1, maximum_jobs=n_jobs)
        try:
            client.wait_for_workers(1, timeout=start_timeout_seconds)
        except TimeoutError as error:
            raise RuntimeError(
                f"executor=slurm: no worker started within {start_timeout_seconds:g} s; see squeue"
            ) from error
        yield _dask_executor(client)


def set_threads(threads: int) -> None:
    """Set torch's threads in this process."""
    import torch

    torch.set_num_threads(threads)


def set_single_thread() -> int:
    """Compute with one thread in this process; returns the previous number."""
    import torch

    previous = torch.get_num_threads()
    torch.set_num_threads(1)
    return int(previous)


def worker_version() -> tuple[str, int]:
    """Package version and process of a worker; also makes the worker single-threaded."""
    set_single_thread()
    return pi_amt.__version__, os.getpid()


def _dask_executor(client: Any) -> Executor:
    """The client's executor, once its workers are known to run this version."""
    client.wait_for_workers(1, timeout=60)
    for worker, (version, _) in client.run(worker_version).items():
        if version != pi_amt.__version__:
            raise RuntimeError(
                f"worker {worker} runs pi_amt {version}, this is {pi_amt.__version__}: install the "
                "same version on all workers"
            )
    executor: Executor = client.get_executor(pure=False, retries=1)
    return executor


def _import(module: str, extra: str) -> Any:
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise RuntimeError(
            f"executor={extra} needs the package {module}: pip install 'pi_amt[{extra}]'"
        ) from error
