"""MIDI files: known answers for the pedal rule, mido and a note-by-note synthesiser as oracles, and
damaged files."""

from __future__ import annotations

import pickle
import struct
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pi_amt.core.errors import DataError
from pi_amt.core.midi import key_presses, parse_midi
from pi_amt.core.note_files import read_note_file, read_notes, write_midi
from pi_amt.core.notes import Notes

PPQ = 480
Message = tuple[Any, ...]  # (tick, mido type, keywords)


def on(tick: int, note: int = 60, velocity: int = 80, channel: int = 0) -> Message:
    return (tick, "note_on", {"note": note, "velocity": velocity, "channel": channel})


def off(tick: int, note: int = 60, channel: int = 0) -> Message:
    return (tick, "note_off", {"note": note, "velocity": 0, "channel": channel})


def pedal(tick: int, value: int, channel: int = 0, control: int = 64) -> Message:
    return (tick, "control_change", {"control": control, "value": value, "channel": channel})


def tempo(tick: int, microseconds: int) -> Message:
    return (tick, "set_tempo", {"tempo": microseconds})


def port(number: int) -> Message:
    return (0, "midi_port", {"port": number})


def save(path: Path, *tracks: list[Message], ppq: int = PPQ, end: int = 0) -> Path:
    """A MIDI file written by mido; ``end`` is the last tick of every track."""
    file = mido.MidiFile(ticks_per_beat=ppq, type=int(len(tracks) > 1))
    for messages in tracks:
        track, last = mido.MidiTrack(), 0
        for tick, kind, keywords in messages:
            make = mido.MetaMessage if kind in ("set_tempo", "midi_port") else mido.Message
            track.append(make(kind, time=tick - last, **keywords))
            last = tick
        track.append(mido.MetaMessage("end_of_track", time=max(0, end - last)))
        file.tracks.append(track)
    file.save(path)
    return path


def ticks(notes: Notes, ppq: int = PPQ) -> list[tuple[int, int, int]]:
    """(pitch, onset, offset) in ticks at 120 beats a minute."""
    scale = ppq / 0.5
    rows = zip(notes.pitches, notes.onsets * scale, notes.offsets * scale, strict=True)
    return [(round(p), round(a), round(b)) for p, a, b in rows]


CASES: dict[str, tuple[list[Message], list[tuple[int, int, int]], list[tuple[int, int, int]]]] = {
    # name: (messages, notes with extend, notes with ignore); the file ends at tick 1000
    "plain": ([on(0), off(100)], [(60, 0, 100)], [(60, 0, 100)]),
    "velocity 0 is note-off": ([on(0), on(100, velocity=0)], [(60, 0, 100)], [(60, 0, 100)]),
    "pedal extends to pedal-up": (
        [on(0), pedal(50, 64), off(100), pedal(300, 63)],
        [(60, 0, 300)],
        [(60, 0, 100)],
    ),
    "63 is up": ([pedal(0, 63), on(0), off(100)], [(60, 0, 100)], [(60, 0, 100)]),
    "pedal pressed after key-up": (
        [on(0), off(100), pedal(101, 127), pedal(300, 0)],
        [(60, 0, 100)],
        [(60, 0, 100)],
    ),
    "half-pedal moves stay down": (
        [pedal(0, 127), on(0), off(100), pedal(150, 90), pedal(200, 70), pedal(400, 10)],
        [(60, 0, 400)],
        [(60, 0, 100)],
    ),
    "same pitch restarts under pedal": (
        [pedal(0, 127), on(0), off(100), on(200), off(250), pedal(900, 0)],
        [(60, 0, 200), (60, 200, 900)],
        [(60, 0, 100), (60, 200, 250)],
    ),
    "other pitch does not end it": (
        [pedal(0, 127), on(0), off(100), on(200, 61), off(250, 61), pedal(900, 0)],
        [(60, 0, 900), (61, 200, 900)],
        [(60, 0, 100), (61, 200, 250)],
    ),
    "pedal never released": ([pedal(0, 127), on(0), off(9)], [(60, 0, 1000)], [(60, 0, 9)]),
    "pedal is per channel": (
        [
            pedal(0, 127, channel=1),
            on(0),
            off(100),
            on(0 + 100, 62, channel=1),
            off(200, 62, channel=1),
            pedal(400, 0, channel=1),
        ],
        [(60, 0, 100), (62, 100, 400)],
        [(60, 0, 100), (62, 100, 200)],
    ),
    "same pitch on another channel does not end it": (
        [pedal(0, 127), on(0), off(100), on(200, channel=1), off(300, channel=1), pedal(400, 0)],
        [(60, 0, 400), (60, 200, 300)],
        [(60, 0, 100), (60, 200, 300)],
    ),
    "hanging note ends with the file": ([on(0)], [(60, 0, 1000)], [(60, 0, 1000)]),
    "hanging note ends at the restart": (
        [on(0), on(200), off(300)],
        [(60, 0, 200), (60, 200, 300)],
        [(60, 0, 200), (60, 200, 300)],
    ),
    "late note-off belongs to the cut note": (
        [on(0), on(200), off(200), off(300)],
        [(60, 0, 200), (60, 200, 300)],
        [(60, 0, 200), (60, 200, 300)],
    ),
    "a key struck twice at once is one press": (
        [on(0, velocity=30), on(0, velocity=90), off(50)],
        [(60, 0, 50)],
        [(60, 0, 50)],
    ),
    "no length": ([on(5), off(5)], [], []),
    "no length of the key, but the pedal holds the note": (
        [pedal(0, 127), on(5), off(5), pedal(90, 0)],
        [(60, 5, 90)],
        [],
    ),
    "on, off and on at one tick": ([on(7), off(7), on(7), off(90)],) + ([(60, 7, 90)],) * 2,
    "a short note of the same key begins with a long one": ([on(7), on(7), off(7), off(90)],)
    + ([(60, 7, 90)],) * 2,
    "a key that is struck twice at once while it is down": (
        [on(0), on(50), on(50), off(50), off(50), off(90)],
        [(60, 0, 50), (60, 50, 90)],
        [(60, 0, 50), (60, 50, 90)],
    ),
    "unison of two channels": ([on(0), on(0, channel=1), off(50), off(80, channel=1)],)
    + ([(60, 0, 80)],) * 2,
    "stray note-off": ([off(5), on(10), off(20)], [(60, 10, 20)], [(60, 10, 20)]),
    "drums are not notes": ([on(0, channel=9), off(4, channel=9), on(5), off(8)],)
    + ([(60, 5, 8)],) * 2,
    "outside the piano": ([on(0, 2), off(5, 2), on(6, 127), off(8, 127)],)
    + ([(2, 0, 5), (127, 6, 8)],) * 2,
    "all notes off": ([on(0), on(0, 64), pedal(70, 0, control=123)],)
    + ([(60, 0, 70), (64, 0, 70)],) * 2,
    "the pedal holds what all notes off lets go": (
        [pedal(0, 127), on(0), pedal(70, 0, control=123), pedal(200, 0)],
        [(60, 0, 200)],
        [(60, 0, 70)],
    ),
    "all sound off ends notes that the pedal holds": (
        [pedal(0, 127), on(0), off(10), on(20, 64), pedal(70, 0, control=120), pedal(200, 0)],
        [(60, 0, 70), (64, 20, 70)],
        [(60, 0, 10), (64, 20, 70)],
    ),
    "all sound off leaves the pedal where it is": (
        [pedal(0, 127), pedal(70, 0, control=120), on(80), off(90), pedal(200, 0)],
        [(60, 80, 200)],
        [(60, 80, 90)],
    ),
    "all sound off is for one channel": (
        [pedal(0, 127), on(0), off(10), pedal(70, 0, channel=1, control=120), pedal(200, 0)],
        [(60, 0, 200)],
        [(60, 0, 10)],
    ),
    "all sound off without a pedal": (
        [on(0), off(10), on(20), pedal(70, 0, control=120), off(80)],
        [(60, 0, 10), (60, 20, 70)],
        [(60, 0, 10), (60, 20, 70)],
    ),
    "reset controllers leaves the keys down": (
        [pedal(0, 127), on(0), pedal(70, 0, control=121), off(90)],
        [(60, 0, 90)],
        [(60, 0, 90)],
    ),
    "reset controllers lifts the pedal": (
        [pedal(0, 127), on(0), off(10), pedal(70, 0, control=121)],
        [(60, 0, 70)],
        [(60, 0, 10)],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_pedal_and_pairing(name: str, tmp_path: Path) -> None:
    messages, extended, ignored = CASES[name]
    path = save(tmp_path / "a.mid", messages, end=1000)
    assert ticks(read_notes(path)) == extended
    assert ticks(read_notes(path, pedal="ignore")) == ignored


def test_two_tracks_share_the_pedal_of_a_channel_but_pair_notes_by_themselves(
    tmp_path: Path,
) -> None:
    left = [pedal(0, 127), on(0), off(100), pedal(700, 0)]
    right = [on(50, 62), off(60, 62), on(400), off(410)]
    path = save(tmp_path / "a.mid", left, right, end=1000)
    assert ticks(read_notes(path)) == [(60, 0, 400), (62, 50, 700), (60, 400, 700)]
    assert ticks(read_notes(path, "ignore")) == [(60, 0, 100), (62, 50, 60), (60, 400, 410)]


def test_each_port_has_channels_of_its_own(tmp_path: Path) -> None:
    """Pedal, All Notes Off and a restart of the key are of other instruments there."""
    left = [port(0), pedal(0, 127), on(0), off(100), pedal(500, 0), pedal(700, 0, control=123)]
    right = [port(1), on(50), off(60), on(300, 62), off(800, 62), on(810, channel=9)]
    found = read_note_file(save(tmp_path / "a.mid", left, right, end=1000))
    assert ticks(found.notes) == [(60, 0, 500), (60, 50, 60), (62, 300, 800)]
    assert found.revision == 3
    one = read_note_file(save(tmp_path / "b.mid", [port(2), *left[1:]], [port(2), *right[1:]]))
    none = read_note_file(save(tmp_path / "c.mid", left[1:], right[1:]))
    assert ticks(one.notes) == ticks(none.notes) == [(60, 0, 50), (60, 50, 500), (62, 300, 700)]
    apart = [port(1), *[(tick, kind, {**k, "channel": 3}) for tick, kind, k in right[1:-1]]]
    assert read_note_file(save(tmp_path / "d.mid", left, apart)).revision == one.revision == 1


def test_two_tracks_that_strike_one_key_at_once_are_one_note(tmp_path: Path) -> None:
    """As loud and as long as the one that is louder or longer; it would be found only once."""
    left = [on(0, velocity=90), off(100), on(300), off(400)]
    right = [on(0, velocity=40), off(200), on(300, 64), off(400, 64)]
    found = read_note_file(save(tmp_path / "a.mid", left, right))
    assert ticks(found.notes) == [(60, 0, 200), (60, 300, 400), (64, 300, 400)]
    assert found.notes.velocities.tolist() == [90, 80, 80]
    assert (found.doubles, found.without_length, found.revision) == (1, 0, 2)


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    messages = [on(0), off(0), on(0), off(50), on(60), off(60), on(70, 62), off(70, 62)]
    found = read_note_file(save(tmp_path / "a.mid", messages))
    assert ticks(found.notes) == [(60, 0, 50)]
    assert (found.doubles, found.without_length) == (1, 2)
    assert found.left_out == (
        "1 note of a key that is struck twice at once and 2 notes of no length"
    )
    silent = [pedal(0, 127), on(0), off(9), on(20), off(30), pedal(50, 0, control=120), on(99)]
    assert read_note_file(save(tmp_path / "c.mid", silent, end=200)).silenced == 1
    plain = read_note_file(save(tmp_path / "b.mid", [on(0), off(50), on(50), off(60)]))
    assert plain.revision == 1
    assert plain.left_out == ""


def test_notes_behind_the_end_of_a_track_are_counted_and_not_read(tmp_path: Path) -> None:
    """FluidSynth and others stop at End of Track, mido reads to the end of the chunk."""
    note, drum = b"\0\x90\x3e\x50\x60\x80\x3e\0", b"\0\x99\x24\x50\0\x89\x24\0"
    end = b"\0\xff\x2f\0"
    for tail in (end, b"", b"junk", b"\x81\x80"):
        body = BODY + note + drum + note + tail
        (tmp_path / "a.mid").write_bytes(HEAD + struct.pack(">I", len(body)) + body)
        found = read_note_file(tmp_path / "a.mid")
        assert ticks(found.notes) == [(60, 0, 96), (64, 96, 192)]
        assert found.left_out == "2 notes behind the end of a MIDI track"
        assert found.revision == 1
    for junk in (b"", bytes(9), b"junk after the end", drum):
        body = BODY + junk
        (tmp_path / "a.mid").write_bytes(HEAD + struct.pack(">I", len(body)) + body)
        assert read_note_file(tmp_path / "a.mid").left_out == ""


def test_velocities_are_kept(tmp_path: Path) -> None:
    path = save(tmp_path / "a.mid", [on(0, velocity=17), off(9)])
    assert read_notes(path).velocities.tolist() == [17]


def test_tempo_changes_in_another_track_and_maps_ticks(tmp_path: Path) -> None:
    changes = [tempo(0, 500_000), tempo(32767, 250_000), tempo(2 * 32767, 1_000_000)]
    path = save(tmp_path / "a.mid", changes, [on(32767 // 2), off(3 * 32767)], ppq=32767)
    notes = read_notes(path)
    assert notes.onsets[0] == pytest.approx(0.5 * (32767 // 2) / 32767, abs=1e-12)
    assert notes.offsets[0] == pytest.approx(0.5 + 0.25 + 1.0, abs=1e-12)


def test_smpte_time_division(tmp_path: Path) -> None:
    data = bytearray(save(tmp_path / "a.mid", [on(0), off(1000)]).read_bytes())
    data[12:14] = bytes([256 - 25, 40])  # 25 frames a second, 40 ticks a frame
    (tmp_path / "b.mid").write_bytes(data)
    assert read_notes(tmp_path / "b.mid").offsets.tolist() == [1.0]


def test_running_status_sysex_and_foreign_chunks() -> None:
    body = (
        b"\x00\xf0\x03\x01\x02\xf7"  # system exclusive
        b"\x00\x90\x3c\x50\x60\x3c\x00"  # note on, then running status: velocity 0 after 96
        b"\x00\xff\x01\x02hi\x00\x40\x50"  # text, then running status again
        b"\x60\x40\x00\x00\xff\x2f\x00junk after the end"
    )
    chunk = b"MTrk" + len(body).to_bytes(4, "big") + body
    alien = b"XFIH\x00\x00\x00\x02ab"
    midi = parse_midi(b"MThd\x00\x00\x00\x06\x00\x00\x00\x01\x01\xe0" + alien + chunk)
    assert [(tick, first) for tick, _, _, _, first, _ in midi.events] == [
        (0, 60),
        (96, 60),
        (96, 64),
        (192, 64),
    ]
    assert midi.end == 192


Events = st.lists(
    st.tuples(
        st.integers(1, 40),  # ticks since the last event
        st.sampled_from(["on", "off", "pedal"]),
        st.integers(60, 62),
        st.integers(1, 127),
        st.integers(0, 1),
    ),
    max_size=60,
)


def synthesise(path: Path) -> list[tuple[int, int, int]]:
    """Oracle: play the file with mido and a piano of one string per key; notes in ticks."""
    file = mido.MidiFile(path)
    sounding: dict[tuple[int, int], int] = {}
    held: set[tuple[int, int]] = set()
    down: set[int] = set()
    played: list[tuple[int, int, int]] = []
    now = 0

    def stop(key: tuple[int, int]) -> None:
        played.append((key[1], sounding.pop(key), now))

    for message in mido.merge_tracks(file.tracks):
        now += message.time
        if message.type in ("note_on", "note_off"):
            key = (message.channel, message.note)
            if message.type == "note_on":
                if key in sounding:
                    stop(key)
                sounding[key] = now
                held.add(key)
            elif key in held:
                held.discard(key)
                if message.channel not in down:
                    stop(key)
        elif message.type == "control_change":
            if message.value >= 64:
                down.add(message.channel)
            else:
                down.discard(message.channel)
                for key in [k for k in sounding if k[0] == message.channel and k not in held]:
                    stop(key)
    for key in list(sounding):
        stop(key)
    return sorted(played, key=lambda note: (note[1], note[0], note[2]))


@settings(max_examples=250, deadline=None)
@given(Events)
def test_sounding_notes_equal_a_simulated_piano(tmp_path_factory: Any, events: Any) -> None:
    messages, tick = [], 0
    for gap, kind, note, value, channel in events:
        tick += gap
        if kind == "pedal":
            messages.append(pedal(tick, value, channel))
        else:
            messages.append((on if kind == "on" else off)(tick, note, channel=channel))
    path = save(tmp_path_factory.getbasetemp() / "piano.mid", messages, end=tick + 7)
    found = sorted(ticks(read_notes(path)), key=lambda note: (note[1], note[0], note[2]))
    assert found == synthesise(path)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5000), st.integers(1000, 3_000_000)), max_size=8))
def test_seconds_equal_mido(tmp_path_factory: Any, changes: list[tuple[int, int]]) -> None:
    changes = sorted(dict(changes).items())
    track = [on(0), *sorted([tempo(t, m) for t, m in changes] + [off(6000)], key=lambda m: m[0])]
    path = save(tmp_path_factory.getbasetemp() / "tempo.mid", track)
    assert read_notes(path).offsets[0] == pytest.approx(mido.MidiFile(path).length, rel=1e-12)


def test_written_notes_read_back_within_the_resolution(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    onsets = np.sort(rng.uniform(0, 3000, 500))
    pitches = np.arange(500) % 88 + 21.0
    notes = Notes.from_arrays(onsets, onsets + 0.4, pitches, rng.integers(1, 128, 500))
    write_midi(notes, tmp_path / "a.mid")
    back = read_notes(tmp_path / "a.mid")
    np.testing.assert_allclose(back.onsets, notes.onsets, atol=2.6e-5)
    np.testing.assert_allclose(back.offsets, notes.offsets, atol=2.6e-5)
    np.testing.assert_array_equal(back.pitches, notes.pitches)
    np.testing.assert_array_equal(back.velocities, notes.velocities)
    assert mido.MidiFile(tmp_path / "a.mid").length == pytest.approx(notes.offsets.max(), abs=1e-4)


def written_presses(path: Path) -> list[tuple[float, float, int]]:
    """Seconds of key-down and key-up and pitch of every note-on of a file."""
    midi = parse_midi(path.read_bytes())
    down, up, _, pitch, _ = key_presses(midi).T
    rows = zip(midi.seconds(down).tolist(), midi.seconds(up).tolist(), pitch.tolist(), strict=True)
    return sorted(rows)


def test_repeated_notes_and_notes_of_no_length_are_written(tmp_path: Path) -> None:
    notes = Notes.from_arrays([0, 1, 2, 2], [1, 2, 2, 3], [60, 60, 61, 60])
    write_midi(notes, tmp_path / "a.mid")
    assert written_presses(tmp_path / "a.mid") == [(0, 1, 60), (1, 2, 60), (2, 2, 61), (2, 3, 60)]


@pytest.mark.parametrize("offsets", [[1, 2], [2, 1]])
def test_a_note_of_no_length_does_not_end_the_one_that_begins_with_it(
    offsets: list[float], tmp_path: Path
) -> None:
    write_midi(Notes.from_arrays([1, 1], offsets, [60, 60]), tmp_path / "a.mid")
    assert written_presses(tmp_path / "a.mid") == [(1, 1, 60), (1, 2, 60)]


def test_tracks_that_the_header_does_not_count_are_read(tmp_path: Path) -> None:
    whole = save(
        tmp_path / "a.mid", [on(0), off(50)], [on(9, 62), off(60, 62)], [on(8, 64), off(9, 64)]
    )
    data = whole.read_bytes()
    for announced in (1, 2, 3):
        for tail in (b"", b"\0", b"XFIH\0\0\0\1a", b"junk that is no chunk at all"):
            whole.write_bytes(data[:10] + struct.pack(">H", announced) + data[12:] + tail)
            found = read_note_file(whole)
            assert ticks(found.notes) == [(60, 0, 50), (64, 8, 9), (62, 9, 60)]
            assert found.extra_tracks == 3 - announced
    whole.write_bytes(data[:10] + struct.pack(">H", 2) + data[12:-1])
    with pytest.raises(DataError, match="track 3 ends"):
        read_notes(whole)


HEAD = b"MThd\0\0\0\6\0\1\0\1\1\xe0MTrk"
#: two notes, the second by running status, and an End of Track
BODY = b"\0\x90\x3c\x50\x60\x80\x3c\0\0\x90\x40\x50\x60\x40\0\0\xff\x2f\0"


@pytest.mark.parametrize("length", [0, 8, 12])
@pytest.mark.parametrize("tracks", [1, 2])
def test_a_track_that_goes_on_behind_its_length_is_refused(
    length: int, tracks: int, tmp_path: Path
) -> None:
    """A program that was ended while it recorded leaves the length 0."""
    data = HEAD + struct.pack(">I", length) + BODY
    data = data[:11] + bytes([tracks]) + data[12:] + (tracks - 1) * (data[14:18] + bytes(4))
    (tmp_path / "a.mid").write_bytes(data)
    with pytest.raises(DataError, match=f"track 1 has events behind its {length} bytes"):
        read_notes(tmp_path / "a.mid")
    (tmp_path / "a.mid").write_bytes(data[: len(HEAD) + 4 + len(BODY) - 3])  # no End of Track
    if tracks == 1:
        with pytest.raises(DataError, match=f"track 1 has events behind its {length} bytes"):
            read_notes(tmp_path / "a.mid")


@pytest.mark.parametrize("tail", [b"", b"\0\xff\x2f\0", bytes(7), b"\r\n", b"XFIH\0\0\0\1a"])
def test_a_track_without_an_end_may_be_the_last_one(tail: bytes, tmp_path: Path) -> None:
    data = HEAD + struct.pack(">I", len(BODY) - 4) + BODY[:-4] + tail
    (tmp_path / "a.mid").write_bytes(data)
    assert read_notes(tmp_path / "a.mid").pitches.tolist() == [60, 64]


def test_notes_that_midi_cannot_hold_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="0 or later"):
        write_midi(Notes.from_arrays([-1], [1], [60]), tmp_path / "a.mid")


def test_midi_inside_riff_is_found_behind_other_chunks(tmp_path: Path) -> None:
    notes = Notes.from_arrays([0.5], [1.0], [60])
    write_midi(notes, tmp_path / "a.mid")
    midi = (tmp_path / "a.mid").read_bytes()
    info = b"LIST" + struct.pack("<I", 5) + b"INFOx\0"  # an odd length, padded
    body = b"RMID" + info + b"data" + struct.pack("<I", len(midi)) + midi
    for content in (body, body.replace(info, b"")):
        riff = b"RIFF" + struct.pack("<I", len(content)) + content
        (tmp_path / "b.mid").write_bytes(riff)
        assert read_notes(tmp_path / "b.mid").pitches.tolist() == [60]
    (tmp_path / "b.mid").write_bytes(riff[:12])
    with pytest.raises(DataError, match="not a MIDI file"):
        read_notes(tmp_path / "b.mid")


def test_a_tempo_of_zero_is_damage(tmp_path: Path) -> None:
    """All notes after it would fall on one moment."""
    write_midi(Notes.from_arrays([0.5, 1.5], [1.0, 2.0], [60, 62]), tmp_path / "a.mid")
    data = (tmp_path / "a.mid").read_bytes()
    at = data.index(b"\xff\x51\x03") + 3
    (tmp_path / "a.mid").write_bytes(data[:at] + bytes(3) + data[at + 3 :])
    with pytest.raises(DataError, match="a tempo of 0"):
        read_notes(tmp_path / "a.mid")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "missing"),
        (b"", "empty"),
        (b"Dear diary", "not a MIDI file"),
        (b"MThd\0\0", "truncated"),
        (b"MThd\0\0\0\6\0\0\0\1\1\xe0", "truncated MIDI file .it has 0 of its 1"),
        (b"MThd\0\0\0\6\0\0\0\1\1\xe0MTrk\0\0\0\x09\0\x90\x3c", "truncated"),
        (b"MThd\0\0\0\6\0\0\0\1\1\xe0MTrk\0\0\0\x03\0\x90\x3c", "inside an event"),
        (b"MThd\0\0\0\6\0\0\0\1\1\xe0MTrk\0\0\0\x02\0\x3c", "should begin"),
        (b"MThd\0\0\0\6\0\0\0\1\1\xe0MTrk\0\0\0\x04\0\x90\x3c\xff", "above 127"),
        (b"MThd\0\0\0\6\0\0\0\1\1\xe0MTrk\0\0\0\x05\xff\xff\xff\xff\x7f", "four bytes"),
        (b"MThd\0\0\0\6\0\2\0\1\1\xe0", "format 2"),
        (b"MThd\0\0\0\4\0\0\0\1\1\xe0", "a header of 4 bytes"),
        (b"MThd\0\0\0\6\0\0\0\0\0\0", "0 ticks"),
        (b"MThd\0\0\0\6\0\0\0\0\x80\x28", "SMPTE"),
    ],
)
def test_broken_midi_is_one_plain_line(content: bytes | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / "broken\nname.mid"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        read_notes(path)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert isinstance(pickle.loads(pickle.dumps(caught.value)), DataError)


def test_every_truncation_of_a_file_is_an_error(tmp_path: Path) -> None:
    whole = save(tmp_path / "a.mid", [tempo(0, 500_000)], [on(0), off(300)], end=400).read_bytes()
    for length in range(1, len(whole)):
        (tmp_path / "cut.mid").write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"truncated|not a MIDI"):
            read_notes(tmp_path / "cut.mid")


def test_random_damage_gives_notes_or_a_data_error(tmp_path: Path) -> None:
    events = [on(i * 10, 40 + i % 40) for i in range(60)] + [pedal(700, 100), off(900)]
    whole = save(tmp_path / "a.mid", [tempo(0, 500_000), tempo(90, 9)], events).read_bytes()
    rng = np.random.default_rng(0)
    outcomes = set()
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(rng.integers(1, 6)):
            data[rng.integers(len(data))] = rng.integers(256)
        (tmp_path / "b.mid").write_bytes(data)
        try:
            notes = read_notes(tmp_path / "b.mid")
        except DataError:
            outcomes.add("error")
        else:
            outcomes.add("notes")
            assert np.all(np.diff(notes.onsets) >= 0)
    assert outcomes == {"error", "notes"}


def test_huge_gaps_do_not_overflow(tmp_path: Path) -> None:
    gap = 2**28 - 1
    messages = [tempo(0, 2**24 - 1)]
    messages += [m for i in range(40) for m in (on(2 * i * gap), off((2 * i + 1) * gap))]
    notes = read_notes(save(tmp_path / "a.mid", messages, ppq=1))
    assert len(notes) == 40
    assert np.all(np.diff(notes.onsets) > 0)
    assert notes.offsets[-1] == pytest.approx(79.0 * gap * (2**24 - 1) * 1e-6)
