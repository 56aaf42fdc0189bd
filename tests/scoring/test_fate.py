"""Fates of lost notes: planted ones come out, brute force as the oracle, nothing by chance."""

from __future__ import annotations

from collections.abc import Sequence

import mir_eval
import numpy as np
import pytest

from pi_amt.core.notes import Notes
from pi_amt.scoring.anatomy import annotate, compare
from pi_amt.scoring.fate import FATES, NOT_LOST, chance_fates, fate_counts, fates
from pi_amt.scoring.matching import match_notes
from pi_amt.scoring.note_table import NoteTable

#: onset, offset, pitch
Note = tuple[float, float, float]


def notes_of(rows: Sequence[Note]) -> Notes:
    onsets, offsets, pitches = np.array(rows, dtype=float).reshape(-1, 3).T
    return Notes.from_arrays(onsets, offsets, pitches)


def table_of(reference: Notes, estimate: Notes) -> NoteTable:
    return annotate(reference, estimate, match_notes(reference, estimate))


def named(
    reference: Sequence[Note], after: Sequence[Note], false_before: Sequence[Note] = ()
) -> list[str]:
    """Fate of each reference note; the baseline found all of them."""
    notes = notes_of(reference)
    before = table_of(notes, notes_of([*reference, *false_before]))
    found = fates(before, table_of(notes, notes_of(after)))
    return ["" if number == NOT_LOST else FATES[number] for number in found]


# --- planted notes


@pytest.mark.parametrize(
    ("after", "fate"),
    [
        ((1.0, 2.0, 60), ""),
        ((1.06, 2.0, 60), "moved"),
        ((0.85, 2.0, 60.4), "moved"),
        ((1.15, 2.0, 60), "moved"),
        ((1.16, 2.0, 60), "split"),
        ((1.99, 2.1, 60), "split"),
        ((2.01, 2.1, 60), "gone"),
        ((0.84, 2.0, 60), "gone"),
        ((1.06, 2.0, 61), "gone"),
        *(((1.04, 2.0, 60 + step), "octave") for step in (-24, -19, -12, 12, 19, 24)),
        *(((1.04, 2.0, 60 + step), "gone") for step in (-31, -28, -7, -1, 7, 28, 36)),
        ((1.06, 2.0, 72), "gone"),
    ],
)
def test_one_false_note_tells_the_fate(after: Note, fate: str) -> None:
    assert named([(1.0, 2.0, 60)], [after]) == [fate]


def test_without_a_false_note_it_is_gone_and_short_notes_cannot_be_split() -> None:
    assert named([(1.0, 2.0, 60)], []) == ["gone"]
    assert named([(1.0, 1.1, 60)], [(1.16, 2.0, 60)]) == ["gone"]


def test_the_narrower_coincidence_comes_first() -> None:
    moved, octave, split = (1.1, 2.0, 60), (1.0, 2.0, 72), (1.5, 2.0, 60)
    assert named([(1.0, 2.0, 60)], [split, octave, moved]) == ["moved"]
    assert named([(1.0, 2.0, 60)], [split, octave]) == ["octave"]


def test_one_false_note_explains_one_lost_note() -> None:
    pair = [(1.0, 2.0, 60), (1.0, 2.0, 84)]
    assert sorted(named(pair, [(1.0, 2.0, 72)])) == ["gone", "octave"]
    assert named(pair, [(1.0, 2.0, 72), (1.0, 2.0, 96)]) == ["octave", "octave"]
    # of two that fit the first note, the second note can only have one
    repeated = [(1.0, 1.5, 60), (1.2, 1.7, 60)]
    assert named(repeated, [(1.1, 1.5, 60), (1.3, 1.5, 60)]) == ["moved", "moved"]


def test_false_notes_that_were_there_before_explain_nothing() -> None:
    octave = (1.0, 2.0, 72)
    assert named([(1.0, 2.0, 60)], [octave]) == ["octave"]
    assert named([(1.0, 2.0, 60)], [octave], [octave]) == ["gone"]


def test_notes_at_the_ends_of_the_range_have_no_pitches_beyond_it() -> None:
    assert named([(1.0, 2.0, 5), (3.0, 4.0, 120)], [(1.0, 2.0, 17), (3.0, 4.0, 108)]) == [
        "octave",
        "octave",
    ]


def test_only_lost_notes_have_a_fate() -> None:
    reference = notes_of([(1, 2, 60), (3, 4, 62), (5, 6, 64)])
    before = table_of(reference, reference[:2])
    after = table_of(reference, notes_of([(3, 4, 62), (5.1, 6, 64)]))
    assert fates(before, after).tolist() == [FATES.index("gone"), NOT_LOST, NOT_LOST]
    assert fate_counts(fates(before, after)) == {"moved": 0, "octave": 0, "split": 0, "gone": 1}


def test_tables_of_different_recordings_are_refused() -> None:
    one, two = (notes_of([(i, i + 0.5, 60) for i in range(n)]) for n in (1, 2))
    with pytest.raises(ValueError, match="1 and 2 reference notes"):
        fates(table_of(one, one), table_of(two, two))


# --- random notes


def random_study(seed: int, count: int = 150) -> tuple[NoteTable, NoteTable]:
    """A crowded piece found whole, then with every other note lost and notes of a few pitches."""
    rng = np.random.default_rng(seed)
    onsets = np.round(rng.uniform(0, count / 12, count), 3)
    pitches = 60.0 + 12 * rng.integers(-1, 2, count) + rng.integers(0, 3, count)
    reference = Notes.from_arrays(onsets, onsets + rng.uniform(0.05, 1.0, count), pitches)
    false = np.round(rng.uniform(0, count / 12, count // 2), 3)
    drawn = 60.0 + 12 * rng.integers(-1, 2, len(false)) + rng.integers(0, 3, len(false))
    kept = reference[::2]
    after = Notes.from_arrays(
        np.concatenate([kept.onsets, false]),
        np.concatenate([kept.offsets, false + 0.2]),
        np.concatenate([kept.pitches, drawn]),
    )
    return table_of(reference, reference), table_of(reference, after)


def by_definition(note: Note, false: Note) -> list[bool]:
    """Whether a false note could be the reason of each fate, written out."""
    late = round(false[0] - note[0], 4)
    step = false[2] - note[2]
    return [
        abs(late) <= 0.15 and step == 0,
        abs(late) <= 0.05 and abs(step) in (12, 19, 24),
        late > 0.15 and false[0] <= note[1] and step == 0,
    ]


@pytest.mark.parametrize("seed", range(8))
def test_each_fate_is_a_largest_matching_of_what_the_ones_before_left(seed: int) -> None:
    before, after = random_study(seed)
    found = fates(before, after)
    change = compare(before, after)
    assert np.array_equal(found != NOT_LOST, change.lost)
    columns = np.stack([before.onset, before.onset + before.duration, before.pitch], axis=1)
    new = np.stack([after.false_onset, after.false_onset, after.false_pitch], axis=1)
    new = new[change.false_new]
    counts = fate_counts(found)
    assert min(counts.values()) > 0
    moved = {
        i: [j for j, false in enumerate(new) if by_definition(columns[i], false)[0]]
        for i in np.flatnonzero(change.lost)
    }
    assert counts["moved"] == len(mir_eval.util._bipartite_match(moved))
    # one-to-one as a whole: every explained note can have a false note of its own
    explained = {
        i: [j for j, false in enumerate(new) if by_definition(columns[i], false)[found[i]]]
        for i in np.flatnonzero(change.lost)
        if FATES[found[i]] != "gone"
    }
    assert len(mir_eval.util._bipartite_match(explained)) == len(explained)
    # and none is gone that a false note which nobody needs could explain
    for i in np.flatnonzero(found == FATES.index("gone")):
        own = [j for j, false in enumerate(new) if any(by_definition(columns[i], false))]
        more = explained | {i: own}
        assert len(mir_eval.util._bipartite_match(more)) == len(explained) or not own


# --- chance


def piece(rng: np.random.Generator, count: int = 600) -> Notes:
    """Chords of three notes every quarter of a second, over three octaves."""
    onsets = np.repeat(np.arange(count // 3) * 0.25, 3)
    pitches = np.concatenate(
        [rng.choice(np.arange(48.0, 84.0), 3, False) for _ in range(count // 3)]
    )
    return Notes.from_arrays(onsets, onsets + 0.6, pitches)


def with_false(kept: Notes, onsets: np.ndarray, pitches: np.ndarray) -> Notes:
    return Notes.from_arrays(
        np.concatenate([kept.onsets, onsets]),
        np.concatenate([kept.offsets, onsets + 0.2]),
        np.concatenate([kept.pitches, pitches]),
    )


@pytest.mark.parametrize("late", [0.0, 0.1, 0.3])
def test_false_notes_of_random_pitch_explain_no_more_than_chance(late: float) -> None:
    """They begin where notes do, or a little later, and know nothing of the notes' pitches."""
    rng = np.random.default_rng(12)
    sums, chances, lost = dict.fromkeys(FATES, 0.0), dict.fromkeys(FATES, 0.0), 0
    for _ in range(40):
        reference = piece(rng)
        gone = rng.random(len(reference)) < 0.5
        false = reference.onsets[gone] + late
        after = with_false(reference[~gone], false, rng.integers(48, 84, len(false)).astype(float))
        before, perturbed = table_of(reference, reference), table_of(reference, after)
        counts, chance = fate_counts(fates(before, perturbed)), chance_fates(before, perturbed)
        assert sum(counts.values()) == pytest.approx(sum(chance.values()))
        lost += int(sum(counts.values()))
        for name in FATES:
            sums[name] += counts[name]
            chances[name] += chance[name]
    assert lost > 8000
    assert max(sums[name] for name in FATES[:3]) > 0.08 * lost  # chance does explain some
    for name in FATES:  # the standard error of a share is 0.004
        assert sums[name] / lost == pytest.approx(chances[name] / lost, abs=0.015), name


def test_planted_fates_remain_after_chance_is_taken_away() -> None:
    """Of 300 lost notes 100 move by 100 ms, 100 sound an octave higher, and 100 are gone."""
    rng = np.random.default_rng(4)
    reference = piece(rng, 900)
    lost = rng.permutation(900)[:300]
    moved, higher = lost[:100], lost[100:200]
    kept = reference[np.setdiff1d(np.arange(900), lost)]
    after = with_false(
        kept,
        np.concatenate([reference.onsets[moved] + 0.1, reference.onsets[higher]]),
        np.concatenate([reference.pitches[moved], reference.pitches[higher] + 12]),
    )
    before, perturbed = table_of(reference, reference), table_of(reference, after)
    counts, chance = fate_counts(fates(before, perturbed)), chance_fates(before, perturbed)
    corrected = {name: counts[name] - chance[name] for name in FATES}
    assert corrected["moved"] == pytest.approx(100, abs=15)
    assert corrected["octave"] == pytest.approx(90, abs=20)  # some octaves are other notes' pitch
    assert abs(corrected["split"]) < 10


def test_too_few_false_notes_to_exchange_leave_nothing_to_chance() -> None:
    reference = notes_of([(1, 2, 60), (3, 4, 62)])
    before = table_of(reference, reference)
    for after in ([], [(1.1, 2, 60)]):
        chance = chance_fates(before, table_of(reference, notes_of(after)))
        assert chance == {"moved": 0, "octave": 0, "split": 0, "gone": 2}


def test_pitches_are_exchanged_in_closed_form() -> None:
    """Of two false notes each takes the other's pitch: both fates of 60 and 65 are undone."""
    reference = notes_of([(1, 2, 60), (3, 4, 65)])
    before = table_of(reference, reference)
    octaves = table_of(reference, notes_of([(1, 2, 72), (3, 4, 77)]))
    assert fate_counts(fates(before, octaves))["octave"] == 2
    assert chance_fates(before, octaves) == {"moved": 0, "octave": 0, "split": 0, "gone": 2}
    # here the exchange turns a note that is gone into one that sounds an octave higher
    crossed = table_of(reference, notes_of([(1, 2, 77), (3, 4, 72)]))
    assert chance_fates(before, crossed)["octave"] == 2
