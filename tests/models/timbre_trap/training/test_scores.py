"""Random note material: playable, deterministic, varied."""

from __future__ import annotations

import numpy as np
import pytest

from pi_amt.models.timbre_trap.training.scores import Score, excerpt_score, random_score

EXCERPT = np.array([[i * 0.5, 0.5, 60 + i % 5] for i in range(100)], np.float32)


def scores(n: int) -> list[Score]:
    return [random_score(np.random.default_rng(seed), 7.0, [EXCERPT]) for seed in range(n)]


def test_every_score_can_be_played_on_a_piano() -> None:
    for score in scores(60):
        assert len(score.onsets) > 0
        assert (score.offsets > score.onsets).all()
        assert (np.diff(score.onsets) >= 0).all()
        assert score.pitches.min() >= 21
        assert score.pitches.max() <= 108
        assert score.velocities.min() >= 1
        assert score.velocities.max() <= 127
        for pitch in np.unique(score.pitches):
            on, off = score.onsets[score.pitches == pitch], score.offsets[score.pitches == pitch]
            assert (off[:-1] <= on[1:] + 1e-9).all()
            assert (np.diff(on) >= 0.05 - 1e-9).all()


def test_the_seed_decides() -> None:
    a, b, c = (random_score(np.random.default_rng(seed), 7.0) for seed in (3, 3, 4))
    np.testing.assert_array_equal(a.onsets, b.onsets)
    assert len(a.onsets) != len(c.onsets) or not np.array_equal(a.onsets, c.onsets)


def test_material_is_varied_and_covers_the_keyboard() -> None:
    made = scores(120)
    rates = [len(score.onsets) / 7 for score in made]
    pitches = np.concatenate([score.pitches for score in made])
    assert min(rates) < 5
    assert max(rates) > 20
    assert len(np.unique(pitches)) > 80
    gaps = np.concatenate(
        [np.diff(s.onsets[s.pitches == p]) for s in made for p in np.unique(s.pitches)]
    )
    assert (gaps < 0.15).sum() > 50  # fast re-strikes


@pytest.mark.parametrize("seed", range(5))
def test_excerpts_keep_the_scores_intervals(seed: int) -> None:
    score = excerpt_score(np.random.default_rng(seed), 10.0, EXCERPT)
    classes = np.unique((score.pitches - score.pitches.min()) % 12)
    assert len(classes) <= 5
    assert np.isin(np.diff(classes), [1, 7, 8]).all()  # neighbours, or round the octave
