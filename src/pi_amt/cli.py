"""The command line: ``pi-amt`` and ``python -m pi_amt``.

Without a sub-command, or with ``run``, it is the Hydra application. Sub-commands are imported when
they are called, so that ``--help`` is instant. Every failure is one clear line and a non-zero exit.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import signal
import sys
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from pi_amt import __version__
from pi_amt.one_line import one_line
from pi_amt.options import listing, near
from pi_amt.stopping import stopped_by_signals
from pi_amt.words import plural

if TYPE_CHECKING:
    from pi_amt.store import Row

_EPILOG = """\
the study:
  pi-amt -m                                   2 models x 2 datasets x 8 conditions
  pi-amt -m dataset=demo                      the same on the built-in recordings
  pi-amt model=basic_pitch dataset=maps permutation=fund_mask dataset.data_folder=DIR
  pi-amt -m dataset=demo controls=true repeats=5
  pi-amt experiment=dose                      also: harmonic_profile, sensitivity, onset, ...
  pi-amt -m dataset=maestro dry_run=true      only say what it would take
  pi-amt --cfg job                            print the whole configuration

`python -m pi_amt` is the same program. Options are Hydra overrides (key=value); `pi-amt list`
shows models, datasets, conditions and experiments. Documentation: docs/, README.md.
"""
_GROUPS = ("model", "dataset", "permutation", "executor", "experiment")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
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


def _interrupted(arguments: list[str]) -> str:
    """What to tell somebody who stopped the program."""
    if arguments and arguments[0] in {*COMMANDS, "train"} - {"run"}:
        return "interrupted"
    return "interrupted: finished rows are stored, the same command goes on"


def _dispatch(arguments: list[str]) -> int:
    """Do what the arguments ask for."""
    name = arguments[0] if arguments else ""
    if name in ("-h", "--help", "help"):
        parser().print_help()
        return 0
    if name == "--version":
        print(f"pi-amt {__version__}")
        return 0
    if name in COMMANDS:
        options = parser().parse_args(arguments)
        from pi_amt import commands

        return int(getattr(commands, f"do_{name}")(options) or 0)
    if name == "train":
        from pi_amt.commands import do_train

        return do_train(arguments[1:])
    if re.fullmatch(r"\w+", name) and name != "run":
        words = [*COMMANDS, "run", "train"]
        hint = near(name, words) or listing(words)
        raise ValueError(f"got {name!r}, expected a command or key=value{hint}")
    return run_hydra(arguments[1:] if name == "run" else arguments)


def run_hydra(arguments: list[str]) -> int:
    """Run one job or a sweep; 1 if recordings failed."""
    # Otherwise Hydra prints its own story and exits.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    from pi_amt import app

    sys.argv = ["pi-amt", *mend(arguments)]
    app.run()
    if app.OUTCOME.error is not None:
        raise app.OUTCOME.error
    failed = failures(app.OUTCOME.failed)
    if failed:
        print(f"\n{plural(len(failed), 'recording')} failed:", file=sys.stderr)
        for line in failed:
            print(f"  {line}", file=sys.stderr)
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
    ``dry_run=true``.
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
            mended.append(argument)
    return [a.rstrip(",") if group.fullmatch(a) else a for a in mended]


def parser() -> argparse.ArgumentParser:
    """The parser of the sub-commands."""
    top = argparse.ArgumentParser(
        prog="pi-amt",
        description="Which harmonic features does a music-transcription model rely on? pi-amt "
        "perturbs the model's own input, transcribes again and reports the drop in note F-measure.",
        epilog=_EPILOG,
        formatter_class=partial(argparse.RawDescriptionHelpFormatter, max_help_position=20),
    )
    top.add_argument("--version", action="version", version=f"pi-amt {__version__}")
    commands = top.add_subparsers(dest="command", metavar="command")
    for name, (summary, options) in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary)
        for flags, settings in options:
            command.add_argument(*flags.split(), **settings)
    commands.add_parser("run", help="one run or, with -m, a sweep (what happens without a command)")
    commands.add_parser("train", help="train a model: pi-amt train timbre_trap [key=value ...]")
    return top


_RESULTS: tuple[str, dict[str, Any]] = (
    "results",
    {"nargs": "?", "default": "results", "help": "results folder or store (default: results)"},
)
_MODEL: tuple[str, dict[str, Any]] = (
    "--model",
    {"default": "basic_pitch", "help": "basic_pitch, timbre_trap or package.module:Class"},
)
_WEIGHTS: tuple[str, dict[str, Any]] = ("--weights", {"help": "weights other than those shipped"})
_DEVICE: tuple[str, dict[str, Any]] = ("--device", {"default": "auto", "help": "auto, cpu, cuda"})
_SCORE: tuple[str, dict[str, Any]] = (
    "--score",
    {"default": "F-measure_no_offset", "help": "key of score_notes that drops are computed of"},
)
_VARIANTS: tuple[str, dict[str, Any]] = (
    "--variants",
    {
        "default": "newest",
        "choices": ("newest", "separate", "refuse"),
        "help": "where rows differ in weights, settings or version: take the newest complete set, "
        "show all apart, or refuse",
    },
)

COMMANDS: dict[str, tuple[str, list[tuple[str, dict[str, Any]]]]] = {
    "transcribe": (
        "write the notes of audio files as MIDI, clean or perturbed",
        [
            ("audio", {"nargs": "+", "help": "audio files"}),
            ("-o --output", {"default": ".", "help": "folder for the MIDI files"}),
            _MODEL,
            _WEIGHTS,
            _DEVICE,
            ("--permutation", {"help": "perturb the input first, e.g. fund_mask"}),
            ("--midi", {"help": "reference notes, for permutations that need them"}),
            (
                "--option",
                {
                    "action": "append",
                    "default": [],
                    "metavar": "KEY=VALUE",
                    "help": "option of the permutation, e.g. half_width_cents=100",
                },
            ),
            ("--seed", {"type": int, "default": 0, "help": "of the draws (default 0)"}),
        ],
    ),
    "table": (
        "print the table of a results folder; computed from stored rows, no inference",
        [
            _RESULTS,
            _SCORE,
            _VARIANTS,
            ("--csv", {"metavar": "F", "help": "also write CSV"}),
            ("--latex", {"metavar": "F", "help": "also write LaTeX (booktabs)"}),
            ("--parquet", {"metavar": "F", "help": "also write Parquet"}),
            ("--markdown", {"action": "store_true", "help": "print as Markdown"}),
            (
                "--anatomy",
                {
                    "action": "store_true",
                    "help": "also false notes by interval, and drops by kind of note",
                },
            ),
        ],
    ),
    "report": (
        "make one self-contained HTML file of a results folder",
        [
            _RESULTS,
            _SCORE,
            ("-o --output", {"default": "report.html", "help": "the file (default: report.html)"}),
            ("--examples", {"type": int, "default": 3, "help": "recordings in the explorer"}),
        ],
    ),
    "compare": (
        "compare two results folders (two versions, two weights), recording by recording",
        [
            ("store_a", {"help": "results folder or store"}),
            ("store_b", {"help": "results folder or store"}),
            _SCORE,
            ("--csv", {"metavar": "F", "help": "also write CSV"}),
        ],
    ),
    "export": (
        "write raw rows or notes for analysis elsewhere",
        [
            _RESULTS,
            ("--rows", {"metavar": "F", "help": "rows as .csv or .parquet"}),
            ("--notes", {"metavar": "F", "help": "per-note table of all rows as .csv or .parquet"}),
        ],
    ),
    "calibrate": (
        "how far each mask, fill and width is from the true ablation, on synthesised tones",
        [("model", {"help": "basic_pitch or timbre_trap"}), _WEIGHTS, _DEVICE],
    ),
    "data": (
        "look through a dataset folder: tracks, hours, missing partners, unreadable files",
        [
            ("dataset", {"help": "maps, maestro, demo or folder"}),
            ("data_folder", {"nargs": "?", "help": "the folder"}),
            ("--full", {"action": "store_true", "help": "decode every file, not only its header"}),
        ],
    ),
    "list": ("show models, datasets, conditions, executors and experiments", []),
    "doctor": ("check this installation: versions, weights, cores, GPU, a known answer", []),
}
