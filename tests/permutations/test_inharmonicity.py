"""``inharmonicity=estimate``: masks look for partials where the recording has them.

The oracle is the sound itself: tones whose stiffness is planted, and the formula of a stiff string.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from tests.permutations.test_partial_powers import RATE, notes_of, tones

from pi_amt.core.notes import Notes
from pi_amt.core.partials import INHARMONICITIES, partial_frequencies, piano_inharmonicity
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.core.units import midi_to_hz, ratio_to_cents
from pi_amt.models.basic_pitch.model import BasicPitch
from pi_amt.permutations.coalition import Coalition
from pi_amt.permutations.controls import Identity, NoPermutation, WrongPiece
from pi_amt.permutations.donor import Donor
from pi_amt.permutations.effects import EffectMeter
from pi_amt.permutations.masks import (
    FundMask,
    RatioFundMask,
    RatioHarmMask,
    RemoveHarmonic,
    SoftFundMask,
)
from pi_amt.permutations.matched_energy import MatchedEnergy
from pi_amt.permutations.matched_tracks import MatchedTracks
from pi_amt.permutations.partial_powers import Overview
from pi_amt.permutations.permutation import Neighbour, Permutation, Scene
from pi_amt.permutations.regions import Mask, numbers_of
from pi_amt.permutations.shuffles import Random

#: far from a typical piano's (1): a slack string, and none at all
PLANTED = (0.0, 0.35, 2.6)


@cache
def recording(stiffness: float) -> tuple[Spectrogram, Notes]:
    rng = np.random.default_rng(3)
    rows = [
        (0.2 + 0.35 * i, 0.2 + 0.35 * i + rng.uniform(0.4, 1.2), float(rng.integers(36, 84)))
        for i in range(16)
    ]
    sound = tones(rows, 6.5, partials=range(1, 13), decay_seconds=1.0, stiffness=stiffness)
    return BasicPitch().analyze(sound, RATE), notes_of(*rows)


def target_of(permutation: Permutation, scene: Scene) -> Mask:
    target = permutation.decide(scene).target
    assert target is not None
    return target


@pytest.mark.parametrize("stiffness", PLANTED)
def test_the_planted_stiffness_is_found(stiffness: float) -> None:
    spectrogram, notes = recording(stiffness)
    found = Overview.of(spectrogram).strings(notes, "estimate")[1]
    assert found == pytest.approx(stiffness, rel=0.25, abs=0.1)


@pytest.mark.parametrize("stiffness", PLANTED)
def test_partials_are_expected_where_they_are(stiffness: float) -> None:
    """Of the partials of up to 5 kHz: those that a piano's mask expects are up to half a semitone
    away, those of the settled mask within a few cents of the string's formula."""
    spectrogram, notes = recording(stiffness)
    k = np.arange(2, 13)
    b = stiffness * piano_inharmonicity(notes.pitches)[:, None]
    true = k * midi_to_hz(notes.pitches)[:, None] * np.sqrt((1 + b * k**2) / (1 + b))
    settled = FundMask(inharmonicity="estimate").settled(Scene(spectrogram, notes))
    off = {
        name: np.abs(
            ratio_to_cents(
                partial_frequencies(notes.pitches[:, None], k, inharmonicity=strings) / true
            )
        )[true < 5000].max()
        for name, strings in (("piano", "piano"), ("estimate", settled.inharmonicity))
    }
    assert off["piano"] > 10
    assert off["estimate"] < 0.35 * off["piano"]


def test_a_mask_of_an_estimate_is_the_mask_of_that_number() -> None:
    spectrogram, notes = recording(2.6)
    scene = Scene(spectrogram, notes, key=5, neighbour=Neighbour("x", notes))
    found = Overview.of(spectrogram).strings(notes, "estimate")[1]
    for kind in (FundMask, SoftFundMask):
        estimated, given = kind(inharmonicity="estimate"), kind(inharmonicity=found)
        for one, other in (
            (estimated, given),
            (MatchedTracks(estimated), MatchedTracks(given)),
            (WrongPiece(estimated), WrongPiece(given)),
        ):
            a, b = (p.decide(scene).apply(spectrogram).tensor for p in (one, other))
            assert bool((a == b).all())
            assert one.needs_overview
            assert not other.needs_overview


def test_where_nothing_is_stiff_partials_are_exact_multiples() -> None:
    spectrogram, notes = recording(0.0)
    scene = Scene(spectrogram, notes)
    regions = [
        target_of(RemoveHarmonic(harmonic=9, inharmonicity=strings), scene)
        for strings in ("none", "estimate", "piano")
    ]
    assert np.array_equal(regions[0], regions[1])
    assert not np.array_equal(regions[0], regions[2])


def test_numbers_have_names() -> None:
    pitches, k = np.arange(21, 109)[:, None], np.arange(1, 20)
    for name, number in zip(INHARMONICITIES, (1.0, 0.0), strict=True):
        named = partial_frequencies(pitches, k, inharmonicity=name)
        assert np.array_equal(named, partial_frequencies(pitches, k, inharmonicity=number))


def test_the_controls_look_in_the_recording_and_not_in_the_other_piece() -> None:
    """Notes of another piece would find peaks where there are none of theirs."""
    spectrogram, notes = recording(2.6)
    other = Notes.from_arrays(notes.onsets, notes.offsets, notes.pitches + 1.0)
    scene = Scene(spectrogram, notes, neighbour=Neighbour("x", other))
    found = Overview.of(spectrogram).strings(notes, "estimate")[1]
    a, b = (
        target_of(WrongPiece(RemoveHarmonic(harmonic=9, inharmonicity=strings)), scene)
        for strings in ("estimate", found)
    )
    assert np.array_equal(a, b)


def test_without_evidence_strings_are_a_pianos() -> None:
    spectrogram = BasicPitch().analyze(np.zeros(RATE, dtype=np.float32), RATE)
    notes = notes_of((0.2, 0.9, 57.0))
    settled = FundMask(inharmonicity="estimate").settled(Scene(spectrogram, notes))
    assert settled == FundMask(inharmonicity=1.0)


def test_a_recording_that_streams_by_gets_the_mask_of_the_whole() -> None:
    spectrogram, notes = recording(0.35)
    mask = RemoveHarmonic(harmonic=8, inharmonicity="estimate")
    whole = target_of(mask, Scene(spectrogram, notes))
    overview = Overview.of(spectrogram)
    for block in range(spectrogram.grid[0]):
        part = spectrogram.block_slice(block, block + 1)
        assert np.array_equal(
            target_of(mask, Scene(part, notes, overview=overview))[0], whole[block]
        )


def test_a_ratio_mask_may_find_that_nothing_is_stiff() -> None:
    spectrogram, notes = recording(0.0)
    overview = Overview.of(spectrogram)
    assert overview.partials(notes, "estimate").stiffness == 0.0
    # what a piano's ratio mask does is what it did before: a piano's strings are never slack
    assert overview.partials(notes).stiffness >= 2**-1.6
    apply = RatioFundMask(inharmonicity="estimate").decide(Scene(spectrogram, notes)).apply
    assert bool((apply(spectrogram).tensor <= spectrogram.tensor).all())


def used(permutation: Permutation) -> float | None:
    """The stiffness among the effects of a permutation on a slack string."""
    spectrogram, notes = recording(0.35)
    meter = EffectMeter()
    scene = Scene(spectrogram, notes, 3, Neighbour("other", notes, spectrogram))
    meter.push(spectrogram, *permutation.perturb(scene), notes)
    return meter.finish().get("stiffness")


@pytest.mark.parametrize(("strings", "factor"), [("none", 0.0), ("piano", 1.0), (2.5, 2.5)])
def test_effects_tell_the_stiffness_that_a_mask_was_told(
    strings: str | float, factor: float
) -> None:
    mask = FundMask(inharmonicity=strings)
    for permutation in (
        mask,
        SoftFundMask(inharmonicity=strings),
        MatchedTracks(mask),
        WrongPiece(mask),
        MatchedEnergy(mask, attenuation_db=6.0),
        MatchedEnergy(mask, side="control", attenuation_db=6.0),
        Donor(inharmonicity=strings),
    ):
        assert used(permutation) == factor
    if strings != "piano":  # from which a ratio mask takes its first guess only
        assert used(RatioFundMask(inharmonicity=strings)) == factor


def test_effects_tell_the_stiffness_that_was_found() -> None:
    mask, ratio = FundMask(inharmonicity="estimate"), RatioFundMask(inharmonicity="estimate")
    for permutation in (mask, MatchedTracks(mask), Donor(inharmonicity="estimate"), ratio,
                        RatioFundMask(), MatchedTracks(ratio),
                        Coalition(inharmonicity="estimate")):  # fmt: skip
        assert used(permutation) == pytest.approx(0.35, rel=0.25)
    assert used(mask) == used(ratio)


def test_what_looks_for_no_partials_has_no_stiffness() -> None:
    for permutation in (Random(p=0.5), NoPermutation(), Identity(), Donor(feature="band")):
        assert used(permutation) is None


@pytest.mark.parametrize("value", ["guitar", -0.5, 1e4, float("nan"), True])
def test_other_values_are_refused(value: str | float) -> None:
    for kind in (FundMask, Donor):
        with pytest.raises(ValueError, match="inharmonicity: got"):
            kind(inharmonicity=value)


def test_an_energy_match_needs_partials_that_are_known() -> None:
    with pytest.raises(ValueError, match="got fund_mask with inharmonicity='estimate'"):
        MatchedEnergy(FundMask(inharmonicity="estimate"))


@pytest.mark.parametrize("strings", ["piano", "estimate", 1.5])
def test_the_control_of_a_ratio_mask_has_the_strings_of_the_recording(strings: str | float) -> None:
    spectrogram, notes = recording(2.6)
    other = Notes.from_arrays(notes.onsets, notes.offsets, notes.pitches + 1.0)
    scene = Scene(spectrogram, notes, neighbour=Neighbour("x", other))
    target = RatioFundMask(inharmonicity=strings)
    own, control = target.decide(scene), WrongPiece(target).decide(scene)
    assert control.stiffness == own.stiffness
    if strings != 1.5:
        assert target.decide(replace(scene, notes=other)).stiffness != own.stiffness
    # it is the recording's tuning, too, and the shares are those of the other notes
    overview = Overview.of(spectrogram)
    powers = overview.partials(other, strings, notes)
    assert powers.tuning_cents == overview.partials(notes, strings).tuning_cents
    gains = powers.gains(spectrogram, numbers_of((1,), len(other)), keep=False)
    expected = spectrogram.with_values(spectrogram.tensor * torch.from_numpy(gains))
    assert bool((control.apply(spectrogram).tensor == expected.tensor).all())


def test_the_control_of_a_ratio_mask_has_a_version_of_its_own() -> None:
    for target in (RatioFundMask(), RatioHarmMask(), FundMask(kind="ratio")):
        assert WrongPiece(target).method_version == f"{target.method_version}.2"
    assert WrongPiece(FundMask()).method_version == FundMask().method_version
