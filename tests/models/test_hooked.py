"""Opened torch models: the same as a toy that is opened by hand, and no hook is left behind."""

from __future__ import annotations

import math
import re
import threading
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import pi_amt
from pi_amt.core.notes import Notes
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.core.units import Samples, midi_to_hz
from pi_amt.models.adapter import as_transcriber
from pi_amt.models.hooked.network import OpenedNetwork
from pi_amt.models.hooked.opening import LINEAR, Opening, Scale, filterbank_response, log_scale
from pi_amt.models.hooked.program import OpenedProgram, events_of, notes_of
from pi_amt.permutations.loading import load_permutation
from pi_amt.permutations.permutation import Permutation, Scene
from pi_amt.testing import check_model

RATE, HOP, WINDOW = 8_000, 200, 1_600
KEYS = np.arange(69, 81)
LOG = log_scale(1e-3, base=10.0)


class FrontEnd(torch.nn.Module):
    """Magnitudes at twelve keys as a logarithm, through a long and a short window: (blocks, 1,
    frames, keys, 2)."""

    def __init__(self) -> None:
        super().__init__()
        time = torch.arange(WINDOW) / RATE
        waves = torch.exp(-2j * math.pi * time[:, None] * torch.from_numpy(midi_to_hz(KEYS)))
        short = torch.nn.functional.pad(torch.hann_window(WINDOW // 2), [WINDOW // 4] * 2)
        windows = torch.stack([torch.hann_window(WINDOW), short], dim=1)
        self.kernels = torch.nn.Buffer(
            (waves[:, :, None] * 2 * windows[:, None] / windows.sum(0)).to(torch.complex64)
        )

    def magnitudes(self, sound: torch.Tensor) -> torch.Tensor:
        padded = torch.nn.functional.pad(sound, [WINDOW // 2] * 2)
        frames = padded.unfold(-1, WINDOW, HOP)[:, : -(-sound.shape[1] // HOP)]
        return torch.einsum("bts,skc->btkc", frames.to(torch.complex64), self.kernels).abs()

    def forward(self, sound: torch.Tensor) -> torch.Tensor:
        return LOG.write(self.magnitudes(sound))[:, None]


class Head(torch.nn.Module):
    """The key's level in dB above −60, in place, as people write it."""

    def forward(self, logarithm: torch.Tensor) -> torch.Tensor:
        return (logarithm.add_(3.0) / 3.0).mean(-1)[:, 0].clamp(0, 1)


class Net(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.front_end, self.head = FrontEnd(), Head()

    def forward(self, sound: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"pitch": self.head(self.front_end(sound))}


def to_notes(activations: Mapping[str, NDArray[Any]]) -> Notes:
    sounding = np.pad(activations["pitch"] > 0.6, ((1, 1), (0, 0))).astype(int)
    steps = np.diff(sounding, axis=0).T
    pitch, onset = np.nonzero(steps == 1)
    offset = np.nonzero(steps == -1)[1]
    return Notes.from_arrays(onset * HOP / RATE, offset * HOP / RATE, KEYS[pitch].astype(float))


def activity(activations: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
    whole = np.zeros((len(activations["pitch"]), 88), dtype=np.float32)
    whole[:, KEYS - 21] = activations["pitch"]
    return whole


def opening(net: torch.nn.Module, **changes: Any) -> Opening:
    given: dict[str, Any] = {
        "module": "front_end",
        "axes": "b1tfc",
        "frequencies": midi_to_hz(KEYS),
        "window_seconds": WINDOW / RATE,
        "frame_rate": RATE / HOP,
        "scale": LOG,
    }
    return Opening(net, **given | changes)


def program(net: Net, **changes: Any) -> OpenedProgram:
    def run(samples: Samples) -> Notes:
        found = net(torch.from_numpy(samples)[None])["pitch"][0].numpy()
        return to_notes({"pitch": found})

    return OpenedProgram(opening(net, **changes), run, name="toy", sample_rate=RATE)


def network(net: Net, **changes: Any) -> OpenedNetwork:
    given: dict[str, Any] = {"block_frames": 30, "margin_frames": 5} | changes
    return OpenedNetwork(
        opening(net), net, to_notes, activity, name="toy", sample_rate=RATE, **given
    )


class ByHand:
    """The toy opened without any hook."""

    def __init__(self, net: Net) -> None:
        self.net = net

    def analyze(self, samples: Samples, sample_rate: int) -> Spectrogram:
        values = self.net.front_end.magnitudes(torch.from_numpy(samples)[None])
        return Spectrogram(
            values=values.permute(0, 3, 2, 1).contiguous(),
            frequencies=midi_to_hz(KEYS),
            times=np.arange(values.shape[1])[None] * HOP / RATE,
            window_seconds=np.full(len(KEYS), WINDOW / RATE),
            frame_rate=RATE / HOP,
            n_samples=len(samples),
            sample_rate=sample_rate,
        )

    def activations(self, spectrogram: Spectrogram) -> dict[str, NDArray[Any]]:
        logarithm = LOG.write(spectrogram.tensor).permute(0, 3, 2, 1)[:, None]
        return {"pitch": self.net.head(logarithm)[0].numpy()}

    decode = staticmethod(to_notes)


REFERENCE = Notes.from_arrays([0.3, 0.9, 1.4], [0.7, 1.3, 2.0], [71.0, 76.0, 78.0])


def sound() -> Samples:
    time = np.arange(2 * RATE + 137) / RATE
    samples = np.zeros(len(time))
    for onset, offset, hz in zip(
        REFERENCE.onsets, REFERENCE.offsets, REFERENCE.frequencies, strict=True
    ):
        fade = np.clip(np.minimum(time - onset, offset - time) / 0.02, 0, 1)
        samples += 0.3 * fade * np.sin(2 * np.pi * hz * time)
    return samples.astype(np.float32)


def ready(permutation: Permutation, scene: Scene) -> Permutation:
    """The permutation after it has seen the recording, where it wants to."""
    prepass = permutation.prepass()
    if prepass is None:
        return permutation
    prepass.push(scene)
    return prepass.finish()


def hooks_of(net: torch.nn.Module) -> list[int]:
    kinds = ("_forward_hooks", "_forward_pre_hooks")
    return [key for module in net.modules() for kind in kinds for key in getattr(module, kind)]


def same(a: Notes, b: Notes) -> bool:
    names = ("onsets", "offsets", "pitches")
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in names)


@pytest.mark.parametrize("name", ["identity", "fund_mask", "ratio_fund_mask", "microtonal"])
@pytest.mark.parametrize("kind", ["program", "network"])
def test_an_opened_toy_is_the_toy_opened_by_hand(kind: str, name: str) -> None:
    net = Net()
    opened = as_transcriber(program(net)) if kind == "program" else network(net)
    by_hand = as_transcriber(ByHand(net))
    notes = []
    for model in (opened, by_hand):
        spectrogram = model.analyze(sound(), RATE)
        scene = Scene(spectrogram, REFERENCE)
        if name == "identity":
            perturbed = spectrogram
        else:
            perturbed, _ = ready(load_permutation(name), scene).perturb(scene)
        notes.append(model.decode(model.activations(perturbed)))
    assert len(notes[1]) == (0 if "mask" in name else 3)
    assert same(*notes)
    assert hooks_of(net) == []


def test_its_values_are_the_linear_magnitudes_of_both_channels() -> None:
    net = Net()
    by_hand = ByHand(net).analyze(sound(), RATE)
    found = program(net).analyze(sound(), RATE)
    assert found.values.shape == (1, 2, 12, 81)
    assert np.allclose(found.tensor, by_hand.tensor, rtol=1e-5, atol=1e-8)
    assert np.array_equal(found.times, by_hand.times)


def test_blocks_and_their_company_change_nothing() -> None:
    net = Net()
    whole = network(net, block_frames=200, margin_frames=20)
    short = network(net, block_frames=30, margin_frames=5)
    one, other = (m.activations(m.analyze(sound(), RATE))["pitch"] for m in (whole, short))
    assert one.shape == other.shape == (81, 12)
    assert np.allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("kind", ["program", "network"])
def test_check_model_finds_no_fault(kind: str) -> None:
    model = program(Net()) if kind == "program" else network(Net())
    assert not check_model(model, keys=[69, 75], sample_rate=RATE).problems


def test_hooks_go_after_an_error_and_those_of_others_stay() -> None:
    net = Net()
    theirs = net.front_end.register_forward_hook(lambda *_: None)

    def breaks() -> None:
        net(torch.zeros(1, 400))
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        opening(net).hear(breaks)
    with pytest.raises(RuntimeError, match="broken"):
        opening(net).put(breaks, torch.ones(1, 2, 12, 2))
    with pytest.raises(ValueError, match="was not called"):
        opening(net).hear(lambda: None)
    assert hooks_of(net) == [theirs.id]


def test_an_input_is_opened_as_the_output_before_it() -> None:
    net = Net()
    at_input = program(net, module="head", at="input").analyze(sound(), RATE)
    assert torch.equal(at_input.tensor, program(net).analyze(sound(), RATE).tensor)
    model = program(net, module="head", at="input")
    silent = at_input.with_values(at_input.tensor * 0)
    assert len(model.decode(model.activations(at_input))) == 3
    assert len(model.decode(model.activations(silent))) == 0


def test_what_passes_by_the_module_is_not_heard() -> None:
    class Bypass(Net):
        def forward(self, sound: torch.Tensor) -> dict[str, torch.Tensor]:
            own = self.head(self.front_end(sound))
            return {"pitch": torch.maximum(own, sound.abs().amax().clamp(0, 1))}

    net = Bypass()
    model = program(net)
    silent = model.analyze(sound() * 4, RATE)
    found = model.activations(silent.with_values(silent.tensor * 0))
    assert len(model.decode(found)) == 0


@pytest.mark.parametrize("kind", ["program", "network"])
def test_check_model_finds_a_way_around_the_module(kind: str) -> None:
    class Gated(Net):
        def forward(self, sound: torch.Tensor) -> dict[str, torch.Tensor]:
            return {"pitch": super().forward(sound)["pitch"] * (sound.std() > 1e-3)}

    made = program(Gated()) if kind == "program" else network(Gated())
    for model in (made, as_transcriber(made)):  # which is what pi-amt check has by its name
        problem, *_ = check_model(model, masks=[]).problems
        assert "agree with those of the model by itself with F 0.00, expected the same" in problem
        assert "passes by the opened module (a gate by the energy of the samples" in problem


def test_a_program_that_leaves_out_silence_is_told_so() -> None:
    net = Net()

    def run(samples: Samples) -> Notes:
        if not samples.any():
            return Notes.empty()
        return to_notes({"pitch": net(torch.from_numpy(samples)[None])["pitch"][0].numpy()})

    model = OpenedProgram(opening(net), run, name="toy", sample_rate=RATE)
    with pytest.raises(ValueError, match=r"was not called .*\(on silence\)"):
        check_model(model)
    with pytest.raises(ValueError, match="the model must not answer silence before it calls the"):
        as_transcriber(model).transcribe(sound(), RATE)


def test_segments_of_a_program_are_blocks_in_their_order() -> None:
    net = Net()

    def run(samples: Samples) -> Notes:
        halves = torch.from_numpy(samples).reshape(2, -1)
        parts = [net(half[None])["pitch"][0] for half in halves]
        return to_notes({"pitch": torch.cat(parts).numpy()})

    model = OpenedProgram(opening(net), run, name="toy", sample_rate=RATE, step_seconds=1.0)
    samples = sound()[: 2 * RATE]
    spectrogram = model.analyze(samples, RATE)
    assert spectrogram.values.shape[0] == 2
    assert spectrogram.times[:, 0].tolist() == [0.0, 1.0]
    assert same(model.decode(model.activations(spectrogram)), run(samples))


def test_segments_in_one_call_need_the_time_between_them() -> None:
    """Every segment would stand at the beginning, where the masks of its notes are not."""
    net = Net()

    def run(samples: Samples) -> Notes:
        halves = torch.from_numpy(samples).reshape(2, -1)
        return to_notes({"pitch": net(halves)["pitch"].flatten(0, 1).numpy()})

    samples = sound()[: 2 * RATE]
    model = OpenedProgram(opening(net), run, name="toy", sample_rate=RATE)
    with pytest.raises(ValueError, match="step_seconds: got none for 2 blocks in one call"):
        model.analyze(samples, RATE)
    model = OpenedProgram(opening(net), run, name="toy", sample_rate=RATE, step_seconds=1.0)
    assert model.analyze(samples, RATE).times[:, 0].tolist() == [0.0, 1.0]


def test_blocks_of_too_few_frames_are_refused() -> None:
    """Their frames would be joined as if nothing were missing between them, each block earlier."""

    class Shorter(FrontEnd):
        def forward(self, sound: torch.Tensor) -> torch.Tensor:
            return super().forward(sound)[:, :, :-3]

    net = Net()
    net.front_end = Shorter()
    with pytest.raises(ValueError, match=r"margin_frames: got 2 .* expected at least 3"):
        as_transcriber(network(net, margin_frames=2)).analyze(sound(), RATE)
    spectrogram = network(net, margin_frames=3).analyze(sound(), RATE)
    assert spectrogram.values.shape[-1] == 27


def test_a_program_runs_to_its_end_only_for_its_notes() -> None:
    net, ended = Net(), []

    def run(samples: Samples) -> Notes:
        found = net(torch.from_numpy(samples)[None])["pitch"][0].numpy()
        ended.append(len(samples))
        return to_notes({"pitch": found})

    model = OpenedProgram(opening(net), run, name="toy", sample_rate=RATE)
    spectrogram = model.analyze(sound(), RATE)
    assert ended == []
    model.activations(spectrogram)
    assert ended == [len(sound())]


def test_a_program_is_given_sound_that_was_resampled_in_its_own_way() -> None:
    def every_other(samples: Samples, rate: int, own_rate: int) -> Samples:
        assert (rate, own_rate) == (2 * RATE, RATE)
        return samples[::2]

    net = Net()
    run = program(net)._program
    model = OpenedProgram(opening(net), run, name="toy", sample_rate=RATE, resample=every_other)
    doubled = np.repeat(sound(), 2)
    expected = program(net).analyze(sound(), RATE)
    assert torch.equal(model.analyze(doubled, 2 * RATE).tensor, expected.tensor)


@pytest.mark.parametrize(
    "scale",
    [log_scale(1.0, base=10.0), log_scale(1e-5), log_scale(1.0, base=1e5, gain=1e5, power=2.0)],
)
def test_a_logarithm_is_read_and_written_back_to_the_last_digits(scale: Scale) -> None:
    magnitude = torch.cat([torch.zeros(1), torch.logspace(-9, 4, 400)])
    written = scale.write(magnitude)
    again = scale.write(scale.read(written))
    assert torch.allclose(again, written, rtol=3e-7, atol=3e-7)
    exact = scale.read(scale.write(magnitude.double()))
    assert torch.allclose(exact, magnitude.double(), rtol=1e-6, atol=1e-10)
    # what is added is itself rounded to float32 as a logarithm
    assert float(scale.read(scale.write(torch.zeros(1)))) <= 1e-11


def test_decibels_below_the_peak_are_read_where_all_is_silent() -> None:
    """Each of them is 0 then, so that the share of their range that may be lost is 0, too."""
    scale = log_scale(1e-10, base=10**0.1, power=2.0)
    net = torch.nn.Sequential(torch.nn.Identity())
    found = Opening(net, "0", "bft", midi_to_hz(KEYS), WINDOW / RATE, RATE / HOP, scale=scale)
    (values,) = found.hear(lambda: net(torch.zeros(1, len(KEYS), 7)))
    assert torch.allclose(values, torch.ones(1, len(KEYS), 7))


def test_magnitudes_in_half_precision_are_perturbed_in_float32() -> None:
    """Their powers do not fit into half precision."""
    net = torch.nn.Sequential(torch.nn.Identity())
    found = Opening(net, "0", "bft", midi_to_hz(KEYS), WINDOW / RATE, RATE / HOP)
    for kind in (torch.float16, torch.bfloat16):
        heard = torch.full((1, len(KEYS), 7), 1000.0, dtype=kind)
        (values,) = found.hear(partial(net, heard))
        assert values.dtype == torch.float32
        assert found.put(partial(net, heard), values).dtype == kind


@pytest.mark.parametrize(
    ("scale", "said"),
    [
        (LOG, "scale: got complex coefficients, expected the logarithm of magnitudes"),
        (
            Scale(torch.sqrt, torch.abs),
            r"scale: got values up to .* which go from 1 to 1, expected",
        ),
    ],
)
def test_a_scale_that_is_none_of_complex_coefficients_is_told(scale: Scale, said: str) -> None:
    net = torch.nn.Sequential(torch.nn.Identity())
    found = Opening(net, "0", "bft", midi_to_hz(KEYS), WINDOW / RATE, RATE / HOP, scale=scale)
    with pytest.raises(ValueError, match=said):
        found.hear(partial(net, torch.full((1, len(KEYS), 7), 1j)))


def test_logarithms_are_those_that_people_write() -> None:
    x = torch.tensor([0.0, 1e-4, 0.5, 30.0], dtype=torch.float64)
    eps = 1e-5
    written = log_scale(1.0, base=1 / eps, gain=1 / eps, power=2.0).write(x)
    assert torch.allclose(written, ((x**2 + eps).log() - math.log(eps)) / -math.log(eps))
    assert torch.allclose(log_scale(1.0, base=10.0).write(x), torch.log10(1 + x))
    assert torch.allclose(log_scale(eps).write(x), torch.log(x + eps))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"axes": "b1ftc"}, r"81 frequencies, expected 12: dimension 3 has as many"),
        ({"axes": "bctf"}, r"expected a letter for each of its 5 dimensions"),
        ({"axes": "btfc1"}, r"expected"),
        ({"axes": "b1tf?"}, r"axes: got 'b1tf\?', expected f and t"),
        ({"axes": "b1fft"}, r"each once"),
        ({"module": "frontend"}, r"expected one of front_end, head"),
        ({"module": ""}, r"is dict, expected one tensor"),
        ({"at": "middle"}, r"at: got 'middle'"),
        ({"scale": log_scale(1.0)}, r"scale: got values up to"),
        ({"scale": LINEAR}, r"expected linear magnitudes"),
    ],
)
def test_a_wrong_opening_is_refused_with_the_reason(changes: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        as_transcriber(program(Net(), **changes)).analyze(sound(), RATE)


def test_other_shapes_than_those_of_the_sound_are_refused() -> None:
    net = Net()
    with pytest.raises(ValueError, match="must not depend on what is heard"):
        opening(net).put(lambda: net(torch.zeros(1, 800)), torch.ones(1, 2, 12, 5))
    with pytest.raises(ValueError, match="took 1 blocks in a run on silence, expected 2"):
        opening(net).put(lambda: net(torch.zeros(1, 800)), torch.ones(2, 2, 12, 4))


def test_a_module_that_is_called_more_than_once_is_told_so() -> None:
    """Its further calls were said to depend on what is heard, which sent people astray."""
    net = Net()

    def segments(samples: Samples) -> Notes:
        halves = torch.from_numpy(samples[: 2 * RATE]).reshape(2, -1)
        return to_notes({"pitch": torch.cat([net(h[None])["pitch"][0] for h in halves]).numpy()})

    def twice(samples: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"pitch": (net(samples)["pitch"] + net(samples)["pitch"]) / 2}

    in_segments = OpenedProgram(opening(net), segments, name="toy", sample_rate=RATE)
    with pytest.raises(ValueError, match=r"all of the sound \(1 block\).* needs step_seconds"):
        in_segments.activations(in_segments.analyze(sound(), RATE))
    model = OpenedNetwork(
        opening(net), twice, to_notes, activity, name="toy", sample_rate=RATE, block_frames=30
    )
    with pytest.raises(ValueError, match=r"called again .* open a module that is called once"):
        model.transcribe(sound(), RATE)


def test_events_hold_notes_to_the_bit() -> None:
    onsets = [0.0, 0.1, 0.1, 0.1000001, 0.99, 0.999]
    notes = Notes.from_arrays(
        onsets, np.array(onsets) + 1 / 3, [60.0, 60.0, 61.4, 60.0, 59.6, 60.0], np.arange(6)
    )
    events = events_of(notes, 1.0, 20.0)
    assert events.shape == (20, 88, 5)
    found = notes_of(events)
    assert same(found, notes)
    assert np.array_equal(np.sort(found.velocities), np.arange(6))
    assert same(notes_of(events_of(Notes.empty(), 1.0, 20.0)), Notes.empty())
    with pytest.raises(ValueError, match="keys of a piano, 21 to 108"):
        events_of(Notes.from_arrays([0.0], [1.0], [120.0]), 1.0, 20.0)


@pytest.mark.parametrize("of_power", [True, False])
def test_the_response_of_a_filterbank_is_that_of_a_tone(of_power: bool) -> None:
    length, rate = 512, 8_000
    windows = np.stack([np.hanning(length), np.hanning(length) ** 2])
    filters = np.abs(np.random.default_rng(0).normal(size=(length // 2 + 1, 9)))
    hz = np.array([700.0, 1_003.0, 2_500.0])
    time = np.arange(length) / rate
    expected = np.zeros((3, 9))
    for window in windows:
        spectrum = np.fft.rfft(window * np.exp(2j * np.pi * hz[:, None] * time).real)
        magnitude = np.abs(spectrum) * 2 / window.sum()
        expected += (magnitude**2 @ filters if of_power else (magnitude @ filters) ** 2) / 2
    found = filterbank_response(windows, filters, rate, of_power=of_power)(hz)
    assert np.allclose(found, expected, rtol=0.05)


def test_weights_tell_two_models_apart() -> None:
    one, other = Net(), Net()
    other.front_end.kernels.data *= 2
    assert program(one).identity.weights_sha256 == program(Net()).identity.weights_sha256
    assert program(one).identity.weights_sha256 != program(other).identity.weights_sha256


def test_a_study_runs_on_both() -> None:
    class Track:
        name = composition = "toy"
        duration_seconds = 2.0

        def audio(self) -> tuple[Samples, int]:
            return sound(), RATE

        def notes(self) -> Notes:
            return REFERENCE

        def fingerprint(self) -> str:
            return "toy"

        stamp = fingerprint

    net = Net()
    for model in (program(net), network(net)):
        result = pi_amt.importance(model, [Track()], permutations=["fund_mask"], n_jobs=1)
        (row,) = [r for r in result.results if r.label == "fund_mask"]
        assert row.drop == 1.0
    assert hooks_of(net) == []


def keys_of(model: OpenedProgram | OpenedNetwork) -> str:
    assert not model.identity.unreadable
    return model.identity.weights_sha256


def test_what_an_opening_says_tells_rows_apart() -> None:
    net = Net()
    same = keys_of(program(net))
    assert keys_of(program(net)) == same
    changes: list[dict[str, Any]] = [
        {"frequencies": midi_to_hz(KEYS + 1)},
        {"window_seconds": 0.1},
        {"frame_rate": 80.0},
        {"scale": log_scale(1e-2, base=10.0)},
        {"scale": LINEAR},
        {"response": lambda hz: np.ones((len(hz), 12))},
    ]
    others = {keys_of(program(net, **change)) for change in changes}
    assert len(others) == len(changes)
    assert same not in others


def test_the_functions_around_a_network_tell_rows_apart() -> None:
    def thresholding(threshold: float) -> OpenedProgram:
        def run(samples: Samples) -> Notes:
            assert threshold
            return Notes.empty()

        return OpenedProgram(opening(net), run, name="toy", sample_rate=RATE)

    def decoding(threshold: float) -> OpenedNetwork:
        def decode(activations: Mapping[str, NDArray[Any]]) -> Notes:
            assert threshold
            return Notes.empty()

        return OpenedNetwork(
            opening(net), net, decode, activity, name="toy", sample_rate=RATE, block_frames=30
        )

    net = Net()
    for make in (thresholding, decoding):
        one, same, other = (keys_of(make(threshold)) for threshold in (0.5, 0.5, 0.6))
        assert one == same != other


def test_a_program_that_cannot_be_read_asks_for_a_fingerprint() -> None:
    session = threading.Lock()
    net = Net()

    def run(samples: Samples) -> Notes:
        assert session
        return Notes.empty()

    def made(**options: Any) -> OpenedProgram:
        return OpenedProgram(opening(net), run, name="toy", sample_rate=RATE, **options)

    assert made().identity.unreadable == "toy: session (lock)"
    assert keys_of(made(fingerprint="1")) != keys_of(made(fingerprint="2"))
    with pytest.raises(ValueError, match="fingerprint: got 7, expected a text"):
        made(fingerprint=7)


@pytest.mark.parametrize("part", [torch.nn.BatchNorm2d(1), torch.nn.Dropout(0.2), torch.nn.RReLU()])
@pytest.mark.parametrize("make", [program, network])
def test_a_network_in_training_mode_is_refused(
    make: Callable[[Net], OpenedProgram | OpenedNetwork], part: torch.nn.Module
) -> None:
    """Its notes would be drawn at random, or depend on the rest of the batch, without a word."""
    net = Net()
    net.add_module("head", torch.nn.Sequential(part.train(), net.head))
    with pytest.raises(ValueError, match=rf"'?head.0'? \({type(part).__name__}\) in training mode"):
        as_transcriber(make(net)).analyze(sound(), RATE)
    net.eval()
    assert as_transcriber(make(net)).analyze(sound(), RATE).values.shape[-2] == len(KEYS)


@pytest.mark.parametrize(
    ("part", "is_random"),
    [
        (torch.nn.LSTM(2, 2, 2, dropout=0.5), True),
        (torch.nn.GRU(2, 2, 1), False),
        (torch.nn.MultiheadAttention(2, 1, dropout=0.1), True),
        (torch.nn.MultiheadAttention(2, 1), False),
    ],
)
def test_dropout_within_a_part_of_another_kind_is_refused(
    part: torch.nn.Module, is_random: bool
) -> None:
    net = Net()
    net.add_module("part", part.train())
    if is_random:
        with pytest.raises(ValueError, match=rf"part \({type(part).__name__}\) in training mode"):
            program(net).analyze(sound(), RATE)
        part.eval()
    assert program(net).analyze(sound(), RATE).values.shape[-2] == len(KEYS)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_a_scripted_module_says_that_it_takes_no_hook() -> None:
    class Exp(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.exp()

    script: Any = torch.jit.script
    net = Net()
    net.add_module("part", script(Exp()))
    for at in ("input", "output"):
        with pytest.raises(ValueError, match=r"'part', which torch\.jit\.script made"):
            opening(net, module="part", at=at)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_a_traced_model_says_why_its_module_is_not_called() -> None:
    trace: Any = torch.jit.trace
    traced = trace(Net(), torch.zeros(1, RATE), strict=False)
    with pytest.raises(ValueError, match=r"'front_end' was not called .* open the model itself"):
        program(traced).analyze(sound(), RATE)


@pytest.mark.skipif(not hasattr(torch.compiler, "set_stance"), reason="torch 2.6 has it")
def test_a_compiled_model_that_ran_before_is_opened_all_the_same() -> None:
    net = Net()
    compiled = torch.compile(net, backend="eager")

    def run(samples: Samples) -> Notes:
        with torch.no_grad():
            found = compiled(torch.from_numpy(samples)[None])["pitch"][0].numpy()
        return to_notes({"pitch": found})

    heard = sound()
    alone = run(heard)
    run(np.zeros_like(heard))
    opened = as_transcriber(OpenedProgram(opening(net), run, name="toy", sample_rate=RATE))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing of the hooks is compiled
        clean = opened.analyze(heard, RATE)
        found = opened.decode(opened.activations(clean))
        silent = opened.decode(opened.activations(clean.with_values(clean.tensor * 0)))
    assert len(alone)
    assert found.onsets.tolist() == alone.onsets.tolist()
    assert not len(silent)
    assert run(heard).onsets.tolist() == alone.onsets.tolist()
    assert torch.compiler.set_stance("default").prev.stance == "default"


class Named(torch.nn.Module):
    """Gives its parts what they need by name, and gets a dict from its front end."""

    def __init__(self) -> None:
        super().__init__()
        self.head = Head()
        self.front_end = InADict()

    def forward(self, sound: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"pitch": self.head(logarithm=self.front_end(sound)["values"])}


class InADict(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.own = FrontEnd()

    def forward(self, sound: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"values": self.own(sound)}


def test_a_module_that_is_given_its_input_by_name_is_opened() -> None:
    named = Named()
    plain = as_transcriber(program(Net(), module="front_end"))
    by_name = as_transcriber(program(named, module="head", at="input"))  # type: ignore[arg-type]
    clean, expected = (model.analyze(sound(), RATE) for model in (by_name, plain))
    assert torch.equal(clean.tensor, expected.tensor)
    softer = clean.with_values(clean.tensor * 0.5)
    for given in (clean, softer):
        (found, wanted) = (
            model.decode(model.activations(given)).onsets.tolist() for model in (by_name, plain)
        )
        assert found == wanted


def test_a_module_that_gives_a_dict_is_told_what_to_open() -> None:
    with pytest.raises(ValueError, match=r"'front_end' is dict, expected one tensor: open a mod"):
        as_transcriber(program(Named())).analyze(sound(), RATE)  # type: ignore[arg-type]


def test_what_is_no_torch_module_is_refused_with_what_it_holds() -> None:
    class Wrapper:
        def __init__(self) -> None:
            self.model = Net()

    with pytest.raises(TypeError, match=r"network: got Wrapper, .* what it holds as model"):
        opening(Wrapper())  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"module: got FrontEnd, expected the dotted name"):
        opening(Net(), module=FrontEnd())


def test_a_program_that_returns_no_notes_is_told_what_to_return() -> None:
    net = Net()

    def run(samples: Samples) -> Any:
        net(torch.from_numpy(samples)[None])
        return [(0.0, 1.0, 60.0)]

    model = as_transcriber(OpenedProgram(opening(net), run, name="toy", sample_rate=RATE))
    with pytest.raises(TypeError, match=r"program: got list, .* Notes.from_arrays\(\*zip\(\*…\)\)"):
        model.activations(model.analyze(sound(), RATE))


def test_a_program_whose_times_are_no_seconds_is_told_so() -> None:
    net = Net()

    def run(samples: Samples) -> Notes:
        net(torch.from_numpy(samples)[None])
        return Notes.from_arrays([100.0, 500.0], [400.0, 900.0], [69.0, 76.0])

    model = as_transcriber(OpenedProgram(opening(net), run, name="toy", sample_rate=RATE))
    with pytest.raises(ValueError, match=r"program: got .* expected seconds"):
        model.activations(model.analyze(sound(), RATE))


@pytest.mark.parametrize("kind", ["program", "network"])
def test_an_opening_says_whether_linear_values_are_heard(kind: str) -> None:
    net = Net()
    for linear in (False, True):
        if kind == "program":
            opened: Any = program(net, linear_input=linear)
        else:
            given = opening(net, linear_input=linear)
            opened = OpenedNetwork(
                given, net, to_notes, activity, name="toy", sample_rate=RATE, block_frames=30
            )
        model = as_transcriber(opened)
        assert model.identity.linear_input == model.analyze(sound(), RATE).linear_input == linear


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda found: found["pitch"], "network: got Tensor, expected activations by name"),
        (lambda found: {**found, "loss": None}, "network: got NoneType as 'loss', expected a"),
    ],
)
def test_a_network_that_returns_no_dict_of_tensors_is_told(wrong: Any, said: str) -> None:
    net = Net()
    model = OpenedNetwork(
        opening(net),
        lambda blocks: wrong(net(blocks)),
        to_notes,
        activity,
        name="toy",
        sample_rate=RATE,
        block_frames=30,
    )
    with pytest.raises(TypeError, match=said):
        model.activations(model.analyze(sound(), RATE))
    (problem,) = check_model(model, masks=[]).problems
    assert re.search(said, problem)


class Bfloat(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.own = FrontEnd()

    def forward(self, sound: torch.Tensor) -> torch.Tensor:
        short: torch.Tensor = self.own(sound).bfloat16()
        return short


def test_a_spectrogram_in_bfloat16_is_read_as_float32() -> None:
    net = Net()
    net.front_end = Bfloat()  # type: ignore[assignment]
    net.head = torch.nn.Sequential(AsFloat(), net.head)  # type: ignore[assignment]
    model = as_transcriber(program(net))
    clean = next(iter(model.stream(sound(), RATE)))
    assert clean.tensor.dtype == torch.float32
    heard = to_notes({"pitch": net(torch.from_numpy(sound())[None])["pitch"][0].numpy()})
    found = model.decode(model.activations(clean))
    assert len(heard)
    assert found.onsets.tolist() == heard.onsets.tolist()


class AsFloat(torch.nn.Module):
    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return values.float()
