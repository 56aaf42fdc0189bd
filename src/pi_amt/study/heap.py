"""What a process keeps of the memory that it has freed.

glibc keeps freed arrays of up to 32 MB on its heap, where smaller ones come to lie between them. So
a process that allocates and frees arrays of several sizes for minutes grows far beyond what it
uses: Timbre-Trap under eight conditions to 1.7 GB after 2.5 minutes of audio, and on, instead of
1.2 GB. With other C libraries these functions do nothing.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache

#: The samples of a longer recording, and what ratio masks learn of it, take a quarter of a gigabyte
#: or more, so that less is left for everything else.
LONG_SECONDS = 1200.0
# An array of at least so many bytes has pages of its own, which go back to the system as soon as it
# is freed, unless the heap has room for it. Timbre-Trap's have 4.4 million bytes or more. New pages
# for each array cost it a fifth of its time, so it is only done where a recording is long.
_SPARING_BYTES = 4 << 20
# the most that glibc chooses by itself
_USUAL_BYTES = 32 << 20
_M_MMAP_THRESHOLD = -3  # as malloc.h has it


class _Heap:
    """That of glibc, by its functions and the last setting of it."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library, self._sparing = library, False

    def trim(self) -> None:
        self._library.malloc_trim(0)

    def spare(self, wanted: bool) -> None:
        if wanted != self._sparing:
            threshold = _SPARING_BYTES if wanted else _USUAL_BYTES
            self._library.mallopt(_M_MMAP_THRESHOLD, threshold)
            self._sparing = wanted


@cache
def _heap() -> _Heap | None:
    """``None`` where the C library is another one."""
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None)
    return _Heap(library) if hasattr(library, "malloc_trim") else None


def return_freed_memory() -> None:
    """Give back to the system what this process has freed."""
    heap = _heap()
    if heap is not None:
        heap.trim()


def spare_memory(seconds: float) -> None:
    """Let this process give large arrays back as soon as they are freed, if a recording of so many
    seconds is a long one; otherwise it is faster without."""
    heap = _heap()
    if heap is not None:
        heap.spare(seconds > LONG_SECONDS)
