"""Running a program of somebody else: bounded in time and in what it prints, and gone afterwards.

A program may hang, print without end, or start others that outlive it. Whatever it was, nothing of
it is left when :func:`run` returns: its process group is killed, and on Linux every process that
still has the mark which it was given in its environment, so that one which left the group is found,
too. If pi_amt itself is killed, a small shell that waits beside each program kills the group.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pi_amt.core.errors import printable
from pi_amt.core.text import rough_duration

#: name of the mark in a program's environment
MARK = "PI_AMT_PROGRAM"
_ERROR_LINES, _ERROR_CHARACTERS, _ERROR_BYTES = 3, 400, 4_000
_MOST_PRINTED = 50_000_000
_PIPE_BYTES = 1 << 16
#: until what a killed program had printed is read to its end
_DRAIN_SECONDS = 10.0
#: how often at most it is looked for processes that are left
_ROUNDS = 500


class ProgramError(ValueError):
    """A program failed; the message is one line with the end of what it said."""


@dataclass(frozen=True)
class Said:
    """What a program said that ended without an error.

    Attributes:
        printed: all that it printed.
        last_words: the last lines of its messages, or without any of what it printed, on one line
            behind a colon; empty if it said nothing.
    """

    printed: str
    last_words: str


def run(words: Sequence[str], *, timeout_seconds: float) -> Said:
    """Run a program without a shell and without input; return what it said.

    Args:
        words: its path and its arguments.
        timeout_seconds: after which it is killed.

    Raises:
        ProgramError: if it cannot be started, takes too long, prints more than 50 MB, or ends with
            an error.
    """
    mark = uuid.uuid4().hex
    name = Path(words[0]).name
    try:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, MARK: mark},
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise ProgramError(f"{name} cannot be started ({error})") from None
    watcher = _watch(process.pid)
    printed, said = _Reader(process.stdout, _MOST_PRINTED), _Reader(process.stderr, _ERROR_BYTES)
    in_time = True
    try:
        process.wait(timeout_seconds)
    except subprocess.TimeoutExpired:
        in_time = False
    finally:  # also when this process is interrupted
        _kill_all(process, mark)
        _dismiss(watcher)
        printed.join(_DRAIN_SECONDS)
        said.join(_DRAIN_SECONDS)
    # some print what went wrong
    last_words = _end_of(bytes(said.kept).strip() or bytes(printed.kept[-_ERROR_BYTES:]))
    if not in_time:
        raise ProgramError(
            f"{name} was stopped after {rough_duration(timeout_seconds)} without an answer; "
            f"give it longer by timeout_seconds{last_words}"
        )
    if process.returncode:
        raise ProgramError(f"{name} {_how_it_ended(process.returncode)}{last_words}")
    if printed.lost:
        raise ProgramError(f"{name} printed more than {_MOST_PRINTED / 1e6:.0f} MB")
    return Said(printed.kept.decode(errors="replace"), last_words)


def _watch(group: int) -> subprocess.Popen[bytes] | None:
    """Start a shell that kills a process group when this process is gone, however it ended.

    The shell reads from a pipe to which nobody writes and which only this process holds open, so
    that it reads on once this process has ended. Without a shell (``None``) nobody watches.
    """
    try:
        return subprocess.Popen(
            ["sh", "-c", 'read nothing; kill -s KILL -- "-$0"', str(group)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return None


def _dismiss(watcher: subprocess.Popen[bytes] | None) -> None:
    """End a watcher before its pipe is closed: the number of its group may be another's by now."""
    if watcher is not None:
        watcher.kill()
        watcher.wait()
        if watcher.stdin is not None:
            watcher.stdin.close()


class _Reader(threading.Thread):
    """Reads a pipe to its end, so that nobody waits for it, and keeps the last bytes."""

    def __init__(self, pipe: IO[bytes] | None, most: int) -> None:
        super().__init__(daemon=True)
        assert pipe is not None
        self._pipe, self._most = pipe, most
        self.kept = bytearray()
        self.lost = 0
        self.start()

    def run(self) -> None:
        with self._pipe, contextlib.suppress(OSError, ValueError):
            while part := os.read(self._pipe.fileno(), _PIPE_BYTES):
                self.kept += part
                beyond = max(0, len(self.kept) - self._most)
                del self.kept[:beyond]
                self.lost += beyond


def _kill_all(process: subprocess.Popen[bytes], mark: str) -> None:
    """Kill a program and all that it started, and wait for its end."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for _ in range(_ROUNDS):  # a process may have started another one meanwhile
        left = list(_marked(mark))
        if not left:
            return
        for number in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(number, signal.SIGKILL)
        time.sleep(0.01)  # a killed process is there until the system comes to it


def _marked(mark: str) -> Iterator[int]:
    """Numbers of the processes that carry a mark; none where there is no ``/proc``."""
    wanted = f"{MARK}={mark}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                yield int(folder.name)


def _how_it_ended(code: int) -> str:
    if code > 0:
        return f"ended with error {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"


def _end_of(said: bytes) -> str:
    """The last lines of what a program said, on one line; empty if it said nothing."""
    lines = [line.strip() for line in said.decode(errors="replace").splitlines()]
    last = " | ".join([printable(line) for line in lines if line][-_ERROR_LINES:])
    shown = last if len(last) <= _ERROR_CHARACTERS else f"… {last[-_ERROR_CHARACTERS:]}"
    return f": {shown}" if last else ""
