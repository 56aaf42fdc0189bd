"""The sub-commands of ``pi-amt`` and their options, as :mod:`argparse` takes them.

What they do is in :mod:`pi_amt.cli.commands`, which is not imported here: ``--help`` is to be
instant.
"""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

from pi_amt.core.version import __version__

#: flags, and what ``add_argument`` is told about them
Option = tuple[str, dict[str, Any]]

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

_RESULTS: Option = (
    "results",
    {"nargs": "?", "default": "results", "help": "results folder or store (default: results)"},
)
_MODEL: Option = (
    "--model",
    {"default": "basic_pitch", "help": "basic_pitch, timbre_trap or package.module:Class"},
)
_WEIGHTS: Option = ("--weights", {"help": "weights other than those shipped"})
_DEVICE: Option = ("--device", {"default": "auto", "help": "auto, cpu, cuda"})
_SCORE: Option = (
    "--score",
    {
        "default": "F-measure_no_offset",
        "help": "score that drops are of (default: F-measure_no_offset)",
    },
)
_VARIANTS: Option = (
    "--variants",
    {
        "default": "newest",
        "choices": ("newest", "separate", "refuse"),
        "help": "where rows differ in weights, settings or version: take the newest complete set, "
        "show all apart, or refuse",
    },
)

COMMANDS: dict[str, tuple[str, list[Option]]] = {
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
            (
                "--examples",
                {
                    "type": int,
                    "default": 3,
                    "help": "recordings in the explorer, 0: none (default: 3)",
                },
            ),
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
            (
                "--full",
                {
                    "action": "store_true",
                    "help": "decode every file, and say where the notes hardly fit the sound",
                },
            ),
        ],
    ),
    "list": ("show models, datasets, conditions, executors and experiments", []),
    "doctor": ("check this installation: versions, weights, cores, GPU, a known answer", []),
}


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
