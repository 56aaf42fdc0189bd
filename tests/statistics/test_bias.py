"""Known bias: its arithmetic, the shipped tables, and who finds which of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.rows import calibrated_rows, make_rows

from pi_amt.core.hashing import canonical_json
from pi_amt.datasets.known_partials import VERSION, known_partials
from pi_amt.models.audio_domain import DOMAINS
from pi_amt.models.loading import ModelSpec, load_model
from pi_amt.permutation_importance import Importance
from pi_amt.permutations.loading import load_permutation
from pi_amt.scoring.note_table import NoteTable
from pi_amt.statistics.bias import BiasTable, known_bias, shipped_table, user_folder
from pi_amt.store.rows import METHOD_VERSION, Row
from pi_amt.study.conditions import Condition
from pi_amt.study.jobs import Job, blank_row
from pi_amt.study.truth import TRUTH_SET, calibrated_masks

MODELS = ("basic_pitch", "timbre_trap")
#: masks whose bias is known where the sound is perturbed
IN_AUDIO = ("ratio_fund_mask", "ratio_harm_mask")
#: pitch and polyphony of the three notes of each recording
NOTES = ((40.0, 1), (60.0, 2), (80.0, 4))


def found_row(track: str, label: str, score: float, found: tuple[int, int, int]) -> Row:
    """A row of three notes, one in each register and of each polyphony, some of them found."""
    empty = np.zeros(0)
    table = NoteTable(
        onset=np.arange(3.0),
        duration=np.ones(3),
        pitch=np.array([pitch for pitch, _ in NOTES]),
        velocity=np.full(3, 64.0),
        matched=np.array(found, dtype=np.bool_),
        polyphony=np.array([polyphony for _, polyphony in NOTES]),
        lower=np.zeros(3, dtype=np.int64),
        false_onset=empty,
        false_duration=empty,
        false_pitch=empty,
        false_interval=empty.astype(np.int64),
    )
    (row, *_) = make_rows({}, n_pieces=1)
    mask = label == "fund_mask"
    return replace(
        row,
        track=track,
        label=label,
        permutation=label,
        role="condition" if mask else "baseline",
        parameters=Condition(load_permutation(label), label).parameters,
        scores={"F-measure_no_offset": score},
        counts={"reference": 3},
        notes=table.to_bytes(),
    )


def small_table() -> BiasTable:
    """Two recordings: a mask that takes too much from one of them, too little from the other."""
    clean = [found_row(t, "no_permutation", 0.9, (1, 1, 1)) for t in "ab"]
    true = [
        found_row("a", "no_permutation", 0.6, (1, 1, 0)),
        found_row("b", "no_permutation", 0.5, (1, 1, 0)),
    ]
    measured = [
        found_row("a", "fund_mask", 0.1, (0, 0, 0)),
        found_row("b", "fund_mask", 0.7, (1, 1, 1)),
    ]
    return BiasTable.from_rows(clean, [(measured, true)], "two recordings")


def test_bias_and_error_are_those_of_the_recordings() -> None:
    (mask,) = small_table().masks
    assert mask.drops.true == pytest.approx((0.3 + 0.4) / 2)
    assert mask.drops.measured == pytest.approx((0.8 + 0.2) / 2)
    assert mask.drops.bias == pytest.approx((0.5 - 0.2) / 2)
    assert mask.drops.error == pytest.approx((0.5 + 0.2) / 2)
    assert mask.drops.notes == 6
    assert (mask.true_scores, mask.measured_scores) == ((0.6, 0.5), (0.1, 0.7))


def test_strata_tell_which_notes_are_lost_too_many() -> None:
    (mask,) = small_table().masks
    by_register = mask.by_stratum["register"]
    assert list(by_register) == ["below C3", "C3 to B4", "C5 and above"]
    assert list(mask.by_stratum["polyphony"].values()) == list(by_register.values())
    low, high = by_register["below C3"], by_register["C5 and above"]
    assert (low.true, low.measured, low.bias, low.error) == (0.0, 0.5, 0.5, 0.5)
    # lost in one recording where it truly is, kept in the other where it truly is not
    assert (high.true, high.measured, high.bias, high.error) == (1.0, 0.5, -0.5, 0.5)


def test_a_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    table = small_table()
    path = table.write(tmp_path / "new" / table.file_name)
    assert BiasTable.read(path) == table
    stored = json.loads(path.read_text(encoding="utf-8"))
    assert stored["masks"][0]["drops"]["bias"] == pytest.approx(0.15)


def test_a_file_that_is_no_table_is_named(tmp_path: Path) -> None:
    for text in ("", "[]", "{}", '{"masks": [{}]}'):
        (tmp_path / "x.json").write_text(text)
        with pytest.raises(ValueError, match=r"x\.json, which holds no table"):
            BiasTable.read(tmp_path / "x.json")


@pytest.mark.parametrize(
    ("name", "domain"),
    [(name, domain) for domain in DOMAINS for name in MODELS],
)
def test_shipped_tables_are_of_the_shipped_weights_and_of_this_method(
    name: str, domain: str
) -> None:
    """Fails where weights, settings, masks, method or truth set have changed since: calibrate
    again (``make known-bias``)."""
    transcriber = load_model(name, device="cpu", domain=domain)
    model = transcriber.identity
    table = shipped_table(model.name)
    assert table.weights == model.weights_sha256
    assert table.settings == {**model.settings, "tuning": "estimate", "pedal": "extend"}
    assert (table.method, table.truth_set) == (METHOD_VERSION, TRUTH_SET)
    assert VERSION in TRUTH_SET
    now = {track.name: track.fingerprint() for track in known_partials("held_out")}
    assert len(table.recordings) == 6
    assert table.recordings.items() <= now.items()
    masks = calibrated_masks(IN_AUDIO if domain == "audio" else None)
    made = [load_permutation(name, **options) for name, options in masks]
    parameters = [Condition(mask, mask.name).parameters for mask in made]
    assert [canonical_json(mask.parameters) for mask in table.masks] == parameters
    assert [mask.permutation for mask in table.masks] == [mask.name for mask in made]
    # as rows have it: none for the first
    condition = Condition(made[0], "")
    job = Job(ModelSpec(name), "known_partials", known_partials("held_out")[0], (condition,))
    rows = [blank_row(job, transcriber, Condition(mask, mask.name), "") for mask in made]
    assert [mask.version for mask in table.masks] == [row.permutation_version for row in rows]


@pytest.mark.parametrize("mask", IN_AUDIO)
@pytest.mark.parametrize("name", MODELS)
def test_masks_of_the_sound_agree_with_those_of_a_models_own_input(name: str, mask: str) -> None:
    own, heard = ({m.label: m for m in shipped_table(n).masks} for n in (name, f"{name} (audio)"))
    apart = np.subtract(heard[mask].measured_scores, own[mask].measured_scores)
    assert abs(apart.mean()) <= 0.05


@pytest.mark.parametrize("name", [*MODELS, *(f"{name} (audio)" for name in MODELS)])
def test_shipped_numbers_follow_from_the_shipped_scores(name: str) -> None:
    table = shipped_table(name)
    clean = np.array(table.clean_scores)
    for mask in table.masks:
        true, measured = clean - mask.true_scores, clean - mask.measured_scores
        assert mask.drops.true == pytest.approx(true.mean(), abs=2e-4)
        assert mask.drops.measured == pytest.approx(measured.mean(), abs=2e-4)
        assert mask.drops.error == pytest.approx(np.abs(measured - true).mean(), abs=2e-4)
        for found in mask.by_stratum.values():
            assert sum(drops.notes for drops in found.values()) == mask.drops.notes


def _mask_row() -> Row:
    return calibrated_rows({"fund_mask": 0.3})[1]


def test_a_row_of_a_shipped_model_finds_the_bias_of_its_mask() -> None:
    (mask,) = [m for m in shipped_table("basic_pitch").masks if m.label == "fund_mask"]
    assert known_bias(_mask_row()) == mask.drops


def test_other_weights_settings_methods_and_options_find_nothing() -> None:
    row = _mask_row()
    wider = Condition(load_permutation("fund_mask", half_width_cents=50.0), "fund_mask")
    unfrozen = Condition(load_permutation("fund_mask"), "fund_mask", normalization="model")
    for other in (
        replace(row, model="timbre_trap"),
        replace(row, model="toy"),
        replace(row, weights="b" * 64),
        replace(row, precision="bf16"),
        replace(row, method="0"),
        replace(row, permutation_version="2"),
        replace(row, settings=row.settings.replace("127.7", "50.0")),
        replace(row, settings=row.settings.replace("estimate", "off")),
        replace(row, parameters=wider.parameters),
        replace(row, parameters=unfrozen.parameters),
        replace(row, permutation="high_freq"),
        replace(row, role="control"),
    ):
        assert other != row
        assert known_bias(other) is None
    assert known_bias(row, "F-measure") is None


def test_a_table_of_a_user_is_found_from_then_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    row = replace(_mask_row(), model="mine", weights="c" * 64)
    assert known_bias(row) is None
    table = replace(shipped_table("basic_pitch"), model="mine", weights="c" * 64)
    table.write(user_folder() / table.file_name)
    assert known_bias(row) == known_bias(_mask_row())
    again = replace(table, masks=())
    assert again.file_name == table.file_name
    assert replace(table, method="2").file_name != table.file_name


def test_a_table_of_a_user_adds_masks_to_the_shipped_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    shipped = shipped_table("basic_pitch")
    (mask,) = [m for m in shipped.masks if m.label == "fund_mask"]
    wider = {**mask.parameters, "half_width_cents": 50.0}
    made = replace(mask.drops, measured=1.0)
    masks = tuple(replace(mask, drops=made, parameters=p) for p in (mask.parameters, wider))
    table = replace(shipped, masks=masks)
    table.write(user_folder() / table.file_name)
    row = _mask_row()
    assert known_bias(replace(row, parameters=canonical_json(wider))) == made
    assert known_bias(row) == mask.drops  # the shipped one, as everybody has it


def test_a_kept_table_gives_masks_to_a_new_one_of_the_same_recordings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    shipped = replace(shipped_table("basic_pitch"), version="0.2.0")
    shipped.write(user_folder() / shipped.file_name)
    first, second, *others = shipped.masks
    again = replace(second, version="9", drops=replace(second.drops, measured=1.0))
    new = replace(shipped, masks=(again,), version="0.3.0")
    found = new.with_kept()
    assert found == replace(new, masks=(first, again, *others))
    for other in (
        replace(new, truth_set="others"),
        replace(new, recordings={**new.recordings, "more": "f"}),
        replace(new, clean_scores=(0.5, *new.clean_scores[1:])),
        replace(new, weights="c" * 64),
    ):
        assert other.with_kept() == other
    (user_folder() / shipped.file_name).write_text("{}")
    assert new.with_kept() == new


def test_results_hold_the_bias_where_it_is_known() -> None:
    rows = calibrated_rows({"fund_mask": 0.3, "microtonal": 0.1})
    fund, micro = Importance.from_rows(rows, n_resamples=100).results
    drops = known_bias(_mask_row())
    assert drops is not None
    assert (fund.known_bias, fund.known_bias_error) == (drops.bias, drops.error)
    assert np.isnan([micro.known_bias, micro.known_bias_error]).all()
    other = Importance.from_rows(rows, n_resamples=100, score="Precision").results[0]
    assert np.isnan(other.known_bias)


def test_ratio_masks_are_told_from_binary_ones() -> None:
    (mask,) = small_table().masks
    assert not mask.is_ratio
    assert replace(mask, permutation="ratio_fund_mask").is_ratio
    assert replace(mask, parameters={"kind": "ratio"}).is_ratio
