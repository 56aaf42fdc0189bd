"""The base class: what it asks of a scene, and classes that were written for version 0.1.0."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.permutations.synthetic import bits, make_spectrogram, random_notes

from pi_amt.core.notes import Notes
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.permutations.controls import NoPermutation, WrongPiece
from pi_amt.permutations.effects import EffectMeter
from pi_amt.permutations.masks import FundMask
from pi_amt.permutations.permutation import Change, Neighbour, Permutation, Scene


@dataclass(frozen=True)
class FundamentalsTwice(Permutation):
    """Written for version 0.1.0: the fundamentals are ``factor`` times as loud."""

    factor: float = 2.0
    name: ClassVar[str] = "fundamentals_twice"
    needs_notes = True

    def draw(  # type: ignore[override]
        self,
        spectrogram: Spectrogram,
        notes: Notes | None,
        key: int,
        neighbour: Neighbour | None = None,
    ) -> NDArray[np.bool_] | None:
        return FundMask().draw(Scene(spectrogram, notes, key)).target

    def apply(self, spectrogram: Spectrogram, parameters: Any) -> Spectrogram:
        values = np.asarray(spectrogram.values)
        return spectrogram.with_values(np.where(parameters, self.factor * values, values))

    def target(
        self,
        spectrogram: Spectrogram,
        notes: Notes | None,
        key: int = 0,
        neighbour: Neighbour | None = None,
    ) -> NDArray[np.bool_] | None:
        return self.draw(spectrogram, notes, key)


@dataclass(frozen=True)
class OnlyApply(NoPermutation):
    """Written for version 0.1.0, with the ``draw`` of the class that it extends."""

    name: ClassVar[str] = "only_apply"

    def apply(self, spectrogram: Spectrogram, parameters: Any) -> Spectrogram:
        return spectrogram.with_values(np.asarray(spectrogram.values) * np.float32(0.5))


@dataclass(frozen=True)
class HalfOfAMask(FundMask):
    """Written for version 0.1.0: what the mask makes of half of the input."""

    name: ClassVar[str] = "half_of_a_mask"

    def apply(self, spectrogram: Spectrogram, parameters: Any) -> Spectrogram:
        half = spectrogram.with_values(np.asarray(spectrogram.values) * np.float32(0.5))
        masked: Spectrogram = parameters.apply(half)
        return masked


@dataclass(frozen=True)
class AppliesOtherwise(FundamentalsTwice):
    """Extends a class of version 0.1.0, and keeps what that one draws."""

    name: ClassVar[str] = "applies_otherwise"

    def apply(self, spectrogram: Spectrogram, parameters: Any) -> Spectrogram:
        return spectrogram.with_values(np.where(parameters, 0, spectrogram.values))


@dataclass(frozen=True)
class WithHelper(Permutation):
    """Written for today, with a helper that happens to be called ``apply``."""

    name: ClassVar[str] = "with_helper"

    def draw(self, scene: Scene) -> Change:
        return Change(lambda spectrogram: self.apply(spectrogram, 0.25))

    def apply(self, spectrogram: Spectrogram, factor: float | None) -> Spectrogram:
        return spectrogram.with_values(np.asarray(spectrogram.values) * np.float32(factor or 1))


def test_a_helper_called_apply_does_not_go_before_draw() -> None:
    s = make_spectrogram("real", 2)
    quarter = np.asarray(s.values) * np.float32(0.25)
    np.testing.assert_array_equal(np.asarray(WithHelper()(s).values), quarter)


def test_a_class_of_0_1_0_works_as_before() -> None:
    s, notes = make_spectrogram("real", 2), random_notes()
    mask = FundMask().draw(Scene(s, notes)).target
    assert mask is not None
    values = np.asarray(s.values)
    louder = FundamentalsTwice(factor=3.0)(s, notes)
    np.testing.assert_array_equal(np.asarray(louder.values), np.where(mask, 3 * values, values))
    half = OnlyApply()(s)
    np.testing.assert_array_equal(np.asarray(half.values), values * np.float32(0.5))
    np.testing.assert_array_equal(bits(AppliesOtherwise()(s, notes)), bits(FundMask()(s, notes)))
    masked = np.asarray(FundMask()(s, notes).values) * np.float32(0.5)
    np.testing.assert_array_equal(np.asarray(HalfOfAMask()(s, notes).values), masked)
    wrong = WrongPiece(HalfOfAMask())(s, random_notes(9), neighbour=Neighbour("b", notes))
    np.testing.assert_array_equal(np.asarray(wrong.values), masked)
    meter = EffectMeter()
    meter.push(s, *FundamentalsTwice(factor=10.0).perturb(Scene(s, notes)), notes)
    assert meter.finish()["removed_db_target"] == pytest.approx(-20.0)


def test_says_what_it_misses() -> None:
    s = make_spectrogram("real", 1)
    with pytest.raises(ValueError, match="fund_mask: got no notes, expected the reference"):
        FundMask()(s)
    with pytest.raises(ValueError, match="got neither rng nor key"):
        FundMask(fill="background")(s, random_notes())
