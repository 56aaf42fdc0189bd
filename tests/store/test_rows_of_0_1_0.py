"""Rows that version 0.1.0 stored are found again, and make the table that it printed.

Version 0.1.0 wrote ``data/results_0_1_0.sqlite.xz`` with the two commands below, on four seconds of
two demo recordings, and ``data/table_0_1_0.csv`` with ``pi-amt table --csv``.
"""

from __future__ import annotations

import csv
import lzma
from pathlib import Path

import pytest

from pi_amt.cli.main import main
from pi_amt.store.store import read_rows

DATA = Path(__file__).parent / "data"
COMMON = ["-m", "dataset=demo", "dataset.max_tracks=2", "dataset.max_seconds=4", "report=false"]
EVERYTHING = (
    "no_permutation,random,microtonal,high_freq,fund_mask,harm_mask,soft_fund_mask,soft_harm_mask,"
    "identity,floor,wrong_piece,matched_tracks,matched_energy,remove_harmonic,keep_harmonic,donor"
)
COMMANDS = (
    [
        "model=basic_pitch,timbre_trap",
        f"permutation={EVERYTHING}",
        "controls=true",
        "repeats=2",
    ],
    [
        "model=basic_pitch",
        "permutation=ablate_channel,fund_mask",
        "mask.fill=attenuate,background",
    ],
)


@pytest.fixture
def old_store(tmp_path: Path) -> Path:
    """A results folder as version 0.1.0 left it."""
    packed = (DATA / "results_0_1_0.sqlite.xz").read_bytes()
    (tmp_path / "results.sqlite").write_bytes(lzma.decompress(packed))
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS)
def test_a_study_of_0_1_0_computes_nothing_anew(
    old_store: Path, command: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    before = read_rows(old_store)
    assert main([*COMMON, *command, f"results_dir={old_store}"]) == 0
    # a control that version 0.1.0 did not have is added with `controls=true`
    after = read_rows(old_store)
    assert [row for row in after if row.permutation != "leak"] == before
    printed = capfd.readouterr().out
    assert ("nothing to compute: all" in printed) == ("controls=true" not in command)


def test_a_table_of_0_1_0_keeps_every_number(old_store: Path) -> None:
    assert main(["table", str(old_store), "--csv", str(old_store / "table.csv")]) == 0
    with (DATA / "table_0_1_0.csv").open(encoding="utf-8", newline="") as file:
        before = list(csv.DictReader(file))
    with (old_store / "table.csv").open(encoding="utf-8", newline="") as file:
        now = list(csv.DictReader(file))
    assert len(before) > 50
    assert [{name: line[name] for name in before[0]} for line in now] == before
