"""Signals that ask the program to stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP (``kill``, a cluster's time limit, a closed terminal) stop the
    program as Ctrl-C does: workers are ended, and what is finished is stored."""

    def stop(number: int, frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)  # the second one ends at once
        raise KeyboardInterrupt(number)

    known = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    # nohup has SIGHUP ignored; handlers can be set in the main thread only
    main_thread = threading.current_thread() is threading.main_thread()
    watched = [s for s in known if main_thread and signal.getsignal(s) == signal.SIG_DFL]
    for number in watched:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in watched:
            signal.signal(number, signal.SIG_DFL)
