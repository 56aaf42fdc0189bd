"""``high_freq``: everything above the fundamentals is shuffled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from pi_amt.core.checks import check_choice, check_range
from pi_amt.core.notes import Notes
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.core.units import cents_to_ratio
from pi_amt.permutations.permutation import Neighbour
from pi_amt.permutations.regions import Mask, highest_fundamental
from pi_amt.permutations.shuffles import Moves, Shuffle, shuffle_within

REFERENCES = ("fixed", "highest_note")
#: above the highest sounding fundamental of a frame, as the fixed cutoff is above C8
MARGIN_CENTS = 50.0


@dataclass(frozen=True)
class HighFreq(Shuffle):
    """Bins above a cutoff are shuffled uniformly among themselves.

    Attributes:
        cutoff_hz: bins above it take part (shifted by the recording's tuning). The default is
            C8 + 50 cents, just above the highest fundamental of a piano.
        reference: ``fixed`` uses ``cutoff_hz``; ``highest_note`` cuts 50 cents above the highest
            sounding fundamental of each frame (frames in which no note sounds stay as they are).
    """

    cutoff_hz: float = 4308.7
    reference: str = "fixed"

    name: ClassVar[str] = "high_freq"
    summary: ClassVar[str] = "the bins above cutoff_hz are shuffled among themselves"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("cutoff_hz", self.cutoff_hz, 0.0, unit="Hz")
        check_choice("reference", self.reference, REFERENCES)

    @property
    def needs_notes(self) -> bool:
        return self.reference == "highest_note"

    def first_bins(self, spectrogram: Spectrogram, notes: Notes | None) -> NDArray[np.int64]:
        """``(blocks, frames)`` number of the first bin above the cutoff (``bins`` if none is)."""
        if self.reference == "fixed":
            cutoff = np.full(
                spectrogram.times.shape, self.cutoff_hz * cents_to_ratio(spectrogram.tuning_cents)
            )
        else:
            assert notes is not None
            cutoff = highest_fundamental(spectrogram, notes) * cents_to_ratio(MARGIN_CENTS)
        return np.searchsorted(spectrogram.frequencies, cutoff, side="right").astype(np.int64)

    def draw(
        self,
        spectrogram: Spectrogram,
        notes: Notes | None,
        key: int,
        neighbour: Neighbour | None = None,
    ) -> Moves:
        first = self.first_bins(spectrogram, notes)
        lowest = int(first.min(initial=len(spectrogram.frequencies)))
        bins = np.arange(lowest, len(spectrogram.frequencies))
        # A bin below its frame's cutoff is a group of its own: it stays.
        groups = torch.from_numpy(np.minimum(bins, first[..., None]))
        return shuffle_within(spectrogram, groups, lowest, key, self.draw_mode)

    def target(
        self,
        spectrogram: Spectrogram,
        notes: Notes | None,
        key: int = 0,
        neighbour: Neighbour | None = None,
    ) -> Mask:
        bins = np.arange(len(spectrogram.frequencies))[:, None]
        return np.asarray(bins >= self.first_bins(spectrogram, notes)[:, None, :])
