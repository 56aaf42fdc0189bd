"""The pins that the README's commands install from."""

from __future__ import annotations

import re
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parents[1]
PIN = re.compile(r"([\w.-]+)==([\w.+-]+)")


def test_every_pin_goes_with_the_oldest_python_of_the_readme() -> None:
    """Debian 12 has Python 3.11.2: a pin that wants 3.11.5 leaves pip searching without an end."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = {match[1]: match[2] for line in lines if (match := PIN.match(line))}
    asked: dict[str, str] = {}
    for name, version in pins.items():
        with suppress(PackageNotFoundError):  # some are for other systems
            found = distribution(name)
            if found.version.partition("+")[0] == version:
                asked[name] = str(found.metadata.json.get("requires_python", ""))
    assert len(asked) > 50
    assert {n: python for n, python in asked.items() if "3.11.0" not in SpecifierSet(python)} == {}
