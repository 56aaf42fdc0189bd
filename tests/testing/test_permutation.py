"""``check_permutation``: the built-in ones pass, and each broken rule has its sentence."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from pi_amt.core.spectrogram import Spectrogram
from pi_amt.permutations.loading import available, load_permutation
from pi_amt.permutations.masks import HarmMask
from pi_amt.permutations.permutation import Change, Permutation, Scene
from pi_amt.testing import check_permutation


@pytest.mark.parametrize("name", available())
def test_built_in_permutations_have_no_problem(name: str) -> None:
    found = check_permutation(load_permutation(name))
    assert found.problems == ()
    applies = "perturbed noise, real and complex"
    assert (found.looked_at == applies) == (name != "matched_energy")


class Scaled(Permutation):
    """Each bin times a gain; sub-classes break one rule each."""

    name: ClassVar[str] = "scaled"
    summary: ClassVar[str] = "each bin times a gain"

    def draw(self, scene: Scene) -> Change:
        gains = self.gains(scene)
        return Change(lambda s: s.with_values(s.tensor * gains))

    def gains(self, scene: Scene) -> Any:
        return 0.5


@dataclass(frozen=True)
class Gain(Scaled):
    share: float = 0.5


class Nameless(Scaled):
    name = ""


class Mute(Scaled):
    summary = ""


class Guesses(Scaled):
    tests = "importance"


class NoField(Scaled):
    share: float = 0.5


class Attribute(Scaled):
    def __init__(self) -> None:
        self.share = 0.5


@dataclass
class Thawed(Scaled):
    share: float = 0.5


class Raising(Scaled):
    def gains(self, scene: Scene) -> Any:
        raise ZeroDivisionError("oh")


class InPlace(Scaled):
    def draw(self, scene: Scene) -> Change:
        return Change(lambda s: s.with_values(s.tensor.mul_(0.5)))


class Wider(Scaled):
    def gains(self, scene: Scene) -> Any:
        return torch.tensor([0.5], dtype=torch.float64)


class Moved(Scaled):
    def draw(self, scene: Scene) -> Change:
        return Change(lambda s: replace(s, times=s.times + 1))


class NotANumber(Scaled):
    def gains(self, scene: Scene) -> Any:
        return torch.tensor(float("nan"))


class Silencing(Scaled):
    def gains(self, scene: Scene) -> Any:
        return 0.0


class FlatTarget(Scaled):
    def draw(self, scene: Scene) -> Change:
        return Change(lambda s: s, target=np.zeros(3, bool))


class Generator(Scaled):
    stochastic = True

    def gains(self, scene: Scene) -> Any:
        return torch.rand(1)


class Keyed(Scaled):
    def gains(self, scene: Scene) -> Any:
        return 0.5 if scene.key % 2 else 0.25


class Unkeyed(Scaled):
    stochastic = True


class Reading(Scaled):
    def gains(self, scene: Scene) -> Any:
        return len(scene.reference)


class Peak(Scaled):
    def gains(self, scene: Scene) -> Any:
        return 1 / scene.spectrogram.tensor.abs().max()


class ByPlace(Scaled):
    def gains(self, scene: Scene) -> Any:
        return torch.arange(1.0, scene.spectrogram.tensor.shape[-1] + 1)


class OneChannel(Scaled):
    def gains(self, scene: Scene) -> Any:
        blocks, bins, frames = scene.spectrogram.values.shape
        return torch.full((blocks, bins, frames), 0.5)


class Writing(HarmMask):
    name = "writing"
    can_leak = False


class NumpyOnly(Scaled):
    def draw(self, scene: Scene) -> Change:
        def half(clean: Spectrogram) -> Spectrogram:
            assert isinstance(clean.values, np.ndarray), "no numpy"
            return clean.with_values(clean.values * np.float32(0.5))

        return Change(half)


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (Nameless(), r"got no name, expected one: name: ClassVar\[str\] = \"nameless\""),
        (Mute(), "got no summary"),
        (Guesses(), "got 'importance', expected one of necessity, sufficiency, disturbance"),
        (NoField(), r"got options that are no fields, expected @dataclass\(frozen=True\)"),
        (Attribute(), "got options that are no fields"),
        (Thawed(), "TypeError: unhashable type: 'Thawed'.*dataclass"),
        (Raising(), "got ZeroDivisionError: oh, expected a perturbed spectrogram"),
        (InPlace(), "got an input that it changed"),
        (Wider(), "got float64, expected float32 as in the input"),
        (Moved(), "got other times or frequencies"),
        (NotANumber(), "got NaN or infinity"),
        (Silencing(), "got exact zeros .*out_of_distribution = True"),
        (FlatTarget(), r"got a target of shape \(3,\) and type bool"),
        (Generator(), "got another result for the same key"),
        (Keyed(), "got another result for another key, expected stochastic = True"),
        (Unkeyed(), "got the same result for another key"),
        (Reading(), "depends on the reference notes, expected needs_notes = True"),
        (Peak(), "another result for a part of a recording"),
        (ByPlace(), "two results for one frame"),
        (OneChannel(), r"\(blocks, channels, bins, frames\)"),
        (NumpyOnly(), "got AssertionError: no numpy.* for torch tensors"),
        (Writing(), "expected can_leak = True"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Permutation) else "",
)
def test_each_broken_rule_has_its_sentence(broken: Permutation, said: str) -> None:
    found = check_permutation(broken)
    assert found.problems
    assert re.search(said, found.problems[0])
    assert len(found.problems) == 1
    assert f"PROBLEM: {found.problems[0]}" in str(found)


def test_a_sound_one_with_options_has_no_problem() -> None:
    assert check_permutation(Gain()).problems == ()


def test_a_class_in_the_place_of_an_object_is_refused() -> None:
    with pytest.raises(TypeError, match=r"expected an object of a sub-class.*: Gain\(…\)"):
        check_permutation(Gain)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="expected an object of a sub-class"):
        check_permutation("fund_mask")  # type: ignore[arg-type]
