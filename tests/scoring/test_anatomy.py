"""Error anatomy: planted errors come out as planted, brute force as the oracle."""

from __future__ import annotations

import numpy as np
import pytest

from pi_amt.core.notes import Notes
from pi_amt.scoring.anatomy import (
    INTERVAL_CLASSES,
    annotate,
    chance_histogram,
    compare,
    interval_histogram,
)
from pi_amt.scoring.matching import match_notes
from pi_amt.scoring.note_table import NO_INTERVAL, NoteTable


def table_of(reference: Notes, estimate: Notes) -> NoteTable:
    return annotate(reference, estimate, match_notes(reference, estimate))


def melody(pitches: list[float], velocity: float = 64) -> Notes:
    """One note a second, half a second long."""
    onsets = np.arange(len(pitches), dtype=float)
    return Notes.from_arrays(onsets, onsets + 0.5, pitches, np.full(len(pitches), velocity))


def random_notes(seed: int, count: int) -> Notes:
    rng = np.random.default_rng(seed)
    onsets = np.round(rng.uniform(0, count / 12, count), 3)
    offsets = onsets + rng.uniform(0.05, 1.5, count)
    return Notes.from_arrays(
        onsets, offsets, rng.integers(36, 90, count), rng.integers(1, 128, count)
    )


# --- one recording


def test_found_and_missed_notes() -> None:
    table = table_of(melody([60, 62, 64]), melody([60, 62, 64])[np.array([0, 2])])
    assert table.matched.tolist() == [True, False, True]
    assert len(table.false_onset) == 0


@pytest.mark.parametrize("interval", [12, 19, 24, 28, 31, -12, 1, -1, 5, -7])
def test_interval_of_a_false_note(interval: int) -> None:
    reference = melody([50, 60, 70])
    table = table_of(reference, melody([50, 60 + interval, 70]))
    assert table.matched.tolist() == [True, False, True]
    assert table.false_interval.tolist() == [interval]
    name = f"{interval:+d}"
    expected = name if name in INTERVAL_CLASSES else "other"
    assert interval_histogram(table)[expected] == 1
    assert sum(interval_histogram(table).values()) == 1


def test_a_false_note_that_begins_alone_has_no_interval() -> None:
    reference = melody([60])
    table = table_of(reference, Notes.from_arrays([0.051, 0.3], [1, 1], [72, 72]))
    assert table.false_interval.tolist() == [NO_INTERVAL, NO_INTERVAL]
    assert interval_histogram(table)["none"] == 2


def test_a_second_note_of_the_same_pitch_has_interval_zero() -> None:
    table = table_of(melody([60]), Notes.from_arrays([0, 0.03], [1, 1], [60, 60]))
    assert table.false_interval.tolist() == [0]


def test_harmonic_relations_win_over_nearer_notes_of_a_chord_and_semitones_over_both() -> None:
    chord = Notes.from_arrays([0, 0.01, 0.02], [1, 1, 1], [48, 52, 55])
    octave = table_of(chord, Notes.from_arrays([0.0], [1], [60]))  # C over C E G
    assert octave.false_interval.tolist() == [12]
    semitone = table_of(chord, Notes.from_arrays([0.0], [1], [54]))
    assert semitone.false_interval.tolist() == [-1]
    neither = table_of(chord, Notes.from_arrays([0.0], [1], [58]))
    assert neither.false_interval.tolist() == [3]


def test_surroundings_equal_brute_force() -> None:
    notes = random_notes(1, 300)
    table = table_of(notes, Notes.empty())
    for i in range(len(notes)):
        begun = notes.onsets <= notes.onsets[i] + 0.05
        sounding = begun & (notes.offsets > notes.onsets[i])
        assert table.polyphony[i] == sounding.sum()
        for bit, step in enumerate((12, 19, 24, 28, 31)):
            expected = np.any(sounding & (notes.pitches == notes.pitches[i] - step))
            assert bool(table.lower[i] >> bit & 1) == expected
    assert table.shares_partial.any()
    assert not table.shares_partial.all()


def test_empty_sides() -> None:
    nothing = table_of(Notes.empty(), Notes.empty())
    assert sum(interval_histogram(nothing).values()) == 0
    assert sum(chance_histogram(nothing).values()) == 0
    only_false = table_of(Notes.empty(), melody([60, 61]))
    assert interval_histogram(only_false)["none"] == 2
    assert len(NoteTable.from_bytes(nothing.to_bytes()).onset) == 0


# --- chance


def test_chance_histogram_in_closed_form() -> None:
    # pitches of the piece: 60, 61, 72, 80; one false note begins with the 60
    reference = melody([60, 61, 72, 80])
    false = Notes.from_arrays([0.0], [0.5], [90])
    table = table_of(reference, false)
    expected = dict.fromkeys(INTERVAL_CLASSES, 0.0) | {"+1": 1 / 3, "+12": 1 / 3, "other": 1 / 3}
    assert chance_histogram(table) == pytest.approx(expected)


def test_chance_histogram_is_the_mean_of_random_pitches() -> None:
    reference = random_notes(3, 80)
    rng = np.random.default_rng(0)
    pitches = np.unique(reference.pitches)
    false_onsets = rng.uniform(0, 6, 40)
    totals = dict.fromkeys(INTERVAL_CLASSES, 0.0)
    rounds = 400
    for _ in range(rounds):
        drawn = np.empty(40)
        for i, onset in enumerate(false_onsets):
            near = np.abs(reference.onsets - onset) <= 0.05
            drawn[i] = rng.choice(np.setdiff1d(pitches, reference.pitches[near]))
        estimate = Notes.from_arrays(false_onsets, false_onsets + 0.1, drawn)
        table = annotate(reference, estimate, np.zeros((0, 2), np.intp))
        for name, count in interval_histogram(table).items():
            totals[name] += count / rounds
    chance = chance_histogram(table)
    assert sum(chance.values()) == pytest.approx(40)
    for name in INTERVAL_CLASSES:
        assert chance[name] == pytest.approx(totals[name], abs=0.35)


# --- two tables


def test_kept_lost_gained_and_new_false_notes() -> None:
    reference = melody([60, 62, 64, 65])
    before = melody([60, 62, 70, 80])  # finds 0 and 1; false 70 and 80
    after = melody([60, 74, 64, 80])  # finds 0 and 2; false 74 (new) and 80 (old)
    result = compare(table_of(reference, before), table_of(reference, after))
    assert result.kept.tolist() == [True, False, False, False]
    assert result.lost.tolist() == [False, True, False, False]
    assert result.gained.tolist() == [False, False, True, False]
    assert result.counts() == {"kept": 1, "lost": 1, "gained": 1, "false_new": 1, "false_old": 1}
    table = table_of(reference, after)
    assert table.false_interval[result.false_new].tolist() == [12]


def test_identity_keeps_everything() -> None:
    reference, estimate = random_notes(1, 200), random_notes(2, 200)
    both = Notes.from_arrays(
        *(np.concatenate([getattr(n, f) for n in (reference[::2], estimate)]) for f in FIELDS)
    )
    table = table_of(reference, both)
    counts = compare(NoteTable.from_bytes(table.to_bytes()), table).counts()
    assert counts["kept"] == table.matched.sum() > 50
    assert counts["lost"] == counts["gained"] == counts["false_new"] == 0
    assert counts["false_old"] == len(table.false_onset) > 50


FIELDS = ("onsets", "offsets", "pitches", "velocities")


def test_tables_of_different_recordings_are_refused() -> None:
    one, two = (table_of(melody(p), Notes.empty()) for p in ([60.0], [60.0, 61.0]))
    with pytest.raises(ValueError, match="1 and 2 reference notes"):
        compare(one, two)


# --- storage


def test_bytes_keep_the_table() -> None:
    table = table_of(random_notes(1, 500), random_notes(2, 400))
    data = table.to_bytes()
    back = NoteTable.from_bytes(data)
    for name in ("matched", "polyphony", "lower", "false_interval"):
        np.testing.assert_array_equal(getattr(back, name), getattr(table, name))
    for name in ("onset", "duration", "false_onset", "false_duration"):
        np.testing.assert_allclose(getattr(back, name), getattr(table, name), atol=5.1e-5)
    np.testing.assert_array_equal(back.pitch, table.pitch)
    np.testing.assert_array_equal(back.velocity, table.velocity)
    assert back.to_bytes() == data
    assert len(data) < 10 * 900


def test_damaged_bytes_are_refused() -> None:
    data = table_of(melody([60, 61]), melody([62])).to_bytes()
    for bad in (b"", data[:5], data[:-3], data[:11] + b"xxxx", b"xx" + data[2:]):
        with pytest.raises(ValueError, match="note table"):
            NoteTable.from_bytes(bad)
    with pytest.raises(ValueError, match="version 9"):
        NoteTable.from_bytes(data[:2] + b"\x09" + data[3:])
    longer = data[:3] + (50).to_bytes(4, "little") + data[7:]
    with pytest.raises(ValueError, match="truncated"):
        NoteTable.from_bytes(longer)
