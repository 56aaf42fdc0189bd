"""Freed memory leaves the process."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from pi_amt.study.streaming import _malloc_trim, return_freed_memory

# Every second piece stays in use, so the heap cannot shrink by itself. All have one size, as
# smaller ones would find room in what imports have left free, and keep nothing apart; and one
# below 128 KB, which glibc keeps on its heap whatever was allocated before.
PROGRAM = """
import os
import numpy as np
from pathlib import Path
from pi_amt.study.streaming import return_freed_memory

def resident_mb():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

pieces = [np.ones(2**13) for _ in range(2_000)]  # of 64 KB
kept = pieces[::2]
del pieces
scattered = resident_mb()
return_freed_memory()
print(scattered, resident_mb())
"""


@pytest.mark.skipif(_malloc_trim() is None, reason="this C library has no malloc_trim")
def test_scattered_memory_goes_back() -> None:
    glibc_settings = ("MALLOC_", "GLIBC_TUNABLES")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(glibc_settings)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, env=environment
    )
    scattered, left = map(float, done.stdout.split())
    assert scattered - left > 50, f"{scattered} MB, then {left} MB"  # of the 62 MB that are free


def test_systems_without_it_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    _malloc_trim.cache_clear()
    monkeypatch.setattr(sys, "platform", "darwin")
    try:
        return_freed_memory()
        assert _malloc_trim() is None
    finally:
        _malloc_trim.cache_clear()
