"""What can be told about clusters without one."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from typing import Any

import pytest

from pi_amt.study.executors.dask_cluster import DaskExecutor, dask
from pi_amt.study.executors.slurm_cluster import slurm


def test_slurm_needs_a_login_node(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RuntimeError, match=r"sbatch is not on this machine's PATH; run on a login"):
        slurm().__enter__()


@pytest.mark.parametrize("options", [{"n_jobs": 0}, {"cores": 0}])
def test_slurm_needs_jobs_and_cores(options: dict[str, int]) -> None:
    (name,) = options
    with pytest.raises(ValueError, match=rf"executor\.{name}: got 0, expected a whole number"):
        slurm(**options).__enter__()  # type: ignore[arg-type]


def test_a_missing_package_is_named_with_the_command_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.setitem(sys.modules, "dask_jobqueue", None)
    with pytest.raises(RuntimeError, match=r"distributed: pip install 'pi_amt\[dask\]'"):
        dask().__enter__()
    with pytest.raises(RuntimeError, match=r"dask_jobqueue: pip install 'pi_amt\[slurm\]'"):
        slurm().__enter__()


class LostOnTheWay:
    """A dask client, and its future: finished, but the result cannot be had any more."""

    status = "finished"

    def submit(self, *_: Any, **__: Any) -> LostOnTheWay:
        return self

    def add_done_callback(self, tell: Callable[[LostOnTheWay], None]) -> None:
        with contextlib.suppress(Exception):  # as dask does, which only logs
            tell(self)

    def result(self) -> Any:
        raise OSError("connection lost")


def test_a_result_that_is_lost_on_the_way_is_an_error_and_no_endless_wait() -> None:
    future = DaskExecutor(LostOnTheWay()).submit(len, "abc")
    assert future.done()
    with pytest.raises(OSError, match="connection lost"):
        future.result()
