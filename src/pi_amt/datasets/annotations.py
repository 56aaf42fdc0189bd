"""Notes as other datasets write them down: neither MIDI nor MAPS text.

Each form has a name, by which a :class:`~pi_amt.datasets.track.FileTrack` asks for it:

* ``jams``: GuitarSet. JSON with a ``note_midi`` annotation for each string; times and durations in
  seconds, values are MIDI numbers with fractions. The ``pitch_contour`` of the string beside it
  has frequencies in Hz.
* ``hz_table``: URMP and vocadito. One note per line, between tabs, blanks or commas: onset in
  seconds, mean frequency in Hz, **duration** in seconds.
* ``musicnet``: a CSV file whose times count samples at 44.1 kHz.
* ``bach10``: a MATLAB file with a cell for each part, in which every note is a matrix of two rows,
  the numbers of its frames and the pitch in each as a MIDI number.

All but MusicNet's have pitches as they were measured, with fractions of semitones. Notes of
``jams`` and ``bach10`` have contours, too. URMP and vocadito have theirs in files beside those of
the notes, which :func:`with_contours` reads.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io

from pi_amt.core.errors import DataError, data_error, read_bytes
from pi_amt.core.notes import Notes
from pi_amt.core.units import Floats, hz_to_midi

#: of MusicNet, whatever the rate of a copy of its audio
_MUSICNET_RATE = 44_100
_MUSICNET_COLUMNS = ("start_time", "end_time", "note")
#: Frames of Bach10 are 46 ms long and 10 ms apart, and MATLAB counts from 1.
_BACH10_HOP, _BACH10_FIRST = 0.010, 0.023
#: A contour is cut into steps so that the measured pitch stays within so much of each. What is
#: farther from the note's pitch than three semitones is an error of the measurement, mostly of an
#: octave, for no player bends so far.
_STEP_CENTS, _FARTHEST_SEMITONES = 10.0, 3.0

#: onset in seconds, duration in seconds, MIDI pitch, and contour of a note
_Row = tuple[float, float, float, Floats | None]


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
        rows = list(FORMS[form](path, part))
        onsets, durations, pitches = (np.array([row[i] for row in rows], float) for i in range(3))
        if np.any(onsets < 0):
            raise ValueError(f"got an onset at {onsets.min():g} s, expected 0 or later")
        contours = [contour for *_, contour in rows]
        return Notes.from_arrays(onsets, onsets + durations, pitches, contours=contours)
    except DataError:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        raise data_error(path, f"not notes as {form} has them ({error})") from None


def _jams(path: Path, part: int | None) -> Iterable[_Row]:
    try:
        found = json.loads(read_bytes(path))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise data_error(path, f"not JAMS: no JSON ({error})") from None
    strings, contours = (
        [a for a in found["annotations"] if a["namespace"] == namespace]
        for namespace in ("note_midi", "pitch_contour")
    )
    if not strings:
        raise ValueError("no annotation of the namespace note_midi")
    if len(contours) not in (0, len(strings)):
        raise ValueError(
            f"{len(strings)} annotations of the namespace note_midi and {len(contours)} of "
            "pitch_contour"
        )
    for number, annotation in enumerate(strings):
        if part not in (None, number):
            continue
        followed = _frequencies(contours[number]["data"]) if contours else np.zeros((0, 2))
        for note in _observations(annotation["data"]):
            onset, duration, pitch = (float(note[key]) for key in ("time", "duration", "value"))
            first, last = np.searchsorted(followed[:, 0], (onset, onset + duration))
            seconds, pitches = followed[first:last].T
            yield onset, duration, pitch, contour_steps(seconds, pitches, pitch)


def _frequencies(data: Any) -> Floats:
    """``(points, 2)`` seconds and MIDI numbers of a pitch contour of JAMS where it is voiced."""
    points = [
        (float(point["time"]), float(point["value"]["frequency"]))
        for point in _observations(data)
        if point["value"]["voiced"]
    ]
    seconds, hz = np.array(sorted(points), dtype=np.float64).reshape(-1, 2).T
    # strings ring alone, so of two points at one moment either is as good
    seconds, first = np.unique(seconds, return_index=True)
    hz = hz[first]
    return np.stack([seconds, hz_to_midi(np.maximum(hz, 1.0))], axis=1)[hz > 0]


def contour_steps(seconds: Floats, pitches: Floats, pitch: float) -> Floats | None:
    """``(steps, 2)`` the contour of a note of one pitch that was measured at some moments.

    Args:
        seconds: ``(points,)``, ascending.
        pitches: ``(points,)`` MIDI numbers.
        pitch: of the note; ``None`` is returned where nothing is near it.
    """
    near = np.abs(pitches - pitch) <= _FARTHEST_SEMITONES
    steps: list[tuple[float, float, float]] = []  # begin, lowest and highest pitch
    for second, midi in zip(seconds[near].tolist(), pitches[near].tolist(), strict=True):
        if steps:
            begin, low, high = steps[-1]
            low, high = min(low, midi), max(high, midi)
            if high - low <= 2 * _STEP_CENTS / 100:
                steps[-1] = (begin, low, high)
                continue
        steps.append((second, midi, midi))
    return np.array([(begin, (low + high) / 2) for begin, low, high in steps]) if steps else None


def with_contours(notes: Notes, path: Path) -> Notes:
    """The notes with the contours that the measured pitches of a file make.

    Args:
        notes: of one voice, which sound one after the other.
        path: see :func:`pitch_frames`.

    Raises:
        DataError: see :func:`pitch_frames`.
    """
    seconds, hz = pitch_frames(path).T
    seconds, pitches = seconds[hz > 0], hz_to_midi(hz[hz > 0])
    bounds = np.searchsorted(seconds, np.stack([notes.onsets, notes.offsets]))
    contours = tuple(
        contour_steps(seconds[first:last], pitches[first:last], pitch)
        for first, last, pitch in zip(*bounds.tolist(), notes.pitches.tolist(), strict=True)
    )
    return replace(notes, contours=contours)


def pitch_frames(path: Path) -> Floats:
    """``(frames, 2)`` seconds and Hz of a file with a measured pitch per line, as URMP and vocadito
    have them: between tabs, blanks or commas the time in seconds and the frequency in Hz, 0 where
    nothing sounds.

    Raises:
        DataError: if the file is missing, empty or no such table, or its times do not ascend.
    """
    frames: list[tuple[float, float]] = []
    for number, fields in table_lines(path):
        try:
            seconds, hz = map(float, fields)
        except ValueError:
            seconds = hz = np.nan
        if not (np.isfinite(seconds) and np.isfinite(hz)):
            found = " ".join(fields)
            raise data_error(path, f"line {number}: got {found!r:.80}, expected seconds and Hz")
        if frames and seconds <= frames[-1][0]:
            last = frames[-1][0]
            raise data_error(path, f"line {number}: got {seconds:g} s after {last:g} s")
        frames.append((seconds, hz))
    return np.array(frames, dtype=np.float64).reshape(-1, 2)


def _observations(data: Any) -> list[dict[str, Any]]:
    """What an annotation of JAMS holds, which may be stored by row or by column."""
    if isinstance(data, list):
        return data
    return [dict(zip(data, values, strict=True)) for values in zip(*data.values(), strict=True)]


def _hz_table(path: Path, part: int | None) -> Iterable[_Row]:
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
        yield onset, seconds, float(hz_to_midi(hz)), None


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


def _musicnet(path: Path, part: int | None) -> Iterable[_Row]:
    reader = csv.DictReader(io.StringIO(read_bytes(path).decode("utf-8-sig"), newline=""))
    if absent := [name for name in _MUSICNET_COLUMNS if name not in (reader.fieldnames or ())]:
        raise ValueError(f"got no column {', '.join(absent)}, expected MusicNet's columns")
    for record in reader:
        start, end, note = (float(record[name]) for name in _MUSICNET_COLUMNS)
        yield start / _MUSICNET_RATE, (end - start) / _MUSICNET_RATE, note, None


def _bach10(path: Path, part: int | None) -> Iterable[_Row]:
    for notes in _cells(path, part):
        for frames, pitches in notes:
            seconds = (frames - 1) * _BACH10_HOP + _BACH10_FIRST
            pitch = float(np.median(pitches))
            # it sounds to the end of its last hop
            duration = float(frames[-1] - frames[0] + 1) * _BACH10_HOP
            yield float(seconds[0]), duration, pitch, contour_steps(seconds, pitches, pitch)


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
#: form → reader: path and part → the notes
FORMS: dict[str, Callable[[Path, int | None], Iterable[_Row]]] = {
    "jams": _jams,
    "hz_table": _hz_table,
    "musicnet": _musicnet,
    "bach10": _bach10,
}
