"""Channels: what is done to one of them is done to all, with the same draws.

The recording's channels are x and 2x. Every permutation is linear in the level of its input once
its draws are made, so the channels of its result are r and 2r, to the bit.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from tests.permutations.synthetic import KINDS, bits, make_neighbour, make_spectrogram, random_notes
from tests.permutations.test_contract import VARIANTS

from pi_amt.core.spectrogram import Spectrogram, concatenate
from pi_amt.permutations.effects import EffectMeter
from pi_amt.permutations.loading import load_permutation
from pi_amt.permutations.masks import FundMask
from pi_amt.permutations.matched_energy import Attenuations, EnergyMeter, MatchedEnergy
from pi_amt.permutations.permutation import Neighbour, Scene
from pi_amt.permutations.regions import COUNTED_PARTIALS
from pi_amt.report.explorer.pictures import powers, touched
from pi_amt.study.neighbours import donor_pool

KEY = 0x123456789ABCDEF
NOTES = random_notes(60, seconds=2.5)


def doubled(s: Spectrogram) -> Spectrogram:
    """Two channels: the values, and twice the values."""
    values = np.asarray(s.values)
    return replace(s, values=np.stack([values, 2 * values], axis=1))


def lent(kind: str, channels: int) -> Neighbour:
    neighbour = make_neighbour(kind)
    assert neighbour.spectrogram is not None
    pool = neighbour.spectrogram
    return replace(neighbour, spectrogram=pool if channels == 1 else doubled(pool))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("name", "options"),
    VARIANTS,
    ids=lambda value: value if isinstance(value, str) else "-".join(map(str, value.values())),
)
def test_channels_are_perturbed_together(kind: str, name: str, options: dict[str, Any]) -> None:
    one = make_spectrogram(kind, 2, first_block=2)
    two = doubled(one)
    permutation = load_permutation(name, **options)
    single, change = permutation.perturb(Scene(one, NOTES, KEY, lent(kind, 1)))
    both, change_of_both = permutation.perturb(Scene(two, NOTES, KEY, lent(kind, 2)))
    first, second = both.channels
    np.testing.assert_array_equal(bits(first), bits(single))
    np.testing.assert_array_equal(np.asarray(second.values), 2 * np.asarray(first.values))

    meters = EffectMeter(), EffectMeter()
    kept = np.ones(one.times.shape, dtype=np.bool_)
    kept[:, ::3] = False
    meters[0].push(one, single, change, NOTES, kept=kept)
    meters[1].push(two, both, change_of_both, NOTES, kept=kept)
    expected, got = (meter.finish() for meter in meters)
    assert got == pytest.approx(expected, nan_ok=True)


def test_the_energy_of_all_channels_counts_where_losses_are_matched() -> None:
    """The louder channel decides: the quieter one holds a hundredth of its energy."""
    notes, quiet = random_notes(8), make_spectrogram("real", 2)
    partials = FundMask().region(quiet, notes, COUNTED_PARTIALS)
    louder = np.where(partials, 100.0, 10.0) * np.asarray(quiet.values)
    both = replace(quiet, values=np.stack([np.asarray(quiet.values), louder], axis=1))

    def found(spectrogram: Spectrogram) -> Attenuations:
        meter = EnergyMeter(MatchedEnergy())
        meter.push(Scene(spectrogram, notes, KEY))
        return meter.attenuations()

    loud, joined = found(replace(quiet, values=louder)), found(both)
    assert joined.loss_db == pytest.approx(loud.loss_db, rel=0.05)
    assert joined.loss_db > 2 * found(quiet).loss_db


def test_a_pool_must_have_the_channels_of_the_recording() -> None:
    with pytest.raises(ValueError, match="pool with 1 channel, expected 2 as in the recording"):
        load_permutation("donor")(
            doubled(make_spectrogram("real", 1)), NOTES, key=0, neighbour=lent("real", 1)
        )


def test_blocks_with_channels_are_cut_joined_and_lent() -> None:
    whole = doubled(make_spectrogram("complex", 3))
    assert whole.grid == (3, len(whole.frequencies), whole.times.shape[1])
    joined = concatenate([whole.block_slice(0, 1), whole.block_slice(1, 3)])
    np.testing.assert_array_equal(joined.values, whole.values)
    short = donor_pool([whole.block_slice(0, 1)], seconds=0.3)
    assert short.values.shape[:3] == (2, 2, len(whole.frequencies))
    assert short.values.shape[3] == short.times.shape[1] < whole.times.shape[1]


def test_pictures_show_the_mean_of_the_channels() -> None:
    one = make_spectrogram("real", 1)
    two = doubled(one)
    np.testing.assert_allclose(powers(two, 0.0, 0.5), 2.5 * powers(one, 0.0, 0.5))
    changed = torch.from_numpy(np.array(two.values))
    changed[:, 1, 40] += 1.0
    seen = touched(two, two.with_values(changed), 0.0, 0.5)
    assert set(np.nonzero(seen)[0]) == {40}


def test_another_number_of_axes_is_refused() -> None:
    one = make_spectrogram("real", 1)
    with pytest.raises(ValueError, match=r"or with channels \(blocks, channels, bins, frames\)"):
        replace(one, values=np.asarray(one.values)[:, None, None])
