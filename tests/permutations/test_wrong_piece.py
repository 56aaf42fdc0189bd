"""``wrong_piece``: the target's mask from the neighbour's notes."""

from __future__ import annotations

import numpy as np
import pytest
from tests.permutations.synthetic import (
    KINDS,
    bits,
    make_neighbour,
    make_spectrogram,
    random_notes,
    target_of,
)

from pi_amt.permutations.controls import WrongPiece
from pi_amt.permutations.masks import FundMask, HarmMask, SoftFundMask
from pi_amt.permutations.permutation import Permutation
from pi_amt.permutations.shuffles import Microtonal


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("target", [FundMask(), HarmMask(), SoftFundMask(half_width_cents=90.0)])
def test_does_what_the_target_does_with_the_neighbours_notes(
    kind: str, target: Permutation
) -> None:
    s, neighbour, notes = make_spectrogram(kind, 2), make_neighbour(kind), random_notes()
    control = WrongPiece(target)
    got = control(s, notes, key=4, neighbour=neighbour)
    np.testing.assert_array_equal(bits(got), bits(target(s, neighbour.notes, key=4)))
    assert (bits(got) != bits(target(s, notes, key=4))).any()
    np.testing.assert_array_equal(
        target_of(control, s, notes, 4, neighbour), target_of(target, s, neighbour.notes)
    )
    assert control.stochastic == target.stochastic
    assert control.out_of_distribution == target.out_of_distribution


def test_needs_a_neighbour_and_a_mask() -> None:
    with pytest.raises(ValueError, match="got no neighbour"):
        WrongPiece()(make_spectrogram("real", 1), random_notes())
    with pytest.raises(ValueError, match="expected a mask"):
        WrongPiece(Microtonal())
