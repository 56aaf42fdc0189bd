"""What the page says besides its numbers, and how conditions and notes are put together."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.rows import make_dose_rows, make_rows

from pi_amt.anatomy import annotate
from pi_amt.breakdown import breakdown
from pi_amt.notes import Notes
from pi_amt.report.catalog import catalog
from pi_amt.report.context import (
    dataset_facts,
    failed_recordings,
    missing,
    model_facts,
    reproductions,
    run_facts,
    sensitivity,
)
from pi_amt.report.names import slug, unique_slugs
from pi_amt.scoring import match_notes
from pi_amt.statistics import importance_from_rows
from pi_amt.store import Row


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
    mask, control = catalog(importance_from_rows(rows))
    assert (mask.id, mask.title) == ("fund_mask", "fund_mask")
    assert set(mask.results) == set(mask.controls) == {0, 1}
    assert control.condition.role == "control"
    assert control.controls == {}


def test_namesakes_are_told_apart_by_what_varies() -> None:
    rows = make_dose_rows({0.1: 0.1, 0.3: 0.2}, constant={"draw": "per_frame"})
    entries = catalog(importance_from_rows(rows))
    assert [entry.title for entry in entries] == ["random (p=0.1)", "random (p=0.3)"]
    assert len({entry.id for entry in entries}) == 2


def test_slugs_are_safe_and_unique() -> None:
    assert slug("<b>A & B</b>") == "b-a-b-b"
    assert slug("!!!") == "x"
    assert unique_slugs(["a b", "a-b", "a_b", "a b"]) == ["a-b", "a-b-2", "a_b", "a-b-3"]


def test_sensitivity_lists_what_varied_and_only_that() -> None:
    rows = make_dose_rows({0.1: 0.1, 0.3: 0.2}, constant={"draw": "per_frame"}, noise=0.0)
    rows += [row for row in make_rows({"microtonal": 0.0}) if row.role != "baseline"]
    importance = importance_from_rows(rows)
    table = sensitivity(importance, catalog(importance))
    assert table.columns[:2] == ("permutation", "p")
    assert table.column("p") == ["0.1", "0.3"]
    assert table.column("drop") == pytest.approx([0.1, 0.2])


def test_sensitivity_tells_an_unsaid_option_from_a_said_one_and_leaves_profiles_out() -> None:
    labels: dict[str, dict[str, object]] = {
        "fund_mask": {"fill": "silence"},
        "fund_mask(normalization=model)": {"fill": "silence", "normalization": "model"},
        "remove_harmonic(harmonic=1)": {"harmonic": 1},
        "remove_harmonic(harmonic=2)": {"harmonic": 2},
    }
    importance = importance_from_rows(make_rows(dict.fromkeys(labels, 0.1), parameters=labels))
    table = sensitivity(importance, catalog(importance))
    assert table.columns[:2] == ("permutation", "normalization")
    assert table.column("normalization") == ["frozen", "model"]
    assert set(table.column("permutation")) == {"fund_mask"}


def test_facts_count_what_is_there() -> None:
    rows = [
        row
        for model, n in (("basic_pitch", 5), ("timbre_trap", 3))
        for row in make_rows({"fund_mask": 0.1}, n_pieces=n, model=model, seconds=720.0)
    ]
    rows = [replace(row, weights_label="synthetic-trained reproduction")
            if row.model == "timbre_trap" else row for row in rows]  # fmt: skip
    importance = importance_from_rows(rows)
    facts = dataset_facts(importance)
    assert [(f.title, f.pieces, f.hours) for f in facts] == [("Demo", 5, "1.0 h")]
    assert [f.reproduction for f in model_facts(importance)] == [False, True]
    assert reproductions(importance.panels) == ["Timbre-Trap"]
    said = dict(run_facts(importance, [{"platform": "TestOS", "cores": 3, "started": "then"}]))
    assert said["Machine"] == "TestOS, 3 cores"
    assert said["Last run"] == "then (1 run)"
    assert "2 of 5 recordings" in missing(importance, catalog(importance))[0]


def test_failed_recordings_are_listed_once_with_their_conditions() -> None:
    rows = make_rows({"fund_mask": 0.1, "microtonal": 0.0}, n_pieces=4)
    rows = [
        replace(row, status="error", error="truncated audio", scores={})
        if row.track == "piece_02" and row.role != "baseline"
        else row
        for row in rows
    ]
    table = failed_recordings(importance_from_rows(rows))
    assert len(table) == 1
    assert table.records[0]["track"] == "piece_02"
    assert table.records[0]["conditions"] == "fund_mask, microtonal"
    assert table.records[0]["reason"] == "truncated audio"


def noted(row: Row, estimate: Notes) -> Row:
    """The row with the note table of an estimate of two notes, C4 and G4."""
    reference = Notes.from_arrays([0.0, 1.0], [0.5, 1.5], [60, 67], [40, 100])
    return replace(
        row, notes=annotate(reference, estimate, match_notes(reference, estimate)).to_bytes()
    )


def test_breakdown_counts_intervals_and_strata() -> None:
    both = Notes.from_arrays([0.0, 1.0], [0.5, 1.5], [60, 67])
    octave = Notes.from_arrays([0.0, 1.0], [0.5, 1.5], [60, 79])
    rows = [
        noted(row, both if row.role == "baseline" else octave)
        for row in make_rows({"fund_mask": 0.5}, n_pieces=3)
    ]
    found = breakdown(importance_from_rows(rows).panels[0], 0)
    assert found is not None
    assert (found.n_pieces, found.references) == (3, 6.0)
    assert found.change()["+12"] == pytest.approx(50.0)  # one false note per two reference notes
    assert sum(abs(v) for name, v in found.change().items() if name != "+12") == 0
    # chance keeps the number of new false notes
    assert sum(found.chance_change().values()) == pytest.approx(50.0)
    assert found.chance_change()["+12"] < 50.0
    strata = {names: v for names, v in found.strata.items() if v[2]}
    assert strata == {
        ("C3 to B4", "soft (< 48)", "1 note"): (3.0, 3.0, 3.0),
        ("C3 to B4", "loud (≥ 80)", "1 note"): (3.0, 0.0, 3.0),
    }
    assert found.alone["duration"]["0.25-1 s"] == (6.0, 3.0, 6.0)


def test_breakdown_averages_repeats_and_needs_note_tables() -> None:
    both = Notes.from_arrays([0.0, 1.0], [0.5, 1.5], [60, 67])
    rows = make_rows({"random": 0.5}, n_pieces=2, repeats={"random": 2})
    assert breakdown(importance_from_rows(rows).panels[0], 0) is None
    tables = [noted(row, Notes.empty() if row.repeat == 1 else both) for row in rows]
    found = breakdown(importance_from_rows(tables).panels[0], 0)
    assert found is not None
    assert found.alone["shares_partial"]["no lower partial"] == (4.0, 2.0, 4.0)
