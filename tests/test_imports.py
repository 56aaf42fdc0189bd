"""The import direction of CONTRIBUTING.md: what a module reaches lies below it.

Imports inside functions do not count: they are there to be late (a sub-command, a plot).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"
MODULES = {
    ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in (SOURCE / "pi_amt").rglob("*.py")
}
#: from the bottom to the top; what stands side by side does not know each other
LAYERS = (
    ("units", "rows"),
    ("notes", "audio", "spectrogram", "store"),
    ("permutations", "models", "datasets", "scoring", "statistics"),
    ("study", "report"),
    ("permutation_importance",),
    ("app", "cli", "commands"),
)


def imported(nodes: list[ast.stmt]) -> Iterator[str]:
    """Modules of the package that these statements import when they are run."""
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pi_amt"):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in MODULES else str(node.module)
        elif isinstance(node, ast.If) and ast.unparse(node.test) != "TYPE_CHECKING":
            yield from imported([*node.body, *node.orelse])


@cache
def needed(module: str) -> frozenset[str]:
    """What a module imports itself."""
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    return frozenset(imported(tree.body)) - {"pi_amt"}


def reached(*modules: str) -> set[str]:
    """All that modules need, directly or through others."""
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        new = needed(waiting.pop()) - found
        found |= new
        waiting += new
    return found


def part(name: str) -> set[str]:
    """A module, or a package with all its modules."""
    root = f"pi_amt.{name}"
    return {module for module in MODULES if module == root or module.startswith(f"{root}.")}


def test_no_module_needs_itself() -> None:
    assert [module for module in MODULES if module in reached(module)] == []


@pytest.mark.parametrize("level", range(len(LAYERS)))
def test_a_layer_reaches_neither_what_is_above_nor_what_is_beside_it(level: int) -> None:
    above = {name for layer in LAYERS[level + 1 :] for name in layer}
    for name in LAYERS[level]:
        beside = {other for other in LAYERS[level] if other != name} if level < 3 else set()
        forbidden = {module for other in above | beside for module in part(other)}
        assert reached(*part(name)) & forbidden == set(), name
