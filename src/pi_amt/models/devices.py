"""Where a model computes, and how finely."""

from __future__ import annotations

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
