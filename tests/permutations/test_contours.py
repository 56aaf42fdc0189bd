"""Masks go where a note's pitch goes: a gliding tone, on the models' own front ends."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.permutations.front_ends import analyze
from tests.permutations.synthetic import bits
from tests.permutations.test_partial_powers import basic_pitch, timbre_trap

from pi_amt.core.notes import Notes
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.core.units import Floats, Samples, midi_to_hz
from pi_amt.permutations.loading import load_permutation
from pi_amt.permutations.masks import FundMask, HarmMask
from pi_amt.permutations.partial_powers import power_of
from pi_amt.permutations.regions import highest_fundamental, partial_mask

RATE, SECONDS, ONSET, OFFSET, LOW, HIGH = 22_050, 3.0, 0.4, 2.6, 69.0, 75.0


def glide() -> tuple[Samples, Notes]:
    """A tone with three partials that rises by half an octave, and its note with a contour."""
    times = np.arange(round(SECONDS * RATE)) / RATE
    share = np.clip((times - ONSET) / (OFFSET - ONSET), 0.0, 1.0)
    phase = 2 * np.pi * np.cumsum(midi_to_hz(LOW + (HIGH - LOW) * share)) / RATE
    sounds = (times >= ONSET) & (times < OFFSET)
    sound = sum((0.2 / k * np.sin(k * phase) for k in (1, 2, 3)), np.zeros(len(times)))
    noise = 1e-4 * np.random.default_rng(0).standard_normal(len(times))
    seconds = np.linspace(ONSET, OFFSET, 61)[:-1]
    contour = np.stack([seconds, np.linspace(LOW, HIGH, 61)[:-1] + 0.05], axis=1)
    middle = (LOW + HIGH) / 2
    notes = Notes.from_arrays([ONSET], [OFFSET], [middle], contours=[contour])
    return (sound * sounds + noise).astype(np.float32), notes


def front_end(name: str) -> tuple[Spectrogram, Notes]:
    sound, notes = glide()
    if name == "mel":
        return analyze("mel", sound), notes
    model = {"basic_pitch": basic_pitch, "timbre_trap": timbre_trap}[name]()
    return model.analyze(sound, RATE), notes


def left(spectrogram: Spectrogram, before: Spectrogram, k: int) -> float:
    """Share of the energy that is left where partial ``k`` really is, in the middle of the note."""
    times, hz = spectrogram.times, spectrogram.frequencies
    share = (times - ONSET) / (OFFSET - ONSET)
    there = k * midi_to_hz(LOW + (HIGH - LOW) * share)
    near = np.abs(hz[None, :, None] / there[:, None, :] - 1) < 0.02
    near &= ((times > ONSET + 0.3) & (times < OFFSET - 0.3))[:, None, :]
    after, power = power_of(spectrogram)[near].sum(), power_of(before)[near].sum()
    return float(after / power)


@pytest.mark.parametrize("name", ["basic_pitch", "timbre_trap", "mel"])
@pytest.mark.parametrize("mask", ["fund_mask", "ratio_fund_mask"])
def test_a_gliding_fundamental_leaves_a_constant_mask_but_not_one_that_follows(
    name: str, mask: str
) -> None:
    whole, notes = front_end(name)
    permutation = load_permutation(mask, inharmonicity="none")
    followed, constant = (permutation(whole, some) for some in (notes, replace(notes, contours=())))
    assert left(followed, whole, 1) < 0.1
    assert left(constant, whole, 1) > 0.3
    assert left(followed, whole, 2) > 0.9


def test_a_mask_that_keeps_the_fundamental_keeps_the_whole_glide() -> None:
    whole, notes = front_end("basic_pitch")
    for mask in ("harm_mask", "ratio_harm_mask"):
        permutation = load_permutation(mask, inharmonicity="none")
        followed = permutation(whole, notes)
        constant = permutation(whole, replace(notes, contours=()))
        assert left(followed, whole, 1) > 0.5
        assert left(constant, whole, 1) < 0.6 * left(followed, whole, 1)
        assert left(followed, whole, 2) < 0.1


def test_a_contour_that_stays_is_a_note_without_one() -> None:
    whole, notes = front_end("basic_pitch")
    plain = replace(notes, contours=())
    flat = replace(notes, contours=(np.array([[ONSET, (LOW + HIGH) / 2]]),))
    for name in ("fund_mask", "harm_mask", "ratio_fund_mask", "ratio_harm_mask"):
        one, other = (load_permutation(name)(whole, some) for some in (plain, flat))
        np.testing.assert_array_equal(bits(one), bits(other))


@pytest.mark.parametrize("onset", ["only", "spare"])
def test_the_onset_is_that_of_the_note_and_not_of_each_step(onset: str) -> None:
    whole, notes = front_end("basic_pitch")
    part, all_of_it = (
        partial_mask(whole, notes, onset=which, inharmonicity="none") for which in (onset, "all")
    )
    late = (whole.times > ONSET + 0.3)[:, None, :] & np.ones_like(part)
    if onset == "only":
        assert part.any()
        assert not part[late].any()
    else:
        np.testing.assert_array_equal(part[late], all_of_it[late])
        early = (whole.times < ONSET + 0.05)[:, None, :] & np.ones_like(part)
        assert not part[early].any()
        assert all_of_it[early].any()


def test_both_masks_cover_every_bin_once_along_a_contour() -> None:
    whole, notes = front_end("basic_pitch")
    first, second = (mask().region(whole, notes) for mask in (FundMask, HarmMask))
    np.testing.assert_array_equal(first, ~second)


def test_the_highest_fundamental_rises_with_the_contour() -> None:
    whole, notes = front_end("mel")
    found: Floats = highest_fundamental(whole, notes)[0]
    times = whole.times[0]
    for moment in (0.6, 1.5, 2.4):
        hz = float(found[np.abs(times - moment).argmin()])
        expected = float(midi_to_hz(LOW + (HIGH - LOW) * (moment - ONSET) / (OFFSET - ONSET)))
        assert hz == pytest.approx(expected, rel=0.005)
