"""How far the recordings in flight are, told by workers through small files.

Without it the bar of a study of long recordings would stand still until the first one ends. The
driver owns a folder, every job a file name in it, and a worker writes there what share of its
recording is done. Telling must never cost a result: a worker that cannot reach the folder (on
another machine, on a full disk) says nothing.
"""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass
from itertools import count
from pathlib import Path


@dataclass(frozen=True)
class Pulse:
    """The file of one job; it travels to the worker with the job."""

    path: str

    def beat(self, share: float) -> None:
        """So much of the recording is done, 0 to 1."""
        with contextlib.suppress(OSError):  # see above
            Path(self.path).write_text(f"{share:.4f}", "ascii")

    def stop(self) -> None:
        """The job is over: what it told no longer counts."""
        with contextlib.suppress(OSError):
            Path(self.path).unlink(missing_ok=True)


class Pulses:
    """The driver's folder, which goes when the study ends."""

    def __enter__(self) -> Pulses:
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        with contextlib.suppress(OSError):  # then nobody tells anything
            self._folder = tempfile.TemporaryDirectory(prefix="pi_amt-", ignore_cleanup_errors=True)
        self._numbers = count()
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._folder is not None:
            self._folder.cleanup()

    def new(self) -> Pulse | None:
        """For one more job."""
        if self._folder is None:
            return None
        return Pulse(str(Path(self._folder.name) / str(next(self._numbers))))

    def under_way(self) -> float:
        """Sum of the shares of all jobs in flight."""
        total = 0.0
        if self._folder is None:
            return total
        for path in Path(self._folder.name).glob("*"):
            # gone since, or just being written
            with contextlib.suppress(OSError, ValueError):
                total += min(1.0, max(0.0, float(path.read_text("ascii"))))
        return total
