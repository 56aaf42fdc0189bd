"""Rows on disk: one result per model × dataset × permutation × repeat × track.

One SQLite file under the results folder (:mod:`pi_amt.store.opening`). Only the driver of a study
writes; readers may look at any time, also from other machines, and never see half a recording: its
rows are one transaction. ``kill -9`` loses at most the recordings in flight and those whose rows
were waiting for a reader to end. Besides the rows it holds one manifest per run (environment,
settings) and the fingerprints of files already read, so that a second run need not hash the data
again.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

from pi_amt.scoring.note_table import NoteTableError
from pi_amt.store.opening import (
    PATIENCE_SECONDS,
    choose_journal,
    connect,
    is_busy,
    open_for_reading,
)
from pi_amt.store.rows import Row

# A driver that waited longer would leave its workers without jobs; what is not written then goes
# with the next rows.
_WRITE_PATIENCE_SECONDS = 0.5

FILE_NAME = "results.sqlite"
SCHEMA_VERSION = 1

_COLUMNS = [f.name for f in fields(Row)]
# What two rows share if the newer one says what became of the older one's error. It is less than a
# cell (`rows.cell_of`): a file that could not be read has no contents, and may be read by a newer
# method.
_OF_AN_ERROR = (
    *("dataset", "track", "model", "weights", "precision", "settings"),
    *("label", "parameters", "repeat", "seed"),
)
_MAPPINGS = ("scores", "effects", "counts")
_SQL_TYPES = {"int": "INTEGER", "float": "REAL", "bytes": "BLOB"}
_ROW_COLUMNS = ", ".join(
    f"{f.name} {_SQL_TYPES.get(str(f.type), 'TEXT')}" + (" PRIMARY KEY" * (f.name == "key"))
    for f in fields(Row)
)
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS rows ({_ROW_COLUMNS});
CREATE INDEX IF NOT EXISTS rows_by_track ON rows (dataset, track);
CREATE TABLE IF NOT EXISTS runs (id INTEGER PRIMARY KEY, started TEXT, manifest TEXT);
CREATE TABLE IF NOT EXISTS files (stamp TEXT PRIMARY KEY, fingerprint TEXT);
PRAGMA user_version = {SCHEMA_VERSION};
"""


class StoreError(RuntimeError):
    """The results folder cannot be used; the message says why and what to do."""


class _Busy(StoreError):
    """Another process reads or writes, and does not end."""


#: a query and the records that it takes, one after the other
_Statement = tuple[str, Sequence[Sequence[Any]]]


class Store:
    """The results of a folder.

    Args:
        folder: results folder; made if it is missing (unless ``readonly``).
        readonly: open for tables and reports; never creates or changes anything.

    Raises:
        StoreError: if the folder is missing, read-only, full, not a store, or from a newer version.
    """

    def __init__(self, folder: Path | str, *, readonly: bool = False) -> None:
        self.path = store_path(folder).absolute()
        if readonly and not self.path.is_file():
            raise StoreError(f"no results in {self.path.parent}: expected {self.path.name} there")
        self._waiting: deque[Sequence[_Statement]] = deque()  # transactions
        with self._clear_errors():
            if not readonly:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            self._until_closed = ExitStack()
            if readonly:
                self._db = open_for_reading(self.path, self._until_closed)
            else:
                self._db = connect(self.path, "rwc")
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
            self._check(version, readonly)
            if not readonly:
                self._prepare(version)

    def _check(self, version: int, readonly: bool) -> None:
        """Refuse a file that is no store, or none that this version of pi_amt can use."""
        if version > SCHEMA_VERSION:
            raise StoreError(
                f"{self.path} was written by a newer pi_amt (store version {version}, this one "
                f"reads {SCHEMA_VERSION}): upgrade pi_amt or choose another results_dir"
            )
        if (there := self._columns()) and "key" not in there:
            raise ValueError("it has a table of rows that is of another program")
        if readonly and version == 0:  # a study was stopped while it made the file
            raise StoreError(
                f"{self.path} holds no results yet: run a study first, or name another folder; "
                f"the copy of a study that has not ended needs {self.path.name}-wal, too"
            )

    def _prepare(self, version: int) -> None:
        """Make the tables and columns that the file of a new or an older store lacks."""
        choose_journal(self._db, self.path)
        if version < SCHEMA_VERSION:
            self._db.executescript(_SCHEMA)
        for name in self._missing_columns():
            self._db.execute(f"ALTER TABLE rows ADD COLUMN {name} TEXT DEFAULT ''")
        # A read-only folder or full disk is to fail now, not after the first recording.
        self._db.execute("DELETE FROM files WHERE stamp = ''")
        self._db.commit()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _columns(self) -> set[str]:
        return {record[1] for record in self._db.execute("PRAGMA table_info(rows)")}

    def _missing_columns(self) -> list[str]:
        there = self._columns()
        return [name for name in _COLUMNS if name not in there]

    def close(self) -> None:
        """Write what waits, and close the file.

        Raises:
            StoreError: if another process does not let it be written.
        """
        try:
            self._catch_up(PATIENCE_SECONDS)
        finally:
            self._db.close()
            self._until_closed.close()

    @contextmanager
    def _clear_errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.OperationalError, OSError) as error:
            if is_busy(error):
                raise _Busy(
                    f"another process has kept the results store {self.path} to itself for "
                    f"{PATIENCE_SECONDS:g} s: end it, then the same command goes on"
                ) from error
            raise StoreError(
                f"cannot use the results store {self.path}: {error}; check that the folder is "
                "writable and has space, or choose another one with results_dir=…"
            ) from error
        except (sqlite3.Error, ValueError) as error:
            raise StoreError(
                f"{self.path} is damaged or no store of pi_amt ({error}): move it away, or choose "
                "another results_dir"
            ) from error

    def write(self, rows: Iterable[Row]) -> None:
        """Add or replace rows in one transaction.

        Each deletes the errors and the empty rows of the same recording, model, settings, condition
        and draw, whatever their contents and method. An error does so, too: what was empty before
        is then found to be so again by the next run.

        While another process keeps the file to itself they wait in memory (see :meth:`_commit`).
        """
        rows = list(rows)
        same = " AND ".join(f"{name} = ?" for name in _OF_AN_ERROR)
        marks = ", ".join("?" * len(_COLUMNS))
        self._commit(
            (
                f"DELETE FROM rows WHERE status != 'ok' AND {same}",
                [[getattr(row, name) for name in _OF_AN_ERROR] for row in rows],
            ),
            (
                f"INSERT OR REPLACE INTO rows ({', '.join(_COLUMNS)}) VALUES ({marks})",
                [_to_record(row) for row in rows],
            ),
        )

    def _commit(self, *statements: _Statement) -> None:
        """One transaction, now or when the file is free.

        Without write-ahead mode somebody who reads locks the file, and may read for minutes. That
        must neither end a study nor hold it up, so what cannot be written soon is kept: it goes
        with the next transaction, and at the latest when rows are read or the store is closed.
        """
        self._waiting.append(statements)
        with suppress(_Busy):
            self._catch_up(_WRITE_PATIENCE_SECONDS)

    def _catch_up(self, patience_seconds: float) -> None:
        """Write all that waits; :class:`_Busy` if the file is not free in time."""
        if not self._waiting:
            return
        with self._clear_errors():
            self._db.execute(f"PRAGMA busy_timeout = {round(1000 * patience_seconds)}")
            try:
                while self._waiting:
                    try:
                        with self._db:
                            for query, records in self._waiting[0]:
                                self._db.executemany(query, records)
                    except sqlite3.Error as error:
                        if not is_busy(error):
                            self._waiting.popleft()  # to try again would not help
                        raise
                    self._waiting.popleft()
            finally:
                self._db.execute(f"PRAGMA busy_timeout = {round(1000 * PATIENCE_SECONDS)}")

    def rows(self, keys: Iterable[str] | None = None, *, notes: bool = True) -> list[Row]:
        """All rows in the order of writing, or those of the given keys.

        Without their note tables, nine tenths of a store of long recordings stay on the disk.
        """
        self._catch_up(PATIENCE_SECONDS)
        with self._clear_errors():
            query = self._query(notes)
            if keys is None:
                return [_from_record(r) for r in self._db.execute(f"{query} ORDER BY rowid")]
            found: list[Row] = []
            for key in keys:
                record = self._db.execute(f"{query} WHERE key = ?", (key,)).fetchone()
                found += [] if record is None else [_from_record(record)]
            return found

    def errors(self) -> list[Row]:
        """The rows of what failed and has not succeeded since, in the order of writing."""
        self._catch_up(PATIENCE_SECONDS)
        with self._clear_errors():
            query = f"{self._query(notes=False)} WHERE status = 'error' ORDER BY rowid"
            return [_from_record(record) for record in self._db.execute(query)]

    def _query(self, notes: bool) -> str:
        """What asks for rows, also in a store from before some of their fields existed."""
        missing = self._missing_columns()
        columns = [f"'' AS {name}" if name in missing else name for name in _COLUMNS]
        if not notes:
            columns[_COLUMNS.index("notes")] = "x'' AS notes"
        return f"SELECT {', '.join(columns)} FROM rows"

    def finished(self, keys: Iterable[str]) -> set[str]:
        """Those of the keys that have a row without error."""
        query = "SELECT 1 FROM rows WHERE key = ? AND status != 'error'"
        with self._clear_errors():
            return {key for key in keys if self._db.execute(query, (key,)).fetchone()}

    def knows(self, dataset: str, track: str) -> bool:
        """Whether any row of this track is here, under whatever settings."""
        query = "SELECT 1 FROM rows WHERE dataset = ? AND track = ? LIMIT 1"
        with self._clear_errors():
            return self._db.execute(query, (dataset, track)).fetchone() is not None

    def fingerprint(self, stamp: str) -> str | None:
        """Fingerprint of a track last seen with these paths, sizes and times."""
        query = "SELECT fingerprint FROM files WHERE stamp = ?"
        with self._clear_errors():
            record = self._db.execute(query, (stamp,)).fetchone()
        return None if record is None else str(record[0])

    def remember(self, stamp: str, fingerprint: str) -> None:
        """Keep a track's fingerprint for the next run."""
        self._commit(("INSERT OR REPLACE INTO files VALUES (?, ?)", [(stamp, fingerprint)]))

    def regroup(self, dataset: str, compositions: Mapping[str, str]) -> None:
        """Give the stored rows of a dataset's tracks the compositions that these have now.

        What counts as one composition is the dataset's to say and decides no score, so rows are
        found again by a key without it.
        """
        query = "UPDATE rows SET composition = ? WHERE dataset = ? AND track = ?"
        values = [(composition, dataset, track) for track, composition in compositions.items()]
        with self._clear_errors(), self._db:
            self._db.executemany(f"{query} AND composition != ?", [(*v, v[0]) for v in values])

    def add_manifest(self, started: str, manifest: Mapping[str, Any]) -> None:
        """Record one run: environment, settings, command."""
        # in order: a grid of conditions goes by its keys
        text = json.dumps(manifest, default=str)
        self._commit(("INSERT INTO runs (started, manifest) VALUES (?, ?)", [(started, text)]))

    def manifests(self) -> list[dict[str, Any]]:
        """The manifests of all runs, oldest first."""
        self._catch_up(PATIENCE_SECONDS)
        with self._clear_errors():
            records = self._db.execute("SELECT started, manifest FROM runs ORDER BY id").fetchall()
            return [{"started": started, **json.loads(text)} for started, text in records]


def read_rows(folder: Path | str, *, notes: bool = True) -> list[Row]:
    """All rows of a results folder, with or without their note tables (error anatomy).

    Raises:
        StoreError: if there is no store, or none that this version reads.
    """
    with Store(folder, readonly=True) as store:
        return store.rows(notes=notes)


def read_errors(folder: Path | str) -> list[Row]:
    """The rows of a results folder that failed and have not succeeded since, with their tracebacks.

    Raises:
        StoreError: if there is no store, or none that this version reads.
    """
    with Store(folder, readonly=True) as store:
        return store.errors()


def store_path(folder: Path | str) -> Path:
    """The store's file in a results folder (or the file itself)."""
    path = Path(folder).expanduser()
    return path if path.suffix == ".sqlite" else path / FILE_NAME


@contextmanager
def note_tables_of(folder: Path | str) -> Iterator[None]:
    """Name the store in errors about the note tables of its rows.

    Note tables are decoded when they are needed, long after the rows were read, and a row does not
    know which store it is from.

    Raises:
        StoreError: if a note table is damaged.
    """
    try:
        yield
    except NoteTableError as error:
        raise StoreError(
            f"{store_path(folder).absolute()} is damaged: {error}; move it away, or choose another "
            "results_dir"
        ) from error


def _to_record(row: Row) -> list[Any]:
    values = {name: getattr(row, name) for name in _COLUMNS}
    for name in _MAPPINGS:
        # JSON has no NaN: null stands for "undefined".
        values[name] = json.dumps(
            {k: None if math.isnan(v) else v for k, v in values[name].items()}, sort_keys=True
        )
    return list(values.values())


def _from_record(record: tuple[Any, ...]) -> Row:
    values = dict(zip(_COLUMNS, record, strict=True))
    for name in _MAPPINGS:
        loaded = json.loads(values[name])
        values[name] = {k: math.nan if v is None else v for k, v in loaded.items()}
    return Row(**values)
