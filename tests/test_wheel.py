"""The wheel by itself: built, installed into an empty environment, run outside the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package's wheel."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(ROOT)],
        check=True,
        capture_output=True,
    )
    (found,) = folder.glob("*.whl")
    return found


def test_the_wheel_holds_weights_config_demo_and_licences(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for needed in (
        "pi_amt/cli/conf/config.yaml",
        "pi_amt/cli/conf/permutation/fund_mask.yaml",
        "pi_amt/cli/templates/model.py.j2",
        "pi_amt/models/basic_pitch/basic_pitch.safetensors",
        "pi_amt/models/timbre_trap/timbre_trap.safetensors",
        "pi_amt/statistics/known_bias/basic_pitch.json",
        "pi_amt/statistics/known_bias/basic_pitch (audio).json",
        "pi_amt/statistics/known_bias/timbre_trap.json",
        "pi_amt/statistics/known_bias/timbre_trap (audio).json",
        "pi_amt/datasets/demo_data/tracks.json",
        "pi_amt/datasets/demo_data/SOURCES.md",
        "pi_amt/py.typed",
        "hydra_plugins/pi_amt_launcher/launcher.py",
    ):
        assert needed in names
    assert sum(name.endswith(".ogg") for name in names) == 12
    assert any(name.endswith("LICENSE") for name in names)
    assert any(name.endswith("NOTICE") for name in names)
    assert not any(name.startswith("tests") for name in names)
    assert wheel.stat().st_size < 12e6


def test_the_installed_wheel_runs_a_demo_recording(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    python = environment / "bin" / "python"
    pip = [str(python), "-m", "pip", "install", "--quiet", "-c", str(ROOT / "constraints.txt")]
    pip.append("--no-compile")  # Python compiles what it imports, pip everything
    torch = next(
        line
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if line.startswith("torch==")
    )
    subprocess.run([*pip, torch, str(wheel)], check=True)
    bare = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL"))}
    listed = subprocess.run(
        [str(python), "-m", "pip", "list", "--format=json"],
        check=True,
        capture_output=True,
        cwd=tmp_path,
        env=bare,
    )
    packages = {entry["name"].lower() for entry in json.loads(listed.stdout)}
    assert not packages & {"tensorflow", "torchaudio", "librosa", "basic-pitch"}
    subprocess.run(
        [str(environment / "bin" / "pi-amt"), "permutation=fund_mask", "dataset.max_tracks=1"],
        check=True,
        cwd=tmp_path,
        env=bare,
    )
    (found,) = tmp_path.glob("results/runs/*/metrics.json")
    result = json.loads(found.read_text())
    assert (result["permutation"], result["n_pieces"]) == ("fund_mask", 1)
