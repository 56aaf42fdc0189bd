"""Every config of the package composes into objects; every experiment into its conditions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_module
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from pi_amt.cli.config import (
    align_of,
    conditions_of,
    executor_of,
    group_of,
    model_spec,
    score_names,
    tuning_of,
)
from pi_amt.cli.config_keys import names_in
from pi_amt.core.units import db_to_amplitude
from pi_amt.permutations import loading as permutations
from pi_amt.permutations.masks import PartialMask
from pi_amt.permutations.permutation import Permutation
from pi_amt.study.executors.loading import EXECUTORS


@pytest.fixture(scope="module", autouse=True)
def hydra() -> Iterator[None]:
    """Hydra over the package's own configs."""
    with initialize_config_module("pi_amt.cli.conf", version_base="1.3"):
        yield


def composed(*overrides: str) -> DictConfig:
    """A job's config, with the ``hydra`` node."""
    return compose("config", list(overrides), return_hydra_config=True)


def labels(cfg: DictConfig) -> list[str]:
    """What the job asks for."""
    return [condition.label for condition in conditions_of(cfg)]


@pytest.mark.parametrize("name", names_in("permutation"))
def test_every_permutation_config_makes_the_permutation_of_its_name(name: str) -> None:
    found = conditions_of(composed(f"permutation={name}"))[-1].permutation
    assert found.name == name
    assert isinstance(found, Permutation)


def test_every_permutation_has_a_config() -> None:
    assert set(names_in("permutation")) == set(permutations.available())


ONNX_FILE = Path(__file__).parents[1] / "models/basic_pitch/data/nmp.onnx"
#: what a model of other people needs on this machine, and what a model without a default is given
NEEDED = {
    "callable": ["model.function=tests.toys.transcribe", "model.label=callable"],
    "command": ["model.command='cat {wav} {mid}'", "model.label=command"],
    "basic_pitch_onnx": [f"model.weights={ONNX_FILE}"],
}
NOT_OURS = ("waon", "aubio", "harmonica", "transkun", "madmom")


@pytest.mark.parametrize("name", names_in("model"))
def test_every_model_config_builds(name: str) -> None:
    spec = model_spec(composed(f"model={name}", *NEEDED.get(name, [])))
    try:
        model = spec.build()
    except ValueError as error:
        assert name in NOT_OURS
        pytest.skip(str(error))
    assert model.identity.name == name


def test_every_executor_is_registered() -> None:
    assert names_in("executor") == EXECUTORS.names()


@pytest.mark.parametrize("name", names_in("executor"))
def test_every_executor_config_names_a_factory_and_its_options(name: str) -> None:
    assert callable(executor_of(composed(f"executor={name}")))


def test_the_demo_is_a_group_of_twelve_tracks() -> None:
    group = group_of(composed("dataset=demo"), {})
    assert (group.dataset, len(group.tracks)) == ("demo", 12)


@pytest.mark.parametrize(
    ("experiment", "some"),
    [
        ("harmonic_profile", {"remove_harmonic(harmonic=3)", "keep_harmonic(harmonic=10)"}),
        ("dose", {"floor"}),
        ("sensitivity", {"floor"}),
        ("onset", {"soft_harm_mask(onset=spare)", "floor"}),
        (
            "matched_energy",
            {"matched_energy(harm_mask)", "matched_tracks(matched_energy(harm_mask))"},
        ),
        ("donor", {"donor(harmonic=1)", "donor(feature=band, low_hz=4308.7)"}),
    ],
)
def test_every_experiment_is_a_set_of_different_conditions(experiment: str, some: set[str]) -> None:
    found = conditions_of(composed(f"experiment={experiment}"))
    assert len({c.distinct for c in found}) == len(found) > 4
    assert some <= {c.label for c in found}
    assert len({c.label for c in found}) == len(found), "labels tell them apart"
    assert found[0].role == "baseline"


def test_the_profile_has_each_partial_by_binary_and_by_ratio_masks() -> None:
    found = conditions_of(composed("experiment=harmonic_profile"))
    for name in ("remove_harmonic", "keep_harmonic"):
        masks = [c for c in found if c.name == name]
        labels = [c.label for c in masks if "ratio" not in c.parameters]
        assert labels == [f"{name}(harmonic={k})" for k in range(1, 11)]  # as before ratio masks
        ratio = [c.label for c in masks if '"kind":"ratio"' in c.parameters]
        assert ratio == [f"{name}(harmonic={k}, kind=ratio)" for k in range(1, 11)]
        assert {c.varied for c in masks} == {("harmonic",), ("harmonic", "kind")}


def test_an_option_that_goes_without_saying_is_not_in_labels() -> None:
    conditions = "conditions=[{permutation: fund_mask, kind: [binary, ratio]}]"
    _, binary, ratio = conditions_of(composed(conditions))
    assert (binary.label, binary.varied) == ("fund_mask", ())
    assert (ratio.label, ratio.varied) == ("fund_mask(kind=ratio)", ("kind",))


def test_shapley_is_every_coalition_of_the_players_but_the_whole() -> None:
    found = conditions_of(composed("experiment=shapley"))
    assert [c.role for c in found] == ["baseline", *["coalition"] * 31]
    assert found[1].label == "coalition(present=nothing)"
    assert len({c.parameters for c in found}) == 32
    assert all(c.varied == () for c in found)


@pytest.mark.parametrize("players", ["players=f0+h2-h5+rest", "players='f0 h2-5, rest'"])
def test_other_players_are_one_override(players: str) -> None:
    found = conditions_of(composed("experiment=shapley", players))
    assert len(found) == 8
    assert all('"players":"f0+h2-h5+rest"' in c.parameters for c in found[1:])


def test_players_may_be_a_list_and_every_is_for_any_list_of_conditions() -> None:
    cfg = composed("conditions=[{permutation: coalition, players: [f0, rest], present: every}]")
    assert [c.label for c in conditions_of(cfg)[1:]] == [
        f"coalition(present={name})" for name in ("nothing", "f0", "rest")
    ]


def test_one_coalition_is_a_permutation_like_others() -> None:
    cfg = composed("permutation=coalition", "permutation.present=f0+rest")
    assert conditions_of(cfg)[-1].label == "coalition(present=f0+rest)"
    with pytest.raises(ValueError, match="players: got f0\\+h2 without rest, add rest"):
        conditions_of(composed("experiment=shapley", "players=f0+h2"))


def test_the_answer_has_the_study_ratio_masks_claims_controls_and_coalitions() -> None:
    found = conditions_of(composed("experiment=answer"))
    roles = [c.role for c in found]
    assert [roles.count(role) for role in ("baseline", "condition", "control", "coalition")] == [
        1, 9, 12, 7
    ]  # fmt: skip
    assert {"high_freq", "soft_harm_mask", "ratio_harm_mask"} <= {c.label for c in found}


def test_all_experiments_are_covered() -> None:
    covered = {
        "none",
        "harmonic_profile",
        "dose",
        "sensitivity",
        "onset",
        "matched_energy",
        "donor",
        "shapley",
        "answer",
    }
    assert set(names_in("experiment")) == covered


def test_one_override_serves_all_masks() -> None:
    for name in ("fund_mask", "harm_mask", "soft_fund_mask", "soft_harm_mask"):
        cfg = composed(f"permutation={name}", "mask.half_width_cents=42")
        assert '"half_width_cents":42' in conditions_of(cfg)[-1].parameters


@pytest.mark.parametrize(
    ("permutation", "given"),
    [("fund_mask", 0.4), ("harm_mask", 0.4), ("soft_fund_mask", None), ("soft_harm_mask", None)],
)
def test_the_masks_of_the_study_multiply_by_its_factor(
    permutation: str, given: float | None
) -> None:
    """The preset makes an attenuation of the hard masks; the soft ones keep their noise."""
    cfg = composed(f"permutation={permutation}", "mask=study", "mask.half_width_cents=42")
    mask = conditions_of(cfg)[-1].permutation
    assert isinstance(mask, PartialMask)
    assert mask.half_width_cents == 42  # what the preset does not name is as without it
    assert mask.time_dilation == PartialMask.time_dilation
    if given is None:
        assert mask.fill == "background"
    else:
        assert mask.fill == "attenuate"
        assert db_to_amplitude(-mask.attenuation_db) == pytest.approx(given, abs=1e-4)


@pytest.mark.parametrize(
    ("override", "expected"),
    [("tuning=off", "off"), ("tuning=estimate", "estimate"), ("tuning=-12.5", -12.5)],
)
def test_tuning(override: str, expected: Any) -> None:
    assert tuning_of(composed(override)) == expected


@pytest.mark.parametrize("override", ["tuning=60", "tuning=sharp"])
def test_a_tuning_that_cannot_be_is_refused(override: str) -> None:
    with pytest.raises(ValueError, match="tuning"):
        tuning_of(composed(override))


@pytest.mark.parametrize(
    ("override", "expected"), [("align=off", "off"), ("align=median", "median")]
)
def test_align(override: str, expected: str) -> None:
    assert align_of(composed(override)) == expected
    assert group_of(composed("dataset=demo", override), {}).align == expected


def test_alignment_is_off_unless_asked_for_and_in_configs_that_do_not_know_it() -> None:
    assert align_of(composed()) == align_of(OmegaConf.create({"tuning": "off"})) == "off"
    with pytest.raises(ValueError, match="align: got 'mean', expected one of off, median"):
        group_of(composed("dataset=demo", "align=mean"), {})


def test_scores_at_other_tolerances_can_be_chosen() -> None:
    names = score_names()
    assert len(names) == len(set(names))
    for name in ("F-measure_no_offset", "F-measure_no_offset_100ms", "Recall_no_offset_chroma"):
        assert name in names


def test_repeats_are_for_stochastic_conditions_only() -> None:
    cfg = composed("permutation=random", "repeats=3")
    assert labels(cfg) == ["no_permutation", "random", "random", "random"]
    assert labels(composed("permutation=fund_mask", "repeats=3")) == ["no_permutation", "fund_mask"]


@pytest.mark.parametrize("override", ["mask.width=3", "dataset.folder=x", "modle=basic_pitch"])
def test_an_unknown_key_fails(override: str) -> None:
    with pytest.raises(HydraException):
        composed(override)
