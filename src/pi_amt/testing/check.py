"""What a contract test found, and how it is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pi_amt.core.text import plural


@dataclass(frozen=True)
class Check:
    """What a contract test found.

    Attributes:
        name: of what was checked.
        problems: rules that it breaks, a sentence each with what to do.
        looked_at: what the answer rests on, one line.
    """

    name: str
    problems: tuple[str, ...]
    looked_at: str

    def __str__(self) -> str:
        return f"{verdict(self.name, self.problems)} ({self.looked_at})"

    __repr__ = __str__


def verdict(name: str, problems: Sequence[str]) -> str:
    """Each problem on a line of its own, then how many there are."""
    broken = [f"PROBLEM: {problem}" for problem in problems]
    count = plural(len(problems), "problem") if problems else "no problem"
    return "\n".join([*broken, f"{name}: found {count}"])


def told(error: BaseException) -> str:
    """An error in one line, with its kind."""
    said = " ".join(str(error).split())
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
