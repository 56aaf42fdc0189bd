"""Conditions: what is done to a recording, and the key that every random draw starts from.

A condition is a permutation with its options, a repeat and a seed. Its ``key_for`` depends on
(seed, dataset, track, permutation name, repeat) only: not on the model, the options, the batch or
the worker. So doses are nested, and both models get the same note-level choices.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

from pi_amt.core.checks import check_choice, check_count, check_seed
from pi_amt.core.hashing import canonical_json
from pi_amt.core.spectrogram import NORMALIZATIONS
from pi_amt.permutations.coalition import Coalition
from pi_amt.permutations.controls import Leak
from pi_amt.permutations.loading import BUILT_IN, controls_of, load_permutation
from pi_amt.permutations.matched_energy import MatchedEnergy
from pi_amt.permutations.matched_tracks import MatchedTracks
from pi_amt.permutations.permutation import UNSAID, Permutation
from pi_amt.store.rows import BASELINE, COALITION, ConditionKey

_CONTROLS = ("identity", "floor", "wrong_piece", "matched_tracks", "leak")


@dataclass(frozen=True)
class Condition:
    """One column of a study.

    Attributes:
        permutation: the perturbation with its options.
        label: for people; unique among conditions with equal parameters.
        role: ``baseline``, ``condition``, ``control`` or ``coalition``.
        target: label of the condition that a control belongs to.
        repeat: number of the draw; deterministic permutations have repeat 0 only.
        seed: of the study.
        normalization: ``frozen`` keeps the model's normalisation from the clean input (locality),
            ``model`` lets the model compute it from the perturbed input, ``auto`` is what the
            permutation asks for and is replaced by it.
        varied: the options in which the conditions of its series differ. Tables and figures use
            them; no score depends on them.
    """

    permutation: Permutation
    label: str
    role: str = "condition"
    target: str = ""
    repeat: int = 0
    seed: int = 0
    normalization: str = "auto"
    varied: tuple[str, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        if self.normalization == "auto":
            object.__setattr__(self, "normalization", self.permutation.normalization)
        check_choice("normalization", self.normalization, NORMALIZATIONS)
        object.__setattr__(self, "seed", check_seed(self.seed))

    @classmethod
    def rebuilt(cls, key: ConditionKey, repeat: int = 0, seed: int = 0) -> Condition:
        """The condition that stored rows belong to, made from their :attr:`parameters`.

        Args:
            key: of the rows.
            repeat, seed: of one of them.

        Raises:
            ValueError: if the permutation is not known here, or if its parameters do not make it
                again, as may happen with those of users.
        """
        options: dict[str, Any] = _hashable(key.options)
        normalization = options.pop("normalization", "frozen")
        try:
            permutation = load_permutation(key.permutation, **options)
        except Exception as error:  # a constructor of a user may raise anything
            raise ValueError(
                f"{key.label}: got {key.parameters}, which makes no {key.permutation} ({error})"
            ) from error
        condition = cls(permutation, key.label, key.role, key.target, repeat, seed, normalization)
        if not key.options.items() <= json.loads(condition.parameters).items():
            raise ValueError(
                f"{key.label}: got {key.parameters}, which makes {condition.parameters}, "
                "expected parameters that make the same permutation again"
            )
        return condition

    def __repr__(self) -> str:
        draw = f", repeat {self.repeat}, seed {self.seed}" if self.permutation.stochastic else ""
        return f"Condition({self.label!r}, {self.role}, {self.permutation!r}{draw})"

    @property
    def name(self) -> str:
        """Config name of the permutation."""
        return self.permutation.name

    @property
    def parameters(self) -> str:
        """Canonical JSON of the options that decide the result."""
        options = describe(self.permutation)
        if self.normalization != "frozen":
            options["normalization"] = self.normalization
        return canonical_json(options)

    @property
    def distinct(self) -> tuple[Any, ...]:
        """What tells conditions of one recording apart; a seed only where something is drawn."""
        seed = self.seed if self.permutation.stochastic else None
        return (self.label, self.role, self.parameters, self.repeat, seed)

    def key_for(self, dataset: str, track: str) -> int:
        """64-bit key of the draws for one recording."""
        identity = canonical_json([self.seed, dataset, track, self.name, self.repeat])
        return int.from_bytes(hashlib.blake2b(identity.encode(), digest_size=8).digest(), "big")


def _hashable(value: Any) -> Any:
    """JSON's lists as the tuples that they were: a condition must be hashable."""
    if isinstance(value, dict):
        return {name: _hashable(item) for name, item in value.items()}
    return tuple(map(_hashable, value)) if isinstance(value, list) else value


def describe(permutation: Permutation) -> dict[str, Any]:
    """Options of a permutation, JSON-ready, but for :func:`unsaid` ones; a wrapped target is
    described in turn."""
    if not is_dataclass(permutation):
        return {k: v for k, v in vars(permutation).items() if not k.startswith("_")}
    options: dict[str, Any] = {}
    public = {name: alias for alias, name in permutation.aliases.items()}
    left_out = unsaid(permutation)
    for option in fields(permutation):
        if option.name in left_out:
            continue
        value = getattr(permutation, option.name)
        if isinstance(value, Permutation):
            value = {"name": value.name, **describe(value)}
        options[public.get(option.name, option.name)] = value
    return options


def unsaid(permutation: Permutation) -> set[str]:
    """Options that came later and have the value that all rows had before they came: neither
    parameters nor labels name them."""
    if not is_dataclass(permutation):
        return set()
    return {
        option.name
        for option in fields(permutation)
        if UNSAID in option.metadata
        and getattr(permutation, option.name) == option.metadata[UNSAID]
    }


def make_conditions(
    permutations: Iterable[str | Permutation | Condition],
    *,
    repeats: int = 1,
    seed: int = 0,
    controls: bool | str = False,
) -> list[Condition]:
    """Expand permutations into conditions: the baseline first, repeats, controls if wanted.

    Args:
        permutations: names, permutation objects or ready conditions.
        repeats: draws per stochastic permutation. Those of a ready condition begin with the repeat
            that it has.
        seed: of the study.
        controls: add ``identity``, ``floor``, and per target ``wrong_piece``, ``matched_tracks``
            and ``leak`` where these are defined; ``"floor"``: only that one; ``"matched"``: only
            what claims rest on, ``matched_tracks`` and ``leak``; for binary masks the leak on
            noise only.

    Raises:
        ValueError: if ``repeats`` is below 1, a name is unknown, or two classes have one name.
    """
    check_count("repeats", repeats)
    if not isinstance(controls, bool) and controls not in ("floor", "matched"):
        raise ValueError(f"controls: got {controls!r}, expected True, False, 'floor' or 'matched'")
    if isinstance(permutations, str):
        raise ValueError(f"permutations: got {permutations!r}, expected a list, [{permutations!r}]")
    wanted = [as_condition(item, seed) for item in permutations]
    _check_names_are_distinct(condition.permutation for condition in wanted)
    if controls == "floor":
        wanted.append(as_condition("floor", seed))
    elif controls == "matched":
        wanted += _controls_of(wanted, seed, _claims_rest_on)
    elif controls:
        wanted += _controls_of(wanted, seed)
    baseline = Condition(load_permutation(BASELINE), BASELINE, role="baseline", seed=seed)
    drawn = (
        replace(condition, repeat=condition.repeat + draw)
        for condition in [baseline, *wanted]
        for draw in range(repeats if condition.permutation.stochastic else 1)
    )
    return list({(c.label, c.parameters, c.repeat, c.seed): c for c in drawn}.values())


def as_condition(item: str | Permutation | Condition, seed: int = 0) -> Condition:
    """A condition from a permutation's name, an object, or itself.

    Raises:
        TypeError: for anything else.
        ValueError: for an unknown name, or an object without a name of its own.
    """
    if isinstance(item, Condition):
        return item
    permutation = load_permutation(item) if isinstance(item, str) else item
    if not isinstance(permutation, Permutation):
        raise TypeError(
            f"permutations: got {item!r}, expected names, objects of Permutation or conditions"
        )
    target = getattr(permutation, "target_permutation", None)
    for one in filter(None, (permutation, target)):
        _check_name(one)
    if permutation.name == BASELINE:
        return Condition(permutation, BASELINE, role="baseline", seed=seed)
    if permutation.name in _CONTROLS:
        name = target.name if isinstance(target, Permutation) else ""
        kind = "_".join(filter(None, (permutation.name, permutation.carrier)))
        label = f"{kind}({name})" if name else kind
        return Condition(permutation, label, role="control", target=name, seed=seed)
    if isinstance(permutation, Coalition):
        label = f"{permutation.name}(present={permutation.present})"
        return Condition(permutation, label, role=COALITION, seed=seed)
    if isinstance(permutation, MatchedEnergy):
        return _energy_matched(permutation, seed)
    return Condition(permutation, permutation.name, seed=seed)


def _check_name(permutation: Permutation) -> None:
    """Raise ``ValueError`` where rows, which are found by the name, would be taken for others."""
    kind = type(permutation)
    name = getattr(permutation, "name", "")
    if name and (kind in BUILT_IN or name not in {one.name for one in BUILT_IN}):
        return
    got = f"the name {name} of what is built in" if name else "no name"
    raise ValueError(
        f"permutations: got {kind.__name__} with {got}, expected a name of its own: "
        f'name: ClassVar[str] = "{kind.__name__.lower()}"'
    )


def _check_names_are_distinct(permutations: Iterable[Permutation]) -> None:
    """Raise ``ValueError`` where the rows of one class would be taken for those of another."""
    called: dict[str, type[Permutation]] = {}
    for permutation in permutations:
        kind = called.setdefault(permutation.name, type(permutation))
        if kind is not type(permutation):
            one, other = (f"{c.__module__}.{c.__qualname__}" for c in (kind, type(permutation)))
            raise ValueError(
                f"permutations: got {one} and {other}, which are both called {permutation.name}, "
                "expected a name for each class"
            )


def _energy_matched(permutation: MatchedEnergy, seed: int) -> Condition:
    """The two sides of an energy-matched comparison are a condition and its control."""
    label = f"{permutation.name}({permutation.target_permutation.name})"
    if permutation.side == "target":
        return Condition(permutation, label, seed=seed)
    return Condition(
        permutation, f"matched_tracks({label})", role="control", target=label, seed=seed
    )


def _claims_rest_on(control: Permutation) -> bool:
    """Whether a claim rests on this control, so that it is run where time is short.

    What a binary mask writes into a sound, noise shows already.
    """
    if isinstance(control, Leak) and control.carrier == "other":
        return control.target_permutation.needs_overview
    return isinstance(control, MatchedTracks | Leak)


def _controls_of(
    wanted: Sequence[Condition], seed: int, chosen: Callable[[Permutation], bool] = lambda _: True
) -> list[Condition]:
    """The controls of a set of conditions, as far as they are chosen."""
    controls = [
        as_condition(control, seed)
        for control in map(load_permutation, ("identity", "floor"))
        if chosen(control)
    ]
    for condition in wanted:
        if condition.role == "condition":
            controls += [
                replace(
                    as_condition(control, seed),
                    target=condition.label,
                    normalization=condition.normalization,
                )
                for control in controls_of(condition.permutation)
                if chosen(control)
            ]
    if any(control.permutation.carrier == "other" for control in controls):
        # what the other recording scores by chance
        controls.append(as_condition(Leak(load_permutation(BASELINE), "other"), seed))
    return controls
