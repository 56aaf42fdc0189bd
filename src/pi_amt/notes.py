"""Notes: the reference of a recording or the transcription of a model.

Conventions: seconds, MIDI numbers as float (69 = A4), velocities 0–127, sorted by onset, then
pitch. A note's offset is where it stops *sounding* (pedal rule of :func:`read_notes`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pi_amt.units import Floats, midi_to_hz


@dataclass(frozen=True, eq=False)
class Notes:
    """Note events as parallel arrays of shape ``(notes,)``.

    Attributes:
        onsets: seconds.
        offsets: seconds, never before the onset.
        pitches: MIDI numbers as float, 69 = A4 = 440 Hz.
        velocities: 0–127.
    """

    onsets: Floats
    offsets: Floats
    pitches: Floats
    velocities: Floats

    def __len__(self) -> int:
        return len(self.onsets)

    def __getitem__(self, index: NDArray[np.bool_] | NDArray[np.intp] | slice) -> Notes:
        return Notes(
            self.onsets[index], self.offsets[index], self.pitches[index], self.velocities[index]
        )

    @property
    def frequencies(self) -> Floats:
        """Fundamental frequencies in Hz (what mir_eval calls pitches)."""
        return midi_to_hz(self.pitches)
