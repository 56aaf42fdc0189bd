"""The fate of lost notes: found again nearby, or gone.

A note is *lost* if it was found without the perturbation and is not found with it
(:func:`pi_amt.scoring.anatomy.compare`). Among the false notes that the perturbation added there
may be one that tells what became of it. A lost note has the first of these fates that applies:

1. ``moved``: its pitch begins within 150 ms of its onset;
2. ``octave``: within 50 ms of its onset begins a pitch that is an octave, a twelfth or two octaves
   away, up or down (±12, ±19, ±24 semitones);
3. ``split``: its pitch begins while it sounds, more than 150 ms after its onset: it was found late,
   or in pieces;
4. ``gone``: none of these.

They stand in this order because it goes from the narrowest coincidence to the widest: a note of
several seconds leaves much room for a false note of its pitch. Pitches agree within 50 cents. One
false note explains one lost note at most: each fate in turn takes a largest matching between what
the ones before have left. False notes that were there without the perturbation explain nothing,
since they stood beside the notes when these were still found.

Some fates come about by chance, the more of them the more false notes there are. Therefore
:func:`chance_fates` counts them again after the false notes have exchanged their pitches, which
keeps how many there are, when they begin and how often each pitch occurs, and breaks only what the
fates are about: which pitch begins where. (Shifting all of them in time would also take them away
from the onsets of notes, where models put even their false notes, and so make chance look rare.)
The difference between the counts errs, if at all, toward too few explained notes: a false note that
does explain a lost note could not have explained another one by chance.
"""

from __future__ import annotations

import numpy as np

from pi_amt.core.notes import Notes
from pi_amt.scoring.anatomy import compare
from pi_amt.scoring.matching import (
    WIDEST_TOLERANCE_SECONDS,
    Indices,
    candidates,
    largest_matching,
)
from pi_amt.scoring.note_table import Bools, Ints, NoteTable

FATES = ("moved", "octave", "split", "gone")
NOT_LOST = -1
#: semitones from a note to what is often mistaken for it
OCTAVES_AND_TWELFTHS = (-24.0, -19.0, -12.0, 12.0, 19.0, 24.0)
_GONE = FATES.index("gone")
_MOST_EXCHANGES, _EXCHANGED_NOTES, _TRIES = 12, 1_000, 4


def fates(baseline: NoteTable, perturbed: NoteTable) -> Ints:
    """``(references,)`` the number of each lost note's fate in :data:`FATES`; else −1.

    Raises:
        ValueError: if the tables are not of the same reference.
    """
    lost, _, false = _lost_and_false(baseline, perturbed)
    found = np.full(len(lost), NOT_LOST, dtype=np.int64)
    found[lost] = _explained(_references(baseline)[lost], false)
    return found


def fate_counts(found: Ints) -> dict[str, int]:
    """How many notes have each of :data:`FATES`, from what :func:`fates` returned."""
    counts = np.bincount(found[found != NOT_LOST], minlength=len(FATES))
    return dict(zip(FATES, map(int, counts), strict=True))


def chance_fates(baseline: NoteTable, perturbed: NoteTable) -> dict[str, float]:
    """Expected :func:`fate_counts` if the false notes had each other's pitches.

    Sorted by onset, each takes the pitch of the one that stands some places further on, in a
    circle: a quarter to three quarters of the way around, so that the notes of one chord do not
    exchange theirs among themselves. The result is the mean over several such distances. Where a
    false note would then be a note that was missed, and so not be false, it takes the pitch of the
    next one. A single false note has nothing to exchange, so that nothing is due to chance.

    Raises:
        ValueError: see :func:`fates`.
    """
    lost, missed, false = _lost_and_false(baseline, perturbed)
    references = _references(baseline)
    distances = _distances(len(false))
    sums = dict.fromkeys(FATES, 0.0)
    for distance in distances:
        exchanged = _exchanged(false, distance, references[missed])
        for name, count in fate_counts(_explained(references[lost], exchanged)).items():
            sums[name] += count / len(distances)
    return sums if distances else sums | {"gone": float(np.count_nonzero(lost))}


def _exchanged(false: Notes, distance: int, missed: Notes) -> Notes:
    """The false notes with the pitches of those ``distance`` places further on, none of them a
    note that was ``missed``."""
    pitches = np.roll(false.pitches, distance)
    for further in range(1, _TRIES + 1):
        notes = Notes(false.onsets, false.offsets, pitches, false.velocities)
        found = np.isin(np.arange(len(false)), candidates(missed, notes)[:, 1])
        if not found.any():
            break
        pitches = np.where(found, np.roll(false.pitches, distance + further), pitches)
    return notes[~found]


def _lost_and_false(baseline: NoteTable, perturbed: NoteTable) -> tuple[Bools, Bools, Notes]:
    """Which references ``(references,)`` were lost and which are missed, and the false notes that
    the perturbation added, by onset."""
    change = compare(baseline, perturbed)
    onsets, pitches = perturbed.false_onset, perturbed.false_pitch
    offsets = onsets + perturbed.false_duration
    new = change.false_new
    return (
        change.lost,
        ~perturbed.matched,
        Notes.from_arrays(onsets[new], offsets[new], pitches[new]),
    )


def _references(table: NoteTable) -> Notes:
    """The reference notes, in the order of the table."""
    return Notes(table.onset, table.onset + table.duration, table.pitch, table.velocity)


def _distances(count: int) -> list[int]:
    """How far notes pass on their pitches: fewer distances where there are many notes."""
    if count < 2:
        return []
    wanted = min(_MOST_EXCHANGES, max(2, -(-_EXCHANGED_NOTES // count)))
    spread = np.rint(np.linspace(count / 4, 3 * count / 4, wanted)).astype(int)
    return sorted({int(distance) for distance in np.clip(spread, 1, count - 1)})


def _explained(lost: Notes, false: Notes) -> Ints:
    """``(lost,)`` the number of each lost note's fate."""
    found = np.full(len(lost), _GONE, dtype=np.int64)
    free = np.ones(len(false), dtype=np.bool_)
    for number, pairs in enumerate(
        (_moved(lost, false), _octaves(lost, false), _split(lost, false))
    ):
        open_ = pairs[(found[pairs[:, 0]] == _GONE) & free[pairs[:, 1]]]
        notes, explanations = largest_matching(open_, len(lost), len(false)).T
        found[notes] = number
        free[explanations] = False
    return found


def _moved(lost: Notes, false: Notes) -> Indices:
    return candidates(lost, false, WIDEST_TOLERANCE_SECONDS)


def _octaves(lost: Notes, false: Notes) -> Indices:
    """All transpositions of the lost notes at once; those that are no pitches any more fall out."""
    pitches = np.add.outer(OCTAVES_AND_TWELFTHS, lost.pitches)
    which = np.broadcast_to(np.arange(len(lost)), pitches.shape)[(pitches >= 0) & (pitches <= 127)]
    there = lost[which]
    inside = pitches[(pitches >= 0) & (pitches <= 127)]
    pairs = candidates(Notes(there.onsets, there.offsets, inside, there.velocities), false)
    return np.stack([which[pairs[:, 0]], pairs[:, 1]], axis=1)


def _split(lost: Notes, false: Notes) -> Indices:
    """Onsets between 150 ms after the onset and the offset: the middle, and half of the stretch."""
    which = np.flatnonzero(lost.durations > WIDEST_TOLERANCE_SECONDS)
    long = lost[which]
    middles = long.onsets + (long.durations + WIDEST_TOLERANCE_SECONDS) / 2
    reach = (long.durations - WIDEST_TOLERANCE_SECONDS) / 2
    pairs = candidates(Notes(middles, middles, long.pitches, long.velocities), false, reach)
    return np.stack([which[pairs[:, 0]], pairs[:, 1]], axis=1)
