"""Tuning: known detunings come back, thin evidence gives 0."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from numpy.typing import NDArray

import pi_amt.datasets
from pi_amt.core.partials import partial_frequencies
from pi_amt.core.tuning import estimate_tuning

DEMO = sorted((Path(pi_amt.datasets.__file__).parent / "demo_data").glob("*.ogg"))[::4]


def chord(
    pitches: list[float], cents: float, rate: int = 22_050, seconds: float = 3.0
) -> NDArray[np.float32]:
    """Decaying piano-like notes with inharmonic partials, one after another and together."""
    t = np.arange(int(seconds * rate)) / rate
    sound = np.zeros(len(t))
    for i, pitch in enumerate(pitches):
        start = 0.2 * i
        decay = np.exp(-1.5 * (t - start)) * (t >= start)
        for k in range(1, 9):
            hz = float(partial_frequencies(pitch, k, tuning_cents=cents))
            if hz < rate / 2:
                sound += decay * np.sin(2 * np.pi * hz * t + pitch * k) / k**1.3
    return sound.astype(np.float32)


@pytest.mark.parametrize("cents", [-40.0, -25.0, -3.0, 0.0, 10.0, 40.0])
@pytest.mark.parametrize(
    "pitches", [[60.0], [48.0, 55.0, 64.0, 72.0], [45.0, 46.0, 57.0, 61.0, 66.0]]
)
def test_detuning_comes_back_within_two_cents(cents: float, pitches: list[float]) -> None:
    assert estimate_tuning(chord(pitches, cents), 22_050) == pytest.approx(cents, abs=2.0)


@pytest.mark.parametrize("rate", [8_000, 44_100, 96_000])
def test_any_sample_rate(rate: int) -> None:
    got = estimate_tuning(chord([52.0, 64.0], -18.0, rate), rate)
    assert got == pytest.approx(-18.0, abs=2.0)


def test_a_quarter_tone_is_at_one_end_or_the_other() -> None:
    assert abs(estimate_tuning(chord([60.0, 67.0], 50.0), 22_050)) == pytest.approx(50.0, abs=2.0)


def test_noise_and_silence_have_no_tuning() -> None:
    rng = np.random.default_rng(0)
    white = rng.normal(size=220_500).astype(np.float32)
    assert estimate_tuning(white, 22_050) == 0.0
    assert estimate_tuning(np.cumsum(white).astype(np.float32), 22_050) == 0.0
    for n in (0, 1, 100, 22_050):
        assert estimate_tuning(np.zeros(n, dtype=np.float32), 22_050) == 0.0


def test_partials_that_agree_on_nothing_have_no_tuning() -> None:
    t = np.arange(66_150) / 22_050
    hz = 110.0 * 2.0 ** (np.arange(40) * 1.1 / 12.0)  # steps of 110 cents: all phases alike
    cluster = sum(np.sin(2 * np.pi * f * t) for f in hz)
    assert estimate_tuning(np.asarray(cluster, dtype=np.float32), 22_050) == 0.0


def test_noise_beside_the_music_does_not_move_it() -> None:
    rng = np.random.default_rng(1)
    sound = chord([48.0, 55.0, 64.0], 22.0)
    noisy = sound + 0.1 * rng.normal(size=len(sound)).astype(np.float32)
    assert estimate_tuning(noisy, 22_050) == pytest.approx(22.0, abs=2.0)


@pytest.mark.skipif(not DEMO, reason="demo dataset is not there")
@pytest.mark.parametrize("path", DEMO, ids=lambda path: path.stem)
def test_real_piano_and_its_transposition(path: Path) -> None:
    stereo, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = stereo.mean(axis=1)
    plain = estimate_tuning(mono, rate)
    assert abs(plain) < 5.0
    sharp = soxr.resample(mono, rate, rate * 2.0 ** (-20.0 / 1200.0))
    assert estimate_tuning(sharp, rate) == pytest.approx(plain + 20.0, abs=1.0)
