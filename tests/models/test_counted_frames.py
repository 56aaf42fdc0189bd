"""Where blocks overlap, an account of energies counts every moment of a recording once."""

from __future__ import annotations

import numpy as np
import pytest

from pi_amt.models.loading import load_model

RATE = 22_050


@pytest.mark.parametrize("model", ["basic_pitch", "timbre_trap"])
@pytest.mark.parametrize("seconds", [0.3, 7.0])
def test_every_moment_counts_once(model: str, seconds: float) -> None:
    loaded = load_model(model)
    spectrogram = loaded.analyze(np.zeros(round(seconds * RATE), dtype=np.float32), RATE)
    times = spectrogram.times[loaded.counted_frames(spectrogram)]
    hop = 1.0 / loaded.frame_rate
    assert times[0] < hop
    assert times[-1] < seconds
    # joined windows of Basic Pitch leave out or repeat up to 188 samples of a hop of 256
    assert len(times) == pytest.approx(seconds * loaded.frame_rate, rel=0.01, abs=1.0)
    assert np.diff(times).min() > 0.2 * hop
    assert np.diff(times).max() < 1.8 * hop
