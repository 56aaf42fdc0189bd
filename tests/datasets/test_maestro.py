"""MAESTRO by its CSV: accents, quoted commas, splits, missing files, damaged tables."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
import soundfile
from tests.datasets.layouts import make_maestro

from pi_amt.core.errors import DataError
from pi_amt.datasets.loading import FileTrack, survey
from pi_amt.datasets.maestro import maestro


def test_the_default_is_the_test_split(tmp_path: Path) -> None:
    found = maestro(make_maestro(tmp_path))
    assert [track.name[-2:] for track in found] == ["01", "03", "04"]
    assert [track.composition for track in found] == [
        'Frédéric Chopin: Études Op. 10, No. 4, "Torrent"',
        "Alban Berg: Sonata Op. 1",
        "Alban Berg: Sonata Op. 1",
    ]
    assert [track.duration_seconds for track in found] == [1.0] * 3


@pytest.mark.parametrize(("split", "count"), [("train", 1), ("validation", 1), ("all", 5)])
def test_other_splits(split: str, count: int, tmp_path: Path) -> None:
    assert len(maestro(make_maestro(tmp_path), split=split)) == count


def test_the_csv_may_lie_one_folder_below(tmp_path: Path) -> None:
    make_maestro(tmp_path / "maestro-v3.0.0")
    assert len(maestro(tmp_path)) == 3


@pytest.mark.parametrize(
    "other", ["maestro-v3.0.0_small.csv", "maestro-v3.0.0 copy.csv", "maestro-v2.0.0.csv"]
)
def test_the_table_of_maestro_is_used_and_others_are_told(other: str, tmp_path: Path) -> None:
    table = make_maestro(tmp_path) / "maestro-v3.0.0.csv"
    lines = table.read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / other).write_text("".join(lines[:3]), encoding="utf-8")
    found = maestro(tmp_path)
    assert len(found) == 3
    assert survey(found).missing == (f"{tmp_path / other}: not used beside {table}",)
    table.rename(tmp_path / "maestro-v10.0.0.csv")
    assert len(maestro(tmp_path)) == 3
    (tmp_path / "maestro-v10.0.0.csv").unlink()
    assert len(maestro(tmp_path)) == 1


def test_a_duration_that_is_no_number_is_measured_instead(tmp_path: Path) -> None:
    table = next(make_maestro(tmp_path).glob("*.csv"))
    table.write_text(table.read_text(encoding="utf-8").replace(",1.0", ",1²"), encoding="utf-8")
    assert "1²" in table.read_text(encoding="utf-8")
    assert [track.duration_seconds for track in maestro(tmp_path)] == [1.0] * 3


def test_missing_files_stay_tracks_and_are_reported(tmp_path: Path) -> None:
    make_maestro(tmp_path)
    (tmp_path / "2018" / "MIDI-Unprocessed_03.wav").unlink()
    (tmp_path / "2004" / "MIDI-Unprocessed_01.midi").unlink()
    found = maestro(tmp_path)
    assert len(found) == 3
    assert len(survey(found).missing) == 2
    with pytest.raises(DataError, match=r"MIDI-Unprocessed_03\.wav: the file is missing"):
        found[1].audio()


def test_spellings_of_one_title_are_one_composition(tmp_path: Path) -> None:
    """Under the first spelling in the CSV, whichever split is asked for."""
    table = next(make_maestro(tmp_path).glob("*.csv"))
    lines = table.read_text(encoding="utf-8").splitlines(keepends=True)
    for number, title in ((2, "Sonata Op. 1"), (3, "sonata  Op.1"), (4, "SONATA, Op. 1")):
        lines[number] = lines[number].replace("Sonata Op. 1", f'"{title}"')
    lines[1] = lines[1].replace("Alban Berg", "Béla Bartók")
    lines[3] = lines[3].replace("Alban Berg", "ALBÁN BERG")
    table.write_text("".join(lines), encoding="utf-8")
    for split, count in (("all", 3), ("test", 2)):
        found = [track.composition for track in maestro(tmp_path, split=split)]
        assert found.count("Alban Berg: Sonata Op. 1") == count


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Prelude in C# Minor", "Prelude in C Minor"),
        ("Etude Op. 1, No. 11", "Etude Op. 11, No. 1"),
        ("Etude No. 1 1", "Etude No. 11"),
    ],
)
def test_titles_that_mean_another_piece_stay_apart(a: str, b: str, tmp_path: Path) -> None:
    table = next(make_maestro(tmp_path).glob("*.csv"))
    lines = table.read_text(encoding="utf-8").splitlines(keepends=True)
    for number, title in ((3, a), (4, b)):
        lines[number] = lines[number].replace("Sonata Op. 1", f'"{title}"')
    table.write_text("".join(lines), encoding="utf-8")
    assert [t.composition for t in maestro(tmp_path)[1:]] == [f"Alban Berg: {x}" for x in (a, b)]


@pytest.mark.parametrize(
    ("listed", "there"),
    [
        ("2018/MIDI-Unprocessed_03.midi", "2018/MIDI-Unprocessed_03.mid"),
        ("2018/MIDI-Unprocessed_03.midi", "2018/midi-unprocessed_03.MIDI"),
        ("2018/MIDI-Unprocessed_03.wav", "2018/MIDI-Unprocessed_03.WAV"),
        ("2018/MIDI-Unprocessed_03.wav", "2018/MIDI-unprocessed_03.flac"),
    ],
)
def test_files_that_are_called_a_little_otherwise_are_found(
    listed: str, there: str, tmp_path: Path
) -> None:
    make_maestro(tmp_path)
    before = maestro(tmp_path)[1]
    samples, notes = before.audio()[0], before.notes()
    if there.endswith(".flac"):
        soundfile.write(tmp_path / there, *soundfile.read(tmp_path / listed))
        (tmp_path / listed).unlink()
    else:
        (tmp_path / listed).rename(tmp_path / there)
    found = maestro(tmp_path)
    assert survey(found, full=True).is_clean
    assert found[1].name == before.name
    assert len(found[1].audio()[0]) == len(samples)
    assert found[1].notes().onsets.tolist() == notes.onsets.tolist()


def test_a_name_in_the_other_unicode_form_is_found(tmp_path: Path) -> None:
    table = next(make_maestro(tmp_path).glob("*.csv"))
    text = table.read_text(encoding="utf-8").replace("MIDI-Unprocessed_03", "Étude_03")
    table.write_text(unicodedata.normalize("NFC", text), encoding="utf-8")
    for suffix in (".wav", ".midi"):
        old = tmp_path / "2018" / f"MIDI-Unprocessed_03{suffix}"
        old.rename(old.with_name(unicodedata.normalize("NFD", f"Étude_03{suffix}")))
    found = maestro(tmp_path)
    assert survey(found, full=True).is_clean
    assert [track.name for track in found][-1] == "Étude_03"


def test_a_table_in_a_hidden_folder_is_not_the_dataset(tmp_path: Path) -> None:
    make_maestro(tmp_path / ".Trash-1000")
    with pytest.raises(ValueError, match="looked in"):
        maestro(tmp_path)


def test_audio_kept_as_flac_is_found(tmp_path: Path) -> None:
    make_maestro(tmp_path)
    wav = tmp_path / "2018" / "MIDI-Unprocessed_03.wav"
    soundfile.write(wav.with_suffix(".flac"), *soundfile.read(wav))
    wav.unlink()
    track = maestro(tmp_path)[1]
    assert isinstance(track, FileTrack)
    assert track.audio_path.suffix == ".flac"
    assert len(track.audio()[0]) == 22_050


def test_a_folder_without_the_dataset(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"maestro-v3\.0\.0\.csv .* does not exist") as caught:
        maestro(tmp_path / "nowhere")
    assert "https://" in str(caught.value)
    assert "dataset=demo needs no files" in str(caught.value)
    make_maestro(tmp_path)
    for path in tmp_path.glob("*/*.wav"):
        path.unlink()
    with pytest.raises(ValueError, match="none of its 3 recordings"):
        maestro(tmp_path)


def test_a_recording_that_is_listed_twice_is_one_track(tmp_path: Path) -> None:
    make_maestro(tmp_path)
    table = tmp_path / "maestro-v3.0.0.csv"
    lines = table.read_text(encoding="utf-8").splitlines(keepends=True)
    table.write_text("".join([*lines, lines[-2]]), encoding="utf-8")
    found = maestro(tmp_path)
    assert [track.name[-2:] for track in found] == ["01", "03", "04"]
    assert found.problems == (f"{table}: MIDI-Unprocessed_04 is listed twice, used once",)


def test_a_split_that_the_csv_lacks_names_those_it_has(tmp_path: Path) -> None:
    table = make_maestro(tmp_path) / "maestro-v3.0.0.csv"
    text = table.read_text(encoding="utf-8")
    table.write_text(text.replace(",test,", ",dev,"), encoding="utf-8")
    with pytest.raises(DataError, match="split test, there are: dev, train, validation"):
        maestro(tmp_path)


def test_an_unknown_split_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="split: got 'dev', expected one of train"):
        maestro(tmp_path, split="dev")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"composer,title\na,b\n", "got no column canonical_composer"),
        (b"\xff\xfe\x00a", "not a CSV file in UTF-8"),
        (b"canonical_composer,canonical_title,split,midi_filename,audio_filename\na,b\n", "line 2"),
        (b"canonical_composer,canonical_title,split,midi_filename,audio_filename\n", "split test"),
    ],
)
def test_a_damaged_csv_is_one_plain_line(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "maestro-v3.0.0.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        maestro(tmp_path)
    assert str(path) in str(caught.value)
