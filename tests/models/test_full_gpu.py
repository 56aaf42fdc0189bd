"""A GPU that is full: smaller batches, then the CPU where the device was left open."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.toys import ToyTrack, ToyTranscriber

from pi_amt.conditions import make_conditions
from pi_amt.jobs import Job
from pi_amt.models import ModelSpec
from pi_amt.recording import evaluate


class Crowded(ToyTranscriber):
    """Runs out of memory above ``fits`` blocks at a time."""

    fits = 2

    def network(self, values: torch.Tensor, reference: Any) -> dict[str, torch.Tensor]:
        if len(values) > self.fits:
            raise torch.OutOfMemoryError("simulated")
        return super().network(values, reference)


class Full(Crowded):
    """Nothing fits, unless the CPU was asked for."""

    def __init__(self, device: str = "auto") -> None:
        super().__init__()
        self.fits = 99 if device == "cpu" else 0


def _job(model: Any) -> Job:
    conditions = make_conditions(["fund_mask"])
    return Job(model, "toys", ToyTrack("a"), tuple(conditions))


def test_smaller_batches_give_the_same_rows() -> None:
    crowded = Crowded()
    with pytest.warns(UserWarning, match="2 blocks at a time"):
        rows = evaluate(_job(crowded)).rows
    assert crowded.micro_batch == 2
    expected = evaluate(_job(ToyTranscriber())).rows
    assert [r.scores for r in rows] == [r.scores for r in expected]
    assert {r.status for r in rows} == {"ok"}


def test_auto_goes_on_with_the_cpu() -> None:
    with pytest.warns(UserWarning, match="with the CPU"):
        rows = evaluate(_job(ModelSpec(f"{__name__}:Full"))).rows
    assert {r.status for r in rows} == {"ok"}


def test_a_device_that_was_asked_for_gives_an_error_that_says_what_to_do() -> None:
    with pytest.warns(UserWarning, match="is full"):
        rows = evaluate(_job(ModelSpec(f"{__name__}:Full", '{"device":"cuda"}'))).rows
    assert all(r.status == "error" and "device=cpu" in r.error for r in rows)
