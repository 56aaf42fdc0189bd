"""An executor whose workers SLURM starts: each SLURM job brings one dask worker per core."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager

from pi_amt.core.checks import check_count
from pi_amt.study.executors.dask_cluster import executor_of, import_extra


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
        n_jobs: largest number of SLURM jobs at a time; there are fewer when little is left to do.
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
        ValueError: if ``n_jobs`` or ``cores`` is not a whole number of at least 1.
        RuntimeError: if dask-jobqueue or SLURM is missing, SLURM refuses the job, or workers run
            another version of pi_amt.
        ConnectionError: if no worker starts in time.
    """
    jobqueue = import_extra("dask_jobqueue", "slurm")
    distributed = import_extra("distributed", "slurm")
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
        yield executor_of(client, start_timeout_seconds, can_grow_to=n_jobs * cores)


def _ask_slurm(script: str) -> None:
    """Have SLURM check the job without running it; a refusal would otherwise show only as a long
    wait.

    Raises:
        RuntimeError: with SLURM's reason.
    """
    command = ["sbatch", "--test-only"]
    answer = subprocess.run(command, input=script, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise RuntimeError(f"executor=slurm: SLURM refuses the job: {answer.stderr.strip()}")
