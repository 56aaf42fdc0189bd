"""Rows of models that heard perturbed sound, with planted reliance on the fundamentals."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.rows import make_row, make_rows

from pi_amt.store.rows import Row

HEARD = json.dumps({"domain": "audio"})


def league_rows(
    model: str,
    drops: Mapping[str, float],
    *,
    onset: float | None = None,
    noise: float = 0.0,
    **options: Any,
) -> list[Row]:
    """A model in the audio domain; ``onset`` is the drop without the fundamentals of onsets."""
    planted, parameters = dict(drops), {}
    if onset is not None:
        planted |= {"fund_mask(onset=only)": onset, "matched_tracks(fund_mask)": 0.0}
        parameters["fund_mask(onset=only)"] = {"onset": "only"}
    rows = make_rows(
        planted,
        model=f"{model} (audio)",
        settings=HEARD,
        noise=noise,
        parameters=parameters,
        **options,
    )
    return [_as_named(row) for row in rows]


def _as_named(row: Row) -> Row:
    """The control's target is the condition's whole label, as in a study."""
    if row.label != "matched_tracks(fund_mask)":
        return row
    fields = {name: getattr(row, name) for name in ("model", "settings", "dataset")}
    score = row.scores["F-measure_no_offset"]
    return make_row(
        row.label, score, track=row.track, target="fund_mask(onset=only)", **fields
    )  # fmt: skip
