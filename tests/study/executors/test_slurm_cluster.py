"""SLURM for real: one node on this machine, with Debian's slurmctld, slurmd and munged.

Needs root and ``apt-get install slurmctld slurmd slurm-client munge``; skipped otherwise. All
sockets, keys, logs and spool files live in a temporary folder, the daemons in the foreground.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
from tests.study.executors.conftest import PYTHONPATH, free_port, process, wait_until
from tests.study.test_driver import facts, study
from tests.toys import toy_tracks

from pi_amt.store.store import read_rows
from pi_amt.study.executors.slurm_cluster import slurm

PROGRAMS = ("munged", "slurmctld", "slurmd", "sinfo", "sbatch", "squeue", "scancel")
CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={daemon_port}
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
KillWait=2
MinJobAge=5
SchedulerType=sched/builtin
SchedulerParameters=sched_interval=1
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory=8000 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=60 State=UP
"""

pytestmark = [
    pytest.mark.slurm,
    pytest.mark.skipif(
        os.geteuid() != 0 or not all(map(shutil.which, PROGRAMS)),
        reason="needs root and slurmctld, slurmd, slurm-client, munge (apt-get install)",
    ),
]


@pytest.fixture(scope="module")
def partition(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Name of a partition of a running one-node cluster; SLURM's commands find it."""
    # short, because the path of a socket has at most 107 characters
    folder = tmp_path_factory.mktemp("s")
    folder.chmod(0o755)
    for name in ("state", "spool"):
        (folder / name).mkdir()
    (folder / "munge.key").write_bytes(os.urandom(1024))
    (folder / "munge.key").chmod(0o400)
    (folder / "slurm.conf").write_text(
        CONFIGURATION.format(
            host=socket.gethostname().split(".")[0],
            folder=folder,
            cores=os.cpu_count(),
            controller_port=free_port(),
            daemon_port=free_port(),
        )
    )
    files = {"key-file": "key", "socket": "socket", "pid-file": "pid", "seed-file": "seed"}
    munge = [f"--{option}={folder}/munge.{ending}" for option, ending in files.items()]
    log = folder / "log"
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", str(folder / "slurm.conf"))
        patch.setenv("PYTHONPATH", PYTHONPATH)  # jobs get the environment of who submits them
        start = partial(process, log=log)
        stack.enter_context(start("munged", "--foreground", "--force", *munge))
        assert wait_until((folder / "munge.socket").exists, 10), log.read_text()
        stack.enter_context(start("slurmctld", "-D"))
        stack.enter_context(start("slurmd", "-D", "-f", str(folder / "slurm.conf")))
        if not wait_until(_is_idle, 20):
            pytest.skip(f"SLURM does not start here: {log.read_text()[-600:]}")
        yield "main"
        subprocess.run(["scancel", "--user", "root"], check=False)
        assert wait_until(lambda: _squeue() == "", 20)


def _is_idle() -> bool:
    return "idle" in _output("sinfo", "--noheader", "--format=%T")


def _squeue() -> str:
    return _output("squeue", "--noheader")


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def test_slurm_gives_the_rows_of_one_process(tmp_path: Path, partition: str) -> None:
    executor = partial(
        slurm,
        n_jobs=2,
        partition=partition,
        memory="2GB",
        walltime="00:05:00",
        interface="lo",
        log_folder=str(tmp_path / "logs"),
        start_timeout_seconds=60,
    )
    summary = study(tmp_path / "slurm", toy_tracks(6), ["fund_mask", "random"], executor=executor)
    assert (summary.computed, summary.errors) == (18, [])
    study(tmp_path / "serial", toy_tracks(6), ["fund_mask", "random"])
    assert facts(read_rows(tmp_path / "slurm")) == facts(read_rows(tmp_path / "serial"))
    assert list((tmp_path / "logs").glob("*.out"))  # the workers were SLURM jobs
    assert wait_until(lambda: _squeue() == "", 20)  # and are gone


def test_a_job_that_slurm_refuses_is_said_so_at_once(partition: str) -> None:
    with pytest.raises(RuntimeError, match=r"SLURM refuses the job: .*partition"):
        slurm(partition="no_such_partition", interface="lo").__enter__()
