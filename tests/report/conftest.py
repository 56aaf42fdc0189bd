"""One study and one report for all tests of the report."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.report.study import run_toy_study
from tests.rows import make_rows

from pi_amt.permutation_importance import Importance
from pi_amt.report.page.build import build
from pi_amt.study.progress import StageProgress


@pytest.fixture(scope="session")
def toy_results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results folder of the toy study."""
    return run_toy_study(tmp_path_factory.mktemp("toy_study"))


@pytest.fixture(scope="session")
def toy_build(toy_results: Path) -> tuple[Path, list[tuple[str, int]]]:
    """Its report with two excerpts, and the stages that were told on the way with their steps."""
    told: list[tuple[str, int]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StageProgress, "stage", lambda _, name, steps=0: told.append((name, steps)))
        patch.setattr(StageProgress, "step", lambda _, name: told.append((name, 1)))
        path = build(toy_results, toy_results.parent / "page" / "report.html", examples=2)
    return path, told


@pytest.fixture(scope="session")
def toy_report(toy_build: tuple[Path, list[tuple[str, int]]]) -> Path:
    """The report of the toy study, with the explorer."""
    return toy_build[0]


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
