"""Values → text that is the same in every process and differs where contents differ.

Rows are found again by such texts. ``repr`` alone tells the address of a function or an object,
which no other process has, and hides the middle of a large array. The short ``repr`` of our own
objects is for people and leaves most of them out.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import PurePath
from typing import Any

import numpy as np
import torch

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def stable_text(value: Any) -> str:
    """Text of a value: arrays, tensors and the weights of torch modules by their contents."""
    if isinstance(value, torch.nn.Module):
        return f"{_ADDRESS.sub('', repr(value))} {stable_text(value.state_dict())}"
    if isinstance(value, torch.Tensor):
        data = value.detach().cpu().contiguous().flatten()
        return _array_text(str(value.dtype), value.shape, data.view(torch.uint8).numpy().tobytes())
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        return _array_text(str(value.dtype), value.shape, value.tobytes())
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {stable_text(v)}" for key, v in value.items()) + "}"
    if type(value) in (list, tuple):
        return f"{type(value).__name__}({', '.join(map(stable_text, value))})"
    if isinstance(value, set | frozenset):  # strings stand in another order in every process
        return f"{type(value).__name__}({', '.join(sorted(map(stable_text, value)))})"
    return _ADDRESS.sub("", _long_form(value))


def _long_form(value: Any) -> str:
    """``repr`` as Python makes it where the value's own is a short one of this package."""
    if not str(getattr(type(value).__repr__, "__module__", "")).startswith("pi_amt."):
        return repr(value)
    if not is_dataclass(value):
        return object.__repr__(value)
    shown = (f"{f.name}={_long_form(getattr(value, f.name))}" for f in fields(value) if f.repr)
    return f"{type(value).__qualname__}({', '.join(shown)})"


def _array_text(kind: str, shape: tuple[int, ...], data: bytes) -> str:
    return f"{kind}{list(shape)} sha256 {hashlib.sha256(data).hexdigest()[:16]}"


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no blanks: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=_json_text)


def _json_text(value: Any) -> Any:
    """What JSON does not know: numpy's numbers as such, a path as it is, all else by contents."""
    if isinstance(value, np.generic):
        return value.item()
    return str(value) if isinstance(value, PurePath) else stable_text(value)


def digest(value: Any) -> str:
    """sha256 of the canonical JSON."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()
