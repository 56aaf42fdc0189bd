"""A batch system stops a job: the rows stay, nothing has failed, and the next start goes on."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from tests.cli.test_launcher import start
from tests.study.executors.conftest import wait_until

from pi_amt.cli.main import main
from pi_amt.store.store import StoreError, read_errors, read_rows

CASES = [(signal.SIGTERM, "local"), (signal.SIGUSR1, "local"), (signal.SIGUSR1, "dask")]


def rows(folder: Path) -> int:
    try:
        return len(read_rows(folder))
    except StoreError:  # not there yet
        return 0


@pytest.mark.parametrize(("number", "executor"), CASES)
def test_a_stopped_job_keeps_its_rows_and_goes_on_when_it_is_requeued(
    tmp_path: Path,
    number: signal.Signals,
    executor: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """SLURM signals all processes of a job step: the workers, too."""
    monkeypatch.setattr(sys, "argv", sys.argv)  # the application sets it for Hydra
    results = tmp_path / "results"
    options = ["dataset.count=40", "n_jobs=2", f"executor={executor}"]
    with start(tmp_path, *options, "dataset.sleep_seconds=0.3", results=results) as running:
        assert wait_until(lambda: rows(results) > 1)
        os.killpg(running.pid, number)
        _, told = running.communicate(timeout=60)
    assert running.returncode == 128 + number
    assert told.strip() == "interrupted: finished rows are stored, the same command goes on"
    finished = rows(results)
    assert 1 < finished < 40
    assert read_errors(results) == []
    again = ["--config-dir", str(tmp_path / "configs"), "model=toy", "dataset=toy", "report=false"]
    assert main([*again, "dataset.count=40", "n_jobs=1", f"results_dir={results}"]) == 0
    printed = capsys.readouterr().out
    assert f"computed {40 - finished} rows, {finished} were there already" in printed


def test_a_run_may_stop_at_its_first_error(tmp_path: Path) -> None:
    options = ["dataset.count=1", "dataset.broken=5", "n_jobs=1", "fail_fast=true"]
    with start(tmp_path, *options, results=tmp_path / "results") as running:
        printed, told = running.communicate(timeout=60)
    assert running.returncode == 1
    assert "stopped at the first error, 4 recordings not computed" in printed
    assert "1 recording failed:" in told
    assert len(read_errors(tmp_path / "results")) == 1
