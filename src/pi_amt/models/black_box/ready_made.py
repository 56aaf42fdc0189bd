"""Models of other people, ready to be heard. Nothing of theirs is shipped: see
``docs/black-box.md`` for how to install them, their licences and papers."""

from __future__ import annotations

import shlex
import subprocess
import sys

from pi_amt.core.errors import NotReady
from pi_amt.models.black_box.command import Command

_WAON = "import sys, waon; waon.transcribe_to_file(sys.argv[1], sys.argv[2])"
_VERSION = "from importlib.metadata import version; print(version('waon'))"


def waon(
    python: str | None = None,
    gain_db: float = -20.0,
    late_ms: float = 0.0,
    timeout_seconds: float | None = None,
) -> Command:
    """WaoN, a transcriber by signal processing (``pip install waon``, GPL-2.0-or-later).

    Args:
        python: of the environment that has the package; ``None``: this one.
        gain_db: WaoN reports every partial of a loud recording as a note.
        late_ms, timeout_seconds: see :class:`Command`.

    Raises:
        NotReady: if the package is not there.
    """
    python = python or sys.executable
    asked = [python, "-c", _VERSION]
    try:
        found = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        raise NotReady(
            f"model waon: got no package waon in {python}, expected it there: pip install waon, or "
            "give model.python=path/to/bin/python of another environment"
        ) from None
    command = f"{shlex.quote(python)} -c {shlex.quote(_WAON)} {{wav}} {{mid}}"
    return Command(
        command,
        fingerprint=f"waon {found.stdout.strip()}",
        label="waon",
        timeout_seconds=timeout_seconds,
        gain_db=gain_db,
        late_ms=late_ms,
    )


def aubio(
    program: str = "aubionotes",
    gain_db: float = 0.0,
    late_ms: float = 56.0,
    timeout_seconds: float | None = None,
) -> Command:
    """aubionotes, which hears one note at a time (``apt install aubio-tools``, GPL-3.0-or-later).

    Args:
        program: its path, where it is not on ``PATH``.
        late_ms: it reports an onset once it has heard its first frames.
        gain_db, timeout_seconds: see :class:`Command`.

    Raises:
        NotReady: if the program is not there.
    """
    return Command(
        f"{shlex.quote(program)} -i {{wav}}",
        columns="pitch onset offset",
        label="aubio",
        timeout_seconds=timeout_seconds,
        gain_db=gain_db,
        late_ms=late_ms,
    )
