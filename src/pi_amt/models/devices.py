"""Where a model computes, how finely, and on how many threads.

A convolution that is itself spread over several threads may add in another order than on one. So
each piece of work runs on a single thread, and several pieces run at a time: results do not depend
on the number of threads.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, TypeVar

import torch

from pi_amt.core.checks import check_choice

PRECISIONS = ("fp32", "bf16")


def pick_device(device: str) -> torch.device:
    """``auto``, ``cpu``, ``cuda`` or ``cuda:N`` → a device that exists.

    Raises:
        ValueError: for anything else, or a GPU that is not there.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        picked = torch.device(device)
    except RuntimeError:
        picked = torch.device("meta")
    if picked.type not in ("cpu", "cuda"):
        raise ValueError(f"device: got {device!r}, expected auto, cpu, cuda or cuda:N")
    if picked.type == "cuda" and (picked.index or 0) >= torch.cuda.device_count():
        got = f"{device!r} on a machine with {torch.cuda.device_count()} GPUs"
        raise ValueError(f"device: got {got}, expected one that exists, use device=cpu or auto")
    return picked


def is_full(error: BaseException) -> bool:
    """Whether an error means that a GPU has no memory left (its libraries have words of their own
    for it, and so has the driver when not even a context fits)."""
    if isinstance(error, torch.cuda.OutOfMemoryError):  # by the name that torch 2.4 has, too
        return True
    words = ("out of memory", "ALLOC_FAILED", "CUFFT_INTERNAL_ERROR")
    return isinstance(error, RuntimeError) and any(word in str(error) for word in words)


def check_precision(precision: str) -> str:
    """The precision, if it is one.

    Raises:
        ValueError: if it is not ``fp32`` or ``bf16``.
    """
    check_choice("precision", precision, PRECISIONS)
    return precision


Item = TypeVar("Item")
Result = TypeVar("Result")


def map_on_threads(
    function: Callable[[Item], Result], items: Iterable[Item], device: torch.device
) -> list[Result]:
    """``[function(item) for item in items]``, in inference mode.

    On a CPU the calls are spread over as many threads as torch may use, each with one torch thread
    to itself; on a GPU they are queued one after another, their convolutions in true fp32.
    """
    if device.type == "cuda":
        with torch.inference_mode(), _exact_convolutions():
            return [function(item) for item in items]

    def call(item: Item) -> Result:
        with torch.inference_mode():
            return function(item)

    threads = torch.get_num_threads()
    if threads == 1:
        return [call(item) for item in items]
    try:
        return list(_pool(threads, os.getpid()).map(call, items))
    finally:
        # what the pool's threads set for themselves is also torch's default for new threads
        torch.set_num_threads(threads)


@contextmanager
def _exact_convolutions() -> Iterator[None]:
    """cuDNN repeats itself and takes fp32 for fp32, not TF32; afterwards as the process had it.

    Not by ``torch.backends.cudnn.flags``: it raises, or leaves TF32 on, where the process has used
    the settings of torch 2.9 (``fp32_precision``).
    """
    cudnn: Any = torch.backends.cudnn
    wanted: list[tuple[Any, str, Any]]
    wanted = [(cudnn, "enabled", True), (cudnn, "deterministic", True), (cudnn, "benchmark", False)]
    if hasattr(cudnn, "conv"):
        wanted.append((cudnn.conv, "fp32_precision", "ieee"))
    else:
        wanted.append((cudnn, "allow_tf32", False))
    before = [getattr(owner, name) for owner, name, _ in wanted]
    try:
        for owner, name, value in wanted:
            setattr(owner, name, value)
        yield
    finally:
        for (owner, name, _), value in zip(wanted, before, strict=True):
            setattr(owner, name, value)


@lru_cache(maxsize=2)
def _pool(threads: int, process: int) -> ThreadPoolExecutor:
    """A pool of this process (a forked child has none of its parent's threads)."""
    return ThreadPoolExecutor(threads, f"pi_amt-{process}", initializer=_one_thread)


def _one_thread() -> None:
    """Give this thread one torch thread for good.

    torch sets a thread up when it is first used there, from the default of the process, which may
    be another one by then. So it is asked first, and told afterwards.
    """
    torch.get_num_threads()
    torch.set_num_threads(1)
