"""The table of conditions that were run with several settings."""

from __future__ import annotations

import pytest
from tests.rows import make_dose_rows, make_rows

from pi_amt.permutation_importance import Importance
from pi_amt.report.catalog import catalog
from pi_amt.report.tables.sensitivity import sensitivity


def test_lists_what_varied_and_only_that() -> None:
    rows = make_dose_rows({0.1: 0.1, 0.3: 0.2}, constant={"draw": "per_frame"}, noise=0.0)
    rows += [row for row in make_rows({"microtonal": 0.0}) if row.role != "baseline"]
    importance = Importance.from_rows(rows)
    table = sensitivity(catalog(importance))
    assert table.columns[:2] == ("permutation", "p")
    assert table.column("p") == ["0.1", "0.3"]
    assert table.column("drop") == pytest.approx([0.1, 0.2])


def test_tells_an_unsaid_option_from_a_said_one_and_leaves_profiles_out() -> None:
    labels: dict[str, dict[str, object]] = {
        "fund_mask": {"fill": "silence"},
        "fund_mask(normalization=model)": {"fill": "silence", "normalization": "model"},
        "remove_harmonic(harmonic=1)": {"harmonic": 1},
        "remove_harmonic(harmonic=2)": {"harmonic": 2},
    }
    importance = Importance.from_rows(make_rows(dict.fromkeys(labels, 0.1), parameters=labels))
    table = sensitivity(catalog(importance))
    assert table.columns[:2] == ("permutation", "normalization")
    assert table.column("normalization") == ["frozen", "model"]
    assert set(table.column("permutation")) == {"fund_mask"}
