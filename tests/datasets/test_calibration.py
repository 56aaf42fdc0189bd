"""The calibration set: every partial is where and as strong as it is said to be."""

from __future__ import annotations

import numpy as np
import pytest

from pi_amt.core.partials import partial_frequencies
from pi_amt.core.units import Floats
from pi_amt.datasets.calibration import (
    N_PARTIALS,
    SAMPLE_RATE,
    CalibrationTrack,
    calibration,
    synthesise,
)
from pi_amt.datasets.loading import load_dataset

TRACKS = [track for track in calibration() if isinstance(track, CalibrationTrack)]


def level_db(samples: Floats, hz: float) -> float:
    """Level at a frequency: projection on a Hann-windowed complex tone of unit amplitude."""
    window = np.hanning(len(samples))
    tone = np.exp(-2j * np.pi * hz * np.arange(len(samples)) / SAMPLE_RATE)
    amplitude = 2 * np.abs(np.sum(samples * window * tone)) / window.sum()
    return float(20 * np.log10(amplitude + 1e-12))


@pytest.mark.parametrize("pitch", [36, 60, 83])
def test_partials_stand_at_the_stretched_frequencies(pitch: int) -> None:
    whole = synthesise(float(pitch), range(1, 21))
    for k in (1, 2, 5):
        hz = float(partial_frequencies(pitch, k))
        near = np.linspace(hz * 0.995, hz * 1.005, 41)
        found = near[np.argmax([level_db(whole, f) for f in near])]
        assert found == pytest.approx(hz, rel=4e-4)


@pytest.mark.parametrize("k", [1, 2, 3, 7])
def test_an_ablated_partial_is_gone_and_the_others_are_untouched(k: int) -> None:
    whole, without = (synthesise(48.0, p) for p in (range(1, 21), set(range(1, 21)) - {k}))
    hz = partial_frequencies(48, np.arange(1, 11))
    for number, f in enumerate(hz, start=1):
        change = level_db(without, f) - level_db(whole, f)
        assert (change < -40) if number == k else (abs(change) < 0.05)


def test_ablation_and_its_opposite_add_up_to_the_whole() -> None:
    for track in TRACKS[::6]:
        whole, _ = track.audio()
        for partials in ({1}, {2, 3}, set(range(1, N_PARTIALS + 1))):
            without, only = track.audio_without(partials)[0], track.audio_with_only(partials)[0]
            np.testing.assert_allclose(without + only, whole, atol=1e-6)
            assert np.abs(only).max() > 0.01
        assert not np.any(without)


def test_nothing_clips_or_aliases_and_nothing_sounds_between_notes() -> None:
    for track in TRACKS:
        samples, rate = track.audio()
        assert np.abs(samples).max() < 1.0
        time = np.arange(len(samples)) / rate
        notes = track.notes()
        between = np.ones(len(samples), bool)
        for onset, offset in zip(notes.onsets, notes.offsets, strict=True):
            between &= (time < onset - 1e-3) | (time > offset + 1e-3)
        assert between.sum() > 0.2 * rate
        assert not np.any(samples[between])
        power = np.abs(np.fft.rfft(samples)) ** 2
        hz = np.fft.rfftfreq(len(samples), 1 / rate)
        assert power[hz > 10_200].sum() < 1e-6 * power.sum()


def test_without_inharmonicity_partials_are_multiples() -> None:
    track = next(iter(load_dataset("calibration", inharmonicity="none")))
    assert track.fingerprint() != TRACKS[0].fingerprint()
    whole = synthesise(60.0, [6], "none")
    f0 = float(partial_frequencies(60, 1, inharmonicity="none"))
    assert level_db(whole, 6 * f0) > level_db(synthesise(60.0, [6]), 6 * f0) + 0.1


def test_it_covers_registers_and_is_short() -> None:
    pitches = np.concatenate([track.notes().pitches for track in TRACKS])
    assert pitches.min() <= 36
    assert pitches.max() >= 95
    assert sum(track.duration_seconds for track in TRACKS) < 75


def test_an_unknown_inharmonicity_is_refused() -> None:
    with pytest.raises(ValueError, match="'string', expected one of piano, none"):
        calibration(inharmonicity="string")
