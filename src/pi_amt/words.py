"""Words in sentences about results."""

from __future__ import annotations


def plural(count: int, one: str, many: str = "") -> str:
    """``1 recording``, ``2 recordings``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
