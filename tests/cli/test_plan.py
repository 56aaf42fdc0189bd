"""The plan of a study: recordings, hours, rows, time and disk, without computing anything."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tests.toys import TOY, ToyTrack

from pi_amt.cli import plan
from pi_amt.cli.plan import print_plan
from pi_amt.datasets.track import FileTrack, Track
from pi_amt.models.loading import ModelSpec
from pi_amt.study.conditions import make_conditions
from pi_amt.study.groups import Group


def planned(
    tracks: list[Track],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    cost: tuple[float, float] = (1.0, 0.5),
) -> list[str]:
    """The plan of two conditions and the baseline, on a machine of four cores."""
    monkeypatch.setattr("pi_amt.study.cost.COST_PER_SECOND", {"toy": cost})
    monkeypatch.setattr(plan, "available_cores", lambda: 4)
    conditions = make_conditions(["fund_mask", "random"], repeats=2)
    print_plan([Group(ModelSpec(TOY), "some", tracks, conditions)], "/results")
    return capsys.readouterr().out.splitlines()


def test_hours_rows_and_time(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tracks: list[Track] = [ToyTrack(f"t{i}", seconds=600, fault="error") for i in range(12)]
    first, labels, last = planned(tracks, monkeypatch, capsys)
    assert first == "toy × some: 12 recordings (2.00 h) × 4 conditions = 48 rows"
    assert labels == "    no_permutation, fund_mask, random"
    # 7200 s of audio, (1 + 4 · 0.5) s each
    assert last.startswith("about 1.5 h on this machine's 4 cores (6.0 h of one core), ")
    assert "MB in /results" in last


def test_lengths_come_from_headers_and_unknown_ones_are_guessed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [tmp_path / f"{i}.wav" for i in range(3)]
    for path in paths[:2]:
        soundfile.write(path, np.zeros(4_000 * 1_800), 4_000)  # half an hour
    tracks: list[Track] = [FileTrack(p.stem, p, p.with_suffix(".mid"), p.stem) for p in paths]
    first, *_ = planned(tracks, monkeypatch, capsys)
    assert first.startswith("toy × some: 3 recordings (1.50 h, 1 of unknown length) × 4")


def test_recordings_that_are_cut_count_as_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    track = FileTrack("a", tmp_path / "a.wav", tmp_path / "a.mid", "a", duration_seconds=7_200)
    first, *_ = planned([track], monkeypatch, capsys)
    assert first.startswith("toy × some: 1 recording (2.00 h) × 4")
    first, *_ = planned([replace(track, max_seconds=3_600)], monkeypatch, capsys)
    assert "(1.00 h)" in first
