"""The command line: ``pi-amt`` and ``python -m pi_amt``.

With ``run``, or with overrides and no sub-command, it is the Hydra application; alone it prints its
help. Every failure is told in one clear line and by an exit code other than 0. A signal that asks
the program to end does so once the finished rows are stored.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import re
import signal
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from tempfile import TemporaryDirectory

from pi_amt.cli.commands import COMMANDS, do_train, owners_of, parser
from pi_amt.cli.messages import one_line
from pi_amt.cli.options import PLUGGABLE, explanation
from pi_amt.cli.overrides import with_command, with_folder, with_home, with_plug_ins
from pi_amt.core.checks import listing, near
from pi_amt.study.executors.processes import STOP_SIGNALS

#: options of sub-commands that are keys of a study, too
_KEYS_LIKE_OPTIONS = ("model", "permutation", "device", "seed", "score")
#: Hydra's flags that take a value
_WITH_VALUE = (
    *("--cfg", "-c", "--package", "-p", "--config-path", "-cp", "--config-name", "-cn"),
    *("--config-dir", "-cd", "--experimental-rerun"),
)
#: all flags of Hydra
FLAGS = (
    *(*_WITH_VALUE, "--info", "-i", "--help", "-h", "--hydra-help", "--version", "--resolve"),
    *("--run", "-r", "--multirun", "-m", "--shell-completion", "-sc"),
)
#: what stands for characters of our own texts where they cannot be written, as wide as they are
_IN_ASCII = dict(zip("─–—−‐×·…±█▉▊▋▌▍▎▏", "-----x..~####=---", strict=True))
#: config groups of which a sweep may take several
_GROUPS = (*PLUGGABLE, "experiment")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    warnings.formatwarning = _plain_warning
    take_any_text(sys.stdout, sys.stderr)
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


def take_any_text(*streams: object) -> None:
    """Let streams take what their encoding does not have: a file on Windows, say, or a pipe in the
    C locale. Lines and signs get their nearest in ASCII, other characters a question mark."""
    codecs.register_error("pi_amt", _nearest)
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="pi_amt")


def _nearest(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    return "".join(_IN_ASCII.get(character, "?") for character in lost), error.end


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
    if arguments and arguments[0] in COMMANDS and arguments[0] not in ("run", "resume"):
        return "interrupted"
    return "interrupted: finished rows are stored, the same command goes on"


def _dispatch(arguments: list[str]) -> int:
    """Do what the arguments ask for."""
    name = arguments[0] if arguments else "--help"
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
            elif key == "audio":  # a list of files
                options.audio = [os.path.expanduser(path) for path in value]
        return options.run(options) or 0
    if re.fullmatch(r"\w+", name):
        hint = near(name, COMMANDS) or listing(COMMANDS)
        raise ValueError(f"got {name!r}, expected a command or key=value{hint}")
    return run_hydra(arguments)


def run_hydra(arguments: list[str]) -> int:
    """Run one job or a sweep, or explain the options of one; 1 if recordings failed."""
    if {"-h", "--help"} & set(arguments):
        print(explanation())
        return 0
    from pi_amt.cli import app
    from pi_amt.cli.printout import print_failures

    _check_flags(arguments)
    overrides = [with_plug_ins(override) for override in mend(arguments)]
    if any(re.fullmatch(r"\+*results_dir=(null|''|\"\"|)", given) for given in overrides):
        # here, before Hydra makes its own folder in /
        raise ValueError("results_dir: got nothing, expected a folder")
    with TemporaryDirectory(prefix="pi_amt_dry_run_") as unused:
        if "dry_run=true" in map(str.lower, overrides):  # not even Hydra's notes are written
            overrides += [f"hydra.run.dir={unused}", f"hydra.sweep.dir={unused}"]
        done = app.run(overrides)
    print_failures(done.failed, done.folders)
    return 1 if done.failed else 0


def _check_flags(arguments: Sequence[str]) -> None:
    """Refuse what is no flag of a study, for which Hydra would print its usage.

    Raises:
        ValueError: for the first such flag, with what to type.
    """
    for i, argument in enumerate(arguments):
        option, _, value = argument.partition("=")
        if not (owners := owners_of(option)):
            if argument.startswith("-") and argument != "--dry-run" and not _is_flag(option):
                raise ValueError(
                    f"got {argument}, which is no flag of pi-amt run, expected key=value; "
                    "`pi-amt run --help` explains all keys and flags"
                )
            continue
        said = f"got {option}, an option of {' and '.join(f'pi-amt {name}' for name in owners)}"
        key = option.removeprefix("--")
        if key not in _KEYS_LIKE_OPTIONS:
            raise ValueError(f"{said}, expected the command before it")
        following = arguments[i + 1] if i + 1 < len(arguments) else "…"
        raise ValueError(f"{said}, expected key=value: pi-amt run {key}={value or following}")


def _is_flag(option: str) -> bool:
    """Whether Hydra takes a flag, which may be shortened if it is long, or hold a value if not."""
    if option.startswith("--"):
        return any(flag.startswith(option) for flag in FLAGS)
    return any(option.startswith(flag) for flag in FLAGS if not flag.startswith("--"))


def mend(arguments: Sequence[str]) -> list[str]:
    """Accept the study's published form ``model=basic_pitch, permutation=fund_mask, harm_mask``.

    Lists of config groups that were split by blanks are joined again and stray commas dropped;
    anything in brackets and all other overrides stay as they are. ``--dry-run`` may stand for
    ``dry_run=true``, and ``~`` for the home folder, which no shell replaces behind ``key=``. The
    command of ``model=command`` needs no quotes but those of the shell, nor do folders whose names
    look like numbers.
    Hydra's own flags come first: it takes no override before them.
    """
    flags, overrides = _flags_apart([a for a in arguments if a != "--dry-run"])
    if "--dry-run" in arguments:
        overrides.append("dry_run=true")
    mended: list[str] = []
    group = re.compile(rf"({'|'.join(_GROUPS)})=[\w,]*")
    for argument in overrides:
        bare_name = re.fullmatch(r"[\w,]+", argument) is not None
        if bare_name and mended and group.fullmatch(mended[-1]):
            joined = f"{mended[-1].rstrip(',')},{argument.lstrip(',')}"
            mended[-1] = joined.replace("=,", "=")
        else:
            mended.append(with_command(with_folder(with_home(argument))))
    return [*flags, *(a.rstrip(",") if group.fullmatch(a) else a for a in mended)]


def _flags_apart(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Hydra's flags with their values, and the overrides."""
    flags: list[str] = []
    overrides: list[str] = []
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        if not argument.startswith("-"):
            overrides.append(argument)
        elif argument in ("-i", "--info"):  # its value may be left out
            given = bool(rest) and re.fullmatch(r"[a-z-]+", rest[0]) is not None
            flags.append(f"--info={rest.pop(0) if given and rest[0][0] != '-' else 'all'}")
        else:
            flags.append(argument)
            long = argument.startswith("--") and any(f.startswith(argument) for f in _WITH_VALUE)
            if rest and (long or argument in _WITH_VALUE):
                flags.append(rest.pop(0))
    return flags, overrides


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
