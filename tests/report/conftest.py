"""One study and one report for all tests of the report."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.report.study import run_toy_study

from pi_amt.report.page.build import build


@pytest.fixture(scope="session")
def toy_results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results folder of the toy study."""
    return run_toy_study(tmp_path_factory.mktemp("toy_study"))


@pytest.fixture(scope="session")
def toy_report(toy_results: Path) -> Path:
    """Its report, with the explorer."""
    return build(toy_results, toy_results.parent / "page" / "report.html", examples=2)
