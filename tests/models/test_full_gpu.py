"""A GPU that is full: smaller batches, then the CPU where the device was left open."""

from __future__ import annotations

import weakref
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from tests.toys import ToyTrack, ToyTranscriber

from pi_amt.core.spectrogram import moved
from pi_amt.models.devices import is_full
from pi_amt.models.loading import ModelSpec
from pi_amt.permutations.effects import EffectMeter
from pi_amt.permutations.loading import load_permutation
from pi_amt.permutations.permutation import Scene
from pi_amt.study.conditions import make_conditions
from pi_amt.study.evaluate import evaluate
from pi_amt.study.jobs import Job


class Crowded(ToyTranscriber):
    """Runs out of memory above ``fits`` blocks at a time."""

    fits = 2

    def network(self, values: torch.Tensor, reference: Any) -> dict[str, torch.Tensor]:
        if len(values) > self.fits:
            raise torch.OutOfMemoryError("simulated")
        return super().network(values, reference)


class NoContext(ToyTranscriber):
    """The GPU has no room for the model itself; its driver says so in its own words."""

    def __init__(self, device: str = "auto") -> None:
        super().__init__()
        if device != "cpu":
            raise RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be …")


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
    with pytest.warns(UserWarning, match="2 blocks at once"):
        rows = evaluate(_job(crowded)).rows
    assert crowded.micro_batch == 2
    expected = evaluate(_job(ToyTranscriber())).rows
    assert [r.scores for r in rows] == [r.scores for r in expected]
    assert {r.status for r in rows} == {"ok"}


@pytest.mark.filterwarnings("ignore:cpu is full")
def test_auto_goes_on_with_the_cpu() -> None:
    with pytest.warns(UserWarning, match="with the CPU"):
        rows = evaluate(_job(ModelSpec(f"{__name__}:Full"))).rows
    assert {r.status for r in rows} == {"ok"}


def test_a_device_that_was_asked_for_gives_an_error_that_says_what_to_do() -> None:
    with pytest.warns(UserWarning, match="is full"):
        rows = evaluate(_job(ModelSpec(f"{__name__}:Full", '{"device":"cuda"}'))).rows
    assert all(r.status == "error" and "device=cpu" in r.error for r in rows)


def test_a_model_that_does_not_fit_is_made_on_the_cpu_if_the_device_was_left_open() -> None:
    with pytest.warns(UserWarning, match="GPU is full .CUDA error: out of memory.: going on"):
        rows = evaluate(_job(ModelSpec(f"{__name__}:NoContext"))).rows
    assert {r.status for r in rows} == {"ok"}
    with pytest.raises(ValueError, match=r"the GPU is full .*, or use device=cpu"):
        ModelSpec(f"{__name__}:NoContext", '{"device":"cuda"}').build()


@pytest.mark.filterwarnings("ignore:cpu is full")
def test_the_error_does_not_hold_the_gpu_while_the_cpu_works() -> None:
    """A traceback keeps the tensors of all frames that it went through."""
    held: list[weakref.ref[Any]] = []

    class Holding(Full):
        def __init__(self, device: str = "auto") -> None:
            super().__init__(device)
            self.on_cpu = device == "cpu"

        def network(self, values: torch.Tensor, reference: Any) -> dict[str, torch.Tensor]:
            if self.on_cpu:
                assert held
                assert all(reference() is None for reference in held)
            else:
                held.append(weakref.ref(values))
            return super().network(values, reference)

    globals()["Holding"] = Holding
    with pytest.warns(UserWarning, match="with the CPU"):
        rows = evaluate(_job(ModelSpec(f"{__name__}:Holding"))).rows
    assert {r.status for r in rows} == {"ok"}, rows[0].error


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (torch.OutOfMemoryError("CUDA out of memory."), True),
        (RuntimeError("CUDA error: out of memory"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), True),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_what_counts_as_full(error: Exception, full: bool) -> None:
    assert is_full(error) == full


def test_errors_are_told_apart_with_the_oldest_torch_too(monkeypatch: pytest.MonkeyPatch) -> None:
    full = torch.OutOfMemoryError("CUDA out of memory.")
    monkeypatch.delattr(torch, "OutOfMemoryError")  # 2.4 has it in torch.cuda only
    assert is_full(full)
    assert not is_full(ValueError("no audio"))


def test_on_the_way_to_a_gpu_memory_is_pinned_and_nobody_waits() -> None:
    class Host:
        device = torch.device("cpu")
        calls: ClassVar[list[Any]] = []

        def pin_memory(self) -> Host:
            self.calls.append("pinned")
            return self

        def to(self, *args: Any, **options: Any) -> str:
            self.calls.append((args, options))
            return "there"

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "as_tensor", lambda values: values)
        gpu: Any = torch.device("cuda")
        assert moved(Host(), gpu) == "there"  # type: ignore[arg-type]
    assert Host.calls == ["pinned", ((gpu,), {"non_blocking": True})]
    samples = np.zeros(3, np.float32)
    assert moved(samples, torch.device("cpu")).data_ptr() == samples.ctypes.data


def test_an_account_of_energies_never_waits_for_the_device() -> None:
    """Tensors on ``meta`` have no values: reading one would raise."""
    toy = ToyTranscriber()
    (clean,) = list(toy.stream(*ToyTrack("a").audio()))[:1]
    clean = clean.with_values(moved(clean.values, torch.device("meta")))
    permutation = load_permutation("fund_mask")
    notes = ToyTrack("a").notes()
    meter = EffectMeter()
    perturbed, change = permutation.perturb(Scene(clean, notes, key=1))
    meter.push(clean, perturbed, change, notes, kept=toy.counted_frames(clean))
    assert perturbed.tensor.device.type == "meta"
