"""Notebooks of the documentation: running them, and reading what they show."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest


def execute(path: Path, folder: Path, first: str | None = None) -> Any:
    """The notebook, run from top to bottom in an empty folder, which its metadata names; ``first``
    is run before its cells."""
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    notebook = nbformat.read(path, as_version=4)
    if first is not None:
        notebook.cells.insert(0, nbformat.v4.new_code_cell(first))
    client = nbclient.NotebookClient(
        notebook, timeout=600, resources={"metadata": {"path": str(folder)}}
    )
    client.execute(env={**os.environ, "OMP_NUM_THREADS": "1"})
    notebook.metadata["folder"] = str(folder)
    return notebook


def outputs(notebook: Any, source: str) -> list[Any]:
    """Outputs of the cells whose source holds this text."""
    cells = [c for c in notebook.cells if c.cell_type == "code" and source in c.source]
    assert cells, source
    return [output for cell in cells for output in cell.outputs]


def check_stored(path: Path) -> list[Any]:
    """The stored outputs: every cell has been run in its order, and none failed."""
    nbformat = pytest.importorskip("nbformat")
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert all(cell.outputs for cell in cells)
    shown = [output for cell in cells for output in cell.outputs]
    assert not [output for output in shown if output.output_type == "error"]
    return shown
