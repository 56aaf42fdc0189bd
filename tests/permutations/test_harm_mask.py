"""``harm_mask``: keeps the fundamentals, nothing else."""

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
    target_of,
    tone_spectrogram,
)

from pi_amt.permutations.masks import FundMask, HarmMask


@pytest.mark.parametrize("kind", KINDS)
def test_harmonics_are_gone_and_the_fundamental_is_untouched(kind: str) -> None:
    notes = make_notes((0.6, 1.4, 57.0))
    s = tone_spectrogram(notes, kind)
    out = HarmMask()(s, notes)
    first = nearest_bin(s, 220.0)
    band = slice(first - 2, first + 3)
    sounding = (s.times[0] >= 0.6) & (s.times[0] <= 1.4)
    np.testing.assert_array_equal(bits(out)[0, band][:, sounding], bits(s)[0, band][:, sounding])
    rest = np.delete(np.asarray(out.values)[0], np.arange(band.start, band.stop), axis=0)
    assert (rest == 0).all()
    assert (np.asarray(out.values)[0, :, s.times[0] < 0.5] == 0).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "options", [{}, {"half_width_cents": 120.0, "time_dilation": 0.0}, {"inharmonicity": "none"}]
)
def test_with_fund_mask_it_covers_every_bin_once(kind: str, options: dict[str, float]) -> None:
    s = make_spectrogram(kind, 3, tuning_cents=-12.0)
    notes = random_notes()
    fundamentals = target_of(FundMask(**options), s, notes)  # type: ignore[arg-type]
    rest = target_of(HarmMask(**options), s, notes)  # type: ignore[arg-type]
    np.testing.assert_array_equal(fundamentals, ~rest)
    halves = (FundMask(**options)(s, notes), HarmMask(**options)(s, notes))  # type: ignore[arg-type]
    np.testing.assert_array_equal(
        sum(np.asarray(half.values) for half in halves), np.asarray(s.values)
    )


def test_onset_spares_or_touches_whole_frames() -> None:
    s = make_spectrogram("real", 3)
    notes = make_notes((0.3, 0.6, 57.0))
    attack = (s.times >= 0.3) & (s.times < 0.35)
    every = target_of(HarmMask(), s, notes)
    spare = target_of(HarmMask(onset="spare"), s, notes)
    only = target_of(HarmMask(onset="only"), s, notes)
    np.testing.assert_array_equal(every, spare | only)
    np.testing.assert_array_equal(only.any(axis=1), attack)
    assert not spare.transpose(0, 2, 1)[attack].any()


def test_without_notes_everything_goes() -> None:
    s = make_spectrogram("real", 1)
    assert (np.asarray(HarmMask()(s, make_notes()).values) == 0).all()
