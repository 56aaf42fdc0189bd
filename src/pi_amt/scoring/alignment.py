"""Whether reference notes can be right: do they lie where the sound is, are they of this piece?

A transcription of the clean recording tells. Notes that all lie late or early, those of another
piece, and those of audio that was cut short give a low baseline, and drops from a baseline that is
wrong mean nothing.

A smaller shift of a whole recording (:func:`onset_offset_ms`) comes from the model as often as from
the notes. It takes the middle out of the tolerance of 50 ms: what a perturbation moves by little is
then counted as lost. It is told from 20 ms on, and a study with ``align=median`` takes it away.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pi_amt.core.notes import Notes
from pi_amt.scoring.matching import (
    ONSET_TOLERANCE_SECONDS,
    WIDEST_TOLERANCE_SECONDS,
    candidates,
    largest_matching,
)
from pi_amt.scoring.note_table import NoteTable

#: how far apart onsets of one note are looked for
WIDE_SECONDS = 0.5
#: a whole recording whose onsets are further off is told of
SHIFTED_MS = 20.0
# below these nothing is said: a model's own bias, chance, and notes that ring out at the end
_SMALLEST_SHIFT_SECONDS, _SMALLEST_GAIN = 0.025, 0.1
_FEWEST_FOUND, _FEWEST_NOTES, _SMALLEST_BEYOND = 0.15, 20, 0.05


@dataclass(frozen=True)
class Alignment:
    """How reference notes lie to a transcription of their recording.

    Attributes:
        n_reference: notes.
        offset_seconds: median onset of the transcription minus that of the reference, over notes
            of one pitch that are matched within ±0.5 s; NaN if there are none.
        spread_seconds: half of the range in which the middle 50 % of these differences lie.
        found: share of reference notes found as they are.
        shift_seconds: the constant shift of the reference with which most notes are found.
        found_shifted: share of reference notes found then.
        beyond: share of reference notes that begin after the audio has ended.
    """

    n_reference: int
    offset_seconds: float
    spread_seconds: float
    found: float
    shift_seconds: float
    found_shifted: float
    beyond: float

    @property
    def likely_cause(self) -> str:
        """What is probably wrong with the notes, in words; empty if nothing seems to be."""
        if told := beyond_the_end(self.beyond):
            return told
        if self.n_reference < _FEWEST_NOTES:
            return ""
        shift = self.shift_seconds
        gain = self.found_shifted - self.found
        if self.found_shifted < _FEWEST_FOUND:
            return (
                f"{self.found:.0%} of the notes are found, and hardly more with any shift: they "
                "may be those of another piece"
            )
        if gain >= _SMALLEST_GAIN and abs(shift) >= _SMALLEST_SHIFT_SECONDS:
            where = "before" if shift > 0 else "after"
            return (
                f"the notes lie {1000 * abs(shift):.0f} ms {where} the sound: "
                f"dataset.onset_shift_ms={1000 * shift:.0f} shifts them, and "
                f"{self.found_shifted:.0%} of them are found instead of {self.found:.0%}"
            )
        return ""


def alignment(reference: Notes, estimate: Notes, seconds: float) -> Alignment:
    """Compare reference notes with a transcription of ``seconds`` of clean audio."""
    count = len(reference)
    if not count:
        return Alignment(0, math.nan, math.nan, math.nan, 0.0, math.nan, 0.0)
    near = candidates(reference, estimate, WIDE_SECONDS)
    pairs = largest_matching(near, count, len(estimate))
    offsets = estimate.onsets[pairs[:, 1]] - reference.onsets[pairs[:, 0]]
    low, middle, high = np.quantile(offsets, (0.25, 0.5, 0.75)) if len(offsets) else [math.nan] * 3
    found = _found(reference, estimate)
    shift = _best_shift(estimate.onsets[near[:, 1]] - reference.onsets[near[:, 0]])
    shifted = _found(delayed(reference, shift), estimate)
    if shifted <= found:
        shift, shifted = 0.0, found
    return Alignment(
        n_reference=count,
        offset_seconds=float(middle),
        spread_seconds=float(high - low) / 2,
        found=found,
        shift_seconds=shift,
        found_shifted=shifted,
        beyond=share_beyond(reference, seconds),
    )


def onset_offset_ms(reference: Notes, estimate: Notes) -> float | None:
    """Median onset of the estimate minus that of the reference, milliseconds to one decimal.

    It is taken over the notes that are matched by pitch and, within 150 ms, by onset; ``None``
    where these are fewer than 20.
    """
    near = candidates(reference, estimate, WIDEST_TOLERANCE_SECONDS)
    pairs = largest_matching(near, len(reference), len(estimate))
    if len(pairs) < _FEWEST_NOTES:
        return None
    late = estimate.onsets[pairs[:, 1]] - reference.onsets[pairs[:, 0]]
    return round(1000 * float(np.median(late)), 1)


def whole_shift(offset_ms: float | None) -> str:
    """In words, by how much the onsets of a whole recording are off: ``31 ms late``; empty up to
    20 ms and where it is not known."""
    if offset_ms is None or not abs(offset_ms) > SHIFTED_MS:
        return ""
    return f"{abs(offset_ms):.0f} ms {'late' if offset_ms > 0 else 'early'}"


def share_beyond(notes: Notes, seconds: float) -> float:
    """Share of notes that begin after ``seconds``; 0 if there are no notes."""
    return float(np.mean(notes.onsets >= seconds)) if len(notes) else 0.0


def beyond_the_end(share: float) -> str:
    """In words, that so many notes begin after the end; empty for a few, which may ring out."""
    if share < _SMALLEST_BEYOND:
        return ""
    return f"{share:.0%} of the notes begin after the sound has ended"


def alignment_of(table: NoteTable, seconds: float) -> Alignment:
    """The same from a stored note table of the clean recording.

    It does not keep the onsets of notes that were found. They are taken to lie at those of the
    reference, so that a shift below the tolerance of 50 ms is not seen.
    """
    reference = Notes.from_arrays(table.onset, table.onset + table.duration, table.pitch)
    onsets = np.concatenate([table.onset[table.matched], table.false_onset])
    durations = np.concatenate([table.duration[table.matched], table.false_duration])
    pitches = np.concatenate([table.pitch[table.matched], table.false_pitch])
    return alignment(reference, Notes.from_arrays(onsets, onsets + durations, pitches), seconds)


def _found(reference: Notes, estimate: Notes) -> float:
    pairs = candidates(reference, estimate)
    return len(largest_matching(pairs, len(reference), len(estimate))) / len(reference)


def delayed(notes: Notes, seconds: float) -> Notes:
    """All notes so much later (earlier if negative), without contours.

    Unlike :meth:`~pi_amt.Notes.shifted` it also keeps what then lies before 0 s, as it is.
    """
    return Notes(notes.onsets + seconds, notes.offsets + seconds, notes.pitches, notes.velocities)


def _best_shift(differences: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    """Middle of the stretch, as wide as the tolerance allows, that holds most differences."""
    if not len(differences):
        return 0.0
    values = np.sort(differences)
    stops = np.searchsorted(values, values + 2 * ONSET_TOLERANCE_SECONDS, side="right")
    first = int(np.argmax(stops - np.arange(len(values))))
    return float(np.median(values[first : stops[first]]))
