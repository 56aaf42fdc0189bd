"""``matched_energy``: target and control lose the same energy."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.permutations.synthetic import (
    KINDS,
    bits,
    make_notes,
    make_spectrogram,
    random_notes,
    target_of,
    with_contents,
)

from pi_amt.core.notes import Notes
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.permutations.masks import FundMask, HarmMask, PartialMask, SoftFundMask, SoftHarmMask
from pi_amt.permutations.matched_energy import MatchedEnergy, attenuations_for
from pi_amt.permutations.matched_tracks import MatchedTracks
from pi_amt.permutations.permutation import Scene
from pi_amt.permutations.regions import partial_mask
from pi_amt.permutations.shuffles import HighFreq


def tonal(kind: str, strength: float) -> tuple[Spectrogram, Notes]:
    """Two notes: partials 2–10 stand ``strength`` above the noise, fundamentals four times that."""
    s = make_spectrogram(kind, 3)
    notes = make_notes((0.1, 0.6, 50.0), (0.7, 1.2, 57.0))
    gain = 1.0 + strength * partial_mask(s, notes, range(2, 11))
    gain += 4.0 * strength * partial_mask(s, notes)
    return with_contents(s, np.asarray(s.values) * gain), notes


def energy(s: Spectrogram) -> float:
    return float(np.sum(np.abs(np.asarray(s.values, dtype=np.complex128)) ** 2))


@given(share=st.floats(0.25, 0.9), other=st.floats(0.25, 0.9), total=st.floats(1e-6, 1e6))
def test_both_attenuations_cost_the_same(share: float, other: float, total: float) -> None:
    got = attenuations_for(total, share * total, other * total)
    assert got.reason == ""
    for part, db in ((share, got.target_db), (other, got.control_db)):
        left = 1.0 - part * (1.0 - 10 ** (-db / 10))
        assert -10 * math.log10(left) == pytest.approx(got.loss_db, abs=1e-6)
    assert max(got.target_db, got.control_db) == math.inf
    assert got.loss_db == pytest.approx(-10 * math.log10(1 - min(share, other)))


def test_less_than_one_decibel_is_no_comparison() -> None:
    got = attenuations_for(1.0, 0.8, 0.15)
    assert "control holds too little energy: 0.71 dB" in got.reason
    assert "target holds too little" in attenuations_for(1.0, 0.1, 0.3).reason
    assert "no energy" in attenuations_for(0.0, 0.0, 0.0).reason


@pytest.mark.parametrize("kind", KINDS)
def test_sides_lose_the_same_energy_within_half_a_decibel(kind: str) -> None:
    # One partial of ten can only rival the fundamental where it is strong enough.
    s, notes = tonal(kind, 60.0)
    mask = FundMask()
    boost = 1.0 + 5.0 * target_of(MatchedTracks(mask), s, notes, 8)
    s = with_contents(s, np.asarray(s.values) * boost)
    losses = [
        10 * np.log10(energy(s) / energy(MatchedEnergy(mask, side)(s, notes, key=8)))
        for side in ("target", "control")
    ]
    assert losses[0] > 1.0
    assert losses[0] == pytest.approx(losses[1], abs=0.01)


@pytest.mark.parametrize(("soft", "hard"), [(SoftFundMask, FundMask), (SoftHarmMask, HarmMask)])
def test_the_fill_of_the_target_does_not_matter(
    soft: type[PartialMask], hard: type[PartialMask]
) -> None:
    s, notes = tonal("real", 60.0)
    s = with_contents(
        s, np.asarray(s.values) * (1.0 + 5.0 * target_of(MatchedTracks(), s, notes, 8))
    )
    masks = (kind(half_width_cents=60.0, onset="spare") for kind in (soft, hard))
    found, expected = (MatchedEnergy(mask, attenuation_db=3.0)(s, notes, key=8) for mask in masks)
    np.testing.assert_array_equal(bits(found), bits(expected))


def test_streamed_pass_settles_what_the_whole_recording_settles() -> None:
    s, notes = tonal("complex", 60.0)
    boost = 1.0 + 5.0 * target_of(MatchedTracks(), s, notes, 8)
    s = with_contents(s, np.asarray(s.values) * boost)
    for side in ("target", "control"):
        permutation = MatchedEnergy(side=side)
        meter = permutation.prepass()
        for block in range(3):
            meter.push(Scene(s.block_slice(block, block + 1), notes, 8))
        settled = meter.finish()
        whole = permutation(s, notes, key=8)
        for block in range(3):
            part = settled(s.block_slice(block, block + 1), notes, key=8)
            np.testing.assert_array_equal(bits(part), bits(whole)[block : block + 1])


def test_kept_frames_alone_count() -> None:
    s, notes = tonal("real", 60.0)
    kept = np.zeros(s.times.shape, dtype=bool)
    kept[:, 5:20] = True
    some, part = MatchedEnergy().prepass(), MatchedEnergy().prepass()
    some.push(Scene(s, notes, 1), kept)
    cut = replace(s, values=s.values[:, :, 5:20], times=s.times[:, 5:20])
    part.push(Scene(cut, notes, 1))
    assert some.attenuations().loss_db == pytest.approx(part.attenuations().loss_db)


def test_an_empty_cell_says_why() -> None:
    s = make_spectrogram("real", 1)
    with pytest.raises(ValueError, match=r"matched_energy\(fund_mask\): no comparison, .* 1 dB"):
        MatchedEnergy()(s, random_notes(2), key=1)
    with pytest.raises(ValueError, match="expected a mask"):
        MatchedEnergy(HighFreq())
    with pytest.raises(ValueError, match="side: got 'both'"):
        MatchedEnergy(side="both")
