"""What the examples of the documentation print, stored beside them: the outputs of the notebooks,
of the tutorial and of ``docs/your-model.md``.

``python scripts/make_examples.py`` runs the notebooks of ``examples`` from top to bottom and stores
their tables, pictures and sounds in them. Then it runs the commands of ``docs/tutorial.md``: those
of each block that a ``literalinclude`` follows, in the order of the page, and writes what the last
one prints into the file that is included. It runs the Python blocks of ``docs/your-model.md`` in
the same way. The commands share ``results`` of the folder that it is
started in, so that rows that are there already are not computed again.
"""

from __future__ import annotations

import importlib
import io
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import nbclient

nbformat: Any = importlib.import_module("nbformat")  # it has no types

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))
TUTORIAL = ROOT / "docs" / "tutorial.md"
YOUR_MODEL = ROOT / "docs" / "your-model.md"
#: a block of commands, and the file that holds what the last of them prints
SHOWN = re.compile(
    r"^```\n((?:(?:pi-amt|python -m pi_amt) (?:.*\\\n)*.*\n)+)```\n\n"
    r"```\{literalinclude\} (\S+)$",
    re.MULTILINE,
)
#: a block of Python, and the file that holds what it prints
PRINTED = re.compile(
    r"^```python\n(.*?)^```\n\n```\{literalinclude\} (generated/\S+)$", re.M | re.S
)
#: columns that a page has room for
WIDTH = "88"


def run_notebook(path: Path) -> None:
    """Execute a notebook in an empty folder, and store it with its outputs."""
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        client = nbclient.NotebookClient(
            notebook, timeout=1800, resources={"metadata": {"path": folder}}
        )
        # what a progress bar would like to have is nothing for a reader
        client.execute(env={**os.environ, "PYTHONWARNINGS": "ignore:IProgress not found"})
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # times of day
    notebook.metadata["language_info"] = {"name": "python"}
    nbformat.write(notebook, path)


def shown(text: str) -> Iterator[tuple[list[str], str]]:
    """Commands of each block of a page whose output is shown, and the file of the output."""
    for commands, file in SHOWN.findall(text):
        yield re.sub(r"\\\n\s*", "", commands).splitlines(), file


def run_tutorial() -> None:
    """Run the commands and store what they print."""
    for commands, file in shown(TUTORIAL.read_text(encoding="utf-8")):
        printed = ""
        for command in commands:
            arguments = shlex.split(re.sub(r"^(pi-amt|python -m pi_amt) ", "", command))
            printed = subprocess.run(
                [sys.executable, "-m", "pi_amt", *arguments],
                env={**os.environ, "COLUMNS": WIDTH, "NO_COLOR": "1"},
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            ).stdout
        store(file, printed)


def run_blocks() -> None:
    """Run the blocks of Python, each by itself, and store what they print."""
    os.environ["COLUMNS"] = WIDTH
    sys.path.insert(0, str(ROOT / "docs" / "examples"))
    for block, file in PRINTED.findall(YOUR_MODEL.read_text(encoding="utf-8")):
        with redirect_stdout(io.StringIO()) as printed:
            exec(compile(block, YOUR_MODEL.name, "exec"), {})
        store(file, printed.getvalue())


def store(file: str, printed: str) -> None:
    """Write what was printed where a page includes it from."""
    path = ROOT / "docs" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(printed.strip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    for path in NOTEBOOKS:
        run_notebook(path)
    run_tutorial()
    run_blocks()
