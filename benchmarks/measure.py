"""How things are measured: interleaved rounds, processor time, medians, children's peak memory.

Processor time of one thread is what ratios are made of: other programs on the machine lengthen
the wall clock much more. What uses several processes is timed by the wall clock and says so.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

import torch

ROOT = Path(__file__).parents[1]
Task = Callable[[], object]


@dataclass(frozen=True)
class Line:
    """One line of the table: what, how much, and the ratio to what it is compared with."""

    what: str
    value: str
    note: str = ""


def cpu_seconds(task: Task) -> float:
    """Processor seconds of one call in this process."""
    started = time.process_time()
    task()
    return time.process_time() - started


def wall_seconds(task: Task) -> float:
    """Wall-clock seconds of one call."""
    started = time.perf_counter()
    task()
    return time.perf_counter() - started


def interleaved(
    tasks: Mapping[str, Task], rounds: int, clock: Callable[[Task], float] = cpu_seconds
) -> dict[str, float]:
    """Median seconds of each task; all tasks take turns, so that they see the same machine.

    The first round warms up and is not counted, unless there is only one.
    """
    times: dict[str, list[float]] = {name: [] for name in tasks}
    for turn in range(rounds + 1 if rounds > 1 else 1):
        for name, task in tasks.items():
            seconds = clock(task)
            if turn or rounds == 1:
                times[name].append(seconds)
    return {name: median(values) for name, values in times.items()}


@dataclass(frozen=True)
class Finished:
    """A child process that has ended: seconds, processor seconds, what it printed."""

    wall: float
    cpu: float
    output: str


def run_child(*command: str, **environment: str) -> Finished:
    """Run a command and measure it.

    Raises:
        RuntimeError: if it fails, with the end of what it printed.
    """
    started = time.perf_counter()
    child = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert child.stdout is not None
    output = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - started
    if child.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: {output[-800:]}")
    return Finished(wall, usage.ru_utime + usage.ru_stime, output)


def run_module(*arguments: str) -> Finished:
    """Run ``python -m …`` from the checkout and measure it."""
    return run_child(sys.executable, "-m", *arguments)


def machine() -> list[str]:
    """What the figures were measured on."""
    packages = ("pi_amt", "torch", "numpy", "onnxruntime")
    return [
        f"{_processor()}, {os.cpu_count()} cores, {_memory_gb():.0f} GB memory",
        f"{platform.platform()}, Python {platform.python_version()}",
        ", ".join(f"{package} {version(package)}" for package in packages),
        f"vector units that torch uses: {torch.backends.cpu.get_cpu_capability()}",
    ]


def _processor() -> str:
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    names = [line.split(":", 1)[1].strip() for line in text.splitlines() if "model name" in line]
    return names[0] if names else platform.processor() or platform.machine()


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def ratio(a: float, b: float) -> str:
    """``a / b`` for a table."""
    return f"{a / b:.2f}"


def seconds(value: float) -> str:
    """Seconds for a table."""
    return f"{value:.3f} s" if value < 10 else f"{value:.1f} s"
