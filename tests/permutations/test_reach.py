"""Which notes a mask reaches: the prediction from an axis, against steady tones through it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from tests.permutations.front_ends import AXES, held, left_db, tone
from tests.permutations.synthetic import KINDS, make_spectrogram

from pi_amt.core.notes import Notes
from pi_amt.core.units import midi_to_hz
from pi_amt.permutations.donor import Donor
from pi_amt.permutations.effects import LIMIT_DB, EffectMeter
from pi_amt.permutations.masks import (
    FundMask,
    HarmMask,
    KeepHarmonic,
    RatioFundMask,
    RemoveHarmonic,
)
from pi_amt.permutations.matched_energy import MatchedEnergy
from pi_amt.permutations.matched_tracks import MatchedTracks
from pi_amt.permutations.permutation import Permutation, Scene
from pi_amt.permutations.reach import count_out_of_reach, removed_from_tones_db
from pi_amt.permutations.regions import partial_mask
from pi_amt.permutations.shuffles import Random

KEYS = tuple(range(21, 109, 3))
PIANO = Notes.from_arrays(np.zeros(88), np.ones(88), np.arange(21.0, 109.0))


@pytest.mark.parametrize("knows", [True, False])
@pytest.mark.parametrize("kind", AXES)
@pytest.mark.parametrize("width", [20.0, 100.0, 300.0])
def test_what_is_left_is_predicted_from_the_axis(kind: str, width: float, knows: bool) -> None:
    """Nearly exactly where the response is known; above −20 dB to 6 dB where it is not."""
    for key in KEYS:
        heard = tone(kind, float(midi_to_hz(key)), knows_its_response=knows)
        measured = left_db(heard, partial_mask(heard, held(key), half_width_cents=width))
        predicted = removed_from_tones_db(FundMask(half_width_cents=width), heard, held(key))
        assert predicted is not None
        if knows:
            assert predicted == pytest.approx(-measured, abs=0.01)
        elif min(predicted, -measured) < 20.0:
            assert predicted == pytest.approx(-measured, abs=6.0)


@pytest.mark.parametrize("mask", [FundMask(), HarmMask(), RemoveHarmonic(harmonic=2)])
def test_default_widths_reach_every_key_of_a_piano(mask: Permutation) -> None:
    for kind in KINDS:
        assert count_out_of_reach(mask, make_spectrogram(kind, 1), PIANO) == 0
    low = PIANO[PIANO.pitches < 100]  # the mel axis ends at 8 kHz
    for kind in AXES:
        assert count_out_of_reach(mask, tone(kind, 440.0), low) == 0


def test_a_narrow_width_does_not_reach_low_notes_of_a_mel_axis() -> None:
    axis, mask = tone("mel", 440.0), FundMask(half_width_cents=200.0)
    assert count_out_of_reach(mask, axis, PIANO[PIANO.pitches < 36]) == 15
    assert count_out_of_reach(mask, axis, PIANO[PIANO.pitches >= 60]) == 0


def test_partials_beyond_the_axis_are_out_of_reach() -> None:
    """The real axis ends at E9: harmonics 4 of the notes from F7 to C8 lie above it."""
    axis = make_spectrogram("real", 1)
    assert count_out_of_reach(RemoveHarmonic(harmonic=4, inharmonicity="none"), axis, PIANO) == 8
    assert count_out_of_reach(KeepHarmonic(harmonic=4, inharmonicity="none"), axis, PIANO) == 8


def test_the_model_s_own_limit_holds_for_what_is_removed() -> None:
    axis = make_spectrogram("complex", 1)
    assert count_out_of_reach(FundMask(), axis, PIANO, steady_from=31.0) == 10
    # harmonic 2 of G0 lies at G1
    assert count_out_of_reach(RemoveHarmonic(harmonic=2), axis, PIANO, steady_from=43.0) == 10
    assert count_out_of_reach(HarmMask(), axis, PIANO, steady_from=31.0) == 0


def test_only_conditions_on_partials_of_the_notes_are_counted() -> None:
    axis = make_spectrogram("real", 1)
    narrow = FundMask()
    counted: tuple[Permutation, ...] = (Donor(), MatchedEnergy(narrow))
    for permutation in counted:
        assert count_out_of_reach(permutation, axis, PIANO, steady_from=23.0) == 2
    others: tuple[Permutation, ...] = (
        Random(),
        Donor(feature="band"),
        MatchedTracks(narrow),
        MatchedEnergy(narrow, side="control"),
    )
    for permutation in others:
        assert count_out_of_reach(permutation, axis, PIANO, steady_from=23.0) is None


def test_a_response_without_a_hash_is_asked_each_time() -> None:
    class Response:
        __hash__ = None  # type: ignore[assignment]

        def __call__(self, hz: np.ndarray) -> np.ndarray:
            return np.ones((len(hz), 229))

    axis = replace(tone("mel", 440.0), response=Response())
    assert count_out_of_reach(FundMask(half_width_cents=1.0), axis, PIANO) == 88


def taken(mask: Permutation, kind: str, key: int, steady_from: float = 0.0) -> float:
    found = removed_from_tones_db(mask, tone(kind, 440.0), held(key), steady_from)
    assert found is not None
    return found


def test_a_fundamental_that_is_still_there_is_not_called_removed() -> None:
    """The mask silences its own bins and says 120 dB; the tone lies beside them."""
    heard, mask, key = tone("mel", float(midi_to_hz(33))), FundMask(half_width_cents=200.0), 33
    meter = EffectMeter()
    perturbed, change = mask.perturb(Scene(heard, held(key)))
    meter.push(heard, perturbed, change, held(key))
    assert meter.finish()["removed_db_target"] == LIMIT_DB
    assert -left_db(heard, partial_mask(heard, held(key), half_width_cents=200.0)) < 10.0
    assert taken(mask, "mel", key) < 10.0
    assert taken(FundMask(), "mel", key) > 20.0


@pytest.mark.parametrize("kind", AXES)
def test_what_is_taken_from_a_tone_grows_with_the_width(kind: str) -> None:
    widths = [taken(FundMask(half_width_cents=w), kind, 69) for w in (5.0, 50.0, 300.0)]
    assert widths == sorted(widths)
    assert widths[0] < 10.0
    assert widths[2] > 20.0


def test_attenuation_and_blocks_that_are_too_short_limit_what_is_taken() -> None:
    weak = FundMask(fill="attenuate", attenuation_db=6.0, half_width_cents=1200.0)
    assert taken(weak, "mel", 69) == pytest.approx(6.0, abs=0.01)
    assert taken(FundMask(half_width_cents=1200.0), "mel", 69, steady_from=70.0) == 20.0


def test_tones_that_the_axis_does_not_hear_are_left_out() -> None:
    low, both = held(60), Notes.from_arrays([0.0, 0.0], [1.0, 1.0], [60.0, 107.0])
    axis, mask = tone("mel", 440.0), RemoveHarmonic(harmonic=4)
    assert removed_from_tones_db(mask, axis, both) == removed_from_tones_db(mask, axis, low)
    assert np.isnan(removed_from_tones_db(mask, axis, both[both.pitches > 100]) or 0.0)


def test_only_binary_masks_that_remove_partials_tell_what_they_take_from_tones() -> None:
    axis = tone("mel", 440.0)
    for permutation in (HarmMask(), Random(), Donor(), MatchedTracks(FundMask()), RatioFundMask()):
        assert removed_from_tones_db(permutation, axis, PIANO) is None
    same = removed_from_tones_db(MatchedEnergy(FundMask()), axis, PIANO)
    assert same == removed_from_tones_db(FundMask(), axis, PIANO)


def test_an_energy_match_takes_from_tones_what_it_was_settled_to_take() -> None:
    axis, settled = tone("mel", 440.0), MatchedEnergy(FundMask(), attenuation_db=3.0)
    mask = FundMask(fill="attenuate", attenuation_db=3.0)
    assert removed_from_tones_db(settled, axis, PIANO) == removed_from_tones_db(mask, axis, PIANO)
    silenced = MatchedEnergy(FundMask(), attenuation_db=math.inf)
    assert removed_from_tones_db(silenced, axis, PIANO) == removed_from_tones_db(
        FundMask(), axis, PIANO
    )
