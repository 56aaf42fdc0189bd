"""``keep_harmonic``: only partial k stays."""

from __future__ import annotations

import numpy as np
import pytest
from tests.permutations.synthetic import KINDS, bits, make_spectrogram, random_notes, target_of

from pi_amt.permutations.masks import HarmMask, KeepHarmonic, RemoveHarmonic


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("k", [1, 3, 10])
def test_keeps_what_remove_harmonic_removes(kind: str, k: int) -> None:
    s = make_spectrogram(kind, 2)
    notes = random_notes()
    removed = target_of(RemoveHarmonic(harmonic=k), s, notes)
    np.testing.assert_array_equal(target_of(KeepHarmonic(harmonic=k), s, notes), ~removed)
    out = np.asarray(KeepHarmonic(harmonic=k)(s, notes).values)
    assert (out[~removed] == 0).all()
    np.testing.assert_array_equal(out[removed], np.asarray(s.values)[removed])


def test_keeping_the_first_is_harm_mask() -> None:
    s = make_spectrogram("complex", 2)
    notes = random_notes()
    np.testing.assert_array_equal(
        bits(KeepHarmonic(harmonic=1)(s, notes)), bits(HarmMask()(s, notes))
    )
