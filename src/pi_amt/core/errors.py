"""Errors that are no fault of the program or its options: a broken file, something that is not
installed.

A :class:`DataError` becomes an error row of one recording; the run goes on.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

EMPTY = "the file is empty (0 bytes)"


class DataError(ValueError):
    """A data file that cannot be used; the message is one plain line with the full path."""


class NotReady(ValueError):
    """A model needs something that this package does not bring: a program, another package, or the
    name of the function that is the model."""


def data_error(path: str | Path, reason: str) -> DataError:
    """The error for ``path``: its absolute path, then the reason, on one printable line."""
    return DataError(printable(f"{Path(path).absolute()}: {reason}"))


def printable(text: str) -> str:
    """The text on one line: line breaks, control characters and bytes of file names that are not
    UTF-8 as escapes. Otherwise no terminal, JSON or SQLite would take every file name."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def below(line: str, folder: Path | None) -> str:
    """A line about files, as :func:`data_error` writes it, with paths relative to ``folder``."""
    if folder is None:
        return line
    return line.replace(printable(f"{folder.absolute()}{os.sep}"), "")


@contextmanager
def open_data(path: str | Path) -> Iterator[BufferedReader]:
    """A data file, open for reading bytes.

    Raises:
        DataError: if the file is missing or unreadable, also while it is read, or is no file (one
            would wait for a pipe for ever).
    """
    try:
        mode = os.stat(path).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise data_error(path, "this is a pipe or a device, expected a file")
        with Path(path).open("rb") as file:
            yield file
    except OSError as error:
        raise data_error(path, describe(error)) from None


def read_bytes(path: str | Path) -> bytes:
    """Contents of a data file.

    Raises:
        DataError: if the file is missing, unreadable or empty.
    """
    with open_data(path) as file:
        data = file.read()
    if not data:
        raise data_error(path, EMPTY)
    return data


def describe(error: OSError) -> str:
    """What an operating-system error means for a data file, in plain words."""
    if isinstance(error, FileNotFoundError):
        return "the file is missing"
    if isinstance(error, IsADirectoryError):
        return "this is a folder, expected a file"
    return f"the file cannot be read ({error.strerror or error})"
