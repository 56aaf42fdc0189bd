"""Variance components by hand, and from draws of known variance."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pi_amt.statistics.variance import repeat_variance_share, repeats_needed


def test_many_repeats_report_the_variance_they_bring() -> None:
    rng = np.random.default_rng(0)
    pieces = rng.normal(0, 0.05, (4_000, 1))
    values = pieces + rng.normal(0, 0.1, (4_000, 4))
    noise, between = 0.1**2 / 4, 0.05**2
    assert repeat_variance_share(values) == pytest.approx(noise / (noise + between), abs=0.03)
    # 0.01 / N < 0.0025 / 10 from N = 41 on
    assert repeats_needed(values) == pytest.approx(41, abs=4)


def test_variance_components_of_four_numbers_by_hand() -> None:
    # within: (0.02 + 0.02) / 2; means 0.1 and 0.9: variance 0.32, less 0.02 / 2 from repeats
    values = np.array([[0.0, 0.2], [0.8, 1.0]])
    assert repeat_variance_share(values) == pytest.approx(0.01 / 0.32)
    assert repeats_needed(values) == 1.0
    assert math.isnan(repeats_needed(values[:, :1]))
    assert repeats_needed(np.array([[0.1, 0.1], [0.4, 0.4]])) == 1.0
    assert repeats_needed(np.array([[0.0, 0.2], [0.0, 0.2]])) == math.inf


def test_differences_that_are_rounding_need_no_repeats() -> None:
    """0.3 − 0.1 and 0.2 are one drop; so are recordings that differ by as little."""
    same = np.array([[0.3 - 0.1, 0.2], [0.7 - 0.5, 0.2]])
    assert np.ptp(same) > 0
    assert repeats_needed(same) == 1.0
    assert repeat_variance_share(same) == 0.0
    # draws that differ, in recordings that do not: no number of repeats is enough, and none is told
    alike = np.array([[0.1, 0.3], [0.3 - 1e-16, 0.1 + 1e-16]])
    assert repeats_needed(alike) == math.inf
