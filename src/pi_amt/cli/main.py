"""The command line: ``pi-amt`` and ``python -m pi_amt``.

Without a sub-command, or with ``run``, it is the Hydra application. Every failure is told in one
clear line and by an exit code other than 0. A signal that asks the program to end does so once the
finished rows are stored.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
import threading
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import reduce
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from pi_amt.cli.commands import COMMANDS, do_train, parser
from pi_amt.cli.messages import one_line
from pi_amt.cli.overrides import with_home
from pi_amt.core.checks import listing, near
from pi_amt.core.errors import below, printable
from pi_amt.core.text import listed, plural
from pi_amt.study.executors.processes import STOP_SIGNALS

if TYPE_CHECKING:
    from pi_amt.store.rows import Row

_GROUPS = ("model", "dataset", "permutation", "executor", "experiment")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    warnings.formatwarning = _plain_warning
    try:
        with stopped_by_signals():
            return _dispatch(arguments)
    except KeyboardInterrupt as stop:
        with contextlib.suppress(OSError):  # after a hang-up there is no terminal
            print("\n" + _interrupted(arguments), file=sys.stderr)
        return 128 + (stop.args[0] if stop.args else signal.SIGINT)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except Exception as error:
        if os.environ.get("PI_AMT_DEBUG"):
            raise
        print(f"pi-amt: {one_line(error)}", file=sys.stderr)
        return 2


def _plain_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    line: str | None = None,
) -> str:
    """Warnings of pi_amt are for users, so they are shown without file and line of code."""
    if category is UserWarning:
        return f"pi-amt: warning: {message}\n"
    return f"{filename}:{lineno}: {category.__name__}: {message}\n"


def _interrupted(arguments: list[str]) -> str:
    """What to tell somebody who stopped the program."""
    if arguments and arguments[0] in COMMANDS and arguments[0] != "run":
        return "interrupted"
    return "interrupted: finished rows are stored, the same command goes on"


def _dispatch(arguments: list[str]) -> int:
    """Do what the arguments ask for."""
    name = arguments[0] if arguments else ""
    if name in ("-h", "--help", "help"):
        parser().print_help()
        return 0
    if name == "run":
        return run_hydra(arguments[1:])
    if name == "train":
        return do_train(arguments[1:])
    if name in COMMANDS or name == "--version":
        options = parser().parse_args(arguments)
        for key, value in vars(options).items():
            if isinstance(value, str):
                setattr(options, key, os.path.expanduser(value))
        return options.run(options) or 0
    if re.fullmatch(r"\w+", name):
        hint = near(name, COMMANDS) or listing(COMMANDS)
        raise ValueError(f"got {name!r}, expected a command or key=value{hint}")
    return run_hydra(arguments)


def run_hydra(arguments: list[str]) -> int:
    """Run one job or a sweep; 1 if recordings failed."""
    from pi_amt.cli import app

    overrides = mend(arguments)
    if any(re.fullmatch(r"\+*results_dir=(null|''|\"\"|)", given) for given in overrides):
        # here, before Hydra makes its own folder in /
        raise ValueError("results_dir: got nothing, expected a folder")
    with TemporaryDirectory(prefix="pi_amt_dry_run_") as unused:
        if "dry_run=true" in map(str.lower, overrides):  # not even Hydra's notes are written
            overrides += [f"hydra.run.dir={unused}", f"hydra.sweep.dir={unused}"]
        done = app.run(overrides)
        failed = failures(done.failed)
    if failed:
        print(f"\n{plural(len(failed), 'recording')} failed:", file=sys.stderr)
        folders = dict.fromkeys(done.folders)
        for line in listed([reduce(below, folders, line) for line in failed]):
            print(f"  {line}", file=sys.stderr)
        for folder in folders:
            print(f"  (in {printable(str(folder.absolute()))})", file=sys.stderr)
    return 1 if failed else 0


def failures(rows: Iterable[Row]) -> list[str]:
    """One line per recording with errors; names the conditions where its baseline is good."""
    by_track: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        by_track.setdefault((row.dataset, row.track), []).append(row)
    lines = []
    for (dataset, track), found in sorted(by_track.items()):
        whole = any(row.role == "baseline" for row in found)
        which = "" if whole else f"{', '.join(dict.fromkeys(row.label for row in found))}: "
        lines.append(f"{dataset}/{track}: {which}{found[-1].error}")
    return lines


def mend(arguments: Sequence[str]) -> list[str]:
    """Accept the study's published form ``model=basic_pitch, permutation=fund_mask, harm_mask``.

    Lists of config groups that were split by blanks are joined again and stray commas dropped;
    anything in brackets and all other overrides stay as they are. ``--dry-run`` may stand for
    ``dry_run=true``, and ``~`` for the home folder, which no shell replaces behind ``key=``.
    """
    mended: list[str] = []
    # last, because Hydra takes no override before its own flags
    dry = ["dry_run=true"] if "--dry-run" in arguments else []
    arguments = [*(a for a in arguments if a != "--dry-run"), *dry]
    group = re.compile(rf"({'|'.join(_GROUPS)})=[\w,]*")
    for argument in arguments:
        bare_name = re.fullmatch(r"[\w,]+", argument) is not None
        if bare_name and mended and group.fullmatch(mended[-1]):
            joined = f"{mended[-1].rstrip(',')},{argument.lstrip(',')}"
            mended[-1] = joined.replace("=,", "=")
        else:
            mended.append(with_home(argument))
    return [a.rstrip(",") if group.fullmatch(a) else a for a in mended]


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Let the signals that ask a program to end (``kill``, a cluster's time limit or preemption, a
    closed terminal) stop it as Ctrl-C does: workers are ended, and what is finished is stored."""

    def stop(number: int, frame: object) -> None:
        for other in watched:
            signal.signal(other, signal.SIG_DFL)  # the second one ends at once
        raise KeyboardInterrupt(number)

    # nohup has SIGHUP ignored; handlers can be set in the main thread only
    main_thread = threading.current_thread() is threading.main_thread()
    watched = [s for s in STOP_SIGNALS if main_thread and signal.getsignal(s) == signal.SIG_DFL]
    for number in watched:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in watched:
            signal.signal(number, signal.SIG_DFL)
