"""Notes → masks on a spectrogram: which bins belong to which partial, and when.

A mask covers, for every sounding note and every wanted partial, the bins whose centre is within
the half-width of the partial (never less than the nearest bin), in the frames from onset − d to
offset + d, where d is ``time_dilation`` times the analysis window of the partial's bin (a long
window smears a note beyond its ends). All frequencies shift with the recording's tuning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pi_amt.core.notes import Notes
from pi_amt.core.partials import partial_frequencies
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.core.units import Floats, hz_to_midi, ratio_to_cents

Mask = NDArray[np.bool_]

#: how much of a note counts as its onset, seconds
ONSET_SECONDS = 0.05
ONSETS = ("all", "spare", "only")
#: partials of sounding notes whose loss counts as collateral where they are not meant
COUNTED_PARTIALS = tuple(range(1, 11))
# Bins exactly on the edge of a band count as inside, whatever the rounding of logarithms.
_EDGE_CENTS = 1e-6


def default_half_width_cents(spectrogram: Spectrogram) -> float:
    """Half-width of a mask that holds a steady partial, from the front end's geometry.

    The larger of two reaches, rounded up to 10 cents: the half main lobe of a Hann window,
    2 / window_seconds (median over bins); and the second bin on either side of the bin nearest
    to any equal-tempered note, 2 bin spacings + the largest distance of a note from its bin.
    Basic Pitch (Q 51.4, 36 bins per octave, bins on the notes): lobe 67, reach 66.7 → 70 cents.
    Timbre-Trap (60 bins per octave, 3.44 cents flat): lobe 20, reach 43.4 → 50 cents.
    """
    geometry = (spectrogram.frequencies, spectrogram.window_seconds)
    return _default_half_width(*(np.ascontiguousarray(g, np.float64).tobytes() for g in geometry))


@lru_cache(maxsize=8)
def _default_half_width(frequencies: bytes, window_seconds: bytes) -> float:
    f, window = np.frombuffer(frequencies), np.frombuffer(window_seconds)
    lobe = float(np.median(ratio_to_cents(1.0 + 2.0 / (f * window))))
    if len(f) < 2:
        return float(10.0 * np.ceil(lobe / 10.0 - _EDGE_CENTS))
    spacing = float(np.median(np.diff(ratio_to_cents(f))))
    reach = 2.0 * spacing + _misalignment_cents(f, spacing)
    return float(10.0 * np.ceil(max(lobe, reach) / 10.0 - _EDGE_CENTS))


def _misalignment_cents(frequencies: Floats, spacing: float) -> float:
    """Largest distance of an equal-tempered note inside the range from its nearest bin."""
    midi = hz_to_midi(frequencies)
    notes = np.arange(np.ceil(midi[0]), np.floor(midi[-1]) + 1.0)
    if len(notes) == 0:
        return spacing / 2.0
    right = np.clip(np.searchsorted(midi, notes), 1, len(midi) - 1)
    distance = np.minimum(np.abs(notes - midi[right - 1]), np.abs(notes - midi[right]))
    return float(100.0 * distance.max())


def sounding_in(spectrogram: Spectrogram, notes: Notes, margin_seconds: float = 0.0) -> Notes:
    """The notes that sound within ``margin_seconds`` of the given blocks."""
    return notes[_is_near(spectrogram, notes, margin_seconds)]


def _is_near(spectrogram: Spectrogram, notes: Notes, margin_seconds: float) -> NDArray[np.bool_]:
    """``(notes,)``: whether a note sounds within ``margin_seconds`` of the given blocks."""
    if spectrogram.times.size == 0:
        return np.zeros(len(notes), dtype=np.bool_)
    start = spectrogram.times.min() - margin_seconds
    stop = spectrogram.times.max() + margin_seconds
    return np.asarray((notes.onsets <= stop) & (notes.offsets >= start))


def partial_mask(
    spectrogram: Spectrogram,
    notes: Notes,
    partials: Sequence[int] | NDArray[np.int64] = (1,),
    *,
    half_width_cents: float | None = None,
    time_dilation: float = 0.25,
    inharmonicity: str = "piano",
    onset: str = "all",
) -> Mask:
    """Bins and frames of the given partials of all sounding notes.

    Args:
        spectrogram: some or all blocks of a recording; only its geometry is read.
        notes: of the whole recording; those far from the blocks cost nothing.
        partials: partial numbers ``(n,)`` common to all notes, or ``(notes, n)`` per note
            (0 = none).
        half_width_cents: ``None`` chooses :func:`default_half_width_cents`.
        time_dilation: share of the partial's analysis window that is added on each side.
        inharmonicity: ``piano`` or ``none``.
        onset: ``all``; ``only`` keeps the part up to 50 ms after each note's onset, ``spare`` the
            part from there on.

    Returns:
        ``(blocks, bins, frames)`` bool.
    """
    numbers = np.asarray(partials, dtype=np.int64)
    numbers = np.broadcast_to(numbers, (len(notes), numbers.shape[-1]))
    mask = np.zeros(spectrogram.grid, dtype=np.bool_)
    if mask.size == 0 or len(notes) == 0:
        return mask
    near = _is_near(spectrogram, notes, time_dilation * float(spectrogram.window_seconds.max()))
    width = half_width_cents
    if width is None:
        width = default_half_width_cents(spectrogram)
    bands = _bands(spectrogram, notes[near], numbers[near], width, inharmonicity)
    dilation = time_dilation * spectrogram.window_seconds[bands.centre]
    start, stop = _begin_and_end(notes[near], bands.note, dilation, onset)
    for page, times in zip(mask, spectrogram.times, strict=True):
        left = np.searchsorted(times, start, side="left")
        right = np.searchsorted(times, stop, side="right")
        here = right > left
        corners = (bands.low[here], bands.high[here], left[here], right[here])
        for low, high, begin, end in zip(*(c.tolist() for c in corners), strict=True):
            page[low:high, begin:end] = True
    return mask


def _begin_and_end(
    notes: Notes, of: NDArray[np.intp], dilation: Floats, onset: str
) -> tuple[Floats, Floats]:
    """When bands begin and end, seconds ``(bands,)`` each, both ends included.

    Args:
        notes: that the bands belong to.
        of: ``(bands,)`` number of each band's note.
        dilation: ``(bands,)`` seconds that are added on each side.
        onset: see :func:`partial_mask`.
    """
    start, stop = notes.onsets[of], notes.offsets[of] + dilation
    split = start + ONSET_SECONDS
    if onset == "spare":
        return split, stop
    if onset == "only":
        # not the frame at the split itself: that one belongs to "spare"
        stop = np.minimum(stop, np.nextafter(split, -np.inf))
    return start - dilation, stop


@dataclass(frozen=True)
class _Bands:
    """Bin ranges ``[low, high)`` of partials, the nearest bin, and the note each belongs to."""

    note: NDArray[np.intp]
    centre: NDArray[np.intp]
    low: NDArray[np.intp]
    high: NDArray[np.intp]


def _bands(
    spectrogram: Spectrogram,
    notes: Notes,
    partials: NDArray[np.int64],
    half_width_cents: float,
    inharmonicity: str,
) -> _Bands:
    frequencies = partial_frequencies(
        notes.pitches[:, None],
        np.maximum(partials, 1),
        inharmonicity=inharmonicity,
        tuning_cents=spectrogram.tuning_cents,
    )
    note = np.broadcast_to(np.arange(len(notes))[:, None], partials.shape)[partials > 0]
    cents = ratio_to_cents(frequencies[partials > 0])
    bins = ratio_to_cents(spectrogram.frequencies)
    edges = (bins[1:] + bins[:-1]) / 2.0
    centre = np.searchsorted(edges, cents, side="right")
    reach = half_width_cents + _EDGE_CENTS
    low = np.searchsorted(bins, cents - reach, side="left")
    high = np.searchsorted(bins, cents + reach, side="right")
    # Never below one bin, unless the partial lies beyond the ends of the frequency axis.
    half_bin = (bins[-1] - bins[0]) / max(len(bins) - 1, 1) / 2.0
    inside = (cents >= bins[0] - half_bin) & (cents <= bins[-1] + half_bin)
    low = np.where(inside, np.minimum(low, centre), low)
    high = np.where(inside, np.maximum(high, centre + 1), high)
    some = high > low
    return _Bands(note[some], centre[some], low[some], high[some])


def onset_frames(spectrogram: Spectrogram, notes: Notes) -> Mask:
    """``(blocks, frames)`` bool: frames within the first 50 ms of any note."""
    near = sounding_in(spectrogram, notes, ONSET_SECONDS)
    starts = np.sort(near.onsets)
    begun = np.searchsorted(starts, spectrogram.times, side="right")
    over = np.searchsorted(starts, spectrogram.times - ONSET_SECONDS, side="right")
    return np.asarray(begun > over)


def highest_fundamental(spectrogram: Spectrogram, notes: Notes) -> Floats:
    """``(blocks, frames)`` frequency in Hz of the highest sounding fundamental, tuning included;
    infinity where no note sounds."""
    near = sounding_in(spectrogram, notes)
    near = near[np.argsort(near.pitches, kind="stable")]
    frequencies = partial_frequencies(near.pitches, 1, tuning_cents=spectrogram.tuning_cents)
    highest = np.full(spectrogram.times.shape, np.inf)
    for block, times in enumerate(spectrogram.times):
        left = np.searchsorted(times, near.onsets, side="left")
        right = np.searchsorted(times, near.offsets, side="right")
        # From low to high: what is painted last is the highest.
        for begin, end, hz in zip(left.tolist(), right.tolist(), frequencies.tolist(), strict=True):
            highest[block, begin:end] = hz
    return highest
