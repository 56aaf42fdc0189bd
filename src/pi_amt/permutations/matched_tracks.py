"""``matched_tracks``: the target's notes, widths and times, on a feature that should not matter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

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
from pi_amt.permutations.partial_powers import ESTIMATE, TAIL_SECONDS, Overview
from pi_amt.permutations.permutation import Change, Scene
from pi_amt.permutations.regions import COUNTED_PARTIALS, Mask, is_near, sounding_in
from pi_amt.permutations.shuffles import HighFreq, shuffle_drawn

# The choice of partials must be the same for every model, so bounds that hold for all of them stand
# here in place of a model's own bins and windows.
#: distance to a fundamental at which two bands of 70 cents do not meet
CLEARANCE_CENTS = 150.0
#: partials above this lie beyond the frequency axis of some model
HIGHEST_PARTIAL_HZ = 10_000.0
#: the longest analysis window, in periods and in seconds
_WINDOW_PERIODS, _WINDOW_SECONDS = 180.0, 3.0
CANDIDATES = tuple(range(2, 11))
_NOTES_AT_ONCE = 256


@dataclass(frozen=True)
class MatchedTracks(Counterpart):
    """Control: touches as much as its target, but no sounding fundamental.

    Where the target masks the fundamentals, the control masks the same notes, with the same widths,
    times and fill, on one random partial k ∈ 2…10 of each note that hits no sounding fundamental.
    Where the target keeps the fundamentals, the control keeps such a partial instead. A note
    without a free partial is left out. Where the target is ``high_freq``, the control draws as many
    bins below the cutoff as lie above it, and shuffles those.
    """

    name: ClassVar[str] = "matched_tracks"
    summary: ClassVar[str] = "control: the target's notes and widths on a random other partial"
    targets = (PartialMask, HighFreq)
    targets_in_words = "a mask or high_freq"
    stochastic = True

    @property
    def feature_in_words(self) -> str:
        return self.target_permutation.control_in_words

    @property
    def needs_notes(self) -> bool:
        return self.target_permutation.needs_notes

    def draw(self, scene: Scene) -> Change:
        target = self.target_permutation
        if isinstance(target, HighFreq):
            return _shuffled_below(target, scene)
        assert isinstance(target, PartialMask)
        if target.kind == "ratio":
            return _other_shares(target, scene)
        return _other_bins(target.settled(scene), scene)


def free_partials(
    notes: Notes,
    context: Notes,
    key: int,
    *,
    exclude: tuple[int, ...] = (),
    inharmonicity: str | float = "piano",
) -> NDArray[np.int64]:
    """One random partial per note that hits no fundamental sounding at the same time.

    Args:
        notes: whose partials are chosen.
        context: all notes of the recording.
        key: 64-bit key; a note's draw is a hash of it, the note's onset and pitch.
        exclude: partial numbers not to choose.
        inharmonicity: ``piano``, ``none``, or how many times as stiff the strings are.

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


def _other_bins(target: PartialMask, scene: Scene) -> Change:
    """What a binary mask does, to the partial that is chosen for each note near these blocks."""
    spectrogram = scene.spectrogram
    margin = target.time_dilation * float(spectrogram.window_seconds.max())
    notes = sounding_in(spectrogram, scene.reference, margin)
    numbers = _chosen(target, notes, scene)
    region = target.region(spectrogram, notes, numbers)
    fill = target.fill_region(spectrogram, notes, region, scene.key)
    others = _not_meant(target, spectrogram, notes, numbers)
    return Change(fill.apply, region, others, target.stiffness)


def _other_shares(target: PartialMask, scene: Scene) -> Change:
    """What a ratio mask does, to the partial that is chosen for each note of the recording: what
    the rest is like here is read from its surroundings, so notes elsewhere count, too."""
    spectrogram, notes = scene.spectrogram, scene.reference
    overview = scene.overview or Overview.of(spectrogram)
    known = target
    if target.inharmonicity == ESTIMATE:  # a ratio mask finds it with all else
        known = replace(target, inharmonicity=overview.partials(notes, ESTIMATE).stiffness)

    def chosen() -> NDArray[np.int64]:
        # a few notes at a time: each is compared with all that sound within a few seconds of them
        starts = range(0, max(len(notes), 1), _NOTES_AT_ONCE)
        return np.concatenate(
            [_chosen(known, notes[start : start + _NOTES_AT_ONCE], scene) for start in starts]
        )

    what = ("free partials", scene.key, target.partials, target.inharmonicity)
    numbers = overview.once(what, notes, chosen)
    change = target.shares_changed(replace(scene, overview=overview), numbers)
    # a note is heard wherever half a window reaches it, and while it dies away
    near = is_near(spectrogram, notes, float(spectrogram.window_seconds.max()) / 2 + TAIL_SECONDS)
    others = _not_meant(known, spectrogram, notes[near], numbers[near])
    return replace(change, bystanders=others)


def _chosen(target: PartialMask, notes: Notes, scene: Scene) -> NDArray[np.int64]:
    """``(notes, 1)`` the free partial of each note that is touched in place of the target's."""
    numbers = free_partials(
        notes,
        scene.reference,
        scene.key,
        exclude=target.partials,
        inharmonicity=target.inharmonicity,
    )
    return numbers[:, None]


def _not_meant(
    target: PartialMask, spectrogram: Spectrogram, notes: Notes, numbers: NDArray[np.int64]
) -> Callable[[], Mask]:
    """Makes the bins of the partials that are not meant, where those that are chosen are the
    ``numbers`` ``(notes, 1)``."""
    every = np.array(COUNTED_PARTIALS)
    partials = numbers if target.keep else np.where(every == numbers, 0, every)
    return lambda: target.bands(spectrogram, notes, partials)


def _shuffled_below(target: HighFreq, scene: Scene) -> Change:
    """As many bins as lie above the cutoff, drawn below it and shuffled."""
    spectrogram = scene.spectrogram
    first = target.first_bins(spectrogram, scene.notes)
    counts = np.minimum(len(spectrogram.frequencies) - first, first)
    moves = shuffle_drawn(
        spectrogram, torch.from_numpy(first), torch.from_numpy(counts), scene.key, target.draw_mode
    )
    return Change(moves.apply, moves.touched(spectrogram))
