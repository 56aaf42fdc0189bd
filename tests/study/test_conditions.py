"""Conditions: what the key of a draw depends on and what not, labels, roles, repeats, controls."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pi_amt
from pi_amt.core.hashing import canonical_json, digest
from pi_amt.permutations.loading import available, load_permutation
from pi_amt.permutations.masks import FundMask, RatioFundMask, RemoveHarmonic
from pi_amt.permutations.matched_tracks import MatchedTracks
from pi_amt.permutations.permutation import Permutation, Scene
from pi_amt.store.rows import ConditionKey
from pi_amt.study.conditions import Condition, as_condition, make_conditions

EIGHT = (
    *("no_permutation", "random", "microtonal", "high_freq"),
    *("fund_mask", "harm_mask", "soft_fund_mask", "soft_harm_mask"),
)


def test_the_baseline_comes_first_and_once() -> None:
    for given_names in (["fund_mask"], ["fund_mask", "no_permutation"], EIGHT, []):
        made = make_conditions(given_names)
        assert made[0].role == "baseline"
        assert [c.role for c in made].count("baseline") == 1
        assert {c.label for c in made} == {"no_permutation", *given_names}


def test_only_what_is_drawn_is_repeated() -> None:
    made = make_conditions(EIGHT, repeats=3)
    repeats = {name: [c.repeat for c in made if c.label == name] for name in EIGHT}
    assert repeats["fund_mask"] == repeats["harm_mask"] == repeats["no_permutation"] == [0]
    for name in ("random", "microtonal", "high_freq", "soft_fund_mask", "soft_harm_mask"):
        assert repeats[name] == [0, 1, 2]


def test_a_ready_condition_keeps_its_own_repeat() -> None:
    third = replace(as_condition("random"), repeat=2)
    assert [c.repeat for c in make_conditions([third])] == [0, 2]
    assert [c.repeat for c in make_conditions([third], repeats=2)] == [0, 2, 3]
    made = make_conditions(["random", replace(third, repeat=1)], repeats=2)
    assert [c.repeat for c in made if c.name == "random"] == [0, 1, 2]


@dataclass(frozen=True)
class Narrower(FundMask):
    """A mask of somebody's own that forgot its name: its rows would be those of fund_mask."""


class Unnamed(Permutation):
    def draw(self, scene: Scene) -> pi_amt.Change:
        return pi_amt.Change(lambda spectrogram: spectrogram)


class Own(Narrower):
    name = "own"


@pytest.mark.parametrize(
    ("permutation", "said"),
    [
        (Narrower(), 'got Narrower with the name fund_mask of .* ClassVar.str. = "narrower"'),
        (MatchedTracks(Narrower()), "got Narrower with the name fund_mask"),
        (Unnamed(), "got Unnamed with no name, expected a name of its own"),
    ],
)
def test_a_permutation_without_a_name_of_its_own_is_refused(
    permutation: Permutation, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        make_conditions([permutation])
    assert [c.label for c in make_conditions([Own()])] == ["no_permutation", "own"]


def test_two_classes_of_one_name_are_refused() -> None:
    """Their rows would be taken for each other's."""

    class Another(Own):
        pass

    with pytest.raises(ValueError, match=r"Own and .*Another, which are both called own"):
        make_conditions([Own(), "fund_mask", Another()])
    assert len(make_conditions([Own(), Own(half_width_cents=90.0)])) == 3


def test_equal_conditions_are_one() -> None:
    assert len(make_conditions(["fund_mask", "fund_mask", load_permutation("fund_mask")])) == 2
    wide = load_permutation("fund_mask", half_width_cents=90.0)
    assert len(make_conditions(["fund_mask", wide])) == 3


def test_controls_belong_to_their_conditions() -> None:
    made = make_conditions(["fund_mask", "random"], controls=True)
    roles = {c.label: (c.role, c.target) for c in made}
    assert roles["identity"] == roles["floor"] == ("control", "")
    assert roles["wrong_piece(fund_mask)"] == ("control", "fund_mask")
    assert roles["matched_tracks(fund_mask)"] == ("control", "fund_mask")
    assert "matched_tracks(random)" not in roles
    only_floor = make_conditions(["fund_mask"], controls="floor")
    assert [c.label for c in only_floor] == ["no_permutation", "fund_mask", "floor"]


def test_what_keeps_something_gets_its_leaks_and_chance_once() -> None:
    wide = replace(as_condition("keep_harmonic"), label="keep_harmonic(wide)")
    made = make_conditions(["fund_mask", "harm_mask", wide], controls=True)
    leaks = [(c.label, c.role, c.target) for c in made if c.name == "leak"]
    assert leaks == [
        ("leak_noise(harm_mask)", "control", "harm_mask"),
        ("leak_other(harm_mask)", "control", "harm_mask"),
        ("leak_noise(keep_harmonic)", "control", "keep_harmonic(wide)"),
        ("leak_other(keep_harmonic)", "control", "keep_harmonic(wide)"),
        ("leak_other(no_permutation)", "control", "no_permutation"),
    ]
    assert not any(c.name == "leak" for c in make_conditions(["fund_mask"], controls=True))
    assert not any(c.name == "leak" for c in make_conditions(["harm_mask"], controls="floor"))


KEY = make_conditions(["random"])[1].key_for("maps", "piece")
Change = Callable[[Condition], Condition]


@pytest.mark.parametrize(
    "change",
    [
        lambda c: replace(c, permutation=load_permutation("random", p=0.7)),
        lambda c: replace(c, label="random(p=0.7)"),
        lambda c: replace(c, role="control", target="x"),
        lambda c: replace(c, normalization="model"),
    ],
)
def test_the_draw_does_not_depend_on_options(change: Change) -> None:
    assert change(make_conditions(["random"])[1]).key_for("maps", "piece") == KEY


@pytest.mark.parametrize(
    "change",
    [
        lambda c: replace(c, seed=1),
        lambda c: replace(c, repeat=1),
        lambda c: replace(c, permutation=load_permutation("microtonal")),
    ],
)
def test_the_draw_depends_on_seed_repeat_and_permutation(change: Change) -> None:
    assert change(make_conditions(["random"])[1]).key_for("maps", "piece") != KEY


def test_the_draw_depends_on_dataset_and_track() -> None:
    condition = make_conditions(["random"])[1]
    keys = {condition.key_for(d, t) for d in ("maps", "maestro") for t in ("a", "b", "ma")}
    assert len(keys) == 6
    assert condition.key_for("maps", "piece") == KEY


def test_the_key_of_a_draw_never_changes_between_versions() -> None:
    """blake2b-64 of the JSON, written out: stored results stay comparable with new ones."""
    import hashlib

    text = '[0,"maps","piece","random",0]'
    assert int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") == KEY


def test_parameters_say_all_that_decides_and_nothing_else() -> None:
    narrow, wide = (
        as_condition(load_permutation("fund_mask", half_width_cents=w)) for w in (40.0, 90.0)
    )
    assert narrow.parameters != wide.parameters
    assert json.loads(wide.parameters)["half_width_cents"] == 90.0
    assert "normalization" not in json.loads(wide.parameters)
    free = replace(wide, normalization="model")
    assert json.loads(free.parameters)["normalization"] == "model"


def test_a_wrapped_target_is_described_in_turn() -> None:
    for control in make_conditions(["fund_mask"], controls=True):
        if control.target:
            target = json.loads(control.parameters)["target"]
            assert target["name"] == "fund_mask"
            assert target["half_width_cents"] is None or target["half_width_cents"] > 0


def test_controls_run_under_the_normalisation_of_their_target() -> None:
    """An excess compares the condition with the control, not two normalisations."""
    frozen = replace(as_condition("fund_mask"), label="fund_mask(frozen)")
    model = replace(as_condition("fund_mask"), label="fund_mask(model)", normalization="model")
    found = make_conditions([frozen, model], controls=True)
    for name in ("matched_tracks", "wrong_piece"):
        controls = {c.target: c.normalization for c in found if c.name == name}
        assert controls == {"fund_mask(frozen)": "frozen", "fund_mask(model)": "model"}


def test_what_is_distinct_ignores_the_seed_where_nothing_is_drawn() -> None:
    for name, seeds_matter in (("fund_mask", False), ("random", True)):
        one, other = (as_condition(name, seed) for seed in (0, 1))
        assert (one.distinct != other.distinct) is seeds_matter


@pytest.mark.parametrize("repeats", [0, -1])
def test_repeats_below_one_are_refused(repeats: int) -> None:
    with pytest.raises(ValueError, match=f"repeats: got {repeats}, expected a whole number"):
        make_conditions(["random"], repeats=repeats)


def test_unknown_normalization_is_refused() -> None:
    with pytest.raises(ValueError, match=r"normalization: got 'melted', expected one of"):
        replace(as_condition("fund_mask"), normalization="melted")


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=5))
def test_equal_values_give_equal_text(value: dict[str, object]) -> None:
    backwards = dict(reversed(value.items()))
    assert canonical_json(value) == canonical_json(backwards)
    assert digest(value) == digest(backwards)
    assert json.loads(canonical_json(value)) == value


def key_of(condition: Condition) -> ConditionKey:
    """As rows carry it."""
    made = condition
    return ConditionKey(made.name, made.parameters, made.label, made.role, made.target)


@pytest.mark.parametrize("name", available())
@pytest.mark.parametrize("normalization", ["frozen", "model"])
def test_a_stored_condition_is_rebuilt_as_it_was(name: str, normalization: str) -> None:
    condition = replace(as_condition(name, seed=3), repeat=2, normalization=normalization)
    assert Condition.rebuilt(key_of(condition), repeat=2, seed=3) == condition


def test_a_nested_target_is_rebuilt_with_its_options() -> None:
    mask = FundMask(fill="attenuate", attenuation_db=float("inf"), half_width_cents=30.0)
    control = load_permutation("matched_tracks", target=mask)
    condition = Condition(control, "mine")
    assert Condition.rebuilt(key_of(condition)).permutation == control


BINARY = ("fund_mask", "harm_mask", "soft_fund_mask", "soft_harm_mask", "remove_harmonic")


@pytest.mark.parametrize("name", [*BINARY, "matched_tracks", "wrong_piece", "matched_energy"])
def test_rows_of_binary_masks_are_those_from_before_there_were_others(name: str) -> None:
    assert '"kind"' not in as_condition(name).parameters


@pytest.mark.parametrize(
    "permutation",
    [
        load_permutation("ratio_fund_mask"),
        load_permutation("ratio_harm_mask", inharmonicity="none"),
        RemoveHarmonic(harmonic=3, kind="ratio"),
        MatchedTracks(RatioFundMask()),
        MatchedTracks(RemoveHarmonic(harmonic=3, kind="ratio")),
    ],
    ids=repr,
)
def test_rows_of_ratio_masks_say_so_and_are_rebuilt(permutation: Permutation) -> None:
    condition = as_condition(permutation, seed=3)
    options = json.loads(condition.parameters)
    assert options.get("target", options)["kind"] == "ratio"
    assert Condition.rebuilt(key_of(condition), seed=3) == condition


@pytest.mark.parametrize("parameters", ['{"fil":"silence"}', '{"fill":"no such"}', '{"onset":1}'])
def test_parameters_that_do_not_tell_the_permutation_are_refused(parameters: str) -> None:
    with pytest.raises(ValueError, match=r"fil|onset"):
        Condition.rebuilt(ConditionKey("fund_mask", parameters, "fund_mask"))


def test_whatever_a_constructor_raises_a_condition_that_cannot_be_rebuilt_is_a_value_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError("width")

    monkeypatch.setattr("pi_amt.study.conditions.load_permutation", fail)
    with pytest.raises(ValueError, match=r"mine: got \{\}, which makes no fund_mask \('width'\)"):
        Condition.rebuilt(ConditionKey("fund_mask", "{}", "mine"))


def test_a_ratio_mask_lets_the_model_normalise_anew_and_so_do_its_controls() -> None:
    made = make_conditions(["fund_mask", "ratio_fund_mask", "ratio_harm_mask"], controls=True)
    for condition in made:
        of_ratio = "ratio" in condition.label
        assert condition.normalization == ("model" if of_ratio else "frozen"), condition.label
        assert ("normalization" in condition.parameters) == of_ratio
    told = Condition(load_permutation("ratio_fund_mask"), "r", normalization="frozen")
    assert told.normalization == "frozen"
    assert "normalization" not in told.parameters


def test_of_matched_controls_there_are_only_those_that_claims_rest_on() -> None:
    made = make_conditions(["fund_mask", "harm_mask", "random"], controls="matched")
    assert [c.label for c in made if c.role == "control"] == [
        "matched_tracks(fund_mask)",
        "matched_tracks(harm_mask)",
        "leak_noise(harm_mask)",
    ]
    ratio = make_conditions(["ratio_harm_mask"], controls="matched")
    assert [c.label for c in ratio if c.role == "control"] == [
        "matched_tracks(ratio_harm_mask)",
        "leak_noise(ratio_harm_mask)",
        "leak_other(ratio_harm_mask)",
        "leak_other(no_permutation)",
    ]
