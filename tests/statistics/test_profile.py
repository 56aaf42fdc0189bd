"""Profiles whose ways are planted: which is the reference, how far the others are from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr
from tests.rows import make_dose_rows

from pi_amt.core.units import Floats
from pi_amt.permutation_importance import Importance
from pi_amt.scoring.note_table import NoteTable
from pi_amt.statistics.profile import Profile, profiles, rank_correlation
from pi_amt.store.rows import Row

TRUE = {1: 0.5, 2: 0.02, 3: 0.06, 4: 0.0}
RATIO = {1: 0.5, 2: 0.06, 3: 0.05, 4: 0.01}
BINARY = {1: 0.6, 2: 0.6, 3: 0.4, 4: 0.2}


def way(
    drops: Mapping[int, float], permutation: str, parameter: str = "harmonic", **options: object
) -> list[Row]:
    """Rows of one way, all of the same recordings."""
    return make_dose_rows(
        {float(k): drop for k, drop in drops.items()},
        permutation=permutation,
        parameter=parameter,
        constant=options,
        noise=0.0,
        n_pieces=8,
    )


def found(*rows: list[Row]) -> tuple[Profile, ...]:
    every = {row.key: row for part in rows for row in part}
    return profiles(Importance.from_rows(list(every.values()), n_resamples=200))


def notes_of(polyphony: int) -> bytes:
    """A note table of four notes with which so many sound."""
    times, none = np.arange(4.0), np.zeros(0)
    return NoteTable(
        onset=times,
        duration=np.ones(4),
        pitch=np.full(4, 60.0),
        velocity=np.full(4, 64.0),
        matched=np.ones(4, dtype=bool),
        polyphony=np.full(4, polyphony),
        lower=np.zeros(4, dtype=int),
        false_onset=none,
        false_duration=none,
        false_pitch=none,
        false_interval=none.astype(int),
    ).to_bytes()


def test_ways_are_named_and_ordered_by_their_nearness_to_the_truth() -> None:
    (profile,) = found(
        way({0: 0.3, 1: 0.5, 2: 0.0, 7: 0.1}, "ablate_channel", "channel"),
        way(BINARY, "remove_harmonic", fill="silence"),
        way(RATIO, "remove_harmonic", kind="ratio"),
        way(TRUE, "audio_without"),
    )
    assert list(profile.curves) == ["true", "ratio", "binary", "channel"]
    assert not profile.keep
    for name, drops in (("true", TRUE), ("ratio", RATIO), ("binary", BINARY)):
        np.testing.assert_allclose(profile.curves[name].drop, list(drops.values()), atol=1e-9)
    channel = profile.curves["channel"]
    np.testing.assert_array_equal(channel.values, [1, 2, 7])  # channel 0 holds harmonic ½
    np.testing.assert_allclose(channel.drop, [0.5, 0.0, 0.1], atol=1e-9)
    assert channel.matrix.shape == (8, 3)
    assert profile.partials == [1, 2, 3, 4, 7]


def test_what_is_kept_is_a_profile_of_its_own() -> None:
    removed, kept = found(
        way(TRUE, "audio_with_only"),
        way(BINARY, "keep_harmonic"),
        way(BINARY, "remove_harmonic"),
    )
    assert (removed.keep, list(removed.curves)) == (False, ["binary"])
    assert (kept.keep, list(kept.curves)) == (True, ["true", "binary"])
    assert kept.energies == {}


def test_distances_from_the_truth_are_those_that_were_planted() -> None:
    (profile,) = found(
        way(TRUE, "audio_without"),
        way(RATIO, "remove_harmonic", kind="ratio"),
        way(BINARY, "remove_harmonic"),
        way({1: 0.5, 2: 0.2}, "ablate_channel", "channel"),
    )
    ways = profile.agreements()
    assert list(ways) == ["ratio", "binary", "channel"]
    ratio, binary, channel = ways.values()
    assert {agreement.reference for agreement in ways.values()} == {"true"}
    np.testing.assert_allclose(binary.difference, [0.1, 0.58, 0.34, 0.2], atol=1e-9)
    np.testing.assert_allclose(binary.error, [0.1, 0.58, 0.34, 0.2], atol=1e-9)
    assert binary.distance == pytest.approx(0.305)
    assert (binary.furthest, binary.agrees) == (2, False)
    assert binary.distance_elsewhere == pytest.approx(0.64 / 3)
    assert ratio.distance == pytest.approx(0.015)
    assert ratio.agrees
    assert ratio.rank_correlation == pytest.approx(0.8)
    np.testing.assert_array_equal(channel.partials, [1, 2])  # that both have
    np.testing.assert_allclose(channel.difference, [0.0, 0.18], atol=1e-9)


def test_errors_of_single_recordings_do_not_cancel() -> None:
    rows = way({1: 0.3, 2: 0.1}, "audio_without") + way({1: 0.3, 2: 0.1}, "remove_harmonic")
    for sign, track in ((0.2, "piece_00"), (-0.2, "piece_01")):
        rows = [
            replace(row, scores={key: value + sign for key, value in row.scores.items()})
            if (row.track, row.permutation) == (track, "remove_harmonic")
            else row
            for row in rows
        ]
    (profile,) = found(rows)
    binary = profile.agreements()["binary"]
    np.testing.assert_allclose(binary.difference, [0, 0], atol=1e-9)
    np.testing.assert_allclose(binary.error, [0.05, 0.05], atol=1e-9)  # 2 of 8 are 0.2 off


def test_without_the_truth_ratio_masks_are_the_reference_and_binary_ones_never_are() -> None:
    (profile,) = found(way(RATIO, "remove_harmonic", kind="ratio"), way(BINARY, "remove_harmonic"))
    assert {name: a.reference for name, a in profile.agreements().items()} == {"binary": "ratio"}
    (alone,) = found(
        way(BINARY, "remove_harmonic"), way({1: 0.5, 2: 0.0}, "ablate_channel", "channel")
    )
    assert alone.agreements() == {}


def test_energies_tell_whose_the_band_is_and_whether_that_follows_polyphony() -> None:
    """−10·log10(1 − share) dB are lost where this share was the partial's own. The more notes sound
    together, the smaller it is, and the more others lose."""
    rows = way(RATIO, "remove_harmonic", kind="ratio") + way(BINARY, "remove_harmonic")

    def told(row: Row) -> Row:
        number = int(row.track[-2:])
        notes = notes_of(1 + number)
        share = 0.8 - 0.1 * number
        effects = {"removed_db_target": -10 * np.log10(1 - share), "collateral_db": 1.0 + number}
        return replace(row, effects=effects, notes=notes)

    (profile,) = found([told(row) for row in rows])
    energies = profile.energies[2]
    assert energies.own_share == pytest.approx(0.45)
    assert energies.collateral_db == pytest.approx(4.5)
    assert energies.own_share_by_polyphony == pytest.approx(-1)
    assert energies.collateral_by_polyphony == pytest.approx(1)
    few = [told(row) for row in rows if row.track < "piece_05"]
    (profile,) = found(few)
    assert np.isnan(profile.energies[2].collateral_by_polyphony)
    assert profile.energies[2].collateral_db == pytest.approx(3.0)


def test_other_permutations_have_no_profile() -> None:
    assert found(way({1: 0.1, 2: 0.2, 3: 0.3}, "donor")) == ()


vectors = st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), min_size=2, max_size=12).map(
    lambda pairs: np.array(pairs, dtype=float).T
)


@given(vectors)
def test_rank_correlation_is_spearmans(pair: Floats) -> None:
    one, other = pair
    own = rank_correlation(one, other)
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        assert np.isnan(own)
    else:
        assert own == pytest.approx(spearmanr(one, other).statistic)
