"""Planted errors come out where they were planted."""

from __future__ import annotations

import math

import pytest
from tests.rows import make_row, make_rows

from pi_amt.core.notes import Notes
from pi_amt.permutation_importance import Importance
from pi_amt.report.tables.anatomy import anatomy_tables
from pi_amt.scoring.anatomy import annotate
from pi_amt.scoring.matching import match_notes
from pi_amt.store.rows import Row

LOW, HIGH = [40.0, 43.0, 45.0], [76.0, 79.0]
REFERENCE = Notes.from_arrays(range(5), [i + 0.5 for i in range(5)], LOW + HIGH)


def row(label: str, track: str, estimate: Notes) -> Row:
    table = annotate(REFERENCE, estimate, match_notes(REFERENCE, estimate))
    return make_row(label, 0.5, track=track, notes=table.to_bytes())


def study(*others: Row) -> Importance:
    """Two recordings in which the perturbation loses all low notes and doubles the first high one
    at the octave; in one of them the baseline has a false twelfth that goes."""
    perfect = (REFERENCE.onsets, REFERENCE.offsets, REFERENCE.pitches)
    octave, twelfth = (3.0, 3.4, HIGH[0] + 12), (1.0, 1.3, LOW[1] + 19)
    high = (values[3:] for values in perfect)
    after = Notes.from_arrays(*([*v, new] for v, new in zip(high, octave, strict=True)))
    before = Notes.from_arrays(*([*v, new] for v, new in zip(perfect, twelfth, strict=True)))
    rows = [row("no_permutation", "a", REFERENCE), row("no_permutation", "b", before)]
    rows += [row("fund_mask", track, after) for track in "ab"]
    return Importance.from_rows([*rows, *others], n_resamples=100)


def test_false_notes_appear_under_their_interval_minus_the_baselines() -> None:
    intervals, _ = anatomy_tables(study())
    change, chance = intervals.records
    assert (change["counted"], chance["counted"]) == ("change", "by chance")
    # 10 reference notes: two new octaves, one twelfth gone
    assert change["+12"] == pytest.approx(20.0)
    assert change["+19"] == pytest.approx(-10.0)
    assert change["all"] == chance["all"] == pytest.approx(10.0)
    others = ("0", "+1", "-1", "+24", "+28", "+31", "-12", "other", "none")
    assert {change[name] for name in others} == {0.0}
    assert abs(chance["+12"]) < 20.0


def test_drops_appear_in_the_strata_of_the_lost_notes() -> None:
    _, strata = anatomy_tables(study())
    drops = {(r["factor"], r["level"]): (r["notes"], r["fund_mask"]) for r in strata.records}
    assert drops["register", "below C3"] == (6, 1.0)
    assert drops["register", "C5 and above"] == (4, 0.0)
    assert drops["duration", "0.25-1 s"] == (10, pytest.approx(0.6))
    assert drops["polyphony", "1 note"] == (10, pytest.approx(0.6))
    notes, drop = drops["register", "C3 to B4"]
    assert notes == 0
    assert math.isnan(drop)


def test_every_kind_of_note_has_its_line_per_model() -> None:
    _, strata = anatomy_tables(study())
    assert len(strata) == 14
    assert "register: below C3" in str(strata)
    assert "shares partial: on a lower partial" in str(strata)


def test_rows_without_note_tables_have_no_anatomy() -> None:
    assert anatomy_tables(Importance.from_rows(make_rows(), n_resamples=100)) == ()
    beside = study(*make_rows({"fund_mask": 0.1}, n_pieces=2, model="timbre_trap"))
    for table, alone in zip(anatomy_tables(beside), anatomy_tables(study()), strict=True):
        assert table.to_csv() == alone.to_csv()
