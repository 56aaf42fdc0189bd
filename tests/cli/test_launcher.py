"""The whole program with the toy model: fused and unfused sweeps, resume, faults, exit codes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.rows import make_row
from tests.study.executors.conftest import wait_until
from tests.study.test_driver import facts
from tests.toys import ToyTrack, write_toy_configs

from pi_amt.cli import app, config
from pi_amt.cli import main as cli
from pi_amt.cli.options import CONF
from pi_amt.core.units import Samples
from pi_amt.permutations.loading import available
from pi_amt.store.store import Store, StoreError, read_rows
from pi_amt.study.conditions import make_conditions

ROOT = Path(__file__).parents[2]
SWEEP = "permutation=no_permutation,random,fund_mask,harm_mask"
Program = Callable[..., int]


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    """Runs ``pi-amt`` on the toy in this process, with results in ``tmp_path / results_dir``."""
    configs = write_toy_configs(tmp_path / "configs")

    def run(*arguments: str, results_dir: str = "results") -> int:
        flags = [argument for argument in arguments if argument.startswith("-")]
        options = [argument for argument in arguments if not argument.startswith("-")]
        toy = ["model=toy", "dataset=toy", "n_jobs=1", "report=false"]
        where = f"results_dir={tmp_path / results_dir}"
        return cli.main(["--config-dir", str(configs), *flags, *toy, where, *options])

    before = list(sys.argv)
    yield run
    sys.argv = before


def metrics(folder: Path) -> dict[str, dict[str, Any]]:
    """``metrics.json`` of each job of the one sweep or run below a results folder."""
    paths = [*folder.glob("sweeps/*/*/metrics.json"), *folder.glob("runs/*/metrics.json")]
    return {path.parent.name: json.loads(path.read_text()) for path in sorted(paths)}


def test_the_report_of_a_sweep_has_the_explorer(tmp_path: Path, program: Program) -> None:
    """Also of recordings that are no files, which no later report could find again."""
    assert program("-m", "permutation=no_permutation,random,fund_mask", "report=auto") == 0
    (report,) = (tmp_path / "results").glob("sweeps/*/report.html")
    page = report.read_text(encoding="utf-8")
    assert 'id="explorer-data"' in page
    assert "not recorded (rows without a results store)" not in page


def test_permutations_that_were_drawn_once_are_named() -> None:
    once = make_conditions(["random", "fund_mask", "soft_fund_mask"])
    assert app.drawn_once(once) == ["random", "soft_fund_mask"]
    assert app.drawn_once(make_conditions(["random", "fund_mask"], repeats=2)) == []


@pytest.mark.parametrize(
    ("swept", "said"),
    [
        ("results_dir=one,two", "results_dir: got one and two in one sweep"),
        ("score=F-measure,Precision", "score: got F-measure and Precision in one sweep"),
        ("n_jobs=1,2", "n_jobs: got 1 and 2 in one sweep"),
        ("executor=serial,local", "executor: got {"),
        ("dry_run=false,true", "dry_run: got False and True in one sweep"),
        ("dataset=demo dataset.max_tracks=1,2", "dataset.max_tracks: got 1 and 2 in one sweep"),
        (
            "dataset=folder dataset.data_folder=one,two",
            "dataset.data_folder: got one and two in one sweep, expected one value",
        ),
        (
            "dataset=known_partials dataset.part=development,held_out",
            "dataset.part: got development and held_out in one sweep",
        ),
        ("dataset=known_partials dataset.seed=0,1", "dataset.seed: got 0 and 1 in one sweep"),
        (
            "dataset=calibration dataset.inharmonicity=piano,none",
            "dataset.inharmonicity: got piano and none in one sweep",
        ),
    ],
)
def test_what_all_jobs_of_a_sweep_share_has_one_value(
    swept: str,
    said: str,
    tmp_path: Path,
    program: Program,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert program("-m", "permutation=no_permutation", *swept.split()) == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.sqlite"))


def test_a_fused_sweep_equals_an_unfused_one(
    tmp_path: Path, program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("-m", SWEEP, "repeats=2", results_dir="fused") == 0
    assert "computed 15 rows, 0 were there already" in capsys.readouterr().out
    assert program("-m", SWEEP, "repeats=2", "hydra/launcher=basic", results_dir="unfused") == 0
    assert facts(read_rows(tmp_path / "fused")) == facts(read_rows(tmp_path / "unfused"))
    fused = metrics(tmp_path / "fused")
    assert fused == metrics(tmp_path / "unfused")
    assert [job["permutation"] for job in fused.values()] == SWEEP.split("=")[1].split(",")
    means = {job["permutation"]: job["scores"]["F-measure_no_offset"] for job in fused.values()}
    assert means["no_permutation"] == means["harm_mask"] == 1
    assert means["fund_mask"] == 0
    assert 0 < means["random"] < 1


def test_means_are_of_scores_that_all_rows_hold() -> None:
    """A row of an earlier version, the second draw of one recording, lacks a later score."""
    new = [make_row("random", 0.5, track=track) for track in "ab"]
    old = replace(new[0], repeat=1, scores={"F-measure": 0.3})
    assert app.mean_scores(new)["F-measure_no_offset"] == 0.5
    assert app.mean_scores([*new, old]) == {"F-measure": pytest.approx(0.45)}
    assert app.mean_scores([]) == {}


def test_a_fused_sweep_reads_each_recording_once(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[str] = []
    original = ToyTrack.audio

    def audio(track: ToyTrack) -> tuple[Samples, int]:
        reads.append(track.name)
        return original(track)

    monkeypatch.setattr(ToyTrack, "audio", audio)
    assert program("-m", SWEEP, "repeats=1,3", "seed=0,1") == 0
    assert sorted(reads) == ["toy_000", "toy_001", "toy_002"]


def test_each_job_of_any_sweep_has_the_result_of_running_alone(
    tmp_path: Path, program: Program
) -> None:
    """Also where jobs differ in what rows do not show: seeds, data and options of the model."""
    sweep = ("dataset.seconds=3,4", "model.threshold=0.3,0.6", "seed=0,1", "permutation=random")
    assert program("-m", *sweep) == 0
    found = metrics(tmp_path / "results")
    assert len(found) == 8
    for number, job in enumerate(found.values()):
        options = (
            f"dataset.seconds={job['dataset_options']['seconds']}",
            f"model.threshold={job['settings']['threshold']}",
            f"seed={job['seed']}",
            "permutation=random",
        )
        assert program(*options, results_dir=f"alone{number}") == 0
        assert list(metrics(tmp_path / f"alone{number}").values()) == [job]
    assert len({json.dumps(job["scores"]) for job in found.values()}) == 8


def test_an_experiment_has_no_common_mean_and_an_earlier_failure_is_forgotten(
    tmp_path: Path, program: Program
) -> None:
    assert program("dataset.count=2", "dataset.broken=1", results_dir="broken") == 1
    assert program("permutation=nothing", results_dir="failed") == 2
    assert program("-m", "experiment=onset", "dataset.count=2") == 0
    (job,) = metrics(tmp_path / "results").values()
    assert job["experiment"] == "onset"
    assert job["scores"] == job["parameters"] == {}
    assert job["n_pieces"] == 2


def test_deterministic_rows_of_another_seed_are_used(tmp_path: Path, program: Program) -> None:
    assert program("permutation=fund_mask", "seed=0", results_dir="first") == 0
    expected = next(iter(metrics(tmp_path / "first").values()))["scores"]
    assert program("permutation=fund_mask", "seed=0") == 0
    assert program("-m", "permutation=fund_mask", "seed=1") == 0
    results = list(metrics(tmp_path / "results").values())
    assert [result["scores"] for result in results] == [expected, expected]
    assert [result["n_pieces"] for result in results] == [3, 3]


def test_the_same_command_again_computes_nothing_and_says_so(
    tmp_path: Path, program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("-m", SWEEP) == 0
    capsys.readouterr()
    assert program("-m", SWEEP) == 0
    assert "nothing to compute: all 12 rows are in" in capsys.readouterr().out
    assert len(list((tmp_path / "results").glob("sweeps/*"))) == 2


def test_broken_recordings_are_listed_at_the_end_and_exit_with_1(
    tmp_path: Path, program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("-m", SWEEP, "dataset.broken=2") == 1
    told = capsys.readouterr()
    assert told.err.strip().splitlines()[-3:] == [
        "2 recordings failed:",
        "  toy/zz_broken_0: zz_broken_0: broken on purpose",
        "  toy/zz_broken_1: zz_broken_1: broken on purpose",
    ]
    for result in metrics(tmp_path / "results").values():
        assert (result["n_pieces"], result["n_errors"]) == (3, 2)


def test_a_sweep_returns_each_failed_row_once_and_a_dry_run_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", sys.argv)  # the application sets it for Hydra
    configs = write_toy_configs(tmp_path / "configs")
    toy = ["model=toy", "dataset=toy", "n_jobs=1", "report=false", "dataset.broken=2"]
    sweep = ["--config-dir", str(configs), "-m", *toy, SWEEP, f"results_dir={tmp_path}/results"]
    assert app.run([*sweep, "dry_run=true", f"hydra.sweep.dir={tmp_path}"]).failed == []
    failed = app.run(sweep).failed
    assert {row.track for row in failed} == {"zz_broken_0", "zz_broken_1"}
    labels = SWEEP.partition("=")[2].split(",")
    assert sorted(row.label for row in failed) == sorted([*labels, *labels])


def test_config_files_that_are_edited_during_a_run_change_nothing(
    tmp_path: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    conf = Path(shutil.copytree(CONF, tmp_path / "conf"))
    monkeypatch.setattr(config, "CONF", conf)
    config.permutation_nodes.cache_clear()
    original = ToyTrack.audio

    def audio(track: ToyTrack) -> tuple[Samples, int]:
        for file in [*conf.rglob("*.yaml"), *(tmp_path / "configs").rglob("*.yaml")]:
            file.write_text("edited: true\n")
        return original(track)

    sweep = ("-m", "experiment=dose,onset", "permutation=no_permutation", "dataset.count=1")
    assert program(*sweep, results_dir="calm") == 0
    expected = metrics(tmp_path / "calm")
    monkeypatch.setattr(ToyTrack, "audio", audio)
    assert program(*sweep, results_dir="edited") == 0
    config.permutation_nodes.cache_clear()
    assert metrics(tmp_path / "edited") == expected
    assert [job["n_pieces"] for job in expected.values()] == [1, 1]


def test_the_manifest_holds_the_command_and_the_configuration_of_every_job(
    tmp_path: Path, program: Program
) -> None:
    assert program("-m", "permutation=random,fund_mask", "seed=3", "mask.fill=background") == 0
    with Store(tmp_path / "results", readonly=True) as store:
        (manifest,) = store.manifests()
    assert manifest["command"][0] == "pi-amt"
    assert manifest["command"][-3:] == [
        "permutation=random,fund_mask", "seed=3", "mask.fill=background"
    ]  # fmt: skip
    random, fund_mask = manifest["jobs"]
    assert fund_mask["permutation"] == {
        "_target_": "pi_amt.permutations.load_permutation",
        "name": "fund_mask",
        **{**fund_mask["mask"], "fill": "background"},
    }
    assert random["permutation"]["p"] == 0.1
    assert (random["seed"], random["results_dir"]) == (3, str(tmp_path / "results"))
    assert random["dataset"]["count"] == 3
    assert random["hydra"]["runtime"]["choices"]["permutation"] == "random"
    folders = [Path(job["hydra"]["runtime"]["output_dir"]) for job in manifest["jobs"]]
    assert [(folder / "metrics.json").is_file() for folder in folders] == [True, True]
    assert set(manifest["permutations"]) == set(available())


def test_a_dry_run_tells_and_writes_nothing(
    tmp_path: Path, program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments in (("-m", SWEEP, "dry_run=true"), ("-m", SWEEP, "--dry-run")):
        assert program(*arguments) == 0
        told = capsys.readouterr().out
        assert "toy × toy: 3 recordings (0.00 h) × 4 conditions = 12 rows" in told
        assert "\n    no_permutation, " in told  # the baseline first
    assert program("permutation=fund_mask", "--dry-run") == 0
    assert not (tmp_path / "results").exists()


def test_a_dry_run_leaves_out_what_the_model_does_not_allow(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("-m", "permutation=fund_mask,ablate_channel", "--dry-run") == 0
    told = capsys.readouterr().out
    assert "× 2 conditions = 6 rows" in told  # with the baseline
    assert "    skipped ablate_channel: toy has no harmonic_channel\n" in told


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ("n_jobs=0", "n_jobs: got 0, expected a whole number, at least 1"),
        ("repeats=0", "repeats: got 0, expected a whole number, at least 1"),
        ("tuning=99", "tuning: got 99, expected estimate, off or cents within ±50"),
        ("results_dir=/proc/pi_amt", "choose another place"),
        ("model.threshhold=1", "did you mean"),
    ],
)
def test_what_cannot_work_is_refused_in_one_line(
    program: Program, capsys: pytest.CaptureFixture[str], option: str, reason: str
) -> None:
    assert program(option) == 2
    told = capsys.readouterr().err.strip()
    assert len(told.splitlines()) == 1
    assert told.startswith("pi-amt: ")
    assert reason in told


def start(tmp_path: Path, *options: str, results: Path) -> subprocess.Popen[str]:
    """The program as a process group of its own, as under a terminal."""
    configs = write_toy_configs(tmp_path / "configs")
    toy = ("--config-dir", str(configs), "model=toy", "dataset=toy", "report=false")
    command = (sys.executable, "-m", "pi_amt", *toy, *options, f"results_dir={results}")
    # tests may run under nohup or in a shell's background, which have these ignored in all that
    # they start
    held = {n: signal.signal(n, signal.SIG_DFL) for n in (signal.SIGHUP, signal.SIGINT)}
    try:
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
    finally:
        for number, handler in held.items():
            signal.signal(number, handler)


def _rows(folder: Path) -> int:
    try:
        return len(read_rows(folder))
    except StoreError:  # not there yet
        return 0


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_with_one_line_and_keeps_the_rows(
    tmp_path: Path, n_jobs: int, number: signal.Signals
) -> None:
    results = tmp_path / "results"
    options = ("dataset.count=50", "dataset.sleep_seconds=0.2", f"n_jobs={n_jobs}")
    with start(tmp_path, *options, results=results) as running:
        assert wait_until(lambda: _rows(results) > 1)
        if number == signal.SIGINT:
            os.killpg(running.pid, number)  # the terminal's signal reaches the workers, too
        else:
            running.send_signal(number)
        _, told = running.communicate(timeout=60)
    assert running.returncode == 128 + number
    assert told.strip() == "interrupted: finished rows are stored, the same command goes on"
    assert 1 < len(read_rows(results)) < 50


def test_a_full_disk_stops_with_one_line_and_keeps_the_rows(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("cannot mount a small disk here (needs root)")
    try:
        options = ("dataset.count=400", "dataset.seconds=20", "n_jobs=1", "permutation=random")
        with start(tmp_path, *options, results=disk) as running:
            _, told = running.communicate(timeout=120)
        assert running.returncode == 2
        (line,) = (line for line in told.strip().splitlines() if line.startswith("pi-amt: "))
        assert "cannot use the results store" in line
        assert "has space" in line
        rows = read_rows(disk)
        assert 0 < len(rows) < 800
        assert all(row.status == "ok" for row in rows)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_table_of_errors_tells_where_each_was_raised(
    tmp_path: Path, program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("-m", SWEEP, "dataset.broken=1") == 1
    capsys.readouterr()
    assert cli.main(["table", str(tmp_path / "results"), "--errors"]) == 0
    told = capsys.readouterr().out
    assert "toy × toy/zz_broken_0 (no_permutation, random, fund_mask, harm_mask)" in told
    assert "Traceback (most recent call last)" in told
    assert "in audio" in told  # the method of the toy track that raised
    assert told.endswith("1 failure\n")
    assert program("-m", SWEEP, results_dir="whole") == 0
    capsys.readouterr()
    assert cli.main(["table", str(tmp_path / "whole"), "--errors"]) == 0
    assert capsys.readouterr().out == "nothing failed\n"
