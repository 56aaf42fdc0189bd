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
    applies = found.looked_at.startswith("perturbed noise, real and complex: ")
    assert applies == (name != "matched_energy")


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


class Shorter(Scaled):
    def draw(self, scene: Scene) -> Change:
        return Change(lambda s: replace(s, values=s.values[..., 1:], times=s.times[:, 1:]))


class NoChange(Scaled):
    def draw(self, scene: Scene) -> Any:
        return scene.spectrogram


class BareArray(Scaled):
    def draw(self, scene: Scene) -> Change:
        return Change(lambda s: np.asarray(s.values))  # type: ignore[arg-type,return-value]


class Rounding(Scaled):
    """Means to touch the upper half of the bins alone."""

    def draw(self, scene: Scene) -> Change:
        upper = torch.arange(scene.spectrogram.grid[1])[:, None] > 100
        return Change(lambda s: s.with_values(s.tensor * 3.0 * (1 - upper * 0.5) / 3.0))


class FirstNote(Scaled):
    needs_notes = True

    def gains(self, scene: Scene) -> Any:
        return 0.5 if scene.reference.pitches[0] > 60 else 0.25


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


class Negative(Scaled):
    def gains(self, scene: Scene) -> Any:
        return -0.5


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
        (Shorter(), r"shape \(4, 288, 47\), expected \(4, 288, 48\).*never how many there are"),
        (NoChange(), r"draw: got Spectrogram, expected a pi_amt.Change: return Change"),
        (BareArray(), r"got ndarray from the function of its Change.*with_values"),
        (Rounding(), r"changed by rounding alone.*torch.where\(touched, new, old\)"),
        (FirstNote(), "IndexError.*a recording without a single note.*or NotApplicable"),
        (InPlace(), "got an input that it changed"),
        (Wider(), "got float64, expected float32 as in the input"),
        (Moved(), "got other times or frequencies"),
        (NotANumber(), "got NaN or infinity"),
        (Negative(), "got values down to -[0-9.]+, expected magnitudes, at least 0"),
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


class HalfAstray(Scaled):
    """Perturbs every bin, and means every second one."""

    def draw(self, scene: Scene) -> Change:
        even = np.arange(scene.spectrogram.grid[1])[:, None] % 2 == 0
        target = np.broadcast_to(even, scene.spectrogram.grid)
        return Change(lambda s: s.with_values(s.tensor * 0.5), target=target)


@pytest.mark.parametrize(
    ("permutation", "said"),
    [
        (load_permutation("no_permutation"), " 0% of the bins changed"),
        (
            load_permutation("fund_mask"),
            r" [1-9]% of the .*, 0% of which lie outside of its target",
        ),
        (HalfAstray(), " 100% of the bins changed, 50% of which lie outside of its target"),
    ],
)
def test_how_much_it_touches_is_said(permutation: Permutation, said: str) -> None:
    assert re.search(rf"{said}\)$", str(check_permutation(permutation)))


def test_a_class_in_the_place_of_an_object_is_refused() -> None:
    with pytest.raises(TypeError, match=r"expected an object of a sub-class.*: Gain\(…\)"):
        check_permutation(Gain)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="expected an object of a sub-class"):
        check_permutation("fund_mask")  # type: ignore[arg-type]
