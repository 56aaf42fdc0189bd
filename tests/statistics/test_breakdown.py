"""Breakdowns hold the planted notes: intervals of false ones, found ones by stratum, repeats."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.rows import make_rows

from pi_amt.core.notes import Notes
from pi_amt.permutation_importance import Importance
from pi_amt.scoring.anatomy import annotate
from pi_amt.scoring.matching import match_notes
from pi_amt.scoring.note_table import NoteTable
from pi_amt.statistics.breakdown import FACTORS, breakdown, found_by_stratum, strata, stratify
from pi_amt.store.rows import Row


def table_of(reference: Notes, estimate: Notes) -> NoteTable:
    return annotate(reference, estimate, match_notes(reference, estimate))


def noted(row: Row, estimate: Notes) -> Row:
    """The row with the note table of an estimate of two notes, C4 and G4."""
    reference = Notes.from_arrays([0.0, 1.0], [0.5, 1.5], [60, 67], [40, 100])
    return replace(row, notes=table_of(reference, estimate).to_bytes())


def test_breakdown_counts_intervals_and_strata() -> None:
    both = Notes.from_arrays([0.0, 1.0], [0.5, 1.5], [60, 67])
    octave = Notes.from_arrays([0.0, 1.0], [0.5, 1.5], [60, 79])
    rows = [
        noted(row, both if row.role == "baseline" else octave)
        for row in make_rows({"fund_mask": 0.5}, n_pieces=3)
    ]
    found = breakdown(Importance.from_rows(rows).panels[0], 0)
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


def test_chance_keeps_the_number_of_false_notes_where_one_side_begins_without_any() -> None:
    """1,600 false notes of the baseline in the first recording, as many of the mask in the last."""
    onsets = np.arange(1600.0) + 10.0
    many = Notes.from_arrays(onsets, onsets + 0.5, np.full(1600, 60.0))
    with_false = {("piece_00", "baseline"), ("piece_01", "condition")}
    rows = [
        noted(row, many if (row.track, row.role) in with_false else Notes.empty())
        for row in make_rows({"fund_mask": 0.5}, n_pieces=2)
    ]
    found = breakdown(Importance.from_rows(rows, n_resamples=10).panels[0], 0)
    assert found is not None
    assert found.change()["none"] == 0
    assert sum(found.chance_change().values()) == pytest.approx(0.0, abs=1e-6)


def test_breakdown_averages_repeats_and_needs_note_tables() -> None:
    both = Notes.from_arrays([0.0, 1.0], [0.5, 1.5], [60, 67])
    rows = make_rows({"random": 0.5}, n_pieces=2, repeats={"random": 2})
    assert breakdown(Importance.from_rows(rows).panels[0], 0) is None
    tables = [noted(row, Notes.empty() if row.repeat == 1 else both) for row in rows]
    found = breakdown(Importance.from_rows(tables).panels[0], 0)
    assert found is not None
    assert found.alone["shares_partial"]["no lower partial"] == (4.0, 2.0, 4.0)


def test_a_breakdown_reads_only_recordings_of_the_same_reference() -> None:
    both = Notes.from_arrays([0.0, 1.0], [0.5, 1.5], [60, 67])
    rows = [noted(row, both) for row in make_rows({"fund_mask": 0.5}, n_pieces=3)]
    other = table_of(both[:1], both).to_bytes()
    rows = [
        replace(row, notes=other) if (row.track, row.role) == ("piece_01", "condition") else row
        for row in rows
    ]
    rows = [
        replace(row, notes=b"") if (row.track, row.role) == ("piece_02", "baseline") else row
        for row in rows
    ]
    found = breakdown(Importance.from_rows(rows).panels[0], 0)
    assert found is not None
    assert (found.n_pieces, found.references) == (1, 2.0)


def test_strata_partition_the_reference_notes() -> None:
    rng = np.random.default_rng(5)
    onsets = np.round(rng.uniform(0, 30, 400), 3)
    pitches, velocities = rng.integers(36, 90, 400), rng.integers(1, 128, 400)
    reference = Notes.from_arrays(onsets, onsets + rng.uniform(0.05, 1.5, 400), pitches, velocities)
    table = table_of(reference, reference[::3])
    found, every = found_by_stratum(table, list(FACTORS))
    assert len(found) == len(every) == len(strata(list(FACTORS))) == 3 * 3 * 3 * 3 * 2
    assert every.sum() == 400
    assert found.sum() == table.matched.sum()
    low = reference.pitches < 48
    place = strata(["register"]).index(("below C3",))
    found, every = found_by_stratum(table, ["register"])
    assert (found[place], every[place]) == (table.matched[low].sum(), low.sum())
    factors = ["register", "shares_partial"]
    names = [strata(factors)[code] for code in stratify(table, factors)]
    np.testing.assert_array_equal(
        [name[1] == "on a lower partial" for name in names], table.shares_partial
    )


def test_an_unknown_factor_is_refused() -> None:
    table = table_of(Notes.from_arrays([0.0], [0.5], [60]), Notes.empty())
    with pytest.raises(ValueError, match="got 'tempo', expected some of register"):
        stratify(table, ["tempo"])
