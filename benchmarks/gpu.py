"""A study on one GPU: recordings per hour, how busy the card is, and the split of time.

Worker processes share the card, as in a study: while one decodes and scores, others compute.
"""

from __future__ import annotations

import subprocess
import threading
import time

import torch

from benchmarks.measure import Line, wall_seconds
from benchmarks.stages import ledger_lines, split
from benchmarks.studies import EIGHT, demo_tracks, job_of
from pi_amt.cli.config import PROCESSES_PER_GPU
from pi_amt.study.conditions import make_conditions
from pi_amt.study.evaluate import evaluate
from pi_amt.study.executors.processes import available_cores, local

_COPIES = 8  # of the twelve demo recordings, so that every process has several


def gpu(rounds: int) -> list[Line]:
    """Both models on the first GPU, eight conditions, read to scored row; wall-clock time."""
    del rounds
    if not torch.cuda.is_available():
        return [Line("no GPU on this machine", "not measured")]
    lines = [Line(torch.cuda.get_device_name(0), "")]
    for name in ("basic_pitch", "timbre_trap"):
        lines += _throughput(name)
        lines += ledger_lines(f"{name}, one process", split(name, demo_tracks(6), "cuda", _clock))
    return lines


def _throughput(name: str) -> list[Line]:
    tracks = demo_tracks(12) * _COPIES
    conditions = tuple(make_conditions(EIGHT))
    jobs = [job_of(name, track, conditions, device="cuda") for track in tracks]
    audio = sum(len(samples) / rate for samples, rate in (track.audio() for track in tracks))
    processes = min(PROCESSES_PER_GPU, available_cores())
    with local(processes) as executor:
        list(executor.map(evaluate, jobs[: 2 * processes]))  # the workers start and warm up
        with _Utilisation() as utilisation:
            took = wall_seconds(lambda: list(executor.map(evaluate, jobs)))
    return [
        Line(f"{name}: recordings per hour (wall)", f"{3600 * len(jobs) / took:.0f}"),
        Line(f"{name}: audio per second (wall)", f"{audio / took:.0f} s", f"{processes} processes"),
        Line(f"{name}: device utilisation", utilisation.mean, "mean of nvidia-smi's samples"),
    ]


def _clock() -> float:
    torch.cuda.synchronize()
    return time.perf_counter()


class _Utilisation:
    """Asks nvidia-smi twice a second how busy the first card is."""

    def __init__(self) -> None:
        self._samples: list[float] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> _Utilisation:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        query = ("--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "--id=0")
        while not self._over.wait(0.5):
            try:
                answer = subprocess.run(("nvidia-smi", *query), capture_output=True, check=True)
                self._samples.append(float(answer.stdout))
            except (OSError, subprocess.CalledProcessError, ValueError):  # "[N/A]" under MIG
                return

    @property
    def mean(self) -> str:
        """In percent, for a table."""
        if not self._samples:
            return "nvidia-smi says nothing"
        return f"{sum(self._samples) / len(self._samples):.0f} %"
