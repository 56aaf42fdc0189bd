"""Names from entry points stand beside what ships, and never in its place."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from tests.plugged import BROKEN, GROUPS

from pi_amt.core.checks import check_choice
from pi_amt.core.registry import Entry, Registry, first_sentence
from pi_amt.datasets.loading import load_dataset
from pi_amt.models.loading import BUILT_IN, available_models, load_model, model_class
from pi_amt.permutations import loading as permutations
from pi_amt.permutations.masks import FundMask

Installed = Callable[..., None]
OURS = Registry(
    "model", "pi_amt.models", {"ours": "pi_amt.core.checks:check_choice"}, "something to call"
)


def problems(registry: Registry) -> dict[str, str]:
    return {f"{e.name} of {e.origin}": e.problem for e in registry.look() if e.problem}


def test_other_packages_add_names_but_take_none(installed: Installed) -> None:
    installed({"models": {"theirs": "acme:Model", "ours": "acme:Model"}})
    assert OURS.names() == ["ours", "theirs"]
    assert OURS.load("ours") is check_choice
    assert OURS.entries()[0] == Entry("ours", "pi_amt.core.checks:check_choice")
    assert available_models() == sorted([*BUILT_IN, "ours", "theirs"])
    assert load_model("theirs").identity.name == "toy"
    (said,) = problems(OURS).values()
    assert said.startswith("model: acme 1.0 gives the name ours to acme:Model, and pi_amt has one")


def test_a_name_that_two_packages_give_stands_for_neither(installed: Installed) -> None:
    installed({"models": {"theirs": "acme:Model"}})
    installed({"models": {"theirs": "acme:tracks"}}, name="other")
    assert OURS.names() == ["ours"]
    with pytest.raises(ValueError, match=r"acme 1.0 gives the name theirs .*, and other 1.0 has"):
        OURS.load("theirs")
    assert sorted(problems(OURS)) == ["theirs of acme 1.0", "theirs of other 1.0"]
    assert OURS.load("acme:tracks").__name__ == "tracks"


def test_a_path_needs_no_registration_and_an_unknown_name_gets_near_matches() -> None:
    assert OURS.load("pi_amt.core.checks:check_choice") is check_choice
    assert model_class("pi_amt.core.checks.check_choice") is check_choice
    with pytest.raises(ValueError, match="model: got unknown 'our'; did you mean ours"):
        OURS.load("our")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("lost", "cannot load lost from acme:Lost, which acme 1.0 adds"),
        ("kind", "expected a sub-class of Permutation"),
    ],
)
def test_a_broken_permutation_of_others_stops_nobody(
    name: str, reason: str, installed: Installed
) -> None:
    installed(BROKEN)
    assert permutations.load_permutation("fund_mask") == FundMask()
    assert next(iter(permutations.available())) == "no_permutation"
    assert permutations.available()["fund_mask"] == FundMask.summary
    assert reason in permutations.available()[name]
    with pytest.raises(ValueError, match=reason):
        permutations.load_permutation(name)


def test_whatever_a_module_raises_is_told_as_one_line(installed: Installed) -> None:
    installed(BROKEN)
    with pytest.raises(ValueError, match=re.escape("which acme 1.0 adds (SystemExit: 3)")):
        load_dataset("exits")
    with pytest.raises(ValueError, match="ModuleNotFoundError: No module named 'acme_gone'"):
        load_model("gone")


@pytest.mark.parametrize(
    "path",
    ["no_such_module:x", "pi_amt.core.checks:nothing", "http://here:80/x", ":x", ".options:near"],
)
def test_a_path_behind_which_nothing_is_says_which(path: str) -> None:
    with pytest.raises(ValueError, match=f"model: cannot load {path}"):
        OURS.load(path)


def test_the_line_about_a_plug_in_is_its_first_sentence(installed: Installed) -> None:
    installed(GROUPS)
    (found,) = [entry for entry in OURS.look() if entry.name == "theirs"]
    assert (found.origin, found.summary) == ("acme 1.0", "Hears fundamentals")
    assert first_sentence(Registry.entries).startswith("Everything that is registered")
    assert first_sentence(lambda: None) == ""
