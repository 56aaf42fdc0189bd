"""What the page says besides its numbers, and how conditions and notes are put together."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.rows import make_dose_rows, make_rows

from pi_amt.permutation_importance import Importance
from pi_amt.report.catalog import catalog
from pi_amt.report.names import Look, slug, unique_slugs
from pi_amt.report.page.context import (
    dataset_facts,
    failed_recordings,
    missing,
    model_facts,
    reproductions,
    run_facts,
)
from pi_amt.report.page.methods import methods_markdown


def test_conditions_of_two_models_are_one_entry() -> None:
    widths = {"basic_pitch": 70, "timbre_trap": 50}
    rows = [
        row
        for model, cents in widths.items()
        for row in make_rows(
            {"fund_mask": 0.2, "matched_tracks(fund_mask)": 0.1},
            parameters={"fund_mask": {"half_width_cents": cents}},
            model=model,
        )
    ]
    mask, control = catalog(Importance.from_rows(rows))
    assert (mask.id, mask.title) == ("fund_mask", "fund_mask")
    assert set(mask.results) == set(mask.controls) == {0, 1}
    assert control.condition.role == "control"
    assert control.controls == {}


def test_namesakes_are_told_apart_by_what_varies() -> None:
    rows = make_dose_rows({0.1: 0.1, 0.3: 0.2}, constant={"draw": "per_frame"})
    entries = catalog(Importance.from_rows(rows))
    assert [entry.title for entry in entries] == ["random (p=0.1)", "random (p=0.3)"]
    assert len({entry.id for entry in entries}) == 2


@pytest.mark.parametrize(
    ("fill", "line"),
    [
        ("silence", "hard: the fundamentals of all sounding notes → silence"),
        ("attenuate", "the fundamentals of all sounding notes → attenuated"),
        ("background", "the fundamentals of all sounding notes → noise at the local background"),
    ],
)
def test_summary_says_what_a_mask_was_filled_with(fill: str, line: str) -> None:
    rows = make_rows({"fund_mask": 0.2}, parameters={"fund_mask": {"fill": fill}})
    (entry,) = catalog(Importance.from_rows(rows))
    assert (entry.summary, entry.hard) == (line, fill == "silence")


def test_slugs_are_safe_and_unique() -> None:
    assert slug("<b>A & B</b>") == "b-a-b-b"
    assert slug("!!!") == "x"
    assert unique_slugs(["a b", "a-b", "a_b", "a b"]) == ["a-b", "a-b-2", "a_b", "a-b-3"]
    assert unique_slugs(["a=2", "a=-2", "a=2, 2"]) == ["a-2", "a-2-2", "a-2-2-2"]


def test_facts_count_what_is_there() -> None:
    rows = [
        row
        for model, n in (("basic_pitch", 5), ("timbre_trap", 3))
        for row in make_rows({"fund_mask": 0.1}, n_pieces=n, model=model, seconds=720.0)
    ]
    rows = [replace(row, weights_label="synthetic-trained reproduction")
            if row.model == "timbre_trap" else row for row in rows]  # fmt: skip
    importance = Importance.from_rows(rows)
    facts = dataset_facts(importance)
    assert [(f.title, f.pieces, f.hours) for f in facts] == [("Demo", 5, "1.0 h")]
    rows += [replace(row, model="third", status="error", error="truncated", scores={})
             for row in rows if row.model == "basic_pitch"]  # fmt: skip
    assert [f.hours for f in dataset_facts(Importance.from_rows(rows))] == ["1.0 h"]
    assert [f.look.reproduction for f in model_facts(importance)] == [False, True]
    assert reproductions(importance) == ["Timbre-Trap"]
    said = dict(run_facts(importance, [{"platform": "TestOS", "cores": 3, "started": "then"}]))
    assert said["Machine"] == "TestOS, 3 cores"
    assert said["Last run"] == "then (1 run)"
    assert "2 of 5 recordings" in missing(importance, catalog(importance))[0]


def test_looks_tell_six_models_apart_and_then_begin_again() -> None:
    models = [f"model_{number}" for number in range(7)]
    rows = [row for model in models for row in make_rows({}, n_pieces=2, model=model)]
    importance = Importance.from_rows(rows)
    looks = [Look.of(importance, panel) for panel in importance.panels]
    seen = [(look.number, look.colour, look.marker) for look in looks]
    for column in zip(*seen[:6], strict=True):
        assert len(set(column)) == 6
    assert seen[6] == seen[0]
    assert [look.model for look in looks] == models


def test_controls_without_a_condition_are_said_to_control_nothing() -> None:
    importance = Importance.from_rows(make_rows({"floor": 0.5, "identity": 0.0}))
    (said,) = missing(importance, catalog(importance))
    assert "Only the baseline and controls were run" in said
    assert "baseline and the controls `floor`, `identity` were run." in methods_markdown(importance)


def test_failed_recordings_are_listed_once_with_their_conditions() -> None:
    rows = make_rows({"fund_mask": 0.1, "microtonal": 0.0}, n_pieces=4)
    rows = [
        replace(row, status="error", error="truncated audio", scores={})
        if row.track == "piece_02" and row.role != "baseline"
        else row
        for row in rows
    ]
    table = failed_recordings(Importance.from_rows(rows))
    assert len(table) == 1
    assert table.records[0]["track"] == "piece_02"
    assert table.records[0]["conditions"] == "fund_mask, microtonal"
    assert table.records[0]["reason"] == "truncated audio"


def test_a_recording_that_a_condition_is_not_defined_for_has_not_failed() -> None:
    rows = [
        replace(row, status="empty", error="nothing to shuffle", scores={})
        if row.track == "piece_02" and row.role != "baseline"
        else row
        for row in make_rows({"fund_mask": 0.1}, n_pieces=4)
    ]
    assert len(failed_recordings(Importance.from_rows(rows))) == 0
