"""Opening the store's SQLite file, beside other processes and where nothing can be written."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

_PATIENCE_SECONDS = 60.0  # with another process that is writing


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """A connection that waits for other processes; ``mode`` as in SQLite's URIs, ``rwc``."""
    return sqlite3.connect(f"{path.as_uri()}?mode={mode}", uri=True, timeout=_PATIENCE_SECONDS)


def write_ahead(db: sqlite3.Connection) -> None:
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


def open_for_reading(path: Path) -> sqlite3.Connection:
    """A store that is only read.

    Where nothing can be written (an archive, a read-only or full disk) SQLite cannot make the
    helper files that it wants for reading, too: a finished store is opened without them there.

    Raises:
        sqlite3.Error: if it cannot be read.
    """
    finished = not path.with_name(f"{path.name}-wal").exists()
    if not finished or os.access(path.parent, os.W_OK):
        db = connect(path, "ro")
        try:
            db.execute("SELECT 1 FROM sqlite_master").fetchone()
        except sqlite3.Error as error:
            db.close()
            if not (finished and isinstance(error, sqlite3.OperationalError)):
                raise
        else:
            return db
    return connect(path, "ro&immutable=1")
