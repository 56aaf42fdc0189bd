"""``microtonal``: values stay inside their semitone."""

from __future__ import annotations

import numpy as np
import pytest
from tests.permutations.synthetic import KINDS, make_spectrogram, with_contents

from pi_amt.core.units import hz_to_midi
from pi_amt.permutations.shuffles import Microtonal


def sources(kind: str, tuning_cents: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Semitone of each bin, and ``(bins, frames)`` the bin that each value came from."""
    s = make_spectrogram(kind, 3, tuning_cents=tuning_cents)
    own_number = with_contents(s, np.arange(len(s.frequencies))[:, None])
    out = np.asarray(Microtonal()(own_number, key=4).values)
    moved = np.concatenate(list(out.real.astype(int)), axis=1)
    return np.rint(hz_to_midi(s.frequencies) - tuning_cents / 100.0), moved


@pytest.mark.parametrize("tuning_cents", [0.0, 20.0])
@pytest.mark.parametrize("kind", KINDS)
def test_every_value_stays_in_its_semitone(kind: str, tuning_cents: float) -> None:
    semitone, moved = sources(kind, tuning_cents)
    np.testing.assert_array_equal(semitone[moved], np.broadcast_to(semitone[:, None], moved.shape))


@pytest.mark.parametrize(("kind", "size"), [("real", 3), ("complex", 5)])
def test_every_place_in_the_semitone_is_equally_likely(kind: str, size: int) -> None:
    semitone, moved = sources(kind)
    inner = np.flatnonzero(semitone == 60)
    assert len(inner) == size
    counts = np.zeros((size, size))
    for groups in range(22, 120):
        bins = np.flatnonzero(semitone == groups)
        if len(bins) == size:
            for place, row in enumerate(moved[bins] - bins[0]):
                counts[place] += np.bincount(row, minlength=size)
    share = counts / counts.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(share, 1.0 / size, atol=0.02)


def test_short_groups_at_the_ends_stay_groups() -> None:
    semitone, moved = sources("real")
    # Bin 0 is A0 itself, bin 1 is a third of a semitone above: a group of two.
    assert (semitone[:3] == [21, 21, 22]).all()
    assert set(np.unique(moved[:2])) == {0, 1}


def test_tuning_moves_the_groups() -> None:
    plain, _ = sources("complex")
    sharp, _ = sources("complex", 50.0)
    assert (plain != sharp).any()
