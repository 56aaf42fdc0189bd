"""One study and one report for all tests of the report."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.report.study import run_toy_study
from tests.rows import make_rows

from pi_amt.permutation_importance import Importance
from pi_amt.report.page.build import build


@pytest.fixture(scope="session")
def toy_results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results folder of the toy study."""
    return run_toy_study(tmp_path_factory.mktemp("toy_study"))


@pytest.fixture(scope="session")
def toy_report(toy_results: Path) -> Path:
    """Its report, with the explorer."""
    return build(toy_results, toy_results.parent / "page" / "report.html", examples=2)


@pytest.fixture(scope="session")
def thousand() -> Importance:
    """Two models on a thousand recordings under eight conditions."""
    names = ("random", "microtonal", "high_freq", "fund_mask", "harm_mask", "soft_fund_mask",
             "soft_harm_mask", "matched_tracks(fund_mask)")  # fmt: skip
    drops = {name: 0.04 * i for i, name in enumerate(names)}
    rows = [
        row
        for model in ("basic_pitch", "timbre_trap")
        for row in make_rows(drops, n_pieces=1000, model=model)
    ]
    return Importance.from_rows(rows, n_resamples=100)
