"""A recording that was renamed counts once; copies that lie side by side are warned of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.report.study import toy_files
from tests.rows import make_rows
from tests.toys import TOY

from pi_amt.cli.main import main
from pi_amt.datasets.track import FileTrack
from pi_amt.models.loading import ModelSpec
from pi_amt.permutation_importance import Importance
from pi_amt.report.tables.importance import footnotes
from pi_amt.store.renamed import read_results, under_newest_names
from pi_amt.store.rows import Row
from pi_amt.store.store import Store
from pi_amt.study.conditions import Condition, make_conditions
from pi_amt.study.driver import run_study
from pi_amt.study.executors.processes import serial
from pi_amt.study.groups import Group

ROWS = [
    replace(row, data=f"contents of {row.track}")
    for row in make_rows({"fund_mask": 0.3, "random": 0.1}, n_pieces=4, noise=0.0)
]


def run(*names: str) -> dict[str, object]:
    """The manifest of a run that saw these recordings."""
    return {"tracks": {"demo": {name: ["a.wav", "a.mid"] for name in names}}}


def again(old: str, new: str, *labels: str) -> list[Row]:
    """Rows of the recording that was ``old``, computed again under its new name."""
    return [
        replace(row, track=new, composition=new, key=f"{new} {row.key}")
        for row in ROWS
        if row.track == old and (row.label in labels or not labels)
    ]


FIRST = run("piece_00", "piece_01", "piece_02", "piece_03")
SECOND = run("piece_01", "piece_02", "piece_03", "take")


def test_nothing_happens_where_every_recording_has_one_name() -> None:
    assert under_newest_names(ROWS, [FIRST, FIRST]) == (ROWS, [])


def test_a_renamed_recording_counts_once_under_its_newest_name() -> None:
    rows, said = under_newest_names([*ROWS, *again("piece_00", "take")], [FIRST, SECOND])
    assert {row.track for row in rows} == {"piece_01", "piece_02", "piece_03", "take"}
    assert len(rows) == len(ROWS)
    assert said == [
        "demo: 1 recording renamed between runs (piece_00 is now take), counted once, "
        "under the newest name"
    ]
    before = Importance.from_rows(ROWS, n_resamples=200)
    after = Importance.from_rows(rows, n_resamples=200, messages=said)
    assert [(r.n_pieces, r.p) for r in after.results] == [(r.n_pieces, r.p) for r in before.results]
    assert said[0] in list(footnotes(after))
    assert not after.warnings


def test_what_was_not_run_again_is_kept_under_the_new_name() -> None:
    later = again("piece_00", "take", "no_permutation", "fund_mask")
    rows, _ = under_newest_names([*ROWS, *later], [FIRST, SECOND])
    found = Importance.from_rows(rows, n_resamples=50)
    assert [r.n_pieces for r in found.results] == [4, 4]
    assert {row.composition for row in rows if row.track == "take"} == {"take"}


def test_a_result_under_the_old_name_goes_before_an_error_under_the_new() -> None:
    later = [replace(row, status="error", scores={}) for row in again("piece_00", "take")]
    rows, _ = under_newest_names([*ROWS, *later], [FIRST, SECOND])
    assert [r.n_pieces for r in Importance.from_rows(rows, n_resamples=50).results] == [4, 4]


def test_takes_that_were_numbered_anew_count_once_each() -> None:
    # piece_00 is now piece_01, which is now piece_02, …: names come back with other contents
    later = [row for i in range(4) for row in again(f"piece_0{i}", f"piece_0{i + 1}")]
    second = run(*(f"piece_0{i}" for i in range(1, 5)))
    rows, _ = under_newest_names([*ROWS, *later], [FIRST, second])
    found = Importance.from_rows(rows, n_resamples=50)
    assert found.pieces == ("piece_01", "piece_02", "piece_03", "piece_04")
    held = {row.track: row.data for row in found.panel.baseline.values()}
    assert held == {f"piece_0{i + 1}": f"contents of piece_0{i}" for i in range(4)}


def test_copies_that_the_last_run_saw_side_by_side_stay_and_are_warned_of() -> None:
    both = run("copy", "piece_00", "piece_01", "piece_02", "piece_03")
    rows, said = under_newest_names([*ROWS, *again("piece_00", "copy")], [FIRST, both])
    assert said == []
    found = Importance.from_rows(rows, n_resamples=50)
    assert [r.n_pieces for r in found.results] == [5, 5]
    (warning,) = found.warnings
    assert "1 recording has the same audio and notes as another one (copy as piece_00)" in warning


def test_recordings_that_no_run_lists_or_without_known_contents_stay() -> None:
    later = again("piece_00", "take")
    assert under_newest_names([*ROWS, *later], [{}, {}]) == ([*ROWS, *later], [])
    old = [replace(row, data="") for row in [*ROWS, *later]]
    assert under_newest_names(old, [FIRST, SECOND]) == (old, [])


def test_files_that_were_renamed_between_two_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = str(tmp_path / "results")
    tracks = toy_files(tmp_path, seconds=4.0)
    conditions = make_conditions(["fund_mask"])
    with Store(results) as store:
        _study(tracks, conditions, store)
        moved = replace(
            tracks[0],
            name="take",
            audio_path=tracks[0].audio_path.rename(tmp_path / "take.wav"),
            notes_path=tracks[0].notes_path.rename(tmp_path / "take.mid"),
        )
        _study([moved, *tracks[1:]], conditions, store)
        assert len(store.rows()) == 8
    rows, said = read_results(results)
    assert {row.track for row in rows} == {"take", *(track.name for track in tracks[1:])}
    assert main(["table", results, "--all"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "n_pieces: 3" in printed
    assert said[0] in printed
    assert main(["compare", results, results]) == 0
    assert f"A: {said[0]}" in " ".join(capsys.readouterr().out.split())


def _study(tracks: list[FileTrack], conditions: list[Condition], store: Store) -> None:
    group = Group(ModelSpec(TOY), "toys", tracks, conditions, tuning="off")
    assert not run_study([group], store, serial, quiet=True).errors
