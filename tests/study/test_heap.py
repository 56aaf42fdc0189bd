"""Freed memory goes back to the system."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from pi_amt.study.heap import LONG_SECONDS, _heap, return_freed_memory, spare_memory

BEGIN = """
import os
import numpy as np
from pathlib import Path
from pi_amt.study.heap import LONG_SECONDS, return_freed_memory, spare_memory

def resident_mb():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
"""
# Every second piece stays in use, so the heap cannot shrink by itself. All have one size, as
# smaller ones would find room in what imports have left free, and keep nothing apart; and one
# below 128 KB, which glibc keeps on its heap whatever was allocated before.
TRIMMED = (
    BEGIN
    + """
pieces = [np.ones(2**13) for _ in range(2_000)]  # of 64 KB
kept = pieces[::2]
del pieces
scattered = resident_mb()
return_freed_memory()
print(scattered - resident_mb())
"""
)
# A large array that is freed makes glibc keep all smaller ones on its heap from then on.
SPARED = (
    BEGIN
    + """
array = np.ones(31 * 2**17)
del array
for seconds in {durations}:
    spare_memory(seconds)
pieces = [np.ones(2**20) for _ in range(20)]  # of 8 MB
whole = resident_mb()
kept = pieces[::2]
del pieces
print(whole - resident_mb())
"""
)


def freed_mb(program: str) -> float:
    """What a program prints that runs as glibc decides by itself."""
    glibc_settings = ("MALLOC_", "GLIBC_TUNABLES")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(glibc_settings)}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment
    )
    return float(done.stdout)


@pytest.mark.skipif(_heap() is None, reason="this C library has no malloc_trim")
def test_scattered_memory_goes_back() -> None:
    assert freed_mb(TRIMMED) > 50  # of 62 MB


@pytest.mark.skipif(_heap() is None, reason="this C library has no mallopt")
@pytest.mark.parametrize(
    ("durations", "at_least", "at_most"),
    [
        ([LONG_SECONDS], 0, 20),
        ([LONG_SECONDS + 1], 70, 80),
        ([LONG_SECONDS + 1, LONG_SECONDS], 0, 20),
    ],
    ids=["short", "long", "short again"],
)
def test_while_a_recording_is_long_large_arrays_are_freed_at_once(
    durations: list[float], at_least: float, at_most: float
) -> None:
    freed = freed_mb(SPARED.replace("{durations}", repr(durations)))
    assert at_least - 1 < freed < at_most + 1  # of 80 MB


def test_systems_without_it_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    _heap.cache_clear()
    monkeypatch.setattr(sys, "platform", "darwin")
    try:
        return_freed_memory()
        spare_memory(LONG_SECONDS + 1)
        assert _heap() is None
    finally:
        _heap.cache_clear()
