"""Conversions whose known values stand in the literature."""

from __future__ import annotations

import numpy as np

from pi_amt.core.units import hz_to_mel, mel_to_hz


def test_a_thousand_hz_are_a_thousand_mel_and_back() -> None:
    hz = np.array([0.0, 30.0, 700.0, 1000.0, 8000.0])
    expected = [0.0, 47.28, 781.17, 1000.0, 2840.02]
    assert np.allclose(hz_to_mel(hz), expected, atol=0.02)
    assert np.allclose(mel_to_hz(hz_to_mel(hz)), hz, rtol=1e-12)
