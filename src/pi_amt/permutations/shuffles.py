"""The shuffles: orders of bins from keyed hashes, and the conditions that move values by them.

A shuffle moves whole values (complex ones with their real and imaginary part) between bins of one
frame, so each frame keeps its multiset of values. The base class and the two ways to draw an order
come first, then the conditions: a share of all bins, inside a semitone, above a cutoff, everything.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from pi_amt.core.checks import check_choice, check_range
from pi_amt.core.notes import Notes
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.core.units import cents_to_ratio, hz_to_midi
from pi_amt.permutations.draws import hash_bits, sort_last_
from pi_amt.permutations.permutation import Change, Permutation, Scene
from pi_amt.permutations.regions import highest_fundamental

DRAWS = ("per_frame", "static")
CUTOFFS = ("fixed", "highest_note")
#: above the highest sounding fundamental of a frame, as the fixed cutoff is above C8
MARGIN_CENTS = 50.0
_BIG = torch.iinfo(torch.int64).max


@dataclass(frozen=True)
class Moves:
    """Decided moves: in each frame, bin ``destination[i]`` takes the value of ``source[i]``.

    Attributes:
        destination: ``(blocks, n, frames)`` int64 bins, distinct per frame.
        source: the same bins in another order.
        drawn: ``(blocks, n, frames)`` bool, where frames draw different numbers of bins: an entry
            that is false stands for a bin that stays. ``None``: all were drawn.
    """

    destination: torch.Tensor
    source: torch.Tensor
    drawn: torch.Tensor | None = None

    def apply(self, spectrogram: Spectrogram) -> Spectrogram:
        """Move the values; bins that are not named stay bit-identical."""
        values = spectrogram.tensor
        moved = values.clone()
        if self.source.shape[1]:
            destination, source = (
                spectrogram.over_channels(bins).expand(*values.shape[:-2], -1, -1)
                for bins in (self.destination, self.source)
            )
            moved.scatter_(-2, destination, values.gather(-2, source))
        return spectrogram.with_values(moved)

    def touched(self, spectrogram: Spectrogram) -> NDArray[np.bool_]:
        """``(blocks, bins, frames)`` bool: the bins that take part."""
        mask = torch.zeros(spectrogram.grid, dtype=torch.bool)
        if self.drawn is None:
            return mask.scatter_(1, self.destination.cpu(), True).numpy()
        return mask.scatter_(1, self.destination.cpu(), self.drawn.cpu()).numpy()


@dataclass(frozen=True)
class Shuffle(Permutation):
    """Base of the shuffles.

    Attributes:
        draw_mode: ``per_frame``, or ``static``: the same draw in every frame. In configs and
            :func:`~pi_amt.permutations.load_permutation` it is called ``draw``.
    """

    draw_mode: str = "per_frame"

    aliases: ClassVar[dict[str, str]] = {"draw": "draw_mode"}
    stochastic = True
    moves_values = True

    def __post_init__(self) -> None:
        check_choice("draw", self.draw_mode, DRAWS)


def frame_counters(spectrogram: Spectrogram, draw: str) -> torch.Tensor:
    """``(blocks, frames, 1)`` absolute frame numbers; all zero for a static draw."""
    numbers = torch.from_numpy(spectrogram.frame_numbers).to(spectrogram.tensor.device)
    return (numbers if draw == "per_frame" else torch.zeros_like(numbers))[..., None]


def shuffle_within(
    spectrogram: Spectrogram, groups: torch.Tensor, first_bin: int, key: int, draw: str
) -> Moves:
    """Shuffle bins uniformly within groups of neighbouring bins.

    Args:
        spectrogram: whose frames are drawn for.
        groups: int64 ``(n,)`` or ``(blocks, frames, n)``, group number of each bin from
            ``first_bin`` on: at least 0, at most the bin's own number, never descending.
        first_bin: where the shuffled part of the axis begins.
        key: 64-bit key.
        draw: ``per_frame`` or ``static``.
    """
    device = spectrogram.tensor.device
    n_bins = len(spectrogram.frequencies)
    bins = torch.arange(first_bin, n_bins, device=device)
    bits = hash_bits(key, frame_counters(spectrogram, draw), bins)
    # One sort orders by group, then hash, then bin: all packed in one 63-bit number.
    field = max(n_bins - 1, 1).bit_length()
    packed = (groups.to(device) << (63 - field)) | ((bits & _low(63 - field)) & ~_low(field)) | bins
    source = (sort_last_(packed) & _low(field)).transpose(1, 2)
    # Groups do not descend, so the i-th smallest belongs in the i-th place.
    return Moves(bins[None, :, None].expand(source.shape), source)


def shuffle_drawn(
    spectrogram: Spectrogram, upper: torch.Tensor, counts: torch.Tensor, key: int, draw: str
) -> Moves:
    """Draw bins in each frame and shuffle these uniformly among themselves.

    The bins with the smallest hashes are drawn, so a larger count draws a superset. Their order
    by hash is uniform whatever set was drawn: it is the shuffle.

    Args:
        spectrogram: whose frames are drawn for.
        upper: int64, broadcast to ``(blocks, frames)``: only bins below this one are drawn.
        counts: int64, broadcast to ``(blocks, frames)``: how many, at most ``upper``.
        key: 64-bit key.
        draw: ``per_frame`` or ``static``.
    """
    device = spectrogram.tensor.device
    n_bins = len(spectrogram.frequencies)
    blocks, frames = spectrogram.times.shape
    bins = torch.arange(n_bins, device=device)
    bits = hash_bits(key, frame_counters(spectrogram, draw), bins)
    field = max(n_bins - 1, 1).bit_length()
    packed = (bits & _low(63) & ~_low(field)) | bins
    upper = upper.to(device).expand(blocks, frames)[..., None]
    # Bins that may not be drawn come last, by bin number.
    packed = torch.where(bins < upper, packed, (_BIG & ~_low(field)) | bins)
    counts = counts.to(device).expand(blocks, frames)[..., None]
    most = int(counts.max()) if counts.numel() else 0
    source = sort_last_(packed)[..., :most] & _low(field)
    drawn = torch.arange(most, device=device) < counts
    ordered = sort_last_(torch.where(drawn, source, _BIG))
    destination = torch.where(drawn, ordered, source)
    parts = (destination, source, drawn)
    return Moves(*(part.transpose(1, 2) for part in parts))


def _low(bits: int) -> int:
    """Integer with the lowest ``bits`` bits set."""
    return (1 << bits) - 1


@dataclass(frozen=True)
class Random(Shuffle):
    """Each frame: ``round(p · bins)`` bins are drawn and shuffled uniformly among themselves.

    Fixed points are allowed; the other bins do not move. Doses are nested: the bins drawn at
    p = 0.1 are among those drawn at 0.2.

    Attributes:
        p: share of the bins, 0–1.
    """

    p: float = 0.1

    name: ClassVar[str] = "random"
    summary: ClassVar[str] = "a share p of the bins of each frame is shuffled"
    nothing_at_zero: ClassVar[str] = "p"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("p", self.p, 0.0, 1.0)

    @property
    def feature_in_words(self) -> str:
        return f"the order of the frequency bins ({100 * self.p:.3g} % of them)"

    def draw(self, scene: Scene) -> Change:
        bins = len(scene.spectrogram.frequencies)
        count = math.floor(self.p * bins + 0.5)
        moves = shuffle_drawn(
            scene.spectrogram, torch.tensor(bins), torch.tensor(count), scene.key, self.draw_mode
        )
        return Change(moves.apply)


@dataclass(frozen=True)
class Microtonal(Shuffle):
    """Each frame: bins are shuffled uniformly inside their semitone.

    A bin belongs to its nearest semitone by frequency, on the recording's own tuning: 3 bins in
    Basic Pitch, 5 in Timbre-Trap; shorter groups at the ends stay groups. What is finer than a
    semitone is lost, everything coarser stays.
    """

    name: ClassVar[str] = "microtonal"
    summary: ClassVar[str] = "the bins of each semitone are shuffled among themselves"
    feature_in_words = "pitch detail finer than a semitone"

    def draw(self, scene: Scene) -> Change:
        spectrogram = scene.spectrogram
        midi = hz_to_midi(spectrogram.frequencies) - spectrogram.tuning_cents / 100.0
        semitone = np.rint(midi).astype(np.int64)
        # Consecutive numbers from 0, whatever semitones a coarse axis leaves out.
        groups = torch.from_numpy(np.cumsum(np.diff(semitone, prepend=semitone[0]) != 0))
        return Change(shuffle_within(spectrogram, groups, 0, scene.key, self.draw_mode).apply)


@dataclass(frozen=True)
class HighFreq(Shuffle):
    """Bins above a cutoff are shuffled uniformly among themselves.

    Attributes:
        cutoff_hz: bins above it take part (shifted by the recording's tuning). The default is
            C8 + 50 cents, just above the highest fundamental of a piano.
        above: ``fixed`` uses ``cutoff_hz``; ``highest_note`` cuts 50 cents above the highest
            sounding fundamental of each frame (frames in which no note sounds stay as they are).
    """

    cutoff_hz: float = 4308.7
    above: str = "fixed"

    aliases: ClassVar[dict[str, str]] = {**Shuffle.aliases, "reference": "above"}
    name: ClassVar[str] = "high_freq"
    summary: ClassVar[str] = "the bins above cutoff_hz are shuffled among themselves"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("cutoff_hz", self.cutoff_hz, 0.0, unit="Hz")
        check_choice("reference", self.above, CUTOFFS)

    @property
    def feature_in_words(self) -> str:
        if self.above == "highest_note":
            return "the region above the highest note that sounds"
        if self.cutoff_hz == HighFreq.cutoff_hz:
            return "the region above all fundamentals of a piano"
        return f"the region above {self.cutoff_hz:g} Hz"

    @property
    def control_in_words(self) -> str:
        return "as many bins below it"

    @property
    def needs_notes(self) -> bool:
        return self.above == "highest_note"

    def first_bins(self, spectrogram: Spectrogram, notes: Notes | None) -> NDArray[np.int64]:
        """``(blocks, frames)`` number of the first bin above the cutoff (``bins`` if none is)."""
        if self.above == "fixed":
            cutoff = np.full(
                spectrogram.times.shape, self.cutoff_hz * cents_to_ratio(spectrogram.tuning_cents)
            )
        else:
            assert notes is not None
            cutoff = highest_fundamental(spectrogram, notes) * cents_to_ratio(MARGIN_CENTS)
        return np.searchsorted(spectrogram.frequencies, cutoff, side="right").astype(np.int64)

    def draw(self, scene: Scene) -> Change:
        spectrogram = scene.spectrogram
        first = self.first_bins(spectrogram, scene.notes)
        bins = np.arange(len(spectrogram.frequencies))
        lowest = int(first.min(initial=len(bins)))
        # A bin below its frame's cutoff is a group of its own: it stays.
        groups = torch.from_numpy(np.minimum(bins[lowest:], first[..., None]))
        moves = shuffle_within(spectrogram, groups, lowest, scene.key, self.draw_mode)
        return Change(moves.apply, target=np.asarray(bins[:, None] >= first[:, None, :]))


@dataclass(frozen=True)
class Floor(Shuffle):
    """Control: ``random`` with p = 1. F can hardly fall below the F that is left then."""

    name: ClassVar[str] = "floor"
    summary: ClassVar[str] = "control: all bins of each frame are shuffled, measures F_floor"
    feature_in_words = "all frequency bins"

    def draw(self, scene: Scene) -> Change:
        return Random(p=1.0, draw_mode=self.draw_mode).draw(scene)
