"""A slow, literal restatement of the published note decoder, as an oracle for ours.

It was written from the description of the algorithm, keeps the energy that remains as a matrix of
float64, looks at one cell at a time and searches the whole matrix for the next maximum. Golden
notes of the published program itself are in ``data/golden_notes.npz``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
#: start frame, stop frame, MIDI pitch, amplitude
Event = tuple[int, int, int, float]


def decode(
    note: NDArray[np.float32],
    onset: NDArray[np.float32],
    onset_threshold: float = 0.5,
    frame_threshold: float = 0.3,
    minimum_frames: int = 11,
    energy_tolerance_frames: int = 11,
    melodia_trick: bool = True,
) -> list[Event]:
    """Notes in the order in which the algorithm finds them."""
    energy = note.astype(np.float64)
    last = len(note) - 1
    events: list[Event] = []

    def walk(frame: int, pitch: int, step: int, erase: bool) -> int:
        """Walk until the energy has been low for long; return the last frame that was not."""
        low = 0
        while (frame < last if step > 0 else frame > 0) and low < energy_tolerance_frames:
            low = low + 1 if energy[frame, pitch] < frame_threshold else 0
            if erase:
                energy[frame, max(0, pitch - 1) : pitch + 2] = 0.0
            frame += step
        return frame - step * (low + 1)

    def keep(start: int, stop: int, pitch: int) -> bool:
        if stop - start <= minimum_frames:
            return False
        events.append((start, stop, pitch + 21, float(np.mean(note[start:stop, pitch]))))
        return True

    for start, pitch in reversed(peaks(combined_onsets(note, onset), onset_threshold)):
        if start < last:
            stop = walk(start + 1, pitch, 1, erase=False) + 1
            if keep(start, stop, pitch):
                energy[start:stop, max(0, pitch - 1) : pitch + 2] = 0.0
    while melodia_trick and energy.max() > frame_threshold:
        middle, pitch = (int(i) for i in np.unravel_index(np.argmax(energy), energy.shape))
        energy[middle, pitch] = 0.0
        stop = walk(middle + 1, pitch, 1, erase=True)
        start = walk(middle - 1, pitch, -1, erase=True)
        keep(start, stop, pitch)
    return events


def combined_onsets(note: NDArray[np.float32], onset: NDArray[np.float32]) -> Matrix:
    """Larger of the onset activation and the scaled rise of the note activation."""
    exact = note.astype(np.float64)
    rise = np.zeros_like(exact)
    for frame in range(2, len(exact)):
        over_one, over_two = exact[frame] - exact[frame - 1], exact[frame] - exact[frame - 2]
        rise[frame] = np.clip(np.minimum(over_one, over_two), 0.0, None)
    if not rise.max() > 0:
        return np.full_like(exact, np.nan)
    return np.asarray(np.maximum(onset, np.float64(onset.max()) * rise / rise.max()))


def peaks(values: Matrix, threshold: float) -> list[tuple[int, int]]:
    """Frames and pitches strictly above both neighbours in time, in time order."""
    return [
        (frame, pitch)
        for frame in range(1, len(values) - 1)
        for pitch in range(values.shape[1])
        if values[frame, pitch] >= threshold
        and values[frame - 1, pitch] < values[frame, pitch] > values[frame + 1, pitch]
    ]
