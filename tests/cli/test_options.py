"""What ``pi-amt run --help`` says of the options of a study."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from pi_amt.cli.main import main
from pi_amt.cli.options import CONF, explanation, options_of, summary_of

FILES = sorted(CONF.rglob("*.yaml"))


def _own_keys(path: Path) -> set[str]:
    """Keys with a value of their own: no objects, no nodes, nothing taken from another option."""
    node = OmegaConf.to_container(OmegaConf.load(path), resolve=False)
    assert isinstance(node, dict)
    given = {str(key): value for key, value in node.items()}
    nested = {key for key, value in given.items() if isinstance(value, dict)}
    taken = {key for key, value in given.items() if str(value).startswith("${")}
    objects = {"name", "_target_", "_convert_", "defaults"}
    return set(given) - nested - taken - objects


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CONF)))
def test_every_option_of_a_file_is_explained(path: Path) -> None:
    if path.parent.name == "experiment" or path.stem == "study":  # set options of other files
        own = (
            _own_keys(path)
            - _own_keys(CONF / "config.yaml")
            - _own_keys(CONF / "mask/default.yaml")
        )
    else:
        own = _own_keys(path)
    options = {option.key: option for option in options_of(path)}
    assert own - set(options) == set()
    told = re.sub(r"\s+", " ", explanation())
    assert [o.key for o in options.values() if re.sub(r"\s+", " ", o.words) not in told] == []


@pytest.mark.parametrize(
    "path", [path for path in FILES if path.parent != CONF], ids=lambda path: path.stem
)
def test_every_choice_is_explained(path: Path) -> None:
    if path.parent.name == "shuffle":  # there is nothing to choose
        return
    told = re.sub(r"\s+", " ", explanation())
    assert summary_of(path)
    assert f" {path.stem} {summary_of(path)}" in told


def test_an_explanation_goes_on_in_the_lines_below(tmp_path: Path) -> None:
    file = tmp_path / "one.yaml"
    file.write_text("# What it is,\n# in two lines.\nkey: 1  # one thing\n        # and another\n")
    (option,) = options_of(file)
    assert (option.key, option.default, option.words) == ("key", "1", "one thing and another")
    assert summary_of(file) == "What it is, in two lines."


def test_an_option_that_some_choices_have_names_them() -> None:
    told = re.sub(r"\s+", " ", explanation())
    assert "dataset.split=test train | validation | test | all" in told
    assert re.search(r"dataset\.split=[^)]*\)[^)]*\(only with maestro\)", told)
    assert "(only with keep_harmonic" not in told  # donor has this option, too
    assert not re.search(r"mask\.fill=[^.]*only with", told)


@pytest.mark.parametrize("arguments", [["run", "--help"], ["-m", "-h"], ["model=x", "--help"]])
def test_help_beside_the_options_of_a_study_explains_them(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 0
    assert "results_dir=results" in capsys.readouterr().out


def test_no_line_is_wider_than_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "72")
    body = explanation().split("\n\n")[2:-2]
    long = [
        line
        for part in body
        for line in part.splitlines()
        if len(line) > 72 and " " in line.strip()
    ]
    assert long == []
