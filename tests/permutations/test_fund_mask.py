"""``fund_mask``: on tones with known partials, and its relation to the other masks."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from tests.permutations.synthetic import (
    KINDS,
    bits,
    changed,
    make_notes,
    make_spectrogram,
    nearest_bin,
    random_notes,
    target_of,
    tone_spectrogram,
)

from pi_amt.permutations.masks import FundMask, RemoveHarmonic


@pytest.mark.parametrize("tuning_cents", [0.0, 33.0])
@pytest.mark.parametrize("kind", KINDS)
def test_fundamental_is_gone_and_second_harmonic_is_untouched(
    kind: str, tuning_cents: float
) -> None:
    notes = make_notes((0.6, 1.4, 57.0))
    s = tone_spectrogram(notes, kind, tuning_cents=tuning_cents)
    out = FundMask(inharmonicity="none")(s, notes)
    before, after = np.abs(np.asarray(s.values)), np.abs(np.asarray(out.values))
    steady = (s.times[0] > 0.75) & (s.times[0] < 1.25)
    first, second = (nearest_bin(s, 220.0 * k * 2 ** (tuning_cents / 1200)) for k in (1, 2))
    assert (before[0, first, steady] > 0.5).all()
    assert (after[0, first - 2 : first + 3, steady] == 0.0).all()
    # What the window leaks beyond the mask is 38 dB down.
    assert after[0, : first + 10, steady].max() < 0.0125
    np.testing.assert_array_equal(bits(out)[0, second - 5 :], bits(s)[0, second - 5 :])


def test_mask_covers_the_note_as_the_window_smears_it() -> None:
    notes = make_notes((0.6, 1.4, 57.0))
    s = tone_spectrogram(notes, "real")
    touched = changed(s, FundMask()(s, notes))[0, nearest_bin(s, 220.0)]
    d = 0.25 * 51.44 / 220.0
    np.testing.assert_array_equal(touched, (s.times[0] >= 0.6 - d) & (s.times[0] <= 1.4 + d))
    # At the mask's ends, a quarter of a window outside the note, a Hann window sees −21 dB.
    row = np.abs(np.asarray(s.values))[0, nearest_bin(s, 220.0)]
    assert row[~touched].max() < 0.12 * row.max()


@pytest.mark.parametrize("kind", KINDS)
def test_both_parts_of_a_complex_value_go_or_stay(kind: str) -> None:
    s = make_spectrogram(kind, 2)
    notes = random_notes()
    permutation = FundMask()
    out = permutation(s, notes)
    target = target_of(permutation, s, notes)
    values, kept = np.asarray(out.values), np.asarray(s.values)
    assert target.any()
    assert (values[target].real == 0).all()
    assert (values[target].imag == 0).all()
    np.testing.assert_array_equal(bits(out)[~target], bits(s)[~target])
    assert (kept[target] != 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_attenuation_is_a_dose(kind: str) -> None:
    s = make_spectrogram(kind, 1)
    notes = random_notes()
    target = target_of(FundMask(), s, notes)
    for db in (0.0, 3.0, 20.0):
        out = FundMask(fill="attenuate", attenuation_db=db)(s, notes)
        ratio = np.asarray(out.values)[target] / np.asarray(s.values)[target]
        np.testing.assert_allclose(ratio, 10 ** (-db / 20), rtol=1e-6)
        if db == 0.0:
            np.testing.assert_array_equal(bits(out), bits(s))
    silent = FundMask(fill="attenuate", attenuation_db=float("inf"))(s, notes)
    np.testing.assert_array_equal(bits(silent), bits(FundMask()(s, notes)))


def test_is_harmonic_number_one() -> None:
    s = make_spectrogram("complex", 2)
    notes = random_notes()
    np.testing.assert_array_equal(
        bits(FundMask()(s, notes)), bits(RemoveHarmonic(harmonic=1)(s, notes))
    )


def test_wider_masks_hold_narrower_ones() -> None:
    s = make_spectrogram("complex", 2)
    notes = random_notes()
    masks = [target_of(FundMask(half_width_cents=w), s, notes) for w in (0.0, 35.0, 50.0, 150.0)]
    for narrow, wide in pairwise(masks):
        assert not (narrow & ~wide).any()
        assert wide.sum() > narrow.sum()


def test_says_what_it_is() -> None:
    assert FundMask().out_of_distribution
    assert not FundMask().stochastic
    assert FundMask(fill="background").stochastic
    assert not FundMask(fill="background").out_of_distribution
    assert not FundMask(fill="attenuate").out_of_distribution
    assert FundMask(fill="attenuate", attenuation_db=math.inf).out_of_distribution
    with pytest.raises(ValueError, match="got no notes"):
        FundMask()(make_spectrogram("real", 1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fill": "zeros"}, "fill: got 'zeros'"),
        ({"half_width_cents": -1.0}, "half_width_cents: got -1.0"),
        ({"attenuation_db": -3.0}, "attenuation_db: got -3.0"),
        ({"time_dilation": float("nan")}, "time_dilation: got nan"),
        ({"onset": "first"}, "onset: got 'first'"),
        ({"inharmonicity": "guitar"}, "inharmonicity: got 'guitar'"),
    ],
)
def test_refuses_impossible_options(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FundMask(**options)  # type: ignore[arg-type]
