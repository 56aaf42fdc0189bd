"""Dask for real: a scheduler and workers over TCP, killed workers, wrong versions, no scheduler."""

from __future__ import annotations

import pickle
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from tests.study.executors.conftest import ROOT, DaskCluster, dask_cluster, free_port, wait_until
from tests.study.test_driver import facts, study
from tests.toys import TOY, ToyTrack, toy_tracks

import pi_amt
from pi_amt.models.loading import ModelSpec
from pi_amt.store.store import StoreError, read_rows
from pi_amt.study.conditions import make_conditions
from pi_amt.study.executors.dask_cluster import VERSION, DaskExecutor, dask, run_on_worker
from pi_amt.study.executors.processes import WorkerDied, in_flight
from pi_amt.study.jobs import Job


def test_a_cluster_gives_the_rows_of_one_process(tmp_path: Path, dask_address: str) -> None:
    conditions = ["random", "fund_mask", "soft_fund_mask"]
    study(tmp_path / "serial", toy_tracks(5), conditions, repeats=2)
    executor = partial(dask, dask_address)
    study(tmp_path / "dask", toy_tracks(5), conditions, repeats=2, executor=executor)
    assert facts(read_rows(tmp_path / "dask")) == facts(read_rows(tmp_path / "serial"))


def test_two_jobs_per_worker_are_in_flight(dask_address: str) -> None:
    with dask(dask_address) as executor:
        assert wait_until(lambda: in_flight(_recount(executor)) == 4, 30)


def _recount(executor: object) -> DaskExecutor:
    assert isinstance(executor, DaskExecutor)
    executor._counted = float("-inf")
    return executor


def test_a_cluster_started_here_works_and_ends(tmp_path: Path) -> None:
    summary = study(tmp_path, toy_tracks(3), executor=partial(dask, n_workers=1))
    assert (summary.computed, summary.errors) == (9, [])


def test_a_killed_worker_loses_nothing(tmp_path: Path) -> None:
    tracks = [ToyTrack(f"toy_{i}", seed=i, sleep_seconds=0.4) for i in range(8)]
    with dask_cluster(tmp_path, workers=2) as cluster:
        killer = threading.Thread(target=_kill_when_rows_come, args=(cluster, tmp_path / "results"))
        killer.start()
        executor = partial(dask, cluster.address)
        summary = study(tmp_path / "results", tracks, executor=executor)
        killer.join()
        assert cluster.workers[0].poll() == -signal.SIGKILL
    assert (summary.computed, summary.errors) == (24, [])
    study(tmp_path / "serial", tracks)
    assert facts(read_rows(tmp_path / "results")) == facts(read_rows(tmp_path / "serial"))


def _kill_when_rows_come(cluster: DaskCluster, folder: Path) -> None:
    assert wait_until(lambda: _has_rows(folder))
    cluster.workers[0].kill()


def _has_rows(folder: Path) -> bool:
    try:
        return len(read_rows(folder)) > 0
    except StoreError:
        return False


def test_a_job_that_kills_its_workers_is_told_from_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Dask's own patience is three more workers; the test has not that much time.
    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES", "0")
    with dask_cluster(tmp_path, workers=2) as cluster, dask(cluster.address) as executor:
        killer = executor.submit(ToyTrack("killer", fault="kill").audio)
        assert isinstance(killer.exception(timeout=60), WorkerDied)
        assert executor.submit(max, 1, 2).result(timeout=60) == 2


def test_a_scheduler_that_dies_in_mid_run_ends_it_clearly_and_keeps_the_rows(
    tmp_path: Path,
) -> None:
    tracks = [ToyTrack(f"toy_{i}", seed=i, sleep_seconds=0.4) for i in range(30)]

    def kill_scheduler(cluster: DaskCluster) -> None:
        assert wait_until(lambda: _has_rows(tmp_path / "results"))
        cluster.scheduler.kill()

    with dask_cluster(tmp_path, workers=1) as cluster:
        killer = threading.Thread(target=kill_scheduler, args=(cluster,))
        killer.start()
        with pytest.raises(ConnectionError, match=r"scheduler went away.*the same command goes on"):
            study(tmp_path / "results", tracks, executor=partial(dask, cluster.address))
        killer.join()
    assert 0 < len(read_rows(tmp_path / "results")) < 90


def test_counting_the_workers_of_a_dead_scheduler_leaves_it_to_the_jobs(tmp_path: Path) -> None:
    with dask_cluster(tmp_path, workers=1) as cluster, dask(cluster.address) as executor:
        lost = executor.submit(time.sleep, 60)
        counted = in_flight(_recount(executor))
        cluster.scheduler.kill()
        cluster.scheduler.wait()
        assert in_flight(_recount(executor)) == counted
        with pytest.raises(ConnectionError, match="scheduler went away"):
            lost.result(timeout=60)


@pytest.fixture(scope="module")
def lonely_scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    """A scheduler without workers."""
    with dask_cluster(tmp_path_factory.mktemp("lonely"), workers=0) as cluster:
        yield cluster


def test_a_cluster_without_workers_is_said_so(lonely_scheduler: DaskCluster) -> None:
    executor = dask(lonely_scheduler.address, worker_timeout_seconds=0.5)
    with pytest.raises(ConnectionError, match=r"no worker came .* within 0\.5 s.*`dask worker"):
        executor.__enter__()


@pytest.mark.parametrize(
    ("module", "told"),
    [("__version__ = '0.0.1'", "pi_amt 0.0.1"), ("raise ImportError", "pi_amt nothing")],
)
def test_workers_of_another_version_are_refused(
    tmp_path: Path, lonely_scheduler: DaskCluster, module: str, told: str
) -> None:
    (tmp_path / "pi_amt").mkdir()
    (tmp_path / "pi_amt" / "__init__.py").write_text(module)
    worker = lonely_scheduler.add_worker(PYTHONPATH=str(tmp_path))
    try:
        with pytest.raises(
            RuntimeError, match=rf"{told}, this is .*install one version everywhere"
        ):
            dask(lonely_scheduler.address).__enter__()
    finally:
        worker.kill()
        worker.wait()


def test_a_worker_that_comes_later_is_checked_too() -> None:
    assert run_on_worker(VERSION, partial(int, "3")) == 3
    for other in ("99.0", f"{pi_amt.__version__} (method 0)"):  # another method is another version
        with pytest.raises(RuntimeError, match=rf"this is {re.escape(other)}: install one version"):
            run_on_worker(other, partial(int, "3"))


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:{port}", "nonsense://x"])
def test_an_unreachable_scheduler_is_said_so_within_seconds(tmp_path: Path, address: str) -> None:
    address = address.format(port=free_port())
    options = ("executor=dask", f"executor.address={address}", "executor.connect_timeout_seconds=1")
    command = (sys.executable, "-m", "pi_amt", *options, f"results_dir={tmp_path / 'results'}")
    started = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert time.monotonic() - started < 60  # a hang would be longer
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith(f"pi-amt: no dask scheduler answers at {address} (1 s): start one with")


def test_a_server_that_is_no_scheduler_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:  # takes calls and never says a word
        address = f"tcp://127.0.0.1:{mute.getsockname()[1]}"
        closing = threading.Timer(30, mute.shutdown, [socket.SHUT_RDWR])  # else: a hang
        closing.start()
        try:
            with pytest.raises(ConnectionError, match=f"no dask scheduler answers at {address}"):
                dask(address, connect_timeout_seconds=0.5).__enter__()
            assert closing.is_alive()
        finally:
            closing.cancel()


def test_a_job_carries_names_and_paths_but_no_data() -> None:
    conditions = tuple(make_conditions(["random", "fund_mask"], repeats=5, controls=True))
    sizes = [
        len(pickle.dumps(Job(ModelSpec(TOY), "toy", track, conditions)))
        for track in (ToyTrack("short", seconds=1), ToyTrack("hours", seconds=10_000))
    ]
    assert abs(sizes[0] - sizes[1]) < 100
    assert max(sizes) < 20_000
