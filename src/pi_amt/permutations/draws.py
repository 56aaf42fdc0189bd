"""Keyed draws: every random value is a hash of (key, absolute frame, bin, stream).

There is no generator state, so a value does not depend on what was drawn before it: the blocks of
a stream get what the whole recording would have got, overlapping blocks agree, and doses are
nested. The hash is two rounds of a multiply–xorshift finaliser (the shape of splitmix64, Steele
et al. 2014) in 64-bit wrap-around arithmetic of torch, so it runs on any device.
"""

from __future__ import annotations

import math

import torch

_MASK64 = (1 << 64) - 1
# Odd constants: the golden ratio and Stafford's "mix 13" multipliers.
_GOLDEN = 0x9E3779B97F4A7C15
_BIN_STEP = 0xD1342543DE82EF95
_MULTIPLY_1 = 0xBF58476D1CE4E5B9
_MULTIPLY_2 = 0x94D049BB133111EB


def hash_key(key: int, stream: int) -> int:
    """64-bit hash of a key and the number of a stream."""
    return _mix_int((key + (stream + 1) * _GOLDEN) & _MASK64)


def hash_bits(key: int, frames: torch.Tensor, bins: torch.Tensor, stream: int = 0) -> torch.Tensor:
    """64 random bits per (frame, bin).

    Args:
        key: 64-bit key, any Python integer.
        frames: int64 absolute frame numbers (may be negative), broadcast against ``bins``.
        bins: int64 bin numbers.
        stream: another stream gives independent values for the same counters.

    Returns:
        int64 tensor of the broadcast shape, all 64 bits uniform.
    """
    start = hash_key(key, stream)
    per_frame = _mix_(frames * _signed(_GOLDEN) + _signed(start))
    return _mix_(per_frame + bins * _signed(_BIN_STEP))


def uniform(bits: torch.Tensor) -> torch.Tensor:
    """Upper 23 of the 64 bits → float32 strictly inside (0, 1)."""
    return _unit(_shift(bits, 41))


def rayleigh(bits: torch.Tensor) -> torch.Tensor:
    """Bits → Rayleigh-distributed float32 with a root mean square of 1."""
    return uniform(bits).log_().neg_().sqrt_()


def complex_normal(bits: torch.Tensor) -> torch.Tensor:
    """Bits → circular complex Gaussian, complex64, root mean square of 1.

    Magnitude from the upper bits, phase from the lower ones.
    """
    phase = _unit(bits & 0x7FFFFF).mul_(2.0 * math.pi)
    return torch.polar(rayleigh(bits), phase)


def sort_last_(values: torch.Tensor) -> torch.Tensor:
    """Sort along the last axis, in place where the values are on the CPU: numpy's vectorised sort
    is ten times faster there than torch's, with the same result."""
    if values.device.type == "cpu":
        values.numpy().sort(axis=-1)
        return values
    return torch.sort(values, dim=-1).values


def _unit(bits23: torch.Tensor) -> torch.Tensor:
    # 23 bits and a half are exact in float32 and never reach 0 or 1.
    return bits23.to(torch.float32).add_(0.5).mul_(2.0**-23)


def _shift(bits: torch.Tensor, by: int) -> torch.Tensor:
    """Logical right shift of int64 (torch's own is arithmetic)."""
    return (bits >> by).bitwise_and_((1 << (64 - by)) - 1)


def _mix_(x: torch.Tensor) -> torch.Tensor:
    x ^= _shift(x, 30)
    x *= _signed(_MULTIPLY_1)
    x ^= _shift(x, 27)
    x *= _signed(_MULTIPLY_2)
    x ^= _shift(x, 31)
    return x


def _mix_int(x: int) -> int:
    x = ((x ^ (x >> 30)) * _MULTIPLY_1) & _MASK64
    x = ((x ^ (x >> 27)) * _MULTIPLY_2) & _MASK64
    return x ^ (x >> 31)


def _signed(value: int) -> int:
    """The same 64 bits as a signed integer."""
    return value - (1 << 64) if value >= 1 << 63 else value
