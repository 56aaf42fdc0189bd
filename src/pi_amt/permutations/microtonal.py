"""``microtonal``: bins are shuffled inside their semitone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from pi_amt.core.notes import Notes
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.core.units import hz_to_midi
from pi_amt.permutations.permutation import Neighbour
from pi_amt.permutations.shuffles import Moves, Shuffle, shuffle_within


@dataclass(frozen=True)
class Microtonal(Shuffle):
    """Each frame: bins are shuffled uniformly inside their semitone.

    A bin belongs to its nearest semitone by frequency, on the recording's own tuning: 3 bins in
    Basic Pitch, 5 in Timbre-Trap; shorter groups at the ends stay groups. What is finer than a
    semitone is lost, everything coarser stays.
    """

    name: ClassVar[str] = "microtonal"
    summary: ClassVar[str] = "the bins of each semitone are shuffled among themselves"

    def draw(
        self,
        spectrogram: Spectrogram,
        notes: Notes | None,
        key: int,
        neighbour: Neighbour | None = None,
    ) -> Moves:
        midi = hz_to_midi(spectrogram.frequencies) - spectrogram.tuning_cents / 100.0
        semitone = np.rint(midi).astype(np.int64)
        # Consecutive numbers from 0, whatever semitones a coarse axis leaves out.
        groups = np.cumsum(np.diff(semitone, prepend=semitone[0]) != 0)
        return shuffle_within(spectrogram, torch.from_numpy(groups), 0, key, self.draw_mode)
