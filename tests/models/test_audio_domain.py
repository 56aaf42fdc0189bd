"""The sound itself is perturbed: what another analysis than our own finds in known sounds."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from pi_amt.core.notes import Notes
from pi_amt.core.spectrogram import RESIDUALS, Spectrogram
from pi_amt.models.audio_domain import AudioDomain, Hearing
from pi_amt.models.gabor import CORE_FRAMES, PHASE_ROUNDS, gabor
from pi_amt.models.loading import load_model
from pi_amt.models.transcriber import ModelIdentity
from pi_amt.permutations.loading import load_permutation
from pi_amt.study.conditions import Condition, as_condition
from pi_amt.study.evaluate import run_settled
from pi_amt.study.groups import Group, askable
from pi_amt.study.streaming import Account, Pass, Recording

RATE = 22_050
SECONDS = 4.0
IDENTITY = ModelIdentity("ear", "0" * 64, "a test", {"threshold": 1})
#: A4 with two partials
A4 = Notes.from_arrays([0.0], [SECONDS], [69])

Sound = NDArray[np.float32]


def sines(*parts: tuple[float, float]) -> Sound:
    """A sum of steady sines, given as (Hz, amplitude)."""
    time = np.arange(round(SECONDS * RATE)) / RATE
    sound = np.sum([a * np.sin(2 * np.pi * hz * time) for hz, a in parts], axis=0)
    return np.asarray(sound, dtype=np.float32)


def level(sound: Sound, hz: float) -> float:
    """Amplitude of a sine in the middle second, by one windowed FFT of its own."""
    middle = sound[len(sound) // 2 - RATE // 2 :][:RATE].astype(np.float64)
    window = np.hanning(RATE)
    wave = np.exp(-2j * np.pi * hz * np.arange(RATE) / RATE)
    return float(2 * abs(np.sum(middle * window * wave)) / window.sum())


def deaf(samples: Sound, sample_rate: int) -> Notes:
    return Notes.empty()


def ear(listener: object = deaf) -> AudioDomain:
    return AudioDomain(listener, IDENTITY, sample_rate=RATE)  # type: ignore[arg-type]


def levels_left(name: str) -> dict[int, float]:
    """Amplitudes that a mask leaves of the partials of a dying A4 and of a tone that is none, over
    those that were there."""
    dying = np.exp(-np.arange(round(SECONDS * RATE)) / (1.5 * RATE)).astype(np.float32)
    sound = sines((440, 0.3), (880, 0.2), (3000, 0.1)) * dying
    model = ear()
    mask = load_permutation(name, inharmonicity="none")
    heard = model.synthesize(mask(model.analyze(sound, RATE), A4, key=0))
    return {hz: level(heard, hz) / level(sound, hz) for hz in (440, 880, 3000)}


def run(model: AudioDomain, *names: str) -> tuple[list[Pass[Account]], dict[Condition, Exception]]:
    sound = sines((440, 0.3), (880, 0.2))
    recording = Recording("", "", sound, RATE, SECONDS, A4, 0.0)
    conditions = [as_condition(load_permutation(name)) for name in names]
    return run_settled(model, recording, conditions, lambda: Account(A4, 0.5))


@pytest.mark.parametrize("length", [1, 1000, 3 * RATE, 5 * RATE + 77])
def test_what_is_not_perturbed_is_heard_as_it_is(length: int) -> None:
    noise = np.random.default_rng(0).standard_normal(8 * RATE)
    spectrum = np.fft.rfft(noise)
    hz = np.fft.rfftfreq(len(noise), 1 / RATE)
    spectrum[(hz < 25) | (hz > RATE / 2 - 25)] = 0  # the transform's own ends
    sound = np.fft.irfft(spectrum, len(noise)).astype(np.float32)[RATE : RATE + length]
    fade = np.minimum(1, np.arange(length) / 300) * np.minimum(1, np.arange(length)[::-1] / 300)
    sound *= fade.astype(np.float32)
    again = ear().synthesize(ear().analyze(sound, RATE))
    assert again.shape == sound.shape
    assert np.sum((again - sound) ** 2) <= 1e-5 * np.sum(sound**2)


def test_a_sine_has_its_own_amplitude_and_the_response_that_is_told() -> None:
    transform = gabor(RATE)
    for hz in (60.0, 443.0, 5000.0):
        spectrogram = ear().analyze(sines((hz, 0.25)), RATE)
        frames = np.abs(np.asarray(spectrogram.values))[1, :, 150:200]
        expected = 0.25 * np.sqrt(transform.response(np.array([hz]))[0])
        assert frames.mean(axis=1) == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize("name", ["fund_mask", "ratio_fund_mask"])
def test_another_analysis_misses_the_fundamental_and_finds_the_rest(name: str) -> None:
    left = levels_left(name)
    assert left[440] < 10 ** (-25 / 20)
    assert left[880] == pytest.approx(1.0, rel=0.03)
    assert left[3000] == pytest.approx(1.0, rel=0.03)


@pytest.mark.parametrize("name", ["harm_mask", "ratio_harm_mask"])
def test_another_analysis_finds_nothing_but_the_fundamental(name: str) -> None:
    left = levels_left(name)
    # within 1 dB, or 3 dB under a ratio mask, whose estimate of what is there errs on this side
    assert left[440] == pytest.approx(1.0, rel=0.1 if name == "harm_mask" else 0.3)
    assert left[880] < 10 ** (-25 / 20)
    assert left[3000] < 10 ** (-25 / 20)


def test_no_value_anywhere_on_the_axis_becomes_a_whistle() -> None:
    transform = gabor(RATE)
    for row in (0, 1, 100, len(transform.frequencies) - 2, len(transform.frequencies) - 1):
        values = torch.zeros(len(transform.frequencies), 384, dtype=torch.complex64)
        values[row] = 1.0
        assert transform.inverse(values).abs().max() <= 1.5


def test_values_of_a_sound_give_this_sound() -> None:
    transform = gabor(RATE)
    block = transform.block(sines((440, 0.3), (880, 0.2)), 1)
    values = transform.forward(block)
    assert torch.equal(transform.sound(values), transform.inverse(values))


def test_no_phase_tells_of_a_louder_tone_that_is_gone() -> None:
    transform = gabor(RATE)
    soft, loud = sines((440, 0.01)), sines((452, 0.3))
    loud[: 2 * RATE] = 0.0  # it begins in the middle
    wanted = transform.forward(transform.block(soft, 1)).abs()
    given = wanted * torch.sgn(transform.forward(transform.block(soft + loud, 1)))

    def off_db(sound: torch.Tensor) -> float:
        """Of the magnitudes in the middle second, where the louder tone begins."""
        error = (transform.forward(sound).abs() - wanted)[:, 192:320].square().sum()
        return float(10 * torch.log10(error / wanted[:, 192:320].square().sum()))

    assert off_db(transform.sound(given)) < off_db(transform.inverse(given)) - 10


def test_the_listener_hears_the_whole_recording_once_as_an_array_of_its_own() -> None:
    heard: list[Sound] = []

    def listener(samples: Sound, sample_rate: int) -> Notes:
        heard.append(samples.copy())
        assert sample_rate == RATE
        assert samples.dtype == np.float32
        samples[:] = 0.0  # its own
        return A4

    model, sound = ear(listener), sines((440, 0.3))
    assert model.transcribe(sound, RATE).pitches.tolist() == [69]
    assert len(heard) == 1
    assert heard[0] == pytest.approx(sound, abs=5e-3)  # what the ends have below 20 Hz
    activations = model.activations(model.analyze(sound, RATE))
    assert model.pitch_activity(activations).sum(axis=0).nonzero()[0].tolist() == [69 - 21]
    assert model.decode(activations).offsets.tolist() == [SECONDS]


def test_a_listener_must_return_notes() -> None:
    with pytest.raises(TypeError, match=r"got list, expected pi_amt\.Notes"):
        ear(lambda samples, rate: [1, 2]).transcribe(sines((440, 0.3)), RATE)


@pytest.mark.parametrize("rate", [22_051, 4_000, 400_000])
def test_a_rate_that_cannot_be_used_is_refused(rate: int) -> None:
    with pytest.raises(ValueError, match="sample_rate: got"):
        AudioDomain(deaf, IDENTITY, sample_rate=rate)


def test_the_residual_is_what_a_second_analysis_of_the_whole_sound_finds() -> None:
    model = ear()
    passes, _ = run(model, "no_permutation", "fund_mask", "random")
    told = {}
    for one in passes:
        assert isinstance(one.stitcher, Hearing)
        told[one.permutation.name] = one.stitcher.effects()
    assert set(told["fund_mask"]) == set(RESIDUALS)
    assert told["no_permutation"]["residual_db"] < -60  # the ends, below 20 Hz
    assert told["fund_mask"]["residual_db"] < -10 < told["random"]["residual_db"]

    clean = model.analyze(sines((440, 0.3), (880, 0.2)), RATE)
    wanted = load_permutation("fund_mask")(clean, A4)
    again = model.analyze(model.synthesize(wanted), RATE)
    counted = model.counted_frames(clean)

    def energy(magnitudes: Sound) -> float:
        return float(np.sum(np.moveaxis(magnitudes, 1, 2)[counted] ** 2, dtype=np.float64))

    def magnitudes(spectrogram: Spectrogram) -> Sound:
        return np.asarray(spectrogram.tensor.abs())

    assert 0 < counted[0].sum() < CORE_FRAMES.stop - CORE_FRAMES.start
    lost, kept = energy(magnitudes(again) - magnitudes(wanted)), energy(magnitudes(wanted))
    expected = 10 * np.log10(lost / kept)
    assert told["fund_mask"]["residual_db"] == pytest.approx(expected, abs=0.1)


def test_a_listener_that_fails_costs_the_one_condition() -> None:
    def listener(samples: Sound, sample_rate: int) -> Notes:
        if level(samples, 440) < 0.1:
            raise ValueError("too soft")
        return A4

    passes, refused = run(ear(listener), "no_permutation", "fund_mask")
    assert [one.permutation.name for one in passes] == ["no_permutation"]
    assert {c.name: str(error) for c, error in refused.items()} == {"fund_mask": "too soft"}


def test_what_moves_values_is_left_out_with_a_reason() -> None:
    names = ("random", "microtonal", "high_freq", "floor", "donor", "fund_mask", "identity")
    conditions = [as_condition(load_permutation(name)) for name in names]
    asked, skipped = askable(Group(ear(), "", [], conditions))
    assert [one.name for one in asked] == ["fund_mask", "identity"]
    assert len(skipped) == 5
    assert all("of which a sound keeps little: use domain=input" in line for line in skipped)


def test_a_built_in_model_takes_the_domain_and_its_own_stays_as_it_was() -> None:
    own = load_model("basic_pitch", device="cpu")
    assert load_model("basic_pitch", device="cpu", domain="input").identity == own.identity
    model = load_model("basic_pitch", device="cpu", domain="audio")
    assert isinstance(model, AudioDomain)
    assert model.identity.name == "basic_pitch (audio)"
    assert model.identity.weights_sha256 == own.identity.weights_sha256
    added = {"domain": "audio", "sample_rate": 44_100, "phase_rounds": PHASE_ROUNDS}
    assert model.identity.settings == {**own.identity.settings, **added}
    with pytest.raises(ValueError, match="domain"):
        load_model("basic_pitch", domain="sound")
