"""What the page and ``pi-amt perturb`` let one hear."""

from __future__ import annotations

import numpy as np
import pytest

from pi_amt.models.loading import load_model
from pi_amt.report.explorer.listen import Sound, heard

RATE = 22_050


@pytest.mark.parametrize(
    ("name", "domain"),
    [
        ("basic_pitch", "input"),
        ("basic_pitch", "audio"),
        ("timbre_trap", "input"),
        ("timbre_trap", "audio"),
    ],
)
def test_the_sound_has_the_level_of_the_recording(name: str, domain: str) -> None:
    time = np.arange(6 * RATE) / RATE
    soft = (0.05 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)
    model = load_model(name, device="cpu", domain=domain)
    clean = model.analyze(soft, RATE)
    sound = heard(model, Sound(soft, RATE, 0.0), clean, clean)
    middle = sound.samples[len(sound.samples) // 3 : len(sound.samples) // 2]
    assert np.abs(middle).max() == pytest.approx(0.05, rel=0.02)
