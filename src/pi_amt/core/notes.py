"""Notes: the reference of a recording or the transcription of a model.

Conventions: seconds, MIDI numbers as float (69 = A4), velocities 0–127, sorted by onset, then
pitch. A note's offset is where it stops *sounding* (pedal rule: :func:`pi_amt.read_notes`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pi_amt.core.text import plural
from pi_amt.core.units import Floats, midi_to_hz

#: the keys of a piano, MIDI 21–108
LOWEST_PITCH, N_PITCHES = 21, 88
#: velocity of notes whose source has none (MAPS text)
DEFAULT_VELOCITY = 64.0


@dataclass(frozen=True, eq=False)
class Notes:
    """Note events as parallel arrays of shape ``(notes,)``.

    The constructor checks and does not sort; :meth:`from_arrays` sorts.

    Attributes:
        onsets: seconds.
        offsets: seconds, never before the onset.
        pitches: MIDI numbers as float, 69 = A4 = 440 Hz.
        velocities: 0–127.

    Raises:
        ValueError: if the arrays differ in shape, hold NaN or infinity, an offset lies before its
            onset, or a pitch outside 0–127.
    """

    onsets: Floats
    offsets: Floats
    pitches: Floats
    velocities: Floats

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
        return Notes(
            self.onsets[index], self.offsets[index], self.pitches[index], self.velocities[index]
        )

    @classmethod
    def empty(cls) -> Notes:
        """No notes."""
        return cls(*(np.zeros(0) for _ in range(4)))

    @classmethod
    def from_arrays(
        cls,
        onsets: ArrayLike,
        offsets: ArrayLike,
        pitches: ArrayLike,
        velocities: ArrayLike | None = None,
    ) -> Notes:
        """Notes from parallel sequences ``(notes,)`` in any order; sorted by onset, then pitch.

        Args:
            onsets, offsets: seconds. pitches: MIDI numbers. velocities: 0–127, default 64.

        Raises:
            ValueError: see :class:`Notes`.
        """
        if velocities is None:
            velocities = np.full(np.shape(onsets), DEFAULT_VELOCITY)
        onsets, offsets, pitches, velocities = (
            np.asarray(values, dtype=np.float64)
            for values in (onsets, offsets, pitches, velocities)
        )
        return cls(onsets, offsets, pitches, velocities)[np.lexsort((pitches, onsets))]

    @property
    def frequencies(self) -> Floats:
        """Fundamental frequencies in Hz (what mir_eval calls pitches)."""
        return midi_to_hz(self.pitches)

    @property
    def durations(self) -> Floats:
        """``(notes,)`` seconds."""
        return self.offsets - self.onsets

    def clipped(self, max_seconds: float) -> Notes:
        """Notes that begin before ``max_seconds``, their offsets at most there."""
        kept = self[self.onsets < max_seconds]
        offsets = np.minimum(kept.offsets, max_seconds)
        return Notes(kept.onsets, offsets, kept.pitches, kept.velocities)

    def shifted(self, seconds: float) -> Notes:
        """Notes so much later, or earlier if it is negative: then those that would end before the
        recording begins are dropped, and those that would begin before begin with it."""
        if seconds == 0:
            return self
        offsets = self.offsets + seconds
        onsets = np.maximum(self.onsets + seconds, 0.0)
        kept = offsets > 0
        return Notes.from_arrays(
            onsets[kept], offsets[kept], self.pitches[kept], self.velocities[kept]
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
        ).clipped(target_duration)
