"""``floor``: ``random`` with p = 1."""

from __future__ import annotations

import numpy as np
import pytest
from tests.permutations.synthetic import KINDS, bits, make_spectrogram, with_contents

from pi_amt.permutations.shuffles import Floor, Random


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("draw", ["per_frame", "static"])
def test_is_random_with_all_bins(kind: str, draw: str) -> None:
    s = make_spectrogram(kind, 2)
    floor, random = Floor(draw_mode=draw), Random(p=1.0, draw_mode=draw)
    np.testing.assert_array_equal(bits(floor(s, key=3)), bits(random(s, key=3)))


def test_no_frequency_is_left() -> None:
    s = make_spectrogram("real", 3)
    number = with_contents(s, np.arange(309)[:, None])
    out = np.asarray(Floor()(number, key=3).values)
    assert abs(np.corrcoef(out.ravel(), np.asarray(number.values).ravel())[0, 1]) < 0.02
