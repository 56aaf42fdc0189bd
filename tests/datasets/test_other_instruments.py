"""GuitarSet, URMP, Slakh, MusicNet, Bach10 and vocadito, on miniatures of their real layouts."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.datasets import layouts

from pi_amt.core.errors import DataError
from pi_amt.core.note_files import write_midi
from pi_amt.core.notes import Notes
from pi_amt.datasets.loading import FileTrack, Survey, load_dataset, survey
from pi_amt.datasets.track import joined

#: dataset → its miniature, and the options under which it is read in parts
MAKERS: dict[str, tuple[Callable[[Path], Path], dict[str, Any]]] = {
    "bach10": (layouts.make_bach10, {"by": "part"}),
    "guitarset": (layouts.make_guitarset, {"audio": "mix"}),
    "musicnet": (layouts.make_musicnet, {"split": "all"}),
    "slakh": (layouts.make_slakh, {"by": "stem"}),
    "urmp": (layouts.make_urmp, {"by": "part"}),
    "vocadito": (layouts.make_vocadito, {"annotator": "A2"}),
}


@pytest.fixture(params=sorted(MAKERS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def by_name(name: str, folder: Path, **options: Any) -> dict[str, FileTrack]:
    tracks = load_dataset(name, data_folder=folder, **options)
    return {track.name: track for track in tracks if isinstance(track, FileTrack)}


def assert_same(found: Notes, written: Notes, seconds: float = 1e-4, pitch: float = 1e-3) -> None:
    """Up to what the dataset's own files round to."""
    np.testing.assert_allclose(found.onsets, written.onsets, atol=seconds)
    np.testing.assert_allclose(found.durations, written.durations, atol=seconds)
    np.testing.assert_allclose(found.pitches, written.pitches, atol=pitch)


def heard_at(track: FileTrack, hz: float, onset: float) -> float:
    """Share of the power near a frequency during the quarter of a second after an onset."""
    samples, rate = track.audio()
    part = samples[round(onset * rate) :][: rate // 4]
    power = np.abs(np.fft.rfft(part * np.hanning(len(part)))) ** 2
    near = np.abs(np.fft.rfftfreq(len(part), 1 / rate) - hz) < 12
    return float(power[near].sum() / power.sum())


def test_notes_are_those_of_the_sound(name: str, tmp_path: Path) -> None:
    """Whatever the units of a file are: each note is heard when and where it is said to be."""
    make, options = MAKERS[name]
    make(tmp_path)
    for chosen in ({}, options):
        for track in by_name(name, tmp_path, **chosen).values():
            notes = track.notes()
            assert len(notes) > 0
            for onset, hz in zip(notes.onsets, notes.frequencies, strict=True):
                assert heard_at(track, hz, onset) > 0.1, (track.name, onset, hz)


def test_options_are_another_recording_to_the_store(name: str, tmp_path: Path) -> None:
    make, options = MAKERS[name]
    make(tmp_path)
    plain, other = by_name(name, tmp_path), by_name(name, tmp_path, **options)
    marks = [t.fingerprint() for tracks in (plain, other) for t in tracks.values()]
    expected = len(plain) + len(other)
    if name == "musicnet":  # whose option only chooses others
        expected = len(other)
    assert len(set(marks)) == expected


@pytest.mark.parametrize("kind", ["audio", "notes"])
def test_half_of_a_download_is_told(name: str, kind: str, tmp_path: Path) -> None:
    folder = MAKERS[name][0](tmp_path)
    sounds = (".wav", ".flac")
    for path in [p for p in folder.rglob("*") if p.is_file()]:
        if (path.suffix in sounds) == (kind == "audio") and path.suffix != ".yaml":
            path.unlink()
    with pytest.raises(ValueError, match=f"dataset {name}: looked in") as caught:
        load_dataset(name, data_folder=folder)
    for part in (str(folder), "https://", "dataset=demo needs no files"):
        assert part in str(caught.value)
    assert "there in part only" in str(caught.value)


def test_a_folder_of_something_else_is_told(name: str, tmp_path: Path) -> None:
    (tmp_path / "readme.txt").write_text("nothing")
    for folder, found in (
        (tmp_path, r"it holds readme\.txt"),
        (tmp_path / "x", "this folder does not exist"),
    ):
        with pytest.raises(ValueError, match=found):
            load_dataset(name, data_folder=folder)


def test_a_single_missing_file_is_an_error_row_and_a_line(name: str, tmp_path: Path) -> None:
    MAKERS[name][0](tmp_path)
    first = next(iter(by_name(name, tmp_path).values()))
    first.notes_path.unlink()
    assert first.name in by_name(name, tmp_path)
    found: Survey = survey(load_dataset(name, data_folder=tmp_path))
    assert found.missing == (f"{first.notes_path.absolute()}: the file is missing",)
    with pytest.raises(DataError, match="the file is missing"):
        first.notes()


def test_names_in_capitals_are_those_of_the_dataset(name: str, tmp_path: Path) -> None:
    make, options = MAKERS[name]
    make(tmp_path)
    before = [by_name(name, tmp_path), by_name(name, tmp_path, **options)]
    for path in sorted(tmp_path.rglob("*"), reverse=True):  # what lies in a folder before it
        path.rename(path.with_name(path.name.upper()))
    for tracks, found in zip(
        before, [by_name(name, tmp_path), by_name(name, tmp_path, **options)], strict=True
    ):
        assert [n.lower() for n in found] == [n.lower() for n in tracks]
        for track in found.values():
            assert all(path.exists() for path in track.paths), track
            assert len(track.notes())


def test_names_that_differ_in_letter_case_alone_are_not_mixed_up(tmp_path: Path) -> None:
    layouts.make_urmp(tmp_path)
    (notes,) = tmp_path.rglob("Notes_1_vn_01_Jupiter.txt")
    for other in ("NOTES_1_vn_01_Jupiter.txt", "notes_1_vn_01_Jupiter.txt"):
        notes.with_name(other).write_text("0.1 440 0.5\n")
    found = by_name("urmp", tmp_path)["01_Jupiter_vn_vc"]
    assert found.notes_path == notes
    notes.unlink()
    assert by_name("urmp", tmp_path)["01_Jupiter_vn_vc"].notes_path == notes  # either may be it


def test_a_second_copy_of_a_file_is_told_and_not_used(name: str, tmp_path: Path) -> None:
    make = MAKERS[name][0]
    make(tmp_path / "a")
    assert survey(load_dataset(name, data_folder=tmp_path)).is_clean
    make(tmp_path / "b")
    tracks = by_name(name, tmp_path).values()
    assert {t.notes_path.relative_to(tmp_path).parts[0] for t in tracks} == {"a"}
    told = survey(load_dataset(name, data_folder=tmp_path)).missing
    assert sum(line.startswith(f"{tmp_path / 'b'}") for line in told) >= len(tracks)
    if name not in ("slakh", "urmp"):  # which are found by metadata and by folders
        first = next(iter(tracks)).notes_path
        copy = tmp_path / "b" / first.relative_to(tmp_path / "a")
        assert f"{copy}: double of {first}, not used" in told


DAMAGE = {
    "bach10": [(b"text", "not a MATLAB file with GTNotes")],
    "guitarset": [
        (b"{", "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"[]", "not notes as jams has them"),
        (b'{"annotations": []}', "no annotation of the namespace note_midi"),
        (
            b'{"annotations": [{"namespace": "note_midi", "data": [{"time": 1, "duration": 1, '
            b'"value": 440}]}]}',
            "these look like Hz",
        ),
    ],
    "musicnet": [
        (b"a,b\n1,2\n", "got no column start_time, end_time, note"),
        (b"start_time,end_time,note\n1,x,60\n", "could not convert"),
        (b"start_time,end_time,note\n44100,1,60\n", "negative duration"),
    ],
    "slakh": [(b"text", "not a MIDI file")],
    "urmp": [
        (b"0.5\t440\n", "line 1: got '0.5 440', expected onset s, Hz, duration s"),
        (b"0.5 440 1\n\n1.5 0 1\n", "line 3: got 0 Hz for 1 s"),
        (b"-0.5 440 1\n", "got an onset at -0.5 s"),
        (b"\xff\xfe\x00", "it is not text"),
    ],
    "vocadito": [(b"0.5,440,-1\n", "line 1: got 440 Hz for -1 s"), (b"a,b,c\n", "expected onset")],
}


@pytest.mark.parametrize(
    ("name", "data", "message"), [(n, *case) for n, cases in DAMAGE.items() for case in cases]
)
def test_a_damaged_file_of_notes_is_one_plain_line(
    name: str, data: bytes, message: str, tmp_path: Path
) -> None:
    MAKERS[name][0](tmp_path)
    track = next(iter(by_name(name, tmp_path).values()))
    track.notes_path.write_bytes(data)
    with pytest.raises(DataError, match=message) as caught:
        track.notes()
    told = str(caught.value)
    assert told.startswith(f"{track.notes_path.absolute()}: ")
    assert "\n" not in told
    assert told in survey(load_dataset(name, data_folder=tmp_path)).unreadable


# --- each of them


def test_guitarset_has_the_notes_of_six_strings_and_30_lead_sheets(tmp_path: Path) -> None:
    tracks = by_name("guitarset", layouts.make_guitarset(tmp_path))
    assert list(tracks) == sorted(layouts.GUITARSET)
    for name, strings in layouts.GUITARSET.items():
        assert_same(tracks[name].notes(), joined(strings))
        assert tracks[name].audio_path.name == f"{name}_mic.wav"
    # comping and solo over one lead sheet, by whichever player
    assert [t.composition for t in tracks.values()] == ["BN1-129-Eb"] * 2 + ["Rock3-117-Bb"]
    assert list(by_name("guitarset", tmp_path, played="solo")) == ["00_BN1-129-Eb_solo"]


def test_jams_stored_by_column_is_read_as_by_row(tmp_path: Path) -> None:
    layouts.make_guitarset(tmp_path)
    track = next(iter(by_name("guitarset", tmp_path).values()))
    before = track.notes()
    found = json.loads(track.notes_path.read_text())
    for annotation in found["annotations"]:
        if annotation["namespace"] == "note_midi":
            keys = ("time", "duration", "value", "confidence")
            annotation["data"] = {key: [o[key] for o in annotation["data"]] for key in keys}
    track.notes_path.write_text(json.dumps(found))
    assert_same(track.notes(), before, 0, 0)


def test_notes_of_guitarset_follow_the_contour_of_their_string(tmp_path: Path) -> None:
    layouts.make_guitarset(tmp_path)
    track = by_name("guitarset", tmp_path)["05_Rock3-117-Bb_comp"]
    found = json.loads(track.notes_path.read_text())
    (bent, *_) = (a for a in found["annotations"] if a["namespace"] == "pitch_contour")
    times = np.array(bent["data"]["time"])
    semitones = 41.0 + 1.5 * (times - times[0]) / (times[-1] - times[0])
    semitones[10:14] += 12.0  # an error of the tracker
    for value, midi in zip(bent["data"]["value"], semitones.tolist(), strict=True):
        value["frequency"] = 440 * 2 ** ((midi - 69) / 12)
    bent["data"]["value"][20] |= {"frequency": 0.0, "voiced": False}
    track.notes_path.write_text(json.dumps(found))
    low, high = track.notes().contours
    assert low is not None
    assert high is not None
    np.testing.assert_allclose(high[:, 1], [50.5])
    assert low[0, 1] < 41.1
    assert 42.4 < low[-1, 1] < 42.6
    for number, (time, midi) in enumerate(zip(times.tolist(), semitones.tolist(), strict=True)):
        if number != 20 and midi < 43:
            step = low[np.searchsorted(low[:, 0], time, side="right") - 1, 1]
            assert abs(step - midi) < 0.11
    assert len(low) == pytest.approx(1.5 / 0.2, abs=2)


def test_annotations_of_strings_and_contours_that_do_not_pair_are_refused(tmp_path: Path) -> None:
    layouts.make_guitarset(tmp_path)
    track = next(iter(by_name("guitarset", tmp_path).values()))
    found = json.loads(track.notes_path.read_text())
    without = [a for a in found["annotations"] if a["namespace"] != "pitch_contour"]
    track.notes_path.write_text(json.dumps(found | {"annotations": without}))
    assert track.notes().contours == ()
    track.notes_path.write_text(json.dumps(found | {"annotations": found["annotations"][1:]}))
    with pytest.raises(DataError, match="6 annotations of the namespace note_midi and 5 of pitch"):
        track.notes()


def test_notes_of_bach10_follow_their_frames(tmp_path: Path) -> None:
    track = by_name("bach10", layouts.make_bach10(tmp_path), by="part")[
        "01-AchGottundHerr-clarinet"
    ]
    notes = track.notes()
    for contour, onset, pitch in zip(notes.contours, notes.onsets, notes.pitches, strict=True):
        assert contour is not None
        assert contour[0, 0] == onset
        np.testing.assert_allclose(contour[:, 1], pitch, atol=0.1)


@pytest.mark.parametrize(("name", "options"), [("urmp", {}), ("urmp", {"by": "part"}),
                                               ("vocadito", {})])  # fmt: skip
def test_notes_follow_the_measured_pitch_of_their_own_part(
    name: str, options: dict[str, Any], tmp_path: Path
) -> None:
    """Vibrato of 30 cents is within 10 cents of a step, in parts and mixes alike."""
    MAKERS[name][0](tmp_path)
    for track in by_name(name, tmp_path, **options).values():
        notes = track.notes()
        assert len(notes.contours) == len(notes) > 0
        for contour, onset, offset, pitch in zip(
            notes.contours, notes.onsets, notes.offsets, notes.pitches, strict=True
        ):
            assert contour is not None
            assert onset <= contour[0, 0] < onset + 0.011
            for time in np.arange(contour[0, 0], offset - 0.011, 0.01).tolist():
                step = contour[np.searchsorted(contour[:, 0], time, side="right") - 1, 1]
                # a step holds until the next frame, in which vibrato goes on by up to 12 cents
                assert abs(step - pitch - layouts.vibrato(time)) < 0.1 + 0.12
            assert np.ptp(contour[:, 1]) > 0.35


def test_frames_of_other_octaves_and_without_pitch_are_left_out(tmp_path: Path) -> None:
    track = by_name("vocadito", layouts.make_vocadito(tmp_path))["vocadito_1"]
    before = track.notes().contours[0]
    lines = track.contours[0].read_text().splitlines()
    first = next(i for i, line in enumerate(lines) if not line.endswith(",0.000"))
    time, hz = map(float, lines[first + 5].split(","))
    lines[first + 5] = f"{time},{2 * hz}"
    lines[first + 6] = lines[first + 6].split(",")[0] + ",0.0"
    track.contours[0].write_text("\n".join(lines))
    after = track.notes().contours[0]
    assert before is not None
    assert after is not None
    assert abs(after[:, 1] - track.notes().pitches[0]).max() < 0.31
    assert len(after) == pytest.approx(len(before), abs=1)


def test_contours_are_part_of_the_recording_to_the_store(tmp_path: Path) -> None:
    track = by_name("vocadito", layouts.make_vocadito(tmp_path))["vocadito_1"]
    mark = track.fingerprint()
    without = replace(track, contours=())
    assert without.notes().contours == ()
    assert without.fingerprint() != mark
    track.contours[0].write_text(track.contours[0].read_text().replace("0.000", "0.001", 1))
    assert track.fingerprint() != mark


def test_files_of_contours_that_are_too_few_are_refused(tmp_path: Path) -> None:
    track = by_name("urmp", layouts.make_urmp(tmp_path))["01_Jupiter_vn_vc"]
    with pytest.raises(ValueError, match="got 1 files of contours, expected 2, one for each file"):
        replace(track, contours=track.contours[:1])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("0.0,0.0\n0.1,x\n", "line 2: got '0.1 x', expected seconds and Hz"),
        ("0.0,440,1\n", "line 1: got '0.0 440 1', expected seconds and Hz"),
        ("0.0,nan\n", "line 1: got '0.0 nan', expected seconds and Hz"),
        ("0.1,440\n0.1,441\n", "line 2: got 0.1 s after 0.1 s"),
        ("", "the file is empty"),
    ],
)
@pytest.mark.parametrize("name", ["urmp", "vocadito"])
def test_a_damaged_file_of_contours_is_one_plain_line(
    name: str, data: str, message: str, tmp_path: Path
) -> None:
    MAKERS[name][0](tmp_path)
    track = next(iter(by_name(name, tmp_path).values()))
    track.contours[0].write_text(data)
    with pytest.raises(DataError, match=message) as caught:
        track.notes()
    assert str(caught.value).startswith(f"{track.contours[0].absolute()}: ")
    assert str(caught.value) in survey(load_dataset(name, data_folder=tmp_path)).unreadable
    track.contours[0].unlink()
    assert survey(load_dataset(name, data_folder=tmp_path)).missing == (
        f"{track.contours[0].absolute()}: the file is missing",
    )


def test_urmp_knows_from_a_folders_name_which_parts_it_should_hold(tmp_path: Path) -> None:
    tracks = by_name("urmp", layouts.make_urmp(tmp_path))
    assert list(tracks) == sorted(layouts.URMP)
    for name, parts in layouts.URMP.items():
        assert_same(tracks[name].notes(), joined(parts))
    assert tracks["12_Spring_vn_vn_vc"].composition == tracks["08_Spring_fl_vn"].composition
    alone = by_name("urmp", tmp_path, by="part")
    trombone = alone["15_Surprise_tpt_tpt_tbn-3_tbn"]  # whose files are named tpt
    assert_same(trombone.notes(), layouts.URMP["15_Surprise_tpt_tpt_tbn"][2])
    assert trombone.audio_path.name == "AuSep_3_tpt_15_Surprise.wav"
    assert_same(alone["12_Spring_vn_vn_vc-2_vn"].notes(), layouts.URMP["12_Spring_vn_vn_vc"][1])
    gone = tmp_path / "Dataset" / "12_Spring_vn_vn_vc" / "Notes_2_vn_12_Spring.txt"
    gone.unlink()
    # without this, two thirds of the mix's notes would pass for all of them
    assert survey(load_dataset("urmp", data_folder=tmp_path)).missing == (
        f"{gone}: the file is missing",
    )


@pytest.mark.parametrize("options", [{}, {"by": "part"}])
@pytest.mark.parametrize("other", ["Annotations", "Supplementary_Files"])
def test_of_folders_of_one_name_urmp_takes_the_complete_one(
    other: str, options: dict[str, Any], tmp_path: Path
) -> None:
    layouts.make_urmp(tmp_path)
    before = load_dataset("urmp", data_folder=tmp_path, **options)
    for place in (tmp_path / "Dataset").iterdir():
        (tmp_path / other / place.name).mkdir(parents=True)
        (tmp_path / other / place.name / "score.pdf").write_bytes(b"pdf")
    found = load_dataset("urmp", data_folder=tmp_path, **options)
    assert [track.name for track in found] == [track.name for track in before]
    assert survey(found).is_clean
    piece = "01_Jupiter_vn_vc"
    notes = "Notes_1_vn_01_Jupiter.txt"
    (tmp_path / other / piece / notes).write_text("0.5\t440\t0.1\n")
    found = load_dataset("urmp", data_folder=tmp_path, **options)
    used, double = tmp_path / "Dataset" / piece, tmp_path / other / piece
    assert survey(found).missing == (f"{double}: double of {used}, not used",)
    assert_same(next(iter(found)).notes(), next(iter(before)).notes(), 0, 0)


def test_vocadito_has_two_annotators(tmp_path: Path) -> None:
    folder = layouts.make_vocadito(tmp_path)
    for number, notes in layouts.VOCADITO.items():
        assert_same(by_name("vocadito", folder)[f"vocadito_{number}"].notes(), notes)
        other = by_name("vocadito", folder, annotator="A2")[f"vocadito_{number}"]
        assert_same(other.notes(), notes[:1])


def test_musicnet_counts_samples_and_knows_works(tmp_path: Path) -> None:
    tracks = by_name("musicnet", layouts.make_musicnet(tmp_path))
    assert list(tracks) == ["1759", "1819", "2106"]
    for (split, number), (notes, composer, work) in layouts.MUSICNET.items():
        if split == "test":
            assert_same(tracks[str(number)].notes(), notes)
            assert tracks[str(number)].composition == f"{composer}: {work}"
    assert list(by_name("musicnet", tmp_path, split="train")) == ["1727"]
    (tmp_path / "musicnet_metadata.csv").unlink()
    found = load_dataset("musicnet", data_folder=tmp_path)
    assert [track.composition for track in found] == ["1759", "1819", "2106"]
    assert "musicnet_metadata.csv is not there" in survey(found).missing[0]


def test_bach10_has_parts_in_one_file(tmp_path: Path) -> None:
    tracks = by_name("bach10", layouts.make_bach10(tmp_path))
    assert list(tracks) == sorted(layouts.BACH10)
    alone = by_name("bach10", tmp_path, by="part")
    assert len(alone) == 12
    for name, parts in layouts.BACH10.items():
        # frames are 10 ms apart
        assert_same(tracks[name].notes(), joined(parts), 0.0051)
        for instrument, notes in zip(layouts.BACH10_INSTRUMENTS, parts, strict=True):
            assert_same(alone[f"{name}-{instrument}"].notes(), notes, 0.0051)


@pytest.mark.parametrize("suffix", [".flac", ".wav"])
def test_slakh_leaves_out_drums_and_what_was_not_rendered(suffix: str, tmp_path: Path) -> None:
    layouts.make_slakh(tmp_path, suffix)
    test = [name for name, (split, _) in layouts.SLAKH.items() if split == "test"]
    # BabySlakh has no splits
    names = sorted(test if suffix == ".flac" else layouts.SLAKH)
    mixes, stems = by_name("slakh", tmp_path), by_name("slakh", tmp_path, by="stem")
    assert list(mixes) == names
    expected: dict[str, Notes] = {}
    for name in names:
        pitched = {
            stem: notes
            for stem, (_, is_drum, notes) in layouts.SLAKH[name][1].items()
            if notes is not None and not is_drum
        }
        # MIDI is written to 50 µs
        assert_same(mixes[name].notes(), joined(list(pitched.values())), 1e-4)
        expected |= {f"{name}-{stem}": notes for stem, notes in pitched.items()}
    assert list(stems) == sorted(expected)
    for name, notes in expected.items():
        assert_same(stems[name].notes(), notes, 1e-4)
        assert stems[name].composition == name.split("-")[0]


@pytest.mark.parametrize("said", [True, False])
def test_slakh_leaves_out_notes_of_stems_that_were_never_rendered(
    said: bool, tmp_path: Path
) -> None:
    """Their MIDI files are there: slakh-utils issue 20."""
    layouts.make_slakh(tmp_path)
    song = tmp_path / "slakh2100_flac_redux" / "test" / "Track01876"
    write_midi(layouts.tones(50), song / "MIDI" / "S03.mid")
    table = song / "metadata.yaml"
    if said:  # of all but the last
        table.write_text(table.read_text().replace("rendered: false", "rendered: true", 3))

    def read(**options: Any) -> dict[str, list[float]]:
        tracks = by_name("slakh", tmp_path, **options)
        return {
            name.removeprefix("Track01876"): track.notes().pitches.tolist()
            for name, track in tracks.items()
            if name.startswith("Track01876")
        }

    mix, stems = {"": [52, 60, 55, 64, 67]}, {"-S00": [52, 55], "-S02": [60, 64, 67]}
    assert (read(), read(by="stem")) == (mix, stems)
    # not all of an archive is there: the guitar is in the mix, and its file is missing
    (song / "stems" / "S00.flac").unlink()
    rendered = stems if said else {"-S02": [60, 64, 67]}
    assert (read() == mix, read(by="stem")) == (said, rendered)
    # only mixes are kept
    for path in (song / "stems").iterdir():
        path.unlink()
    assert sorted(read()[""]) == sorted(mix[""] if said else [*mix[""], 50])


def test_slakh_by_instrument_and_split(tmp_path: Path) -> None:
    layouts.make_slakh(tmp_path)
    pianos = by_name("slakh", tmp_path, by="stem", instruments=["piano"])
    assert list(pianos) == ["Track01876-S02", "Track01877-S00"]
    assert "Track01953" not in by_name("slakh", tmp_path, split="all")
    assert list(by_name("slakh", tmp_path, split="omitted")) == ["Track01953"]
    with pytest.raises(ValueError, match="instruments: got unknown 'Pinao'; did you mean Piano"):
        load_dataset("slakh", data_folder=tmp_path, by="stem", instruments=["Pinao"])
    with pytest.raises(ValueError, match="use by='stem'"):
        load_dataset("slakh", data_folder=tmp_path, instruments=["Piano"])


@pytest.mark.parametrize("text", ["stems: [", "a: 1", "stems: 3", "stems: {S00: 3}"])
def test_metadata_of_slakh_that_say_something_else(text: str, tmp_path: Path) -> None:
    layouts.make_slakh(tmp_path)
    table = tmp_path / "slakh2100_flac_redux" / "test" / "Track01877" / "metadata.yaml"
    table.write_text(text)
    with pytest.raises(DataError, match="not Slakh's metadata") as caught:
        load_dataset("slakh", data_folder=tmp_path)
    assert str(table) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_two_stems_play_at_once_on_one_pitch_is_one_note(tmp_path: Path) -> None:
    layouts.make_slakh(tmp_path)
    midi = tmp_path / "slakh2100_flac_redux" / "test" / "Track01877" / "MIDI"
    (midi / "S01.mid").write_bytes((midi / "S00.mid").read_bytes())
    mix = by_name("slakh", tmp_path)["Track01877"]
    assert mix.notes().pitches.tolist() == [72]
    assert mix.note_file().doubles == 1


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("bach10", "by"),
        ("guitarset", "audio"),
        ("guitarset", "played"),
        ("musicnet", "split"),
        ("slakh", "by"),
        ("slakh", "split"),
        ("urmp", "by"),
        ("vocadito", "annotator"),
    ],
)
def test_unknown_values_are_refused(name: str, option: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"{option}: got 'x', expected one of"):
        load_dataset(name, data_folder=tmp_path, **{option: "x"})
