"""Progress of long work: a bar with ETA on a terminal, a line now and then in a log."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

_LOG_EVERY_SECONDS = 30.0
_WIDE, _NARROW = 90, 60  # columns of a terminal


class StudyProgress:
    """Counts recordings and rows.

    On a terminal one line with bar, ETA, rows per minute, failures and the last recording; it
    narrows with the terminal. Elsewhere a plain line at most every 30 s.

    Args:
        recordings: number of recordings to compute.
        quiet: print nothing at all.
        stream: where to print; standard error by default, so that tables can be piped.
    """

    def __init__(
        self, recordings: int, *, quiet: bool = False, stream: TextIO | None = None
    ) -> None:
        self._stream = stream or sys.stderr
        self._total = recordings
        self._done = self._rows = self._failures = 0
        self._started = self._logged = time.monotonic()
        self._quiet = quiet or recordings == 0
        self._bar: Progress | None = None
        if not self._quiet and self._stream.isatty():
            console = Console(file=self._stream)
            self._bar = Progress(
                *_columns(console.width), console=console, expand=console.width >= _WIDE
            )
            self._task = self._bar.add_task("", total=recordings, note="starting …", short="")

    def __enter__(self) -> StudyProgress:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def advance(self, name: str, rows: int, failures: int) -> None:
        """One recording is done, with so many rows of which so many failed."""
        self._done += 1
        self._rows += rows
        self._failures += failures
        now = time.monotonic()
        rate = 60.0 * self._rows / max(now - self._started, 1e-9)
        failed = f", {self._failures} failed" if self._failures else ""
        if self._bar is not None:
            self._bar.update(
                self._task,
                advance=1,
                note=f"{rate:.0f} rows/min{failed} · {name[:28]}",
                short=f"{rate:.0f}/min{failed}",
            )
        elif not self._quiet and (
            now - self._logged >= _LOG_EVERY_SECONDS or self._done == self._total
        ):
            self._logged = now
            left = (now - self._started) / self._done * (self._total - self._done)
            print(
                f"{self._done}/{self._total} recordings, {self._rows} rows, {rate:.0f} rows/min"
                f"{failed}, about {in_words(left)} left",
                file=self._stream,
                flush=True,
            )


def _columns(width: int) -> list[ProgressColumn]:
    """What fits into a terminal of so many columns."""
    if width >= _WIDE:
        return [
            TextColumn("recordings"),
            BarColumn(bar_width=None),
            TaskProgressColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
        ]
    short = [MofNCompleteColumn(), TimeRemainingColumn(compact=True)]
    bar = [BarColumn(bar_width=10)] if width >= _NARROW else []
    return [*bar, *short, TextColumn("{task.fields[short]}")]


def in_words(seconds: float) -> str:
    """A duration for people: seconds, minutes or hours."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
