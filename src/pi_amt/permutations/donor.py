"""``donor``: permutation importance in Breiman's sense."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch

from pi_amt.core.checks import check_choice, check_count, check_range
from pi_amt.core.partials import INHARMONICITIES
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.core.text import plural
from pi_amt.core.units import cents_to_ratio
from pi_amt.permutations.draws import hash_bits
from pi_amt.permutations.masks import PartialMask, RemoveHarmonic
from pi_amt.permutations.permutation import Change, NotApplicable, Permutation, Scene
from pi_amt.permutations.regions import ONSETS, Mask

FEATURES = ("harmonic", "band")
SOURCES = ("recording", "neighbour")


@dataclass(frozen=True)
class Donor(Permutation):
    """The bins of a feature take the values that they have at another time (Breiman 2001).

    Each bin keeps its own distribution of values, but loses its relation to the rest of the frame.
    Time is cut into segments of ``block_seconds``. For each, a hash of (key, segment number) draws
    a block of the pool and a start in it, so every repeat takes values from other places.

    The pool is ``neighbour.spectrogram``: at least two blocks, each at least ``block_seconds``
    long, through the same front end, from sound spread over the same recording
    (``source=recording``, ``needs_neighbour`` is then ``"own_spectrogram"``) or over other
    recordings (``source=neighbour``). It must not depend on which part of the recording is being
    perturbed. A segment is taken from within one block of the pool.

    Attributes:
        feature: ``harmonic``: bins of harmonic ``harmonic`` of the sounding notes; ``band``: bins
            from ``low_hz`` to ``high_hz`` (tuning included).
        harmonic: k, 1 = fundamental.
        low_hz, high_hz: edges of the band, Hz; ``high_hz=None`` is the end of the axis.
        source: ``recording`` or ``neighbour``.
        block_seconds: length of a donated segment, at least 0.5 s.
        half_width_cents, time_dilation, onset, inharmonicity: of the harmonic's bins, as in
            :class:`~pi_amt.permutations.masks.PartialMask`.
    """

    feature: str = "harmonic"
    harmonic: int = 1
    low_hz: float = 0.0
    high_hz: float | None = None
    source: str = "recording"
    block_seconds: float = 0.5
    half_width_cents: float | None = None
    time_dilation: float = 0.25
    onset: str = "all"
    inharmonicity: str = "piano"

    name: ClassVar[str] = "donor"
    summary: ClassVar[str] = "the bins of a feature take their values from another time or piece"
    stochastic = True
    moves_values = True

    def __post_init__(self) -> None:
        check_choice("feature", self.feature, FEATURES)
        check_choice("source", self.source, SOURCES)
        check_count("harmonic", self.harmonic)
        check_range("low_hz", self.low_hz, 0.0, unit="Hz")
        if self.high_hz is not None:
            check_range("high_hz", self.high_hz, self.low_hz, unit="Hz")
        check_range("block_seconds", self.block_seconds, 0.5, unit="s")
        check_choice("onset", self.onset, ONSETS)
        check_choice("inharmonicity", self.inharmonicity, INHARMONICITIES)

    @property
    def feature_in_words(self) -> str:
        to = " upwards" if self.high_hz is None else f" to {self.high_hz:g} Hz"
        band = f"the band from {self.low_hz:g} Hz{to}"
        what = self.mask.feature_in_words if self.feature == "harmonic" else band
        return f"the course of {what} over time"

    @property
    def needs_notes(self) -> bool:
        return self.feature == "harmonic"

    @property
    def needs_neighbour(self) -> str:
        return "own_spectrogram" if self.source == "recording" else "spectrogram"

    @property
    def can_leak(self) -> bool:
        return self.feature == "harmonic"

    @property
    def mask(self) -> PartialMask:
        """The mask of the harmonic's bins."""
        return RemoveHarmonic(
            harmonic=self.harmonic,
            half_width_cents=self.half_width_cents,
            time_dilation=self.time_dilation,
            onset=self.onset,
            inharmonicity=self.inharmonicity,
        )

    def draw(self, scene: Scene) -> Change:
        spectrogram = scene.spectrogram
        donated = self._donated(scene)
        if self.feature == "harmonic":
            feature = self.mask.draw(scene)
        else:
            feature = Change(lambda unchanged: unchanged, self._band(spectrogram))
        assert feature.target is not None
        target = torch.from_numpy(feature.target).to(spectrogram.tensor.device)
        where = spectrogram.over_channels(target)

        def apply(clean: Spectrogram) -> Spectrogram:
            return clean.with_values(torch.where(where, donated, clean.tensor))

        return replace(feature, apply=apply)

    def _band(self, spectrogram: Spectrogram) -> Mask:
        hz = spectrogram.frequencies / cents_to_ratio(spectrogram.tuning_cents)
        high = math.inf if self.high_hz is None else self.high_hz
        band = (hz >= self.low_hz) & (hz <= high)
        return np.broadcast_to(band[:, None], spectrogram.grid).copy()

    def _donated(self, scene: Scene) -> torch.Tensor:
        """What each frame gets from the pool, in the shape of the values."""
        spectrogram, neighbour = scene.spectrogram, scene.neighbour
        pool = None if neighbour is None else neighbour.spectrogram
        length = math.ceil(self.block_seconds * spectrogram.frame_rate)
        _check_pool(pool, spectrogram, length)
        assert pool is not None
        blocks, _, frames = pool.grid
        segment, offset = np.divmod(spectrogram.frame_numbers, length)
        bits = hash_bits(
            scene.key, torch.from_numpy(segment)[..., None], torch.arange(2), stream=2
        ).numpy()
        choice = bits & np.int64(2**62 - 1)
        block, start = choice[..., 0] % blocks, choice[..., 1] % (frames - length + 1)
        donors = pool.tensor.to(spectrogram.tensor.device)
        # (blocks, frames, …, bins): one donor column per frame, the same for all channels
        columns = donors[torch.from_numpy(block), ..., torch.from_numpy(start + offset)]
        return columns.movedim(1, -1)


def _check_pool(pool: Spectrogram | None, spectrogram: Spectrogram, length: int) -> None:
    if pool is None:
        raise ValueError("donor: got no pool, expected neighbour.spectrogram, see Donor")
    blocks, bins, frames = pool.grid
    expected = len(spectrogram.frequencies)
    if bins != expected or blocks < 2:
        raise ValueError(
            f"donor: got a pool of {blocks} blocks with {bins} bins, expected at least 2 blocks "
            f"with {expected} bins"
        )
    held_channels, wanted_channels = (len(one.channels) for one in (pool, spectrogram))
    if held_channels != wanted_channels:
        raise ValueError(
            f"donor: got a pool with {plural(held_channels, 'channel')}, expected "
            f"{wanted_channels} as in the recording"
        )
    if frames < length:
        held, wanted = (n / spectrogram.frame_rate for n in (frames, length))
        raise NotApplicable(
            f"donor: the pool holds {held:.2g} s in one piece, a donated segment "
            f"lasts {wanted:.2g} s"
        )
