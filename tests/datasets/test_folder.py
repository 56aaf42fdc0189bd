"""A folder of one's own recordings."""

from __future__ import annotations

import os
import shutil
import unicodedata
from pathlib import Path

import pytest
from tests.datasets.layouts import write_pair

from pi_amt.datasets.folder import folder
from pi_amt.datasets.loading import FileTrack, load_dataset, survey


def test_pairs_are_found_by_name_at_any_depth(tmp_path: Path) -> None:
    write_pair(tmp_path / "b.wav", tmp_path / "b.mid")
    write_pair(tmp_path / "set" / "a.FLAC", tmp_path / "set" / "a.MIDI")
    write_pair(tmp_path / "set" / "b.wav", tmp_path / "set" / "b.mid")
    (tmp_path / "notes.pdf").write_bytes(b"x")
    found = folder(tmp_path)
    assert [track.name for track in found] == ["b", "set/a", "set/b"]
    assert [track.composition for track in found] == ["b", "set/a", "set/b"]
    by_folder = folder(tmp_path, cluster_by="folder")
    assert [track.composition for track in by_folder] == [".", "set", "set"]


def test_files_without_partner_are_reported_not_skipped(tmp_path: Path) -> None:
    write_pair(tmp_path / "a.wav", tmp_path / "a.mid")
    write_pair(tmp_path / "b.wav", tmp_path / "c.mid")
    found = folder(tmp_path)
    assert [track.name for track in found] == ["a", "b", "c"]
    missing = {Path(line.split(": ")[0]).name for line in survey(found).missing}
    assert missing == {"b.mid", "c.wav"}


def test_the_better_of_two_files_of_one_name_is_taken(tmp_path: Path) -> None:
    write_pair(tmp_path / "a.ogg", tmp_path / "a.mid")
    write_pair(tmp_path / "a.wav", tmp_path / "a.mid")
    found = folder(tmp_path)
    track = found[0]
    assert isinstance(track, FileTrack)
    assert track.audio_path.name == "a.wav"
    assert "a.ogg: double" in found.problems[0]


@pytest.mark.parametrize("suffix", [".oga", ".aifc", ".wave", ".m4a", ".M4A"])
def test_less_common_suffixes_are_found(suffix: str, tmp_path: Path) -> None:
    write_pair(tmp_path / "a.wav", tmp_path / "take.mid")
    (tmp_path / "a.wav").rename(tmp_path / f"take{suffix}")
    (track,) = folder(tmp_path)
    assert len(track.audio()[0]) > 0  # libsndfile goes by the contents


def test_audio_that_is_not_read_is_named(tmp_path: Path) -> None:
    write_pair(tmp_path / "a.wav", tmp_path / "a.mid")
    (tmp_path / "b.wma").write_bytes(b"Windows Media")
    shutil.copy(tmp_path / "a.mid", tmp_path / "b.mid")
    found = survey(folder(tmp_path))
    assert found.missing == ()
    (line,) = found.unreadable
    assert "b.wma: not audio that can be read" in line


def test_a_folder_without_pairs_and_a_wrong_option(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"MIDI files of the same name.*the folder is empty"):
        folder(tmp_path)
    with pytest.raises(ValueError, match="cluster_by: got 'piece'"):
        folder(tmp_path, cluster_by="piece")


def test_a_folder_may_be_named_by_a_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_pair(tmp_path / "2024" / "a.wav", tmp_path / "2024" / "a.mid")
    assert [track.name for track in load_dataset("folder", data_folder=2024)] == ["a"]
    with pytest.raises(ValueError, match="3 for audio files"):
        load_dataset("folder", data_folder=3)
    for other in (None, 1.1, True):
        with pytest.raises(ValueError, match=f"data_folder: got {other}, expected the name"):
            load_dataset("folder", data_folder=other)


@pytest.mark.parametrize(
    ("audio", "notes"),
    [
        ("Take.wav", "take.mid"),
        ("take.WAV", "TAKE.Mid"),
        (unicodedata.normalize("NFC", "Žalm é.wav"), unicodedata.normalize("NFD", "Žalm é.mid")),
        (unicodedata.normalize("NFD", "žalm é.wav"), unicodedata.normalize("NFC", "Žalm É.mid")),
        ("Straße.wav", "STRASSE.mid"),
    ],
)
def test_partners_are_found_in_other_spellings(audio: str, notes: str, tmp_path: Path) -> None:
    write_pair(tmp_path / "set" / audio, tmp_path / "set" / notes)
    found = folder(tmp_path)
    assert [track.name for track in found] == [f"set/{Path(audio).stem}"]
    assert survey(found, full=True).is_clean


def test_the_same_spelling_goes_first_and_of_several_others_none_is_guessed(
    tmp_path: Path,
) -> None:
    for stem in ("a", "A"):
        write_pair(tmp_path / f"{stem}.wav", tmp_path / f"{stem}.mid")
    write_pair(tmp_path / "Take.wav", tmp_path / "take.mid")
    write_pair(tmp_path / "TAKE.wav", tmp_path / "tAKE.mid")
    found = folder(tmp_path)
    assert [track.name for track in found] == ["A", "TAKE", "Take", "a", "tAKE", "take"]
    assert len(survey(found).missing) == 4


@pytest.mark.parametrize("hidden", [".git/annex/objects", ".AppleDouble", ".Trash-1000/files"])
def test_hidden_folders_are_not_searched_and_links_into_them_are_followed(
    hidden: str, tmp_path: Path
) -> None:
    kept = tmp_path / hidden / "x1"
    write_pair(kept.with_suffix(".wav"), kept.with_suffix(".mid"))
    with pytest.raises(ValueError, match="MIDI files of the same name"):
        folder(tmp_path)
    (tmp_path / "set").mkdir()
    for suffix in (".wav", ".mid"):
        (tmp_path / "set" / f"take{suffix}").symlink_to(kept.with_suffix(suffix))
    os.symlink(tmp_path, tmp_path / "set" / "loop")
    found = folder(tmp_path)
    assert [track.name for track in found] == ["set/take"]
    assert survey(found, full=True).is_clean


def test_a_folder_that_cannot_be_read_is_warned_of_and_the_others_are_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for part in ("locked", "open"):
        (tmp_path / part).mkdir()
        write_pair(tmp_path / part / "a.wav", tmp_path / part / "a.mid")
    real = os.scandir

    def refuse(path: str) -> object:  # permissions do not bind root, as which tests may run
        if os.path.basename(path) == "locked":
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.warns(UserWarning, match="locked: passed over, it cannot be read.*denied") as said:
        assert [track.name for track in folder(tmp_path)] == ["open/a"]
    assert len(said) == 1


def test_the_folder_itself_may_be_hidden(tmp_path: Path) -> None:
    write_pair(tmp_path / ".cache" / "a.wav", tmp_path / ".cache" / "a.mid")
    assert len(folder(tmp_path / ".cache")) == 1


def test_names_that_are_not_text_or_not_one_line(tmp_path: Path) -> None:
    """Latin-1 names and line breaks reach neither the store nor a terminal as they are."""
    write_pair(tmp_path / "a.wav", tmp_path / "a.mid")
    for name in (b"latin\xe9", b"two\nlines"):
        for suffix in (b".wav", b".mid"):
            copy = os.fsdecode(os.fsencode(tmp_path) + b"/" + name + suffix)
            shutil.copy(tmp_path / f"a{suffix.decode()}", copy)
    found = folder(tmp_path)
    assert [track.name for track in found] == ["a", r"latin\udce9", r"two\nlines"]
    for track in found:
        track.name.encode()
        assert len(track.audio()[0]) == len(found[0].audio()[0])
        assert len(track.notes()) == len(found[0].notes())
        assert track.fingerprint() == found[0].fingerprint()
