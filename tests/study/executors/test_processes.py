"""Executors of one machine: in this process, worker processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import warnings
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from pi_amt.study.executors import processes as executors
from pi_amt.study.executors.processes import (
    STOP_SIGNALS,
    InlineExecutor,
    available_cores,
    bounded,
    in_flight,
    local,
    resolve_n_jobs,
)

ROOT = Path(__file__).parents[3]


def test_inline_runs_at_once_and_keeps_the_error() -> None:
    executor = InlineExecutor()
    assert executor.submit(max, 1, 2).result(timeout=0) == 2
    with pytest.raises(ZeroDivisionError):
        executor.submit(divmod, 1, 0).result(timeout=0)


def test_inline_lets_ctrl_c_through() -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        InlineExecutor().submit(interrupted)


def test_no_more_in_flight_than_keeps_the_workers_busy() -> None:
    class Told(Executor):
        in_flight = 7

    assert in_flight(InlineExecutor()) == 1  # each submit computes: the next must wait
    with ThreadPoolExecutor(3) as threads:
        assert in_flight(threads) == 4
    assert in_flight(Told()) == 7
    assert in_flight(Executor()) == 2


@pytest.mark.parametrize("n_jobs", [0, -1, 10_000])
def test_impossible_numbers_of_workers_are_refused(n_jobs: int) -> None:
    with pytest.raises(ValueError, match=rf"n_jobs: got {n_jobs}, .*"):
        resolve_n_jobs(n_jobs)


def test_one_worker_per_core_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors, "available_cores", lambda: 16)
    assert resolve_n_jobs(None) == 16
    assert resolve_n_jobs(3) == 3


@pytest.mark.parametrize(("jobs", "workers"), [(0, 1), (1, 1), (2, 2), (3, 2)])
def test_no_more_workers_than_jobs(jobs: int, workers: int) -> None:
    with bounded(partial(local, 2), jobs)() as executor:
        assert in_flight(executor) == workers + 1
        assert executor.submit(os.getpid).result() != os.getpid()


def test_executors_of_others_are_not_asked_to_be_bounded() -> None:
    with bounded(lambda: ThreadPoolExecutor(3), 1)() as executor:
        assert in_flight(executor) == 4


def test_more_workers_than_cores_are_remarked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(executors, "available_cores", lambda: 2)
    assert resolve_n_jobs(2) == 2
    assert capsys.readouterr().err == ""
    assert resolve_n_jobs(4) == 4
    assert (
        capsys.readouterr().err == "n_jobs=4 on 2 cores: workers take turns, n_jobs=2 is faster\n"
    )


def test_cores_are_those_that_this_process_may_use() -> None:
    command = (
        "from pi_amt.study.executors.processes import available_cores; print(available_cores())"
    )
    alone = subprocess.run(
        ["taskset", "-c", "0", sys.executable, "-c", command],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert int(alone.stdout) == 1
    assert 1 <= available_cores() <= (os.cpu_count() or 1)


def test_one_worker_stays_in_this_process_and_restores_its_threads() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with local(1) as executor:
            assert executor.submit(os.getpid).result() == os.getpid()
            assert executor.submit(torch.get_num_threads).result() == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def about_worker() -> tuple[int, int, str | None, set[Any]]:
    time.sleep(0.2)  # long enough for the other worker to take one, too
    omp = os.environ.get("OMP_NUM_THREADS")
    handlers = set(map(signal.getsignal, (signal.SIGINT, *STOP_SIGNALS)))
    return os.getpid(), torch.get_num_threads(), omp, handlers


def test_workers_are_processes_with_one_thread_that_leave_signals_to_the_driver() -> None:
    with local(2) as executor:
        futures: list[Future[Any]] = [executor.submit(about_worker) for _ in range(6)]
        told = [future.result(timeout=60) for future in futures]
    pids = {pid for pid, *_ in told}
    assert os.getpid() not in pids
    assert {threads for _, threads, _, _ in told} == {1}
    assert {omp for _, _, omp, _ in told} == {"1"}
    assert all(handlers == {signal.SIG_IGN} for *_, handlers in told)
    assert not any(map(_is_alive, pids))  # the executor is closed


def test_a_worker_that_loky_replaces_alarms_nobody() -> None:
    from loky import process_executor

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with executors.local(2):  # no job, so no process starts
            for text in ("A worker was restarted while …", "A worker stopped while …"):
                warnings.warn_explicit(
                    text, UserWarning, str(process_executor.__file__), 1, process_executor.__name__
                )
    assert [str(w.message)[:16] for w in caught] == ["A worker stopped"]


DRIVER = """
import os, sys, time
from functools import partial
from pi_amt.study.executors.dask_cluster import dask
from pi_amt.study.executors.processes import local
if __name__ == "__main__":
    with eval(sys.argv[1])() as executor:
        futures = [executor.submit(os.getpid) for _ in range(9)]
        workers = {future.result() for future in futures}
        if sys.argv[2] == "busy":
            for _ in workers:
                executor.submit(sum, range(10**12))  # never lets another thread have Python's lock
            time.sleep(2)
        print(*workers, flush=True)
        time.sleep(600)
"""


@pytest.mark.parametrize("state", ["idle", "busy"])
@pytest.mark.parametrize("executor", ["partial(local, 2)", "partial(dask, n_workers=2)"])
def test_workers_end_when_their_driver_is_killed(executor: str, state: str, tmp_path: Path) -> None:
    script = tmp_path / "driver.py"
    script.write_text(DRIVER)
    command = [sys.executable, str(script), executor, state]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True
    ) as driver:
        assert driver.stdout is not None
        workers = [int(pid) for pid in driver.stdout.readline().split()]
        assert set(workers) < set(_session(driver.pid))
        driver.kill()
    try:
        assert workers
        deadline = time.monotonic() + 30
        while _session(driver.pid) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert _session(driver.pid) == []
    finally:
        for pid in _session(driver.pid):
            os.kill(pid, signal.SIGKILL)


def _session(leader: int) -> list[int]:
    """The living processes of a session: helpers of the engines, too."""
    pids = [int(path.name) for path in Path("/proc").glob("[0-9]*")]
    return [pid for pid in filter(_is_alive, pids) if _session_of(pid) == leader]


def _session_of(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


def _is_alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
