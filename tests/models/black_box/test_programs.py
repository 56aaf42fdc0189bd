"""Programs of other people: whatever they do, they end, leave nothing, and cost one line."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pi_amt.models.black_box.programs import ProgramError, run


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", code, *arguments]


def is_alive(number: int) -> bool:
    """Whether a process runs; one that has ended and waits for its parent does not."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_what_a_program_prints_is_returned() -> None:
    assert run(python("print('60 0.5 1')"), timeout_seconds=60).printed == "60 0.5 1\n"


def test_a_program_gets_no_input() -> None:
    found = run(python("import sys; print(len(sys.stdin.read()))"), timeout_seconds=60)
    assert found.printed == "0\n"


def test_a_program_that_fails_is_told_with_the_end_of_what_it_said() -> None:
    code = "import sys; print('one\\n\\ntwo\\nthree\\nfour', file=sys.stderr); sys.exit(3)"
    with pytest.raises(ProgramError) as told:
        run(python(code), timeout_seconds=60)
    assert str(told.value).endswith("ended with error 3: two | three | four")


def test_a_program_that_is_killed_is_told_with_its_signal() -> None:
    code = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
    with pytest.raises(ProgramError, match=r"was killed by SIGSEGV$"):
        run(python(code), timeout_seconds=60)


def test_a_program_that_cannot_be_started_is_one_line(tmp_path: Path) -> None:
    broken = tmp_path / "tool"
    broken.write_bytes(b"\x00not a program")
    broken.chmod(0o755)
    with pytest.raises(ProgramError, match=r"^tool cannot be started") as told:
        run([str(broken)], timeout_seconds=60)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_flood_is_drained_and_its_end_is_kept(stream: str) -> None:
    code = (
        "import sys\n"
        f"for i in range(300): sys.{stream}.write('x' * 99999 + '\\x1b\\n')\n"
        f"sys.stderr.write('the reason'); sys.exit(1)"
    )
    with pytest.raises(ProgramError) as told:
        run(python(code), timeout_seconds=300)
    message = str(told.value)
    assert message.endswith("the reason")
    assert len(message) < 600
    assert message.isprintable()


def test_a_program_that_prints_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pi_amt.models.black_box.programs._MOST_PRINTED", 1000)
    with pytest.raises(ProgramError, match="printed more than"):
        run(python("print('x' * 2000)"), timeout_seconds=60)


HANGING = (
    "import os, sys, time\nopen(sys.argv[1], 'a').write(f'{os.getpid()}\\n')\ntime.sleep(600)\n"
)
FORKING = (
    "import os, subprocess, sys, time\n"
    "open(sys.argv[1], 'a').write(f'{os.getpid()}\\n')\n"
    "words = [sys.executable, '-c', sys.argv[2], sys.argv[1]]\n"
    "for alone in (False, True): subprocess.Popen(words, start_new_session=alone)\n"
    "while len(open(sys.argv[1]).readlines()) < 3: time.sleep(0.01)\n"
)


def numbers(file: Path) -> list[int]:
    return list(map(int, file.read_text().split()))


def test_a_program_that_hangs_is_killed(tmp_path: Path) -> None:
    file = tmp_path / "numbers"
    code = "import sys; print('loading', file=sys.stderr, flush=True)\n" + HANGING
    with pytest.raises(ProgramError, match=r"was stopped after 3 s without an answer.*: loading$"):
        run(python(code, str(file)), timeout_seconds=3)
    assert not any(map(is_alive, numbers(file)))


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
@pytest.mark.parametrize("hangs", [True, False])
def test_what_a_program_started_ends_with_it(tmp_path: Path, hangs: bool) -> None:
    """Also a process in a session of its own, which its parent cannot reach by its group."""
    file = tmp_path / "numbers"
    words = python(FORKING + "time.sleep(600)" * hangs, str(file), HANGING)
    if hangs:
        with pytest.raises(ProgramError, match="was stopped"):
            run(words, timeout_seconds=15)
    else:  # it ends while its children hold what it prints to
        assert run(words, timeout_seconds=300).printed == ""
    assert len(numbers(file)) == 3
    assert not any(map(is_alive, numbers(file)))


def test_an_interrupted_run_leaves_no_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "numbers"

    wait, calls = subprocess.Popen.wait, []

    def interrupted(process: subprocess.Popen[bytes], timeout: float | None = None) -> int:
        calls.append(timeout)
        if len(calls) == 1:
            while not (file.exists() and file.read_text().endswith("\n")):
                time.sleep(0.01)
            raise KeyboardInterrupt
        return wait(process, timeout)

    monkeypatch.setattr(subprocess.Popen, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(python(HANGING, str(file)), timeout_seconds=300)
    assert not any(map(is_alive, numbers(file)))


def test_a_killed_caller_leaves_no_program(tmp_path: Path) -> None:
    """``kill -9`` gives the caller no chance to end its program."""
    file = tmp_path / "numbers"
    code = (
        "import sys\nfrom pi_amt.models.black_box.programs import run\n"
        "run([sys.executable, '-c', *sys.argv[1:]], timeout_seconds=300)"
    )
    caller = subprocess.Popen(python(code, HANGING, str(file)))
    while not (file.exists() and file.read_text().endswith("\n")):
        assert caller.poll() is None
        time.sleep(0.01)
    caller.kill()
    caller.wait()
    until = time.monotonic() + 60
    while any(map(is_alive, numbers(file))) and time.monotonic() < until:
        time.sleep(0.01)
    assert not any(map(is_alive, numbers(file)))


def test_the_environment_of_a_program_is_ours() -> None:
    code = "import os; print(os.environ['HOME'])"
    assert run(python(code), timeout_seconds=60).printed.strip() == os.environ["HOME"]
