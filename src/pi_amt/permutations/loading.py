"""``load_permutation(name, …)`` and the registry behind it.

A built-in permutation is one line in ``BUILT_IN``. Those of other packages join through the
entry-point group ``pi_amt.permutations`` (name → sub-class of :class:`Permutation`).
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from pi_amt.core.checks import unknown
from pi_amt.core.registry import Registry
from pi_amt.permutations.ablate_channel import AblateChannel
from pi_amt.permutations.coalition import Coalition
from pi_amt.permutations.controls import CARRIERS, Identity, Leak, NoPermutation, WrongPiece
from pi_amt.permutations.donor import Donor
from pi_amt.permutations.masks import (
    FundMask,
    HarmMask,
    KeepHarmonic,
    PartialMask,
    RatioFundMask,
    RatioHarmMask,
    RemoveHarmonic,
    SoftFundMask,
    SoftHarmMask,
)
from pi_amt.permutations.matched_energy import MatchedEnergy
from pi_amt.permutations.matched_tracks import MatchedTracks
from pi_amt.permutations.permutation import Permutation
from pi_amt.permutations.shuffles import Floor, HighFreq, Microtonal, Random

ENTRY_POINTS = "pi_amt.permutations"
BUILT_IN: tuple[type[Permutation], ...] = (
    NoPermutation,
    Random,
    Microtonal,
    HighFreq,
    FundMask,
    HarmMask,
    SoftFundMask,
    SoftHarmMask,
    RatioFundMask,
    RatioHarmMask,
    Identity,
    Floor,
    WrongPiece,
    MatchedTracks,
    MatchedEnergy,
    Leak,
    RemoveHarmonic,
    KeepHarmonic,
    Donor,
    AblateChannel,
    Coalition,
)
PERMUTATIONS = Registry(
    "permutation",
    ENTRY_POINTS,
    {found.name: f"{found.__module__}:{found.__name__}" for found in BUILT_IN},
    "a sub-class of Permutation",
    is_one=lambda found: isinstance(found, type) and issubclass(found, Permutation),
    summary=lambda found: str(found.summary),
)


def available() -> dict[str, str]:
    """Config name → one-line summary of every permutation, built-in ones first; of one that cannot
    be loaded, why."""
    found: dict[str, str] = {}
    for entry in PERMUTATIONS.look():  # a plug-in with the name of another comes after it
        found.setdefault(entry.name, entry.problem or entry.summary)
    return found


def load_permutation(name: str, **options: Any) -> Permutation:
    """A permutation by its config name.

    Args:
        name: see :func:`available`.
        **options: its options; see the class named in the error if one is not known. A
            ``target`` may be a name, too. An option that is a permutation may be a mapping of its
            ``name`` and its options, as rows are stored.

    Raises:
        ValueError: if the name, an option or an option's value is not known; near matches are
            named.
    """
    found: type[Permutation] = PERMUTATIONS.load(name)
    known = list(inspect.signature(found).parameters)
    allowed = [k for k in known if k not in found.aliases.values()] + list(found.aliases)
    arguments: dict[str, Any] = {}
    for option, value in options.items():
        if option not in allowed and option not in known:
            raise ValueError(unknown(f"option of {name}", option, allowed))
        name_alone = option in ("target", "target_permutation") and isinstance(value, str)
        nested = {"name": value} if name_alone else value
        is_one = isinstance(nested, Mapping) and nested.get("name") in PERMUTATIONS.paths()
        arguments[found.aliases.get(option, option)] = (
            load_permutation(**nested) if name_alone or is_one else value
        )
    return found(**arguments)


def controls_of(permutation: Permutation) -> list[Permutation]:
    """The controls that belong to one condition.

    ``wrong_piece`` and ``matched_tracks`` for masks, ``matched_tracks`` for ``high_freq``, and
    ``leak`` with each carrier for what keeps or adds something.
    """
    found: list[Permutation] = []
    if isinstance(permutation, PartialMask):
        found.append(WrongPiece(permutation))
    if isinstance(permutation, PartialMask | HighFreq):
        found.append(MatchedTracks(permutation))
    if permutation.can_leak:
        found += [Leak(permutation, carrier) for carrier in CARRIERS]
    return found
