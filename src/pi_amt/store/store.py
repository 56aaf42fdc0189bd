"""Rows on disk: one result per model × dataset × permutation × repeat × track.

One SQLite file in write-ahead mode under the results folder. Only the driver of a study writes;
readers may look at any time. Every batch of rows is one transaction, so ``kill -9`` loses at most
the recordings in flight. Besides the rows it holds one manifest per run (environment, settings)
and the fingerprints of files already read, so that a second run need not hash the data again.
Readers also open a finished store where nothing can be written.
"""

from __future__ import annotations

import json
import math
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

from pi_amt.scoring.note_table import NoteTableError
from pi_amt.store.rows import Row

_PATIENCE_SECONDS = 60.0  # with another process that is writing


FILE_NAME = "results.sqlite"
SCHEMA_VERSION = 1


_COLUMNS = [f.name for f in fields(Row)]
# what two rows share if the newer one says what became of the older one's error
_CELL = [
    f"{name} = ?"
    for name in (
        *("dataset", "track", "model", "weights", "precision", "settings"),
        *("label", "parameters", "repeat", "seed"),
    )
]
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
        with self._clear_errors():
            if not readonly:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            self._db = _open_for_reading(self.path) if readonly else _connect(self.path, "rwc")
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
            if version > SCHEMA_VERSION:
                raise StoreError(
                    f"{self.path} was written by a newer pi_amt (store version {version}, this one "
                    f"reads {SCHEMA_VERSION}): upgrade pi_amt or choose another results_dir"
                )
            if not readonly:
                _write_ahead(self._db)
                # FULL would wait for the disk at each recording; WAL + NORMAL survives kill -9.
                self._db.execute("PRAGMA synchronous = NORMAL")
                self._db.executescript(_SCHEMA)
                for name in self._missing_columns():  # a store from before the field existed
                    self._db.execute(f"ALTER TABLE rows ADD COLUMN {name} TEXT DEFAULT ''")
                # A read-only folder or full disk is to fail now, not after the first recording.
                self._db.execute("DELETE FROM files WHERE stamp = ''")
                self._db.commit()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _missing_columns(self) -> list[str]:
        there = {record[1] for record in self._db.execute("PRAGMA table_info(rows)")}
        return [name for name in _COLUMNS if name not in there]

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def _clear_errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.OperationalError, OSError) as error:
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
        """Add or replace rows in one transaction; good rows clear older errors of their cell."""
        rows = list(rows)
        marks = ", ".join("?" * len(_COLUMNS))
        with self._clear_errors(), self._db:
            self._db.executemany(
                f"DELETE FROM rows WHERE status != 'ok' AND {' AND '.join(_CELL)}",
                [[getattr(r, name.split()[0]) for name in _CELL] for r in rows],
            )
            self._db.executemany(
                f"INSERT OR REPLACE INTO rows ({', '.join(_COLUMNS)}) VALUES ({marks})",
                [_to_record(r) for r in rows],
            )

    def rows(self, keys: Iterable[str] | None = None, *, notes: bool = True) -> list[Row]:
        """All rows in the order of writing, or those of the given keys.

        Without their note tables, nine tenths of a store of long recordings stay on the disk.
        """
        with self._clear_errors():
            missing = self._missing_columns()
            columns = [f"'' AS {name}" if name in missing else name for name in _COLUMNS]
            if not notes:
                columns[_COLUMNS.index("notes")] = "x'' AS notes"
            query = f"SELECT {', '.join(columns)} FROM rows"
            if keys is None:
                return [_from_record(r) for r in self._db.execute(f"{query} ORDER BY rowid")]
            found: list[Row] = []
            for key in keys:
                record = self._db.execute(f"{query} WHERE key = ?", (key,)).fetchone()
                found += [] if record is None else [_from_record(record)]
            return found

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
        with self._clear_errors(), self._db:
            self._db.execute("INSERT OR REPLACE INTO files VALUES (?, ?)", (stamp, fingerprint))

    def add_manifest(self, started: str, manifest: Mapping[str, Any]) -> None:
        """Record one run: environment, settings, command."""
        text = json.dumps(manifest, default=str)  # in order: a grid of conditions goes by its keys
        with self._clear_errors(), self._db:
            self._db.execute("INSERT INTO runs (started, manifest) VALUES (?, ?)", (started, text))

    def manifests(self) -> list[dict[str, Any]]:
        """The manifests of all runs, oldest first."""
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


def store_path(folder: Path | str) -> Path:
    """The store's file in a results folder (or the file itself)."""
    path = Path(folder)
    return path if path.suffix == ".sqlite" else path / FILE_NAME


@contextmanager
def note_tables_of(folder: Path | str) -> Iterator[None]:
    """Work on rows of a results folder: the bytes of a row do not know which store they are from.

    Raises:
        StoreError: naming the store, where a note table in it is damaged.
    """
    try:
        yield
    except NoteTableError as error:
        raise StoreError(
            f"{store_path(folder).absolute()} is damaged: {error}; move it away, or choose another "
            "results_dir"
        ) from error


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    """A connection that waits for other processes; ``mode`` as in SQLite's URIs, ``rwc``."""
    return sqlite3.connect(f"{path.as_uri()}?mode={mode}", uri=True, timeout=_PATIENCE_SECONDS)


def _write_ahead(db: sqlite3.Connection) -> None:
    """Switch the file to write-ahead mode, where it is not.

    SQLite does not wait for others here: of two drivers that make one store at the same moment, the
    second is told "locked" at once.

    Raises:
        sqlite3.OperationalError: if the others do not end in time, or nothing can be written.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(0.05)


def _open_for_reading(path: Path) -> sqlite3.Connection:
    """A store that is only read.

    Where nothing can be written (an archive, a read-only or full disk) SQLite cannot make the
    helper files that it wants for reading, too: a finished store is opened without them there.

    Raises:
        sqlite3.Error: if it cannot be read.
    """
    finished = not path.with_name(f"{path.name}-wal").exists()
    if not finished or os.access(path.parent, os.W_OK):
        db = _connect(path, "ro")
        try:
            db.execute("SELECT 1 FROM sqlite_master").fetchone()
        except sqlite3.Error as error:
            db.close()
            if not (finished and isinstance(error, sqlite3.OperationalError)):
                raise
        else:
            return db
    return _connect(path, "ro&immutable=1")


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
