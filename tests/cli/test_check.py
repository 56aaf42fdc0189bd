"""``pi-amt check``: every kind by its name or path, and one line for each mistake."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.plugged import GROUPS

from pi_amt.cli.main import main

FUNCTION = """
import numpy as np
import pi_amt

def nothing(samples, sample_rate):
    return pi_amt.Notes.empty()

def fails(samples, sample_rate):
    raise OSError("no weights")

def tracks():
    return []

def breaks():
    raise KeyError("oh")
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with functions, which can be imported as ``own_things``, in the current folder."""
    path = tmp_path / "own_things.py"
    path.write_text(FUNCTION)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return path


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (
            "fund_mask --option half_width_cents=100",
            0,
            r"^fund_mask: found no problem \(.*0% of wh",
        ),
        ("calibration --option max_tracks=2", 0, "^calibration: found no problem .read 2 of 2"),
        (
            "tests.toys:ToyTranscriber",
            0,
            "^toy: found no problem .it heard.*\ntoy: found no pr.*F i",
        ),
        ("tests.toys.ToyTranscriber", 0, "^toy: found no problem"),
        ("tests.toys:toy_dataset --kind dataset --option count=2", 0, "dataset: found no problem"),
        (
            "callable --option function=own_things.py:nothing",
            1,
            "^nothing: found no pr.*\nPROBLEM: nothing: this model found no note in a short piece",
        ),
        ("callable --option function=own_things.py:fails", 1, "^PROBLEM: fails: got OSError: no w"),
        (
            "command --option command='false {wav} {mid}'",
            1,
            "^PROBLEM: false: .* ended with error 1",
        ),
        ("own_things:tracks --kind dataset", 1, "^PROBLEM: the dataset: got no recording"),
    ],
)
def test_every_kind_is_checked(
    arguments: str, code: int, said: str, module: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", *shlex.split(arguments)]) == code
    assert re.search(said, capsys.readouterr().out, re.MULTILINE)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("funk_mask", "model, dataset or permutation: got unknown 'funk_mask'; did you mean fund_"),
        ("model=callable", "expected the name alone: pi-amt check callable"),
        ("own_things.py:nothing", "pi-amt check callable --option function=own_things.py:nothing"),
        (
            "./own_things.py",
            "got the file ./own_things.py, expected the name of what is in it, such",
        ),
        ("basic_pitch --rate -5", "--rate: got -5, expected a whole number, 4000 to 768000"),
        ("own_things:gone", "model, dataset or permutation: cannot load own_things:gone"),
        ("own_things:tracks", "add --kind model or --kind dataset or --kind permutation"),
        ("own_things:breaks --kind dataset", "own_things:breaks: got KeyError: 'oh' while it was"),
        ("demo --device cpu", "got --device for a dataset, expected it for models only"),
        ("fund_mask --rate 8000", "got --rate for a permutation, expected it for models only"),
        ("fund_mask --option width", "--option: got 'width', expected KEY=VALUE"),
        ("folder", "dataset folder: got no data_folder, expected one: set data_folder=…"),
    ],
)
def test_a_mistake_is_one_line(
    arguments: str, said: str, module: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", *arguments.split()]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("command={wav}", "got '{wav}', which begins with a file in place of the program, expect"),
        ("command={tool} {wav} {mid}", "got the program '{tool}', which is not installed"),
        ("command=cat {wav} {mid}: 'x", """'x" (No closing quotation), expected a program with"""),
        (
            "command=[cat,{wav}]",
            "got ['cat', {'wav': None}], expected text, such as 'tool {wav} {m",
        ),
        ("command=3", "model.command: got 3, expected text, such as 'tool {wav} {mid}'"),
        ("command=", "model.command: got nothing, expected a program with its arguments"),
        ("command.x=1", "option of model command: got unknown 'command.x'; did you mean command?"),
        ("columns=3", "model.columns: got 3, expected text, such as 'onset offset pitch'"),
        ("columns={onset}", "model.columns: got '{onset}', expected one of onset, offset, duratio"),
        ("late_ms={a}", "model.late_ms: got '{a}', expected a number, -1000 to 1000 ms"),
        (
            "function=nothing",
            "expected both where the function is and its name, such as my_module.",
        ),
        ("function=own_things.py", "function is and its name, such as own_things.py:transcribe"),
        ("function=own_things.py:", "got 'own_things.py:', expected both where the function is"),
        ("function=[a]", "model.function: got ['a'], expected a function (samples, sample_rate)"),
        ("function={a: 1}", "model.function: got {'a': 1}, expected a function (samples, sample_"),
    ],
)
def test_a_wrong_option_of_a_black_box_is_one_line_that_says_what_to_do(
    option: str, said: str, module: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "callable" if option.startswith("function") else "command"
    whole = name == "callable" or option.startswith("command")
    pairs = [option] if whole else ["command=cat {wav} {mid}", option]
    assert main(["check", name, *(part for pair in pairs for part in ("--option", pair))]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_braces_and_colons_in_a_command_are_text(capsys: pytest.CaptureFixture[str]) -> None:
    """YAML would read a mapping, which no program can be."""
    assert main(["check", "command", "--option", "command=false {wav} {mid} {a}: b"]) == 1
    assert "PROBLEM: false: got ProgramError: false ended with error 1" in capsys.readouterr().out


def test_a_name_that_stands_for_two_kinds_is_asked_about(
    installed: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    installed(
        {
            "datasets": {"both": "acme:tracks"},
            "permutations": {"both": GROUPS["permutations"]["halve"]},
        }
    )
    assert main(["check", "both"]) == 2
    assert "add --kind dataset or --kind permutation" in capsys.readouterr().err
    assert main(["check", "both", "--kind", "permutation"]) == 0
    assert "halve: found no problem" in capsys.readouterr().out
