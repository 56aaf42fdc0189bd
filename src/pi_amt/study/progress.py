"""Progress of long work: a bar with ETA on a terminal, a line now and then in a log.

Workers tell how far they are in their recording (pulses), so that the bar moves inside long
recordings. The time that is left is estimated from what recordings cost
(:mod:`pi_amt.study.cost`).
"""

from __future__ import annotations

import contextlib
import io
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    TaskProgressColumn,
    TextColumn,
)

from pi_amt.core.text import plural, rough_duration
from pi_amt.study.cost import UnderWay, Workload

_LOG_EVERY_SECONDS = 30.0
_LOOK_EVERY_SECONDS = 1.0
_WIDE, _NARROW = 90, 60  # columns of a terminal


class StudyProgress:
    """Counts recordings and rows.

    On a terminal one line with bar, time left, rows per minute, failures and the last recording; it
    narrows with the terminal. Elsewhere a plain line at most every 30 s.

    Args:
        workload: the recordings to compute; its user tells it which are finished.
        under_way: how far the recordings in flight are, by their number in the workload.
        quiet: print nothing at all.
        stream: where to print; standard error by default, so that tables can be piped.
    """

    def __init__(
        self,
        workload: Workload,
        under_way: Callable[[], Mapping[int, UnderWay]] = dict,
        *,
        quiet: bool = False,
        stream: TextIO | None = None,
    ) -> None:
        self._stream = stream or sys.stderr
        self._workload, self._under_way = workload, under_way
        self._total = len(workload)
        self._done = self._rows = self._failures = 0
        self._started = self._logged = time.monotonic()
        self._quiet = quiet or self._total == 0
        self._bar: _Bar | None = None
        if not self._quiet and self._stream.isatty():
            self._bar = _Bar("recordings", self._stream)
            self._bar.begin(1.0, note="starting …")
        self._lock, self._over = threading.Lock(), threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        if not self._quiet:
            self._watcher.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._over.set()
        try:
            if not self._quiet:
                self._watcher.join()
        finally:
            if self._bar is not None:
                self._bar.stop()

    def advance(self, name: str, rows: int, failures: int) -> None:
        """One recording is done, with so many rows of which so many failed."""
        with self._lock:
            self._done += 1
            self._rows += rows
            self._failures += failures
            if self._bar is not None:
                note = f"{self._rate()} · {name[:28]}"
                self._bar.show(note=note, short=self._rate("/min"))
            self._show()

    def _watch(self) -> None:
        """Show now and then how far the recordings in flight are, until none is left.

        It stops with the last recording, whose line is printed by then, although workers may take
        seconds to end.
        """
        while not self._over.wait(_LOOK_EVERY_SECONDS):
            with self._lock:
                if self._done == self._total:
                    return
                self._show()

    def _show(self) -> None:
        if self._quiet:
            return
        now, over = time.monotonic(), self._done == self._total
        if self._bar is None and not (over or now - self._logged >= _LOG_EVERY_SECONDS):
            return
        flight = self._under_way()
        done, left = self._workload.done_and_left(flight)
        # so many workers as were at work until now
        seconds = (now - self._started) * left / done if done > 0 else None
        count = f"{self._done}/{self._total}"
        if self._bar is not None:
            self._bar.show(
                completed=done / (done + left) if done + left > 0 else float(over),
                count=count,
                left="" if seconds is None else f"{rough_duration(seconds)} left",
            )
            return
        self._logged = now
        share = sum(one.share for one in flight.values())
        partly = f" and {share:.2f} under way" if share >= 0.01 and not over else ""
        until = "" if seconds is None else f", about {rough_duration(seconds)} left"
        of, rows = plural(self._total, "recording"), plural(self._rows, "row")
        line = f"{self._done}/{of}{partly}, {rows}, {self._rate()}{until}"
        print(line, file=self._stream, flush=True)

    def _rate(self, unit: str = " rows/min") -> str:
        """Rows a minute, and failures if there are any."""
        rate = 60.0 * self._rows / max(time.monotonic() - self._started, 1e-9)
        failed = f", {self._failures} failed" if self._failures else ""
        return f"{rate:.0f}{unit}{failed}"


class StageProgress:
    """Names the stage that some work is in, and counts its steps where their number is known.

    On a terminal that is one line, which goes when the work is done; elsewhere nothing is printed.

    Args:
        what: the work.
        stream: where to print; standard error by default.
    """

    def __init__(self, what: str, *, stream: TextIO | None = None) -> None:
        stream = stream or sys.stderr
        self._bar = _Bar(what, stream, transient=True) if stream.isatty() else None
        self._begun, self._steps = 0, 0

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def stage(self, name: str, steps: int = 0) -> None:
        """A stage begins, of so many steps; 0 if nobody knows how many."""
        self._begun, self._steps = 0, steps
        if self._bar is not None:
            # a bar without a total moves to and fro
            self._bar.begin(steps or None, note=name, short=name)

    def step(self, name: str) -> None:
        """The next step of the stage begins, and the stage now goes by this name."""
        done, self._begun = self._begun, self._begun + 1
        if self._bar is not None:
            count = f"{done}/{self._steps}"
            self._bar.show(completed=done, count=count, note=name, short=name)


#: tells nobody
SILENT = StageProgress("", stream=io.StringIO())


class _Bar(Progress):
    """The one line of a terminal that tells how far some work is."""

    def __init__(self, what: str, stream: TextIO, *, transient: bool = False) -> None:
        console = Console(file=stream)
        wide = console.width >= _WIDE
        columns = _columns(console.width, what)
        super().__init__(*columns, console=console, expand=wide, transient=transient)
        self.begin(None)

    def begin(self, total: float | None, **fields: Any) -> None:
        """Begin anew, with these fields and no others."""
        for task in self.task_ids:
            self.remove_task(task)
        self.add_task(
            "", total=total, **{"count": "", "left": "", "note": "", "short": ""} | fields
        )

    def show(self, **fields: Any) -> None:
        """Show these fields; others stay."""
        (task,) = self.task_ids
        self.update(task, **fields)


def _columns(width: int, what: str) -> list[ProgressColumn]:
    """What fits into a terminal of so many columns."""
    if width >= _WIDE:
        return [
            TextColumn(what),
            BarColumn(bar_width=None),
            TaskProgressColumn(),
            TextColumn("{task.fields[count]}"),
            TextColumn("{task.fields[left]}"),
            # a name may hold brackets
            TextColumn("{task.fields[note]}", markup=False),
        ]
    short = [TextColumn("{task.fields[count]}"), TextColumn("{task.fields[left]}")]
    bar = [BarColumn(bar_width=10)] if width >= _NARROW else []
    return [*bar, *short, TextColumn("{task.fields[short]}", markup=False)]


@dataclass(frozen=True)
class Pulse:
    """The file in which the worker of one job tells how far it is; it travels with the job."""

    path: str

    def beat(self, started: float, share: float) -> None:
        """So much of the recording is done, 0 to 1, since ``started`` (``time.perf_counter``)."""
        with contextlib.suppress(OSError):  # a study does not fail because a bar stands still
            took = time.perf_counter() - started
            Path(self.path).write_text(f"{share:.4f} {took:.3f}", "ascii")

    def stop(self) -> None:
        """The job is over: what it told no longer counts."""
        with contextlib.suppress(OSError):
            Path(self.path).unlink(missing_ok=True)


class Pulses:
    """The pulses of all jobs, in a folder that is removed when the study ends."""

    def __enter__(self) -> Pulses:
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        with contextlib.suppress(OSError):  # then nobody tells anything
            self._folder = tempfile.TemporaryDirectory(prefix="pi_amt-", ignore_cleanup_errors=True)
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._folder is not None:
            self._folder.cleanup()

    def new(self, number: int) -> Pulse | None:
        """The pulse of the job of this number; ``None`` where no folder could be made."""
        if self._folder is None:
            return None
        return Pulse(str(Path(self._folder.name) / str(number)))

    def under_way(self) -> dict[int, UnderWay]:
        """How far the jobs in flight are, by their number."""
        told: dict[int, UnderWay] = {}
        if self._folder is None:
            return told
        for path in Path(self._folder.name).glob("*"):
            # it may have been removed since, or is just being written
            with contextlib.suppress(OSError, ValueError):
                share, took = map(float, path.read_text("ascii").split())
                told[int(path.name)] = UnderWay(min(1.0, max(0.0, share)), took)
        return told
