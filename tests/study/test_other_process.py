"""Models that are sent to another process, which imports their modules anew."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from pickle import PicklingError
from typing import Any

import numpy as np
import pytest
import torch
from tests.models.test_hooked import Net, program
from tests.toys import ToyTrack, ToyTranscriber

from pi_amt.core.notes import Notes
from pi_amt.models.adapter import as_transcriber
from pi_amt.study.conditions import make_conditions
from pi_amt.study.dispatch import run_jobs
from pi_amt.study.evaluate import evaluate
from pi_amt.study.jobs import Job

SOURCE = """
import numpy as np
import torch
from pi_amt import Notes, Spectrogram

net = torch.nn.Linear(1, 1)
torch.nn.init.constant_(net.weight, 0.0)


def transcribe(samples, sample_rate):
    return Notes.from_arrays([0.0], [1.0], [60.0 + net.weight.item()])


class Steps:
    def analyze(self, samples, sample_rate):
        values = np.ones((1, 2, 3), np.float32)
        return Spectrogram(
            values, np.array([200.0, 400.0]), np.arange(3.0)[None], np.full(2, 0.1), 1.0, 3, 1
        )

    def activations(self, spectrogram):
        return {"a": np.full((3, 1), net.weight.item())}

    def decode(self, activations):
        return transcribe(None, None)
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A module with a network, a function and a model of three methods that use it."""
    (tmp_path / "of_theirs.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module("of_theirs")
    del sys.modules["of_theirs"]


def job(model: Any, *, sent: bool = True) -> Job:
    """A job of the baseline, as another process would have sent it."""
    made = Job(as_transcriber(model), "toy", ToyTrack("a"), tuple(make_conditions([])))
    return replace(made, process="another one") if sent else made


def errors(one: Job) -> list[str]:
    return [row.error for row in evaluate(one).rows]


@pytest.mark.parametrize("kind", ["transcribe", "Steps"])
def test_weights_that_only_the_first_process_loaded_are_missed(module: Any, kind: str) -> None:
    # what stands for the other process: here the module has other weights than when the job was
    # made
    torch.nn.init.constant_(module.net.weight, 1.0)
    model = module.transcribe if kind == "transcribe" else module.Steps()
    sent, stayed = job(model), job(model, sent=False)
    assert errors(sent) == [""]
    torch.nn.init.constant_(module.net.weight, 0.0)
    (reason,) = errors(sent)
    assert "other values from the modules of this model than in the process" in reason
    assert errors(stayed) == [""]  # it may be another model by now, but nobody imported it anew


def test_a_model_that_loads_when_it_is_called_is_itself(module: Any) -> None:
    torch.nn.init.constant_(module.net.weight, 1.0)

    def load(samples: Any, sample_rate: int) -> Notes:
        torch.nn.init.constant_(module.net.weight, 1.0)
        found: Notes = real(samples, sample_rate)
        return found

    real, sent = module.transcribe, job(module.transcribe)
    torch.nn.init.constant_(module.net.weight, 0.0)
    sent.model.listener.answer = load  # type: ignore[union-attr]
    assert errors(sent) == [""]


def test_a_copy_of_an_opened_model_says_why_its_module_is_not_called() -> None:
    net, other = Net(), Net()
    model = program(net)
    model._opening.__setstate__({**vars(model._opening), "_place": other})
    with pytest.raises(ValueError, match=r"was copied, .* hand the network to it .* n_jobs=1"):
        model.analyze(np.zeros(8_000, np.float32), 16_000)


class _Refusing(Executor):
    """An executor whose workers cannot be sent anything."""

    def submit(self, *_: Any, **__: Any) -> Future[Any]:
        future: Future[Any] = Future()
        error = PicklingError("Could not pickle the task to send it to the workers.")
        error.__cause__ = RuntimeError("Traceback\nTypeError: cannot pickle '_thread.lock' object")
        future.set_exception(error)
        return future


def test_what_cannot_be_sent_is_refused_with_the_way_out() -> None:
    @contextmanager
    def refusing() -> Iterator[Executor]:
        yield _Refusing()

    said = r"toy on a: .* cannot be sent to another process \(TypeError: .* use n_jobs=1"
    with pytest.raises(ValueError, match=said):
        list(run_jobs([job(ToyTranscriber())], refusing))


def test_what_no_worker_can_read_is_told_from_a_worker_that_died() -> None:
    class Broken(Executor):
        def submit(self, *_: Any, **__: Any) -> Future[Any]:
            error = BrokenExecutor("A task has failed to un-serialize.")
            error.__cause__ = RuntimeError("Traceback\nModuleNotFoundError: No module named 'x'")
            future: Future[Any] = Future()
            future.set_exception(error)
            return future

    @contextmanager
    def broken() -> Iterator[Executor]:
        yield Broken()

    ((_, result),) = run_jobs([job(ToyTranscriber())], broken)
    (row,) = result.rows
    assert "a worker process cannot read the model, the recording or a condition" in row.error
    assert "(ModuleNotFoundError: No module named 'x')" in row.error
    assert "out of memory" not in row.error
