"""Studies of models of which nothing is known but their notes: a failure costs its own row."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from tests.toys import toy_tracks, transcribe

import pi_amt
from pi_amt.core.notes import Notes
from pi_amt.models.loading import ModelSpec
from pi_amt.store.rows import Row


def rows(model: object) -> list[Row]:
    found = pi_amt.importance(
        model,  # type: ignore[arg-type]
        toy_tracks(2, seconds=2.0),
        permutations=["ratio_fund_mask", "ratio_harm_mask"],
        n_jobs=1,
        quiet=True,
    )
    return [row for panel in found.panels for row in panel.rows]


def quiet_without_fundamentals(samples: np.ndarray, sample_rate: int) -> Notes:
    """Fails where the fundamentals, the loudest partials of the toy's tones, are gone."""
    if np.sqrt(np.mean(np.square(samples))) < 0.09:
        raise KeyError("silence\nof the fundamentals")
    return transcribe(samples, sample_rate)


def test_a_function_loses_what_it_reads() -> None:
    f = {(row.track, row.label): row.scores["F-measure_no_offset"] for row in rows(transcribe)}
    for track in ("toy_000", "toy_001"):
        assert f[track, "no_permutation"] == 1.0
        assert f[track, "ratio_fund_mask"] < 0.5
        assert f[track, "ratio_harm_mask"] == 1.0


def test_a_condition_under_which_a_function_fails_costs_its_own_rows() -> None:
    found = rows(quiet_without_fundamentals)
    failed = [row for row in found if row.status == "error"]
    assert {(row.track, row.label) for row in failed} == {
        ("toy_000", "ratio_fund_mask"),
        ("toy_001", "ratio_fund_mask"),
    }
    assert {row.error for row in failed} == {r"KeyError: 'silence\nof the fundamentals'"}
    assert all("quiet_without_fundamentals" in row.traceback for row in failed)
    assert len([row for row in found if row.status == "ok"]) == 4


def test_a_command_that_fails_costs_one_line_and_the_run_goes_on(tmp_path: Path) -> None:
    tool = tmp_path / "tool.py"
    tool.write_text("import sys\nsys.exit('no model\\nno luck')\n")
    options = f'{{"command": "{sys.executable} {tool} {{wav}} {{mid}}", "label": "mine"}}'
    found = rows(ModelSpec("command", options))
    assert len(found) == 6
    reason = f"{Path(sys.executable).name} ended with error 1: no model | no luck"
    assert {(row.model, row.status, row.error) for row in found} == {("mine", "error", reason)}


def test_rows_of_a_function_that_cannot_be_read_are_not_kept(tmp_path: Path) -> None:
    with open(tmp_path / "network", "w") as network:

        def listen(samples: np.ndarray, sample_rate: int) -> object:
            return network

        kept = {"permutations": ["random"], "results_dir": tmp_path / "results"}
        with pytest.raises(ValueError, match=r"listen: network .*model\.fingerprint=TEXT"):
            pi_amt.importance(listen, toy_tracks(1), **kept)  # type: ignore[arg-type]
