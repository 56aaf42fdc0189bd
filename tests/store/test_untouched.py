"""A condition that touches nothing is empty, whatever wrote its row; other zeros stay."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.rows import make_row
from tests.toys import TOY, ToyTrack

import pi_amt
from pi_amt.cli.main import main
from pi_amt.permutations.shuffles import HighFreq
from pi_amt.statistics.dose import dose_curves
from pi_amt.store.rows import Row
from pi_amt.store.untouched import UNTOUCHED, untouched_are_empty

NOTHING: dict[str, Any] = {"effects": {"touched_share": 0.0, "removed_db": 0.0}}


def status(*rows: Row) -> list[str]:
    return [row.status for row in untouched_are_empty(rows)]


def test_a_row_whose_input_stayed_as_it_is_is_empty_and_says_why() -> None:
    (row,) = untouched_are_empty([make_row("high_freq", 0.7, **NOTHING)])
    assert (row.status, row.error) == ("empty", UNTOUCHED)
    assert status(make_row("matched_tracks(high_freq)", 0.7, **NOTHING)) == ["empty"]


@pytest.mark.parametrize(
    "label",
    ["no_permutation", "identity", "leak_other(no_permutation)", "ablate_channel", "audio_without"],
)
def test_what_acts_elsewhere_or_is_meant_to_touch_nothing_keeps_its_score(label: str) -> None:
    assert status(make_row(label, 0.7, **NOTHING)) == ["ok"]


def test_a_coalition_keeps_its_score() -> None:
    assert status(make_row("coalition", 0.7, role="coalition", **NOTHING)) == ["ok"]


def test_rows_that_do_not_tell_keep_their_score() -> None:
    assert status(make_row("high_freq", 0.7, effects={})) == ["ok"]
    changed = make_row("mine", 0.6, baseline_score=0.7, **NOTHING)
    assert changed.counts["lost"] == 10
    assert status(changed) == ["ok"]


def test_one_draw_that_touches_nothing_beside_others_is_a_drop_of_zero() -> None:
    rows = [
        make_row("random", 0.7, repeat=0, **NOTHING),
        make_row("random", 0.6, repeat=1),
        make_row("random", 0.7, repeat=0, track="other", **NOTHING),
        make_row("random", 0.7, repeat=1, track="other", **NOTHING),
    ]
    assert status(*rows) == ["ok", "ok", "empty", "empty"]


@pytest.mark.parametrize("failed", ["error", "empty"])
def test_a_draw_without_a_result_does_not_hide_that_the_others_touch_nothing(failed: str) -> None:
    without = replace(make_row("random", 0.7, repeat=1), status=failed, error="why", effects={})
    rows = [make_row("random", 0.7, repeat=0, **NOTHING), without]
    assert status(*rows) == ["empty", failed]
    assert untouched_are_empty(rows)[1] == without


def test_a_cutoff_above_the_axis_leaves_empty_cells_and_is_no_test(tmp_path: Path) -> None:
    """The toy's axis ends at 1,900 Hz."""
    tracks = [ToyTrack(name, seed=n) for n, name in enumerate("abcdefg")]
    found = pi_amt.importance(
        pi_amt.load_model(TOY),
        tracks,
        permutations=["random", HighFreq(cutoff_hz=5000.0), HighFreq(cutoff_hz=1000.0)],
        results_dir=tmp_path,
        n_jobs=1,
    )
    beyond, inside = (
        next(r for r in found.results if f'"cutoff_hz":{cutoff}' in r.parameters)
        for cutoff in ("5000.0", "1000.0")
    )
    assert np.isnan([beyond.drop, beyond.drop_low, beyond.p, beyond.p_holm]).all()
    assert beyond.n_pieces == 0
    assert beyond.n_empty == beyond.n_untouched == len(tracks)
    assert inside.n_pieces == len(tracks)
    tested = [r.p for r in found.results if r.role == "condition" and not np.isnan(r.p)]
    assert len(tested) == 2
    assert found["random"].p_holm == pytest.approx(2 * min(tested))

    text = str(found.table())
    assert UNTOUCHED in " ".join(text.split())
    assert "Holm over 2 tests" in " ".join(text.split())
    said = next(s for s in found.statements() if beyond.condition in s.conditions)
    assert said.verdict == "touches nothing"
    assert said.answer.endswith("cannot be told.")
    assert said.evidence == ("The condition touches nothing of toy's input.",)

    exported = tmp_path / "rows.csv"
    assert main(["export", str(tmp_path), "--rows", str(exported)]) == 0
    with exported.open(encoding="utf-8") as file:
        lines = [line for line in csv.DictReader(file) if "5000.0" in line["parameters"]]
    assert {(line["status"], line["error"]) for line in lines} == {("empty", UNTOUCHED)}
    page = found.report(tmp_path / "page", examples=0)
    files = [page] if page.is_file() else list(page.rglob("*.html"))
    assert any(UNTOUCHED.split("'")[0] in file.read_text(encoding="utf-8") for file in files)


def test_a_dose_that_touches_nothing_leaves_the_curve_of_the_others() -> None:
    def dose(cutoff: float, score: float, **fields: Any) -> Row:
        row = make_row("high_freq", score, parameters={"cutoff_hz": cutoff}, **fields)
        return replace(row, key=f"{row.key}/{row.track}/{cutoff}")

    rows = []
    for track in ("a", "b"):
        rows += [
            make_row("no_permutation", 0.7, track=track),
            dose(500.0, 0.3, track=track),
            dose(1000.0, 0.5, track=track),
            dose(2000.0, 0.6, track=track),
            dose(9000.0, 0.7, track=track, **NOTHING),
        ]
    (curve,) = dose_curves(pi_amt.Importance.from_rows(rows))
    assert curve.values.tolist() == [500.0, 1000.0, 2000.0]
    assert curve.n_pieces == 2
