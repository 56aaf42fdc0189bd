"""``soft_harm_mask``: the bins of ``harm_mask``, filled with the local background."""

from __future__ import annotations

import numpy as np
import pytest
from tests.permutations.synthetic import KINDS, bits, make_spectrogram, random_notes, target_of

from pi_amt.permutations.masks import HarmMask, SoftHarmMask


@pytest.mark.parametrize("kind", KINDS)
def test_touches_the_bins_of_the_hard_mask(kind: str) -> None:
    s = make_spectrogram(kind, 3)
    notes = random_notes()
    soft, hard = SoftHarmMask()(s, notes, key=1), HarmMask()(s, notes)
    np.testing.assert_array_equal(bits(soft) != bits(s), bits(hard) != bits(s))


@pytest.mark.parametrize("kind", KINDS)
def test_level_is_the_lower_quartile_of_what_was_there(kind: str) -> None:
    s = make_spectrogram(kind, 3)
    notes = random_notes(3)
    touched = target_of(HarmMask(), s, notes)
    filled = np.abs(np.asarray(SoftHarmMask()(s, notes, key=1).values))[touched]
    # The input's magnitudes are Rayleigh with unit scale, quartile √(−2 ln 0.75).
    assert np.sqrt(np.mean(filled**2)) == pytest.approx(np.sqrt(-2 * np.log(0.75)), rel=0.05)


def test_has_no_other_fill() -> None:
    with pytest.raises(ValueError, match="use harm_mask for others"):
        SoftHarmMask(fill="attenuate")
