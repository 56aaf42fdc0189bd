"""A graphics card for machines without one: tensors that say they are on it and compute here.

What CUDA refuses is refused: one operation on tensors of two devices, numpy's view of a tensor on
the card. Values are those of the CPU, so a path through the card can be compared with one without.
It knows nothing of the card's own arithmetic, memory and speed; where there is a real card,
:func:`card` gives that one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_flatten, tree_map

_CARD = torch.device("cuda:0")
_CPU = torch.device("cpu")
_Tensor = torch.Tensor
# CUDA takes indices and values for these from the host
_MIXES = (_Tensor.__getitem__, _Tensor.__setitem__, _Tensor.copy_, _Tensor.to)
_FILLS = (_Tensor.__setitem__, _Tensor.copy_)
_NUMPY = (_Tensor.numpy, _Tensor.__array__)
# these make devices or ask about them, and compute nothing
_AS_THEY_ARE = (torch.device, torch.Generator, torch._C._nn._parse_to)


@contextmanager
def card() -> Iterator[torch.device]:
    """The device ``cuda:0`` while this lasts, simulated unless there is one."""
    if torch.cuda.is_available():
        yield _CARD
        return
    replace_parameters = torch.__future__.get_overwrite_module_params_on_conversion()
    torch.__future__.set_overwrite_module_params_on_conversion(True)
    one = {"_lazy_init": lambda: None, "device_count": lambda: 1, "is_available": lambda: True}
    try:
        with (
            mock.patch.multiple("torch.cuda", **one),  # type: ignore[call-overload]
            mock.patch.object(_Tensor, "pin_memory", _Tensor.clone),
            _Simulation(),
        ):
            yield _CARD
    finally:
        torch.__future__.set_overwrite_module_params_on_conversion(replace_parameters)


class OnCard(torch.Tensor):
    """A tensor of the CPU that says it is on the card."""

    @classmethod
    def __torch_function__(
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        with torch._C.DisableTorchFunctionSubclass():
            return _simulated(func, args, kwargs or {})


class _Simulation(TorchFunctionMode):
    """Sees every call of torch, also of those that make tensors."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        with torch._C.DisableTorchFunctionSubclass():
            return _simulated(func, args, kwargs or {})


def _simulated(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What a call gives on a machine with a card."""
    if func in _AS_THEY_ARE:
        return func(*args, **kwargs)
    if func is torch._has_compatible_shallow_copy_type:
        return False  # a module that moves gets other parameters
    if func is _Tensor.__iter__:
        return iter(_simulated(_Tensor.unbind, args, kwargs))
    leaves = tree_flatten((args, kwargs))[0]
    tensors = [leaf for leaf in leaves if isinstance(leaf, _Tensor)]
    on_card = [isinstance(tensor, OnCard) for tensor in tensors]
    if func == _Tensor.device.__get__:
        return _CARD if on_card[0] else _CPU
    if func == _Tensor.is_cuda.__get__:  # type: ignore[attr-defined]
        return on_card[0]
    if any(on_card):
        _check(func, tensors)
    if func is _Tensor.cpu:
        return _bare(args[0]).clone()
    result = func(*tree_map(_bare, args), **tree_map(_bare, kwargs))
    if args and isinstance(args[0], OnCard) and _in_place(func):
        return args[0]
    named = [device for leaf in leaves if (device := _device(leaf)) is not None]
    if func in _FILLS:
        there = on_card[0]
    elif named:
        there = named[-1] == _CARD
    else:
        there = any(on_card)
    return tree_map(_on_card, result) if there else result


def _check(func: Callable[..., Any], tensors: list[torch.Tensor]) -> None:
    """Raises what CUDA's users know."""
    if func in _NUMPY:
        raise TypeError("can't convert cuda:0 device type tensor to numpy")
    strangers = [t for t in tensors if not isinstance(t, OnCard) and t.ndim]
    if strangers and func not in _MIXES:
        raise RuntimeError("Expected all tensors to be on the same device")


def _in_place(func: Callable[..., Any]) -> bool:
    """Whether a method changes its tensor and gives it back: its name ends with one underscore."""
    name = getattr(func, "__name__", "")
    return name.endswith("_") and not name.endswith("__")


def _device(leaf: Any) -> torch.device | None:
    """The device that an argument names."""
    if isinstance(leaf, str) and leaf.partition(":")[0] in ("cpu", "cuda"):
        leaf = torch.device(leaf)
    if not isinstance(leaf, torch.device):
        return None
    return _CARD if leaf.type == "cuda" else _CPU


def _bare(leaf: Any) -> Any:
    """What an argument is on the CPU."""
    if isinstance(leaf, OnCard):
        return leaf.as_subclass(_Tensor)
    return _CPU if _device(leaf) is not None else leaf


def _on_card(leaf: Any) -> Any:
    return leaf.as_subclass(OnCard) if isinstance(leaf, _Tensor) else leaf
