"""The whole unit of work on a graphics card, real or simulated, against the CPU."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.card import OnCard, card

from pi_amt.datasets.loading import load_dataset
from pi_amt.datasets.track import FileTrack
from pi_amt.models.loading import load_model
from pi_amt.models.transcriber import BatchedTranscriber, Transcriber
from pi_amt.permutations.loading import available
from pi_amt.store.rows import Row
from pi_amt.study.conditions import Condition, make_conditions
from pi_amt.study.evaluate import evaluate
from pi_amt.study.jobs import Job

# Timbre-Trap's readable network takes seconds a block on a CPU
_SECONDS = {"basic_pitch": 4.0, "timbre_trap": 1.5}
_CASES = [
    ("basic_pitch", "frozen", make_conditions(available(), controls=True)),
    ("basic_pitch", "model", make_conditions(["soft_fund_mask", "high_freq"])),
    ("timbre_trap", "frozen", make_conditions(["soft_fund_mask", "harm_mask", "microtonal"])),
]


def _rows(model: Transcriber, conditions: list[Condition]) -> tuple[Row, ...]:
    seconds = _SECONDS[model.identity.name]
    track, neighbour = load_dataset("demo", max_tracks=2, max_seconds=seconds)
    assert isinstance(track, FileTrack)
    job = Job(model, "demo", track, tuple(conditions), neighbour=neighbour)
    return evaluate(job).rows


@pytest.mark.parametrize(("name", "normalization", "made"), _CASES)
def test_a_card_gives_the_rows_of_the_cpu(
    name: str, normalization: str, made: list[Condition]
) -> None:
    conditions = [replace(condition, normalization=normalization) for condition in made]
    expected = _rows(load_model(name, device="cpu"), conditions)
    with card() as device:
        model = load_model(name, device=str(device))
        assert isinstance(model, BatchedTranscriber)
        assert model.device == device
        model.micro_batch = 2  # the full 16 would be filled up with copies
        got = _rows(model, conditions)
    assert {row.status for row in got} <= {"ok", "empty"}
    assert [row.status for row in got] == [row.status for row in expected]
    for ours, theirs in zip(got, expected, strict=True):
        assert ours.scores == pytest.approx(theirs.scores, abs=1e-3, nan_ok=True)
        assert ours.effects == pytest.approx(theirs.effects, abs=1e-2, nan_ok=True)


def test_resynthesis_comes_back_from_the_card() -> None:
    samples = np.sin(np.arange(22050, dtype=np.float32) / 22050 * 2 * math.pi * 440)
    with card() as device:
        model = load_model("timbre_trap", device=str(device))
        heard = model.synthesize(model.analyze(samples, 22050))  # type: ignore[attr-defined]
    np.testing.assert_allclose(heard, samples, atol=0.02)


@pytest.mark.skipif(torch.cuda.is_available(), reason="tests the simulation, there is a real card")
def test_the_simulated_card_refuses_what_a_card_refuses() -> None:
    with card() as device:
        there, here = torch.ones(3, device=device), torch.ones(3)
        assert isinstance(there, OnCard)
        assert there.device == device
        with pytest.raises(RuntimeError, match="same device"):
            there + here
        with pytest.raises(TypeError, match="numpy"):
            there.numpy()
        with pytest.raises(TypeError, match="numpy"):
            np.asarray(there)
        assert (there + 1).cpu().tolist() == [2, 2, 2]
        assert there[here.bool()].device == device
        layer = torch.nn.Linear(3, 2).to(device)
        assert layer(there).device == device
        with pytest.raises(RuntimeError, match="same device"):
            layer(here)
    assert not torch.cuda.is_available()
