"""The options of a study in words: what ``pi-amt run --help`` prints.

The words stand in the configuration files, beside the options and their defaults: the comment at
the top of a file says what is chosen with it, and the comment behind an option what that does. The
files are read as text, because what reads YAML drops comments.
"""

from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

CONF = Path(str(files("pi_amt.cli") / "conf"))
#: the files of these groups are alternatives, of which a study has one each
GROUPS = {
    "model": "the model that is studied",
    "dataset": "the recordings",
    "permutation": "what is done to the model's input",
    "experiment": "conditions that belong together, in place of one",
    "mask": "a set of options for all masks",
    "executor": "where the study is computed",
}
#: of these groups, those that other packages can add to
PLUGGABLE = ("model", "dataset", "permutation", "executor")
#: groups whose options belong to all that can be chosen in another one
_ALL = {"mask": "all masks", "shuffle": "all shuffles"}
_LEFT = 26
_INTRODUCTION = """\
usage: pi-amt run [-m] [key=value ...]

Run one condition or, with -m, a sweep over several models, datasets and conditions. The word "run"
may be left out. Every option is written key=value, and every key below is shown with its default.
Lists, such as model=basic_pitch,timbre_trap, need -m. Without lists, -m takes both models, MAPS and
MAESTRO, and the eight conditions of the study. An experiment needs no -m."""
_CLOSING = """\
flags:
  -m, --multirun            a sweep: all combinations of the lists that are given
  --dry-run                 the same as dry_run=true
  --cfg job                 print the whole configuration and do nothing
  --hydra-help              explain the other flags, which are those of Hydra

examples:
  pi-amt run model=basic_pitch dataset=demo permutation=fund_mask
  pi-amt run -m dataset=demo controls=true repeats=5
  pi-amt run experiment=dose dataset=maps dataset.data_folder=/data/MAPS"""


@dataclass(frozen=True)
class Option:
    """One option of one configuration file; ``words`` say its values and what it does."""

    key: str
    default: str
    words: str


def options_of(path: Path) -> list[Option]:
    """The options that a configuration file explains.

    The others name the file's object, are taken from another option, or set one that is explained
    elsewhere.
    """
    found: list[Option] = []
    for line in path.read_text("utf-8").splitlines():
        if given := re.fullmatch(r"([a-z]\w*): +([^#]*?)(?: +# ?(.*))?", line):
            found.append(Option(given[1], given[2].replace("???", "…"), given[3] or ""))
        elif (more := re.fullmatch(r" +# ?(.*)", line)) and found:
            last = found.pop()
            found.append(Option(last.key, last.default, f"{last.words} {more[1]}"))
    return [option for option in found if option.words]


def summary_of(path: Path) -> str:
    """The comment at the top of a configuration file."""
    lines = path.read_text("utf-8").splitlines()
    top = [line for line in lines if not line.startswith("# @package")]
    end = next((i for i, line in enumerate(top) if not line.startswith("#")), len(top))
    return " ".join(line.removeprefix("#").strip() for line in top[:end])


def explanation() -> str:
    """All options of a study, with their defaults and what they do."""
    width = min(shutil.get_terminal_size((100, 24)).columns, 120) - 2
    return "\n\n".join([_INTRODUCTION, *_choices(width), *_sections(width), _CLOSING])


def _choices(width: int) -> Iterator[str]:
    """For each group what can be chosen, and what is unless something else is."""
    defaults = dict(re.findall(r"^  - (\w+): (\w+)", (CONF / "config.yaml").read_text(), re.M))
    for group, words in GROUPS.items():
        lines = [f"{group}={defaults[group]}: {words}"]
        for path in _files(group):
            lines += _two_columns(path.stem, summary_of(path), width)
        yield "\n".join(lines)


def _sections(width: int) -> Iterator[str]:
    """The options of all studies, and those that some choices have."""
    yield "\n".join(["options of every run", *_lines(options_of(CONF / "config.yaml"), "", width)])
    for group in (*GROUPS, "shuffle"):
        choices = _files(group)
        owners: dict[Option, list[str]] = {}
        for path in choices:
            for option in options_of(path):
                owners.setdefault(option, []).append(path.stem)
        everywhere = 1 if group in _ALL else len(choices)
        shared_first = sorted(owners.items(), key=lambda owned: -len(owned[1]))
        told = [
            option
            if len(names) == everywhere
            else replace(option, words=f"{option.words} ({_whose(names, choices)})")
            for option, names in shared_first
        ]
        prefix = "" if group == "experiment" else f"{group}."
        title = f"options of {_ALL.get(group, f'the {group}')}"
        yield "\n".join([title, *_lines(told, prefix, width)])


def _whose(names: list[str], choices: list[Path]) -> str:
    """Which choices have an option, or which lack it, whichever are fewer."""
    lacking = [path.stem for path in choices if path.stem not in names]
    if len(lacking) < len(names):
        return f"not with {', '.join(lacking)}"
    return f"only with {', '.join(names)}"


def _lines(options: list[Option], prefix: str, width: int) -> Iterator[str]:
    for option in options:
        yield from _two_columns(f"{prefix}{option.key}={option.default}", option.words, width)


def _two_columns(left: str, right: str, width: int) -> Iterator[str]:
    """What is explained, and beside it, or below it where it is long, the explanation."""
    lines = textwrap.wrap(
        right, max(width - _LEFT - 2, 20), break_on_hyphens=False, break_long_words=False
    )
    head = f"  {left:{_LEFT - 1}} "
    if len(head) > _LEFT + 2 or not lines:
        yield head.rstrip()
    else:
        yield head + lines.pop(0)
    for line in lines:
        yield " " * (_LEFT + 2) + line


def _files(group: str) -> list[Path]:
    return sorted((CONF / group).glob("*.yaml"))
