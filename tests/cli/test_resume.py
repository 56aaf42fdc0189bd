"""``pi-amt resume``: a study goes on from what its results folder holds."""

from __future__ import annotations

import json
import lzma
import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from tests.cli.test_launcher import SWEEP, metrics, start
from tests.datasets.layouts import write_pair
from tests.store.test_rows_of_0_1_0 import DATA
from tests.study.executors.conftest import wait_until
from tests.toys import write_toy_configs

from pi_amt.cli.main import main
from pi_amt.store.store import FILE_NAME, Store, StoreError, read_rows


@pytest.fixture(autouse=True)
def _arguments_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", sys.argv)  # the application sets it for Hydra


def rows_in(folder: Path) -> int:
    try:
        return len(read_rows(folder))
    except StoreError:  # not there yet
        return 0


def run(results: Path, *options: str) -> int:
    """A study of the toy on the recordings beside its results folder."""
    configs = write_toy_configs(results.parent / "configs")
    toy = ["--config-dir", str(configs), "model=toy", "n_jobs=1", "report=false"]
    return main([*toy, "dataset=folder", f"results_dir={results}", *options])


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """The results folder of a study whose second recording has no rows any more."""
    for name, pitch in (("a", 60), ("b", 65)):
        write_pair(tmp_path / "data" / f"{name}.wav", tmp_path / "data" / f"{name}.mid", [pitch])
    for file in (tmp_path / "data").iterdir():
        os.utime(file, (1e9, 1e9))  # long before the study
    options = (f"dataset.data_folder={tmp_path / 'data'}", "permutation=fund_mask")
    assert run(tmp_path / "results", *options) == 0
    with Store(tmp_path / "results") as store, store._db:
        store._db.execute("DELETE FROM rows WHERE track = 'b'")
        store._db.execute("DELETE FROM files WHERE fingerprint NOT IN (SELECT data FROM rows)")
    shutil.rmtree(tmp_path / "configs")
    return tmp_path / "results"


def shown(text: str) -> str:
    """What a run found: all between the number of computed rows and the paths."""
    return text.partition("\n\n")[2].rpartition("\n\n")[0]


@pytest.mark.parametrize("sweep", [[SWEEP, "repeats=2"], ["experiment=onset", "controls=true"]])
def test_a_killed_study_ends_as_if_nothing_had_happened(
    tmp_path: Path, sweep: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    toy = ("permutation=no_permutation",) if SWEEP not in sweep else ()
    options = ("-m", *sweep, *toy, "dataset.count=8", "dataset.sleep_seconds=0.1", "n_jobs=1")
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    configs = write_toy_configs(tmp_path / "configs")
    toys = ("--config-dir", str(configs), "model=toy", "dataset=toy", "report=false")
    assert main([*toys, *options, f"results_dir={whole}"]) == 0
    told = capfd.readouterr().out
    with start(tmp_path, *options, results=killed) as running:
        assert wait_until(lambda: rows_in(killed) > 0)
        running.kill()
    before = rows_in(killed)
    assert 0 < before < rows_in(whole)
    shutil.rmtree(tmp_path / "configs")
    moved = killed.rename(tmp_path / "moved")

    assert main(["resume", str(moved)]) == 0
    resumed = capfd.readouterr().out
    assert f"computed {rows_in(whole) - before} rows, {before} were there already" in resumed
    assert shown(resumed) == shown(told) != ""
    assert metrics(moved) == metrics(whole) != {}
    for folder in (whole, moved):
        assert main(["table", str(folder), "--csv", str(folder / "table.csv")]) == 0
    assert (moved / "table.csv").read_bytes() == (whole / "table.csv").read_bytes()
    assert not killed.exists()

    assert main(["resume", str(moved)]) == 0  # and once more, from its own manifest
    assert "nothing to compute" in capfd.readouterr().out
    with Store(moved, readonly=True) as store:
        manifests = store.manifests()
    assert len({json.dumps([m["jobs"][0]["conditions"], m["command"]]) for m in manifests}) == 1


def test_a_study_goes_on_from_another_folder_with_its_relative_paths(
    study: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.rmtree(study)
    assert run(study, "dataset.data_folder=data") == 0
    shutil.rmtree(tmp_path / "configs")
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    assert main(["resume", "../results"]) == 0
    assert Path.cwd() == tmp_path / "other"
    assert list(Path.cwd().iterdir()) == []


def test_copies_of_the_recordings_are_the_same_recordings(study: Path, tmp_path: Path) -> None:
    for file in (tmp_path / "data").iterdir():
        shutil.copy2(file, tmp_path / "copy")
        (tmp_path / "copy").replace(file)
    assert main(["resume", str(study)]) == 0
    assert {row.track for row in read_rows(study)} == {"a", "b"}


def test_a_recording_that_lacked_a_file_from_the_start_does_not_hold_up_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    for name in "abc":
        write_pair(data / f"{name}.wav", data / f"{name}.mid", [60])
    (data / "b.mid").unlink()
    assert run(tmp_path / "results", f"dataset.data_folder={data}", "permutation=fund_mask") == 1
    os.utime(data / "b.wav", (1e9, 1e9))  # as a copy of the folder has it
    capsys.readouterr()
    assert main(["resume", str(tmp_path / "results")]) == 1
    assert "b.mid: the file is missing" in capsys.readouterr().err
    os.unlink(data / "a.mid")
    assert main(["resume", str(tmp_path / "results")]) == 2
    assert f"{data / 'a.mid'} is missing. Put back" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("a.wav has other contents", r"data/a\.wav or \S+data/a\.mid has other contents"),
        ("b.wav has other contents", r"data/b\.wav or \S+data/b\.mid has other contents"),
        ("b.* is missing", "the recording b of folder is missing"),
        ("c is new", "the recording c of folder is new"),
        ("weights", r"the weights of toy had the sha256 \w{12}… and now have \w{12}…"),
    ],
)
def test_a_study_does_not_go_on_with_other_data_or_weights(
    study: Path,
    tmp_path: Path,
    change: str,
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    data, name = tmp_path / "data", change[0]
    before = len(read_rows(study))
    if change == "weights":
        weights = read_rows(study)[0].weights
        with Store(study) as store, store._db:
            set_other = "UPDATE runs SET manifest = replace(manifest, ?, ?)"
            store._db.execute(set_other, (weights, "f" * 64))
    elif change.endswith("missing"):
        for file in data.glob("b.*"):
            file.unlink()
    else:
        write_pair(data / f"{name}.wav", data / f"{name}.mid", [70])
        for file in data.glob(f"{name}.*"):
            os.utime(file, (4e9, 4e9))  # long after it began
    assert main(["resume", str(study)]) == 2
    told = capsys.readouterr().err.strip()
    assert re.search(said, told), told
    assert told.count("\n") == 0
    assert len(read_rows(study)) == before


def test_a_folder_that_tells_no_study_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["resume", str(tmp_path / "nowhere")]) == 2
    assert "no results in" in capsys.readouterr().err
    with Store(tmp_path):
        pass
    assert main(["resume", str(tmp_path)]) == 2
    assert "got a store without a run, expected a study" in capsys.readouterr().err
    old = lzma.decompress((DATA / "results_0_1_0.sqlite.xz").read_bytes())
    (tmp_path / FILE_NAME).write_bytes(old)
    assert main(["resume", str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert "the configuration of its newest run was not stored" in told
    assert "it goes on: " in told
    assert told.count("\n") == 1
