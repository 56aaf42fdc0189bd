"""One cell of a table as text: for a terminal, for Markdown, for LaTeX."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

NOTHING = "–"
#: what LaTeX reads as something else than text
_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "∞": r"$\infty$",
    "→": r"$\to$",
    "–": "--",
    "−": "$-$",
    "×": r"$\times$",
    "Δ": r"$\Delta$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "[": "{[}",
    "*": "{*}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}

#: what Markdown reads as something else than text; underscores only at the edge of a word
_MARKDOWN = re.compile(r"[\\|`*$~\[\]]|(?<![^\W_])_|_(?![^\W_])")


def format_value(value: Any, specification: str = ".3f") -> str:
    """One value for people: dash if undefined, ``<0.0001`` for small p-values."""
    if value is None or is_undefined(value):
        return NOTHING
    if isinstance(value, str | int):
        return str(value)
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if specification == "p":
        return "<0.0001" if value < 1e-4 else f"{value:.4f}"
    text = f"{value:{specification}}"
    return text.removeprefix("-") if re.fullmatch(r"-0\.?0*", text) else text


def is_undefined(value: Any) -> bool:
    """Whether a value is NaN."""
    return isinstance(value, float) and math.isnan(value)


def widest(cells: Sequence[str]) -> int:
    """Length of the longest text."""
    return max(len(cell) for cell in cells)


def markdown_text(text: str) -> str:
    """Text that Markdown shows as it is: no end of a cell, no HTML, emphasis, link or formula.

    Underscores inside words mean nothing in Markdown and stay, so that names can be read in the
    source, too.
    """
    plain = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(_MARKDOWN, r"\\\g<0>", plain)


def minus(text: str) -> str:
    """Numbers with a minus sign (−0.3) in place of a hyphen, for people."""
    return re.sub(r"(?<!\w)-(?=[\d.])", "−", text)


def rounded(value: float) -> str:
    """A number as sentences and pictures show it: two decimals, a minus sign, a dash for NaN."""
    return minus(format_value(value, ".2f"))


def latex_text(text: str) -> str:
    """Text with LaTeX's special characters escaped; a number's sign is a minus.

    ``[`` and ``*`` are braced: after the end of a line of a table they would be its options.
    """
    return "".join(_LATEX.get(c, c) for c in " ".join(minus(text).split()))
