"""The per-note table of error anatomy, and its form on disk.

One table belongs to one row (recording × condition); :mod:`pi_amt.scoring.anatomy` makes and
compares them. On disk, times are kept to 0.1 ms and pitches to 1 cent.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from pi_amt.core.notes import Notes
from pi_amt.core.units import Floats

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

#: a lower note at these distances has a partial (2nd, 3rd, 4th, 5th, 6th) near this note's f0
PARTIAL_INTERVALS = (12, 19, 24, 28, 31)
#: interval of a false note that begins together with no reference note
NO_INTERVAL = 127
_HEAD = struct.Struct("<2sBII")
_MAGIC, _VERSION = b"nt", 1
_TIME_STEPS, _PITCH_STEPS = 1e4, 100.0
_FORMATS = {
    "onset": "<i4",
    "duration": "<i4",
    "pitch": "<i2",
    "velocity": "u1",
    "matched": "u1",
    "polyphony": "u1",
    "lower": "u1",
    "false_onset": "<i4",
    "false_duration": "<i4",
    "false_pitch": "<i2",
    "false_interval": "i1",
}


class NoteTableError(ValueError):
    """Stored bytes that are no note table: damaged, or of another version."""


@dataclass(frozen=True, eq=False)
class NoteTable:
    """One row per reference note, and one per false note of the estimate.

    Attributes:
        onset, duration: ``(references,)`` seconds. pitch: MIDI. velocity: 0–127.
        matched: whether the note was found (onset and pitch).
        polyphony: notes sounding at its onset, itself included, at most 255.
        lower: bits of :data:`PARTIAL_INTERVALS`: a note sounds so many semitones below.
        false_onset, false_duration, false_pitch: ``(false notes,)`` of the estimate.
        false_interval: semitones above the related reference, :data:`NO_INTERVAL` if none.
    """

    onset: Floats
    duration: Floats
    pitch: Floats
    velocity: Floats
    matched: Bools
    polyphony: Ints
    lower: Ints
    false_onset: Floats
    false_duration: Floats
    false_pitch: Floats
    false_interval: Ints

    @property
    def false_notes(self) -> Notes:
        """The false notes of the estimate (velocity 64)."""
        return Notes.from_arrays(
            self.false_onset, self.false_onset + self.false_duration, self.false_pitch
        )

    @property
    def shares_partial(self) -> Bools:
        """``(references,)``: a lower sounding note has a partial at this note's fundamental."""
        return np.asarray(self.lower > 0)

    def to_bytes(self) -> bytes:
        """Compressed columns: about 6 bytes a note."""
        columns = (
            _column(name, getattr(self, name)).tobytes() for name in (f.name for f in fields(self))
        )
        head = _HEAD.pack(_MAGIC, _VERSION, len(self.onset), len(self.false_onset))
        return head + zlib.compress(b"".join(columns), 6)

    @classmethod
    def from_bytes(cls, data: bytes) -> NoteTable:
        """The table that ``to_bytes`` stored.

        Raises:
            NoteTableError: if the bytes are damaged or of another version.
        """
        try:
            magic, version, n_reference, n_false = _HEAD.unpack_from(data)
            body = zlib.decompress(data[_HEAD.size :])
        except (struct.error, zlib.error) as error:
            raise NoteTableError(
                f"got a damaged note table ({error}), expected stored bytes"
            ) from None
        if (magic, version) != (_MAGIC, _VERSION):
            raise NoteTableError(f"got note table version {version}, expected {_VERSION}")
        columns: dict[str, NDArray[np.generic]] = {}
        start = 0
        for name in (f.name for f in fields(cls)):
            count = n_false if name.startswith("false_") else n_reference
            stop = start + count * np.dtype(_FORMATS[name]).itemsize
            if stop > len(body):
                raise NoteTableError("got a truncated note table, expected stored bytes")
            columns[name] = _values(name, np.frombuffer(body[start:stop], _FORMATS[name]))
            start = stop
        return cls(**columns)  # type: ignore[arg-type]


def _steps(name: str) -> float:
    """Stored integer steps per unit of a column."""
    if name.endswith(("onset", "duration")):
        return _TIME_STEPS
    return _PITCH_STEPS if name.endswith("pitch") else 1.0


def _column(name: str, values: NDArray[np.generic]) -> NDArray[np.generic]:
    """A column in its stored form; onsets as differences, which compress better."""
    limits = np.iinfo(_FORMATS[name])
    numbers = np.rint(np.asarray(values, np.float64) * _steps(name))
    numbers = np.clip(numbers, limits.min, limits.max).astype(_FORMATS[name])
    return np.diff(numbers, prepend=0).astype("<i4") if name.endswith("onset") else numbers


def _values(name: str, stored: NDArray[np.generic]) -> NDArray[np.generic]:
    """A column from its stored form."""
    if name == "matched":
        return stored.astype(np.bool_)
    if name in ("polyphony", "lower", "false_interval"):
        return stored.astype(np.int64)
    numbers = stored.astype(np.float64)
    return (np.cumsum(numbers) if name.endswith("onset") else numbers) / _steps(name)
