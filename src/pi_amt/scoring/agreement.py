"""How well a transcription agrees with its reference, from the two sets of notes alone.

Nothing here knows a model: the notes may come from any system. What :mod:`pi_amt.scoring.fate` says
of notes that a perturbation lost is said here of the notes that are *missed*: they are compared
with a transcription that finds every note and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pi_amt.core.notes import Notes
from pi_amt.scoring.alignment import onset_offset_ms
from pi_amt.scoring.anatomy import annotate, interval_histogram
from pi_amt.scoring.fate import chance_fates, fate_counts, fates
from pi_amt.scoring.matching import match_notes
from pi_amt.scoring.notes import F_MEASURE, Scores, score_notes, score_tolerances

_OCTAVES = ("+12", "+24", "-12")


@dataclass(frozen=True)
class Agreement:
    """An estimate beside its reference.

    Attributes:
        n_reference, n_estimate: numbers of notes.
        scores: those of :func:`pi_amt.score_notes`, and F, precision and recall at other
            tolerances (:data:`pi_amt.scoring.notes.TOLERANCE_SCORES`).
        missed: fate → how many missed notes have it: ``moved`` in time by up to 150 ms, found at
            an ``octave`` or a twelfth, ``split`` (found late or in pieces) or ``gone``.
        missed_by_chance: the same, as it would be if the false notes had each other's pitches.
        false: how many notes of the estimate are none of the reference.
        false_octaves: how many of these lie one or two octaves above, or one below, a note that
            begins with them.
        onset_offset_ms: median onset of the estimate minus that of the reference, over notes
            matched within 150 ms; ``None`` where these are fewer than 20.
    """

    n_reference: int
    n_estimate: int
    scores: Scores
    missed: Mapping[str, int]
    missed_by_chance: Mapping[str, float]
    false: int
    false_octaves: int
    onset_offset_ms: float | None

    def __repr__(self) -> str:
        return (
            f"Agreement({self.n_estimate} of {self.n_reference} notes, "
            f"F {self.scores[F_MEASURE]:.3f}, "
            f"{sum(self.missed.values())} missed, {self.false} false)"
        )


def agreement(reference: Notes, estimate: Notes) -> Agreement:
    """Compare the notes of any transcription with their reference.

    Raises:
        ValueError: if the reference has no notes, or the times are not in the same unit.
    """
    if not len(reference):
        raise ValueError("reference: got no notes, expected some to compare with")
    _check_same_unit(reference, estimate)
    everything = np.repeat(np.arange(len(reference))[:, None], 2, axis=1)
    perfect = annotate(reference, reference, everything)
    found = annotate(reference, estimate, match_notes(reference, estimate))
    intervals = interval_histogram(found)
    return Agreement(
        n_reference=len(reference),
        n_estimate=len(estimate),
        scores=score_notes(reference, estimate) | score_tolerances(reference, estimate),
        missed=fate_counts(fates(perfect, found)),
        missed_by_chance=chance_fates(perfect, found),
        false=len(found.false_onset),
        false_octaves=sum(intervals[name] for name in _OCTAVES),
        onset_offset_ms=onset_offset_ms(reference, estimate),
    )


def _check_same_unit(reference: Notes, estimate: Notes) -> None:
    """Refuse seconds beside milliseconds, samples or frames: F would be 0 without a reason.

    A transcription of a small part of a long piece is short, too, but it has few notes.

    Raises:
        ValueError: if one lasts over 50 times as long as the other and has at most ten times as
            many notes.
    """
    if not len(estimate):
        return
    ends = [float(notes.offsets.max()) for notes in (reference, estimate)]
    counts = [len(reference), len(estimate)]
    longer = int(ends[1] > ends[0])
    if ends[longer] > 50 * ends[1 - longer] and counts[longer] <= 10 * counts[1 - longer]:
        raise ValueError(
            f"got times up to {ends[0]:g} in the reference and up to {ends[1]:g} in the estimate, "
            "expected seconds in both"
        )
