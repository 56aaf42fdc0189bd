"""The harmonic profile as a table, how far its ways agree as another, and both in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isnan, nan
from typing import Any

import numpy as np

from pi_amt.core.text import plural
from pi_amt.core.units import Floats
from pi_amt.report.names import dataset_title, model_title
from pi_amt.report.tables.cells import format_value
from pi_amt.report.tables.table import Table, bounds_of, with_bounds
from pi_amt.statistics.profile import AGREES, WAYS, Energies, Profile, WayAgreement, profiles
from pi_amt.statistics.result import Result

_UNKNOWN = Energies(nan, nan, nan, nan)
_ENERGIES = tuple(vars(_UNKNOWN))
#: way → what it is called in a sentence, that it agrees, and that it does not
_WORDS = {
    "true": ("the missing sound", "agrees", "does not agree"),
    "ratio": ("ratio masks", "agree", "do not agree"),
    "binary": ("binary masks", "agree", "do not agree"),
    "channel": ("the channel probe", "agrees", "does not agree"),
}


def profile_table(importance: Result) -> Table:
    """Drops by every way to take partial k away, one line per model, dataset, side and k."""
    found = profiles(importance)
    errors = tuple(f"{way}_error" for way in WAYS[1:])
    drops = with_bounds(WAYS)
    columns = ("model", "dataset", "partials", "k", *drops, "reference", *errors, *_ENERGIES)
    return Table(
        title="Harmonic profile",
        columns=columns,
        records=tuple(record for profile in found for record in _records(profile)),
        footers=(
            "true, ratio, binary, channel: drop where partial k is removed, or alone is kept, in "
            "the sound itself, by a ratio mask, by a binary mask; where its channel of Basic "
            "Pitch's harmonic stack is zero.",
            "errors: mean over recordings of the distance from the drop of the reference.",
            "own_share: share of the energy in the bands of partial k that the ratio mask finds to "
            "be its own; collateral_db: energy that other partials of the sounding notes lost to "
            "the binary mask.",
            "by_polyphony: rank correlation over recordings with how many notes sound at an onset.",
        ),
        formats={
            "k": "d",
            "own_share": ".0%",
            "collateral_db": ".1f",
            **dict.fromkeys(_ENERGIES[2:], "+.2f"),
        },
        main=("model", "dataset", "partials", "k", *WAYS, *errors, *_ENERGIES[:2]),
        lead=("k", *WAYS, *errors, *_ENERGIES, "reference", "model", "dataset", "partials"),
        groups=("model", "dataset", "partials"),
        intervals=bounds_of(WAYS),
    )


def agreement_table(importance: Result) -> Table:
    """How far each way of a harmonic profile agrees with its reference, one line per way."""
    records = tuple(
        {
            "model": profile.model,
            "dataset": profile.dataset,
            "partials": _side(profile),
            "way": way,
            "reference": found.reference,
            "n_pieces": found.n_pieces,
            "n_partials": len(found.partials),
            "rank_correlation": found.rank_correlation,
            "mean_difference": float(found.difference.mean()),
            "distance": found.distance,
            "error": float(found.error.mean()),
            "furthest_k": found.furthest,
            "agrees": "yes" if found.agrees else "no",
        }
        for profile in profiles(importance)
        for way, found in profile.agreements().items()
    )
    columns = (
        "model", "dataset", "partials", "way", "reference", "n_pieces", "n_partials",
        "rank_correlation", "mean_difference", "distance", "error", "furthest_k", "agrees",
    )  # fmt: skip
    return Table(
        title="Which ways to take a partial away agree",
        columns=columns,
        records=records,
        footers=(
            "Over the partials and recordings that a way and its reference share. "
            "mean_difference: drop by the way − by the reference; distance: mean over partials of "
            "its size; error: mean over partials and recordings of the size of each recording's. "
            f"agrees: a distance of at most {AGREES:.2f}.",
        ),
        formats={"rank_correlation": ".2f", "mean_difference": "+.3f"},
        lead=("way", *columns[4:], "model", "dataset", "partials"),
        groups=("model", "dataset", "partials"),
    )


def profile_sentences(importance: Result) -> list[str]:
    """Which ways agree where partials are removed, and what binary bands take besides."""
    return [
        sentence
        for profile in profiles(importance)
        if not profile.keep
        for sentence in _sentences(profile)
    ]


def _records(profile: Profile) -> Iterator[dict[str, Any]]:
    agreements = profile.agreements()
    for k in profile.partials:
        record: dict[str, Any] = {
            "model": profile.model,
            "dataset": profile.dataset,
            "partials": _side(profile),
            "k": k,
            "reference": next(iter(profile.curves)) if agreements else "",
        }
        for way in WAYS:
            curve = profile.curves.get(way)
            for name, part in zip(with_bounds([way]), with_bounds(["drop"]), strict=True):
                record[name] = _at(k, curve.values, getattr(curve, part)) if curve else nan
        for way in WAYS[1:]:
            found = agreements.get(way)
            record[f"{way}_error"] = _at(k, found.partials, found.error) if found else nan
        yield record | vars(profile.energies.get(k, _UNKNOWN))


def _at(k: int, partials: Floats, values: Floats) -> float:
    """The value of partial k; NaN where there is none."""
    (place,) = np.nonzero(partials == k)
    return float(values[place[0]]) if place.size else nan


def _side(profile: Profile) -> str:
    return "kept" if profile.keep else "removed"


def _sentences(profile: Profile) -> Iterator[str]:
    place = f"{model_title(profile.model)} on {dataset_title(profile.dataset)}"
    for found in profile.agreements().values():
        yield f"{place}: {_agreement(profile, found)}"
        if found.way == "binary" and not found.agrees:
            yield from (f"{place}: {why}" for why in _why(found, profile.energies))


def _agreement(profile: Profile, found: WayAgreement) -> str:
    """``ratio masks agree with the missing sound: over k = 1 … 10 …``."""
    name, agrees, differs = _WORDS[found.way]
    k, rank = found.furthest, found.rank_correlation
    own, reference = (
        _at(k, profile.curves[way].values, profile.curves[way].drop)
        for way in (found.way, found.reference)
    )
    ranks = "" if isnan(rank) else f", their rank correlation is {rank:.2f}"
    return (
        f"{name} {agrees if found.agrees else differs} with {_WORDS[found.reference][0]}: over k = "
        f"{int(found.partials[0])} … {int(found.partials[-1])} the drops are {found.distance:.2f} "
        f"apart in the mean{ranks}; they are furthest apart at k = {k}, "
        f"{format_value(own, '.2f')} instead of {format_value(reference, '.2f')}, and "
        f"elsewhere {found.distance_elsewhere:.2f} apart."
    )


def _why(binary: WayAgreement, energies: Mapping[int, Energies]) -> Iterator[str]:
    """What the band of the partial where a binary mask is furthest off holds besides."""
    k = binary.furthest
    found = energies.get(k, _UNKNOWN)
    if not isnan(found.own_share):
        yield (
            f"of the energy in the bands of partial {k}, ratio masks find {found.own_share:.0%} to "
            "be its own, and the binary mask takes all of it."
        )
    if not isnan(found.collateral_db):
        trend = found.collateral_by_polyphony
        by_polyphony = (
            ""
            if isnan(trend)
            else (
                f"; the rank correlation of this loss with how many notes sound together, over "
                f"{plural(binary.n_pieces, 'recording')}, is {trend:+.2f}"
            )
        )
        yield (
            f"under the binary mask of partial {k}, the other partials of the notes lose "
            f"{found.collateral_db:.1f} dB{by_polyphony}."
        )
