"""Rows on disk: nothing changes on the way, nothing is lost, refusals are clear."""

from __future__ import annotations

import math
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.rows import make_row, make_rows

from pi_amt.store.rows import Row
from pi_amt.store.store import FILE_NAME, SCHEMA_VERSION, Store, StoreError, read_errors, read_rows


def same(a: Row, b: Row) -> bool:
    """Equality in which NaN equals NaN and the order of names does not matter."""
    values = ((getattr(a, f.name), getattr(b, f.name)) for f in fields(Row))
    return all(
        repr(sorted(x.items()) if isinstance(x, dict) else x)
        == repr(sorted(y.items()) if isinstance(y, dict) else y)
        for x, y in values
    )


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    rows = make_rows({"fund_mask": 0.3, "identity": 0.0}, n_pieces=3)
    rows[0] = replace(rows[0], notes=b"\x00\xff'\n", error="a 'quoted' “reason”; DROP TABLE rows")
    with Store(tmp_path) as store:
        store.write(rows)
        assert all(map(same, store.rows(), rows))
    assert all(map(same, read_rows(tmp_path), rows))


def test_two_drivers_may_make_a_store_at_the_same_moment(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None, check_same_thread=False)
    with closing(other):
        other.execute("BEGIN IMMEDIATE")  # it is just writing its first table
        other.execute("CREATE TABLE first (x)")
        later = threading.Timer(0.2, other.commit)
        later.start()
        with Store(tmp_path) as store:
            store.write(make_rows({"fund_mask": 0.3}, n_pieces=1))
            assert len(store.rows()) == 2
        later.join()


@settings(max_examples=30, deadline=None)
@given(
    scores=st.dictionaries(st.text(max_size=8), st.floats(allow_infinity=False), max_size=4),
    elapsed=st.floats(0, 1e6),
    notes=st.binary(max_size=50),
    # surrogates cannot be stored as UTF-8 and never come out of a path that Python decoded as text
    error=st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0")),
)
def test_any_numbers_and_texts_survive(
    tmp_path_factory: pytest.TempPathFactory,
    scores: dict[str, float],
    elapsed: float,
    notes: bytes,
    error: str,
) -> None:
    row = replace(
        make_row("fund_mask", 0.5), scores=scores, elapsed_seconds=elapsed, notes=notes, error=error
    )
    folder = tmp_path_factory.mktemp("store")
    with Store(folder) as store:
        store.write([row])
        (found,) = store.rows()
    assert found.elapsed_seconds == elapsed
    assert (found.notes, found.error) == (notes, error)
    assert found.scores.keys() == scores.keys()
    for name, value in scores.items():
        assert found.scores[name] == value or (math.isnan(value) and math.isnan(found.scores[name]))


def test_rows_of_keys_come_in_the_order_of_the_keys(tmp_path: Path) -> None:
    rows = make_rows({}, n_pieces=4)
    with Store(tmp_path) as store:
        store.write(rows)
        keys = [rows[2].key, "unknown", rows[0].key]
        assert [row.key for row in store.rows(keys)] == [rows[2].key, rows[0].key]


def test_note_tables_may_stay_on_the_disk(tmp_path: Path) -> None:
    row = replace(make_row("fund_mask", 0.5), notes=b"table")
    with Store(tmp_path) as store:
        store.write([row])
        for found in (store.rows(notes=False), store.rows([row.key], notes=False)):
            assert [replace(r, notes=b"table") for r in found] == [row]
            assert found[0].notes == b""


def test_a_store_from_before_a_field_existed_is_read_and_goes_on(tmp_path: Path) -> None:
    old = replace(make_row("fund_mask", 0.5), status="error", error="broken")
    with Store(tmp_path) as store:
        store.write([old])
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as db:
        db.execute("ALTER TABLE rows DROP COLUMN traceback")
    assert read_errors(tmp_path) == read_rows(tmp_path) == [old]
    new = replace(old, key="new", track="other", traceback="Traceback …")
    with Store(tmp_path) as store:
        store.write([new])
    assert read_errors(tmp_path) == [old, new]


def test_only_good_rows_are_finished(tmp_path: Path) -> None:
    good = make_row("fund_mask", 0.5)
    bad = replace(make_row("harm_mask", 0.5), status="error", error="broken")
    with Store(tmp_path) as store:
        store.write([good, bad])
        assert store.finished([good.key, bad.key, "unknown"]) == {good.key}


def test_a_good_row_clears_the_older_error_of_its_cell_only(tmp_path: Path) -> None:
    error = replace(make_row("fund_mask", 0.5), key="by path", status="error", error="broken")
    other = replace(error, key="other track", track="piece_01")
    good = make_row("fund_mask", 0.5)
    with Store(tmp_path) as store:
        store.write([error, other])
        store.write([good])
        assert {row.key for row in store.rows()} == {good.key, other.key}


def test_any_row_clears_what_has_no_score_whatever_its_contents_and_method(tmp_path: Path) -> None:
    new = replace(make_row("fund_mask", 0.5), data="now", method="2")
    olds = [
        replace(new, key=status, status=status, data="then", method="1")
        for status in ("ok", "empty", "error")
    ]
    for status in ("ok", "empty", "error"):
        with Store(tmp_path / status) as store:
            store.write(olds[:1])
            store.write(olds[1:])
            store.write([replace(new, status=status)])
            assert {row.key for row in store.rows()} == {"ok", new.key}


def test_errors_of_other_settings_stay(tmp_path: Path) -> None:
    error = replace(make_row("fund_mask", 0.5), key="by path", status="error", error="broken")
    others = [
        replace(error, key=name, **{name: "other"})  # type: ignore[arg-type]
        for name in ("model", "weights", "precision", "settings", "label", "parameters")
    ]
    with Store(tmp_path) as store:
        store.write([error])
        store.write(others)
        assert {row.key for row in store.rows()} == {error.key, *(row.key for row in others)}


def test_an_error_never_replaces_a_good_row_of_other_settings(tmp_path: Path) -> None:
    good = make_row("fund_mask", 0.5, parameters={"half_width_cents": 70})
    error = replace(make_row("fund_mask", 0.5, parameters={"half_width_cents": 90}), status="error")
    with Store(tmp_path) as store:
        store.write([good])
        store.write([error])
        assert store.finished([good.key]) == {good.key}


def test_writing_is_all_or_nothing(tmp_path: Path) -> None:
    good, unwritable = make_row("fund_mask", 0.5), make_row("harm_mask", 0.5)
    unwritable = replace(unwritable, notes=object())  # type: ignore[arg-type]
    with Store(tmp_path) as store:
        with pytest.raises(StoreError):
            store.write([good, unwritable])
        assert store.rows() == []


def test_a_second_run_of_the_same_row_replaces_it(tmp_path: Path) -> None:
    row = make_row("fund_mask", 0.5)
    with Store(tmp_path) as store:
        store.write([row])
        store.write([replace(row, elapsed_seconds=9.0)])
        assert [found.elapsed_seconds for found in store.rows()] == [9.0]


def test_readers_may_look_while_it_is_written(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.write([make_row("fund_mask", 0.5)])
        assert len(read_rows(tmp_path)) == 1
        store.write([make_row("harm_mask", 0.5)])
        assert len(read_rows(tmp_path)) == 2


def test_fingerprints_and_manifests_are_kept(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.remember("stamp", "old")
        store.remember("stamp", "new")
        store.add_manifest("2026-01-01", {"cores": 2})
        store.add_manifest("2026-01-02", {"cores": 4})
    with Store(tmp_path) as store:
        assert store.fingerprint("stamp") == "new"
        assert store.fingerprint("unknown") is None
        assert [(m["started"], m["cores"]) for m in store.manifests()] == [
            ("2026-01-01", 2),
            ("2026-01-02", 4),
        ]


def test_knows_tracks_by_dataset(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.write([make_row("fund_mask", 0.5, track="a", dataset="maps")])
        assert store.knows("maps", "a")
        assert not store.knows("maps", "b")
        assert not store.knows("maestro", "a")


KILLED_WRITER = """
import os, sys
from pi_amt.store.store import Store
from tests.rows import make_row
store = Store(sys.argv[1])
store.write([make_row("fund_mask", 0.5), make_row("harm_mask", 0.5)])
store._db.execute("BEGIN")
store._db.execute("DELETE FROM rows")
os.kill(os.getpid(), 9)
"""


def test_kill_9_keeps_what_was_written_and_drops_what_was_half_written(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED_WRITER, str(tmp_path)]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], check=False, timeout=60)
    assert done.returncode == -9
    with Store(tmp_path) as store:
        assert {row.label for row in store.rows()} == {"fund_mask", "harm_mask"}
        check = store._db.execute("PRAGMA integrity_check").fetchone()
        assert check == ("ok",)


def test_a_newer_store_is_refused_and_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / FILE_NAME) as db:
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    before = (tmp_path / FILE_NAME).read_bytes()
    for readonly in (False, True):
        with pytest.raises(StoreError, match=r"newer pi_amt.*upgrade pi_amt or choose another"):
            Store(tmp_path, readonly=readonly)
    assert (tmp_path / FILE_NAME).read_bytes() == before


@pytest.mark.parametrize("readonly", [False, True])
def test_a_database_of_another_program_is_refused_and_left_alone(
    readonly: bool, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as db, db:
        db.execute("CREATE TABLE rows (number)")
    before = (tmp_path / FILE_NAME).read_bytes()
    with pytest.raises(StoreError, match=r"no store .* of another program\): move it away"):
        Store(tmp_path, readonly=readonly)
    assert (tmp_path / FILE_NAME).read_bytes() == before


def test_another_file_of_that_name_is_refused_and_left_alone(tmp_path: Path) -> None:
    content = b"this is a text file, not a database\n" * 9
    path = tmp_path / FILE_NAME
    path.write_bytes(content)
    with pytest.raises(StoreError, match=rf"{path} is damaged or no store .*: move it away"):
        Store(tmp_path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("damage", ["pages", "json"])
def test_a_damaged_store_is_told_as_such(damage: str, tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.write([replace(make_row("fund_mask", 0.5), key=str(i)) for i in range(200)])
    path = tmp_path / FILE_NAME
    if damage == "pages":
        content = bytearray(path.read_bytes())
        for start in range(2 * 4096, len(content), 4096):
            content[start : start + 200] = b"\xff" * 200
        path.write_bytes(content)
    else:
        with closing(sqlite3.connect(path)) as db, db:
            db.execute("UPDATE rows SET scores = '{bad'")
    with pytest.raises(StoreError, match=rf"{path} is damaged .*: move it away"):
        read_rows(tmp_path)


def test_a_damaged_manifest_is_told_as_such(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.add_manifest("now", {})
        store._db.execute("UPDATE runs SET manifest = '{'")
        store._db.commit()
        with pytest.raises(StoreError, match=r"is damaged .*: move it away"):
            store.manifests()


def test_folders_that_cannot_be_written_are_refused_at_once(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    # chmod does not bind root; a path below a file and /proc do not bind to anyone
    for folder in (file / "results", Path("/proc/pi_amt")):
        with pytest.raises(StoreError, match=r"cannot use the results store .*results_dir="):
            Store(folder)


@pytest.mark.skipif(os.geteuid() == 0, reason="file permissions do not bind root")
def test_a_read_only_folder_is_refused_at_once(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match=r"cannot use the results store .*results_dir="):
        Store(tmp_path)


def test_a_store_in_a_read_only_folder_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite's helper files cannot be made there (root could: so look for them)."""
    row = make_row("fund_mask", 0.5)
    with Store(tmp_path) as store:
        store.write([row])
    monkeypatch.setattr("os.access", lambda *_: False)
    with Store(tmp_path, readonly=True) as store:
        assert store.rows() == [row]
        assert [path.name for path in tmp_path.iterdir()] == ["results.sqlite"]


def test_a_store_on_a_full_disk_can_be_read(tmp_path: Path) -> None:
    """A limit on file sizes stands for the disk: the same failure to make a helper file."""
    row = make_row("fund_mask", 0.5)
    with Store(tmp_path) as store:
        store.write([row])
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, old[1]))
    try:
        found = read_rows(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert found == [row]


def test_reading_never_creates_anything(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no results in"):
        read_rows(tmp_path / "results")
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_was_never_finished_holds_no_results_yet(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).touch()
    with pytest.raises(StoreError, match="holds no results yet: run a study first"):
        read_rows(tmp_path)


def test_a_copy_without_what_the_driver_had_not_moved_into_it_says_what_is_missing(
    tmp_path: Path,
) -> None:
    with Store(tmp_path / "running") as store:
        store.write([make_row("fund_mask", 0.5)])
        names = [FILE_NAME, f"{FILE_NAME}-wal"]
        for copy, wanted in (("alone", names[:1]), ("whole", names)):
            (tmp_path / copy).mkdir()
            for name in wanted:
                shutil.copy(tmp_path / "running" / name, tmp_path / copy)
    assert len(read_rows(tmp_path / "whole")) == 1
    with pytest.raises(StoreError, match=rf"no results yet.*copy .* needs {FILE_NAME}-wal"):
        read_rows(tmp_path / "alone")


def test_a_full_disk_stops_with_a_reason_and_keeps_what_was_written(tmp_path: Path) -> None:
    """A limit on file sizes stands for the disk: the same error from the same system call."""
    row = make_row("fund_mask", 0.5)
    big = [replace(row, key=str(i), notes=bytes(50_000)) for i in range(100)]
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Store(tmp_path) as store:
        store.write([row])
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, old[1]))
        try:
            with pytest.raises(StoreError, match=r"cannot use the results store .*has space"):
                store.write(big)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, old)
    with Store(tmp_path) as store:
        assert [found.key for found in store.rows()] == [row.key]
        store.write(big[:3])
        assert len(store.rows()) == 4
