"""Basic Pitch (Spotify, ICASSP 2022): our own network with the published weights.

Importing this package is cheap; the model's modules load when :class:`BasicPitch` is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pi_amt.models.basic_pitch.model import BasicPitch

__all__ = ["BasicPitch"]


def __getattr__(name: str) -> Any:
    if name == "BasicPitch":
        from pi_amt.models.basic_pitch.model import BasicPitch

        return BasicPitch
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
