"""One model's part of the league table: what it is asked, and on which recordings.

All models hear the same perturbed sound (``domain=audio``). On the truth set they also hear the
recordings that were made without fundamentals, and with nothing else: what both lose there beside
the masks is the bias of the masks. ``make league`` and ``pi-amt card`` run the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from pi_amt.core.hashing import canonical_json
from pi_amt.datasets.known_partials import KnownPartialsTrack
from pi_amt.datasets.track import Track
from pi_amt.models.loading import ModelSpec, built
from pi_amt.permutations.coalition import coalitions
from pi_amt.permutations.loading import load_permutation
from pi_amt.permutations.masks import RatioFundMask, RatioHarmMask
from pi_amt.study.conditions import Condition, make_conditions
from pi_amt.study.groups import Group
from pi_amt.study.truth import DATASET, Truth, held_out_recordings, truth_groups

#: players of the short form, whose seven coalitions take a quarter of the time of all thirty-one
LEAGUE_PLAYERS = "f0+h2-h10+rest"
#: the permutation that is run on the model's own input, since a sound keeps too little of it
OWN_INPUT = "microtonal"


def league_conditions(players: str = LEAGUE_PLAYERS) -> list[Condition]:
    """Both masks, the fundamentals removed from the first 50 ms of each note, all with the controls
    that claims rest on, and all coalitions of the players."""
    onset = Condition(load_permutation("fund_mask", onset="only"), "fund_mask(onset=only)")
    controlled = make_conditions([RatioFundMask(), RatioHarmMask(), onset], controls="matched")
    return make_conditions([*controlled, *coalitions(players)])


def league_groups(
    model: ModelSpec,
    recordings: Mapping[str, Sequence[Track]],
    *,
    truth_seconds: float | None = None,
    players: str = LEAGUE_PLAYERS,
) -> list[Group]:
    """Everything that one model is asked.

    Args:
        model: the recipe, for either domain.
        recordings: dataset → its recordings; the truth set joins them.
        truth_seconds: so much of each recording of the truth set; ``None``: all.
        players: of the Shapley values.

    Raises:
        ValueError: if there is no such model, or something that it needs is missing.
    """
    sound, own = (_in_domain(model, domain) for domain in ("audio", "input"))
    truth: list[KnownPartialsTrack] = [
        replace(track, max_seconds=truth_seconds) for track in held_out_recordings()
    ]
    everything = {**recordings, DATASET: truth}
    conditions = league_conditions(players)
    groups = [Group(sound, name, tracks, conditions) for name, tracks in everything.items()]
    groups += truth_groups(sound, truth, [Truth((1,), keep) for keep in (False, True)])
    if not built(own).input_is_sound:
        disturbed = make_conditions([OWN_INPUT])
        groups += [Group(own, name, tracks, disturbed) for name, tracks in everything.items()]
    return groups


def _in_domain(model: ModelSpec, domain: str) -> ModelSpec:
    """The recipe for a model in a domain, with the name that ``pi-amt run`` gives it."""
    options = {k: v for k, v in json.loads(model.options).items() if k != "domain"}
    named = {"domain": domain} if domain == "audio" else {}
    return ModelSpec(model.name, canonical_json(options | named))
