"""Freed memory leaves the process."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pi_amt.memory import _malloc_trim, return_freed_memory

# Every second piece stays in use, so the heap cannot shrink by itself. All have one size: smaller
# ones would find room in what imports have left free, and keep nothing apart.
PROGRAM = """
import numpy as np
from pathlib import Path
from pi_amt.memory import return_freed_memory

def resident_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20

np.ones(2**21)  # 16 MB, freed: from now on glibc keeps pieces of 1 MB on its heap
pieces = [np.ones(2**17) for _ in range(120)]
kept = pieces[::2]
del pieces
scattered = resident_mb()
return_freed_memory()
print(scattered, resident_mb())
"""


@pytest.mark.skipif(_malloc_trim() is None, reason="this C library has no malloc_trim")
def test_scattered_memory_goes_back() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    scattered, left = map(float, done.stdout.split())
    assert scattered - left > 50  # of the 60 MB that are free


def test_systems_without_it_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    _malloc_trim.cache_clear()
    monkeypatch.setattr(sys, "platform", "darwin")
    try:
        return_freed_memory()
        assert _malloc_trim() is None
    finally:
        _malloc_trim.cache_clear()
