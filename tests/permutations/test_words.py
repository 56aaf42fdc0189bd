"""Every permutation says in words what it is about, and what it tests of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from pi_amt.permutations.loading import available, controls_of, load_permutation
from pi_amt.permutations.masks import PartialMask
from pi_amt.permutations.permutation import (
    DISTURBANCE,
    NECESSITY,
    SUFFICIENCY,
    Change,
    Permutation,
    Scene,
)

WORDS: list[tuple[str, dict[str, Any], str, str]] = [
    ("fund_mask", {}, "the fundamentals", NECESSITY),
    ("soft_fund_mask", {}, "the fundamentals", NECESSITY),
    ("ratio_fund_mask", {}, "the fundamentals", NECESSITY),
    ("harm_mask", {}, "the fundamentals", SUFFICIENCY),
    ("ratio_harm_mask", {}, "the fundamentals", SUFFICIENCY),
    ("remove_harmonic", {"harmonic": 3}, "harmonic 3", NECESSITY),
    ("keep_harmonic", {"harmonic": 1}, "the fundamentals", SUFFICIENCY),
    ("fund_mask", {"fill": "attenuate"}, "the level of the fundamentals", DISTURBANCE),
    ("fund_mask", {"fill": "attenuate", "attenuation_db": math.inf}, "the fundamentals", NECESSITY),
    (
        "harm_mask",
        {"fill": "attenuate"},
        "the level of everything but the fundamentals",
        DISTURBANCE,
    ),
    (
        "remove_harmonic",
        {"harmonic": 2, "onset": "only"},
        "harmonic 2 in the first 50 ms of each note",
        NECESSITY,
    ),
    ("matched_energy", {}, "the level of the fundamentals", DISTURBANCE),
    ("random", {"p": 0.1}, "the order of the frequency bins (10 % of them)", DISTURBANCE),
    ("microtonal", {}, "pitch detail finer than a semitone", DISTURBANCE),
    ("high_freq", {}, "the region above all fundamentals of a piano", DISTURBANCE),
    ("high_freq", {"cutoff_hz": 2000.0}, "the region above 2000 Hz", DISTURBANCE),
    (
        "high_freq",
        {"reference": "highest_note"},
        "the region above the highest note that sounds",
        DISTURBANCE,
    ),
    ("donor", {"harmonic": 2}, "the course of harmonic 2 over time", DISTURBANCE),
    (
        "donor",
        {"feature": "band", "low_hz": 100.0},
        "the course of the band from 100 Hz upwards over time",
        DISTURBANCE,
    ),
    ("ablate_channel", {"channel": 2}, "the channel of harmonic 2 in the network", NECESSITY),
]


@pytest.mark.parametrize(("name", "options", "feature", "tests"), WORDS)
def test_a_permutation_says_what_it_is_about(
    name: str, options: dict[str, Any], feature: str, tests: str
) -> None:
    permutation = load_permutation(name, **options)
    assert permutation.feature_in_words == feature
    assert permutation.tests == tests


@pytest.mark.parametrize("name", available())
def test_every_built_in_condition_has_words_and_those_with_a_control_say_which(name: str) -> None:
    permutation = load_permutation(name)
    assert permutation.tests in (NECESSITY, SUFFICIENCY, DISTURBANCE)
    if name not in ("no_permutation", "identity"):
        assert permutation.feature_in_words
    kinds = {control.name for control in controls_of(permutation)}
    if "matched_tracks" in kinds:
        (control,) = (c for c in controls_of(permutation) if c.name == "matched_tracks")
        assert control.feature_in_words == permutation.control_in_words != ""


@dataclass(frozen=True)
class OddPartials(PartialMask):
    """A user's mask, which says nothing of itself."""

    name: ClassVar[str] = "odd_partials"

    @property
    def partials(self) -> tuple[int, ...]:
        return (3, 1, 5)


@dataclass(frozen=True)
class HighPartials(PartialMask):
    name: ClassVar[str] = "high_partials"
    partials = (4, 5, 6, 7)


@dataclass(frozen=True)
class Blur(Permutation):
    name: ClassVar[str] = "blur"

    def draw(self, scene: Scene) -> Change:
        return Change(lambda spectrogram: spectrogram)


def test_a_mask_of_a_user_names_its_partials_and_other_classes_nothing() -> None:
    assert OddPartials().feature_in_words == "harmonics 1, 3 and 5"
    assert HighPartials().feature_in_words == "harmonics 4 to 7"
    assert HighPartials().tests == NECESSITY
    assert (Blur().feature_in_words, Blur().tests, Blur().control_in_words) == ("", DISTURBANCE, "")
