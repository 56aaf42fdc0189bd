"""Freed memory leaves the process."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pi_amt.memory import _malloc_trim, return_freed_memory

# Pieces that stay in use lie between those that are freed, so the heap cannot shrink by itself.
PROGRAM = """
import numpy as np
from pathlib import Path
from pi_amt.memory import return_freed_memory

def resident_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20

np.ones(2**21)  # 16 MB, freed: from now on glibc keeps pieces of this size on its heap
before = resident_mb()
large, kept = [], []
for _ in range(60):
    large.append(np.ones(2**17))  # 1 MB
    kept.append(np.ones(2_000))
del large
scattered = resident_mb() - before
return_freed_memory()
print(scattered, resident_mb() - before)
"""


@pytest.mark.skipif(_malloc_trim() is None, reason="this C library has no malloc_trim")
def test_scattered_memory_goes_back() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    scattered, left = map(float, done.stdout.split())
    assert scattered > 40  # otherwise nothing was to be given back
    assert left < 10


def test_systems_without_it_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    _malloc_trim.cache_clear()
    monkeypatch.setattr(sys, "platform", "darwin")
    try:
        return_freed_memory()
        assert _malloc_trim() is None
    finally:
        _malloc_trim.cache_clear()
