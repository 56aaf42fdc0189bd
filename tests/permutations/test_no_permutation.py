"""``no_permutation`` touches nothing."""

from __future__ import annotations

import pytest
from tests.permutations.synthetic import KINDS, make_spectrogram

from pi_amt.permutations.controls import NoPermutation


@pytest.mark.parametrize("kind", KINDS)
def test_gives_its_input_back(kind: str) -> None:
    s = make_spectrogram(kind, 2)
    assert NoPermutation()(s).values is s.values
