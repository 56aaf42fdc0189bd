"""Checks of options: one sentence per mistake, the nearest name for a mistyped one."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Sequence
from numbers import Integral


def check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    """Raise ``ValueError`` unless ``value`` is one of ``choices``."""
    if value not in choices:
        raise ValueError(f"{name}: got {value!r}, expected one of {', '.join(choices)}")


def check_range(
    name: str, value: float, low: float, high: float = math.inf, unit: str = ""
) -> None:
    """Raise ``ValueError`` unless ``low <= value <= high`` (a number, not NaN)."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        limits = f"at least {low:g}" if high == math.inf else f"{low:g} to {high:g}"
        raise ValueError(f"{name}: got {value!r}, expected a number, {limits} {unit}".rstrip())


def check_count(name: str, value: int, low: int = 1, high: float = math.inf) -> None:
    """Raise ``ValueError`` unless ``value`` is a whole number and ``low <= value <= high``."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        limits = f"at least {low}" if high == math.inf else f"{low} to {high:g}"
        raise ValueError(f"{name}: got {value!r}, expected a whole number, {limits}")


def check_seed(seed: int) -> int:
    """The seed as a plain ``int``.

    Raises:
        ValueError: unless it is a whole number that a store can hold (64 bits).
    """
    if isinstance(seed, bool) or not isinstance(seed, Integral) or not -(2**63) <= seed < 2**63:
        raise ValueError(f"seed: got {seed!r}, expected a whole number of at most 64 bits")
    return int(seed)


def check_tuning(tuning: str | float) -> None:
    """Raise ``ValueError`` unless ``tuning`` is ``estimate``, ``off`` or cents within ±50."""
    number = isinstance(tuning, int | float) and not isinstance(tuning, bool)
    if tuning not in ("estimate", "off") and not (number and abs(float(tuning)) <= 50):
        raise ValueError(f"tuning: got {tuning!r}, expected estimate, off or cents within ±50")


def check_share(name: str, value: float) -> None:
    """Raise ``ValueError`` unless ``value`` is a number above 0 and up to 1."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
        raise ValueError(f"{name}: got {value!r}, expected a number above 0 and up to 1")


def check_flag(name: str, value: bool) -> None:
    """Raise ``ValueError`` unless ``value`` is true or false; any text would count as true."""
    if not isinstance(value, bool):
        raise ValueError(f"{name}: got {value!r}, expected true or false")


def check_text(name: str, value: str, example: str) -> None:
    """Raise ``ValueError`` unless ``value`` is text; the message shows an example."""
    if not isinstance(value, str):
        raise ValueError(f"{name}: got {value!r}, expected text, such as '{example}'")


def check_fingerprint(name: str, value: object) -> None:
    """Raise ``ValueError`` unless a model's ``fingerprint`` is a text that is not empty."""
    if not (isinstance(value, str) and value):
        raise ValueError(
            f"{name}: got {value!r}, expected a text that changes with the model's weights, such "
            "as the hash of their file"
        )


def check_known(what: str, names: Iterable[str], known: Iterable[str]) -> None:
    """Raise ``ValueError`` for the first name that is not known, with near matches."""
    known = list(known)
    for name in names:
        if name not in known:
            raise ValueError(unknown(what, name, known))


def unknown(what: str, got: str, known: Iterable[str]) -> str:
    """Message for a name that is not known: the nearest ones, or all that there are."""
    known = list(known)
    return f"{what}: got unknown {got!r}{near(got, known) or listing(known)}"


def near(word: str, known: Iterable[str]) -> str:
    """ "; did you mean …?" if some known words are near, else nothing."""
    found = difflib.get_close_matches(word, list(known), n=2)
    return f"; did you mean {' or '.join(found)}?" if found else ""


def listing(known: Iterable[str]) -> str:
    """ "; there are …", or that there are none."""
    return f"; there are {', '.join(known) or 'none'}"
