"""Notes: what the arrays must be, clipping and looping, and text with a note per line."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike

from pi_amt.core.errors import DataError
from pi_amt.core.note_files import read_note_file, read_notes, write_csv
from pi_amt.core.notes import Notes, looks_like_hz
from pi_amt.core.units import midi_to_hz


def test_from_arrays_sorts_by_onset_then_pitch() -> None:
    notes = Notes.from_arrays([1.0, 0.0, 0.0], [2, 1, 1], [60, 64, 60], [1, 2, 3])
    assert notes.onsets.tolist() == [0, 0, 1]
    assert notes.pitches.tolist() == [60, 64, 60]
    assert notes.velocities.tolist() == [3, 2, 1]


def test_from_arrays_takes_what_can_be_read_only_once() -> None:
    found = [(1.0, 2.0, 60), (0.0, 1.0, 64)]
    notes = Notes.from_arrays(
        map(float, [1, 0]), (offset for _, offset, _ in found), iter([60, 64])
    )
    assert notes.onsets.tolist() == [0, 1]
    assert notes.pitches.tolist() == [64, 60]
    assert notes.velocities.tolist() == [64, 64]
    assert len(Notes.from_arrays(*(map(float, []) for _ in range(3)))) == 0


@pytest.mark.parametrize("onsets", [{0.0, 1.0}, ["a", "b"], [None, {}], object(), [[0, 1], [2]]])
def test_from_arrays_refuses_what_are_no_numbers_in_an_order(onsets: Any) -> None:
    with pytest.raises(ValueError, match=r"^notes: got onsets .*, expected a sequence of numbers"):
        Notes.from_arrays(onsets, [1, 2], [60, 61])


def test_constructor_does_not_sort() -> None:
    values = np.array([1.0, 0.0])
    assert Notes(values, values + 1, values, values).onsets.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (([0.0], [1.0, 2.0], [60], [64]), "shape"),
        (([[0.0]], [[1.0]], [[60]], [[64]]), "shape"),
        ((0.0, 1.0, 60, 64), r"onsets of shape \(\)"),
        (([0.0], [np.nan], [60], [64]), "NaN"),
        (([0.0], [1.0], [np.inf], [64]), "NaN or infinite pitches"),
        (([0.0], [1.0], [130], [64]), "pitches 130 to 130, expected MIDI numbers 0 to 127; .*Hz"),
        (([0.0, 1.0], [1.0, 2.0], [27.5, 440], [64, 64]), "27.5 to 440.*these look like Hz"),
        (([0.0, 1.0], [1.0, 2.0], [-1, 440], [64, 64]), "pitches -1 to 440, .*0 to 127$"),
        (([0.0, 2.0], [1.0, 1.5], [60, 60], [64, 64]), "negative duration at note 1"),
    ],
)
def test_impossible_notes_are_refused(arrays: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Notes(*(np.array(a, dtype=float) for a in arrays))


def test_frequencies_are_hz() -> None:
    notes = Notes.from_arrays([0, 0], [1, 1], [57, 69])
    np.testing.assert_allclose(notes.frequencies, [220.0, 440.0])


def test_clipped_drops_later_onsets_and_clips_offsets() -> None:
    notes = Notes.from_arrays([0, 1, 2, 3], [5, 1.5, 4, 4], [60, 61, 62, 63]).clipped(2.0)
    assert notes.onsets.tolist() == [0, 1]
    assert notes.offsets.tolist() == [2, 1.5]


def test_shifted_notes_begin_with_the_recording_at_the_earliest() -> None:
    notes = Notes.from_arrays([0.0, 0.2, 2.0], [0.25, 1.0, 3.0], [60, 61, 62], [1, 2, 3])
    later = notes.shifted(0.5)
    assert later.onsets.tolist() == [0.5, 0.7, 2.5]
    assert later.offsets.tolist() == [0.75, 1.5, 3.5]
    earlier = notes.shifted(-0.5)
    assert earlier.onsets.tolist() == [0, 1.5]
    assert earlier.offsets.tolist() == [0.5, 2.5]
    assert earlier.velocities.tolist() == [2, 3]


def test_looped_repeats_with_the_period_of_the_recording() -> None:
    notes = Notes.from_arrays([0, 3], [1, 9], [60, 61]).looped(4.0, 10.0)
    assert notes.onsets.tolist() == [0, 3, 4, 7, 8]
    assert notes.offsets.tolist() == [1, 4, 5, 8, 9]


def test_looped_to_a_shorter_length_crops() -> None:
    notes = Notes.from_arrays([0, 3], [5, 9], [60, 61])
    assert notes.looped(10.0, 2.0).offsets.tolist() == [2]


def test_looped_without_notes_is_empty_and_a_bad_length_is_refused() -> None:
    assert len(Notes.empty().looped(0.0, 5.0)) == 0
    with pytest.raises(ValueError, match="duration 0"):
        Notes.from_arrays([0], [1], [60]).looped(0.0, 5.0)


def test_notes_can_be_pickled_and_indexed() -> None:
    notes = pickle.loads(pickle.dumps(Notes.from_arrays([0, 1], [1, 2], [60, 61])))
    assert notes[np.array([False, True])].pitches.tolist() == [61]


def test_maps_text(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("OnsetTime\tOffsetTime\tMidiPitch\r\n1.5\t2\t64\r\n0.25\t1.0\t60\r\n\r\n")
    notes = read_notes(path)
    assert notes.onsets.tolist() == [0.25, 1.5]
    assert notes.offsets.tolist() == [1.0, 2.0]
    assert notes.pitches.tolist() == [60, 64]
    with pytest.raises(ValueError, match="already include the pedal"):
        read_notes(path, pedal="ignore")


def test_maps_text_with_only_a_header_has_no_notes(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("OnsetTime\tOffsetTime\tMidiPitch\n")
    assert len(read_notes(path)) == 0


def test_maps_text_has_each_note_once_and_none_without_length(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("0.5 1.0 60\n0.5 1.5 60\n0.5 1.0 64\n2.0 2.0 60\n0.75 1.0 60\n")
    found = read_note_file(path)
    assert found.notes.onsets.tolist() == [0.5, 0.5, 0.75]
    assert found.notes.offsets.tolist() == [1.5, 1.0, 1.0]
    assert found.notes.pitches.tolist() == [60, 64, 60]
    assert (found.doubles, found.without_length) == (1, 1)


@pytest.mark.parametrize(
    "head", ["\nOnsetTime OffsetTime MidiPitch\n", "onsettime offsettime pitch\n"]
)
def test_a_header_of_maps_text_in_other_hands(head: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(f"{head}1 2 60\n")
    assert read_notes(tmp_path / "a.txt").pitches.tolist() == [60]


def test_blank_text_is_an_empty_file_and_not_a_piece_without_notes(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\n \n")
    with pytest.raises(DataError, match="empty"):
        read_notes(tmp_path / "a.txt")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("2.0 1.0 60", "line 2: negative duration"),
        ("1.0 2.0", "line 2: got '1.0 2.0'"),
        ("nan 2.0 60", "line 2: got nan"),
        ("1.0 inf 60", "line 2: got 1.0 inf"),
        ("1.0 2.0 200", "line 2: got 1.0 2.0 200"),
        ("a b c", "line 2"),
    ],
)
def test_broken_maps_text_names_the_line(line: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "broken.txt"
    path.write_text(f"OnsetTime OffsetTime MidiPitch\n{line}\n")
    with pytest.raises(DataError, match=message) as caught:
        read_notes(path)
    assert str(path) in str(caught.value)


def test_an_unknown_pedal_rule_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="extend, ignore"):
        read_notes(tmp_path / "a.mid", pedal="hold")


def test_notes_written_as_csv_are_read_again(tmp_path: Path) -> None:
    notes = Notes.from_arrays([0.1234, 1.0], [0.5, 2.5], [60, 64.5], [100, 1])
    write_csv(notes, tmp_path / "a.csv")
    found = read_notes(tmp_path / "a.csv")
    for name in ("onsets", "offsets", "pitches", "velocities"):
        assert getattr(found, name).tolist() == getattr(notes, name).tolist()
    write_csv(Notes.empty(), tmp_path / "none.csv")
    assert len(read_notes(tmp_path / "none.csv")) == 0


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "onset,offset,pitch,velocity,name\n0.5, 1.0, 60, 80, C\n"),
        ("a.csv", "0.5,1,60,80\n"),
        ("a.tsv", "Onset\tOffset\tPitch\tVelocity\n0.5\t1.0\t60\t80\n"),
        ("a.TSV", "0.5 1 60 80 C4\n"),
    ],
)
def test_a_table_of_notes_needs_no_head_and_may_have_more_columns(
    name: str, text: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(text)
    found = read_notes(tmp_path / name)
    assert (found.onsets[0], found.offsets[0]) == (0.5, 1)
    assert (found.pitches[0], found.velocities[0]) == (60, 80)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "pitch,onset,offset,velocity\n60,0.5,1.0,80\n"),
        ("a.csv", "onset_seconds,duration_seconds,note,velocity\n0.5,0.5,60,80\n"),
        ("a.csv", "start,end,pitch,velocity\n0.5,1,60,80\n"),
        ("a.csv", "onset,offset,key_number,velocity\n0.5,1,60,80\n"),
        ("a.csv", "name,velocity,Onset (s),Offset (s),Frequency (Hz)\nC,80,0.5,1,261.6255653\n"),
        ("a.csv", '"onset";"offset";"pitch";"velocity"\n"0.5";"1.0";"60";"80"\n'),
        ("a.tsv", "Name\tOnset (s)\tOffset (s)\tPitch\tVelocity\nC 4\t0.5\t1\t60\t80\n"),
        ("a.csv", "0.5;1;60;80\n"),
        ("a.csv", "Onset;Offset;Pitch;Velocity\n0,5;1,0;60;80\n"),
        ("a.tsv", "MidiPitch\tOnsetTime\tOffsetTime\tVelocity\n60\t0.5\t1\t80\n"),
        ("a.tsv", "onset\toffset\tpitch\tvelocity\n0,5\t1,0\t60\t80\n"),
        ("a.csv", "start_time_s,end_time_s,pitch_midi,velocity,pitch_bend\n0.5,1,60,80,0,1,-1\n"),
    ],
)
def test_the_names_of_columns_say_where_they_stand(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    found = read_notes(tmp_path / name)
    assert (found.onsets[0], found.offsets[0]) == (0.5, 1)
    assert found.pitches[0] == pytest.approx(60)
    assert found.velocities[0] == 80


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.txt", "# onset\toffset\tnote\tvelocity\n0.5\t1\t60\t80\n"),
        ("a.txt", "# onset offset pitch\n0.5 1.0 60\n"),
        ("a.tsv", "# onset offset pitch velocity\n0.5 1.0 60 80\n"),
        ("a.csv", "# onset,offset,pitch,velocity\n0.5,1.0,60,80\n"),
        ("a.csv", "#,onset,offset,pitch,velocity\n7,0.5,1.0,60,80\n"),
        ("a.tsv", "# onset offset pitch velocity\n7 0.5 1.0 60 80\n"),
        ("a.csv", "0,1,2,3\n0.5,1.0,60,80\n"),
        ("a.txt", "0\t1\t2\n0.5\t1.0\t60\n"),
    ],
)
def test_heads_that_programs_write_are_no_columns_and_no_notes(
    name: str, text: str, tmp_path: Path
) -> None:
    """Numpy puts # before the names, which may also be the name of a column; pandas counts."""
    (tmp_path / name).write_text(text)
    found = read_notes(tmp_path / name)
    assert (found.onsets.tolist(), found.offsets.tolist()) == ([0.5], [1.0])
    assert found.pitches.tolist() == [60]
    assert found.velocities.tolist() == [80 if "80" in text else 64]


def test_a_head_alone_has_no_notes_and_a_first_note_is_no_head(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("0,1,2,3\n")
    assert len(read_notes(tmp_path / "a.csv")) == 0
    for first in ("0,1,60,3", "0.0,1.0,2.0,3.0"):
        (tmp_path / "a.csv").write_text(f"{first}\n0.5,1,60,80\n0.7,1,62,80\n")
        assert len(read_notes(tmp_path / "a.csv")) == 3


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_a_table_as_spreadsheets_save_it_as_unicode(encoding: str, tmp_path: Path) -> None:
    text = "Onset\tOffset\tPitch\tName\r\n0,5\t1,0\t60\tÉtude\r\n"
    (tmp_path / "a.tsv").write_bytes(text.encode(encoding))
    found = read_notes(tmp_path / "a.tsv")
    assert (found.onsets.tolist(), found.offsets.tolist()) == ([0.5], [1.0])
    assert found.pitches.tolist() == [60]


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("a.csv", "0.1,60,0.45,0.8,New Point\n61.0,60,0.4,0.8,New Point\n"),  # Sonic Visualiser
        ("a.txt", "0.1\t261.6\t0.45\n0.6\t329.6\t14.0\n1.1\t392.0\t0.45\n"),  # URMP
    ],
)
def test_durations_in_the_place_of_pitches_are_refused_unless_the_columns_have_names(
    name: str, rows: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(rows)
    with pytest.raises(DataError, match=r"line 1: got '0.1 .*are durations, put the names"):
        read_notes(tmp_path / name)
    between = "," if name == "a.csv" else "\t"
    names = ["onset", "pitch" if name == "a.csv" else "hz", "duration"]
    (tmp_path / name).write_text(f"{between.join(names)}\n{rows}".replace(",0.8,New Point", ""))
    found = read_notes(tmp_path / name)
    assert found.offsets[0] == pytest.approx(0.55)
    assert found.pitches[0] == pytest.approx(60, abs=0.01)


def test_a_named_column_of_velocities_may_be_missing(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("onset,offset,pitch,confidence\n0.5,1,60,0.9\n")
    assert read_notes(tmp_path / "a.csv").velocities[0] == 64


@pytest.mark.parametrize(
    "names",
    [
        "start_time,end_time,instrument,note,start_beat,end_beat,note_value",
        "onset,pitch",
        "onset_ms,offset_ms,pitch",
        "onset_beats,duration_beats,pitch",
        "onset,offset,note,pitch",
    ],
)
def test_columns_that_are_missing_double_or_in_other_units_are_refused(
    names: str, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text(f"{names}\n1,2,60,62\n")
    with pytest.raises(DataError, match=r"line 1: got the columns '.*expected onset and offset"):
        read_notes(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("name", "line", "message"),
    [
        ("a.csv", "0.5,1,440", "line 1: got 0.5 1.0 440.0, .*Hz become MIDI numbers"),
        ("a.csv", "0.5,1", "line 1: got '0.5 1', expected onset s"),
        ("a.csv", "0.5 1 60", "line 1"),
        ("a.csv", "0.5,1,60,nan", "line 1"),
        ("a.csv", f"0.5,1,{'6' * 200_000}", r"not a table of notes \(.csv\) \(field larger"),
        ("a.txt", "0.5 1 60 80", "line 1: got '0.5 1 60 80', expected onset s"),
    ],
)
def test_a_broken_table_of_notes_names_the_line(
    name: str, line: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(f"{line}\n")
    with pytest.raises(DataError, match=message):
        read_notes(tmp_path / name)


BASS = np.array([23, 30, 37, 44, 27, 34, 23, 30])


@pytest.mark.parametrize("name", ["a.txt", "a.tsv", "a.csv"])
@pytest.mark.parametrize("head", ["", "onset,offset,pitch\n"])
def test_low_pitches_in_hz_are_refused_where_they_are_not_named_so(
    head: str, name: str, tmp_path: Path
) -> None:
    rows = [f"{i / 2},{i / 2 + 0.4},{hz:.3f}" for i, hz in enumerate(midi_to_hz(BASS).tolist())]
    text = head + "\n".join(rows)
    between = "," if name == "a.csv" else "\t"
    (tmp_path / name).write_text(text.replace(",", between))
    with pytest.raises(DataError, match=r"pitches 30.868 to 103.826, which are notes in Hz .*log2"):
        read_notes(tmp_path / name)
    named = "onset,offset,hz\n" + "\n".join(rows)
    (tmp_path / name).write_text(named.replace(",", between))
    np.testing.assert_allclose(read_notes(tmp_path / name).pitches, BASS, atol=0.01)


@pytest.mark.parametrize(
    ("pitches", "is_hz"),
    [
        (midi_to_hz([40, 41, 43, 45, 47, 35]), True),
        (midi_to_hz([40, 41, 43, 45, 40, 41]), False),  # four pitches may be so by chance
        ([65.41] * 50, False),  # one pitch, measured again and again, which would be C2
        (np.arange(40, 80, 0.25), False),  # quarters of a semitone
        (np.arange(40, 80) - 0.32, False),  # A4 = 432 Hz
        (np.arange(21, 109), False),
        (np.zeros(6), False),
        ([], False),
    ],
)
def test_only_what_is_whole_as_hz_and_not_as_midi_looks_like_hz(
    pitches: ArrayLike, is_hz: bool
) -> None:
    onsets = np.arange(np.size(pitches))
    assert looks_like_hz(Notes.from_arrays(onsets, onsets + 1, pitches)) == is_hz


def test_a_table_of_notes_has_no_pedal_to_ignore(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"pedal=ignore for a table of notes \(\.csv\)"):
        read_notes(tmp_path / "a.csv", pedal="ignore")


# ------------------------------------------------------------------ contours


def bent() -> Notes:
    """A steady note, one whose pitch moves in three steps, and another steady one."""
    contour = np.array([[0.9, 59.5], [1.5, 60.0], [1.8, 61.0], [2.5, 70.0]])
    return Notes.from_arrays(
        [3.0, 1.0, 0.0], [4.0, 2.0, 1.5], [67, 60, 64], [1, 2, 3], contours=[None, contour, None]
    )


def test_steps_cut_a_note_where_its_pitch_moves() -> None:
    steps, of = bent().steps()
    assert of.tolist() == [0, 1, 1, 1, 2]
    assert steps.onsets.tolist() == [0.0, 1.0, 1.5, 1.8, 3.0]
    assert steps.offsets.tolist() == [1.5, 1.5, 1.8, 2.0, 4.0]
    assert steps.pitches.tolist() == [64.0, 59.5, 60.0, 61.0, 67.0]
    assert steps.velocities.tolist() == [3.0, 2.0, 2.0, 2.0, 1.0]
    assert not steps.contours


def test_notes_without_contours_are_their_own_steps() -> None:
    plain = Notes.from_arrays([0, 1], [1, 2], [60, 62], contours=[None, None])
    assert plain.contours == ()
    steps, of = plain.steps()
    assert steps is plain
    assert of.tolist() == [0, 1]
    assert Notes.empty().steps()[1].tolist() == []


@pytest.mark.parametrize(
    ("onset", "offset", "pitches"),
    [(0.0, 0.1, [59.5]), (5.0, 6.0, [70.0]), (1.6, 1.6, [60.0]), (1.5, 1.8, [60.0])],
)
def test_a_contour_of_other_times_than_its_note_tells_the_nearest_pitch(
    onset: float, offset: float, pitches: list[float]
) -> None:
    contour = bent().contours[1]
    steps, _ = Notes.from_arrays([onset], [offset], [60], contours=[contour]).steps()
    assert steps.pitches.tolist() == pitches
    assert (steps.onsets[0], steps.offsets[-1]) == (onset, offset)


def test_contours_go_with_their_notes() -> None:
    notes = bent()
    assert [c is not None for c in notes.contours] == [False, True, False]
    assert [c is not None for c in notes[np.array([2, 1])].contours] == [False, True]
    assert notes[notes.pitches > 60].contours == ()
    later = notes.shifted(0.25).steps()[0]
    assert later.onsets.tolist() == [0.25, 1.25, 1.75, 2.05, 3.25]
    assert notes.clipped(1.6).steps()[0].offsets.tolist() == [1.5, 1.5, 1.6]
    twice = notes.looped(5.0, 10.0).steps()[0]
    assert twice.onsets.tolist() == [0, 1, 1.5, 1.8, 3, 5, 6, 6.5, 6.8, 8]
    assert twice.pitches.tolist() == [64, 59.5, 60, 61, 67] * 2
    assert pickle.loads(pickle.dumps(notes)).steps()[1].tolist() == [0, 1, 1, 1, 2]


@pytest.mark.parametrize(
    ("contours", "message"),
    [
        ([np.zeros((1, 2))], "got 1 contours, expected 2 or none"),
        ([None, np.zeros((0, 2))], r"a contour of shape \(0, 2\) at note 1"),
        ([np.zeros(3), None], r"a contour of shape \(3,\) at note 0"),
        ([np.array([[1.0, 60], [1.0, 61]]), None], "at note 0 whose times do not ascend"),
        ([np.array([[1.0, np.nan]]), None], "at note 0 whose times do not ascend"),
        ([np.array([[1.0, 440.0]]), None], "from 440 to 440 at note 0, expected MIDI numbers"),
    ],
)
def test_a_broken_contour_names_its_note(contours: list[Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Notes(*np.array([[0.0, 1], [1, 2], [60, 62], [64, 64]]), contours=tuple(contours))
