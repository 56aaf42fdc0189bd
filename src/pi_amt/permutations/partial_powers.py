"""How much of the power of each bin belongs to which partial: what ratio masks are made of.

A ratio mask multiplies each bin by the root of a share of its power (the ideal ratio mask of source
separation). The shares of a real recording must be estimated. Its notes are known, so the power of
a bin is modelled as

    V(b, t) ≈ Σ_n Σ_k Σ_a  w(n, k, a) · H_b(f_nk, t − onset_n; τ_a)  +  N(b, t)

over notes n, their partials k and five decays τ_a, with all w ≥ 0: a non-negative matrix
factorisation whose atoms are given (Ewert & Müller, "Using score-informed constraints for NMF-based
source separation", ICASSP 2012). What sets it apart:

* **The response H is in closed form.** It is the power that a Hann window of the bin's length shows
  of a tone that *begins* at the onset and decays: while the onset is inside the window the tone is
  smeared over many bins around its own, later it stands in the window's main lobe. The bands of
  other front ends, such as mel bands, are brought to this form by the power that a steady tone has
  in them (:class:`_Axis`).
* **The weights** w minimise the Itakura–Saito divergence, under which a misfit of so many dB counts
  as much in a quiet partial as in one that is 20 dB louder (Févotte, Bertin & Durrieu, Neural
  Computation 2009). At first notes of one pitch share the balance of their partials, then each
  partial finds a weight of its own.
* **What the decays miss** is measured. A string's sound beats and decays in ways of its own. Where
  what a mask leaves is heard alone, before or after the partials that it removes, the recording
  shows how far this sound departs from the model, and the correction is carried over to the frames
  between (:meth:`PartialPowers.gains`).
* **A room** goes on smearing after an onset, since its reflections arrive one by one. What is kept
  has this smear, too (:class:`Spread`).
* **The residual** N is not learnt but measured: the lower quartile of the magnitudes within half an
  octave on either side. Most of these bins hold hammers and room, and the few that hold partials
  hardly change it. How much of it is left where partials were depends on what the network hears
  (:meth:`PartialPowers.left_residual`).
* **A network that hears logarithms** hears the weakest sounds, too. For its input more rounds are
  spent on the weights. Partials that stand out too little are neither removed nor kept, and those
  that are not to be removed count in full as part of the rest (:attr:`PartialPowers.doubted`).
* **Tuning and stiffness** of the strings are estimated from the peaks that the recording has near
  the expected partials.

Everything is learnt from an :class:`Overview`, which holds the power of a whole recording at about
43 frames per second. Shares are then computed for any blocks at their full frame rate, so that a
recording can stream by, and one overview serves every set of partials.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.sparse import csr_array

from pi_amt.core.notes import Notes
from pi_amt.core.partials import STIFFNESSES, partial_frequencies, piano_inharmonicity
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.core.units import Floats, db_to_power_ratio, midi_to_hz, ratio_to_cents
from pi_amt.permutations.regions import (
    RESPONSE_DB,
    hann_response,
    has_single_windows,
    numbers_of,
    steady_response,
)

Powers = NDArray[np.float32]
Found = TypeVar("Found")

#: Of the shares, by whether partials are kept: raised where the same recording and notes give
#: others. Version 1 knew three decays and no departure from them. Version 2 kept partials without
#: departures and without the smear of a room.
VERSIONS = {False: "2", True: "3"}
#: What is added to them, by whether partials are kept and by the ``linear_input`` of the
#: spectrogram: inputs of all kinds were once treated alike. Under version 2.2, what was removed
#: from a logarithmic input had weights of its own.
ADDED_VERSIONS: dict[bool, dict[bool | None, str]] = {
    False: {None: "", True: ".1", False: ".3"},
    True: {None: "", True: "", False: ".1"},
}
#: of a mask: its partials are where those of the recording are found to be
ESTIMATE = "estimate"
#: partials that are modelled; those of high notes end with the frequency axis
N_PARTIALS = 16
OVERVIEW_FRAME_RATE = 43.0
#: of amplitude, seconds: from the fast first stage of a piano's decay to ringing, an octave apart
DECAY_SECONDS = (0.08, 0.16, 0.35, 0.7, 1.4)
_DECAYS = np.array(DECAY_SECONDS)
#: time constant of a note's amplitude after its offset: damper and room
RELEASE_SECONDS = 0.1
#: so long after its offset, and half a window, a note is still heard
TAIL_SECONDS = 3 * RELEASE_SECONDS
#: how far the table of responses reaches, in units of 1 / window length
ONSET_REACH = 60.0
#: of the amplitude of a room's reflections, seconds
REVERBERATION_SECONDS = 0.08


@dataclass(frozen=True)
class Spread:
    """How a partial is heard in other bins than its own.

    Attributes:
        reach: how far while it sounds, in units of 1 / window length.
        onset_reach: how far at its onset.
        attack_order, attack_seconds: A tone needs a while to rise, so its smear is weaker than a
            step's: at a distance of f Hz by 1 + (2πf · seconds)², to the power of the order.
        reverberation: power of the reflections of an onset, relative to the onset's own.
    """

    reach: float
    onset_reach: float
    attack_order: int
    attack_seconds: float
    reverberation: float


#: of all partials while weights are learnt, and of those that are removed: main lobe and first side
#: lobes
FITTED = Spread(3.0, ONSET_REACH, 1, 0.003, 0.0)
#: A kept sound has more side lobes and a room: a mask that stopped short would leave a depth that
#: no sound has. Its values are those that were nearest to the truth on development recordings.
KEPT = Spread(12.0, math.inf, 2, 0.002, 0.1)
#: power of the residual over the squared lower quartile of magnitudes, while weights are learnt
_RESIDUAL = 0.9
# The same, of what a mask leaves where partials were: from one frequency to the other it rises with
# the logarithm of the frequency. In the bass half an octave holds few bins that no partial smears
# into, so that the quartile overstates what is between them.
_LEFT_RESIDUAL_HZ, _LEFT_RESIDUAL = (200.0, 800.0), (0.2, 0.5)
# The same, if the network hears a logarithm: so much where the quartile is that of the modelled
# partials; and where they explain nothing of it, the median power of Gaussian noise.
_LEFT_RESIDUAL_LOGARITHMIC = (0.06, 0.5)
_MEDIAN_OVER_QUARTILE = math.log(2) / math.log(4 / 3)
# the same, if the network hears linear values
_LEFT_RESIDUAL_LINEAR = 1.0
# For Gaussian noise the squared lower quartile is 0.29 of the mean power, so noise alone reads 3.5.
# A partial must stand 8 dB above that to be believed; otherwise a mask that keeps partials would
# find them in noise, too, and so write the notes into it.
_BELIEVED_OVER_RESIDUAL = 25.0
# A bin so many times as loud as the model holds a sound that is not among the notes: of it no more
# than the modelled power is kept.
_TRUSTED_UP_TO = 100.0
#: a share of power below this is nothing: the bin stays as it is
NEGLIGIBLE = 1e-6
_SHARED_ROUNDS, _OWN_ROUNDS = 15, 20
_THOROUGH_ROUNDS = 30
_LARGEST_STEP = 1e6
# The departure of the rest from its model is the line through the logarithms around a frame: with
# weights that fall by a Gaussian of this width, and by this power of the rest's share of the bin,
# so that only frames in which it is heard nearly alone count. Two weights that pull towards none,
# for the line's height and for its slope, count as if that many frames, and squared seconds,
# agreed with the model. It is computed for so many frames at a time, about 46 ms apart.
_DEPARTURE_SECONDS, _DEPARTURE_SHARE_POWER, _LARGEST_DEPARTURE = 0.3, 4, 5.0
_DEPARTURE_HEIGHT_PRIOR, _DEPARTURE_SLOPE_PRIOR = 0.3, 0.1
_DEPARTURE_STEP, _DEPARTURE_FRAMES, _DEPARTURE_RADIUS = 2, 512, 3
_WINDOW_SECONDS, _GUARD_SECONDS = 20.0, 2.0
# A window of so many notes is shorter: a note takes up to a megabyte while it is learnt.
_NOTES_AT_ONCE = 300
# The residual is measured at every fourth bin and interpolated.
_RESIDUAL_STEP, _RESIDUAL_QUANTILE, _RESIDUAL_CENTS = 4, 0.25, 600.0
# As many onsets of notes are remembered as have so many cells, 12 bytes each, and at most so many.
_REMEMBERED_CELLS, _REMEMBERED_ONSETS = 8_000_000, 192
# of an onset, so many are worked on together: what lies between stays in the cache
_CELLS_AT_ONCE = 2**14
# In units of 1 / window: so far, four main lobes lie beside each other.
_RESIDUAL_REACH = 8.0
_SMALLEST_RESPONSE = 10**-4.5
#: inharmonicity → stiffnesses among which that of a recording is looked for; those of an instrument
#: that is not known to be a piano begin at none
_TRIED: dict[str, Sequence[float]] = {
    "piano": (2.0 ** np.linspace(-1.6, 1.6, 33)).tolist(),
    "none": [0.0],
    ESTIMATE: [0.0, *(2.0 ** np.linspace(-4.0, 2.0, 61)).tolist()],
}
# of an overview, where the whole of it is worked on: bounds memory, changes no result
_FRAMES_AT_ONCE = 4096

# Grid of the table of responses: log2 of (window / decay), distance in bins, time in windows.
_RATES_PER_OCTAVE, _DISTANCES_PER_BIN = 2, 16
_RATES = np.arange(-6.0, 7.01, 1 / _RATES_PER_OCTAVE)
_DISTANCES = np.arange(0.0, ONSET_REACH + 0.5 / _DISTANCES_PER_BIN, 1 / _DISTANCES_PER_BIN)
_TIMES = np.linspace(-0.5, 0.5, 65)
# The main lobe of a Hann window, and the width of a band without side lobes that hears as much of
# noise, in units of 1 / window.
_LOBE_DISTANCES = np.linspace(0.0, 2.0, 257)
_LOBE, _HANN_WIDTH = hann_response(_LOBE_DISTANCES), 1.5


@cache
def response_table() -> Powers:
    """``(rates, distances, times)`` power in a Hann window of a tone that begins and decays.

    With v in window lengths from the window's middle, u the time since the onset, d the distance of
    the tone from the bin in units of 1 / window and γ = window / decay, it is

        | ∫ from −u to ½ of (1 + cos 2πv) · exp((−γ + i2πd)·(v + u)) dv |²

    for −½ ≤ u ≤ ½: 1 at d = 0 for a tone without decay that fills the window.
    """
    table = np.empty((len(_RATES), len(_DISTANCES), len(_TIMES)), dtype=np.float32)
    # at d = 0 and d = 1 without decay the closed form is 0/0, so the grid stands a hair beside them
    turn = 2j * np.pi * (_DISTANCES[:, None] + 1e-7)
    for page, rate in zip(table, 2.0**_RATES, strict=True):
        c = turn - rate

        def primitive(v: Floats, c: NDArray[np.complex128] = c) -> NDArray[np.complex128]:
            """Of the integrand over exp(c·v): the phases alone, which cannot overflow."""
            up, down = c + 2j * np.pi, c - 2j * np.pi
            hann = np.exp(2j * np.pi * v) / up + np.exp(-2j * np.pi * v) / down
            return np.asarray(1.0 / c + 0.5 * hann)

        end = np.exp(turn * 0.5) * primitive(np.array([[0.5]])) * np.exp(-rate * (0.5 + _TIMES))
        begin = np.exp(-turn * _TIMES) * primitive(-_TIMES[None, :])
        page[:] = np.abs(end - begin) ** 2
    return table


def _released(seconds: Floats) -> Floats:
    """By what the damper multiplies the power of a note, so long after its offset."""
    return np.asarray(np.exp(-2 * np.maximum(seconds, 0) / RELEASE_SECONDS))


def _packed(numbers: NDArray[np.intp]) -> NDArray[np.unsignedinteger]:
    """The same numbers, from 0 on, in as few bytes as hold the largest of them."""
    return numbers.astype(np.min_scalar_type(int(numbers.max(initial=0))))


def _table_rows() -> Powers:
    """``(rates · distances, times)``: :func:`response_table`, as rows of time."""
    return response_table().reshape(-1, len(_TIMES))


@cache
def reverberation_table() -> Powers:
    """``(rates, times)`` power, in a Hann window, of an onset's smear and its reflections' smear.

    An onset far from the bin is heard in proportion to the squared window at its place. Reflections
    arrive after it with a power that falls as exp(−a·u), u in window lengths and
    a = 2 · window / :data:`REVERBERATION_SECONDS`, so that together they are heard as

        a · ∫ from −½ to u of exp(−a·(u − v)) · (1 + cos 2πv)² dv

    for −½ ≤ u ≤ ½ with the rates and times of :func:`response_table`; later this only falls.
    """
    a = 2 * 2.0 ** _RATES[:, None]
    table = np.zeros((len(_RATES), len(_TIMES)))
    for number, part in enumerate((1.5, 2.0, 0.5)):  # the squared window is a sum of cosines
        turn = 2 * np.pi * number
        begin = a * (-1) ** number * np.exp(-a * (_TIMES + 0.5))
        wave = a * np.cos(turn * _TIMES) + turn * np.sin(turn * _TIMES) - begin
        table += part * a / (a**2 + turn**2) * wave
    return np.maximum(table, 0).astype(np.float32)


class _Pairs:
    """Pairs of a bin and a tone that it hears, in the order of the bins.

    Attributes:
        bins, tones: ``(n,)`` of each pair.
        heard_in: ``(k,)`` the distinct bins.
        cells: the same bins, as a slice where they follow one another: indexing is then several
            times as fast.
    """

    def __init__(self, bins: NDArray[np.intp], tones: NDArray[np.intp]) -> None:
        self.bins, self.tones = bins, tones
        self._begins = np.flatnonzero(np.diff(bins, prepend=-1))
        self.heard_in = bins[self._begins]
        self.cells: slice | NDArray[np.intp] = self.heard_in
        if len(bins) and len(self.heard_in) == bins[-1] - bins[0] + 1:
            self.cells = slice(int(bins[0]), int(bins[-1]) + 1)

    def sums(self, values: NDArray[Any]) -> NDArray[Any]:
        """``(k, …)`` for each distinct bin the sum of its pairs' values ``(n, …)``."""
        if len(self._begins) == len(values):
            return values
        return np.asarray(np.add.reduceat(values, self._begins, axis=0))


@dataclass(frozen=True, eq=False)
class _Hearing:
    """How the bins hear some tones.

    Attributes:
        begun: the ``n`` pairs in which a tone's onset is heard.
        rows: ``(decays, n)`` row of :func:`_table_rows` for each of them.
        level: ``(n,)`` factor on the power in this row.
        reflected: ``(n,)`` factor on the power of :func:`reverberation_table`; 0 up to a distance
            of 1.5, inside of the main lobe.
        lasting: the ``m`` pairs in which a tone is heard later, while it lasts.
        steady: ``(m, decays)`` power of each decay per unit weight, traced back to the onset.
        longest: ``(tones,)`` the longest window that hears the tone later, seconds.
    """

    begun: _Pairs
    rows: NDArray[np.int32]
    level: Powers
    reflected: Powers
    lasting: _Pairs
    steady: Floats
    longest: Floats


@dataclass(frozen=True, eq=False)
class _Onset:
    """How the windows of all bins fill with a note that begins.

    A cell is a bin and a frame in which its window holds the onset, and is not filled yet. Cells
    are in the order of the bins.

    Attributes:
        filled: ``(bins,)`` the first frame whose window is filled.
        begins: ``(bins + 1,)`` how many cells the bins below have.
        places: ``(cells,)`` of each cell in a spectrogram, bins by frames, that is taken for one
            row.
        columns: ``(cells,)`` the time since the onset, as a column of the table of responses that
            belongs to the bin, where the bins' columns are taken for one row.
        released: ``(cells,)`` by what the damper multiplies.
    """

    filled: NDArray[np.intp]
    begins: NDArray[np.intp]
    places: NDArray[np.unsignedinteger]
    columns: NDArray[np.unsignedinteger]
    released: Powers


class _Axis:
    """How the bins of a front end hear a tone, in terms of their Hann windows.

    A bin that is a single window hears a tone by its distance from the bin's centre. Any other bin
    hears a steady tone as :func:`~pi_amt.permutations.regions.steady_response` says, which uses the
    front end's own response if there is one. Its distance from a tone is the one at which a Hann
    window's response has fallen by as much from its peak. Of a tone outside of the band, it is
    counted from the band's edge, and the smear of an onset is multiplied by the band's width.

    Attributes:
        frequencies: ``(bins,)`` centres, Hz.
        windows: ``(bins,)`` window lengths, seconds.
    """

    def __init__(self, geometry: Spectrogram) -> None:
        self.frequencies, self.windows = geometry.frequencies, geometry.window_seconds
        self._geometry = geometry
        self._has_bands = not has_single_windows(geometry)
        if self._has_bands:
            own = steady_response(geometry, self.frequencies)
            self._peaks = np.maximum(np.diagonal(own), 1e-300)
            area = (own * np.gradient(self.frequencies)[:, None]).sum(axis=0) * self.windows
            self._widths = np.maximum(area / self._peaks / _HANN_WIDTH, 1.0)
        # so many sets of tones are remembered: two for each key of a piano
        self.hearing = lru_cache(maxsize=2 * 88)(self._hearing)
        # every condition asks for the onsets of the same few blocks
        cells = self.windows.sum() * geometry.frame_rate
        most = 1 + min(int(_REMEMBERED_CELLS / cells), _REMEMBERED_ONSETS)
        self.onset = lru_cache(maxsize=most)(self._onset)

    @property
    def highest(self) -> float:
        """Highest frequency of a tone that is heard, Hz."""
        return float(self.frequencies[-1] * 1.02)

    @cached_property
    def margin(self) -> float:
        """Half the longest window, seconds: so long before its onset a note is heard, and so long
        after its end."""
        return float(self.windows.max()) / 2

    def _hearing(self, tones: tuple[float, ...], spread: Spread) -> _Hearing:
        away, levels = self._hears(np.array(tones))
        bins, of = np.nonzero((away <= spread.onset_reach).T)
        distance, windows, level = away[of, bins], self.windows[bins], levels[of, bins]
        near = distance <= spread.reach
        # A tone is heard through two pages of the table for each decay: where it is near, and
        # elsewhere.
        side = 2 * of + near
        tabled = distance <= ONSET_REACH
        count = np.bincount(side[tabled], minlength=2 * len(tones))
        logs = np.bincount(side[tabled], np.log(windows[tabled]), 2 * len(tones))
        rate = np.log2(np.exp(logs / np.maximum(count, 1)) / _DECAYS[:, None]) - _RATES[0]
        pages = np.rint(rate * _RATES_PER_OCTAVE).clip(0, len(_RATES) - 1) * (count > 0)
        places = np.rint(np.minimum(distance, ONSET_REACH) * _DISTANCES_PER_BIN)
        rows = (pages[:, side] * len(_DISTANCES) + places).astype(np.int32)
        outside = distance > 1.5  # of the main lobe, but for its edge
        smooth = 1 / (1 + (2 * np.pi * distance / windows * spread.attack_seconds) ** 2)
        smooth = np.where(outside, smooth**spread.attack_order, 1.0)
        step = np.divide(1, (2 * np.pi * distance) ** 2, out=np.zeros_like(distance), where=outside)
        # further away than the table reaches, a step falls with the square of the distance
        beyond = np.minimum(1, ONSET_REACH / np.maximum(distance, 1)) ** 2
        filled = _table_rows()[rows[:, near], -1] * level[near].astype(np.float32)
        longest = np.zeros(len(tones))
        np.maximum.at(longest, of[near], windows[near])
        return _Hearing(
            begun=_Pairs(bins, of),
            rows=rows,
            level=(smooth * beyond * level).astype(np.float32),
            reflected=(spread.reverberation * smooth * level * step).astype(np.float32),
            lasting=_Pairs(bins[near], of[near]),
            steady=(filled * np.exp(windows[near] / _DECAYS[:, None])).T,
            longest=longest,
        )

    def _onset(self, times: bytes, onset: float, offset: float, start: int, width: int) -> _Onset:
        """Of a note, at times that are the bytes of ``(frames,)`` seconds. These frames begin at
        number ``start`` of a spectrogram of ``width`` frames."""
        seconds = np.frombuffer(times)
        half = self.windows / 2
        first, filled = np.searchsorted(seconds, (onset - half, onset + half))
        count = filled - first
        begins = np.concatenate([[0], np.cumsum(count)])
        bins = np.repeat(np.arange(len(count)), count)
        frames = np.arange(len(bins)) - np.repeat(begins[:-1] - first, count)
        middle = (len(_TIMES) - 1) / 2
        place = (seconds - onset)[frames] * np.repeat(2 * middle / self.windows, count) + middle
        return _Onset(
            filled=filled,
            begins=begins,
            places=_packed(bins * width + (frames + start)),
            columns=_packed(bins * len(_TIMES) + np.rint(place).astype(np.intp)),
            released=_released(seconds - offset).astype(np.float32)[frames],
        )

    @cached_property
    def reverberation(self) -> Powers:
        """``(bins, times)`` of :func:`reverberation_table`."""
        rate = np.log2(self.windows / REVERBERATION_SECONDS) - _RATES[0]
        page = np.rint(rate * _RATES_PER_OCTAVE).clip(0, len(_RATES) - 1)
        return np.asarray(reverberation_table()[page.astype(np.intp)])

    def _hears(self, tones: Floats) -> tuple[Floats, Floats]:
        """Distance of tones ``(tones,)``, Hz, in units of 1 / window, and level of the response
        there, of each bin: both ``(tones, bins)``."""
        if self._has_bands:
            return self._hears_in_bands(tones)
        away = np.abs(tones[:, None] - self.frequencies) * self.windows
        return away, np.ones_like(away)

    def _hears_in_bands(self, tones: Floats) -> tuple[Floats, Floats]:
        steady = steady_response(self._geometry, tones)
        loudest = steady.max(axis=1, keepdims=True, initial=0.0)
        on_axis = loudest > 1e-9 * self._peaks.max()
        share = steady / self._peaks
        away = np.abs(tones[:, None] - self.frequencies) * self.windows
        beyond = away - (self._widths - 1) * _HANN_WIDTH / 2
        inside = share > db_to_power_ratio(RESPONSE_DB)
        distance = np.where(
            inside, np.interp(share, _LOBE[::-1], _LOBE_DISTANCES[::-1]), np.maximum(beyond, 2.0)
        )
        level = self._peaks / np.where(on_axis, loudest, 1.0) * np.where(inside, 1.0, self._widths)
        # where a band hears a tone better than one at its centre, the lobe says 1
        level *= np.where(inside, np.maximum(share, 1.0), 1.0)
        return np.where(on_axis, distance, np.inf), np.where(on_axis, level, 0.0)


class _Sound:
    """The power of some tones of one note, while the windows of bins fill and once they are filled.
    If the spread has reflections, those of the onset are part of both.

    Args:
        axis: of the front end.
        times: ``(all frames,)`` seconds, ascending.
        part: of the frames, those in which the tones may be heard.
        tones: frequencies, Hz.
        onset, offset: of the note, seconds.
        spread: how the tones are heard in other bins than their own.
    """

    def __init__(
        self,
        axis: _Axis,
        times: Floats,
        part: slice,
        tones: tuple[float, ...],
        onset: float,
        offset: float,
        spread: Spread,
    ) -> None:
        self._axis, self._heard = axis, axis.hearing(tones, spread)
        self._reverberates = spread.reverberation > 0
        self._times, self._width = times[part], len(times)
        self._start, self._end = part.start, offset
        self._since = self._times - onset
        self._onset = axis.onset(self._times.tobytes(), onset, offset, part.start, len(times))

    def add_to(self, out: Powers, mix: Floats) -> None:
        """Add the power of the tones to ``(bins, all frames)``, which must be contiguous.

        Args:
            out: to what it is added.
            mix: ``(tones, decays)`` by what the power of each decay, per unit weight, is
                multiplied.
        """
        heard = self._heard
        if len(heard.begun.bins):
            reflected = None
            if self._reverberates:
                reflected = mix.sum(axis=1)[heard.begun.tones] * heard.reflected
                reflected = heard.begun.sums(reflected)
            self._add_while_filling(out, mix, reflected)
            self._add_once_filled(out, mix)
            if reflected is not None:
                self._add_reflections(out, reflected)

    def responses(self) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp], Powers]]:
        """The response of each tone separately: places in a spectrogram ``(bins, all frames)`` that
        is taken for one row, and tones, both ``(cells,)``, and the power ``(decays, cells)`` per
        unit weight there. Reflections are left out."""
        heard, onset = self._heard, self._onset
        bins = heard.begun.bins
        count = np.diff(onset.begins)[bins]
        pair = np.repeat(np.arange(len(bins)), count)
        before = np.cumsum(count) - count
        cell = np.arange(len(pair)) + np.repeat(onset.begins[bins] - before, count)
        column = onset.columns[cell].astype(np.intp) - bins[pair] * len(_TIMES)
        power = _table_rows().take(heard.rows[:, pair] * np.intp(len(_TIMES)) + column)
        power *= heard.level[pair] * onset.released[cell]
        yield onset.places[cell].astype(np.intp), heard.begun.tones[pair], power
        for frames, fading, here in self._once_filled():
            power = (heard.steady.T[:, :, None] * fading[:, None])[:, here].astype(np.float32)
            pair, frame = np.nonzero(here)
            places = heard.lasting.bins[pair] * self._width + (frame + frames.start + self._start)
            yield places, heard.lasting.tones[pair], power

    def _add_while_filling(self, out: Powers, mix: Floats, reflected: Floats | None) -> None:
        heard, onset, bins = self._heard, self._onset, self._heard.begun.heard_in
        lowest, highest = int(bins[0]), int(bins[-1])
        cells = slice(onset.begins[lowest], onset.begins[highest + 1])
        if cells.start < cells.stop:
            weight = mix[heard.begun.tones].astype(np.float32) * heard.level[:, None]
            power = np.einsum("na,ant->nt", weight, _table_rows().take(heard.rows, axis=0))
            power = heard.begun.sums(power)
            if reflected is not None:
                power += reflected[:, None] * self._axis.reverberation[bins]
            if len(bins) < highest + 1 - lowest:
                some, power = power, np.zeros((highest + 1 - lowest, len(_TIMES)), power.dtype)
                power[bins - lowest] = some
            spectrogram = out.reshape(-1)
            for begin in range(cells.start, cells.stop, _CELLS_AT_ONCE):
                part = slice(begin, min(begin + _CELLS_AT_ONCE, cells.stop))
                columns = onset.columns[part].astype(np.intp) - lowest * len(_TIMES)
                places = onset.places[part].astype(np.intp)
                # no place occurs twice; this is several times as fast as indexing
                np.add.at(spectrogram, places, power.take(columns) * onset.released[part])

    def _add_once_filled(self, out: Powers, mix: Floats) -> None:
        heard = self._heard
        for frames, fading, here in self._once_filled():
            weight = mix[heard.lasting.tones] * heard.steady
            # not as a product of matrices: its last bits depend on how many frames it has
            power = weight[:, 0, None] * fading[0]
            for decay in range(1, len(fading)):
                power += weight[:, decay, None] * fading[decay]
            power *= here
            part = slice(frames.start + self._start, frames.stop + self._start)
            out[:, part][heard.lasting.cells] += heard.lasting.sums(power)

    def _add_reflections(self, out: Powers, reflected: Floats) -> None:
        """Add the reflections of the onset in frames whose windows are filled; ``reflected``
        ``(bins,)`` is the factor on the power of :func:`reverberation_table` in each bin that hears
        the onset."""
        bins = self._heard.begun.heard_in
        windows, filled = self._axis.windows[bins], self._onset.filled[bins]
        end = int(self._since.searchsorted(windows.max() / 2 + TAIL_SECONDS))
        frames = slice(int(filled.min()), end)
        if frames.start < frames.stop:
            level = reflected * self._axis.reverberation[bins, -1]
            level *= np.exp(np.minimum(windows / REVERBERATION_SECONDS, 80.0))
            power = level[:, None] * np.exp(-2 * self._since[frames] / REVERBERATION_SECONDS)
            power *= np.arange(frames.start, frames.stop) >= filled[:, None]
            part = slice(frames.start + self._start, end + self._start)
            out[:, part][self._heard.begun.cells] += power

    def _once_filled(self) -> Iterator[tuple[slice, Floats, NDArray[np.bool_]]]:
        """While windows are filled, the power of each decay is a factor that depends on the bin
        times one that depends on the frame. Yields once, or never if there are no such frames: the
        range of frames, their factors ``(decays, frames)``, and whether each pair is heard in them,
        ``(m, frames)``."""
        heard = self._heard
        filled = self._onset.filled[heard.lasting.bins]
        ends = self._times.searchsorted(self._end + heard.longest / 2 + TAIL_SECONDS)
        frames = slice(int(filled.min(initial=len(self._times))), int(ends.max()))
        if frames.start < frames.stop:
            number = np.arange(frames.start, frames.stop)
            here = (number >= filled[:, None]) & (number < ends[heard.lasting.tones, None])
            fading = np.exp(-2 * self._since[frames] / _DECAYS[:, None])
            fading *= _released(self._times[frames] - self._end)
            yield frames, fading, here


class OverviewMeter:
    """Collects an :class:`Overview` while a recording streams by."""

    def __init__(self) -> None:
        self._times: list[Floats] = []
        self._powers: list[Powers] = []
        self._geometry: Spectrogram | None = None

    def push(self, spectrogram: Spectrogram, kept: NDArray[np.bool_] | None = None) -> None:
        """Take some blocks; ``kept`` ``(blocks, frames)`` are those that other blocks do not stand
        for better (all)."""
        self._geometry = spectrogram.without_blocks()
        step = max(1, round(spectrogram.frame_rate / OVERVIEW_FRAME_RATE))
        chosen = spectrogram.frame_numbers % step == 0
        if kept is not None:
            chosen &= kept
        power = power_of(spectrogram)
        self._times.append(spectrogram.times[chosen])
        self._powers.append(np.moveaxis(power, 1, 2)[chosen])

    def finish(self) -> Overview:
        """The overview of what was taken; the meter lets go of it.

        Raises:
            ValueError: if nothing was.
        """
        if self._geometry is None:
            raise ValueError("got no part of a recording, expected at least one")
        times, first = np.unique(np.concatenate(self._times), return_index=True)
        # the frame of the overview that each frame which was taken becomes, −1 for a second one
        becomes = np.full(sum(map(len, self._times)), -1)
        becomes[first] = np.arange(len(first))
        power = np.empty((len(self._geometry.frequencies), len(times)), dtype=np.float32)
        # Part by part: the power of a long recording is a quarter of a gigabyte, and it is not to
        # be held more than twice.
        start = 0
        for part in self._powers:
            column = becomes[start : start + len(part)]
            power[:, column[column >= 0]] = part[column >= 0].T
            start += len(part)
        self._times, self._powers = [], []
        return Overview(self._geometry, times, power)


@dataclass(eq=False)
class Overview:
    """The power of a whole recording, with few frames, and what was learnt from it.

    Attributes:
        geometry: the axis and tuning of the front end, without blocks.
        times: ``(frames,)`` seconds, ascending.
        power: ``(bins, frames)``.
    """

    geometry: Spectrogram
    times: Floats
    power: Powers
    _residual: Powers | None = None
    _known: dict[Hashable, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, spectrogram: Spectrogram) -> Overview:
        """The overview of a spectrogram that holds a whole recording.

        Frames outside of the recording are left out, and where blocks overlap, the frame nearest to
        the middle of its block stands for the others: a study counts the same frames (but for
        single ones where the blocks of a model are not whole frames apart).
        """
        numbers = spectrogram.frame_numbers
        middle = (numbers.shape[1] - 1) / 2
        off_middle = np.abs(np.arange(numbers.shape[1]) - middle) + np.zeros(numbers.shape)
        order = np.lexsort((off_middle.ravel(), numbers.ravel()))
        _, first = np.unique(numbers.ravel()[order], return_index=True)
        kept = np.zeros(numbers.shape, dtype=np.bool_)
        kept.ravel()[order[first]] = True
        seconds = spectrogram.n_samples / spectrogram.sample_rate
        meter = OverviewMeter()
        meter.push(spectrogram, kept & (spectrogram.times >= 0) & (spectrogram.times < seconds))
        return meter.finish()

    @cached_property
    def axis(self) -> _Axis:
        """How the front end hears tones."""
        return _Axis(self.geometry)

    def partials(
        self, notes: Notes, inharmonicity: str | float = "piano", played: Notes | None = None
    ) -> PartialPowers:
        """The powers of the notes' partials; learnt once.

        Args:
            notes: whose partials.
            inharmonicity: ``piano``, ``none``, ``estimate``, or how many times as stiff as a
                typical piano's the strings are.
            played: the notes that the recording holds, if these are others: their partials tell
                the tuning and the stiffness.
        """
        strings = self.strings(notes if played is None else played, inharmonicity)
        return self.once(("partials", strings), notes, lambda: learn(self, notes, *strings))

    def strings(self, played: Notes, inharmonicity: str | float) -> tuple[float, float]:
        """Tuning, in cents, and stiffness, in units of a typical piano's, as
        :func:`tuning_and_stiffness` finds them from the notes that are played; found once."""
        return self.once(
            ("strings", inharmonicity),
            played,
            lambda: tuning_and_stiffness(self, played, inharmonicity),
        )

    def once(self, what: Hashable, notes: Notes, find: Callable[[], Found]) -> Found:
        """What ``find`` returns of the recording and these notes, called once for each ``what``."""
        columns = [notes.onsets, notes.offsets, notes.pitches]
        columns += [np.zeros(0) if contour is None else contour for contour in notes.contours]
        key = (what, *(np.ascontiguousarray(column).tobytes() for column in columns))
        if key not in self._known:
            self._known[key] = find()
        found: Found = self._known[key]
        return found

    def residual(self, times: Floats) -> Powers:
        """``(bins, frames)`` squared lower quartile of the magnitudes around each bin, at the frame
        nearest to each of the times ``(frames,)``."""
        if self._residual is None:
            self._residual = _lower_quartiles(self.power, self.axis)
        if len(self.times) == 0:
            return np.zeros((len(self.power), len(times)), dtype=np.float32)
        levels = self._residual[:, _nearest(self.times, times)]
        return _at_every_bin(levels, len(self.power)) ** 2


@dataclass(eq=False)
class PartialPowers:
    """What was learnt of the partials of one recording's notes.

    Attributes:
        overview: of the recording.
        notes: whose partials these are.
        frequencies: ``(steps, partials)`` Hz, of each step of the notes' pitches
            (:meth:`pi_amt.Notes.steps`; without contours each note is one).
        weights: ``(notes, partials, decays)`` power of each partial at its onset, as far as it is
            believed to be there.
        doubted: the same of partials that stand out too little to be removed or kept, but count in
            full as part of the rest; all 0 unless the network hears logarithms.
        tuning_cents, stiffness: of the instrument: deviation from A4 = 440 Hz, and how many times
            as inharmonic its strings are as a typical piano's.
    """

    overview: Overview
    notes: Notes
    frequencies: Floats
    weights: Floats
    doubted: Floats
    tuning_cents: float
    stiffness: float
    _last_totals: dict[tuple[int, ...], tuple[bytes, Powers]] = field(default_factory=dict)
    _last_departures: dict[object, dict[int, Powers]] = field(default_factory=dict)
    _last_groups: dict[object, tuple[object, Powers]] = field(default_factory=dict)
    _last_power: tuple[Spectrogram, Powers] | None = None

    @cached_property
    def _steps(self) -> tuple[Floats, NDArray[np.intp]]:
        """When each step begins ``(steps,)``, and the first step of each note ``(notes + 1,)``."""
        steps, of = self.notes.steps()
        return steps.onsets, np.searchsorted(of, np.arange(len(self.notes) + 1))

    def sounds(
        self, times: Floats, note: int, columns: NDArray[np.intp], spread: Spread
    ) -> Iterator[tuple[NDArray[np.intp], _Sound]]:
        """What is heard of a note's partials, given as columns of the frequencies: which of the
        columns are on the axis, and how they sound. A note whose pitch moves is heard one step at a
        time, and decays all the while."""
        axis, notes = self.overview.axis, self.notes
        begins, first = self._steps
        steps = range(first[note], first[note + 1])
        begin, end = float(notes.onsets[note]), float(notes.offsets[note])
        ends = begin - axis.margin, *begins[steps[1:]], end + axis.margin + TAIL_SECONDS
        edges = np.searchsorted(times, ends).tolist()
        for step, start, stop in zip(steps, edges, edges[1:], strict=False):
            here = columns[self.frequencies[step, columns] <= axis.highest]
            tones = tuple(self.frequencies[step, here].tolist())
            if start < stop and tones:
                yield here, _Sound(axis, times, slice(start, stop), tones, begin, end, spread)

    def powers(
        self,
        times: Floats,
        numbers: NDArray[np.int64] | None = None,
        spread: Spread = FITTED,
        doubted: bool = False,
    ) -> Powers:
        """``(…, bins, frames)`` power of some partials.

        Args:
            times: ``(…, frames)`` seconds. Those of all blocks are worked on together, since a note
                costs about as much in one of them as in several.
            numbers: ``(notes, n)`` partial numbers per note, 0 = none; ``None``: all partials,
                believed and doubted.
            spread: how they are heard in other bins than their own.
            doubted: whether the doubted ones of these numbers are meant instead of the believed
                ones.
        """
        every = np.arange(1, N_PARTIALS + 1)
        weights = self.doubted if doubted else self.weights
        if numbers is None:
            weights = self.weights + self.doubted
        order = np.argsort(times, axis=None, kind="stable")
        ascending = times.ravel()[order]
        out = np.zeros((len(self.overview.axis.frequencies), len(order)), dtype=np.float32)
        margin = self.overview.axis.margin
        late = self.notes.onsets - margin > ascending[-1:].max(initial=-np.inf)
        early = self.notes.offsets + margin + TAIL_SECONDS < ascending[:1].min(initial=np.inf)
        for note in np.flatnonzero(~late & ~early).tolist():
            wanted = every if numbers is None else numbers[note]
            columns = wanted[(wanted > 0) & (wanted <= N_PARTIALS)] - 1
            if not weights[note, columns].any():
                continue
            for mine, sound in self.sounds(ascending, note, columns, spread):
                sound.add_to(out, weights[note, mine])
        power = out[:, np.argsort(order)]
        return np.moveaxis(power.reshape(len(power), *times.shape), 0, -2)

    def gains(self, spectrogram: Spectrogram, numbers: NDArray[np.int64], keep: bool) -> Powers:
        """``(blocks, bins, frames)`` by what a ratio mask multiplies, 0–1.

        With the power V of a bin, T of the chosen partials and R of the others and the residual,
        removing has the gain √min(R/V, R/(R + T)). Where a bin is at least as loud as modelled,
        this leaves the power R, and where it is quieter, the share R/(R + T) of it. If the network
        hears logarithms, bins with V < R + T are treated differently, because partials that lie on
        one another may cancel in part, as in octaves that are struck together. There all power of
        the others is left, and of the residual the part (V/(R + T))^¾. A bin in which T is
        negligible has gain 1 when T is removed: it stays as it is, to the bit. Keeping has the gain
        √min(1, T/V), and at least √(T/(T + R)) where T > R, unless V is more than 20 dB above
        T + R.

        What is left, R or T, follows the recording over time as well. A line is fitted to the
        logarithm of V over the model in the frames around each frame in which what is left is heard
        nearly alone. The modelled power of its partials is multiplied by the exponential of the
        line; where partials are kept, only where that is above 1.

        Args:
            spectrogram: some blocks of the recording.
            numbers: ``(notes, n)`` partial numbers per note, 0 = none.
            keep: whether these partials are what is kept.
        """

        def powers(pages: Floats, spread: Spread, doubted: bool = False) -> Powers:
            return self.powers(pages, numbers, spread, doubted)

        return self._gains(spectrogram, powers, keep, numbers.tobytes())

    def gains_of_groups(
        self,
        spectrogram: Spectrogram,
        groups: tuple[tuple[int, ...], ...],
        chosen: Sequence[bool],
        keep: bool,
    ) -> Powers:
        """:meth:`gains` for some of several groups of partials.

        The power of each group is computed once for the same blocks, however many choices of groups
        are asked for.

        Args:
            spectrogram: some blocks of the recording.
            groups: partial numbers of all notes; no two groups share one.
            chosen: per group, whether its partials are what is removed or kept.
            keep: whether they are kept.
        """
        which = np.array(chosen, dtype=np.bool_)
        # where none is chosen, the sum is nothing

        def powers(pages: Floats, spread: Spread, doubted: bool = False) -> Powers:
            found = self._powers_of_groups(pages, groups, spread, doubted)
            return np.asarray(found[which].sum(axis=0))

        return self._gains(spectrogram, powers, keep, (groups, which.tobytes()))

    def _gains(
        self,
        spectrogram: Spectrogram,
        powers: Callable[..., Powers],
        keep: bool,
        key: object,
    ) -> Powers:
        """What :meth:`gains` says of some chosen partials.

        Args:
            spectrogram: some blocks of the recording.
            powers: ``(…, bins, frames)`` of the chosen partials, of times ``(…, frames)``, a
                spread, and whether the doubted ones are wanted.
            keep: whether they are kept.
            key: tells the chosen partials from others.
        """

        def with_doubted(times: Floats, believed: Powers) -> Powers:
            """The chosen partials; where they are removed, with their doubted ones, which must not
            count as part of the rest."""
            if keep or not self.doubted.any():
                return believed
            return believed + powers(times, FITTED, doubted=True)

        def gone(times: Floats) -> Powers:
            chosen = with_doubted(times, powers(times, FITTED))
            return self._others(times, chosen) if keep else chosen

        if self._last_power is None or self._last_power[0] is not spectrogram:
            self._last_power = spectrogram, power_of(spectrogram)
        power = self._last_power[1]
        gains = np.empty(power.shape, dtype=np.float32)
        modelled = powers(spectrogram.times, KEPT if keep else FITTED)
        left = self._others(spectrogram.times, with_doubted(spectrogram.times, modelled))
        for block, times in enumerate(spectrogram.times):
            heard, chosen = power[block], modelled[block]
            others, departures = left[block], self._departures(key, keep, gone, times)
            if keep:
                # where the recording is weaker than the model, the limit V takes care of it
                kept = chosen * np.maximum(departures, 1)
                rest = others + self.left_residual(times, keep)
                # cut first: a quotient by next to nothing would overflow
                share = np.divide(
                    np.minimum(kept, heard), heard, out=np.zeros_like(heard), where=heard > 0
                )
                model = kept + rest
                trusted = (kept > rest) & (heard < _TRUSTED_UP_TO * model)
                part = np.divide(kept, model, out=np.zeros_like(heard), where=trusted)
                share = np.maximum(share, part)
            else:
                others, residual = others * departures, self.left_residual(times, keep)
                rest = others + residual
                touched = chosen > NEGLIGIBLE * (chosen + rest)
                most = np.maximum(heard, rest + chosen)
                if self.logarithmic:
                    less = np.sqrt(np.divide(heard, most, out=np.ones_like(most), where=most > 0))
                    # roots are several times as fast as the power of three quarters
                    rest, most = others + residual * less * np.sqrt(less), heard
                    rest = np.minimum(rest, heard)  # a quotient by next to nothing would overflow
                share = np.divide(rest, most, out=np.ones_like(heard), where=touched & (most > 0))
            gains[block] = np.sqrt(np.minimum(share, 1))
        return gains

    def _others(self, times: Floats, chosen: Powers) -> Powers:
        """Power of all partials but the chosen ones; both ``(…, bins, frames)``."""
        return np.asarray(np.maximum(self._totals(times) - chosen, 0))

    def _departures(
        self, key: object, keep: bool, powers: Callable[[Floats], Powers], times: Floats
    ) -> Powers:
        """``(bins, frames)`` by what factor the power of the partials that are left departs from
        the model, at the frame of the overview that is nearest to each of the times ``(frames,)``.

        Args:
            key: another one for other partials.
            keep: whether they are those that a mask keeps.
            powers: of the partials that are not left, ``(bins, frames)`` of times.
            times: ``(frames,)`` seconds, ascending.
        """
        every = self.overview.times[::_DEPARTURE_STEP]
        place = _nearest(every, times)
        parts = self._last_departures.setdefault((key, keep), {})
        out = np.ones((len(self.overview.power), len(times)), dtype=np.float32)
        if len(every) == 0:
            return out
        for part in np.unique(place // _DEPARTURE_FRAMES).tolist():
            if part not in parts:
                # blocks overlap, so the last part may be asked for again
                for old in list(parts)[:-1]:
                    del parts[old]
                parts[part] = self._departures_of_part(part, every, keep, powers)
            here = place // _DEPARTURE_FRAMES == part
            out[:, here] = parts[part][:, place[here] - part * _DEPARTURE_FRAMES]
        return out

    def _departures_of_part(
        self, part: int, every: Floats, keep: bool, powers: Callable[[Floats], Powers]
    ) -> Powers:
        """``(bins, up to 512)`` of the frames at some of the times ``every`` ``(frames,)``."""
        step = float(np.median(np.diff(every))) if len(every) > 1 else 1.0
        width = _DEPARTURE_SECONDS / step
        context = round(_DEPARTURE_RADIUS * width)
        first = part * _DEPARTURE_FRAMES
        begin, end = max(0, first - context), first + _DEPARTURE_FRAMES + context
        times = every[begin:end]
        gone = powers(times)
        rest = self._others(times, gone)
        model = rest + gone + self.left_residual(times, keep) + np.float32(1e-30)
        heard = self.overview.power[:, ::_DEPARTURE_STEP][:, begin:end]
        off = np.log(np.maximum(heard, 1e-30) / model).clip(-_LARGEST_DEPARTURE, _LARGEST_DEPARTURE)
        weight = (rest / model) ** _DEPARTURE_SHARE_POWER
        since = (times - times[len(times) // 2]).astype(np.float32)

        def around(values: Powers) -> Powers:
            """Sum over frames of the values, times a Gaussian of height 1."""
            smooth = gaussian_filter1d(
                values, width, axis=1, mode="constant", truncate=_DEPARTURE_RADIUS
            )
            return np.asarray(smooth * width * np.sqrt(2 * np.pi))

        # moments of time about each frame itself
        s0, s1, s2 = (around(weight * since**n) for n in range(3))
        y0, y1 = (around(weight * off * since**n) for n in range(2))
        s2 = s2 - 2 * since * s1 + since**2 * s0 + _DEPARTURE_SLOPE_PRIOR
        s1, y1 = s1 - since * s0, y1 - since * y0
        height = (s2 * y0 - s1 * y1) / ((s0 + _DEPARTURE_HEIGHT_PRIOR) * s2 - s1**2)
        height = height[:, first - begin :][:, :_DEPARTURE_FRAMES]
        height = height.clip(-_LARGEST_DEPARTURE, _LARGEST_DEPARTURE)
        return np.asarray(np.exp(height), dtype=np.float32)

    def left_residual(self, times: Floats, keep: bool) -> Powers:
        """``(bins, frames)`` power of what belongs to no partial. Masks that remove leave it. Masks
        that keep weigh what they keep against it.

        A gain leaves a steady level in place of noise that fluctuates. To a network that hears
        logarithms this level is right if it is the one that noise has most of the time, which is
        below its mean power. A network that hears linear values loses notes at so low a level. The
        shares are those that came nearest to the truth on development recordings
        (``docs/calibration.md``).

        To a network that hears logarithms it also matters what the quartile is made of. In a dense
        texture it is mostly what partials smear between them, which the model knows and leaves
        anyway. The less of the quartile the modelled partials explain, the more of it is left.
        """
        residual = self.overview.residual(times)
        if self.overview.geometry.linear_input and not keep:
            return np.asarray(_LEFT_RESIDUAL_LINEAR * residual)
        logarithmic = self.logarithmic and not keep
        share = _LEFT_RESIDUAL_LOGARITHMIC if logarithmic else _LEFT_RESIDUAL
        hz = np.log(self.overview.geometry.frequencies)
        left = np.exp(np.interp(hz, np.log(_LEFT_RESIDUAL_HZ), np.log(share)))
        left = left.astype(np.float32)[:, None]
        if logarithmic:
            explained = self._explained(times)
            left = left**explained * _MEDIAN_OVER_QUARTILE ** (1 - explained)
        return np.asarray(left * residual)

    @property
    def logarithmic(self) -> bool:
        """Whether the network hears logarithms."""
        linear = self.overview.geometry.linear_input
        return linear is not None and not linear

    def _explained(self, times: Floats) -> Powers:
        """``(bins, frames)`` the squared lower quartile of the modelled partials, spread as
        :data:`KEPT`, over the measured one, at most 1; at the frame that is nearest to each of the
        times ``(frames,)``."""
        every = self.overview.times[::_DEPARTURE_STEP]
        if len(every) == 0:
            return np.ones((len(self.overview.power), len(times)), dtype=np.float32)
        residual = self.overview.residual(times)
        modelled = _at_every_bin(self._modelled_quartiles[:, _nearest(every, times)], len(residual))
        explained = np.divide(modelled**2, residual, out=np.ones_like(residual), where=residual > 0)
        return np.minimum(explained, 1)

    @cached_property
    def _modelled_quartiles(self) -> Powers:
        """``(bins / 4, frames)`` lower quartile of the modelled partials' magnitudes, at every
        second frame of the overview."""
        every = self.overview.times[::_DEPARTURE_STEP]
        pages = [every[i : i + _FRAMES_AT_ONCE] for i in range(0, len(every), _FRAMES_AT_ONCE)]
        axis = self.overview.axis
        powers = (self.powers(page, spread=KEPT) for page in pages)
        return np.concatenate([_lower_quartiles(page, axis) for page in powers], axis=1)

    def _totals(self, times: Floats) -> Powers:
        """``(…, bins, frames)`` power of all partials. The conditions of a study ask for the same
        blocks one after the other, so the last answer for as many frames is kept."""
        key, kind = times.tobytes(), times.shape
        if kind not in self._last_totals or self._last_totals[kind][0] != key:
            self._last_totals[kind] = (key, self.powers(times))
        return self._last_totals[kind][1]

    def _powers_of_groups(
        self,
        times: Floats,
        groups: tuple[tuple[int, ...], ...],
        spread: Spread,
        doubted: bool,
    ) -> Powers:
        """``(groups, …, bins, frames)``; of each spread and number of frames the last answer is
        kept."""
        key = (times.tobytes(), groups)
        kind = (spread, doubted, times.shape)
        if kind not in self._last_groups or self._last_groups[kind][0] != key:
            n_notes = len(self.notes)
            found = [
                self.powers(times, numbers_of(group, n_notes), spread, doubted) for group in groups
            ]
            self._last_groups[kind] = (key, np.array(found))
        return self._last_groups[kind][1]


def power_of(spectrogram: Spectrogram) -> Powers:
    """``(blocks, bins, frames)`` float32 power, mean over channels."""
    channels = [channel.tensor.abs().square().cpu().numpy() for channel in spectrogram.channels]
    return np.asarray(channels[0] if len(channels) == 1 else np.mean(channels, axis=0))


def learn(overview: Overview, notes: Notes, tuning_cents: float, stiffness: float) -> PartialPowers:
    """Learn the powers of the notes' partials from an overview.

    The recording is cut into windows of at most 20 s and 300 notes, each of which is solved with
    the notes around it, so that memory does not grow with its length. Notes that began earlier
    keep what was found.

    Args:
        overview: of the recording.
        notes: whose partials.
        tuning_cents: of the strings, deviation from A4 = 440 Hz.
        stiffness: how many times as inharmonic as a typical piano's the strings are.
    """
    steps, _ = notes.steps()
    hz = partial_frequencies(
        steps.pitches[:, None],
        np.arange(1, N_PARTIALS + 1),
        inharmonicity=stiffness,
        tuning_cents=tuning_cents,
    )

    weights = np.zeros((len(notes), N_PARTIALS, len(DECAY_SECONDS)))
    doubted = np.zeros_like(weights)
    found = PartialPowers(overview, notes, hz, weights, doubted, tuning_cents, stiffness)
    if len(notes) == 0 or len(overview.times) == 0 or not overview.power.any():
        return found
    for start, end in _windows(notes.onsets):
        inside = (notes.onsets >= start) & (notes.onsets < end + _GUARD_SECONDS)
        fitted, belief = _weights_of(found, np.flatnonzero(inside))
        if found.logarithmic:
            belief = np.sign(belief)
            doubted[inside] = fitted * (1 - belief)[:, :, None]
        weights[inside] = fitted * belief[:, :, None]
        # the notes of the guard are only company here: the next window solves them
        doubted[notes.onsets >= end] = weights[notes.onsets >= end] = 0.0
    return found


def _windows(onsets: Floats) -> Iterator[tuple[float, float]]:
    """Begin and end, in seconds, of what is learnt at once, for onsets ``(notes,)``, ascending."""
    start = float(onsets[0])
    while start <= onsets[-1]:
        end = start + _WINDOW_SECONDS
        beyond = int(np.searchsorted(onsets, start)) + _NOTES_AT_ONCE
        if beyond < len(onsets) and start < onsets[beyond] < end:
            end = float(onsets[beyond])
        yield start, end
        start = end


def tuning_and_stiffness(
    overview: Overview, notes: Notes, inharmonicity: str | float = "piano"
) -> tuple[float, float]:
    """Tuning in cents and stiffness (times a typical piano's), from the peaks of the recording.

    Each note shows peaks near its partials. The stiffness that explains them best, with their
    median deviation as tuning, minimises the mean deviation, weighted with how far the peaks stand
    out. Without enough peaks these are the tuning that is known otherwise, and 1 (0 for ``none``).
    """
    pitch, number, cents, level = _peaks(overview, notes)
    if isinstance(inharmonicity, str):
        typical, tried = STIFFNESSES.get(inharmonicity, 1.0), _TRIED[inharmonicity]
    else:
        typical, tried = inharmonicity, [inharmonicity]
    if len(pitch) < 12:
        return overview.geometry.tuning_cents, typical
    best = (np.inf, overview.geometry.tuning_cents, typical)
    for factor in tried:
        b = piano_inharmonicity(pitch) * factor
        off = cents - ratio_to_cents(np.sqrt((1 + b * number**2) / (1 + b)))
        order = np.argsort(off)
        heap = np.cumsum(level[order])
        tuning = float(off[order][np.searchsorted(heap, heap[-1] / 2)])
        cost = float((np.minimum(np.abs(off - tuning), 30.0) * level).sum() / heap[-1])
        best = min(best, (cost, tuning, float(factor)))
    return best[1], best[2]


def _peaks(overview: Overview, notes: Notes) -> tuple[Floats, Floats, Floats, Floats]:
    """Peaks near the partials of up to 1,000 notes, each column ``(peaks,)``: MIDI pitch, partial
    number, cents above the multiple of the pitch's frequency, dB above the surroundings."""
    times = overview.times
    notes, _ = notes.steps()
    cents_of_bins = ratio_to_cents(overview.geometry.frequencies)
    floor = 1e-12 * float(overview.power.max(initial=0.0)) + 1e-30
    peaks: list[tuple[float, int, float, float]] = []
    step = -(-max(len(notes), 1) // 1000)
    columns = (notes.onsets, notes.offsets, notes.pitches)
    for onset, offset, pitch in zip(*(column[::step].tolist() for column in columns), strict=True):
        first, last = np.searchsorted(times, (onset + 0.05, min(offset, onset + 1.0)))
        if last - first < 3:
            continue
        profile = 10 * np.log10(overview.power[:, first:last] + floor).mean(axis=1)
        for k in range(1, 13):
            multiple = float(ratio_to_cents(k * midi_to_hz(pitch)))
            low, high = np.searchsorted(cents_of_bins, (multiple - 75.0, multiple + 75.0))
            if high - low < 3 or low == 0 or high == len(cents_of_bins):
                continue
            top = int(low + np.argmax(profile[low:high]))
            if top in (low, high - 1):
                continue
            left, middle, right = profile[top - 1 : top + 2]
            bend = left - 2 * middle + right
            if bend >= -0.5:
                continue
            spacing = cents_of_bins[top + 1] - cents_of_bins[top]
            exact = cents_of_bins[top] + (left - right) / (2 * bend) * spacing
            around = np.median(profile[max(0, top - 12) : top + 13])
            peaks.append((pitch, k, exact - multiple, max(middle - around, 0.0)))
    columns_of_peaks = np.array(peaks, dtype=np.float64).reshape(-1, 4).T
    return tuple(columns_of_peaks)  # type: ignore[return-value]


def _weights_of(found: PartialPowers, chosen: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """``(chosen, partials, decays)`` weights that fit the overview around some notes best, and
    ``(chosen, partials)`` how far each partial is to be believed, 0–1."""
    overview, notes = found.overview, found.notes
    shape = (len(chosen), N_PARTIALS, len(DECAY_SECONDS))
    nothing = np.zeros(shape), np.zeros(shape[:2])
    if len(chosen) == 0:
        return nothing
    axis = overview.axis
    margin = float(axis.windows.max())
    begin = notes.onsets[chosen].min() - margin
    end = notes.onsets[chosen].max() + _GUARD_SECONDS + margin
    times = overview.times[(overview.times >= begin) & (overview.times <= end)]
    cell, atom, response = _atoms(found, chosen, times)
    if len(cell) == 0:
        return nothing
    cells, cell = np.unique(cell, return_inverse=True)
    first = int(np.searchsorted(overview.times, begin))
    power = overview.power[:, first : first + len(times)]
    residual = overview.residual(times)
    known = found.powers(times) + _RESIDUAL * residual + 1e-12 * power.max() + 1e-30
    known = known.ravel()[cells].astype(np.float64)
    heard = np.maximum(power.ravel()[cells].astype(np.float64), 1e-3 * known)
    fit = _Factorisation(heard, known, cell, atom, response)
    pitches = np.rint(notes.pitches[chosen]).astype(np.intp)
    over = fit.over(residual.ravel()[cells].astype(np.float64), len(chosen) * N_PARTIALS)
    belief = np.clip(1 - (_BELIEVED_OVER_RESIDUAL / over) ** 2, 0, 1)
    rounds = _THOROUGH_ROUNDS if found.logarithmic else _SHARED_ROUNDS
    return fit.solved(pitches, rounds).reshape(shape), belief.reshape(shape[:2])


def _atoms(
    found: PartialPowers, chosen: NDArray[np.intp], times: Floats
) -> tuple[NDArray[np.intp], NDArray[np.intp], Powers]:
    """The entries of the model of some notes: cell ``(entries,)`` (bin · frames + frame), atom
    (note · partials + partial), and response ``(decays, entries)``."""
    cells, atoms, responses = [], [], []
    every = np.arange(N_PARTIALS)
    for row, note in enumerate(chosen.tolist()):
        for partials, sound in found.sounds(times, note, every, FITTED):
            for places, tones, power in sound.responses():
                loud = power.max(axis=0) > _SMALLEST_RESPONSE
                cells.append(places[loud])
                atoms.append((row * N_PARTIALS + partials[tones])[loud])
                responses.append(power[:, loud])
    if not cells:
        none = np.zeros(0, dtype=np.intp)
        return none, none, np.zeros((len(DECAY_SECONDS), 0), dtype=np.float32)
    atom = np.concatenate(atoms)
    order = np.argsort(atom, kind="stable")
    response = np.concatenate(responses, axis=1)
    return np.concatenate(cells)[order], atom[order], response[:, order]


@dataclass
class _Factorisation:
    """Weights of given atoms that fit given powers, in the Itakura–Saito divergence. An atom here
    is one partial of one note, with all its decays.

    Attributes:
        heard: ``(cells,)`` power.
        known: ``(cells,)`` power that is accounted for already: earlier notes and the residual.
        cell, atom: ``(entries,)`` of each place in which an atom is heard, in the order of atoms.
        response: ``(decays, entries)`` power of each decay there, per unit weight.
    """

    heard: Floats
    known: Floats
    cell: NDArray[np.intp]
    atom: NDArray[np.intp]
    response: Powers

    def __post_init__(self) -> None:
        starts = np.flatnonzero(np.diff(self.atom, prepend=-1))
        #: ``(heard atoms,)`` those that have entries
        self._atoms = self.atom[starts]
        # the matrix (decays · heard atoms, cells) of the model: the decays have the same cells
        n_decays, n_cells = len(self.response), len(self.known)
        rows = np.arange(n_decays)[:, None] * len(self.atom) + starts
        self._model = csr_array(
            (
                self.response.ravel().astype(np.float64),
                np.tile(self.cell.astype(np.int32), n_decays),
                np.append(rows, n_decays * len(self.atom)).astype(np.int32),
            ),
            shape=(n_decays * len(starts), n_cells),
        )

    def solved(self, pitches: NDArray[np.intp], rounds: int) -> Floats:
        """``(atoms, decays)`` weights. Notes of equal MIDI ``pitches`` share a balance, which is
        fitted in so many ``rounds``."""
        note, partial = np.divmod(self._atoms, N_PARTIALS)
        _, key = np.unique(pitches, return_inverse=True)
        shared = key[note] * N_PARTIALS + partial
        balance = np.full(
            (len(DECAY_SECONDS), (key.max() + 1) * N_PARTIALS),
            self.heard.mean() / len(DECAY_SECONDS),
        )
        level = np.ones(len(pitches))
        for _ in range(rounds):
            slopes = self._slopes(balance[:, shared] * level[note])
            balance *= [_step(shared, level[note] * of, balance.shape[1]) for of in slopes]
            of_unit_level = balance[:, shared]
            slopes = self._slopes(of_unit_level * level[note])
            level *= np.clip(_step(note, _total(of_unit_level, slopes), len(level)), 1e-3, 1e3)
            typical = np.exp(np.log(np.maximum(level, 1e-300)).mean())
            level /= typical
            balance *= typical
        own = np.ones(len(level) * N_PARTIALS)
        weights = balance[:, shared] * level[note]
        for _ in range(_OWN_ROUNDS):
            slopes = self._slopes(weights * own[self._atoms])
            own *= np.clip(_step(self._atoms, _total(weights, slopes), len(own)), 0.1, 10.0)
        rows = np.repeat(key, N_PARTIALS) * N_PARTIALS + np.tile(np.arange(N_PARTIALS), len(level))
        scale = np.repeat(level, N_PARTIALS) * np.clip(own, 0.25, 4.0)
        return np.asarray(balance[:, rows].T * scale[:, None])

    def over(self, residual: Floats, n_atoms: int) -> Floats:
        """``(atoms,)`` how far the power stands above the residual ``(cells,)`` where an atom is
        loudest."""
        loud = self.response.max(axis=0) > 0.05
        atom, cell = self.atom[loud], self.cell[loud]
        power = np.bincount(atom, self.heard[cell], n_atoms)
        below = np.bincount(atom, residual[cell], n_atoms)
        return np.asarray((power + 1e-30) / (below + 1e-30))

    def _slopes(self, weights: Floats) -> Floats:
        """``(decays, 2, heard atoms)`` the two parts of the divergence's gradient by each of the
        weights ``(decays, heard atoms)``."""
        down = 1.0 / (self.known + weights.ravel() @ self._model)
        parts = (self.heard * down * down, down)
        slopes = [np.asarray(self._model @ part).reshape(weights.shape) for part in parts]
        return np.stack(slopes, axis=1)


def _total(weights: Floats, slopes: Floats) -> Floats:
    """``(2, heard atoms)``: the gradient by a factor of all decays' weights, ``(decays, heard
    atoms)``, from that by each of them."""
    return np.asarray((weights[:, None] * slopes).sum(axis=0))


def _step(group: NDArray[np.intp], slopes: Floats, n_groups: int) -> Floats:
    """Multiplicative update ``(groups,)`` of a weight that scales a group of atoms, from the two
    parts of the divergence's gradient for each of them, ``(2, heard atoms)``. (Only for the root
    of this update it is proven that it never increases the divergence. In practice this one does
    not either, and is twice as fast: Févotte & Idier, Neural Computation 2011.)"""
    numerator, denominator = (np.bincount(group, part, n_groups) for part in slopes)
    # what is hardly heard anywhere would grow without bounds
    return np.asarray(np.minimum(numerator / np.maximum(denominator, 1e-300), _LARGEST_STEP))


def _nearest(frames: Floats, times: Floats) -> NDArray[np.intp]:
    """The number of the frame, of times ``(frames,)`` that ascend, nearest to each of the times."""
    return np.searchsorted((frames[1:] + frames[:-1]) / 2, times)


def _at_every_bin(levels: Powers, n_bins: int) -> Powers:
    """``(bins, frames)`` of levels that are known at every fourth bin, ``(bins / 4, frames)``."""
    place = np.arange(n_bins) / _RESIDUAL_STEP
    low = np.minimum(place.astype(np.intp), len(levels) - 1)
    high = np.minimum(low + 1, len(levels) - 1)
    share = (place - low).astype(np.float32)[:, None]
    return np.asarray(levels[low] * (1 - share) + levels[high] * share)


def _lower_quartiles(power: Powers, axis: _Axis) -> Powers:
    """``(bins / 4, frames)`` lower quartile of the magnitudes within half an octave, or as far as
    the windows need to look beyond a partial."""
    cents = ratio_to_cents(axis.frequencies)
    centres, windows = (a[::_RESIDUAL_STEP] for a in (axis.frequencies, axis.windows))
    # at the lower end of the axis what is missing below is looked for above
    below = np.maximum(centres - _RESIDUAL_REACH / windows, axis.frequencies[0])
    above = below + 2 * _RESIDUAL_REACH / windows
    lowest = np.minimum(ratio_to_cents(centres) - _RESIDUAL_CENTS, ratio_to_cents(below))
    highest = np.maximum(ratio_to_cents(centres) + _RESIDUAL_CENTS, ratio_to_cents(above))
    quartiles = np.empty((len(centres), power.shape[1]), dtype=np.float32)
    for start in range(0, power.shape[1], _FRAMES_AT_ONCE):
        frames = slice(start, start + _FRAMES_AT_ONCE)
        magnitude = np.sqrt(power[:, frames])
        for row, *ends in zip(quartiles, lowest, highest, strict=True):
            low, high = np.searchsorted(cents, ends)
            order = int(_RESIDUAL_QUANTILE * (high - low - 1))
            row[frames] = np.partition(magnitude[low:high], order, axis=0)[order]
    return quartiles
