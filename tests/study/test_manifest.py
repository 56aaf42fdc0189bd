"""A results folder takes the recordings of one study: it may grow, move or be mended."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.datasets.layouts import make_urmp, write_pair
from tests.toys import TOY, ToyTrack, toy_tracks

from pi_amt.datasets.folder import folder
from pi_amt.datasets.loading import load_dataset
from pi_amt.datasets.track import Track
from pi_amt.models.loading import ModelSpec
from pi_amt.report.explorer.origin import Origin
from pi_amt.store.store import Store, read_rows
from pi_amt.study.conditions import make_conditions
from pi_amt.study.driver import Summary, run_study
from pi_amt.study.executors.processes import serial
from pi_amt.study.groups import Group


def recordings(where: Path, *names: str, pitch: int = 60) -> Path:
    for name in names:
        write_pair(where / f"{name}.wav", where / f"{name}.mid", [pitch, pitch + 4])
    return where


def study(results: Path, data: Path, **options: Any) -> Summary:
    return run(results, "folder", list(folder(str(data), **options)))


def run(results: Path, dataset: str, tracks: Sequence[Track]) -> Summary:
    group = Group(ModelSpec(TOY), dataset, tracks, make_conditions([]))
    with Store(results) as store:
        return run_study([group], store, serial, quiet=True)


def made(results: Path, dataset: str, **options: Any) -> Summary:
    """A study of recordings that are no files."""
    options = {"max_seconds": 0.5, "max_tracks": 2, **options}
    return run(results, dataset, list(load_dataset(dataset, **options)))


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


@pytest.mark.parametrize(
    ("dataset", "first", "then", "said"),
    [
        (
            "known_partials",
            {"part": "development"},
            {"part": "held_out"},
            "bach_invention_1_piano_a, where chopin_prelude_4_piano_e is chosen now",
        ),
        ("known_partials", {"seed": 0}, {"seed": 1}, "_piano_a, where another recording of this"),
        ("known_partials", {"seed": 0}, {"seed": 1, "max_seconds": 0.4}, "_piano_a, where another"),
        ("calibration", {}, {"inharmonicity": "none"}, "_fifths, where another"),
        ("calibration", {"subsample_every": 2}, {"subsample_every": 3}, "chords_3_close, where"),
    ],
)
def test_other_recordings_that_are_no_files_are_refused(
    tmp_path: Path, dataset: str, first: dict[str, Any], then: dict[str, Any], said: str
) -> None:
    made(tmp_path, dataset, **first)
    with pytest.raises(ValueError, match=f"a study of other recordings of {dataset}.*{said}"):
        made(tmp_path, dataset, **then)
    assert made(tmp_path, dataset, **first).computed == 0


def test_a_study_of_recordings_that_are_no_files_grows_shrinks_and_is_cut(tmp_path: Path) -> None:
    assert made(tmp_path, "calibration").computed == 2
    assert made(tmp_path, "calibration", max_tracks=3).computed == 1
    assert made(tmp_path, "calibration", max_tracks=1).computed == 0
    assert made(tmp_path, "calibration", max_seconds=0.6, pedal="ignore").computed == 2
    assert made(tmp_path, "known_partials", max_tracks=1).computed == 1
    assert run(tmp_path, "toys", toy_tracks(1, 1.0)).computed == 1


def test_names_tell_recordings_apart_whose_manifest_has_no_marks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as context:
        context.setattr("pi_amt.study.manifest._made", lambda tracks: {})
        made(tmp_path, "known_partials")
    made(tmp_path, "known_partials")
    with pytest.raises(ValueError, match="other recordings of known_partials"):
        made(tmp_path, "known_partials", part="held_out")


def test_recordings_of_ones_own_may_be_corrected_but_not_exchanged(tmp_path: Path) -> None:
    tracks = toy_tracks(2, 1.0)
    run(tmp_path, "own", tracks)
    assert run(tmp_path, "own", [tracks[0], ToyTrack("toy_001", 7, 1.0)]).computed == 1
    with pytest.raises(ValueError, match="other recordings of own, for example toy_000, where new"):
        run(tmp_path, "own", [tracks[1], ToyTrack("new", 8, 1.0)])


def test_a_manifest_knows_all_models_of_one_name(tmp_path: Path) -> None:
    options = ("{}", '{"domain":"audio"}', '{"threshold":0.4}')
    groups = [
        Group(ModelSpec(TOY, one), "toys", toy_tracks(1, 1.0), make_conditions([]))
        for one in options
    ]
    with Store(tmp_path) as store:
        run_study(groups, store, serial, quiet=True)
        manifests, rows = store.manifests(), store.rows()
    assert len(rows) == len(options)
    for row in rows:
        model = Origin(manifests).model(row)
        assert model is not None
        assert model.identity.settings.items() <= json.loads(row.settings).items()
    assert manifests[0]["models"] == [[TOY, one] for one in options]
    older = Origin([{**manifests[0], "models": {TOY: options[0]}}])
    assert [older.model(row) is not None for row in rows] == [True, False, False]


@pytest.mark.parametrize("by", ["mix", "part"])
def test_a_manifest_knows_the_files_of_contours(by: str, tmp_path: Path) -> None:
    data = make_urmp(tmp_path / "data")
    tracks = list(load_dataset("urmp", data_folder=data, by=by, max_tracks=2))
    run(tmp_path / "r", "urmp", tracks)
    with Store(tmp_path / "r", readonly=True) as store:
        origin = Origin(store.manifests())
    rows = {row.track: row for row in read_rows(tmp_path / "r")}
    for track in tracks:
        again = origin.track(rows[track.name])
        assert again is not None
        assert again.fingerprint() == track.fingerprint() == rows[track.name].data
        assert len(again.notes().contours) == len(track.notes()) > 0
