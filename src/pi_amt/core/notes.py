"""Notes: the reference of a recording or the transcription of a model.

Conventions: seconds, MIDI numbers as float (69 = A4), velocities 0–127, sorted by onset, then
pitch. A note's offset is where it stops *sounding* (pedal rule: :func:`pi_amt.read_notes`).

A note has one pitch, by which it is scored. Where its pitch was followed while it sounded (a bend,
vibrato), it may have a contour beside that: then masks go where the contour goes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pi_amt.core.text import plural
from pi_amt.core.units import Floats, hz_to_midi, midi_to_hz

#: the keys of a piano, MIDI 21–108
LOWEST_PITCH, N_PITCHES = 21, 88
#: name of a register → its first pitch
REGISTERS = {"bass": 0.0, "middle": 48.0, "treble": 72.0}
#: velocity of notes whose source has none (MAPS text)
DEFAULT_VELOCITY = 64.0
#: Notes in Hz are so near to whole MIDI numbers (semitones), as they stand on average so far from
#: whole numbers, and at so many different pitches. Measured or microtonal pitches are so by chance
#: in one of some ten thousand pieces; with one pitch, which is repeated, it would be one of seven.
_NEAR, _APART, _LEAST_PITCHES = 0.1, 0.15, 5


@dataclass(frozen=True, eq=False)
class Notes:
    """Note events as parallel arrays of shape ``(notes,)``.

    The constructor checks and does not sort; :meth:`from_arrays` sorts.

    Attributes:
        onsets: seconds.
        offsets: seconds, never before the onset.
        pitches: MIDI numbers as float, 69 = A4 = 440 Hz.
        velocities: 0–127.
        contours: for each note ``(steps, 2)``, the seconds at which each step of its pitch begins,
            and its MIDI number until the next one; ``None`` for a note that stays at its pitch.
            Empty where no note has a contour.

    Raises:
        ValueError: if the arrays differ in shape, hold NaN or infinity, an offset lies before its
            onset, a pitch outside 0–127, or the times of a contour do not ascend.
    """

    onsets: Floats
    offsets: Floats
    pitches: Floats
    velocities: Floats
    contours: tuple[Floats | None, ...] = field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        for name in ("onsets", "offsets", "pitches", "velocities"):
            values = np.asarray(getattr(self, name), dtype=np.float64)
            object.__setattr__(self, name, values)
            if values.ndim != 1 or values.shape != self.onsets.shape:
                raise ValueError(
                    f"notes: got {name} of shape {values.shape}, expected (notes,), one per onset "
                    f"{self.onsets.shape}"
                )
            if not np.isfinite(values).all():
                raise ValueError(f"notes: got NaN or infinite {name}, expected finite numbers")
        if np.any((self.pitches < 0) | (self.pitches > 127)):
            low, high = self.pitches.min(), self.pitches.max()
            hint = (
                "; these look like Hz, convert them: 69 + 12 * log2(Hz / 440)" if low >= 20 else ""
            )
            raise ValueError(
                f"notes: got pitches {low:g} to {high:g}, expected MIDI numbers 0 to 127{hint}"
            )
        if np.any(self.offsets < self.onsets):
            i = int(np.argmax(self.offsets < self.onsets))
            raise ValueError(
                f"notes: got a negative duration at note {i} "
                f"({self.onsets[i]:.4f} to {self.offsets[i]:.4f} s), expected offset ≥ onset"
            )
        self._check_contours()

    def _check_contours(self) -> None:
        contours = tuple(c if c is None else np.asarray(c, np.float64) for c in self.contours)
        if all(contour is None for contour in contours):
            contours = ()
        object.__setattr__(self, "contours", contours)
        if contours and len(contours) != len(self):
            raise ValueError(f"notes: got {len(contours)} contours, expected {len(self)} or none")
        for number, steps in enumerate(contours):
            if steps is None:
                continue
            if steps.ndim != 2 or steps.shape[1] != 2 or not len(steps):
                raise ValueError(
                    f"notes: got a contour of shape {steps.shape} at note {number}, expected "
                    "(steps, 2): seconds and MIDI numbers"
                )
            seconds, pitches = steps.T
            if not (np.isfinite(steps).all() and (np.diff(seconds) > 0).all()):
                raise ValueError(
                    f"notes: got a contour at note {number} whose times do not ascend, expected "
                    "the seconds at which each step begins"
                )
            if pitches.min() < 0 or pitches.max() > 127:
                raise ValueError(
                    f"notes: got a contour from {pitches.min():g} to {pitches.max():g} at note "
                    f"{number}, expected MIDI numbers 0 to 127"
                )

    def __len__(self) -> int:
        return len(self.onsets)

    def __repr__(self) -> str:
        if not len(self):
            return "Notes(0 notes)"
        return (
            f"Notes({plural(len(self), 'note')}, {self.onsets.min():.2f} to "
            f"{self.offsets.max():.2f} s, MIDI {self.pitches.min():g} to {self.pitches.max():g})"
        )

    def __getitem__(self, index: NDArray[np.bool_] | NDArray[np.intp] | slice) -> Notes:
        columns = (self.onsets, self.offsets, self.pitches, self.velocities)
        chosen = np.arange(len(self))[index].tolist() if self.contours else []
        return Notes(*(c[index] for c in columns), contours=tuple(self.contours[i] for i in chosen))

    @classmethod
    def empty(cls) -> Notes:
        """No notes."""
        return cls(*(np.zeros(0) for _ in range(4)))

    @classmethod
    def from_arrays(
        cls,
        onsets: ArrayLike | Iterator[float],
        offsets: ArrayLike | Iterator[float],
        pitches: ArrayLike | Iterator[float],
        velocities: ArrayLike | Iterator[float] | None = None,
        *,
        contours: Sequence[Floats | None] = (),
    ) -> Notes:
        """Notes from parallel sequences ``(notes,)`` in any order; sorted by onset, then pitch.

        Iterators, such as ``map`` makes, count as sequences.

        Args:
            onsets, offsets: seconds. pitches: MIDI numbers. velocities: 0–127, default 64.
            contours: see :class:`Notes`, in the order of the other sequences.

        Raises:
            ValueError: see :class:`Notes`.
        """
        given = {"onsets": onsets, "offsets": offsets, "pitches": pitches}
        if velocities is not None:
            given["velocities"] = velocities
        arrays = {name: _numbers(name, values) for name, values in given.items()}
        arrays.setdefault("velocities", np.full(arrays["onsets"].shape, DEFAULT_VELOCITY))
        notes = cls(**arrays, contours=tuple(contours))
        return notes[np.lexsort((notes.pitches, notes.onsets))]

    @property
    def frequencies(self) -> Floats:
        """``(notes,)`` fundamental frequencies in Hz (what mir_eval calls pitches)."""
        return midi_to_hz(self.pitches)

    @property
    def durations(self) -> Floats:
        """``(notes,)`` seconds."""
        return self.offsets - self.onsets

    def steps(self) -> tuple[Notes, NDArray[np.intp]]:
        """Notes of one pitch each: a note with a contour is cut at its steps. Also the number
        ``(steps,)`` of the note that each of them belongs to, ascending."""
        if not self.contours:
            return self, np.arange(len(self))
        parts = [np.zeros((0, 4))]
        for number, contour in enumerate(self.contours):
            onset, offset = float(self.onsets[number]), float(self.offsets[number])
            begins, pitches = np.array([onset]), self.pitches[number : number + 1]
            if contour is not None:
                # the step that the note begins in, and those that begin while it sounds
                first = max(int(np.searchsorted(contour[:, 0], onset, side="right")) - 1, 0)
                last = max(int(np.searchsorted(contour[:, 0], offset)), first + 1)
                begins, pitches = contour[first:last].T.copy()
                begins[0] = onset
            ends = np.append(begins[1:], offset)
            velocities = np.full(len(begins), self.velocities[number])
            parts.append(np.stack([begins, ends, pitches, velocities], axis=1))
        of = np.repeat(np.arange(len(self)), [len(part) for part in parts[1:]])
        return Notes(*np.concatenate(parts).T), of

    def _moved_contours(self, seconds: float) -> tuple[Floats | None, ...]:
        """The contours, moved later by ``seconds``."""
        return tuple(c if c is None else c + np.array([seconds, 0.0]) for c in self.contours)

    def clipped(self, max_seconds: float) -> Notes:
        """Notes that begin before ``max_seconds``, their offsets at most there."""
        kept = self[self.onsets < max_seconds]
        return replace(kept, offsets=np.minimum(kept.offsets, max_seconds))

    def shifted(self, seconds: float) -> Notes:
        """Notes moved later by ``seconds``, or earlier if it is negative. Those that would then end
        before the recording begins are dropped; those that would begin before it begin at 0 s."""
        if seconds == 0:
            return self
        kept = self[self.offsets + seconds > 0]
        return Notes.from_arrays(
            np.maximum(kept.onsets + seconds, 0.0),
            kept.offsets + seconds,
            kept.pitches,
            kept.velocities,
            contours=kept._moved_contours(seconds),
        )

    def looped(self, duration: float, target_duration: float) -> Notes:
        """Notes of a recording of ``duration`` s, repeated or cropped to ``target_duration`` s.

        Raises:
            ValueError: if there are notes and a duration is not a positive number.
        """
        if len(self) == 0:
            return self
        for name, value in (("duration", duration), ("target_duration", target_duration)):
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"looped: got {name} {value}, expected seconds above 0")
        once = self.clipped(duration)
        copies = max(1, math.ceil(target_duration / duration))
        starts = np.repeat(np.arange(copies) * duration, len(once))
        return Notes.from_arrays(
            np.tile(once.onsets, copies) + starts,
            np.tile(once.offsets, copies) + starts,
            np.tile(once.pitches, copies),
            np.tile(once.velocities, copies),
            contours=[c for i in range(copies) for c in once._moved_contours(i * duration)],
        ).clipped(target_duration)


def _numbers(name: str, values: ArrayLike | Iterator[float]) -> Floats:
    """Floats of a sequence or an iterator."""
    try:
        listed = list(values) if isinstance(values, Iterator) else values
        return np.asarray(listed, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"notes: got {name} of type {type(values).__name__} ({error}), expected a sequence of "
            "numbers, such as a list or an array"
        ) from None


def looks_like_hz(notes: Notes) -> bool:
    """Whether pitches become whole numbers by conversion from Hz, and are none before.

    (Higher ones than 127 have been refused by :class:`Notes`.)
    """
    pitches = notes.pitches
    if not len(pitches) or pitches.min() <= 0:
        return False
    converted = hz_to_midi(pitches)
    whole = np.rint(converted)
    return bool(
        np.abs(converted - whole).max() < _NEAR
        and np.abs(pitches - np.rint(pitches)).mean() > _APART
        and len(np.unique(whole)) >= _LEAST_PITCHES
    )
