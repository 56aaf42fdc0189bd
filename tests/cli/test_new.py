"""``pi-amt new``: what it writes installs with pip, passes its own tests, and is found by name."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

import pi_amt
from pi_amt.cli.main import main
from pi_amt.cli.new import KINDS, write_package

Run = Callable[..., str]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs ``pi-amt``, ``pytest`` or ``pip`` in an environment of its own and an empty folder, and
    returns what it prints. All packages of these tests are there; ``pip`` needs no network."""
    folder = tmp_path_factory.mktemp("new")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    (packages,) = folder.glob("venv/lib/python*/site-packages")
    seen = [str(Path(pi_amt.__file__).parents[1]), sysconfig.get_path("purelib"), *sys.path]
    (packages / "seen.pth").write_text("\n".join(filter(os.path.isdir, seen)) + "\n")
    python = str(folder / "venv" / "bin" / "python")
    offline = ["--quiet", "--no-build-isolation", "--no-deps", "--no-index"]
    programs = {
        "pi-amt": [python, "-m", "pi_amt"],
        "pytest": [python, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        "pip": [sys.executable, "-m", "pip", "--python", python],
    }
    own = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PYTEST"))}

    def run(program: str, *arguments: str) -> str:
        done = subprocess.run(
            [*programs[program], *arguments, *(offline if program == "pip" else [])],
            cwd=folder,
            env={**own, "OMP_NUM_THREADS": "1", "COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{program} {arguments}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    return run


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_new_installs_passes_its_tests_and_is_listed(kind: str, run: Run) -> None:
    name = f"my_{kind}"
    written = run("pi-amt", "new", kind, name)
    assert f"wrote {name}/src/{name}.py, a {kind} that works, with its tests" in written
    assert f"next: pip install --editable './{name}[test]' && pytest {name}" in written
    run("pip", "install", "--editable", f"./{name}[test]")
    tested = run("pytest", name)
    assert re.search(r"^[23] passed in", tested, re.MULTILINE)
    (line,) = re.findall(rf"^  {name} .*", run("pi-amt", "list"), re.MULTILINE)
    assert re.fullmatch(rf"  {name} +{name.replace('_', '.')} 0\.1\.0 \w.*", line)
    assert "BROKEN" not in line
    if kind != "dataset":  # whose recordings its test has
        assert re.search("^.*: found no problem", run("pi-amt", "check", name), re.MULTILINE)


def test_what_is_new_runs_in_a_study(run: Run) -> None:
    study = ("dataset=demo", "dataset.max_tracks=1", "dataset.max_seconds=4", "report=false")
    told = run("pi-amt", "run", "model=my_model", "permutation=my_permutation", *study)
    assert re.search(r"^MyModel, Demo .* 0\.\d\d", told, re.MULTILINE)
    assert re.search(r"^  my_permutation ", told, re.MULTILINE)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_is_clean_and_leaves_no_word_open(kind: str, tmp_path: Path) -> None:
    folder = write_package(kind, "own_part", tmp_path)
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) == 4
    assert not [path for path in files if "{{" in path.read_text() or "{%" in path.read_text()]
    ruff = Path(sys.executable).parent / "ruff"
    rules = ("--isolated", "--line-length=100")
    for check in (("check", "--select=E,F,W,I,B,UP,SIM,RUF100,NPY"), ("format", "--check")):
        done = subprocess.run(
            [ruff, *check, *rules, "."], cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("My-Model", "got the name 'My-Model', expected small letters, digits and _, such as my_m"),
        ("class", "got the name 'class', expected small letters, digits and _, such as my_class"),
        ("2nd", "such as my_2nd"),
        ("a/b", "such as a_b"),
        ("über", "such as ber"),
        ("_", "such as my_model"),
        ("basic_pitch", "got basic_pitch, but there is a model of that name (built in): choose"),
        ("numpy", "got numpy, but there is a Python module of that name: choose another name"),
        ("here", "here is there already: choose another name, or move it away"),
    ],
)
def test_a_name_that_cannot_be_used_is_refused(
    name: str,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    assert main(["new", "model", name]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert [path.name for path in tmp_path.iterdir()] == ["here"]
