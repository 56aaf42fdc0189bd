"""``pi-amt new``: a package with a model, a dataset or a permutation to begin from.

What it writes installs with pip, is found by its name through an entry point, and passes its own
tests from the start.
"""

from __future__ import annotations

import keyword
import re
from importlib.util import find_spec
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from pi_amt.cli.plugins import REGISTRIES

KINDS = ("model", "dataset", "permutation")
#: file of the package → its template
_FILES = {
    "pyproject.toml": "pyproject.toml.j2",
    "README.md": "README.md.j2",
    # below src/: to Python, a folder of the module's name would hide the module from its parent
    "src/{name}.py": "{kind}.py.j2",
    "tests/test_{name}.py": "test_{kind}.py.j2",
}


def write_package(kind: str, name: str, parent: Path = Path()) -> Path:
    """Write the package into a folder of its name.

    Args:
        kind: one of :data:`KINDS`.
        name: of the plug-in, its module and the folder.
        parent: where the folder is made.

    Returns:
        The folder.

    Raises:
        ValueError: for a name that cannot be used, or a folder that is there already.
    """
    _check_name(kind, name)
    folder = parent / name
    if folder.exists():
        raise ValueError(
            f"new: got {name}, but {folder.absolute()} is there already: choose another name, or "
            "move it away"
        )
    templates = Environment(
        loader=PackageLoader("pi_amt.cli", "templates"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    words = {"kind": kind, "name": name, "class_name": name.title().replace("_", "")}
    for file, template in _FILES.items():
        path = folder / file.format(**words)
        path.parent.mkdir(parents=True, exist_ok=True)
        text = templates.get_template(template.format(**words)).render(words)
        path.write_text(text, encoding="utf-8")
    return folder


def _check_name(kind: str, name: str) -> None:
    """Raise ``ValueError`` for a name that Python, pip or pi_amt could not tell from another."""
    if not re.fullmatch(r"[a-z]([a-z0-9_]*[a-z0-9])?", name) or keyword.iskeyword(name):
        near = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
        if not near or near[0].isdigit() or keyword.iskeyword(near):
            near = f"my_{near or kind}"
        raise ValueError(
            f"new: got the name {name!r}, expected small letters, digits and _, such as {near}"
        )
    for other in REGISTRIES[kind].entries():
        if other.name == name:
            raise ValueError(
                f"new: got {name}, but there is a {kind} of that name ({other.origin}): choose "
                "another name"
            )
    if find_spec(name) is not None:
        raise ValueError(
            f"new: got {name}, but there is a Python module of that name: choose another name"
        )
