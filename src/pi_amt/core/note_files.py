"""Notes from and to files: MIDI and MAPS text."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from pi_amt.core.checks import check_choice
from pi_amt.core.errors import data_error, read_bytes
from pi_amt.core.midi import DEFAULT_TEMPO, key_presses, midi_bytes, parse_midi, sounding_ends
from pi_amt.core.notes import Notes

PEDAL_RULES = ("extend", "ignore")
# resolution of written files: 50 µs, half of what scores are rounded to
_WRITE_TICKS_PER_QUARTER = 10_000


def read_notes(path: str | Path, pedal: str = "extend") -> Notes:
    """Read reference notes: MAPS text if the name ends in ``.txt``, else MIDI.

    Args:
        path: the file.
        pedal: ``extend``: while its channel's sustain pedal (controller 64, value ≥ 64) is down,
            a released note sounds on until the pedal comes up or the same pitch of that channel
            restarts. ``ignore``: notes end where their key is released.

    Raises:
        DataError: if the file is missing, empty, truncated or of another kind.
        ValueError: if ``pedal`` is unknown, or ``ignore`` is asked of MAPS text, whose offsets
            already include the pedal.
    """
    check_choice("pedal", pedal, PEDAL_RULES)
    if Path(path).suffix.lower() != ".txt":
        return read_midi(path, pedal)
    if pedal == "ignore":
        raise ValueError(
            f"{Path(path).absolute()}: got pedal=ignore for MAPS text, whose offsets already "
            "include the pedal; use pedal=extend or the .mid file"
        )
    return read_maps_txt(path)


def read_midi(path: str | Path, pedal: str = "extend") -> Notes:
    """Read a standard MIDI file; all tracks and channels but drums, see :func:`read_notes`.

    Half-pedalling and the sostenuto and soft pedals are not modelled. Times are float64.

    Raises:
        DataError: if the file is missing, empty, truncated or not MIDI.
    """
    data = read_bytes(path)
    try:
        midi = parse_midi(data)
    except ValueError as error:
        raise data_error(path, str(error)) from None
    presses = key_presses(midi)
    on, off, _, pitches, velocities = presses.T
    if pedal == "extend":
        off = sounding_ends(midi, presses)
    return Notes.from_arrays(midi.seconds(on), midi.seconds(off), pitches, velocities)


def read_maps_txt(path: str | Path) -> Notes:
    """Read MAPS text: onset s, offset s (pedal included), MIDI pitch per line; velocity 64.

    Raises:
        DataError: if the file is missing, empty or not such a table, or a duration is negative.
    """
    try:
        lines = read_bytes(path).decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise data_error(path, "not MAPS text (it is not text)") from None
    filled = [(n, fields) for n, line in enumerate(lines, start=1) if (fields := line.split())]
    if not filled:
        raise data_error(path, "the file is empty (blank lines only)")
    if filled[0][1][0].lower() == "onsettime":
        del filled[0]
    rows = [_maps_row(path, number, fields) for number, fields in filled]
    return Notes.from_arrays(*np.array(rows, dtype=np.float64).reshape(-1, 3).T)


def _maps_row(path: str | Path, number: int, fields: list[str]) -> tuple[float, float, float]:
    """One line of MAPS text, checked."""
    expected = "expected onset s, offset s, MIDI pitch"
    try:
        onset, offset, pitch = map(float, fields)
    except ValueError:
        raise data_error(path, f"line {number}: got {' '.join(fields)!r:.80}, {expected}") from None
    if not (math.isfinite(onset) and math.isfinite(offset) and 0 <= pitch <= 127 and onset >= 0):
        raise data_error(path, f"line {number}: got {onset} {offset} {pitch}, {expected}")
    if offset < onset:
        raise data_error(
            path, f"line {number}: negative duration (onset {onset} s, offset {offset} s)"
        )
    return onset, offset, pitch


def write_midi(notes: Notes, path: str | Path) -> None:
    """Write notes as a MIDI file: one track, 50 µs resolution, no pedal events.

    Pitches are rounded to whole MIDI numbers, velocities to 1–127; where a pitch restarts while
    it still sounds, a reader ends the earlier note there.

    Raises:
        ValueError: if a pitch lies outside 0–127, an onset before 0, or two events more than
            3.7 hours apart.
    """
    pitches = np.rint(notes.pitches).astype(np.int64)
    if np.any((pitches < 0) | (pitches > 127)):
        raise ValueError(f"got pitches {pitches.min()} to {pitches.max()}, expected MIDI 0 to 127")
    if np.any(notes.onsets < 0):
        raise ValueError(f"got an onset at {notes.onsets.min():.4f} s, expected 0 or later")
    per_second = _WRITE_TICKS_PER_QUARTER * 1e6 / DEFAULT_TEMPO
    on, off = (np.rint(t * per_second).astype(np.int64) for t in (notes.onsets, notes.offsets))
    velocities = np.clip(np.rint(notes.velocities), 1, 127).astype(np.int64)
    rows = zip(on.tolist(), off.tolist(), pitches.tolist(), velocities.tolist(), strict=True)
    data = midi_bytes(rows, _WRITE_TICKS_PER_QUARTER, DEFAULT_TEMPO)
    Path(path).write_bytes(data)
