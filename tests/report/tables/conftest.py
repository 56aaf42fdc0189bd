"""One table for the tests of what tables show and of what the importance table holds."""

from __future__ import annotations

import pytest
from tests.rows import make_rows

from pi_amt.permutation_importance import Importance
from pi_amt.report.tables.table import Table


@pytest.fixture
def result_table() -> Table:
    """The importance table of two conditions, one of them with its control, and the floor."""
    planted = {"fund_mask": 0.3, "matched_tracks(fund_mask)": 0.1, "harm_mask": 0.1, "floor": 0.6}
    return Importance.from_rows(make_rows(planted), n_resamples=200).table()
