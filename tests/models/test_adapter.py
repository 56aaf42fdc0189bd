"""Models that users bring: mistakes are named, and rows are found again in every process."""

from __future__ import annotations

import gc
import re
import subprocess
import sys
import weakref
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from tests.card import card

import pi_amt
from pi_amt.core.hashing import stable_text
from pi_amt.core.notes import Notes
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.models.adapter import as_transcriber
from pi_amt.study.conditions import make_conditions
from pi_amt.study.evaluate import evaluate
from pi_amt.study.jobs import Job

HZ = np.array([220.0, 440.0, 880.0])


class Mine:
    """Returns what it is told to; its activations normalise in place, as people write it."""

    def __init__(self, **changes: Any) -> None:
        self.changes = changes

    def analyze(self, samples: np.ndarray, sample_rate: int) -> Any:
        found: dict[str, Any] = {
            "values": np.linspace(1, 2, 12, dtype=np.float32).reshape(1, 3, 4),
            "frequencies": HZ,
            "times": np.arange(4)[None] * 0.1,
            "window_seconds": np.full(3, 0.1),
            "frame_rate": 10.0,
            "n_samples": len(samples),
            "sample_rate": sample_rate,
        } | self.changes
        return found.get("analysis") or Spectrogram(
            **{k: v for k, v in found.items() if k not in ("analysis", "activations", "notes")}
        )

    def activations(self, spectrogram: Spectrogram) -> Any:
        values = np.asarray(spectrogram.values)
        values /= values.max() / 2
        return self.changes.get("activations", {"pitch": values[0].T})

    def decode(self, activations: Mapping[str, Any]) -> Any:
        return self.changes.get("notes", Notes.empty())


class Short:
    """A recording of 0.4 s."""

    name = composition = "short"
    duration_seconds = 0.4

    def audio(self) -> tuple[np.ndarray, int]:
        return np.zeros(400, np.float32), 1000

    def notes(self) -> Notes:
        return Notes.from_arrays([0.1], [0.2], [69])

    def fingerprint(self) -> str:
        return "short"

    stamp = fingerprint


WHOLE = np.ones((1, 3, 4), np.float32)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"analysis": "text"}, "Mine.analyze: got str, expected a pi_amt.Spectrogram"),
        ({"values": WHOLE[0]}, r"values: got shape \(3, 4\), expected \(blocks, bins, frames\)"),
        ({"values": WHOLE[:, :, :0], "times": np.zeros((1, 0))}, "expected at least one frame"),
        ({"values": WHOLE * np.nan}, "NaN or infinite values"),
        ({"values": -20 * WHOLE}, "got values down to -20, expected linear magnitudes"),
        ({"values": WHOLE.astype(int)}, "values of type int64, expected float or complex"),
        ({"frequencies": HZ[::-1]}, "frequencies: .* do not ascend"),
        ({"frequencies": HZ - 220}, "expected Hz above 0"),
        ({"window_seconds": np.zeros(3)}, "window_seconds: .* above 0 and up to"),
        ({"frame_rate": 0.0}, "got frame_rate 0.0"),
        ({"times": np.zeros((1, 4))}, "times that do not ascend"),
        ({"activations": WHOLE}, "Mine.activations: got ndarray, expected a dict of arrays"),
        ({"notes": ([0.0], [1.0], [60])}, "Mine.decode: got tuple, expected pi_amt.Notes"),
    ],
)
def test_a_mistake_in_a_model_is_named_in_rows_and_result(
    changes: dict[str, Any], reason: str
) -> None:
    found = pi_amt.importance(Mine(**changes), [Short()], permutations=["random"], n_jobs=1)
    (row,) = {row.error for row in found.panels[0].rows}
    assert re.search(reason, row)
    left_out = "1 recording failed and is left out: "
    assert any(left_out in said and row in said for said in found.warnings)


def test_a_class_is_not_a_model() -> None:
    with pytest.raises(TypeError, match=r"got the class Mine, expected a model: an object, Mine"):
        as_transcriber(Mine)


def test_a_torch_module_alone_is_told_what_to_put_around_it() -> None:
    with pytest.raises(
        TypeError, match=r"Linear: got a torch module, .* that calls it, or a pi_am"
    ):
        as_transcriber(torch.nn.Linear(1, 1))


def test_a_model_may_normalise_in_place() -> None:
    model = as_transcriber(Mine())
    (clean,) = model.stream(np.zeros(400, np.float32), 1000)
    before = np.array(clean.values)
    first, second = model.outputs([clean, clean])
    assert np.array_equal(clean.values, before)
    assert np.array_equal(first["pitch"], second["pitch"])


def test_activations_are_of_the_recording_as_a_whole() -> None:
    blocks = 9  # more than a transcriber of our own takes at once
    many = {"values": np.repeat(WHOLE, blocks, axis=0), "times": np.arange(36.0).reshape(9, 4)}

    class Seen(Mine):
        def activations(self, spectrogram: Spectrogram) -> Any:
            return {"pitch": np.zeros((len(spectrogram.times), 88))}

    model = as_transcriber(Seen(**many))
    found = model.activations(model.analyze(np.zeros(400, np.float32), 1000))
    assert found["pitch"].shape == (blocks, 88)


@pytest.mark.parametrize("where", ["host", "card"])
def test_a_model_of_tensors_gets_tensors_where_it_put_them(where: str) -> None:
    with card() as device:
        there = device if where == "card" else torch.device("cpu")

        class Tensors(Mine):
            def activations(self, spectrogram: Spectrogram) -> Any:
                values = spectrogram.values
                assert isinstance(values, torch.Tensor)
                assert values.device == there
                return {"pitch": values[0].T}

            def pitch_activity(self, activations: Mapping[str, Any]) -> Any:
                return activations["pitch"].sum(dim=1, keepdim=True).expand(-1, 88)

        model = Tensors(values=torch.ones(1, 3, 4, device=there))
        conditions = tuple(make_conditions(["random", "fund_mask"]))
        rows = evaluate(Job(as_transcriber(model), "mine", Short(), conditions)).rows
    assert {row.status for row in rows} == {"ok"}, rows[0].error


def test_a_model_that_exits_costs_one_recording() -> None:
    def leave(activations: object) -> Notes:
        sys.exit(3)

    model = Mine()
    model.decode = leave  # type: ignore[method-assign]
    found = pi_amt.importance(model, [Short()], permutations=["random"], n_jobs=1)
    assert {row.error for row in found.panels[0].rows} == {"SystemExit: 3"}


def test_texts_are_the_same_in_every_process() -> None:
    code = (
        "import torch; from pi_amt.core.hashing import stable_text; torch.manual_seed(0);"
        "print(stable_text([lambda x: x, object(), torch.nn.Linear(2, 3), set('abcdefgh')]))"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    }
    assert len(told) == 1


@pytest.mark.parametrize(
    "make", [np.array, torch.tensor, lambda v: {"weights": [np.array(v)]}, tuple]
)
def test_texts_differ_where_contents_do(make: Callable[[list[float]], Any]) -> None:
    values = [0.0] * 5000
    other = [*values[:2500], 1.0, *values[2501:]]  # where repr shows dots
    assert stable_text(make(values)) == stable_text(make(list(values)))
    assert stable_text(make(values)) != stable_text(make(other))


class NotesOnly(Mine):
    """Its activations are notes, and it has no activity per pitch."""

    def __init__(self, *onsets: float) -> None:
        super().__init__(frequencies=HZ)
        self.onsets = onsets
        self.tunings: list[float] = []

    def activations(self, spectrogram: Spectrogram) -> Any:
        self.tunings.append(spectrogram.tuning_cents)
        return {"onsets": np.array(self.onsets)}

    def decode(self, activations: Mapping[str, Any]) -> Any:
        onsets = activations["onsets"]  # there, whether or not any was found
        return Notes.from_arrays(onsets, onsets + 0.1, np.full(len(onsets), 69.0))


@pytest.mark.parametrize("onsets", [(), (0.1,)])
def test_decode_gets_the_arrays_of_a_model_that_finds_nothing(onsets: tuple[float, ...]) -> None:
    model = as_transcriber(NotesOnly(*onsets))
    conditions = tuple(make_conditions(["random"]))
    rows = evaluate(Job(model, "mine", Short(), conditions)).rows
    assert {(row.status, row.counts["estimate"]) for row in rows} == {("ok", len(onsets))}
    assert len(model.transcribe(np.zeros(400, np.float32), 1000)) == len(onsets)


def test_without_pitch_activity_frame_scores_and_their_drops_are_empty() -> None:
    found = pi_amt.importance(NotesOnly(0.1), [Short()], permutations=["random"], n_jobs=1)
    for row in found.rows:
        assert row.scores["F-measure_no_offset"] == 1.0
        frames = {name: value for name, value in row.scores.items() if name.startswith("Frame_")}
        assert len(frames) == 5
        assert all(np.isnan(value) for value in frames.values()), frames
    one = found["random"]
    assert np.isnan([one.average_precision_drop, one.average_precision_low]).all()
    again = pi_amt.Importance.from_rows(found.rows, score="Frame_F-measure")
    assert np.isnan([again["random"].drop, again["random"].p]).all()
    assert any("gives no Frame_F-measure" in said for said in again.warnings)
    assert not any("without reference notes" in said for said in again.warnings)


def test_the_tuning_reaches_the_masks_of_a_model_that_does_not_take_it() -> None:
    model = NotesOnly(0.1)
    job = Job(as_transcriber(model), "mine", Short(), tuple(make_conditions([])), tuning=17.0)
    assert {row.status for row in evaluate(job).rows} == {"ok"}
    assert model.tunings == [17.0]


def test_a_model_that_measures_the_tuning_itself_keeps_its_own() -> None:
    class Measures(Mine):
        def analyze(self, samples: np.ndarray, sample_rate: int) -> Any:
            return replace(super().analyze(samples, sample_rate), tuning_cents=-8.0)

    model = as_transcriber(Measures(frequencies=HZ))
    (found,) = model.stream(np.zeros(400, np.float32), 1000, tuning_cents=17.0)
    assert found.tuning_cents == -8.0


def test_the_identity_says_what_a_model_does_without() -> None:
    class Everything(Mine):
        def analyze(self, samples: np.ndarray, sample_rate: int, tuning_cents: float = 0.0) -> Any:
            return super().analyze(samples, sample_rate)

        def pitch_activity(self, activations: Mapping[str, Any]) -> Any:
            return activations["pitch"]

    assert as_transcriber(NotesOnly()).identity.without == ("tuning_cents", "pitch_activity")
    assert as_transcriber(Everything()).identity.without == ()


def test_a_model_that_takes_the_tuning_says_itself_what_it_made_of_it() -> None:
    class Tuned(Mine):
        def analyze(self, samples: np.ndarray, sample_rate: int, tuning_cents: float = 0.0) -> Any:
            return super().analyze(samples, sample_rate)  # its bins have moved instead

    (found,) = as_transcriber(Tuned()).stream(np.zeros(400, np.float32), 1000, tuning_cents=17.0)
    assert found.tuning_cents == 0.0


def test_conditions_of_a_whole_recording_go_one_after_another_and_leave_notes_alone() -> None:
    """No more than the activations of one condition are there at a time."""
    made: list[weakref.ref[Any]] = []

    class Large(np.ndarray):
        pass

    class Counting(Mine):
        most = 0

        def activations(self, spectrogram: Spectrogram) -> Any:
            found = np.zeros((4, 88)).view(Large)
            made.append(weakref.ref(found))
            gc.collect()
            self.most = max(self.most, sum(one() is not None for one in made))
            return {"pitch": found}

    model = Counting()
    wanted = ["random", "fund_mask", "harm_mask", "high_freq"]
    conditions = tuple(make_conditions(wanted))
    rows = evaluate(Job(as_transcriber(model), "mine", Short(), conditions)).rows
    assert len(rows) == 5
    assert {row.status for row in rows} == {"ok"}, rows[0].error
    assert model.most <= 2  # the one before may still be in use while the next is made


@pytest.mark.parametrize("linear", [False, True])
def test_a_model_says_by_an_attribute_that_its_input_is_linear(linear: bool) -> None:
    class Linear(Mine):
        linear_input = linear

    model = as_transcriber(Linear())
    (spectrogram,) = model.stream(np.zeros(400, np.float32), 1000)
    assert spectrogram.linear_input == model.identity.linear_input == linear
    assert model.identity_here() == model.identity


def test_a_linear_input_is_said_by_the_model_and_not_by_its_spectrogram_alone() -> None:
    class Layered(Mine):
        linear_input = torch.nn.Linear(2, 2)

    assert not as_transcriber(Layered()).identity.linear_input
    with pytest.raises(ValueError, match="give it the attribute linear_input = True"):
        list(as_transcriber(Mine(linear_input=True)).stream(np.zeros(400, np.float32), 1000))
