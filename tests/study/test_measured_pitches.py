"""Notes whose pitches were measured in the sound hold its tuning: masks must not add it again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.datasets.layouts import hz_lines, write_sound
from tests.toys import TOY

from pi_amt.core.note_files import write_midi
from pi_amt.core.notes import Notes
from pi_amt.datasets.track import FileTrack
from pi_amt.models.loading import ModelSpec
from pi_amt.store.store import Store, read_rows
from pi_amt.study.conditions import make_conditions
from pi_amt.study.driver import run_study
from pi_amt.study.executors.processes import serial
from pi_amt.study.groups import Group


def test_only_notes_on_whole_semitones_are_shifted_by_the_tuning(tmp_path: Path) -> None:
    audio, table, midi = (tmp_path / name for name in ("x.wav", "x.csv", "x.mid"))
    chord = np.array([48, 55, 60, 64, 71]) + 0.3
    played = Notes.from_arrays(np.full(5, 0.1), np.full(5, 1.1), chord)
    write_sound(audio, played)
    table.write_text(hz_lines(played, ","))
    write_midi(played, midi)  # which rounds to whole semitones
    tracks = [
        FileTrack("measured", audio, table, "x", form="hz_table"),
        FileTrack("written", audio, midi, "x"),
    ]
    group = Group(ModelSpec(TOY), "x", tracks, make_conditions(["fund_mask"]), "estimate")
    with Store(tmp_path / "results") as store:
        run_study([group], store, serial, quiet=True)
    tuning = {row.track: row.effects["tuning_cents"] for row in read_rows(tmp_path / "results")}
    assert tuning["measured"] == 0.0
    assert tuning["written"] == pytest.approx(30.0, abs=2.0)
