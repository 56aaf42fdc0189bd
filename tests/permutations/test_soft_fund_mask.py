"""``soft_fund_mask``: the bins of ``fund_mask``, filled with the local background."""

from __future__ import annotations

import numpy as np
import pytest
from tests.permutations.synthetic import (
    KINDS,
    bits,
    make_notes,
    make_spectrogram,
    nearest_bin,
    random_notes,
    tone_spectrogram,
    with_contents,
)

from pi_amt.permutations.masks import FundMask, SoftFundMask


@pytest.mark.parametrize("kind", KINDS)
def test_touches_the_bins_of_the_hard_mask(kind: str) -> None:
    s = make_spectrogram(kind, 3)
    notes = random_notes()
    soft, hard = SoftFundMask()(s, notes, key=1), FundMask()(s, notes)
    np.testing.assert_array_equal(bits(soft) != bits(s), bits(hard) != bits(s))
    assert (np.asarray(soft.values)[bits(soft) != bits(s)] != 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_loud_tone_sinks_to_the_level_around_it(kind: str) -> None:
    notes = make_notes((0.6, 1.4, 57.0))
    clean = tone_spectrogram(notes, kind, partials=1)
    rng = np.random.default_rng(0)
    noise = 0.01 * rng.rayleigh(size=clean.values.shape)
    s = with_contents(clean, np.asarray(clean.values) + noise)
    out = SoftFundMask()(s, notes, key=1)
    band = slice(nearest_bin(s, 220.0) - 2, nearest_bin(s, 220.0) + 3)
    sounding = (s.times[0] > 0.6) & (s.times[0] < 1.4)
    filled = np.abs(np.asarray(out.values)[0, band][:, sounding])
    # The tone stands at 1; the 25th percentile of the noise alone is 0.01 · √(−2 ln 0.75) =
    # 0.0076, and what the window leaks of the tone beyond the mask comes on top.
    assert 0.005 < np.sqrt(np.mean(filled**2)) < 0.016


def test_the_key_decides_the_noise() -> None:
    s = make_spectrogram("complex", 1)
    notes = random_notes()
    first, again, other = (SoftFundMask()(s, notes, key=k) for k in (1, 1, 2))
    np.testing.assert_array_equal(bits(first), bits(again))
    touched = bits(first) != bits(s)
    assert (bits(first)[touched] != bits(other)[touched]).mean() > 0.99


def test_has_no_other_fill() -> None:
    assert SoftFundMask().stochastic
    assert not SoftFundMask().out_of_distribution
    with pytest.raises(ValueError, match="use fund_mask for others"):
        SoftFundMask(fill="silence")
