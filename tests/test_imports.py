"""The import direction: what a package imports lies below it, and no module needs itself.

Every import counts, also those inside functions and those for type checkers only: each is a link
that a reader must follow.
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
    ("core",),
    ("datasets", "models", "permutations", "scoring"),
    ("store",),
    ("statistics", "study"),
    ("report",),
    ("permutation_importance", "captum_bridge", "testing"),
    ("cli",),
    ("__main__",),
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
#: A package's face hands on names of its own modules, which import each other by their full names.
FACES = {module for module, path in MODULES.items() if path.name == "__init__.py"}
#: (module, what it imports) → why that is right all the same
EXCUSED = {
    ("pi_amt.study.executors.dask_cluster", "pi_amt"): (
        "the version that a dask worker has imported is asked of the imported package: its "
        "metadata may be newer"
    ),
}


def imported(module: str) -> Iterator[str]:
    """Modules of the package that a module imports, wherever in its text."""
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module in MODULES:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in MODULES else node.module


@cache
def needed(module: str) -> frozenset[str]:
    """What a module imports, without itself and what is excused."""
    excused = {target for source, target in EXCUSED if source == module}
    return frozenset(imported(module)) - {module} - excused


def reached(module: str) -> set[str]:
    """All that a module needs, directly or through others; faces are passed through."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        new = needed(waiting.pop()) - found
        found |= new
        waiting += new
    return found


def level_of(module: str) -> int:
    """The layer of a module of a package."""
    return LEVEL[module.split(".")[1]]


def test_every_part_has_its_layer() -> None:
    parts = {module.split(".")[1] for module in MODULES if module != "pi_amt"}
    assert parts == set(LEVEL)


@pytest.mark.parametrize("module", sorted(MODULES.keys() - {"pi_amt"}))
def test_a_module_imports_only_its_own_package_and_what_lies_below(module: str) -> None:
    own = module.split(".")[1]
    wrong = [
        other
        for other in needed(module)
        if other == "pi_amt" or (other.split(".")[1] != own and level_of(other) >= level_of(module))
    ]
    assert wrong == []


def test_no_module_needs_itself() -> None:
    assert [module for module in MODULES if module in reached(module)] == []


def test_inside_the_package_names_come_from_their_own_modules() -> None:
    asked = {(m, face) for m in MODULES for face in needed(m) & FACES if face != "pi_amt"}
    assert asked == set()


@pytest.mark.parametrize("pair", sorted(EXCUSED))
def test_what_is_excused_is_still_there(pair: tuple[str, str]) -> None:
    assert pair[1] in set(imported(pair[0]))
