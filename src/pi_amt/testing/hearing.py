"""Whether a model hears anything, is late by a constant, or wants softer sound:
``check_hearing(model)``.

A model that is late or wants softer sound scores near 0, as one that hears nothing does. So it
hears a short piece of plucked tones at several levels. The F of what it finds there is measured
twice: as it answers, and with its notes moved by the constant that suits it best.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pi_amt.core.notes import Notes
from pi_amt.core.units import Floats, Samples, db_to_amplitude
from pi_amt.models.adapter import as_transcriber
from pi_amt.scoring.alignment import SHIFTED_MS
from pi_amt.scoring.matching import match_notes
from pi_amt.testing.check import verdict

RATE = 44_100
#: levels of the piece, from loud to soft; at 0 its peak is half of full scale
GAINS_DB = (0.0, -10.0, -20.0)
#: by how much notes are moved, ms
_SHIFTS_MS = np.arange(-200, 201, 4)
#: F below which nothing can be told, and by how much F must be better at another level
_LEAST_F, _BETTER_F = 0.2, 0.1
#: a model may have learnt one instrument only
_ELSEWHERE = (
    "where it knows other sounds only, pi-amt transcribe shows what it finds in a recording, and "
    "nothing was measured here"
)
_STEP_SECONDS, _NOTE_SECONDS = 0.3, 0.4
_BASS = (45, 52, 41, 48, 43, 50, 40, 47)
_MELODY = (60, 64, 69, 67, 72, 65, 62, 71, 74, 69, 64, 76, 67, 72, 60, 79, 65, 70, 62, 68, 73, 66)


@dataclass(frozen=True)
class HearingCheck:
    """What :func:`check_hearing` found.

    Attributes:
        model: its name.
        n_notes: gain in dB → number of notes that the model found.
        f: gain in dB → F of onset and pitch as the model answers.
        f_moved: the same with the notes moved by ``late_ms``.
        late_ms: by how much the model is late; negative where it is early, NaN where it finds too
            little to tell.
        problems: a sentence each with what to do.
    """

    model: str
    n_notes: Mapping[float, int]
    f: Mapping[float, float]
    f_moved: Mapping[float, float]
    late_ms: float

    @property
    def problems(self) -> tuple[str, ...]:
        """What keeps the model from its best, a sentence each with what to do."""
        best = max(self.f_moved, key=lambda gain: self.f_moved[gain])
        if not any(self.n_notes.values()):
            return (
                f"{self.model}: this model found no note in a short piece of plucked tones, at any "
                "of its levels: look at its weights, its threshold, and the sample rate and level "
                f"that it expects; {_ELSEWHERE}",
            )
        if np.isnan(self.late_ms):
            return (
                f"{self.model}: this model found {self.n_notes[best]} notes in a short piece of "
                f"plucked tones, and F is {self.f_moved[best]:.2f} at most, whatever the level and "
                "however its notes are moved in time: look at whether its pitches are MIDI "
                f"numbers (69 is A4) and its times seconds; {_ELSEWHERE}",
            )
        found = []
        if abs(self.late_ms) >= SHIFTED_MS:
            way = "late" if self.late_ms > 0 else "early"
            found.append(
                f"{self.model}: this model is {abs(self.late_ms):.0f} ms {way}: F "
                f"{self.f[best]:.2f}, and {self.f_moved[best]:.2f} with its notes moved; set "
                f"model.late_ms={self.late_ms:.0f} for a function or a command, move the times in "
                "a model of your own, or run studies with align=median"
            )
        if self.f_moved[best] >= self.f_moved[0.0] + _BETTER_F:
            found.append(
                f"{self.model}: this model wants softer sound: F {self.f_moved[0.0]:.2f} at half "
                f"of full scale, and {self.f_moved[best]:.2f} with {-best:.0f} dB less; set "
                f"model.gain_db={best:.0f} for a function or a command, or scale the samples in a "
                "model of your own"
            )
        return tuple(found)

    def __str__(self) -> str:
        heard = ", ".join(f"{f:.2f} at {gain:.0f} dB" for gain, f in self.f_moved.items())
        said = f"on a short piece F is {heard}"
        if round(abs(np.nan_to_num(self.late_ms))):
            way = "earlier" if self.late_ms > 0 else "later"
            said += f", once its notes are moved {abs(self.late_ms):.0f} ms {way}"
        return f"{verdict(self.model, self.problems)} ({said})"

    __repr__ = __str__


def check_hearing(model: object, *, gains_db: Sequence[float] = GAINS_DB) -> HearingCheck:
    """Measure F against time shift and level: does a model hear a short piece at all, is it late or
    early by a constant, and does it want softer sound?

    Args:
        model: a transcriber, an object of three methods, or a function.
        gains_db: levels at which the piece is heard, 0 among them.

    Returns:
        F per level and the lateness. ``print`` it, or assert that ``problems`` is empty.
    """
    transcriber = as_transcriber(model)
    reference, sound = plucked_piece()
    found = {
        gain: transcriber.transcribe(
            np.asarray(sound * db_to_amplitude(gain), dtype=np.float32), RATE
        )
        for gain in gains_db
    }
    late = [(_lateness_ms(reference, notes), notes) for notes in found.values()]
    f, late_ms = max((f_of(reference, notes, ms), ms) for ms, notes in late)
    return HearingCheck(
        model=transcriber.identity.name,
        n_notes={gain: len(notes) for gain, notes in found.items()},
        f={gain: f_of(reference, notes) for gain, notes in found.items()},
        f_moved={gain: f_of(reference, notes, late_ms) for gain, notes in found.items()},
        late_ms=late_ms if f >= _LEAST_F else float("nan"),
    )


def _lateness_ms(reference: Notes, estimate: Notes) -> float:
    """By how much the notes are late that are found once the best constant is taken away."""
    found = [f_of(reference, estimate, ms) for ms in _SHIFTS_MS.tolist()]
    about = float(np.median(_SHIFTS_MS[np.array(found) >= max(found) - 1e-9]))
    moved = estimate.shifted(-about / 1000)
    pairs = match_notes(reference, moved)
    rest = [moved.onsets[j] - reference.onsets[i] for i, j in pairs]
    return about + float(1000 * np.median(rest)) if rest else 0.0


def f_of(reference: Notes, estimate: Notes, late_ms: float = 0.0) -> float:
    """F of onset and pitch, once the notes are moved earlier by ``late_ms``."""
    pairs = match_notes(reference, estimate.shifted(-late_ms / 1000))
    return 2 * len(pairs) / (len(reference) + len(estimate))


def plucked_piece() -> tuple[Notes, Samples]:
    """A melody over a slow bass, 7 s: its notes, and its sound at :data:`RATE`."""
    onsets = 0.3 + _STEP_SECONDS * np.arange(len(_MELODY))
    bass = 0.3 + 3 * _STEP_SECONDS * np.arange(len(_BASS))
    starts = np.concatenate([onsets, bass])
    notes = Notes.from_arrays(starts, starts + _NOTE_SECONDS, [*_MELODY, *_BASS])
    return notes, _sound(notes)


def _sound(notes: Notes) -> Samples:
    """The notes as plucked tones of partials that decay, the higher ones faster."""
    sound = np.zeros(round((notes.offsets.max() + 0.5) * RATE))
    for onset, hz in zip(notes.onsets, notes.frequencies, strict=True):
        begin = round(onset * RATE)
        times: Floats = np.arange(round(_NOTE_SECONDS * RATE)) / RATE
        envelope = np.minimum(times / 0.004, 1.0) * np.minimum((_NOTE_SECONDS - times) / 0.02, 1.0)
        for k in range(1, 11):
            wave = np.sin(2 * np.pi * k * hz * times) * np.exp(-times * (2.0 + k))
            sound[begin : begin + len(times)] += envelope * wave / k**1.2
    return np.asarray(0.5 * sound / np.abs(sound).max(), dtype=np.float32)
