"""A results folder takes the recordings of one study: it may grow, move or be mended."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.datasets.layouts import write_pair
from tests.toys import TOY

from pi_amt.datasets.folder import folder
from pi_amt.models.loading import ModelSpec
from pi_amt.store.store import Store
from pi_amt.study.conditions import make_conditions
from pi_amt.study.driver import Summary, run_study
from pi_amt.study.executors.processes import serial
from pi_amt.study.groups import Group


def recordings(where: Path, *names: str, pitch: int = 60) -> Path:
    for name in names:
        write_pair(where / f"{name}.wav", where / f"{name}.mid", [pitch, pitch + 4])
    return where


def study(results: Path, data: Path, **options: Any) -> Summary:
    group = Group(ModelSpec(TOY), "folder", list(folder(str(data), **options)), make_conditions([]))
    with Store(results) as store:
        return run_study([group], store, serial, quiet=True)


def test_a_study_grows_and_shrinks(tmp_path: Path) -> None:
    data = recordings(tmp_path / "data", "a", "b", "c")
    assert study(tmp_path / "r", data, max_tracks=2).computed == 2
    assert study(tmp_path / "r", data).computed == 1
    assert study(tmp_path / "r", data, max_tracks=1).computed == 0


def test_files_move_are_renamed_and_are_corrected(tmp_path: Path) -> None:
    data = recordings(tmp_path / "data", "a", "b")
    study(tmp_path / "r", data)
    moved = data.rename(tmp_path / "elsewhere")
    for suffix in (".wav", ".mid"):
        (moved / f"a{suffix}").rename(moved / f"take{suffix}")
    recordings(moved, "b", pitch=70)
    assert study(tmp_path / "r", moved).computed == 2


def test_a_copy_of_the_files_is_the_same_study(tmp_path: Path) -> None:
    data = recordings(tmp_path / "data", "a", "b")
    study(tmp_path / "r", data)
    copied = Path(shutil.copytree(data, tmp_path / "copy"))
    assert study(tmp_path / "r", copied).computed == 0


def test_a_name_that_stands_for_another_file_is_refused(tmp_path: Path) -> None:
    study(tmp_path / "r", recordings(tmp_path / "one", "a", "b"))
    other = recordings(tmp_path / "two", "a", "b", pitch=70)
    with pytest.raises(ValueError, match=r"a study of other recordings of folder.*one/a\.wav"):
        study(tmp_path / "r", other)


def test_other_recordings_of_the_same_data_are_refused(tmp_path: Path) -> None:
    data = recordings(tmp_path / "data", "a", "b", "c", "d", "e", "f")
    study(tmp_path / "r", data, subsample_every=2)
    with pytest.raises(ValueError, match=r"choose another results_dir"):
        study(tmp_path / "r", data, subsample_every=3)


def test_other_audio_or_notes_of_a_name_beside_the_old_ones_correct_it(tmp_path: Path) -> None:
    data = recordings(tmp_path / "data", "a", "b")
    (data / "a.wav").rename(data / "a.flac")
    (data / "b.mid").rename(data / "b.midi")
    study(tmp_path / "r", data)
    recordings(data, "a", "b", pitch=70)
    assert study(tmp_path / "r", data).computed == 2


def test_a_copy_with_corrected_notes_is_the_same_study(tmp_path: Path) -> None:
    data = recordings(tmp_path / "data", "a", "b")
    study(tmp_path / "r", data)
    copied = Path(shutil.copytree(data, tmp_path / "copy"))
    shutil.copy(recordings(tmp_path / "mended", "a", pitch=70) / "a.mid", copied)
    assert study(tmp_path / "r", copied).computed == 1


def test_a_file_that_is_missing_in_a_copy_is_an_error_of_its_recording(tmp_path: Path) -> None:
    data = recordings(tmp_path / "data", "a", "b", "c")
    study(tmp_path / "r", data)
    copied = Path(shutil.copytree(data, tmp_path / "copy"))
    (copied / "a.wav").unlink()
    (copied / "b.mid").unlink()
    assert {row.track for row in study(tmp_path / "r", copied).errors} == {"a", "b"}


def test_the_folder_above_holds_the_same_study(tmp_path: Path) -> None:
    one = recordings(tmp_path / "data" / "one", "a", "b")
    recordings(tmp_path / "data" / "two", "c")
    study(tmp_path / "r", one)
    assert study(tmp_path / "r", one.parent).errors == []
    assert study(tmp_path / "r", one).errors == []


def test_a_name_for_another_file_is_refused_where_the_old_file_is_chosen_too(
    tmp_path: Path,
) -> None:
    one = recordings(tmp_path / "data" / "one", "a")
    study(tmp_path / "r", one)
    recordings(one.parent, "a", pitch=70)
    with pytest.raises(ValueError, match=r"other recordings of folder.*one/a\.wav"):
        study(tmp_path / "r", one.parent)
