"""Real engines on this machine: a dask scheduler with workers over TCP, a one-node SLURM.

Every process that is started here is ended here; everything listens on 127.0.0.1 only.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
#: workers import the package and the tests of this checkout, whatever is installed
PYTHONPATH = os.pathsep.join([str(ROOT / "src"), str(ROOT)])


def free_port() -> int:
    """A TCP port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def process(
    *command: str, log: Path, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process with all its children, from here to the end of the block."""
    with log.open("ab") as output:
        started = subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": PYTHONPATH, **(environment or {})},
        )
    try:
        yield started
    finally:
        end_group(started)


def end_group(started: subprocess.Popen[bytes]) -> None:
    """End a process and its children: first politely, after 10 s not."""
    for wanted in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(started.pid, wanted)
        except ProcessLookupError:
            break
        try:
            started.wait(10)
        except subprocess.TimeoutExpired:
            continue
    started.wait(10)


def wait_until(what: Callable[[], bool], seconds: float = 60.0) -> bool:
    """Whether something comes true in time."""
    deadline = time.monotonic() + seconds
    while not what():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@dataclass
class DaskCluster:
    """A scheduler and workers, each a process of its own.

    Attributes:
        address: of the scheduler.
        folder: for logs and scratch files.
    """

    address: str
    folder: Path
    stack: ExitStack
    scheduler: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def add_worker(self, *, nanny: bool = False, **environment: str) -> subprocess.Popen[bytes]:
        """Start one more worker of one thread; without a nanny a killed one stays dead."""
        options = ["--nthreads", "1", "--no-dashboard", "--memory-limit", "0"]
        options.append("--nanny" if nanny else "--no-nanny")
        place = ("--host", "127.0.0.1", "--local-directory", str(self.folder))
        command = (sys.executable, "-m", "dask", "worker", self.address, *options, *place)
        log = self.folder / "worker.log"
        worker = self.stack.enter_context(process(*command, log=log, environment=environment))
        self.workers.append(worker)
        return worker


@contextmanager
def dask_cluster(folder: Path, workers: int) -> Iterator[DaskCluster]:
    """``dask scheduler`` and so many times ``dask worker`` over TCP on 127.0.0.1."""
    port = free_port()
    command = (sys.executable, "-m", "dask", "scheduler", "--no-dashboard", "--no-show")
    place = ("--host", "127.0.0.1", "--port", str(port))
    with ExitStack() as stack:
        scheduler = stack.enter_context(process(*command, *place, log=folder / "scheduler.log"))
        cluster = DaskCluster(f"tcp://127.0.0.1:{port}", folder, stack, scheduler)
        for _ in range(workers):
            cluster.add_worker()
        yield cluster


@pytest.fixture(scope="module")
def dask_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A cluster of two workers for tests that leave it whole."""
    with dask_cluster(tmp_path_factory.mktemp("dask"), 2) as cluster:
        yield cluster.address
