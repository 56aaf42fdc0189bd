"""How the store's file is opened, wherever it lies.

SQLite's write-ahead mode lets others read while one writes, but it needs memory that all of them
share: on a network file system, where they may be different machines, it does not work. There the
store has a rollback journal, with which a commit waits until nobody reads. That mode is right
everywhere, so write-ahead mode is only chosen on file systems that are known to be local.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

PATIENCE_SECONDS = 60.0  # with another process that reads or writes

_MOUNTS = Path("/proc/self/mountinfo")
#: types of file systems of this machine alone, as Linux names them
_LOCAL = {
    *("bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "jfs", "nilfs2", "reiserfs", "xfs"),
    *("zfs", "apfs", "exfat", "hfs", "hfsplus", "msdos", "ntfs", "ntfs3", "udf", "vfat"),
    *("erofs", "iso9660", "overlay", "ramfs", "rootfs", "squashfs", "tmpfs", "ubifs"),
    "",  # the system does not tell
}


def file_system_of(path: Path) -> str:
    """The type of the file system that a path lies on, as Linux names it (``ext4``, ``nfs4``,
    ``fuse.sshfs``); empty on systems that do not tell."""
    try:
        mounts = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ""
    resolved = path.resolve()
    found, kind = Path(), ""
    for mount in mounts:
        place, _, source = mount.partition(" - ")
        # blanks in names are written as \040
        point = Path(re.sub(r"\\(\d{3})", lambda m: chr(int(m[1], 8)), place.split()[4]))
        # of several on one place, the last one lies on top
        if resolved.is_relative_to(point) and len(point.parts) >= len(found.parts):
            found, kind = point, source.split()[0]
    return kind


def is_local(path: Path) -> bool:
    """Whether only this machine reads and writes there, as far as the system tells."""
    return file_system_of(path) in _LOCAL


def about_place(path: Path) -> str:
    """What the file system at a path means for a store there, for people."""
    kind = file_system_of(path) or "an unknown file system"
    if is_local(path):
        return f"{kind}: write-ahead mode, others may read at any time"
    return (
        f"{kind}, not known as local: rollback journal, readable from other machines; rows wait in "
        "memory while somebody reads"
    )


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """A connection that waits for other processes.

    Args:
        path: the file.
        mode: as in SQLite's URIs; ``rwc`` makes the file if it is missing.

    Raises:
        sqlite3.OperationalError: if it cannot be opened.
    """
    return sqlite3.connect(f"{path.as_uri()}?mode={mode}", uri=True, timeout=PATIENCE_SECONDS)


def choose_journal(db: sqlite3.Connection, path: Path) -> None:
    """Set the journal mode that the file's place allows.

    Raises:
        sqlite3.OperationalError: if others do not end in time, or nothing can be written.
    """
    if is_local(path):
        _set_journal(db, "WAL")
        # FULL would wait for the disk at each recording; WAL + NORMAL survives kill -9.
        db.execute("PRAGMA synchronous = NORMAL")
    else:
        _set_journal(db, "DELETE")


def _set_journal(db: sqlite3.Connection, mode: str) -> None:
    """Switch the file to a journal mode, where it has another one.

    SQLite does not wait for others here: of two drivers that make one store at the same moment, the
    second is told "locked" at once.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            db.execute(f"PRAGMA journal_mode = {mode}")
            return
        except sqlite3.OperationalError as error:
            if not is_busy(error) or time.monotonic() > deadline:
                raise
        time.sleep(0.05)


def is_busy(error: BaseException | None) -> bool:
    """Whether an error says that another process has the file."""
    code = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF == sqlite3.SQLITE_BUSY  # the higher bits tell details


def open_for_reading(path: Path, until_closed: ExitStack) -> sqlite3.Connection:
    """A store that is only read, also where nothing can be written (an archive, a full disk).

    SQLite wants helper files for reading, too, and refuses where it cannot make them. There, a
    store whose last driver ended normally is opened without them. What a killed driver left half
    done is taken back by SQLite: in place, or in a copy where nothing can be written.

    Args:
        path: the file.
        until_closed: closed after the connection; it removes the copy.

    Raises:
        sqlite3.Error: if it cannot be read.
    """
    peaceful = not any(map(_size, _helpers(path)))
    writable = os.access(path.parent, os.W_OK)
    modes = ["rw"] if writable and not peaceful else []
    if writable or not (peaceful and _is_write_ahead(path)):
        modes.insert(0, "ro")
    for mode in modes:
        db = connect(path, mode)
        try:
            db.execute("SELECT 1 FROM sqlite_master").fetchone()
        except sqlite3.Error as error:
            db.close()
            if is_busy(error) or not isinstance(error, sqlite3.OperationalError):
                raise
        else:
            return db
    if peaceful:
        return connect(path, "ro&immutable=1")
    return connect(_copied(path, until_closed), "rw")


def _helpers(path: Path) -> list[Path]:
    """The files in which SQLite keeps what is not yet in the store, or is to be taken back."""
    return [path.with_name(f"{path.name}-{kind}") for kind in ("wal", "journal")]


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _is_write_ahead(path: Path) -> bool:
    """Whether the file's header says so (its byte 18, https://www.sqlite.org/fileformat.html)."""
    with path.open("rb") as file:
        return file.read(19)[18:] == b"\x02"


def _copied(path: Path, until_closed: ExitStack) -> Path:
    """A copy of the file with its helpers, in which SQLite can put in order what was left."""
    folder = Path(until_closed.enter_context(tempfile.TemporaryDirectory(prefix="pi_amt-")))
    files = [path, *_helpers(path)]
    before: list[tuple[int, int]] = []
    while before != (before := [_state(file) for file in files]):  # another machine may write it
        for file in files:
            (folder / file.name).unlink(missing_ok=True)
            if file.exists():
                shutil.copyfile(file, folder / file.name)
    return folder / path.name


def _state(path: Path) -> tuple[int, int]:
    """What changes when a file does."""
    return (path.stat().st_mtime_ns, path.stat().st_size) if path.exists() else (0, 0)
