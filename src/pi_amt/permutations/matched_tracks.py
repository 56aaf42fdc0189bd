"""``matched_tracks``: the target's notes, widths and times, on a feature that should not matter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from pi_amt.core.notes import Notes
from pi_amt.core.partials import partial_frequencies
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.core.units import Floats, ratio_to_cents
from pi_amt.permutations.controls import Counterpart
from pi_amt.permutations.draws import hash_bits
from pi_amt.permutations.masks import PartialMask
from pi_amt.permutations.permutation import Neighbour
from pi_amt.permutations.regions import COUNTED_PARTIALS, Mask, sounding_in
from pi_amt.permutations.shuffles import HighFreq, Moves, shuffle_drawn

# The choice of partials must be the same for every model, so bounds that hold for all of them stand
# here in place of a model's own bins and windows.
#: distance to a fundamental at which two bands of 70 cents do not meet
CLEARANCE_CENTS = 150.0
#: partials above this lie beyond the frequency axis of some model
HIGHEST_PARTIAL_HZ = 10_000.0
#: the longest analysis window, in periods and in seconds
_WINDOW_PERIODS, _WINDOW_SECONDS = 180.0, 3.0
CANDIDATES = tuple(range(2, 11))


@dataclass(frozen=True)
class MatchedTracks(Counterpart):
    """Control: touches as much as its target, but no sounding fundamental.

    For a mask of fundamentals: the same notes, widths, times and fill on one random partial
    k ∈ 2…10 per note that hits no sounding fundamental; for a mask that keeps the fundamentals:
    such a partial is kept instead. A note without a free partial is left out. For ``high_freq``:
    as many bins as lie above the cutoff, drawn below it.
    """

    name: ClassVar[str] = "matched_tracks"
    summary: ClassVar[str] = "control: the target's notes and widths on a random other partial"
    targets = (PartialMask, HighFreq)
    targets_in_words = "a mask or high_freq"
    stochastic = True

    @property
    def needs_notes(self) -> bool:
        return self.target_permutation.needs_notes

    def draw(
        self,
        spectrogram: Spectrogram,
        notes: Notes | None,
        key: int,
        neighbour: Neighbour | None = None,
    ) -> Any:
        target = self.target_permutation
        if isinstance(target, HighFreq):
            return _moves_below(target, spectrogram, notes, key)
        assert isinstance(target, PartialMask)
        assert notes is not None
        near, numbers = _choice(target, spectrogram, notes, key)
        return target.fill_region(spectrogram, near, target.region(spectrogram, near, numbers), key)

    def target(
        self,
        spectrogram: Spectrogram,
        notes: Notes | None,
        key: int = 0,
        neighbour: Neighbour | None = None,
    ) -> Mask:
        target = self.target_permutation
        if isinstance(target, HighFreq):
            return _moves_below(target, spectrogram, notes, key).touched(spectrogram)
        assert isinstance(target, PartialMask)
        assert notes is not None
        near, numbers = _choice(target, spectrogram, notes, key)
        return target.region(spectrogram, near, numbers)

    def bystanders(self, spectrogram: Spectrogram, notes: Notes, key: int = 0) -> Mask:
        target = self.target_permutation
        if not isinstance(target, PartialMask):
            return super().bystanders(spectrogram, notes, key)
        near, numbers = _choice(target, spectrogram, notes, key)
        if target.keep:
            return target.bands(spectrogram, near, numbers)
        every = np.array(COUNTED_PARTIALS)
        return target.bands(spectrogram, near, np.where(every == numbers, 0, every))


def free_partials(
    notes: Notes,
    context: Notes,
    key: int,
    *,
    exclude: tuple[int, ...] = (),
    inharmonicity: str = "piano",
) -> NDArray[np.int64]:
    """One random partial per note that hits no fundamental sounding at the same time.

    Args:
        notes: whose partials are chosen.
        context: all notes of the recording.
        key: 64-bit key; a note's draw is a hash of it, the note's onset and pitch.
        exclude: partial numbers not to choose.
        inharmonicity: ``piano`` or ``none``.

    Returns:
        ``(notes,)`` partial numbers in 2…10, 0 where none is free.
    """
    candidates = np.array([k for k in CANDIDATES if k not in exclude])
    partials = partial_frequencies(notes.pitches[:, None], candidates, inharmonicity=inharmonicity)
    free = (partials < HIGHEST_PARTIAL_HZ) & ~_hits(notes, partials, context)
    onsets = torch.from_numpy(np.rint(notes.onsets * 1e6).astype(np.int64))
    pitches = np.rint(notes.pitches * 100.0).astype(np.int64)
    counters = torch.from_numpy(pitches[:, None] * 16 + candidates)
    bits = hash_bits(key, onsets[:, None], counters, stream=1).numpy()
    best = np.where(free, bits, np.iinfo(np.int64).max).argmin(axis=1)
    return np.where(free.any(axis=1), candidates[best], 0)


def _hits(notes: Notes, partials: Floats, context: Notes) -> NDArray[np.bool_]:
    """``(notes, candidates)``: whether a partial meets a fundamental of ``context`` in pitch and
    time (notes last longer than they sound by what an analysis window smears)."""
    if len(notes) == 0:
        return np.zeros(partials.shape, dtype=np.bool_)
    first, last = notes.onsets.min() - _WINDOW_SECONDS, notes.offsets.max() + _WINDOW_SECONDS
    others = context[(context.onsets <= last) & (context.offsets >= first)]
    cents = ratio_to_cents(partials)[:, :, None] - ratio_to_cents(others.frequencies)
    close = np.abs(cents) < CLEARANCE_CENTS
    # Half a window on either side is more than any mask's dilation of a quarter.
    smear = np.minimum(_WINDOW_PERIODS / partials, _WINDOW_SECONDS)[:, :, None] / 2.0
    begins_before = others.onsets - smear <= notes.offsets[:, None, None]
    ends_after = others.offsets + smear >= notes.onsets[:, None, None]
    return np.asarray((close & begins_before & ends_after).any(axis=2))


def _choice(
    target: PartialMask, spectrogram: Spectrogram, notes: Notes, key: int
) -> tuple[Notes, NDArray[np.int64]]:
    """The notes near these blocks and ``(notes, 1)`` the partial chosen for each."""
    margin = target.time_dilation * float(spectrogram.window_seconds.max())
    near = sounding_in(spectrogram, notes, margin)
    numbers = free_partials(
        near, notes, key, exclude=target.partials, inharmonicity=target.inharmonicity
    )
    return near, numbers[:, None]


def _moves_below(
    target: HighFreq, spectrogram: Spectrogram, notes: Notes | None, key: int
) -> Moves:
    first = target.first_bins(spectrogram, notes)
    counts = np.minimum(len(spectrogram.frequencies) - first, first)
    return shuffle_drawn(
        spectrogram, torch.from_numpy(first), torch.from_numpy(counts), key, target.draw_mode
    )
