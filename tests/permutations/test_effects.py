"""Effects: energies in closed form, accumulated over a stream."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.permutations.synthetic import (
    KINDS,
    make_neighbour,
    make_notes,
    make_spectrogram,
    random_notes,
    target_of,
    with_contents,
)

from pi_amt.core.notes import Notes
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.permutations.controls import Identity, NoPermutation, WrongPiece
from pi_amt.permutations.effects import LIMIT_DB, EffectMeter, removed_db
from pi_amt.permutations.masks import FundMask, HarmMask
from pi_amt.permutations.matched_tracks import MatchedTracks
from pi_amt.permutations.permutation import Permutation, Scene
from pi_amt.permutations.regions import partial_mask
from pi_amt.permutations.shuffles import Random


def effects_of(
    permutation: Permutation, s: Spectrogram, notes: Notes, key: int = 5
) -> dict[str, float]:
    neighbour = make_neighbour("real")
    meter = EffectMeter()
    meter.push(s, *permutation.perturb(Scene(s, notes, key, neighbour)), notes)
    return meter.finish()


def flat(kind: str) -> Spectrogram:
    """Every bin holds the energy 4."""
    s = make_spectrogram(kind, 3)
    return with_contents(s, np.array(2.0 if kind == "real" else 2.0j))


@pytest.mark.parametrize("kind", KINDS)
def test_a_silenced_mask_on_a_flat_input(kind: str) -> None:
    s, notes = flat(kind), random_notes()
    share = target_of(FundMask(), s, notes).mean()
    got = effects_of(FundMask(), s, notes)
    assert got["touched_share"] == share
    assert got["removed_db"] == pytest.approx(-10 * math.log10(1 - share))
    assert got["removed_db_target"] == LIMIT_DB


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("db", [1.0, 6.0, 40.0])
def test_attenuation_reads_its_own_decibels_in_the_target(kind: str, db: float) -> None:
    s, notes = make_spectrogram(kind, 3), random_notes()
    got = effects_of(FundMask(fill="attenuate", attenuation_db=db), s, notes)
    assert got["removed_db_target"] == pytest.approx(db, abs=1e-4)
    assert 0.0 < got["removed_db"] < db


def test_collateral_is_what_shared_bins_cost_the_other_partials() -> None:
    s = flat("real")
    # Alone, a note's fundamental shares no bin with its other partials …
    alone = make_notes((0.2, 0.8, 45.0))
    assert effects_of(FundMask(), s, alone)["collateral_db"] == 0.0
    # … but an octave's upper fundamental is the lower note's second partial.
    octave = make_notes((0.2, 0.8, 45.0), (0.2, 0.8, 57.0))
    others = partial_mask(s, octave, range(2, 11))
    lost = (others & partial_mask(s, octave)).sum() / others.sum()
    got = effects_of(FundMask(), s, octave)["collateral_db"]
    assert got == pytest.approx(-10 * math.log10(1 - lost)) != 0.0
    # harm_mask takes nothing from the fundamentals that it keeps.
    assert effects_of(HarmMask(), s, octave)["collateral_db"] == 0.0


@pytest.mark.parametrize("permutation", [NoPermutation(), Identity()])
def test_no_dose_no_effect(permutation: Permutation) -> None:
    got = effects_of(permutation, make_spectrogram("complex", 2), random_notes())
    assert got["removed_db"] == got["collateral_db"] == got["touched_share"] == 0.0
    assert math.isnan(got["removed_db_target"])


def test_shuffles_keep_the_energy() -> None:
    got = effects_of(Random(p=0.1), make_spectrogram("real", 2), random_notes())
    assert got["removed_db"] == pytest.approx(0.0, abs=1e-6)
    assert 0.09 < got["touched_share"] < 0.1004


def test_controls_are_measured_with_the_draw_that_was_made() -> None:
    s, notes = make_spectrogram("real", 2), random_notes(8)
    for control in (MatchedTracks(FundMask()), WrongPiece(FundMask())):
        assert effects_of(control, s, notes, key=77)["removed_db_target"] == LIMIT_DB


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_adds_up_to_the_whole(kind: str) -> None:
    s, notes = make_spectrogram(kind, 4), random_notes()
    meter, permutation = EffectMeter(), FundMask(fill="background")
    for start, stop in ((0, 1), (1, 4)):
        part = s.block_slice(start, stop)
        meter.push(part, *permutation.perturb(Scene(part, notes, key=5)), notes)
    got, whole = meter.finish(), effects_of(permutation, s, notes)
    energies = {"removed_db", "removed_db_target", "collateral_db", "touched_share"}
    assert set(got) == {*energies, "stiffness"}
    assert got == pytest.approx(whole, abs=1e-9)


def test_frames_that_are_not_kept_do_not_count() -> None:
    s = make_spectrogram("complex", 2)
    notes = make_notes((0.0, 0.3, 57.0))
    permutation = FundMask()
    out, change = permutation.perturb(Scene(s, notes))
    late, early = EffectMeter(), EffectMeter()
    late.push(s, out, change, notes, kept=s.times > 0.5)
    early.push(s, out, change, notes, kept=s.times < 0.3)
    assert late.finish()["touched_share"] == late.finish()["removed_db"] == 0.0
    band = target_of(permutation, s, notes)[0, :, 0].sum() / len(s.frequencies)
    assert early.finish()["touched_share"] == pytest.approx(band)


def test_added_energy_is_negative_and_limits_hold() -> None:
    assert removed_db(1.0, 10.0) == pytest.approx(-10.0)
    assert removed_db(1.0, 0.0) == LIMIT_DB
    assert removed_db(1e-30, 1.0) == -LIMIT_DB
    assert math.isnan(removed_db(0.0, 0.0))
    assert EffectMeter().finish()["touched_share"] == 0.0
