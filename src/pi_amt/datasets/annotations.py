"""Notes as other datasets write them down: neither MIDI nor MAPS text.

Each form has a name, by which a :class:`~pi_amt.datasets.track.FileTrack` asks for it:

* ``jams``: GuitarSet. JSON with a ``note_midi`` annotation for each string; times and durations in
  seconds, values are MIDI numbers with fractions.
* ``hz_table``: URMP and vocadito. One note per line, between tabs, blanks or commas: onset in
  seconds, mean frequency in Hz, **duration** in seconds.
* ``musicnet``: a CSV file whose times count samples at 44.1 kHz.
* ``bach10``: a MATLAB file with a cell for each part, in which every note is a matrix of two rows,
  the numbers of its frames and the pitch in each as a MIDI number.

All but MusicNet's have pitches as they were measured, with fractions of semitones.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io

from pi_amt.core.errors import DataError, data_error, read_bytes
from pi_amt.core.notes import Notes
from pi_amt.core.units import hz_to_midi

#: of MusicNet, whatever the rate of a copy of its audio
_MUSICNET_RATE = 44_100
_MUSICNET_COLUMNS = ("start_time", "end_time", "note")
#: Frames of Bach10 are 46 ms long and 10 ms apart, and MATLAB counts from 1.
_BACH10_HOP, _BACH10_FIRST = 0.010, 0.023


def read_annotation(path: Path, form: str, part: int | None = None) -> Notes:
    """The notes of a file, of one form of :data:`FORMS`.

    Args:
        path: the file.
        form: how it is written.
        part: which part, string or voice of those that the file holds, from 0; ``None``: all.

    Raises:
        DataError: if the file is missing, empty, damaged or of another form, or lacks the part.
    """
    try:
        rows = np.array(list(FORMS[form](path, part)), dtype=np.float64).reshape(-1, 3)
        onsets, durations, pitches = rows.T
        if np.any(onsets < 0):
            raise ValueError(f"got an onset at {onsets.min():g} s, expected 0 or later")
        return Notes.from_arrays(onsets, onsets + durations, pitches)
    except DataError:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        raise data_error(path, f"not notes as {form} has them ({error})") from None


def _jams(path: Path, part: int | None) -> Iterable[tuple[float, float, float]]:
    try:
        found = json.loads(read_bytes(path))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise data_error(path, f"not JAMS: no JSON ({error})") from None
    strings = [a for a in found["annotations"] if a["namespace"] == "note_midi"]
    if not strings:
        raise ValueError("no annotation of the namespace note_midi")
    for number, annotation in enumerate(strings):
        if part in (None, number):
            for note in _observations(annotation["data"]):
                yield note["time"], note["duration"], note["value"]


def _observations(data: Any) -> list[dict[str, Any]]:
    """What an annotation of JAMS holds, which may be stored by row or by column."""
    if isinstance(data, list):
        return data
    return [dict(zip(data, values, strict=True)) for values in zip(*data.values(), strict=True)]


def _hz_table(path: Path, part: int | None) -> Iterable[tuple[float, float, float]]:
    for number, fields in table_lines(path):
        try:
            onset, hz, seconds = map(float, fields)
        except ValueError:
            raise ValueError(
                f"line {number}: got {' '.join(fields)!r:.80}, expected onset s, Hz, duration s"
            ) from None
        if not (hz > 0 and seconds >= 0):
            raise ValueError(
                f"line {number}: got {hz:g} Hz for {seconds:g} s, expected more than 0"
            )
        yield onset, seconds, float(hz_to_midi(hz))


def table_lines(path: Path) -> list[tuple[int, list[str]]]:
    """Line numbers and fields of a text file, between tabs, blanks or commas, without empty lines.

    Raises:
        DataError: if the file is missing, empty or not text.
    """
    try:
        lines = read_bytes(path).decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise data_error(path, "not a table (it is not text)") from None
    return [
        (n, re.split(r"[,\s]+", line.strip())) for n, line in enumerate(lines, 1) if line.strip()
    ]


def _musicnet(path: Path, part: int | None) -> Iterable[tuple[float, float, float]]:
    reader = csv.DictReader(io.StringIO(read_bytes(path).decode("utf-8-sig"), newline=""))
    if absent := [name for name in _MUSICNET_COLUMNS if name not in (reader.fieldnames or ())]:
        raise ValueError(f"got no column {', '.join(absent)}, expected MusicNet's columns")
    for record in reader:
        start, end, note = (float(record[name]) for name in _MUSICNET_COLUMNS)
        yield start / _MUSICNET_RATE, (end - start) / _MUSICNET_RATE, note


def _bach10(path: Path, part: int | None) -> Iterable[tuple[float, float, float]]:
    for notes in _cells(path, part):
        for frames, pitches in notes:
            first, last = float(frames[0]), float(frames[-1])
            onset = (first - 1) * _BACH10_HOP + _BACH10_FIRST
            # it sounds to the end of its last hop
            yield onset, (last - first + 1) * _BACH10_HOP, float(np.median(pitches))


def _cells(path: Path, part: int | None) -> Iterable[Iterable[Any]]:
    """The notes of one part of Bach10, or of each, as matrices ``(2, frames)``."""
    read_bytes(path)  # says plainly what keeps a file from being read
    try:
        parts = scipy.io.loadmat(path)["GTNotes"].ravel()
    except Exception as error:  # scipy's reader fails in as many ways as a file can be damaged
        raise data_error(path, f"not a MATLAB file with GTNotes ({error})") from None
    chosen = parts if part is None else parts[[part]]
    return [[np.asarray(note, dtype=np.float64) for note in cell.ravel()] for cell in chosen]


#: forms whose pitches were measured in the sound, so that they hold its tuning
MEASURED = ("jams", "hz_table", "bach10")
#: form → reader: path and part → onset in seconds, duration in seconds, MIDI pitch of each note
FORMS: dict[str, Callable[[Path, int | None], Iterable[tuple[float, float, float]]]] = {
    "jams": _jams,
    "hz_table": _hz_table,
    "musicnet": _musicnet,
    "bach10": _bach10,
}
