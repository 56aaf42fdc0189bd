"""Rows of several versions are chosen by a printed rule, never averaged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.rows import make_row, make_rows

from pi_amt.permutation_importance import Importance
from pi_amt.store.rows import Row
from pi_amt.store.store import Store
from pi_amt.store.variants import select_rows

OLD = make_rows({"fund_mask": 0.1, "harm_mask": 0.1}, n_pieces=5, noise=0.0)
NEW = make_rows({"fund_mask": 0.3, "harm_mask": 0.3}, n_pieces=5, noise=0.0, weights="b" * 64)


def drops(rows: list[Row], variants: str = "newest") -> dict[str, float]:
    found = Importance.from_rows(rows, n_resamples=50, variants=variants)
    return {f"{r.model}/{r.label}": round(r.drop, 6) for r in found.results}


def test_one_variant_needs_no_message() -> None:
    rows, messages = select_rows(OLD)
    assert sorted(rows, key=repr) == sorted(OLD, key=repr)
    assert messages == []


def test_the_newest_complete_variant_is_taken_and_said() -> None:
    assert drops([*OLD, *NEW])["basic_pitch/fund_mask"] == 0.3
    _, messages = select_rows([*OLD, *NEW])
    assert len(messages) == 1
    assert "weights=published weights aaaaaaaa (15 rows)" in messages[0]
    assert "taken: weights=published weights bbbbbbbb (newest complete variant)" in messages[0]
    printed = " ".join(str(Importance.from_rows([*OLD, *NEW], n_resamples=50)).split())
    assert messages[0] in printed


def test_an_unfinished_variant_is_not_taken() -> None:
    unfinished = [row for row in NEW if row.track != "piece_04"]
    assert drops([*OLD, *unfinished])["basic_pitch/fund_mask"] == 0.1
    half = [row for row in NEW if row.label != "fund_mask" or row.track == "piece_00"]
    assert drops([*OLD, *half])["basic_pitch/fund_mask"] == 0.1


def test_an_error_is_a_row_and_does_not_make_a_variant_unfinished() -> None:
    broken = [
        replace(row, status="error", scores={}) if row.track == "piece_04" else row for row in NEW
    ]
    assert drops([*OLD, *broken])["basic_pitch/fund_mask"] == 0.3


def test_without_a_complete_variant_the_largest_is_taken() -> None:
    few = [row for row in NEW if row.track == "piece_00"]
    many = [row for row in OLD if row.track != "piece_00"]
    _, messages = select_rows([*many, *few])
    assert "no variant is complete" in messages[0]
    assert drops([*many, *few])["basic_pitch/fund_mask"] == 0.1


def test_a_higher_method_version_is_newer_wherever_it_stands() -> None:
    tenth = [replace(row, method="10") for row in NEW]
    ninth = [replace(row, method="9") for row in OLD]
    assert drops([*tenth, *ninth])["basic_pitch/fund_mask"] == 0.3


def test_the_variant_with_the_latest_row_is_newer() -> None:
    later = make_row("random", 0.5, track="piece_00", key="later", weights="a" * 64)
    rows = [*OLD, *NEW, *(replace(later, track=f"piece_0{i}") for i in range(5))]
    assert drops(rows)["basic_pitch/fund_mask"] == 0.1


def test_variants_can_be_shown_apart() -> None:
    found = drops([*OLD, *NEW], variants="separate")
    assert sorted(found.values()) == [0.1, 0.1, 0.3, 0.3]
    assert "basic_pitch [weights=published weights bbbbbbbb]/fund_mask" in found


def test_variants_can_be_refused() -> None:
    with pytest.raises(ValueError, match=r"several variants: .*aaaaaaaa.*; expected one"):
        select_rows([*OLD, *NEW], variants="refuse")
    with pytest.raises(ValueError, match="expected one of newest, separate, refuse"):
        select_rows(OLD, variants="latest")


def test_settings_and_precision_make_variants_and_are_named() -> None:
    other = [replace(row, settings='{"pedal":"ignore","trim":"full"}') for row in NEW]
    other = [replace(row, weights=OLD[0].weights) for row in other]
    _, messages = select_rows([*OLD, *other])
    assert "pedal=ignore (newest complete variant)" in messages[0]
    assert "trim" not in messages[0]
    half = [replace(row, precision="bf16") for row in OLD]
    assert "precision=bf16" in select_rows([*OLD, *half])[1][0]


def test_models_and_datasets_are_chosen_apart() -> None:
    other = make_rows({"fund_mask": 0.2}, n_pieces=5, noise=0.0, model="timbre_trap")
    found = drops([*OLD, *other, *NEW])
    assert found["timbre_trap/fund_mask"] == 0.2
    assert found["basic_pitch/fund_mask"] == 0.3


def test_the_newest_row_of_a_cell_is_taken_and_said() -> None:
    again = [replace(row, key=f"again {row.key}") for row in OLD]
    rows, messages = select_rows([*OLD, *again])
    assert {row.key[:5] for row in rows} == {"again"}
    assert any("several rows of one recording" in said for said in messages)


def test_a_result_goes_before_a_later_error() -> None:
    error = replace(OLD[1], key="later", status="error", scores={})
    rows, messages = select_rows([*OLD, error])
    assert OLD[1] in rows
    assert error not in rows
    assert messages == []


def test_one_seed_per_condition() -> None:
    def random(seed: int, tracks: int, score: float) -> list[Row]:
        return [
            make_row("random", score, track=f"piece_0{i}", seed=seed, key=f"{seed} {i}")
            for i in range(tracks)
        ]

    rows = [*OLD, *random(0, 5, 0.3), *random(1, 3, 0.2)]
    taken, messages = select_rows(rows)
    assert {row.seed for row in taken if row.label == "random"} == {0}
    assert any("seeds 0, 1 in the store, seed 0 taken" in said for said in messages)
    # both on all tracks: the newer
    taken, _ = select_rows([*OLD, *random(0, 5, 0.3), *random(1, 5, 0.2)])
    assert {row.seed for row in taken if row.label == "random"} == {1}


def test_recordings_that_only_another_seed_has_are_kept() -> None:
    # a study of two recordings went on under another seed with all five: what is not drawn was
    # there already, and bears the first seed
    rows = [replace(row, seed=int(row.track > "piece_01")) for row in OLD]
    taken, messages = select_rows(rows)
    assert len(taken) == len(rows)
    assert messages == []
    later = make_row("fund_mask", 0.2, track="piece_00", seed=1, key="later")
    taken, messages = select_rows([*rows, later])
    found = {row.track: row.seed for row in taken if row.label == "fund_mask"}
    assert [found[f"piece_0{i}"] for i in range(5)] == [1, 0, 1, 1, 1]
    assert messages == [
        "basic_pitch × demo: fund_mask: seeds 0, 1 in the store, seed 1 taken, another one where "
        "it is missing"
    ]


def test_a_changed_recording_is_never_paired_with_its_old_baseline() -> None:
    first = [replace(row, data="old") for row in OLD]
    # the file changed, then only the baseline and one condition ran again
    second = [
        replace(row, data="new", key=f"new {row.key}", scores={"F-measure_no_offset": 0.9})
        for row in OLD
        if row.track == "piece_00" and row.label in ("no_permutation", "fund_mask")
    ]
    rows, messages = select_rows([*first, *second])
    assert {row.data for row in rows} == {"old"}
    assert any("1 recording changed between runs" in said for said in messages)
    # all ran again: the newest
    third = [replace(row, data="new", key=f"new {row.key}") for row in OLD]
    rows, _ = select_rows([*first, *third])
    assert {row.data for row in rows} == {"new"}


def test_package_versions_of_one_method_stand_together_and_are_said() -> None:
    later = [replace(row, version="0.10.0") if row.label == "harm_mask" else row for row in OLD]
    rows, messages = select_rows(later)
    assert len(rows) == len(OLD)
    assert "package versions 0.1.0, 0.10.0" in messages[0]


def test_versions_of_one_permutation_stand_together_and_are_said() -> None:
    newer = [
        replace(row, permutation_version="3", key=f"{row.key}/3")
        if row.label == "harm_mask"
        else row
        for row in OLD
    ]
    assert select_rows(newer)[1] == []
    mixed = [old if old.track == "piece_00" else new for old, new in zip(OLD, newer, strict=True)]
    _, messages = select_rows(mixed)
    assert messages == [
        "basic_pitch × demo: harm_mask: rows of versions 1 or unknown, 3 of this permutation stand "
        "together; the same run computes the older ones anew"
    ]
    assert len(select_rows([*OLD, *newer])[0]) == len(OLD)


def test_what_is_true_of_several_conditions_is_said_once() -> None:
    again = [replace(row, key=f"{row.key}/again") for row in OLD if row.label != "no_permutation"]
    assert select_rows([*OLD, *again])[1] == [
        "basic_pitch × demo: fund_mask and 1 other condition: several rows of one recording, "
        "newest taken"
    ]


def test_a_store_from_before_the_data_column_still_opens(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store._db.execute("ALTER TABLE rows DROP COLUMN data")
        store._db.commit()
    with Store(tmp_path, readonly=True) as store:
        assert store.rows() == []
    with Store(tmp_path) as store:
        store.write([replace(OLD[0], data="abc")])
        assert store.rows()[0].data == "abc"
