"""Conversions whose known values stand in the literature."""

from __future__ import annotations

import numpy as np

from pi_amt.core.units import db_to_power_ratio, hz_to_mel, mel_to_hz, power_ratio_to_db


def test_a_thousand_hz_are_a_thousand_mel_and_back() -> None:
    hz = np.array([0.0, 30.0, 700.0, 1000.0, 8000.0])
    expected = [0.0, 47.28, 781.17, 1000.0, 2840.02]
    assert np.allclose(hz_to_mel(hz), expected, atol=0.02)
    assert np.allclose(mel_to_hz(hz_to_mel(hz)), hz, rtol=1e-12)


def test_ten_db_are_a_factor_of_ten_in_power_and_back() -> None:
    db = np.array([-20.0, 0.0, 10.0])
    assert np.allclose(db_to_power_ratio(db), [0.01, 1.0, 10.0], rtol=1e-15)
    assert np.allclose(power_ratio_to_db(db_to_power_ratio(db)), db, atol=1e-12)
