"""``identity``: runs masks and shuffles, changes no bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.permutations.synthetic import KINDS, bits, make_spectrogram, random_notes

from pi_amt.permutations.controls import Identity
from pi_amt.permutations.fill import Fill
from pi_amt.permutations.shuffles import Moves


@pytest.mark.parametrize("kind", KINDS)
def test_runs_the_machinery_and_keeps_every_bit(kind: str) -> None:
    s = make_spectrogram(kind, 3)
    notes = random_notes()
    drawn: list[Any] = [parameters for _, parameters in Identity().draw(s, notes, 5)]
    fill, moves = drawn
    assert isinstance(fill, Fill)
    assert isinstance(moves, Moves)
    assert fill.mask.any()
    out = Identity()(s, notes, key=5)
    assert out.values is not s.values
    np.testing.assert_array_equal(bits(out), bits(s))
