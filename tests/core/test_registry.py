"""Names from entry points stand beside what ships, and never in its place."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from pi_amt.core import registry as plugins
from pi_amt.core.checks import check_choice
from pi_amt.models.loading import available_models, load_model, model_class
from pi_amt.permutations import loading as permutations
from pi_amt.permutations.masks import FundMask

BUILT_IN = {"ours": "pi_amt.core.checks:check_choice"}


@pytest.fixture
def plugged(monkeypatch: pytest.MonkeyPatch) -> None:
    def points(group: str) -> list[EntryPoint]:
        named = {"theirs": "tests.toys:ToyTranscriber", "ours": "tests.toys:ToyTranscriber"}
        return [EntryPoint(name, value, group) for name, value in named.items()]

    monkeypatch.setattr(plugins, "entry_points", points)


@pytest.mark.usefixtures("plugged")
def test_other_packages_add_names_but_take_none() -> None:
    known = plugins.registered("pi_amt.models", BUILT_IN)
    assert list(known) == ["ours", "theirs"]
    assert plugins.load("model", "ours", known) is check_choice
    assert available_models() == ["basic_pitch", "ours", "theirs", "timbre_trap"]
    assert load_model("theirs").identity.name == "toy"


def test_a_path_needs_no_registration_and_an_unknown_name_gets_near_matches() -> None:
    assert plugins.load("dataset", "pi_amt.core.checks:check_choice", {}) is check_choice
    assert model_class("pi_amt.core.checks.check_choice") is check_choice
    with pytest.raises(ValueError, match="dataset: got unknown 'our'; did you mean ours"):
        plugins.load("dataset", "our", BUILT_IN)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("no_such_module:x", "cannot load theirs from no_such_module:x"),
        ("pi_amt.core.checks:nothing", "cannot load theirs from pi_amt.core.checks:nothing"),
        ("pi_amt.core.checks:check_choice", "expected a sub-class of Permutation"),
    ],
)
def test_a_broken_permutation_of_others_stops_nobody(
    path: str, reason: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    request.addfinalizer(permutations._paths.cache_clear)
    monkeypatch.setattr(plugins, "entry_points", lambda group: [EntryPoint("theirs", path, group)])
    permutations._paths.cache_clear()
    assert permutations.load_permutation("fund_mask") == FundMask()
    assert next(iter(permutations.available())) == "no_permutation"
    assert reason in permutations.available()["theirs"]
    with pytest.raises(ValueError, match=reason):
        permutations.load_permutation("theirs")


@pytest.mark.parametrize(
    "path",
    ["no_such_module:x", "pi_amt.core.checks:nothing", "http://here:80/x", ":x", ".options:near"],
)
def test_a_name_behind_which_nothing_is_says_which(path: str) -> None:
    with pytest.raises(ValueError, match=f"model: cannot load theirs from {path}"):
        plugins.load("model", "theirs", {"theirs": path})
