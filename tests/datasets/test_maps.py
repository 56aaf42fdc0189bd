"""MAPS as people have it on disk: nested, in another letter case, incomplete, double."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from tests.datasets.layouts import make_maps, write_pair

from pi_amt.datasets.loading import FileTrack, TrackList, survey
from pi_amt.datasets.maps import maps


def names(dataset: TrackList) -> list[str]:
    return [track.name for track in dataset]


def files(dataset: TrackList) -> list[FileTrack]:
    return [track for track in dataset if isinstance(track, FileTrack)]


def test_the_default_is_music_of_the_two_disklavier_settings(tmp_path: Path) -> None:
    make_maps(tmp_path, ["ENSTDkAm", "ENSTDkCl", "AkPnBcht"])
    make_maps(tmp_path, ["ENSTDkAm"], ["NO_F_S0_M23"], kind="ISOL")
    found = maps(tmp_path)
    assert names(found) == [
        "MAPS_MUS-alb_se3_ENSTDkAm",
        "MAPS_MUS-alb_se3_ENSTDkCl",
        "MAPS_MUS-bk_xmas1_ENSTDkAm",
        "MAPS_MUS-bk_xmas1_ENSTDkCl",
    ]
    assert [track.composition for track in found] == ["alb_se3"] * 2 + ["bk_xmas1"] * 2
    assert found.problems == ()


@pytest.mark.parametrize(
    ("kind", "piece"),
    [
        ("ISOL", "NO_F_S0_M23"),
        ("ISOL", "CH0.1_F"),
        ("RAND", "P2_M36-95_I32-96_S0_n1"),
        ("UCHO", "C0-4-7_I60-68_S0_n13"),
    ],
)
def test_other_kinds(kind: str, piece: str, tmp_path: Path) -> None:
    make_maps(tmp_path, ["StbgTGd2"], [piece], kind=kind)
    found = maps(tmp_path, settings=["StbgTGd2"], kinds=[kind])
    assert names(found) == [f"MAPS_{kind}_{piece}_StbgTGd2"]


def test_letter_case_of_files_folders_and_options_does_not_matter(tmp_path: Path) -> None:
    write_pair(
        tmp_path / "enstdkam" / "mus" / "maps_mus-alb_se3_enstdkam.WAV",
        tmp_path / "enstdkam" / "mus" / "maps_mus-alb_se3_enstdkam.MID",
    )
    found = maps(tmp_path, settings=["enstdkam"], kinds=["mus"])
    assert names(found) == ["MAPS_MUS-alb_se3_ENSTDkAm"]
    assert len(found[0].notes()) == 3


def test_partners_of_another_letter_case_are_one_recording(tmp_path: Path) -> None:
    folder = tmp_path / "enstdkam" / "mus"
    write_pair(
        folder / "MAPS_MUS-alb_se3_ENSTDkAm.wav",
        folder / "maps_mus-ALB_SE3_enstdkam.mid",
    )
    found = maps(tmp_path, settings=["ENSTDkAm"])
    assert names(found) == ["MAPS_MUS-alb_se3_ENSTDkAm"]
    assert len(found[0].notes()) == 3
    assert found.problems == ()


def test_midi_wins_over_text_and_text_serves_alone(tmp_path: Path) -> None:
    make_maps(tmp_path, ["ENSTDkAm"], ["a", "b"], notes_suffix=".txt")
    make_maps(tmp_path, ["ENSTDkAm"], ["a"])
    found = maps(tmp_path, settings=["ENSTDkAm"])
    assert [track.notes_path.suffix for track in files(found)] == [".mid", ".txt"]
    assert all(len(track.notes()) == 3 for track in found)


def test_text_cannot_ignore_the_pedal(tmp_path: Path) -> None:
    make_maps(tmp_path, ["ENSTDkAm"], ["a"], notes_suffix=".txt")
    with pytest.raises(ValueError, match="already include the pedal"):
        maps(tmp_path, settings=["ENSTDkAm"], pedal="ignore")


def test_an_absent_setting_is_reported_and_fatal_only_if_none_is_there(tmp_path: Path) -> None:
    make_maps(tmp_path, ["ENSTDkCl"])
    with pytest.warns(UserWarning, match="setting ENSTDkAm is not there"):
        found = maps(tmp_path)
    assert len(found) == 2
    assert len(found.problems) == 1
    assert not survey(found).is_clean
    with pytest.raises(ValueError, match="it holds only MUS of ENSTDkCl") as caught:
        maps(tmp_path, settings=["AkPnBcht"])
    for part in (str(tmp_path), "AkPnBcht", "https://", "dataset=demo needs no files"):
        assert part in str(caught.value)


def test_folders_that_are_missing_empty_or_of_other_layout(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="this folder does not exist"):
        maps(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="the folder is empty"):
        maps(tmp_path)
    (tmp_path / "MAPS_ENSTDkAm_1.zip").write_bytes(b"PK")
    with pytest.raises(ValueError, match=r"it holds MAPS_ENSTDkAm_1\.zip"):
        maps(tmp_path)
    with pytest.raises(ValueError, match="this is a file, not a folder"):
        maps(tmp_path / "MAPS_ENSTDkAm_1.zip")


def test_unknown_settings_and_kinds_are_refused_with_near_matches(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'ENSTDkAn'; did you mean ENSTDkAm"):
        maps(tmp_path, settings=["ENSTDkAn"])
    with pytest.raises(ValueError, match="kinds: got unknown 'SONG'; there are ISOL"):
        maps(tmp_path, kinds=["SONG"])
    with pytest.raises(ValueError, match="settings: got none"):
        maps(tmp_path, settings=[])


def test_a_missing_partner_stays_a_track_and_is_reported(tmp_path: Path) -> None:
    make_maps(tmp_path, ["ENSTDkAm"], ["a", "b"])
    folder = tmp_path / "MAPS_ENSTDkAm_2" / "ENSTDkAm" / "MUS"
    (folder / "MAPS_MUS-a_ENSTDkAm.mid").unlink()
    (folder / "MAPS_MUS-b_ENSTDkAm.wav").unlink()
    found = maps(tmp_path, settings=["ENSTDkAm"])
    assert len(found) == 2
    missing = survey(found).missing
    assert {Path(line.split(": ")[0]).name for line in missing} == {
        "MAPS_MUS-a_ENSTDkAm.mid",
        "MAPS_MUS-b_ENSTDkAm.wav",
    }


def test_doubles_are_used_once_and_reported_and_complete_pairs_win(tmp_path: Path) -> None:
    make_maps(tmp_path, ["ENSTDkAm"], ["a"])
    lonely = tmp_path / "A copy"
    lonely.mkdir()
    source = tmp_path / "MAPS_ENSTDkAm_2" / "ENSTDkAm" / "MUS" / "MAPS_MUS-a_ENSTDkAm.wav"
    shutil.copy(source, lonely)
    found = maps(tmp_path, settings=["ENSTDkAm"])
    assert files(found)[0].audio_path == source
    assert "double" in found.problems[0]


@pytest.mark.parametrize("suffixes", [(".mid",), (".txt",), (".mid", ".txt")])
def test_audio_and_notes_in_folders_of_their_own_are_one_recording(
    suffixes: tuple[str, ...], tmp_path: Path
) -> None:
    for suffix in suffixes:
        stem = "MAPS_MUS-alb_se3_ENSTDkAm"
        write_pair(tmp_path / "wav" / f"{stem}.wav", tmp_path / suffix[1:] / f"{stem}{suffix}")
    found = maps(tmp_path, settings=["ENSTDkAm"])
    (track,) = files(found)
    assert track.audio_path.parent.name == "wav"
    assert track.notes_path.parent.name == suffixes[0][1:]
    assert len(track.notes()) == 3
    assert survey(found).is_clean


@pytest.mark.parametrize("double", ["old/{}.mid", "old/{}.midi", "old/{}.wav", "old/{}.flac"])
def test_of_several_partners_elsewhere_none_is_guessed(double: str, tmp_path: Path) -> None:
    stem = "MAPS_MUS-alb_se3_ENSTDkAm"
    write_pair(tmp_path / "wav" / f"{stem}.wav", tmp_path / "mid" / f"{stem}.mid")
    other = tmp_path / double.format(stem)
    other.parent.mkdir()
    original = "wav" if other.suffix in (".wav", ".flac") else "mid"
    shutil.copy(tmp_path / original / f"{stem}.{original}", other)
    found = maps(tmp_path, settings=["ENSTDkAm"])
    assert len(found) == 1
    assert any("the file is missing" in line for line in survey(found).missing)


def test_symbolic_links_are_followed_and_loops_end(tmp_path: Path) -> None:
    make_maps(tmp_path / "disk", ["ENSTDkAm"], ["a"])
    data = tmp_path / "data"
    data.mkdir()
    os.symlink(tmp_path / "disk", data / "link")
    os.symlink(data, tmp_path / "disk" / "loop")
    found = maps(data, settings=["ENSTDkAm"])
    assert names(found) == ["MAPS_MUS-a_ENSTDkAm"]
    assert found.problems == ()
