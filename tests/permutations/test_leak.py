"""``leak``: the target itself, on whatever sound it is given."""

from __future__ import annotations

import numpy as np
import pytest
from tests.permutations.synthetic import KINDS, bits, make_spectrogram, random_notes

from pi_amt.permutations.controls import CARRIERS, Leak
from pi_amt.permutations.donor import Donor
from pi_amt.permutations.loading import controls_of, load_permutation
from pi_amt.permutations.masks import (
    FundMask,
    HarmMask,
    KeepHarmonic,
    RemoveHarmonic,
    SoftFundMask,
    SoftHarmMask,
)
from pi_amt.permutations.matched_energy import MatchedEnergy
from pi_amt.permutations.permutation import Permutation, Scene
from pi_amt.permutations.shuffles import HighFreq, Random


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("target", [HarmMask(), SoftHarmMask(half_width_cents=90.0)])
def test_does_what_its_target_does(kind: str, target: Permutation) -> None:
    s, notes = make_spectrogram(kind, 2), random_notes()
    got = Leak(target)(s, notes, key=4)
    np.testing.assert_array_equal(bits(got), bits(target(s, notes, key=4)))


@pytest.mark.parametrize(
    ("permutation", "leaks"),
    [
        (HarmMask(), True),
        (SoftHarmMask(), True),
        (KeepHarmonic(harmonic=3), True),
        (MatchedEnergy(HarmMask()), True),
        (Donor(), True),
        (Donor(feature="band"), False),
        (FundMask(), False),
        (SoftFundMask(), False),
        (RemoveHarmonic(harmonic=2), False),
        (MatchedEnergy(FundMask()), False),
        (Random(), False),
        (HighFreq(), False),
        (Leak(), False),
    ],
    ids=str,
)
def test_what_keeps_or_adds_something_has_a_leak_with_each_carrier(
    permutation: Permutation, leaks: bool
) -> None:
    found = [c for c in controls_of(permutation) if isinstance(c, Leak)]
    assert found == ([Leak(permutation, carrier) for carrier in CARRIERS] if leaks else [])


class Adds(Permutation):
    """A user's permutation that says that it can leak."""

    name = "adds"
    can_leak = True

    def draw(self, scene: Scene) -> None:  # type: ignore[override]
        """Never called here."""


def test_a_permutation_of_a_user_can_say_that_it_leaks() -> None:
    adds = Adds()
    assert controls_of(adds) == [Leak(adds, "noise"), Leak(adds, "other")]


def test_asks_for_what_its_target_asks_for() -> None:
    for target in (Donor(source="neighbour"), SoftHarmMask(), load_permutation("ablate_channel")):
        leak = Leak(target)
        assert leak.needs_neighbour == target.needs_neighbour
        assert leak.needs_notes == target.needs_notes
        assert leak.needs_probe == target.needs_probe
        assert leak.stochastic == target.stochastic
        assert leak.out_of_distribution == target.out_of_distribution
    assert Leak(MatchedEnergy(HarmMask())).prepass() is not None


def test_refuses_an_unknown_carrier_and_a_leak_of_a_leak() -> None:
    with pytest.raises(ValueError, match="carrier: got 'pink', expected one of noise, other"):
        Leak(carrier="pink")
    with pytest.raises(ValueError, match="expected one that works on the recording"):
        Leak(Leak())
    with pytest.raises(ValueError, match="expected a permutation"):
        Leak("harm_mask")  # type: ignore[arg-type]
