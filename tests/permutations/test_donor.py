"""``donor``: a feature takes its values from elsewhere, bin by bin, in long enough runs."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from tests.permutations.synthetic import (
    KINDS,
    RATE,
    changed,
    make_neighbour,
    make_notes,
    make_spectrogram,
    random_notes,
    target_of,
)

from pi_amt.core.spectrogram import Spectrogram
from pi_amt.permutations.donor import Donor
from pi_amt.permutations.masks import RemoveHarmonic
from pi_amt.permutations.permutation import Neighbour, NotApplicable


def addressed_pool(kind: str) -> tuple[Spectrogram, Neighbour]:
    """A pool whose values say where they come from: bin + 1000 · (frame + 1000 · block)."""
    neighbour = make_neighbour(kind)
    assert neighbour.spectrogram is not None
    block, b, frame = np.indices(neighbour.spectrogram.values.shape)
    address = (b + 1000.0 * (frame + 100.0 * (block + 1))).astype(np.float32)
    dtype = neighbour.spectrogram.values.dtype
    pool = replace(neighbour.spectrogram, values=address.astype(dtype))
    return pool, replace(neighbour, spectrogram=pool)


@pytest.mark.parametrize("kind", KINDS)
def test_a_band_takes_whole_columns_of_the_pool_in_runs(kind: str) -> None:
    s = make_spectrogram(kind, 6)
    pool, neighbour = addressed_pool(kind)
    donor = Donor(feature="band", low_hz=500.0, high_hz=900.0)
    out = donor(s, key=3, neighbour=neighbour)
    band = (s.frequencies >= 500.0) & (s.frequencies <= 900.0)
    np.testing.assert_array_equal(changed(s, out), np.broadcast_to(band[:, None], s.values.shape))
    address = np.asarray(out.values).real[:, band].astype(int)
    # Every bin keeps its own place on the axis.
    np.testing.assert_array_equal(
        address % 1000, np.broadcast_to(np.flatnonzero(band)[:, None], address.shape)
    )
    column = address[:, 0] // 1000
    length = math.ceil(0.5 * RATE)
    segments: dict[int, set[int]] = {}
    for n, c in zip(s.frame_numbers.ravel().tolist(), column.ravel().tolist(), strict=True):
        segments.setdefault(n // length, set()).add(c - n % length)
    # One start per segment of half a second, and not the same one for all.
    assert all(len(starts) == 1 for starts in segments.values())
    starts = {next(iter(v)) for v in segments.values()}
    assert len(starts) == len(segments) > 3
    assert all((c % 100) + length <= pool.values.shape[2] for c in starts)


def test_repeats_draw_other_donors_from_the_whole_pool() -> None:
    s = make_spectrogram("real", 2)
    _, neighbour = addressed_pool("real")
    donor = Donor(feature="band", low_hz=500.0, high_hz=520.0)
    blocks = set()
    for key in range(40):
        values = np.asarray(donor(s, key=key, neighbour=neighbour).values)
        address = values[:, (s.frequencies >= 500.0) & (s.frequencies <= 520.0)]
        blocks |= set((address.astype(int) // 100_000).ravel().tolist())
    assert blocks == {1, 2, 3, 4}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("k", [1, 3])
def test_a_harmonic_takes_values_where_remove_harmonic_removes(kind: str, k: int) -> None:
    s, neighbour, notes = make_spectrogram(kind, 2), make_neighbour(kind), random_notes()
    out = Donor(harmonic=k)(s, notes, key=3, neighbour=neighbour)
    mask = target_of(RemoveHarmonic(harmonic=k), s, notes)
    np.testing.assert_array_equal(changed(s, out), mask)
    assert neighbour.spectrogram is not None
    pool = np.asarray(neighbour.spectrogram.values)
    assert np.isin(np.asarray(out.values)[mask], pool).all()


def test_source_decides_what_the_study_must_lend() -> None:
    assert Donor(source="recording").needs_neighbour == "own_spectrogram"
    assert Donor(source="neighbour").needs_neighbour == "spectrogram"
    assert Donor().needs_notes
    assert not Donor(feature="band").needs_notes


def test_refuses_a_pool_that_is_none() -> None:
    s, neighbour = make_spectrogram("real", 1), make_neighbour("real")
    assert neighbour.spectrogram is not None
    notes = make_notes((0.1, 0.2, 60.0))
    with pytest.raises(ValueError, match="got no neighbour"):
        Donor()(s, notes, key=1)
    with pytest.raises(ValueError, match="got no pool"):
        Donor()(s, notes, key=1, neighbour=replace(neighbour, spectrogram=None))
    single = replace(neighbour, spectrogram=neighbour.spectrogram.block_slice(0, 1))
    with pytest.raises(ValueError, match="a pool of 1 blocks"):
        Donor()(s, notes, key=1, neighbour=single)
    with pytest.raises(ValueError, match="540 bins"):
        Donor()(s, notes, key=1, neighbour=make_neighbour("complex"))
    with pytest.raises(NotApplicable, match=r"the pool holds 1 s .* segment lasts 2 s"):
        Donor(block_seconds=2.0)(s, notes, key=1, neighbour=neighbour)


@pytest.mark.parametrize(
    "options",
    [
        {"feature": "bins"},
        {"source": "elsewhere"},
        {"block_seconds": 0.1},
        {"harmonic": 0},
        {"low_hz": 100.0, "high_hz": 50.0},
    ],
)
def test_refuses_impossible_options(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=f"{list(options)[-1]}: got"):
        Donor(**options)  # type: ignore[arg-type]
