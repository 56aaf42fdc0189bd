"""Functions as models: what they are given, what is refused, and what tells them apart."""

from __future__ import annotations

import functools
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pi_amt.core.notes import Notes
from pi_amt.core.units import midi_to_hz
from pi_amt.models.adapter import as_transcriber
from pi_amt.models.audio_domain import AudioDomain
from pi_amt.models.black_box.function import Function
from pi_amt.models.loading import load_model

RATE = 8_000
SOUND = np.full(10 * RATE, 0.5, dtype=np.float32)


def answering(answer: Any, **options: Any) -> Notes:
    """What comes of a function that returns this of 10 s."""
    return Function(lambda samples, rate: answer, label="mine", **options)(SOUND, RATE)


def notes(onsets: Any, pitches: Any) -> Notes:
    onsets = np.asarray(onsets, dtype=float)
    return Notes(onsets, onsets + 0.5, np.asarray(pitches, dtype=float), np.full(len(onsets), 64.0))


def test_notes_in_any_order_are_sorted() -> None:
    found = answering(notes([3.0, 1.0, 1.0], [60, 64, 62]))
    assert found.onsets.tolist() == [1.0, 1.0, 3.0]
    assert found.pitches.tolist() == [62, 64, 60]


def test_overlapping_notes_of_a_pitch_are_kept() -> None:
    found = answering(notes([1.0, 1.1, 1.2], [60, 60, 60]))
    assert found.onsets.tolist() == [1.0, 1.1, 1.2]
    assert np.allclose(found.offsets, [1.5, 1.6, 1.7])


def test_a_note_may_begin_a_little_outside() -> None:
    found = answering(notes([-0.6, -0.1, 10.5], [60, 62, 64]))
    assert found.onsets.tolist() == [0.0, 0.0, 10.5]
    assert np.allclose(np.sort(found.offsets), [0.0, 0.4, 11.0])


@pytest.mark.parametrize(
    ("answer", "error", "reason"),
    [
        (None, TypeError, "mine: got NoneType, expected pi_amt.Notes: return Notes.from_arrays"),
        ([(0.0, 1.0, 60)], TypeError, r"mine: got list, .* Notes.from_arrays\(\*zip\(\*…\)\)"),
        (np.zeros((2, 3)), TypeError, r"mine: got ndarray, .* Notes.from_arrays\(\*array.T\)"),
        (torch.zeros(9, 4), TypeError, r"mine: got Tensor, .* Notes.from_arrays\(\*array.T\)"),
        (([0.0, 1.0], [1.0, 2.0], [60, 62]), TypeError, r"tuple, .* Notes.from_arrays\(\*…\)"),
        (np.zeros((3, 9)), TypeError, r"mine: got ndarray, .* Notes.from_arrays\(\*array\)"),
        (np.zeros((3, 3)), TypeError, r"mine: got ndarray, .*: return Notes.from_arrays\(onsets"),
        (np.zeros((900, 88)), TypeError, r"ndarray, .*: return Notes.from_arrays\(onsets, offsets"),
        ("notes.mid", TypeError, r"mine: got str, .* return pi_amt.read_notes\(path\) of the file"),
        (type("PrettyMIDI", (), {})(), TypeError, r"got PrettyMIDI, .* its write\(path\) has wri"),
        (notes([-5.0], [60]), ValueError, "a note at -5.000 s, expected times from the start"),
        (notes([500, 9000], [60, 62]), ValueError, "these look like milliseconds, divide by 1000"),
        (notes([80, 850], [60, 62]), ValueError, "these look like frames, divide by the frame r"),
        (notes([9, 79_000], [60, 62]), ValueError, "these look like samples, divide by 8000"),
        (
            notes(np.arange(6), midi_to_hz([40, 41, 43, 45, 47, 35])),
            ValueError,
            r"pitches 61.7\d* to 123.\d*, which are notes in Hz .* 69 \+ 12 \* log2\(Hz / 440\)",
        ),
    ],
)
def test_what_cannot_be_notes_is_refused_with_a_guess(
    answer: Any, error: type[Exception], reason: str
) -> None:
    with pytest.raises(error, match=reason) as told:
        answering(answer)
    assert "\n" not in str(told.value)


@settings(deadline=None)
@given(st.lists(st.integers(21, 108), min_size=5))
def test_whole_midi_numbers_are_never_taken_for_hz(pitches: list[int]) -> None:
    assert len(answering(notes(np.linspace(0, 9, len(pitches)), pitches))) == len(pitches)


def test_one_pitch_that_would_be_whole_as_hz_is_not_taken_for_hz() -> None:
    assert len(answering(notes(np.linspace(0, 9, 20), [65.41] * 20))) == 20


@pytest.mark.parametrize(
    ("pitches", "reason"),
    [([440.0, 220.0], "these look like Hz"), ([float("nan"), 60.0], "NaN or infinite pitches")],
)
def test_what_notes_refuse_is_told(pitches: list[float], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Function(lambda samples, rate: notes([0, 1], pitches))(SOUND, RATE)


def test_a_function_that_ends_the_program_only_fails() -> None:
    with pytest.raises(RuntimeError, match=r"leave left with sys.exit\(3\)"):
        Function(lambda samples, rate: sys.exit(3), label="leave")(SOUND, RATE)


def test_a_function_is_given_samples_of_its_own() -> None:
    seen: list[Any] = []

    def listen(samples: np.ndarray, rate: int) -> Notes:
        seen.append((samples.copy(), rate))
        samples[:] = 0.0
        return Notes.empty()

    Function(listen, sample_rate=4_000, gain_db=-6.0206, fingerprint="1")(SOUND, RATE)
    ((samples, rate),) = seen
    assert (len(samples), samples.dtype, rate) == (40_000, np.float32, 4_000)
    assert np.median(samples) == pytest.approx(0.25, rel=1e-3)
    assert (SOUND == 0.5).all()


def test_notes_that_are_late_are_moved() -> None:
    found = answering(notes([0.02, 1.056], [60, 62]), late_ms=56)
    assert np.allclose(found.onsets, [0.0, 1.0])


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        (None, r"got None, expected a function \(samples, sample_rate\) → pi_amt.Notes"),
        ("nothing_here.f", "cannot load nothing_here.f .*No module named 'nothing_here'"),
        ("pi_amt.core.notes.nothing", "cannot load .* has no attribute 'nothing'"),
        ("pi_amt.core.notes:Notes", "expected a function"),
        ("alone", "got 'alone', expected both where the function is and its name, such as my_"),
        ("no_such_file.py:f", "cannot load no_such_file.py:f .FileNotFoundError"),
    ],
)
def test_a_function_that_is_not_there_is_told(place: str | None, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Function(place)


def write(folder: Path, text: str, name: str = "mine.py") -> str:
    file = folder / name
    file.write_text(f"from pi_amt import Notes\n{text}")
    return f"{file}:transcribe"


def test_a_function_may_stand_in_a_file_beside_others(tmp_path: Path) -> None:
    (tmp_path / "beside_mine.py").write_text("ONSET = 2.0\n")
    place = write(
        tmp_path,
        "from beside_mine import ONSET\n"
        "def transcribe(samples, rate): return Notes.from_arrays([ONSET], [3.0], [60])\n",
    )
    assert Function(place)(SOUND, RATE).onsets.tolist() == [2.0]
    model = load_model("callable", function=place)
    assert isinstance(model, AudioDomain)
    assert model.transcribe(SOUND, RATE).onsets.tolist() == [2.0]


def test_a_function_has_no_device_but_is_heard_on_a_cpu() -> None:
    """As a report asks for it, which computes its excerpts there."""
    model = load_model("callable", function="tests.toys:transcribe", device="cpu")
    assert model.identity.name == "transcribe"
    with pytest.raises(ValueError, match="option of model callable: got unknown 'device'"):
        load_model("callable", function="tests.toys:transcribe", device="cuda")


def test_a_plain_function_is_a_model() -> None:
    model = as_transcriber(listen_for_nothing)
    assert isinstance(model, AudioDomain)
    assert model.identity.name == "listen_for_nothing"


def listen_for_nothing(samples: np.ndarray, rate: int) -> Notes:
    return Notes.empty()


def listen_louder(samples: np.ndarray, rate: int, gain: float) -> Notes:
    return Notes.empty()


def sha(function: Callable[..., Any] | str, fingerprint: str | None = None) -> str:
    identity = Function(function, fingerprint).identity
    assert not identity.unreadable
    return identity.weights_sha256


class Network:
    """Some weights, privately."""

    def __init__(self, weight: float) -> None:
        self._weights = np.full(100, weight)

    def __call__(self, samples: np.ndarray, rate: int) -> Notes:
        return Notes.empty()


def closing_over(network: Network) -> Callable[..., Notes]:
    def listen(samples: np.ndarray, rate: int) -> Notes:
        return network(samples, rate)

    return listen


@pytest.mark.parametrize(
    "make",
    [
        Network,
        lambda weight: Network(weight).__call__,
        lambda weight: closing_over(Network(weight)),
        lambda weight: functools.partial(listen_louder, gain=weight),
    ],
    ids=["object", "method", "closure", "partial"],
)
def test_what_a_function_holds_tells_it_apart(make: Callable[[float], Any]) -> None:
    assert sha(make(1.0)) == sha(make(1.0)) != sha(make(2.0))
    assert sha(make(1.0), "a") != sha(make(1.0), "b")


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("NET = {}\ndef transcribe(s, r): return [NET for _ in s]\n", True),
        ("NET = {}\ndef inner(): return NET\ndef transcribe(s, r): return inner()\n", True),
        ("NET = {}\ndef transcribe(s, r):\n    global NET\n    NET = NET or 1\n", False),
    ],
    ids=["named", "named by another", "set by itself"],
)
def test_what_a_function_takes_from_its_module_tells_it_apart(
    tmp_path: Path, text: str, counts: bool
) -> None:
    """What it sets itself, such as a network that it loads late, is another thing afterwards."""
    place = write(tmp_path, text)
    before = sha(place)
    known = Function(place).function.__globals__
    known["NET"] = {"weights": [1.0, 2.0]}
    assert (sha(place) != before) == counts


def test_the_source_of_a_function_tells_it_apart_in_every_process(tmp_path: Path) -> None:
    def elsewhere() -> str:
        code = "import sys; from pi_amt.models.black_box.function import Function"
        code += "; print(Function(sys.argv[1]).identity.weights_sha256)"
        words = [sys.executable, "-c", code, place]
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()

    place = write(tmp_path, "def transcribe(s, r): return 1\n")
    first = elsewhere()
    assert sha(place) == first
    write(tmp_path, "def transcribe(s, r): return 2\n")
    assert elsewhere() != first


def test_what_cannot_be_read_asks_for_a_fingerprint(tmp_path: Path) -> None:
    network = open(write(tmp_path, "").partition(":")[0])  # noqa: SIM115  (an open file)
    with network:
        model = Function(lambda samples, rate: network, label="mine")
        assert model.identity.unreadable.startswith("mine: network")
        assert not Function(model.function, fingerprint="1").identity.unreadable


def of_a_path(path: str) -> Notes:
    return Notes.empty()


def of_a_wav(wav_path: Any, rate: int) -> Notes:
    return notes([float(Path(wav_path).stat().st_size)], [60])


def test_a_function_that_takes_no_rate_is_refused_when_it_is_given() -> None:
    said = r"got of_a_path\(path.*\).* cannot be called with samples and their rate .* put a fun"
    with pytest.raises(ValueError, match=said):
        as_transcriber(of_a_path)


def test_a_function_that_fails_on_samples_in_place_of_a_file_is_told_what_to_do() -> None:
    with pytest.raises(
        TypeError, match=r"got samples as 'wav_path', .* put a function around it that"
    ):
        Function(of_a_wav)(SOUND, RATE)


def test_what_python_knows_no_parameters_of_is_taken() -> None:
    assert Function(max, fingerprint="1").name == "max"


def test_a_function_in_a_file_is_found_by_another_process(tmp_path: Path) -> None:
    file = tmp_path / "theirs.py"
    file.write_text(
        "import pi_amt\n"
        "def transcribe(samples, rate):\n"
        "    return pi_amt.Notes.from_arrays([1.0], [2.0], [60.0])\n"
    )
    model = Function(f"{file}:transcribe")
    sent = pickle.dumps(model)
    del sys.modules[model.function.__module__]  # as another process has it not
    again = pickle.loads(sent)
    assert again(SOUND, RATE).onsets.tolist() == [1.0]
    assert again.identity == again.identity_here() == model.identity
