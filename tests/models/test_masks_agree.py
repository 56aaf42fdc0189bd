"""A mask hits the same cents and seconds in both models, on tones whose partials are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from pi_amt.core.notes import Notes
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.core.units import hz_to_midi, ratio_to_cents
from pi_amt.models.loading import load_model
from pi_amt.permutations.loading import load_permutation

RATE, SECONDS = 22_050, 6.0
ONSET, OFFSET = 2.0, 4.0
HALF_WIDTH_CENTS, DILATION = 60.0, 0.25
MODELS = ("basic_pitch", "timbre_trap")


@dataclass
class Hit:
    """What a mask touched in one model."""

    clean: Spectrogram
    masked: Spectrogram
    touched: NDArray[np.bool_]

    @property
    def cents(self) -> NDArray[np.float64]:
        """``(bins,)`` distance of every touched bin from A4's fundamental."""
        bins = self.touched.any(axis=(0, 2))
        return np.asarray(ratio_to_cents(self.clean.frequencies[bins] / 440.0))

    @property
    def seconds(self) -> NDArray[np.float64]:
        """Times of all touched frames."""
        return np.asarray(self.clean.times[self.touched.any(axis=1)])


def _tone(harmonics: int = 8, detune_cents: float = 0.0) -> NDArray[np.float32]:
    """A4 from 2 to 4 s with equal partials."""
    time = np.arange(int(SECONDS * RATE)) / RATE
    f0 = 440.0 * 2 ** (detune_cents / 1200)
    wave = sum(np.sin(2 * np.pi * k * f0 * time) for k in range(1, harmonics + 1))
    fade = np.clip(np.minimum(time - ONSET, OFFSET - time) / 0.005, 0, 1)
    return np.asarray(0.1 * fade * wave, dtype=np.float32)


def _hit(model: str, samples: NDArray[np.float32], tuning_cents: float = 0.0) -> Hit:
    notes = Notes.from_arrays(np.array([ONSET]), np.array([OFFSET]), np.array([69.0]))
    clean = load_model(model).analyze(samples, RATE, tuning_cents=tuning_cents)
    mask = load_permutation(
        "fund_mask",
        half_width_cents=HALF_WIDTH_CENTS,
        time_dilation=DILATION,
        inharmonicity="none",
    )
    masked = mask(clean, notes, key=0)
    return Hit(clean, masked, np.asarray(masked.values != clean.values))


@pytest.mark.parametrize("model", MODELS)
def test_what_is_left_in_the_band_is_under_minus_40_db(model: str) -> None:
    hit = _hit(model, _tone())
    band = np.abs(ratio_to_cents(hit.clean.frequencies / 440.0)) <= HALF_WIDTH_CENTS
    inside = (hit.clean.times >= ONSET) & (hit.clean.times <= OFFSET)
    region = band[None, :, None] & inside[:, None, :]
    before = (np.abs(hit.clean.values[region]) ** 2).sum()
    after = (np.abs(hit.masked.values[region]) ** 2).sum()
    assert before > 0
    assert after < before * 1e-4


@pytest.mark.parametrize("model", MODELS)
def test_the_second_partial_is_bit_identical(model: str) -> None:
    hit = _hit(model, _tone())
    second = np.abs(ratio_to_cents(hit.clean.frequencies / 880.0)) <= HALF_WIDTH_CENTS
    assert np.abs(hit.clean.values[:, second]).max() > 0
    assert np.array_equal(hit.clean.values[:, second], hit.masked.values[:, second])


@pytest.mark.parametrize("model", MODELS)
def test_the_band_ends_within_a_bin_of_its_width(model: str) -> None:
    hit = _hit(model, _tone())
    spacing = float(np.diff(ratio_to_cents(hit.clean.frequencies)).mean())
    for edge, expected in ((hit.cents.min(), -HALF_WIDTH_CENTS), (hit.cents.max(), 60.0)):
        assert abs(edge - expected) <= spacing
        assert abs(edge) <= HALF_WIDTH_CENTS


@pytest.mark.parametrize("model", MODELS)
def test_the_mask_begins_and_ends_a_quarter_of_the_window_beside_the_note(model: str) -> None:
    hit = _hit(model, _tone())
    at = int(np.abs(hit.clean.frequencies - 440.0).argmin())
    margin = DILATION * hit.clean.window_seconds[at]
    frame = 1.0 / hit.clean.frame_rate
    assert hit.seconds.min() == pytest.approx(ONSET - margin, abs=1.5 * frame)
    assert hit.seconds.max() == pytest.approx(OFFSET + margin, abs=1.5 * frame)


def test_the_edges_of_both_models_agree_within_one_bin() -> None:
    basic_pitch, timbre_trap = (_hit(model, _tone()) for model in MODELS)
    wider = 1200 / 36
    assert abs(basic_pitch.cents.min() - timbre_trap.cents.min()) <= wider
    assert abs(basic_pitch.cents.max() - timbre_trap.cents.max()) <= wider


@pytest.mark.parametrize("model", MODELS)
def test_the_loudest_bin_is_at_the_tone_and_the_mask_follows_the_tuning(model: str) -> None:
    hit = _hit(model, _tone(1, detune_cents=40.0), tuning_cents=40.0)
    middle = np.asarray(np.abs(hit.clean.times - 3.0) < 0.2)
    levels = np.abs(hit.clean.values).transpose(1, 0, 2)[:, middle].mean(axis=1)
    loudest = hit.clean.frequencies[levels.argmax()]
    assert hz_to_midi(loudest) == pytest.approx(69.4, abs=0.2)
    touched = np.asarray(hit.touched.transpose(1, 0, 2)[:, middle].any(axis=1))
    assert touched[levels.argmax()]
    assert np.mean([hit.cents.min(), hit.cents.max()]) == pytest.approx(40.0, abs=1200 / 36 / 2)
