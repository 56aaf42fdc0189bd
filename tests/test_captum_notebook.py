"""The captum notebook runs from top to bottom, and its prose is right about what it shows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from tests.notebooks import check_stored, execute, outputs

NOTEBOOK = Path(__file__).resolve().parents[1] / "examples" / "captum.ipynb"


def text(shown: list[Any]) -> str:
    return "".join(output.get("text", "") for output in shown if output.get("name") == "stdout")


def registers(shown: list[Any]) -> dict[str, list[float]]:
    """The mean drop in each register, by what was done."""
    lines = text(shown).splitlines()[1:]
    return {line[:24].strip(): [float(number) for number in line[24:].split()] for line in lines}


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    pytest.importorskip("captum", reason="captum is not installed: pi_amt[captum]")
    return execute(NOTEBOOK, tmp_path_factory.mktemp("notebook"))


def test_captum_and_the_study_agree(executed: Any) -> None:
    found = re.findall(r"captum (\S+)  study (\S+)", text(outputs(executed, "study = ")))
    assert len(found) == 3
    assert all(captum == study != "0.0000" for captum, study in found)


def test_the_fundamentals_of_one_octave_count(executed: Any) -> None:
    drops = registers(outputs(executed, "drops = "))
    removed, other, exchanged = drops.values()
    assert max(removed) == removed[2] > 0.15
    assert max(map(abs, other)) < 0.05
    assert min(exchanged[3:]) > 0.05 > max(removed[3:])


def test_the_stored_notebook_shows_what_its_cells_make(executed: Any) -> None:
    shown = check_stored(NOTEBOOK)
    assert not [output for output in shown if output.get("name") == "stderr"]
    assert sum("image/png" in output.get("data", {}) for output in shown) == 1
    stored = {k: v for k, v in registers(shown[-2:]).items() if len(v) == 5}
    assert stored.keys() == registers(outputs(executed, "drops = ")).keys()
