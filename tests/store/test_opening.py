"""Where the store's file lies decides how it is opened: network file systems, read-only disks."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from tests.rows import make_row

from pi_amt.store import opening
from pi_amt.store.opening import about_place, file_system_of, is_local
from pi_amt.store.rows import Row
from pi_amt.store.store import FILE_NAME, Store, StoreError, read_rows

ROOT = Path(__file__).parents[2]
MOUNTS = r"""
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
28 27 0:25 / /data rw shared:1 - nfs4 server:/export rw,vers=4.2
29 27 0:26 / /data2 rw - xfs /dev/vdb rw
30 28 0:27 / /data/local rw master:2 propagate_from:1 - tmpfs tmpfs rw
31 27 0:28 / /home rw - autofs systemd-1 rw
32 31 0:29 / /home rw - lustre mds@o2ib:/home rw
33 27 0:30 / /my\040disk rw - fuse.sshfs host:/ rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/srv/results", "ext4"),
        ("/data/results/results.sqlite", "nfs4"),
        ("/data", "nfs4"),
        ("/data2/results", "xfs"),
        ("/data/local/results", "tmpfs"),
        ("/home/me/results", "lustre"),
        ("/my disk/results", "fuse.sshfs"),
    ],
)
def test_the_innermost_and_topmost_mount_tells_the_file_system(
    path: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS.strip() + "\n")
    monkeypatch.setattr(opening, "_MOUNTS", mounts)
    assert file_system_of(Path(path)) == kind
    assert is_local(Path(path)) == (kind in ("ext4", "xfs", "tmpfs"))
    assert about_place(Path(path)).startswith(kind)


def test_a_link_lies_where_it_leads(tmp_path: Path) -> None:
    (tmp_path / "processes").symlink_to("/proc")
    if Path("/proc/self/mountinfo").exists():
        assert file_system_of(tmp_path / "processes" / "self") == "proc"


def test_where_the_system_does_not_tell_a_disk_is_taken_as_local(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "_MOUNTS", tmp_path / "nowhere")
    assert file_system_of(tmp_path) == ""
    assert is_local(tmp_path)


def lie_on(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "file_system_of", lambda path: kind)


def journal_of(store: Store) -> str:
    return str(store._db.execute("PRAGMA journal_mode").fetchone()[0])


NETWORKS = [
    *("nfs", "nfs4", "cifs", "smb3", "lustre", "gpfs", "fuse", "fuse.sshfs", "beegfs", "ceph"),
    *("9p", "virtiofs", "afs", "autofs", "one of tomorrow"),
]


@pytest.mark.parametrize("kind", NETWORKS)
def test_write_ahead_mode_is_not_used_where_several_machines_may_be(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [make_row("fund_mask", 0.5)]
    lie_on(kind, monkeypatch)
    with Store(tmp_path) as store:
        store.write(rows)
        assert journal_of(store) == "delete"
        assert read_rows(tmp_path) == rows
        assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_a_store_that_is_moved_changes_its_mode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind, mode in (("ext4", "wal"), ("nfs4", "delete"), ("", "wal")):
        lie_on(kind, monkeypatch)
        with Store(tmp_path) as store:
            store.write([replace(make_row("fund_mask", 0.5), key=kind, track=kind)])
            assert journal_of(store) == mode
    assert len(read_rows(tmp_path)) == 3


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stores lie on a network file system."""
    lie_on("nfs4", monkeypatch)


def job_rows(number: int) -> list[Row]:
    """The three rows of a recording."""
    row = make_row("fund_mask", 0.5, track=f"piece {number}")
    return [replace(row, key=f"{number} {i}", label=str(i), notes=bytes(5000)) for i in range(3)]


def test_somebody_who_reads_for_long_neither_ends_nor_holds_up_the_driver(
    tmp_path: Path, network: None
) -> None:
    with Store(tmp_path) as store:
        store.write(job_rows(0))
        with closing(sqlite3.connect(tmp_path / FILE_NAME)) as reader:
            reader.execute("BEGIN")
            assert reader.execute("SELECT count(*) FROM rows").fetchone() == (3,)
            store.write(job_rows(1))
            store.remember("stamp", "print")
            store.write(job_rows(2))
            assert reader.execute("SELECT count(*) FROM rows").fetchone() == (3,)
        store.write(job_rows(3))
        assert len(read_rows(tmp_path)) == 12
        assert store.fingerprint("stamp") == "print"


def test_what_waits_is_written_at_the_end_or_missed_aloud(
    tmp_path: Path, network: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / FILE_NAME
    with closing(sqlite3.connect(path, check_same_thread=False)) as reader:
        with Store(tmp_path) as store:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM rows").fetchone()
            store.write(job_rows(0))
            later = threading.Timer(0.2, reader.rollback)
            later.start()
        later.join()
    assert len(read_rows(tmp_path)) == 3
    monkeypatch.setattr("pi_amt.store.store.PATIENCE_SECONDS", 0.1)
    with closing(sqlite3.connect(path)) as reader:
        store = Store(tmp_path)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM rows").fetchone()
        store.write(job_rows(1))
        with pytest.raises(StoreError, match=r"another process has kept .* the same command goes"):
            store.close()


READER = """
import sys
from pi_amt.store.store import read_rows
seen = []
print("ready", flush=True)
while len(set(seen)) < 20:
    seen.append(len(read_rows(sys.argv[1])))
print(*seen)
"""


def test_a_reader_never_sees_half_a_recording(tmp_path: Path, network: None) -> None:
    with Store(tmp_path) as store:
        command = [sys.executable, "-c", READER, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as reader:
            assert reader.stdout is not None
            reader.stdout.readline()
            number = 0
            while reader.poll() is None:
                store.write(job_rows(number))
                store.write(job_rows(0))  # rows that are replaced are not seen in parts, either
                number += 1
                time.sleep(0.02)  # as workers do: locks are not given in turn
            seen = list(map(int, reader.stdout.read().split()))
    assert reader.returncode == 0
    assert len(seen) >= 20
    assert {count % 3 for count in seen} == {0}


KILLED_IN_MID_COMMIT = """
import os, sys
from pi_amt.store import opening
from pi_amt.store.store import Store
from tests.store.test_opening import job_rows
opening.file_system_of = lambda path: sys.argv[2]
store = Store(sys.argv[1])
store.write(job_rows(0))
store._db.execute("PRAGMA cache_size = 1")  # so that half a transaction is in the file
store._db.execute("PRAGMA wal_autocheckpoint = 0")
for number in range(1, 20):
    store._db.execute("UPDATE rows SET notes = zeroblob(?)", (50_000 * number,))
os.kill(os.getpid(), 9)
"""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk that can be made read-only, also for root."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("cannot mount a disk here (needs root)")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("left", ["nothing", "empty files", "ext4", "nfs4"])
def test_a_store_can_be_read_whatever_its_driver_left_there(
    left: str, read_only: bool, disk: Path
) -> None:
    """In peace, with empty helper files, or killed in either journal mode."""
    if left in ("ext4", "nfs4"):
        command = [sys.executable, "-c", KILLED_IN_MID_COMMIT, str(disk), left]
        assert subprocess.run(command, cwd=ROOT, check=False).returncode == -9
        (helper,) = [
            path for path in disk.iterdir() if path.suffix in (".sqlite-wal", ".sqlite-journal")
        ]
        assert helper.stat().st_size > 0
        (disk / f"{FILE_NAME}-shm").unlink(missing_ok=True)  # not part of an archive
    else:
        with Store(disk) as store:
            store.write(job_rows(0))
        if left == "empty files":
            (disk / f"{FILE_NAME}-wal").touch()
    if read_only:
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    assert read_rows(disk) == job_rows(0)
