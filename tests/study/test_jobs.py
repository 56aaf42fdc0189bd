"""Rows of jobs that failed: one plain line each, with the file that it is about."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.toys import TOY, ToyTrack

from pi_amt.core.errors import data_error
from pi_amt.datasets.track import FileTrack, Track
from pi_amt.models.loading import ModelSpec, built
from pi_amt.models.transcriber import ModelIdentity
from pi_amt.permutations.coalition import coalitions
from pi_amt.store.rows import DATA_SETTINGS
from pi_amt.study.conditions import Condition, make_conditions
from pi_amt.study.jobs import Job, error_rows, row_key

FILE = FileTrack("a", Path("a\nb.wav"), Path("a.mid"), composition="a")


@pytest.mark.parametrize(
    ("track", "error", "expected"),
    [
        (FILE, RuntimeError("out of\nluck"), "{here}/a\\nb.wav: RuntimeError: out of luck"),
        (FILE, ValueError("activity: got NaN"), "{here}/a\\nb.wav: activity: got NaN"),
        (FILE, KeyError(), "{here}/a\\nb.wav: KeyError: KeyError"),
        (FILE, data_error("/x/a.mid", "truncated"), "/x/a.mid: truncated"),  # names one already
        (ToyTrack("toy"), ValueError("no file here"), "no file here"),
    ],
)
def test_an_error_is_one_line_with_the_full_path(
    track: Track, error: Exception, expected: str
) -> None:
    job = Job(ModelSpec(TOY), "toy", track, tuple(make_conditions(["fund_mask"])))
    rows = error_rows(job, error)
    assert [row.label for row in rows] == ["no_permutation", "fund_mask"]
    assert {(row.status, row.error) for row in rows} == {
        ("error", expected.format(here=Path.cwd()))
    }


def test_only_a_shift_of_the_notes_is_a_setting_of_its_own() -> None:
    """Rows from before the option existed have no such setting, and are those of no shift."""
    found = []
    for track in (FILE, replace(FILE, onset_shift_ms=62.0)):
        job = Job(ModelSpec(TOY), "toy", track, tuple(make_conditions(["fund_mask"])))
        found.append(json.loads(error_rows(job, ValueError("x"))[0].settings))
    assert "onset_shift_ms" not in found[0]
    assert found[1] == {**found[0], "onset_shift_ms": 62.0}


def test_all_settings_but_the_models_own_are_named_as_those_of_the_data() -> None:
    spec, track = ModelSpec(TOY), replace(FILE, onset_shift_ms=62.0)
    job = Job(spec, "toy", track, tuple(make_conditions([])), align="median")
    (row,) = error_rows(job, ValueError("x"))
    assert set(json.loads(row.settings)) - set(built(spec).identity.settings) == set(DATA_SETTINGS)


def test_what_a_model_of_three_methods_lacks_is_part_of_its_keys() -> None:
    """Before, masks of such models did not follow the tuning, and their frame scores were 0."""
    identity = ModelIdentity("mine", "0", "mine", {})
    (baseline,) = make_conditions([])
    job = Job(ModelSpec(TOY), "toy", FILE, (baseline,))
    lacks = [(), ("tuning_cents",), ("pitch_activity",), ("tuning_cents", "pitch_activity")]
    keys = {row_key(replace(identity, without=without), job, "", baseline) for without in lacks}
    assert len(keys) == len(lacks)


def test_a_row_says_the_version_of_its_permutation_unless_it_is_the_first() -> None:
    conditions = make_conditions(["fund_mask", "ratio_fund_mask"])
    job = Job(ModelSpec(TOY), "toy", FILE, tuple(conditions))
    rows = {row.label: row for row in error_rows(job, ValueError("x"))}
    assert rows["fund_mask"].permutation_version == rows["no_permutation"].permutation_version == ""
    ratio = conditions[-1].permutation
    assert rows["ratio_fund_mask"].permutation_version == f"{ratio.method_version}.3"


def test_ratio_masks_have_versions_for_the_kinds_of_input() -> None:
    """They once treated all inputs alike; those that keep still do with all but logarithms."""
    identity = ModelIdentity("toy", "0", "toy", {})
    masks = ["ratio_fund_mask", "ratio_harm_mask", "fund_mask", "soft_harm_mask"]
    conditions = make_conditions([*masks, *coalitions("f0+rest")], controls=True)
    job = Job(ModelSpec(TOY), "toy", FILE, tuple(conditions))

    def keys(condition: Condition) -> set[str]:
        inputs = (replace(identity, linear_input=linear) for linear in (None, True, False))
        return {row_key(each, job, "", condition) for each in inputs}

    assert {len(keys(c)) for c in conditions} == {1, 2, 3}
    assert {c.label for c in conditions if len(keys(c)) == 3} == {
        "ratio_fund_mask",
        "matched_tracks(ratio_fund_mask)",
        "wrong_piece(ratio_fund_mask)",
        "coalition(present=rest)",
    }
    assert {c.label for c in conditions if len(keys(c)) == 2} == {
        "ratio_harm_mask",
        "matched_tracks(ratio_harm_mask)",
        "wrong_piece(ratio_harm_mask)",
        "leak_noise(ratio_harm_mask)",
        "leak_other(ratio_harm_mask)",
        "coalition(present=f0)",
        "coalition(present=nothing)",
    }


def test_a_level_that_is_measured_anew_is_part_of_the_key_and_of_no_other_key() -> None:
    """Ratio masks of models that divide by a level had rows before it was measured anew."""
    identity = ModelIdentity("toy", "0", "toy", {})
    mask, ratio = make_conditions(["fund_mask", "ratio_fund_mask"])[1:]
    job = Job(ModelSpec(TOY), "toy", FILE, (mask, ratio))
    for condition, equal in ((mask, True), (ratio, False)):
        keys = {
            row_key(one, job, "", condition) for one in (identity, replace(identity, level="peak"))
        }
        assert (len(keys) == 1) == equal
