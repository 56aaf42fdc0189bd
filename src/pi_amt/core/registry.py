"""Names of models, datasets, permutations, scorers and executors: what ships, and what other
packages add through entry points.

A plug-in can be broken: its module cannot be imported, it is no object of its kind, or its name is
taken. None of this stops anybody who does not ask for it. A broken plug-in stands among the others
with its reason, and whoever asks for it by name is told that reason.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pi_amt.core.checks import unknown

_OURS = "built in"


@dataclass(frozen=True)
class Entry:
    """One name of a registry.

    Attributes:
        name: by which it is asked for.
        path: ``package.module:attribute``.
        origin: ``built in``, or the package that adds it with its version.
        problem: why it cannot be used, a sentence that says what to do; empty where nothing is
            wrong.
        summary: one line about it, once it was looked at.
    """

    name: str
    path: str
    origin: str = _OURS
    problem: str = ""
    summary: str = ""


def first_sentence(found: object) -> str:
    """The first sentence of a docstring as one line, without its full stop."""
    paragraph = " ".join((inspect.getdoc(found) or "").partition("\n\n")[0].split())
    return paragraph.partition(". ")[0].rstrip(".").replace("``", "")


@dataclass(frozen=True)
class Registry:
    """All names of one kind.

    Attributes:
        what: the kind, in errors: ``model``, ``dataset``.
        group: of entry points, such as ``pi_amt.models``.
        built_in: what ships, name → ``package.module:attribute``, in the order of ``pi-amt list``.
        expected: what must stand behind a name, in the words of an error.
        is_one: whether an object may stand behind a name.
        summary: one line about the object.
    """

    what: str
    group: str
    built_in: Mapping[str, str]
    expected: str
    is_one: Callable[[Any], bool] = callable
    summary: Callable[[Any], str] = first_sentence

    def entries(self) -> list[Entry]:
        """Everything that is registered: what ships first, then plug-ins by name.

        Nothing is imported. Nobody can take the name of what ships, and a name that two packages
        give stands for neither of them: nobody could know which one was meant.
        """
        shipped = [Entry(name, path) for name, path in self.built_in.items()]
        plugged = [Entry(p.name, p.value, _origin(p)) for p in _points(self.group)]
        for i, entry in enumerate(plugged):
            same = [
                e for e in (*shipped, *plugged) if e.name == entry.name and e.path != entry.path
            ]
            if same:
                clash = (
                    f"{entry.origin} gives the name {entry.name} to {entry.path}, and "
                    f"{' and '.join(_giver(e) for e in same)} {'has' if len(same) == 1 else 'have'}"
                    f" one of that name: ask for it as {entry.path}, and ask its author to rename "
                    "the entry point"
                )
                plugged[i] = replace(entry, problem=clash)
        return [*shipped, *plugged]

    def paths(self) -> dict[str, str]:
        """The names that can be asked for, what ships first, and where each leads."""
        return {entry.name: entry.path for entry in self.entries() if not entry.problem}

    def names(self) -> list[str]:
        """The names that can be asked for, sorted."""
        return sorted(self.paths())

    def load(self, name: str) -> Any:
        """What a registered name or a path ``package.module:attribute`` stands for.

        Raises:
            ValueError: for an unknown name, with near matches, or for a name or path behind which
                there is nothing of this kind, with the reason.
        """
        asked = sorted((e for e in self.entries() if e.name == name), key=lambda e: bool(e.problem))
        if not asked and ":" not in name:
            raise ValueError(unknown(self.what, name, self.names()))
        return self._behind(asked[0] if asked else Entry(name, name))

    def look(self) -> Iterator[Entry]:
        """Everything that is registered, each with its one line, or with what is wrong with it."""
        for entry in self.entries():
            try:
                yield replace(entry, summary=self.summary(self._behind(entry)))
            except ValueError as error:
                yield replace(entry, problem=str(error))

    def _behind(self, entry: Entry) -> Any:
        """The object of an entry; ``ValueError`` where it cannot be used."""
        if entry.problem:
            raise ValueError(f"{self.what}: {entry.problem}")
        module, _, attribute = entry.path.partition(":")
        whose = "" if entry.origin == _OURS else f", which {entry.origin} adds"
        try:
            found = importlib.import_module(module)
            for part in attribute.split("."):
                found = getattr(found, part)
        # a module may raise anything while it is imported; SystemExit would end the program
        except (Exception, SystemExit) as error:
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            raise ValueError(
                f"{self.what}: cannot load {entry.name} from {entry.path}{whose} ({reason})"
            ) from error
        if not self.is_one(found):
            raise ValueError(
                f"{self.what} {entry.name}{whose}: got {found!r}, expected {self.expected}"
            )
        return found


@cache
def _points(group: str) -> tuple[EntryPoint, ...]:
    """Entry points of a group by name; what is installed does not change while a program runs."""
    points = {(p.name, p.value, _origin(p)): p for p in entry_points(group=group)}
    return tuple(points[key] for key in sorted(points))


def _origin(point: EntryPoint) -> str:
    """The package of an entry point and its version."""
    package = point.dist
    return f"{package.name} {package.version}" if package is not None else "another package"


def _giver(entry: Entry) -> str:
    """Whose a name is."""
    return "pi_amt" if entry.origin == _OURS else entry.origin
