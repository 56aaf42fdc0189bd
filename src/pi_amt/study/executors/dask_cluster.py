"""Executors on many machines, through dask: an existing cluster, or one that SLURM starts.

Workers need the same version of pi_amt and see the data under the same paths; jobs carry paths.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from pi_amt.core.checks import check_count
from pi_amt.study.executors.dask_executor import executor_of
from pi_amt.study.executors.processes import resolve_n_jobs


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
        ConnectionError: if the scheduler cannot be reached, has no workers, or goes away.
        RuntimeError: if dask is not installed or workers run another version of pi_amt.
    """
    distributed = _import("distributed", "dask")
    if address is None:
        n_workers = resolve_n_jobs(n_workers)
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
            yield executor_of(client, worker_timeout_seconds)
        return
    try:
        _greet(distributed, address, connect_timeout_seconds)
        client = distributed.Client(address, timeout=connect_timeout_seconds)
    except Exception as error:  # what answers may be no scheduler: then there is no telling
        raise ConnectionError(
            f"no dask scheduler answers at {address} ({connect_timeout_seconds:g} s): start one "
            "with `dask scheduler`, or check executor.address and the network"
        ) from error
    with client:
        yield executor_of(client, worker_timeout_seconds)


def _greet(distributed: Any, address: str, seconds: float) -> None:
    """Raise unless a dask scheduler answers in time: dask's client waits for ever for the first
    word of a server that is something else."""

    async def greet() -> None:
        security = distributed.Security().get_connection_args("client")
        comm = await distributed.comm.connect(address, timeout=seconds, **security)
        await comm.close()

    with ThreadPoolExecutor(1) as aside:  # a notebook's own loop runs in this thread
        aside.submit(asyncio.run, asyncio.wait_for(greet(), seconds)).result()


@contextmanager
def slurm(
    n_jobs: int = 4,
    partition: str | None = None,
    account: str | None = None,
    cores: int = 1,
    memory: str = "4GB",
    walltime: str = "04:00:00",
    interface: str | None = None,
    log_folder: str | None = None,
    job_extra_directives: Sequence[str] = (),
    start_timeout_seconds: float = 600.0,
    at_most: int | None = None,
) -> Iterator[Executor]:
    """Workers that SLURM starts: each SLURM job brings one worker process per core.

    Args:
        n_jobs: most SLURM jobs at a time; there are fewer when little is left to do.
        partition: queue, ``None`` for the cluster's default.
        account: to be charged.
        cores: per job.
        memory: per job, e.g. ``4GB``.
        walltime: limit per job, ``HH:MM:SS``; a job that reaches it is replaced.
        interface: network interface of scheduler and workers, e.g. ``ib0``.
        log_folder: for the jobs' logs; ``None``: SLURM's own place.
        job_extra_directives: further ``#SBATCH`` lines, e.g. ``--gres=gpu:1``.
        start_timeout_seconds: how long to wait for the first worker.
        at_most: there is no work for more workers than this.

    Raises:
        RuntimeError: if dask-jobqueue or SLURM is missing, SLURM refuses the job, no worker starts
            in time, or workers run another version of pi_amt.
    """
    jobqueue = _import("dask_jobqueue", "slurm")
    distributed = _import("distributed", "slurm")
    check_count("executor.n_jobs", n_jobs)
    check_count("executor.cores", cores)
    if shutil.which("sbatch") is None:
        raise RuntimeError(
            "executor=slurm: sbatch is not on this machine's PATH; run on a login node"
        )
    if at_most is not None:
        n_jobs = min(n_jobs, -(-at_most // cores))
    cluster = jobqueue.SLURMCluster(
        queue=partition,
        account=account,
        cores=cores,
        processes=cores,
        memory=memory,
        walltime=walltime,
        interface=interface,
        log_directory=log_folder,
        python=sys.executable,
        job_extra_directives=list(job_extra_directives),
        scheduler_options={"dashboard_address": ":0", "dashboard": False},
    )
    with cluster, distributed.Client(cluster) as client:
        _ask_slurm(cluster.job_script())
        cluster.adapt(minimum_jobs=1, maximum_jobs=n_jobs)
        yield executor_of(client, start_timeout_seconds, at_most=n_jobs * cores)


def _ask_slurm(script: str) -> None:
    """Have SLURM check the job without running it; otherwise a refusal only shows as a long wait.

    Raises:
        RuntimeError: with SLURM's reason.
    """
    command = ["sbatch", "--test-only"]
    answer = subprocess.run(command, input=script, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise RuntimeError(f"executor=slurm: SLURM refuses the job: {answer.stderr.strip()}")


def _import(module: str, extra: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise RuntimeError(
            f"executor={extra} needs the package {module}: pip install 'pi_amt[{extra}]'"
        ) from error
