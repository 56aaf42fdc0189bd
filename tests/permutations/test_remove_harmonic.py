"""``remove_harmonic``: partial k goes, the others stay."""

from __future__ import annotations

import numpy as np
import pytest
from tests.permutations.synthetic import (
    KINDS,
    bits,
    changed,
    make_notes,
    make_spectrogram,
    nearest_bin,
    tone_spectrogram,
)

from pi_amt.core.partials import partial_frequencies
from pi_amt.permutations.masks import KeepHarmonic, RemoveHarmonic
from pi_amt.permutations.partial_powers import N_PARTIALS


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_removes_this_partial_of_a_tone_and_no_other(kind: str, k: int) -> None:
    notes = make_notes((0.6, 1.4, 57.0))
    s = tone_spectrogram(notes, kind)
    out = RemoveHarmonic(harmonic=k, inharmonicity="none")(s, notes)
    steady = (s.times[0] > 0.75) & (s.times[0] < 1.25)
    for other in (1, 2, 3, 4):
        b = nearest_bin(s, 220.0 * other)
        band = np.abs(np.asarray(out.values))[0, b - 1 : b + 2, steady]
        if other == k:
            assert (band == 0.0).all()
        else:
            np.testing.assert_array_equal(bits(out)[0, b - 1 : b + 2], bits(s)[0, b - 1 : b + 2])


def test_follows_the_stretch_of_a_piano_string() -> None:
    s = make_spectrogram("complex", 1)
    notes = make_notes((0.0, 1.0, 81.0))
    masks = [RemoveHarmonic(harmonic=6, inharmonicity=i) for i in ("piano", "none")]
    bands = [np.unique(np.nonzero(changed(s, mask(s, notes)))[1]) for mask in masks]
    centres = [band.mean() for band in bands]
    # +63 cents on an axis of 20 cents.
    assert centres[0] - centres[1] == pytest.approx(3.0, abs=0.5)
    assert nearest_bin(s, float(partial_frequencies(81.0, 6))) in bands[0]


@pytest.mark.parametrize("harmonic", [0, -1, 1.5, True])
def test_refuses_what_is_no_partial_number(harmonic: int) -> None:
    with pytest.raises(ValueError, match="harmonic: got"):
        RemoveHarmonic(harmonic=harmonic)


@pytest.mark.parametrize("mask", [RemoveHarmonic, KeepHarmonic])
def test_a_ratio_mask_of_a_partial_that_is_not_modelled_is_refused(
    mask: type[RemoveHarmonic],
) -> None:
    mask(harmonic=N_PARTIALS, kind="ratio")
    with pytest.raises(ValueError, match="harmonic: got 17, expected a whole number, 1 to 16"):
        mask(harmonic=N_PARTIALS + 1, kind="ratio")
    mask(harmonic=N_PARTIALS + 1)
