"""What other packages add, on the command line: chosen by name, listed with its origin; whatever is
broken is named and stops nobody."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hydra import compose, initialize_config_module
from omegaconf import OmegaConf
from tests.plugged import BROKEN, GROUPS

import pi_amt
from pi_amt.cli.main import main
from pi_amt.cli.overrides import with_plug_ins
from pi_amt.cli.plugins import node_of

Installed = Callable[..., None]
STUDY = ("model=theirs", "dataset=letters", "dataset.number=2", "report=false")


def ran(tmp_path: Path, *arguments: str) -> set[str]:
    """The labels of the rows of a study that succeeds."""
    results = tmp_path / "results"
    assert main([*STUDY, f"results_dir={results}", *arguments]) == 0
    rows = pi_amt.read_rows(results)
    assert {row.status for row in rows} == {"ok"}
    return {row.label for row in rows}


def test_a_package_gives_every_part_of_a_study(
    installed: Installed, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    installed(GROUPS)
    options = ("permutation=halve", "permutation.share=0.25", "executor=threads")
    assert ran(tmp_path, *options, "n_jobs=2", "score=count.more") == {"no_permutation", "halve"}
    (row, _) = [r for r in pi_amt.read_rows(tmp_path / "results") if r.label == "halve"]
    assert row.parameters == '{"share":0.25}'
    assert row.dataset == "letters"
    assert "count.more" in row.scores
    assert main(["resume", str(tmp_path / "results")]) == 0
    assert "nothing to compute" in capsys.readouterr().out


def test_a_plugged_permutation_joins_an_experiment(installed: Installed, tmp_path: Path) -> None:
    installed(GROUPS)
    conditions = "conditions=[{permutation: halve, share: [0.5, 0.25]}]"
    labels = ran(tmp_path, conditions, "executor=serial")
    assert labels == {"no_permutation", "halve(share=0.5)", "halve(share=0.25)"}


def test_the_options_of_a_plug_in_are_its_parameters(installed: Installed) -> None:
    installed(GROUPS)
    assert node_of("model", "theirs") == {
        "name": "theirs",
        "weights": None,
        "loudness": 1.0,
        "shape": [1, 2],
    }
    assert node_of("dataset", "letters") == {
        "_target_": "pi_amt.datasets.load_dataset",
        "name": "letters",
        "number": "???",
        "folder": "x",
        "max_tracks": None,
    }
    assert node_of("executor", "threads") == {"_target_": "acme.threads", "n_jobs": "${n_jobs}"}


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("dataset.numbr=2", "got unknown key 'dataset.numbr'"),
        ("~dataset.number", "dataset letters: got no number, expected one: set number=…"),
        ("model=theirz", "model: got unknown 'theirz'; did you mean theirs?"),
        ("model=gone", "model: cannot load gone from acme_gone:Model, which acme 1.0 adds"),
        ("permutation=lost", "permutation: cannot load lost from acme:Lost"),
        ("executor=late", "cannot load late from acme_exits:threads, which acme 1.0 adds (System"),
        ("conditions=[{permutation: kind}]", "expected a sub-class of Permutation"),
    ],
)
def test_a_mistake_is_one_line_with_its_reason(
    argument: str,
    said: str,
    installed: Installed,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    both = {kind: GROUPS[kind] | BROKEN[kind] for kind in GROUPS}
    installed(both)
    assert main([*STUDY, f"results_dir={tmp_path}", argument]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_broken_plug_ins_stop_no_study_and_a_broken_scorer_is_named(
    installed: Installed, tmp_path: Path
) -> None:
    installed({kind: GROUPS[kind] | BROKEN[kind] for kind in GROUPS})
    said = r"scorer number, which acme 1.0 adds: got 3, expected a function .* hold its scores"
    with pytest.warns(UserWarning, match=said):
        assert ran(tmp_path, "executor=serial") == {"no_permutation"}


def test_list_shows_everything_with_a_line_and_its_origin(
    installed: Installed, capsys: pytest.CaptureFixture[str]
) -> None:
    installed({kind: GROUPS[kind] | BROKEN[kind] for kind in GROUPS})
    assert main(["list"]) == 0
    out = capsys.readouterr().out
    for line in (
        r"  basic_pitch +built in +Basic Pitch, opened up at its constant-Q magnitudes",
        r"  theirs +acme 1\.0 +Hears fundamentals",
        r"  letters +acme 1\.0 +So many toy tracks",
        r"  halve +acme 1\.0 +every bin at a share of its level",
        r"  count +acme 1\.0 +How many notes are too many",
        r"  threads +acme 1\.0 +Threads of this process",
        r"  slurm +built in +Workers that SLURM starts",
        r"  gone +acme 1\.0 +BROKEN: model: cannot load gone .*No module named 'acme_gone'\)",
        r"  exits +acme 1\.0 +BROKEN: dataset: cannot load exits .*SystemExit: 3\)",
        r"  number +acme 1\.0 +BROKEN: scorer number.*expected a function",
        r"  fund_mask +acme 1\.0 +BROKEN: permutation: acme 1\.0 gives the name fund_mask",
    ):
        assert len(re.findall(f"^{line}", out, re.MULTILINE)) == 1, line
    for kind in ("models", "datasets", "permutations", "scorers", "executors", "experiments"):
        assert f"{kind}:" in out


def test_a_yaml_file_of_the_same_name_wins(installed: Installed, tmp_path: Path) -> None:
    installed(GROUPS)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "theirs.yaml").write_text("name: theirs\nloudness: 3.0\n")
    for given, loudness in (("[]", 1.0), (f"[file://{tmp_path}]", 3.0)):
        override = with_plug_ins(f"hydra.searchpath={given}")
        with initialize_config_module("pi_amt.cli.conf", version_base="1.3"):
            config = compose("config", overrides=["model=theirs", override])
        assert OmegaConf.select(config, "model.loudness") == loudness


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("hydra.searchpath=[file://conf]", "hydra.searchpath=[file://conf,pi-amt-plug-ins://]"),
        ("hydra.searchpath=[]", "hydra.searchpath=[pi-amt-plug-ins://]"),
        ("seed=[1]", "seed=[1]"),
    ],
)
def test_the_search_path_ends_with_the_plug_ins(given: str, expected: str) -> None:
    assert with_plug_ins(given) == expected
