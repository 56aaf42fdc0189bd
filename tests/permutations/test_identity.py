"""``identity``: runs masks and shuffles, changes no bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.permutations.synthetic import KINDS, bits, make_spectrogram, random_notes

from pi_amt.core.spectrogram import Spectrogram
from pi_amt.permutations.controls import Identity
from pi_amt.permutations.fill import Fill
from pi_amt.permutations.shuffles import Moves


@pytest.mark.parametrize("kind", KINDS)
def test_runs_the_machinery_and_keeps_every_bit(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    s = make_spectrogram(kind, 3)
    notes = random_notes()
    ran: list[Any] = []
    for machine in (Fill, Moves):
        apply = machine.apply

        def recorded(self: Any, s: Spectrogram, apply: Any = apply) -> Any:
            ran.append(self)
            return apply(self, s)

        monkeypatch.setattr(machine, "apply", recorded)
    out = Identity()(s, notes, key=5)
    fill, moves = ran
    assert isinstance(fill, Fill)
    assert isinstance(moves, Moves)
    assert fill.mask.any()
    assert out.values is not s.values
    np.testing.assert_array_equal(bits(out), bits(s))
