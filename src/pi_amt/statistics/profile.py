"""The harmonic profile: what F loses without partial k, by every way to take it away.

* ``true``: the sound was made without it, which only the truth set can (see
  :func:`pi_amt.study.truth.as_conditions`).
* ``ratio`` and ``binary``: a mask of this kind removes it from the model's input.
* ``channel``: the channel of Basic Pitch's harmonic stack that holds the input shifted by harmonic
  k is set to zero. This is another question, asked inside the network: what the partial is worth
  *as the k-th partial of a pitch*, while it still sounds.

The same stands for sounds that keep nothing but partial k, without the channel. Ways are compared
with a reference, on the recordings and partials that both have: with the truth, and where there is
none with the ratio mask, which is nearest to it.

Why a binary mask may differ is told by the energies in the rows. The band of partial k holds other
partials, too: of the same note, and of notes an octave or a twelfth away. The binary mask takes all
of it; the ratio mask takes what belongs to partial k, so what it leaves there is the others'.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pi_amt.core.units import Floats, db_to_power_ratio
from pi_amt.models.basic_pitch.rearrange import HARMONICS
from pi_amt.statistics.dose import Curve, numbered_curves
from pi_amt.statistics.inference import mean
from pi_amt.statistics.panels import Panel
from pi_amt.statistics.result import Result
from pi_amt.store.rows import AUDIO_WITH_ONLY, AUDIO_WITHOUT

#: every way, the nearest to the truth first; the first that was run is the reference
WAYS = ("true", "ratio", "binary", "channel")
#: permutation → whether it keeps the partial instead of removing it
KEEPS = {
    AUDIO_WITHOUT: False,
    AUDIO_WITH_ONLY: True,
    "remove_harmonic": False,
    "keep_harmonic": True,
    "ablate_channel": False,
}
#: there is no rank correlation over fewer recordings
FEWEST_PIECES = 6
#: two ways agree if their drops differ by no more than this, in the mean over partials
AGREES = 0.05


@dataclass(frozen=True)
class Energies:
    """What masks took from the bands of one partial, means over recordings; NaN where not known.

    Attributes:
        own_share: share of these bands' energy that the ratio mask finds to be the partial's own.
        collateral_db: energy that other partials of the sounding notes lost to the binary mask, dB.
        own_share_by_polyphony, collateral_by_polyphony: rank correlation of the two, over
            at least :data:`FEWEST_PIECES` recordings, with how many notes sound at an onset in the
            mean.
    """

    own_share: float
    collateral_db: float
    own_share_by_polyphony: float
    collateral_by_polyphony: float


@dataclass(frozen=True)
class WayAgreement:
    """One way beside the reference.

    Attributes:
        way, reference: of :data:`WAYS`.
        partials: ``(partials,)`` numbers that both have.
        n_pieces: recordings that both have.
        difference: ``(partials,)`` drop by this way − by the reference, mean over recordings.
        error: ``(partials,)`` mean over recordings of the distance of the two.
        rank_correlation: of the two profiles, mean over recordings taken first.
    """

    way: str
    reference: str
    partials: Floats
    n_pieces: int
    difference: Floats
    error: Floats
    rank_correlation: float

    @property
    def distance(self) -> float:
        """Mean over partials of the distance of the two drops."""
        return mean(np.abs(self.difference))

    @property
    def agrees(self) -> bool:
        """Whether the drops differ by at most :data:`AGREES` in the mean over partials."""
        return self.distance <= AGREES

    @property
    def furthest(self) -> int:
        """Number of the partial where the two are furthest apart."""
        return int(self.partials[np.argmax(np.abs(self.difference))])

    @property
    def distance_elsewhere(self) -> float:
        """Mean over the other partials than :attr:`furthest` of the distance of the two drops."""
        return mean(np.abs(self.difference[self.partials != self.furthest]))


@dataclass(frozen=True)
class Profile:
    """The profile of one model on one dataset.

    Attributes:
        keep: whether partial k is all that is kept, rather than what is removed.
        curves: way → its curve over the numbers of partials, in the order of :data:`WAYS`.
        energies: number of a partial → what masks took from its bands; empty where it is kept.
    """

    model: str
    dataset: str
    keep: bool
    curves: Mapping[str, Curve]
    energies: Mapping[int, Energies]

    @property
    def partials(self) -> list[int]:
        """Numbers of all partials that any way has."""
        return sorted({int(k) for curve in self.curves.values() for k in curve.values})

    def agreements(self) -> dict[str, WayAgreement]:
        """Way → how it compares with the reference; without the reference itself."""
        reference, *others = self.curves
        return {way: self._agreement(way, reference) for way in others if reference != "binary"}

    def _agreement(self, way: str, reference: str) -> WayAgreement:
        one, other = self.curves[way], self.curves[reference]
        pieces = [piece for piece in one.pieces if piece in other.pieces]
        partials = np.intersect1d(one.values, other.values)
        here, there = (_drops(curve, pieces, partials) for curve in (one, other))
        one_mean, other_mean = (_means(drops) for drops in (here, there))
        return WayAgreement(
            way=way,
            reference=reference,
            partials=partials,
            n_pieces=len(pieces),
            difference=one_mean - other_mean,
            error=_means(np.abs(here - there)),
            rank_correlation=rank_correlation(one_mean, other_mean),
        )


def profiles(result: Result) -> tuple[Profile, ...]:
    """All profiles that the rows allow, what is removed before what is kept.

    Of several series of one way, which differ in other options, the one stored first is taken.
    """
    found: dict[tuple[str, str, bool], dict[str, Curve]] = {}
    for curve in numbered_curves(result, KEEPS):
        place = (curve.model, curve.dataset, KEEPS[curve.permutation])
        found.setdefault(place, {}).setdefault(_way(curve), _by_partial(curve))
    panels = {(panel.model, panel.dataset): panel for panel in result.panels}
    return tuple(
        Profile(
            model=model,
            dataset=dataset,
            keep=keep,
            curves={way: curves[way] for way in WAYS if way in curves},
            energies={} if keep else _energies(panels[model, dataset], curves),
        )
        for keep in (False, True)
        for (model, dataset, keeps), curves in found.items()
        if keeps == keep
    )


def _drops(curve: Curve, pieces: Sequence[str], partials: Floats) -> Floats:
    """``(pieces, partials)`` of a curve that has them all."""
    rows = [curve.pieces.index(piece) for piece in pieces]
    return curve.matrix[rows][:, np.searchsorted(curve.values, partials)]


def _means(drops: Floats) -> Floats:
    """``(partials,)`` of ``(pieces, partials)``; NaN without pieces."""
    return drops.mean(axis=0) if len(drops) else np.full(drops.shape[1], np.nan)


def rank_correlation(one: Floats, other: Floats) -> float:
    """Spearman's, of two vectors of the same length; NaN where one is constant."""
    if one.size < 2 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return float("nan")
    return float(np.corrcoef(_ranks(one), _ranks(other))[0, 1])


def _ranks(values: Floats) -> Floats:
    """``(n,)`` ranks; equal values share theirs."""
    below, up_to = (compare(values[None], values[:, None]) for compare in (np.less, np.less_equal))
    return np.asarray((below.sum(axis=1) + up_to.sum(axis=1)) / 2)


def _way(curve: Curve) -> str:
    if curve.permutation == "ablate_channel":
        return "channel"
    if curve.permutation.startswith("audio_"):
        return "true"
    return str(json.loads(curve.constant).get("kind", "binary"))


def _by_partial(curve: Curve) -> Curve:
    """A curve over channels as one over the partials that they hold, without harmonic ½."""
    if curve.permutation != "ablate_channel":
        return curve
    partials = np.array([float(HARMONICS[int(channel)]) for channel in curve.values])
    whole = partials >= 1
    return replace(
        curve,
        parameter="harmonic",
        values=partials[whole],
        drop=curve.drop[whole],
        drop_low=curve.drop_low[whole],
        drop_high=curve.drop_high[whole],
        matrix=curve.matrix[:, whole],
    )


def _energies(panel: Panel, curves: Mapping[str, Curve]) -> dict[int, Energies]:
    """What the rows of the masks say of the bands of each partial."""
    shares = _effects(panel, curves.get("ratio"), "removed_db_target")
    losses = _effects(panel, curves.get("binary"), "collateral_db")
    notes = panel.baseline_notes
    polyphony = np.array(
        [
            mean(notes[piece].polyphony.astype(float)) if piece in notes else np.nan
            for piece in panel.pieces
        ]
    )
    unknown = np.full(len(panel.pieces), np.nan)
    found = {}
    for k in sorted({*shares, *losses}):
        own = 1 - db_to_power_ratio(-shares.get(k, unknown))
        lost = losses.get(k, unknown)
        found[k] = Energies(
            own_share=mean(own),
            collateral_db=mean(lost),
            own_share_by_polyphony=_known_correlation(own, polyphony),
            collateral_by_polyphony=_known_correlation(lost, polyphony),
        )
    return found


def _effects(panel: Panel, curve: Curve | None, key: str) -> dict[int, Floats]:
    """Number of a partial → ``(pieces,)`` of one effect of the conditions of a curve."""
    if curve is None:
        return {}
    effects = panel.piece_means(key, of="effects")
    constant = json.loads(curve.constant)
    found: dict[int, Floats] = {}
    for number, condition in enumerate(panel.conditions):
        options = dict(condition.options)
        partial = options.pop("harmonic", None)
        same = condition.permutation == curve.permutation and options == constant
        if same and isinstance(partial, int | float) and condition.role == "condition":
            found[int(partial)] = effects[number]
    return found


def _known_correlation(values: Floats, others: Floats) -> float:
    known = ~(np.isnan(values) | np.isnan(others))
    if known.sum() < FEWEST_PIECES:
        return float("nan")
    return rank_correlation(values[known], others[known])
