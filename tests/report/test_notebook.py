"""The example notebook runs from top to bottom and shows what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.notebooks import check_stored, execute, outputs

NOTEBOOK = Path(__file__).resolve().parents[2] / "examples" / "importance.ipynb"
# The cells run as they are, on the first seconds of each recording.
SHORT = """
from functools import partial
import pi_amt
pi_amt.load_dataset = partial(pi_amt.load_dataset, max_seconds=2)
"""


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return execute(NOTEBOOK, tmp_path_factory.mktemp("notebook"), SHORT)


def test_numbers_are_shown(executed: Any) -> None:
    shape = next(o for o in outputs(executed, "importances.shape") if o.output_type != "stream")
    conditions, pieces, repeats = eval(shape.data["text/plain"])
    assert (pieces, repeats) == (3, 1)
    assert conditions > 4  # the controls are there, too
    text = "".join(o.get("text", "") for o in outputs(executed, "headline"))
    assert "Basic Pitch" in text


@pytest.mark.parametrize("plot", ["plot_forest", "plot_piece", "plot_dose", "plot_profile"])
def test_every_plot_is_drawn(executed: Any, plot: str) -> None:
    pictures = [o for o in outputs(executed, plot) if "image/png" in o.get("data", {})]
    assert len(pictures) == 1


def test_report_is_written(executed: Any) -> None:
    page = Path(executed.metadata["folder"]) / "importance_report.html"
    assert "fund_mask" in page.read_text(encoding="utf-8")


def test_the_stored_notebook_shows_what_its_cells_make() -> None:
    """It is a page of the documentation, which shows stored outputs and runs nothing."""
    shown = check_stored(NOTEBOOK)
    assert sum("<audio" in o.get("data", {}).get("text/html", "") for o in shown) == 2
    assert sum("image/png" in o.get("data", {}) for o in shown) == 5
    assert NOTEBOOK.stat().st_size < 1_500_000
