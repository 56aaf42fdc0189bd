"""Planted errors come out where they were planted."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from tests.rows import make_row, make_rows

from pi_amt.core.notes import Notes
from pi_amt.permutation_importance import Importance
from pi_amt.report.tables.anatomy import anatomy_tables
from pi_amt.scoring.anatomy import annotate
from pi_amt.scoring.fate import FATES
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
    intervals, *_ = anatomy_tables(study())
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
    _, strata, *_ = anatomy_tables(study())
    drops = {(r["factor"], r["level"]): (r["notes"], r["fund_mask"]) for r in strata.records}
    assert drops["register", "below C3"] == (6, 1.0)
    assert drops["register", "C5 and above"] == (4, 0.0)
    assert drops["duration", "0.25-1 s"] == (10, pytest.approx(0.6))
    assert drops["polyphony", "1 note"] == (10, pytest.approx(0.6))
    notes, drop = drops["register", "C3 to B4"]
    assert notes == 0
    assert math.isnan(drop)


def test_every_kind_of_note_has_its_line_per_model() -> None:
    _, strata, *_ = anatomy_tables(study())
    assert len(strata) == 14
    assert "register: below C3" in str(strata)
    assert "shares partial: on a lower partial" in str(strata)


def test_lost_notes_have_their_fate_with_chance_taken_away() -> None:
    """Six low notes are lost and no new false note is near them."""
    fate = anatomy_tables(study())[2]
    (found,) = fate.records
    assert (found["lost"], found["gone"]) == (6, 100.0)
    assert {found[name] for name in ("moved", "octave", "split", "octave_by_chance")} == {0.0}
    octaves = [(i + 0.0, i + 0.4, LOW[i] + 12) for i in range(3)]
    rows = [row("no_permutation", track, REFERENCE) for track in "ab"]
    rows.append(row("fund_mask", "a", Notes.from_arrays(*zip(*octaves, strict=True))))
    rows.append(row("fund_mask", "b", REFERENCE[3:]))
    (found,) = anatomy_tables(Importance.from_rows(rows, n_resamples=100))[2].records
    # recording a loses five notes, three of them to the octave, recording b three
    assert found["lost"] == 8
    raw = found["octave"] + found["octave_by_chance"]
    assert raw == pytest.approx(100 * 3 / 8)
    assert sum(found[name] for name in FATES) == pytest.approx(100)


def test_drops_by_tolerance_tell_how_much_is_timing() -> None:
    """Of a drop of 0.4 at 50 ms a quarter is gone at 150 ms and none with octaves folded."""
    clean = {"": 0.6, "_100ms": 0.7, "_150ms": 0.8, "_chroma": 0.65}
    drops = {"": 0.4, "_100ms": 0.35, "_150ms": 0.3, "_chroma": 0.4}
    rows = []
    for made in make_rows({"fund_mask": 0.4, "microtonal": 0.0, "floor": 0.5}, n_pieces=3):
        size = {"baseline": 0.0, "condition": 1.0}.get(made.role, 1.0)
        size *= made.label != "microtonal"
        values = {f"F-measure_no_offset{n}": clean[n] - size * drops[n] for n in clean}
        rows.append(replace(made, scores={**made.scores, **values}))
    older = make_rows({"fund_mask": 0.1}, n_pieces=4)[-2:]
    (table,) = anatomy_tables(Importance.from_rows([*rows, *older], n_resamples=100))
    found = {record["condition"]: record for record in table.records}
    assert list(found) == ["fund_mask", "microtonal"]
    assert found["fund_mask"]["n_pieces"] == 3
    for name, drop in zip(("50ms", "100ms", "150ms", "chroma"), drops.values(), strict=True):
        assert found["fund_mask"][f"drop_{name}"] == pytest.approx(drop)
    assert found["fund_mask"]["timing"] == pytest.approx(25)
    assert found["fund_mask"]["octaves"] == pytest.approx(0, abs=1e-9)
    assert math.isnan(found["microtonal"]["timing"])


def test_rows_without_note_tables_have_no_anatomy() -> None:
    assert anatomy_tables(Importance.from_rows(make_rows(), n_resamples=100)) == ()
    beside = study(*make_rows({"fund_mask": 0.1}, n_pieces=2, model="timbre_trap"))
    for table, alone in zip(anatomy_tables(beside), anatomy_tables(study()), strict=True):
        assert table.to_csv() == alone.to_csv()
