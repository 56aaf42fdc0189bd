"""Notes → masks on a spectrogram: which bins belong to which partial, and when.

A mask covers, for every sounding note and every wanted partial, the bins that a steady partial
reaches (never less than the nearest bin), in the frames from onset − d to offset + d, where d is
``time_dilation`` times the analysis window of the partial's bin (a long window smears a note beyond
its ends). All frequencies shift with the recording's tuning. A note with a contour is several notes
here, one for each step of its pitch, and a mask covers the bins of all of them.

How far a partial reaches follows from the front end:

* On a constant-Q axis it is one number of cents on either side, :func:`default_half_width_cents`.
* On any other axis (mel, STFT) each bin has its own reach: the half main lobe of its Hann window,
  2 / window_seconds in Hz, plus the distance to the next bin on the partial's side, and at least
  ``LEAST_CENTS``. One number of cents would leave low partials where they are and take the
  neighbours of high ones.
* A front end that knows its :attr:`~pi_amt.Spectrogram.response` gets exactly the bins in which it
  hears the partial at more than ``RESPONSE_DB``.

A ``half_width_cents`` that is given holds on every axis.
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
from pi_amt.core.units import Floats, db_to_power_ratio, hz_to_midi, ratio_to_cents

Mask = NDArray[np.bool_]
#: partial numbers ``(n,)`` common to all notes, or ``(notes, n)`` per note, 0 = none
Partials = Sequence[int] | NDArray[np.int64]

#: how much of a note counts as its onset, seconds
ONSET_SECONDS = 0.05
ONSETS = ("all", "spare", "only")
#: partials of sounding notes whose loss counts as collateral where they are not meant
COUNTED_PARTIALS = tuple(range(1, 11))
#: least half-width on an axis that is not constant-Q: what a tone may be off its nominal pitch
LEAST_CENTS = 50.0
#: a bin is part of a partial where a known response is above this, dB under its peak
RESPONSE_DB = -30.0
# How much spacing in pitch and periods per window may vary on a constant-Q axis.
_EVEN = 0.01
# Bins exactly on the edge of a band count as inside, whatever the rounding of logarithms.
_EDGE_CENTS = 1e-6
# Points of a triangular band at which the response of the window is averaged.
_POINTS = 17


def default_half_width_cents(spectrogram: Spectrogram) -> float:
    """Half-width of a mask that holds a steady partial, from a constant-Q front end's geometry.

    The larger of two reaches, rounded up to 10 cents: the half main lobe of a Hann window,
    2 / window_seconds (median over bins); and the second bin on either side of the bin nearest
    to any equal-tempered note, 2 bin spacings + the largest distance of a note from its bin.
    Basic Pitch (Q 51.4, 36 bins per octave, bins on the notes): lobe 67, reach 66.7 → 70 cents.
    Timbre-Trap (60 bins per octave, 3.44 cents flat): lobe 20, reach 43.4 → 50 cents.
    """
    return _default_half_width(*axis_bytes(spectrogram))


def axis_bytes(spectrogram: Spectrogram) -> tuple[bytes, bytes]:
    """Frequencies and window lengths of the bins, float64, as what caches can hash."""
    frequencies, windows = (
        np.ascontiguousarray(values, np.float64).tobytes()
        for values in (spectrogram.frequencies, spectrogram.window_seconds)
    )
    return frequencies, windows


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


def is_constant_q(spectrogram: Spectrogram) -> bool:
    """Whether bins are evenly spaced in pitch and most windows hold the same number of periods
    (Timbre-Trap's are limited to 3 s, which cuts those of its lowest 85 bins)."""
    return _is_constant_q(spectrogram.frequencies, spectrogram.window_seconds)


def _is_constant_q(hz: Floats, window_seconds: Floats) -> bool:
    if len(hz) < 2:
        return True
    spacing, periods = np.diff(ratio_to_cents(hz)), hz * window_seconds
    even = np.abs(spacing - np.median(spacing)) <= _EVEN * np.median(spacing)
    alike = np.abs(periods / np.median(periods) - 1.0) <= _EVEN
    return bool(even.all() and alike.mean() > 0.5)


def _catchments(spectrogram: Spectrogram, half_width_cents: float | None) -> tuple[Floats, Floats]:
    """Lowest and highest partials ``(bins,)`` that a bin belongs to, cents above 1 Hz, both made to
    ascend, so that the bins of a partial are one range."""
    width, own = half_width_cents, False
    if width is None:
        own = not is_constant_q(spectrogram)
        width = LEAST_CENTS if own else default_half_width_cents(spectrogram)
    return _catchments_of(*axis_bytes(spectrogram), width, own)


@lru_cache(maxsize=32)
def _catchments_of(
    frequencies: bytes, window_seconds: bytes, width_cents: float, own: bool
) -> tuple[Floats, Floats]:
    hz, lobe = np.frombuffer(frequencies), 2.0 / np.frombuffer(window_seconds)
    cents = ratio_to_cents(hz)
    lowest, highest = cents - width_cents - _EDGE_CENTS, cents + width_cents + _EDGE_CENTS
    if own:
        below, above = spacings(hz)
        bottom = np.maximum(hz - lobe - below, np.finfo(np.float64).tiny)
        lowest = np.minimum(lowest, ratio_to_cents(bottom))
        highest = np.maximum(highest, ratio_to_cents(hz + lobe + above))
    return np.minimum.accumulate(lowest[::-1])[::-1], np.maximum.accumulate(highest)


def spacings(hz: Floats) -> tuple[Floats, Floats]:
    """Distance ``(bins,)`` of each bin from the one below and the one above, Hz; at the ends of the
    axis as on the other side, and 0 on an axis of one bin."""
    if len(hz) < 2:
        return np.zeros(1), np.zeros(1)
    steps = np.diff(hz)
    return np.append(steps[:1], steps), np.append(steps, steps[-1:])


def sounding_in(spectrogram: Spectrogram, notes: Notes, margin_seconds: float = 0.0) -> Notes:
    """The notes that sound within ``margin_seconds`` of the given blocks."""
    return notes[is_near(spectrogram, notes, margin_seconds)]


def is_near(spectrogram: Spectrogram, notes: Notes, margin_seconds: float) -> NDArray[np.bool_]:
    """``(notes,)``: whether a note sounds within ``margin_seconds`` of the given blocks."""
    if spectrogram.times.size == 0:
        return np.zeros(len(notes), dtype=np.bool_)
    start = spectrogram.times.min() - margin_seconds
    stop = spectrogram.times.max() + margin_seconds
    return np.asarray((notes.onsets <= stop) & (notes.offsets >= start))


def partial_mask(
    spectrogram: Spectrogram,
    notes: Notes,
    partials: Partials = (1,),
    *,
    half_width_cents: float | None = None,
    time_dilation: float = 0.25,
    inharmonicity: str | float = "piano",
    onset: str = "all",
) -> Mask:
    """Bins and frames of the given partials of all sounding notes.

    Args:
        spectrogram: some or all blocks of a recording; only its geometry is read.
        notes: of the whole recording; those far from the blocks cost nothing.
        partials: partial numbers, see :data:`Partials`.
        half_width_cents: ``None`` chooses what the front end needs, bin by bin.
        time_dilation: share of the partial's analysis window that is added on each side.
        inharmonicity: ``piano``, ``none``, or how many times as stiff the strings are.
        onset: ``all``; ``only`` keeps the part up to 50 ms after each note's onset, ``spare`` the
            part from there on.

    Returns:
        ``(blocks, bins, frames)`` bool.
    """
    numbers = numbers_of(partials, len(notes))
    mask = np.zeros(spectrogram.grid, dtype=np.bool_)
    if mask.size == 0 or len(notes) == 0:
        return mask
    near = is_near(spectrogram, notes, time_dilation * float(spectrogram.window_seconds.max()))
    notes, numbers = notes[near], numbers[near]
    steps, of = notes.steps()
    bands = _bands(spectrogram, steps, numbers[of], half_width_cents, inharmonicity)
    dilation = time_dilation * spectrogram.window_seconds[bands.centre]
    start, stop = _begin_and_end(steps, notes.onsets[of], bands.note, dilation, onset)
    for page, times in zip(mask, spectrogram.times, strict=True):
        left = np.searchsorted(times, start, side="left")
        right = np.searchsorted(times, stop, side="right")
        here = right > left
        corners = (bands.low[here], bands.high[here], left[here], right[here])
        for low, high, begin, end in zip(*(c.tolist() for c in corners), strict=True):
            page[low:high, begin:end] = True
    return mask


def numbers_of(partials: Partials, n_notes: int) -> NDArray[np.int64]:
    """The partial numbers of every note, ``(notes, n)``."""
    numbers = np.asarray(partials, dtype=np.int64)
    return np.broadcast_to(numbers, (n_notes, numbers.shape[-1]))


def _begin_and_end(
    notes: Notes, begun: Floats, of: NDArray[np.intp], dilation: Floats, onset: str
) -> tuple[Floats, Floats]:
    """When bands begin and end, seconds ``(bands,)`` each, both ends included.

    Args:
        notes: that the bands belong to, or steps of them.
        begun: ``(notes,)`` onset of each one, of a step that of its note.
        of: ``(bands,)`` number of each band's note.
        dilation: ``(bands,)`` seconds that are added on each side.
        onset: see :func:`partial_mask`.
    """
    start, stop = notes.onsets[of] - dilation, notes.offsets[of] + dilation
    split = begun[of] + ONSET_SECONDS
    if onset == "spare":
        return np.maximum(start, split), stop
    if onset == "only":
        # not the frame at the split itself: that one belongs to "spare"
        stop = np.minimum(stop, np.nextafter(split, -np.inf))
    return start, stop


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
    half_width_cents: float | None,
    inharmonicity: str | float,
) -> _Bands:
    frequencies = partial_frequencies(
        notes.pitches[:, None],
        np.maximum(partials, 1),
        inharmonicity=inharmonicity,
        tuning_cents=spectrogram.tuning_cents,
    )
    note = np.broadcast_to(np.arange(len(notes))[:, None], partials.shape)[partials > 0]
    centre, low, high = bins_of(spectrogram, frequencies[partials > 0], half_width_cents)
    some = high > low
    return _Bands(note[some], centre[some], low[some], high[some])


def bins_of(
    spectrogram: Spectrogram, hz: Floats, half_width_cents: float | None
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Nearest bin, first bin and end ``(partials,)`` of the bins of partials at ``hz``; where a
    partial lies beyond the axis, the end is not above the first bin."""
    cents = ratio_to_cents(hz)
    bins = ratio_to_cents(spectrogram.frequencies)
    edges = (bins[1:] + bins[:-1]) / 2.0
    centre = np.searchsorted(edges, cents, side="right")
    if half_width_cents is None and spectrogram.response is not None:
        low, high = _heard(spectrogram, hz, centre)
    else:
        lowest, highest = _catchments(spectrogram, half_width_cents)
        low = np.searchsorted(highest, cents, side="left")
        high = np.searchsorted(lowest, cents, side="right")
    # Never below one bin, unless the partial lies beyond the ends of the frequency axis.
    half_bin = (bins[-1] - bins[0]) / max(len(bins) - 1, 1) / 2.0
    inside = (cents >= bins[0] - half_bin) & (cents <= bins[-1] + half_bin)
    low = np.where(inside, np.minimum(low, centre), low)
    high = np.where(inside, np.maximum(high, centre + 1), high)
    return centre, low, high


def _heard(
    spectrogram: Spectrogram, hz: Floats, centre: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First bin and end ``(partials,)`` of where the front end's own response to a partial is above
    ``RESPONSE_DB``, against that of the nearest bin to a tone at its centre; none: (0, 0)."""
    tones, of = np.unique(hz, return_inverse=True)
    nearest, own = np.unique(centre, return_inverse=True)
    peak = own_response(spectrogram, spectrogram.frequencies[nearest])
    least = peak[np.arange(len(nearest)), nearest] * db_to_power_ratio(RESPONSE_DB)
    heard = own_response(spectrogram, tones)[of] > least[own][:, None]
    first, last = heard.argmax(axis=1), heard.shape[1] - heard[:, ::-1].argmax(axis=1)
    return first, np.where(heard.any(axis=1), last, 0)


def has_single_windows(spectrogram: Spectrogram) -> bool:
    """Whether a bin hears what its Hann window at its frequency hears. So it is on a constant-Q
    axis and wherever bins are as far apart as their windows can tell frequencies apart, or an even
    part of that (an STFT, a Gabor frame)."""
    below, _ = spacings(spectrogram.frequencies)
    resolved = below * spectrogram.window_seconds
    return is_constant_q(spectrogram) or bool(np.allclose(resolved, np.median(resolved), rtol=0.1))


def steady_response(spectrogram: Spectrogram, hz: Floats) -> Floats:
    """Power ``(tones, bins)`` of steady tones: the front end's own account, or that of its Hann
    windows. Where its bins are not single windows, each is taken for a triangular band that ends at
    its neighbours' centres."""
    if spectrogram.response is not None:
        return own_response(spectrogram, hz)
    distance = hz[:, None] - spectrogram.frequencies
    if has_single_windows(spectrogram):
        return hann_response(distance * spectrogram.window_seconds)
    below, above = spacings(spectrogram.frequencies)
    places = np.linspace(-1.0, 1.0, _POINTS + 2)[1:-1]
    power = np.zeros_like(distance)
    for place in places:
        offset = place * (below if place < 0 else above)
        power += (1.0 - abs(place)) * hann_response(
            (distance - offset) * spectrogram.window_seconds
        )
    return np.asarray(power / (1.0 - np.abs(places)).sum())


def hann_response(x: Floats) -> Floats:
    """Power response of a Hann window at ``x`` in units of 1 / its length, 1 at 0."""
    # at ±1 the sinc is 0 and the limit ½: a hair beside it is near enough
    x = np.where(np.abs(np.abs(x) - 1.0) < 1e-6, 1.0 + 1e-6, x)
    return np.asarray((np.sinc(x) / (1.0 - x**2)) ** 2)


def own_response(spectrogram: Spectrogram, hz: Floats) -> Floats:
    """Power ``(tones, bins)`` of steady tones, from a front end that knows its response.

    Raises:
        ValueError: if what it gives is not a power for every tone and bin.
    """
    assert spectrogram.response is not None
    power = np.asarray(spectrogram.response(hz), dtype=np.float64)
    expected = (len(hz), len(spectrogram.frequencies))
    if power.shape != expected or not (np.isfinite(power).all() and (power >= 0).all()):
        raise ValueError(
            f"response: got shape {power.shape} or values that are no powers, expected a power, at "
            f"least 0, for each of {expected} (tones, bins)"
        )
    return power


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
    near, _ = sounding_in(spectrogram, notes).steps()
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
