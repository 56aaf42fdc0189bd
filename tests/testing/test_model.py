"""``check_model``: what it measures on tones, and its sentence for each broken rule."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from tests.permutations.front_ends import RATE, WINDOW, axis
from tests.toys import LOWEST, PITCHES, ToyTrack, ToyTranscriber, transcribe

import pi_amt
from pi_amt.core.notes import Notes
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.models.adapter import as_transcriber
from pi_amt.models.loading import load_model
from pi_amt.permutations.masks import FundMask
from pi_amt.study.conditions import make_conditions
from pi_amt.study.evaluate import evaluate
from pi_amt.study.jobs import Job
from pi_amt.testing import KEYS, check_model, key_name

HOP = 512
RATE_OF_STFT = 8_000


class Mel:
    """A mel front end, and activations that are all zero."""

    sample_rate = RATE

    def __init__(self, **changes: Any) -> None:
        self.changes = changes

    def analyze(self, samples: np.ndarray, sample_rate: int) -> Spectrogram:
        frames = np.lib.stride_tricks.sliding_window_view(
            np.pad(samples, WINDOW // 2).astype(np.float64), WINDOW
        )[::HOP]
        power = np.abs(np.fft.rfft(frames * np.hanning(WINDOW))) ** 2 @ axis("mel")[1].T
        values = np.sqrt(power).T[None].astype(np.float32)
        return Spectrogram(
            values=self.changes.get("values", lambda v: v)(values),
            frequencies=axis("mel")[0],
            times=np.arange(len(power))[None] * HOP / RATE,
            window_seconds=np.full(229, WINDOW / RATE),
            frame_rate=RATE / HOP,
            n_samples=len(samples),
            sample_rate=RATE,
        )

    def activations(self, spectrogram: Spectrogram) -> dict[str, Any]:
        pitch = np.zeros((spectrogram.times.shape[1], 88), np.float32)
        found: dict[str, Any] = self.changes.get("activations", lambda p, s: {"pitch": p})(
            pitch, spectrogram
        )
        return found

    def pitch_activity(self, activations: Mapping[str, Any]) -> Any:
        return self.changes.get("activity", lambda a: a["pitch"])(activations)

    def decode(self, activations: Mapping[str, Any]) -> Notes:
        found: Notes = self.changes.get("notes", Notes.empty())
        return found


def by_peak(pitch: np.ndarray, spectrogram: Spectrogram) -> dict[str, Any]:
    with np.errstate(invalid="ignore"):
        return {"pitch": pitch / np.asarray(spectrogram.values).max()}


def note(onset: float, offset: float) -> Notes:
    return Notes.from_arrays([onset], [offset], [60])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"activations": by_peak},
            r"NaN or infinity in 'pitch'.* only where it is above 0.*silence",
        ),
        (
            {"activations": lambda p, s: {"pitch": p, "onset": p[1:]}},
            "expected as many in every array",
        ),
        ({"activity": lambda a: a["pitch"][:, :80]}, r"pitch_activity: got shape \(\d+, 80\)"),
        ({"activity": lambda a: a["pitch"] + 2}, r"values outside \[0, 1\]"),
        ({"notes": note(1.0, 7.5)}, r"note from 1.000 to 7.500 s in a recording of 3.000 s"),
        ({"notes": note(-1.0, 0.5)}, "expected notes inside of it: times are seconds"),
    ],
)
def test_each_broken_rule_has_its_sentence(changes: dict[str, Any], said: str) -> None:
    found = check_model(Mel(**changes), masks=["fund_mask"], keys=[69])
    (problem,) = found.problems
    assert re.search(said, problem)
    assert f"PROBLEM: {problem}" in str(found)


def test_a_spectrogram_that_contradicts_the_identity_is_a_problem() -> None:
    class Contradicts(ToyTranscriber):
        def __init__(self) -> None:
            super().__init__()
            self.identity = replace(self.identity, linear_input=True)

    found = check_model(Contradicts(), masks=["fund_mask"], keys=[69])
    assert "linear_input=False from a model whose identity says True" in found.problems[0]


def broken(pitch: np.ndarray, spectrogram: Spectrogram) -> dict[str, Any]:
    raise ZeroDivisionError("oh")


def in_hz(samples: np.ndarray, sample_rate: int) -> Notes:
    return Notes.from_arrays([0.1], [0.5], [440.0])


def test_an_error_of_the_model_is_a_problem_and_masks_are_measured_all_the_same() -> None:
    found = check_model(Mel(activations=broken), masks=["fund_mask"], keys=[69])
    assert found.problems == ("Mel: got ZeroDivisionError: oh, expected notes (on silence)",)
    assert found.masks["fund_mask"].valid_from == 69


def test_a_function_is_checked_by_its_answers_alone() -> None:
    """Its masks act on the same transform as those of any other function."""
    found = check_model(transcribe)
    assert (found.problems, dict(found.masks)) == ((), {})
    assert str(found) == "transcribe: found no problem (it heard silence and steady tones)"
    with pytest.raises(ValueError, match="transcribe: got no masks, expected some, pass masks="):
        _ = found.table
    assert check_model(transcribe, masks=["fund_mask"], keys=[69]).masks["fund_mask"].is_valid.all()


def test_what_a_function_may_not_answer_is_said_in_its_own_words() -> None:
    (problem,) = check_model(in_hz).problems
    assert re.match(r"in_hz: .*440.*\(on silence\)$", problem)
    assert "Error" not in problem


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (lambda v: v * np.nan, "NaN or infinite values"),
        (lambda v: np.log(v + 1e-3), "expected linear magnitudes"),
    ],
)
def test_a_front_end_that_cannot_be_measured_raises(values: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check_model(Mel(values=values))


class Sociable(ToyTranscriber):
    """Normalises by the loudest of all conditions that are computed together."""

    def outputs(self, spectrograms: Sequence[Spectrogram]) -> list[dict[str, torch.Tensor]]:
        found = super().outputs(spectrograms)
        return [{k: v / len(found) for k, v in one.items()} for one in found]


class Unsteady(ToyTranscriber):
    """Counts the frames of every part from 0."""

    def frame_times(self, n: int, start: int = 0) -> np.ndarray:
        return super().frame_times(n, 0)


def test_outputs_that_depend_on_their_company_are_found() -> None:
    (problem,) = check_model(Sociable(), masks=["fund_mask"], keys=[69]).problems
    assert "toy.outputs: got another 'pitch' beside other spectrograms than alone" in problem


def test_frame_times_that_forget_where_they_start_are_found() -> None:
    (problem,) = check_model(Unsteady(), masks=["fund_mask"], keys=[69]).problems
    assert "expected the last of frame_times" in problem


def test_a_sound_model_has_no_problems_and_is_valid_on_its_axis() -> None:
    found = check_model(ToyTranscriber())
    assert found.problems == ()
    on_axis = [key for key in KEYS if LOWEST <= key < LOWEST + PITCHES]
    for check in found.masks.values():
        assert check.valid_keys == on_axis
        assert check.valid_from == on_axis[0]
    text = str(found)
    assert "fund_mask: valid from A2 (110 Hz) to A6 (1760 Hz)" in text


def test_the_mask_of_a_mel_axis_removes_every_fundamental_and_a_narrow_one_only_high_ones() -> None:
    widths = {"own": None, "narrow": 200.0}
    found = {
        name: check_model(Mel(), masks=[FundMask(half_width_cents=width)]).masks["fund_mask"]
        for name, width in widths.items()
    }
    assert found["own"].valid_keys == list(KEYS)
    assert found["own"].lost_db[KEYS.index(33)] > 3.0 > found["own"].lost_db[KEYS.index(99)]
    assert found["narrow"].left_db[KEYS.index(21)] > -3.0
    assert 45 <= (found["narrow"].valid_from or 0) <= 69


class TwoWindows(Mel):
    """The mel front end twice, as two channels of different levels."""

    def analyze(self, samples: np.ndarray, sample_rate: int) -> Spectrogram:
        one = super().analyze(samples, sample_rate)
        values = np.asarray(one.values)
        return replace(one, values=np.stack([values, 3 * values], axis=1))


def test_a_model_with_channels_is_checked_and_studied_as_one_without() -> None:
    one, two = (check_model(model, keys=[45, 81]) for model in (Mel(), TwoWindows()))
    assert two.problems == ()
    for name, check in one.masks.items():
        np.testing.assert_allclose(two.masks[name].left_db, check.left_db, atol=1e-3)
        np.testing.assert_allclose(two.masks[name].lost_db, check.lost_db, atol=1e-3)
    names = ["random", "microtonal", "high_freq", "soft_harm_mask", "donor"]
    conditions = tuple(make_conditions(names, controls=True))
    job = Job(as_transcriber(TwoWindows()), "toys", ToyTrack("a"), conditions, ToyTrack("b"))
    assert {row.status for row in evaluate(job).rows} == {"ok"}


def test_a_limit_that_a_model_does_not_tell_is_said() -> None:
    """Timbre-Trap's blocks are shorter than windows of low tones, which its axis does not show."""
    model = load_model("timbre_trap", device="cpu")
    told, model.steady_from = model.steady_from, 0.0
    found = check_model(model, masks=["fund_mask"], keys=[27, 28, 33, 57])
    assert told == 31.0
    assert found.masks["fund_mask"].valid_keys == [33, 57]
    (problem,) = found.problems
    assert "fund_mask leaves a steady E1 in the input, set steady_from = 33" in problem


@pytest.mark.slow
@pytest.mark.parametrize("name", ["basic_pitch", "timbre_trap"])
def test_our_models_tell_from_which_key_on_their_masks_are_valid(name: str) -> None:
    model = load_model(name, device="cpu")
    first = int(model.steady_from)
    found = check_model(model, masks=["fund_mask"], keys=[first - 1, *range(first, first + 4)])
    assert found.problems == ()
    check = found.masks["fund_mask"]
    assert not check.is_valid[0]
    assert check.is_valid[1:].all()


def test_keys_have_the_names_of_a_piano() -> None:
    assert [key_name(key) for key in (21, 60, 70, 108)] == ["A0", "C4", "A#4", "C8"]


def decibels_below_the_peak(values: np.ndarray) -> np.ndarray:
    """0 to 1, as of a picture of a spectrogram: the level of the sound does not show in them."""
    below = 20 * np.log10(np.maximum(values, 1e-9) / max(values.max(), 1e-9))
    return np.asarray(1 + np.maximum(below, -80) / 80, dtype=np.float32)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (lambda v: v**2, "0.25 times as large .* look like powers, of which the square root"),
        (lambda v: np.log(1 + v), "look like a logarithm or a root"),
        (lambda v: v ** (1 / 3), "0.79 times as large .* look like a logarithm or a root"),
        (lambda v: v, None),
        (lambda v: v / max(v.max(), 1e-9), None),
        (lambda v: v / np.maximum(v.max(axis=1, keepdims=True), 1e-9), None),
        (lambda v: v / np.maximum(v.max(axis=2, keepdims=True), 1e-9), None),
        (decibels_below_the_peak, "0.85 times .* a quarter as loud .* look like a logarithm or a"),
        (lambda v: v**2 / max((v**2).max(), 1e-9), "0.063 times .* look like powers, of which"),
    ],
)
def test_values_that_are_no_magnitudes_are_told(values: Any, said: str | None) -> None:
    problems = check_model(Mel(values=values), masks=[]).problems
    if said is None:
        assert problems == ()
    else:
        (problem,) = problems
        assert re.search(said, problem)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"times": lambda times: times * 1.02}, r"a tone 0\.\d+ s too late"),
        ({"times": lambda times: times * 2}, r"a tone 4\.\d+ s too late"),
        ({"times": lambda times: times / 2}, r"a tone 2\.\d+ s too early"),
        ({"times": lambda times: times + WINDOW / RATE / 2}, "frames stand at the middle of their"),
        ({"frequencies": lambda hz: hz / 2}, "loudest in the bin of"),
        ({"frequencies": lambda hz: hz * 2}, "loudest in the bin of"),
        ({"frequencies": lambda hz: hz * 1e4}, "expected some below half the sample rate of"),
        ({"frequencies": lambda hz: np.insert(hz[:-1], 0, hz[0] / 2)}, "begin with the first one"),
    ],
)
def test_a_tone_at_another_place_is_told(changes: dict[str, Any], said: str) -> None:
    """Masks would act beside the notes, and the model would seem robust."""

    class Moved(Mel):
        def analyze(self, samples: np.ndarray, sample_rate: int) -> Spectrogram:
            found = super().analyze(samples, sample_rate)
            return replace(found, **{what: f(getattr(found, what)) for what, f in changes.items()})

    (problem,) = check_model(Moved(), masks=[]).problems
    assert re.search(said, problem)


class Stft(torch.nn.Module):
    """Magnitudes of windows of 50 ms, ``(blocks, bins, frames)``."""

    def forward(self, sound: torch.Tensor) -> torch.Tensor:
        found = torch.stft(sound, 400, 80, window=torch.hann_window(400), return_complex=True)
        return found[:, 1:, :-1].abs()


@pytest.mark.parametrize(("first_seconds", "said"), [(0.0, None), (-0.04, "0.040 s too early")])
def test_frames_in_the_margins_of_other_blocks_count_in_full(
    first_seconds: float, said: str | None
) -> None:
    """The tone begins where a block's core does. Halved there, it seemed 30 ms late, and an error
    of as much the other way was not seen."""
    net = torch.nn.Sequential(Stft())
    opening = pi_amt.Opening(
        net,
        "0",
        axes="bft",
        frequencies=np.arange(1, 201) * RATE_OF_STFT / 400,
        window_seconds=400 / RATE_OF_STFT,
        frame_rate=RATE_OF_STFT / 80,
    )
    model = pi_amt.OpenedNetwork(
        opening,
        lambda sound: {"loudest": net(sound).amax(1)},
        lambda activations: Notes.empty(),
        lambda activations: np.zeros((len(activations["loudest"]), 88), dtype=np.float32),
        name="stft",
        sample_rate=RATE_OF_STFT,
        block_frames=120,
        margin_frames=15,
        first_seconds=first_seconds,
    )
    problems = check_model(model, masks=[]).problems
    if said is None:
        assert problems == ()
    else:
        (problem,) = problems
        assert said in problem


def test_what_is_no_mask_is_refused() -> None:
    with pytest.raises(ValueError, match="masks: got 'random', expected masks such as fund_mask"):
        check_model(ToyTranscriber(), masks=["random"])


class Remembers(Mel):
    """Answers with the sound that it heard last, whatever becomes of the input."""

    def analyze(self, samples: np.ndarray, sample_rate: int) -> Spectrogram:
        found = super().analyze(samples, sample_rate)
        self._heard_cache = found
        return found

    def activations(self, spectrogram: Spectrogram) -> dict[str, Any]:
        frames = np.asarray(self._heard_cache.values)[0, ::3].T
        return {"pitch": np.pad(frames, ((0, 0), (0, 11)))[:, :88] > 1.0}


class Adapts(Mel):
    """Normalises by the loudest sound that it has ever heard."""

    _peak_cache = 1e-9

    def analyze(self, samples: np.ndarray, sample_rate: int) -> Spectrogram:
        found = super().analyze(samples, sample_rate)
        self._peak_cache *= 2.0
        return found.with_values(np.asarray(found.values) * np.float32(self._peak_cache))


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (Remembers(), "another answer to .* after its own recording than after another one"),
        (Adapts(), "another spectrogram of the same sound after another one"),
    ],
)
def test_a_model_that_keeps_something_of_a_recording_is_found(model: Mel, said: str) -> None:
    (problem,) = check_model(model, masks=["fund_mask"], keys=[69]).problems
    assert re.search(said, problem)


class Lazy(Mel):
    """Loads its network when it is first asked."""

    _network: Any = None

    def activations(self, spectrogram: Spectrogram) -> dict[str, Any]:
        self._network = torch.ones(3)
        return super().activations(spectrogram)


class Opaque(Mel):
    def __init__(self) -> None:
        super().__init__()
        self._session = threading.Lock()


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (Lazy(), "other contents after it has run.*load the weights when the model is made"),
        (Opaque(), r"_session.* \(lock\), whose contents cannot be read.*fingerprint"),
    ],
)
def test_a_model_whose_rows_would_not_be_found_again_is_told(model: Mel, said: str) -> None:
    (problem,) = check_model(model, masks=["fund_mask"], keys=[69]).problems
    assert re.search(said, problem)


def test_a_model_without_pitch_activity_or_frames_breaks_no_rule() -> None:
    class NotesOnly:
        sample_rate = RATE
        analyze = Mel.analyze

        def __init__(self) -> None:
            self.changes: dict[str, Any] = {}

        def activations(self, spectrogram: Spectrogram) -> dict[str, Any]:
            return {"onsets": np.empty(0), "pitches": np.empty(0)}

        def decode(self, activations: Mapping[str, Any]) -> Notes:
            onsets, pitches = activations["onsets"], activations["pitches"]
            return Notes.from_arrays(onsets, onsets + 1.0, pitches)

    assert not check_model(NotesOnly(), masks=["fund_mask"], keys=[69]).problems


def test_a_function_that_draws_at_random_is_found() -> None:
    generator = np.random.default_rng(0)

    def drawn(samples: np.ndarray, sample_rate: int) -> Notes:
        return Notes.from_arrays([0.5], [1.0], [generator.uniform(40.0, 80.0)])

    (problem, *_) = check_model(drawn).problems
    assert "got another answer when it was given the same input again" in problem
    assert "draw no random numbers (a functional dropout needs training=False)" in problem


def test_an_error_without_words_is_told_by_its_kind() -> None:
    def silent(samples: np.ndarray, sample_rate: int) -> Notes:
        raise AssertionError

    (problem,) = check_model(silent).problems
    assert problem == "silent: got AssertionError, expected notes (on silence)"


def test_a_front_end_in_bfloat16_is_refused() -> None:
    class Halved(Mel):
        def analyze(self, samples: Any, sample_rate: int) -> Spectrogram:
            found = super().analyze(samples, sample_rate)
            return replace(found, values=torch.as_tensor(found.values).bfloat16())

    with pytest.raises(ValueError, match="values of type bfloat16, expected float32 or complex64"):
        check_model(Halved())
