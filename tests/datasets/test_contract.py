"""What every registered dataset promises, checked on all of them."""

from __future__ import annotations

import hashlib
import os
import pickle
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pytest
from hydra import compose, initialize_config_module
from hydra.utils import instantiate
from tests.datasets.layouts import (
    make_bach10,
    make_guitarset,
    make_maestro,
    make_maps,
    make_musicnet,
    make_slakh,
    make_urmp,
    make_vocadito,
    write_pair,
)

from pi_amt.core.errors import DataError
from pi_amt.core.note_files import write_midi
from pi_amt.core.notes import Notes
from pi_amt.datasets.loading import (
    Dataset,
    FileTrack,
    Track,
    available_datasets,
    load_dataset,
    survey,
)


def make_folder(root: Path) -> Path:
    write_pair(root / "b" / "two.wav", root / "b" / "two.mid")
    write_pair(root / "a one.flac", root / "a one.midi")
    write_pair(root / "c.ogg", root / "c.mid")
    return root


MAKERS: dict[str, Callable[[Path], Path] | None] = {
    "bach10": make_bach10,
    "calibration": None,
    "demo": None,
    "folder": make_folder,
    "guitarset": make_guitarset,
    "known_partials": None,
    "maestro": make_maestro,
    "maps": make_maps,
    "musicnet": make_musicnet,
    "slakh": make_slakh,
    "urmp": make_urmp,
    "vocadito": make_vocadito,
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The options that find each dataset."""
    root = tmp_path_factory.mktemp("data")
    return {n: {"data_folder": m(root / n)} if m else {} for n, m in MAKERS.items()}


@pytest.fixture(params=sorted(MAKERS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def dataset(name: str, folders: dict[str, dict[str, Any]]) -> Dataset:
    return load_dataset(name, **folders[name])


def test_every_built_in_dataset_is_under_contract() -> None:
    assert available_datasets() == sorted(MAKERS)


def test_it_is_a_sorted_sequence_of_unique_tracks(dataset: Dataset, name: str) -> None:
    names = [track.name for track in dataset]
    assert dataset.name == name
    assert len(dataset) == len(dataset.tracks) == len(names) == len(set(names)) >= 3
    assert names == sorted(names)
    assert all(isinstance(track, Track) and track.composition for track in dataset)


def test_tracks_give_audio_and_notes(dataset: Dataset) -> None:
    for track in list(dataset)[:3]:
        samples, rate = track.audio()
        assert samples.dtype == np.float32
        assert samples.ndim == 1
        assert np.abs(samples).max() > 0.01
        assert track.duration_seconds == pytest.approx(len(samples) / rate, abs=0.01)
        notes = track.notes()
        assert len(notes) > 0
        assert np.all(np.diff(notes.onsets) >= 0)
        assert notes.onsets[-1] < len(samples) / rate


def test_tracks_are_small_and_survive_pickling(dataset: Dataset) -> None:
    track = next(iter(dataset))
    data = pickle.dumps(track)
    assert len(data) < 3000
    again = pickle.loads(data)
    assert again == track
    assert again.fingerprint() == track.fingerprint()
    assert again.stamp() == track.stamp()


def test_fingerprints_and_stamps_tell_tracks_and_options_apart(
    name: str, folders: dict[str, dict[str, Any]]
) -> None:
    variants = [
        load_dataset(name, **folders[name], **options)
        for options in ({}, {"pedal": "ignore"}, {"max_seconds": 0.5})
    ]
    tracks = [track for variant in variants for track in list(variant)[:3]]
    for mark in ("fingerprint", "stamp"):
        marks = [getattr(track, mark)() for track in tracks]
        assert len(set(marks)) == len(marks)


def test_sort_subsample_limit(name: str, folders: dict[str, dict[str, Any]]) -> None:
    everything = [track.name for track in load_dataset(name, **folders[name])]
    every_other = load_dataset(name, **folders[name], subsample_every=2)
    assert [track.name for track in every_other] == everything[::2]
    one = load_dataset(name, **folders[name], subsample_every=2, max_tracks=1)
    assert [track.name for track in one] == everything[:1]


def test_max_seconds_cuts_audio_and_notes(name: str, folders: dict[str, dict[str, Any]]) -> None:
    for track in list(load_dataset(name, **folders[name], max_seconds=0.5))[:3]:
        samples, rate = track.audio()
        assert len(samples) == round(0.5 * rate)
        assert track.duration_seconds == 0.5
        assert track.notes().offsets.max(initial=0) <= 0.5


def test_notes_are_shifted_before_they_are_cut(
    name: str, folders: dict[str, dict[str, Any]]
) -> None:
    if name in ("calibration", "known_partials"):
        pytest.skip("its notes are what is synthesised")
    plain, same, late, cut = (
        load_dataset(name, **folders[name], **options)
        for options in (
            {},
            {"onset_shift_ms": 0},
            {"onset_shift_ms": 62.5},
            {"onset_shift_ms": -100, "max_seconds": 0.5},
        )
    )
    for a, b, c, d in list(zip(plain, same, late, cut, strict=True))[:3]:
        assert b.fingerprint() == a.fingerprint() != c.fingerprint()
        assert c.stamp() != a.stamp()
        np.testing.assert_allclose(c.notes().onsets, a.notes().onsets + 0.0625)
        np.testing.assert_allclose(c.notes().durations, a.notes().durations)
        kept = a.notes().onsets[a.notes().onsets < 0.6] - 0.1
        np.testing.assert_allclose(d.notes().onsets, np.maximum(kept, 0))


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("subsample_every", 0),
        ("subsample_every", 1.5),
        ("max_tracks", 0),
        ("max_tracks", True),
        ("max_seconds", 0),
        ("max_seconds", float("nan")),
        ("pedal", "hold"),
    ],
)
def test_option_values_that_cannot_work_are_refused(
    name: str, option: str, value: Any, folders: dict[str, dict[str, Any]]
) -> None:
    with pytest.raises(ValueError, match=f"{option}: got {value!r}, expected"):
        load_dataset(name, **folders[name], **{option: value})


def test_an_unknown_option_is_refused_with_a_near_match(name: str) -> None:
    with pytest.raises(ValueError, match="'max_track'; did you mean max_tracks"):
        load_dataset(name, max_track=1)


def test_the_survey_of_a_whole_dataset_is_clean(
    name: str, folders: dict[str, dict[str, Any]]
) -> None:
    # a track of the truth set takes half a second to synthesise, whatever is kept of it
    few = {"max_tracks": 4} if name == "known_partials" else {}
    dataset = load_dataset(name, **folders[name], **few, max_seconds=1.0)
    for full in (False, True):
        found = survey(dataset, full=full)
        assert found.is_clean, str(found)
        assert found.n_tracks == len(dataset)
        hours = sum(track.duration_seconds or 0 for track in dataset) / 3600
        assert found.hours == pytest.approx(hours)
        assert f"{len(dataset)} tracks" in str(found)


def test_the_config_node_builds_the_dataset(name: str, folders: dict[str, dict[str, Any]]) -> None:
    overrides = [f"+dataset={name}", "dataset.max_tracks=2"]
    overrides += [f"dataset.{key}={value}" for key, value in folders[name].items()]
    with initialize_config_module("pi_amt.cli.conf", version_base="1.3"):
        node = compose(overrides=overrides).dataset
    options = {key: value for key, value in node.items() if not key.startswith("_")}
    assert options["pedal"] == "extend"
    dataset = instantiate(node)
    assert [t.name for t in dataset] == [
        t.name for t in load_dataset(name, **folders[name], max_tracks=2)
    ]


def test_an_unknown_dataset_is_refused_with_a_near_match() -> None:
    with pytest.raises(ValueError, match="'maestor'; did you mean maestro"):
        load_dataset("maestor")
    with pytest.raises(ValueError, match="got no data_folder"):
        load_dataset("folder")


FILE_DATASETS = sorted(name for name, maker in MAKERS.items() if maker)


@pytest.mark.parametrize("name", FILE_DATASETS)
@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (None, "got None, expected the name of a folder"),
        ("", "got '', expected the name of a folder"),
        (["a", "b"], r"got \['a', 'b'\], expected the name"),
        (
            "~nobody_here/x",
            "got '~nobody_here/x', but ~nobody_here is the home folder of nobody here",
        ),
    ],
)
def test_what_is_no_name_of_a_folder_is_refused(name: str, given: object, reason: str) -> None:
    # a study calls the function itself
    own = getattr(import_module(f"pi_amt.datasets.{name}"), name)
    for load in (partial(load_dataset, name), own):
        with pytest.raises(ValueError, match=f"data_folder: {reason}"):
            load(data_folder=given)


def test_a_dotted_path_is_a_dataset() -> None:
    assert len(load_dataset("pi_amt.datasets.demo:demo", max_tracks=2)) == 2


# --- one track of files


def test_a_fingerprint_goes_by_content_and_a_stamp_by_path(tmp_path: Path) -> None:
    tracks = []
    for folder in ("a", "b"):
        audio, midi = tmp_path / folder / "x.wav", tmp_path / folder / "x.mid"
        write_pair(audio, midi)
        tracks.append(FileTrack("x", audio, midi, "x"))
    assert tracks[0].fingerprint() == tracks[1].fingerprint()
    assert tracks[0].stamp() != tracks[1].stamp()
    before = [tracks[0].fingerprint(), tracks[0].stamp()]
    write_pair(tracks[0].audio_path, tracks[0].notes_path, (60, 65, 67))
    assert tracks[0].fingerprint() != before[0]
    assert tracks[0].stamp() != before[1]


def test_a_stamp_sees_new_contents_of_the_same_size_and_date(tmp_path: Path) -> None:
    track = FileTrack("x", tmp_path / "x.wav", tmp_path / "x.mid", "x")
    write_pair(track.audio_path, track.notes_path)
    status, before = track.audio_path.stat(), track.stamp()
    track.audio_path.write_bytes(bytes(reversed(track.audio_path.read_bytes())))
    os.utime(track.audio_path, ns=(status.st_atime_ns, status.st_mtime_ns))  # as cp -p and rsync do
    assert track.audio_path.stat().st_mtime_ns == status.st_mtime_ns
    assert track.stamp() != before


def test_a_track_of_missing_files_has_a_stamp_and_a_plain_error(tmp_path: Path) -> None:
    track = FileTrack("x", tmp_path / "x.wav", tmp_path / "x.mid", "x")
    assert track.stamp() == track.stamp()
    for read in (track.audio, track.notes, track.fingerprint):
        with pytest.raises(DataError, match="the file is missing"):
            read()


def test_the_survey_lists_what_is_broken(tmp_path: Path) -> None:
    make_folder(tmp_path)
    (tmp_path / "c.ogg").write_bytes(b"text")
    (tmp_path / "a one.midi").write_bytes(b"text")
    (tmp_path / "b" / "two.mid").unlink()
    found = survey(load_dataset("folder", data_folder=tmp_path))
    assert not found.is_clean
    assert [line.split(": ")[0] for line in found.missing] == [str(tmp_path / "b" / "two.mid")]
    assert len(found.unreadable) == 2
    told = str(found).splitlines()
    assert f"in {tmp_path}" in told
    assert any(line.startswith("  c.ogg: ") for line in told)
    assert "  b/two.mid: the file is missing" in told


def test_the_survey_shortens_long_lists(tmp_path: Path) -> None:
    write_pair(tmp_path / "a.wav", tmp_path / "a.mid")
    for i in range(40):
        (tmp_path / f"b{i:02}.mid").write_bytes(b"text")
    found = survey(load_dataset("folder", data_folder=tmp_path))
    told = str(found).splitlines()
    assert len(found.missing) == len(found.unreadable) == 40
    assert told.count("  and 20 more") == 2
    assert len(told) < 50


def test_a_full_survey_counts_the_notes_that_nobody_could_hear(tmp_path: Path) -> None:
    write_pair(tmp_path / "a.wav", tmp_path / "a.mid")
    write_pair(tmp_path / "b.wav", tmp_path / "b.mid")
    write_midi(
        Notes.from_arrays([0.5, 0.7, 0.8], [0.6, 0.7, 0.8], [60, 62, 64]), tmp_path / "b.mid"
    )
    dataset = load_dataset("folder", data_folder=tmp_path)
    assert survey(dataset).left_out == ()
    found = survey(dataset, full=True)
    assert found.is_clean
    assert found.left_out == ("b: 2 notes of no length",)
    assert str(found).endswith("notes left out in 1 recording:\n  b: 2 notes of no length")


def test_only_a_full_survey_decodes(tmp_path: Path) -> None:
    make_folder(tmp_path)
    path = tmp_path / "a one.midi"
    path.write_bytes(path.read_bytes()[:-5])
    dataset = load_dataset("folder", data_folder=tmp_path)
    assert survey(dataset).is_clean
    assert "truncated" in survey(dataset, full=True).unreadable[0]


@pytest.mark.parametrize(
    ("offset", "is_new"), [(1.0, False), (0.5, True)], ids=["plain", "of no length"]
)
def test_rows_of_0_1_0_are_found_again_where_notes_are_read_as_before(
    offset: float, is_new: bool, tmp_path: Path
) -> None:
    track = FileTrack("x", tmp_path / "x.wav", tmp_path / "x.mid", "x")
    write_pair(track.audio_path, track.notes_path)
    write_midi(Notes.from_arrays([0.5], [offset], [60]), track.notes_path)
    contents = [hashlib.sha256(p.read_bytes()).hexdigest() for p in (track.audio_path,
                track.notes_path)]  # fmt: skip
    before = hashlib.sha256("\0".join([*contents, ".mid", "extend", "None"]).encode()).hexdigest()
    assert (track.fingerprint() != before) == is_new


def fingerprint_before_revision_3(track: FileTrack) -> str:
    """Of a track whose files of notes hold nothing unusual but what was misread then."""
    contents = [hashlib.sha256(p.read_bytes()).hexdigest() for p in track.paths]
    several = ["annotations 2", "", "None"] if track.more_notes else []
    parts = [*contents, track.notes_path.suffix, "extend", "None", *several]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@pytest.mark.parametrize(
    ("head", "is_new"),
    [("onset\toffset\tpitch\n", False), ("# onset\toffset\tpitch\n", True), ("0\t1\t2\n", True)],
)
def test_rows_of_text_whose_head_was_misread_are_computed_again(
    head: str, is_new: bool, tmp_path: Path
) -> None:
    track = FileTrack("x", tmp_path / "x.wav", tmp_path / "x.txt", "x")
    write_pair(track.audio_path, track.notes_path)
    track.notes_path.write_text(f"{head}0.5\t1.0\t60\n")
    assert track.notes().pitches.tolist() == [60]
    assert (track.fingerprint() != fingerprint_before_revision_3(track)) == is_new


def test_rows_of_midi_whose_ports_share_a_channel_are_computed_again(tmp_path: Path) -> None:
    track = FileTrack("x", tmp_path / "x.wav", tmp_path / "x.mid", "x")
    write_pair(track.audio_path, track.notes_path)
    shutil.copy(track.notes_path, tmp_path / "y.mid")
    several = replace(track, more_notes=(tmp_path / "y.mid",))
    for port in (0, 1):
        file = mido.MidiFile(tmp_path / "y.mid")
        note = [mido.Message(f"note_{kind}", note=40, time=99) for kind in ("on", "off")]
        file.type = 1
        file.tracks.append(mido.MidiTrack([mido.MetaMessage("midi_port", port=port), *note]))
        file.save(track.notes_path)
        for each in (track, several):
            assert (each.fingerprint() == fingerprint_before_revision_3(each)) == (port == 0)


def test_a_file_that_is_refused_does_not_find_the_rows_of_a_version_that_read_it(
    tmp_path: Path,
) -> None:
    track = FileTrack("x", tmp_path / "x.wav", tmp_path / "x.mid", "x")
    write_pair(track.audio_path, track.notes_path)
    midi = track.notes_path.read_bytes()
    track.notes_path.write_bytes(midi[:18] + bytes(4) + midi[22:])  # a track of length 0
    assert track.fingerprint() != fingerprint_before_revision_3(track)


def test_a_shift_that_cannot_work_is_refused() -> None:
    for value in (True, float("nan"), 1e9):
        with pytest.raises(ValueError, match=f"onset_shift_ms: got {value!r}, expected a number"):
            load_dataset("demo", onset_shift_ms=value)
