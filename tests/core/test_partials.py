"""Partials of a stiff string, against the formula and the method's own figure."""

from __future__ import annotations

import numpy as np
import pytest

from pi_amt.core.partials import partial_frequencies, piano_inharmonicity
from pi_amt.core.units import ratio_to_cents


def test_partials_follow_the_stiff_string() -> None:
    # By hand for A5 (81): B = exp(0.0926·81 − 13.64) + exp(−0.0847·81 − 5.82) = 2.155e-3.
    b = np.exp(0.0926 * 81 - 13.64) + np.exp(-0.0847 * 81 - 5.82)
    assert piano_inharmonicity(81) == pytest.approx(b)
    sixth = partial_frequencies(81.0, 6)
    assert sixth == pytest.approx(6 * 880.0 * np.sqrt((1 + 36 * b) / (1 + b)))
    # The method's own figure: "at A5 the 6th partial is +63 cents".
    assert ratio_to_cents(sixth / (6 * 880.0)) == pytest.approx(63, abs=1.0)
    assert partial_frequencies(69.0, 1) == pytest.approx(440.0)
    assert partial_frequencies(69.0, 5, inharmonicity="none") == pytest.approx(2200.0)
    sharp = partial_frequencies(69.0, 2, inharmonicity="none", tuning_cents=100.0)
    assert sharp == pytest.approx(880.0 * 2 ** (1 / 12))


def test_strings_beyond_the_piano_are_as_stiff_as_its_last_one() -> None:
    assert piano_inharmonicity(127) == piano_inharmonicity(108)
    assert piano_inharmonicity(0) == piano_inharmonicity(21)
