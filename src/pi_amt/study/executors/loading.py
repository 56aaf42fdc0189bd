"""The registry of executors.

An executor of one's own joins through the entry-point group ``pi_amt.executors``: name → a function
that returns a context manager which gives a ``concurrent.futures.Executor``.
"""

from __future__ import annotations

from pi_amt.core.registry import Registry

EXECUTORS = Registry(
    "executor",
    "pi_amt.executors",
    {
        "dask": "pi_amt.study.executors.dask_cluster:dask",
        "local": "pi_amt.study.executors.processes:local",
        "serial": "pi_amt.study.executors.processes:serial",
        "slurm": "pi_amt.study.executors.slurm_cluster:slurm",
    },
    "a function that returns a context manager of a concurrent.futures.Executor",
)
