"""What a contract test found."""

from __future__ import annotations

from dataclasses import dataclass


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
        broken = [f"PROBLEM: {problem}" for problem in self.problems]
        return "\n".join([*broken, f"{self.name}: {self.looked_at}"])

    __repr__ = __str__


def told(error: BaseException) -> str:
    """An error in one line, with its kind."""
    return " ".join(f"{type(error).__name__}: {error}".split())
