"""A study whose driver is killed again and again ends in the tables of an undisturbed one."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from tests.study.test_driver import facts, study
from tests.toys import ToyTrack, toy_tracks

from pi_amt.permutation_importance import Importance
from pi_amt.store.store import StoreError, read_errors, read_rows
from pi_amt.study.executors.processes import local

ROOT = Path(__file__).parents[2]
CONDITIONS = ["fund_mask", "random", "soft_harm_mask"]
#: no_permutation and fund_mask once, random, soft_harm_mask and floor twice
ROWS_OF_A_TRACK = 8
#: more kills by hand: PI_AMT_KILLS=50
KILLS = int(os.environ.get("PI_AMT_KILLS", "4"))


def slow_tracks() -> list[ToyTrack]:
    """Enough that a study outlives its kills."""
    return [replace(track, sleep_seconds=0.2) for track in toy_tracks(20 + 8 * KILLS, 2.0)]


def run(folder: Path) -> None:
    """What is missing of the study, on two workers."""
    study(
        folder, slow_tracks(), CONDITIONS, repeats=2, controls="floor", executor=partial(local, 2)
    )


@pytest.mark.slow
def test_kills_at_random_moments_change_no_byte_of_the_tables(tmp_path: Path) -> None:
    moments, disturbed = random.Random(0), tmp_path / "disturbed"
    script = "import sys; from tests.study.test_kills import *; run(Path(sys.argv[1]))"
    command = [sys.executable, "-c", script, str(disturbed)]
    counts = [0]
    for _ in range(KILLS):
        more = moments.choice([0, 1, 3, 6]) * ROWS_OF_A_TRACK
        with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as driver:
            while more and driver.poll() is None and _rows(disturbed) < counts[-1] + more:
                time.sleep(0.05)
            time.sleep(moments.uniform(0.0, 0.5 if more else 4.0))  # or while it starts
            driver.kill()
        counts.append(_rows(disturbed))
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0
    print(f"rows after each of {KILLS} kills: {counts}")
    assert len(set(counts)) > 2  # some kills hit while rows were computed
    assert read_errors(disturbed) == []
    run(tmp_path / "undisturbed")
    assert facts(read_rows(disturbed)) == facts(read_rows(tmp_path / "undisturbed"))
    tables = [_tables(folder) for folder in (disturbed, tmp_path / "undisturbed")]
    assert tables[0] == tables[1]


def _rows(folder: Path) -> int:
    """How many rows there are; a recording's come together."""
    try:
        rows = read_rows(folder)
    except StoreError:  # killed before there was one
        return 0
    of_track = Counter(row.track for row in rows)
    assert set(of_track.values()) <= {ROWS_OF_A_TRACK}
    return len(rows)


def _tables(folder: Path) -> list[bytes]:
    result = Importance.read(folder)
    tables = [result.table(), *result.anatomy()]
    written = []
    for number, table in enumerate(tables):
        path = folder / f"{number}.csv"
        table.to_csv(path)
        written.append(path.read_bytes())
    return written
