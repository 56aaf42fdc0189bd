"""Words, names and durations in sentences for people."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

LISTED = 20
#: how notes below a table begin that are warnings
WARNING = "Warning: "


def plural(count: int, one: str, many: str = "") -> str:
    """``1 recording``, ``2 recordings``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def enumeration(names: Sequence[str], last: str = "and") -> str:
    """``a``, ``a and b``, ``a, b and c``, of one name at least."""
    return f"{', '.join(names[:-1])} {last} {names[-1]}" if len(names) > 1 else names[0]


def rough_duration(seconds: float) -> str:
    """A duration that is not exact: ``1.5 h``, ``12 min``, ``18 s``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def duration(seconds: float) -> str:
    """A duration that is exact: ``1.5 h``, ``12.3 min``, ``18 s``."""
    if seconds >= 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.0f} s"


def folded(name: str) -> str:
    """A name without what file systems and people write in several ways: letter case, and accents
    as one character or as two (NFC, NFD)."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def without_accents(text: str) -> str:
    """The text with plain letters for those that have accents."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def first_few(names: Sequence[str]) -> str:
    """``a, b, c``; of more names the first three, and ``…``."""
    return ", ".join([*names[:3], *(["…"] if len(names) > 3 else [])])


def listed(lines: Sequence[str]) -> list[str]:
    """The lines, of many the first :data:`LISTED` and how many more there are."""
    if len(lines) <= LISTED + 1:
        return list(lines)
    return [*lines[:LISTED], f"and {len(lines) - LISTED} more"]
