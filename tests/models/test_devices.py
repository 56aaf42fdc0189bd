"""Side-by-side calls: in order, one torch thread each, nothing left changed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from pi_amt.models.devices import map_on_threads

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def restore_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_a_thread_that_torch_has_not_been_used_on_keeps_its_one_torch_thread() -> None:
    torch.set_num_threads(3)  # a pool of its own
    map_on_threads(lambda i: i, range(8), CPU)
    assert map_on_threads(lambda _: torch.get_num_threads(), range(8), CPU) == [1] * 8


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_are_in_order_and_each_call_has_one_torch_thread(threads: int) -> None:
    torch.set_num_threads(threads)
    results = map_on_threads(lambda i: (i, torch.get_num_threads()), range(20), CPU)
    assert results == [(i, 1) for i in range(20)]
    assert torch.get_num_threads() == threads
    seen: list[int] = []
    other = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
    other.start()
    other.join()
    assert seen == [threads]


@pytest.mark.parametrize("threads", [1, 3])
def test_calls_are_in_inference_mode(threads: int) -> None:
    torch.set_num_threads(threads)
    assert all(map_on_threads(lambda _: torch.is_inference_mode_enabled(), range(4), CPU))
    assert not torch.is_inference_mode_enabled()


@pytest.mark.parametrize("threads", [1, 3])
def test_errors_reach_the_caller(threads: int) -> None:
    torch.set_num_threads(threads)
    with pytest.raises(ZeroDivisionError):
        map_on_threads(lambda i: 1 / i, range(3), CPU)
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize("own", ["ieee", "tf32"])
def test_convolutions_of_a_gpu_are_exact_whatever_the_process_has_set(own: str) -> None:
    cudnn: Any = torch.backends.cudnn
    if not hasattr(cudnn, "conv"):
        pytest.skip("this torch has no fp32_precision")

    def settings(_: int) -> tuple[str, bool]:
        return cudnn.conv.fp32_precision, cudnn.deterministic

    before = cudnn.conv.fp32_precision
    try:
        cudnn.conv.fp32_precision = own
        assert map_on_threads(settings, [0], torch.device("cuda")) == [("ieee", True)]
        assert settings(0) == (own, False)
    finally:
        cudnn.conv.fp32_precision = before


def test_an_older_torch_gets_the_older_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    cudnn: Any = torch.backends.cudnn
    monkeypatch.delattr(type(cudnn), "conv", raising=False)  # it came with torch 2.9
    assert map_on_threads(lambda _: cudnn.allow_tf32, [0], torch.device("cuda")) == [False]
    assert cudnn.allow_tf32
