"""What a listener answers, checked: notes in seconds and MIDI numbers, within the recording.

A model that is no part of this package may use other units without a word, and would then score
near 0 as if it heard nothing. So an answer that cannot be meant is refused, with a guess at what it
is. What can be meant is taken as it stands:

* Notes may come in any order; they are sorted.
* Notes of one pitch may overlap: all are kept. A reference note is matched with at most one of
  them, as in mir_eval, so the others count as false. (In a MIDI file, the earlier one ends where
  the later one begins.)
* A note that begins less than a second before the recording begins with it.
"""

from __future__ import annotations

from pathlib import PurePath

import numpy as np

from pi_amt.core.notes import Notes, looks_like_hz
from pi_amt.core.units import Floats

_UNITS = "in seconds and MIDI numbers"
#: numbers per note in a table: onset, offset, pitch and perhaps velocity
_WIDTHS = (3, 4)
#: how far outside of its recording a note may begin, as models fill up their last window
_EARLY_SECONDS, _LATE_SECONDS, _LATE_SHARE = 1.0, 5.0, 0.5
#: a share of the recording by which times in another unit are told, which its last note surpasses
_LEAST_SHARE = 0.3


def check_answer(name: str, answer: object, seconds: float, sample_rate: int) -> Notes:
    """The notes that a listener found, as they are.

    Args:
        name: of the listener, for messages.
        answer: what it returned.
        seconds: length of what it heard.
        sample_rate: of what it heard, Hz.

    Raises:
        TypeError: if these are no notes.
        ValueError: if their times or pitches cannot be seconds or MIDI numbers.
    """
    if not isinstance(answer, Notes):
        raise TypeError(f"{name}: {not_notes(answer)}")
    if not len(answer):
        return answer
    _check_times(name, answer.onsets, seconds, sample_rate)
    if looks_like_hz(answer):
        low, high = answer.pitches.min(), answer.pitches.max()
        raise ValueError(
            f"{name}: got pitches {low:g} to {high:g}, which are notes in Hz and none as MIDI "
            "numbers, expected MIDI numbers: 69 + 12 * log2(Hz / 440)"
        )
    return answer


def checked_answer(name: str, answer: object, seconds: float, sample_rate: int) -> Notes:
    """The notes that a listener found, sorted, none of them before the recording; see
    :func:`check_answer`."""
    answer = check_answer(name, answer, seconds, sample_rate)
    if not len(answer):
        return answer
    onsets = np.maximum(answer.onsets, 0.0)
    offsets = np.maximum(answer.offsets, onsets)
    return Notes.from_arrays(onsets, offsets, answer.pitches, answer.velocities)


def not_notes(answer: object) -> str:
    """What to return in place of an answer that is no notes."""
    ways = f"Notes.from_arrays(onsets, offsets, pitches), {_UNITS}"
    shape: tuple[int, ...] = getattr(answer, "shape", ())
    if isinstance(answer, str | PurePath):
        ways = "pi_amt.read_notes(path) of the file"
    elif type(answer).__name__ == "PrettyMIDI":
        ways = "pi_amt.read_notes(path) of a file that its write(path) has written"
    elif isinstance(answer, list | tuple) and answer and isinstance(answer[0], list | tuple):
        ways = _of_a_table(len(answer), len(answer[0]), "*zip(*…)", "*…") or ways
    elif type(answer).__name__ in ("ndarray", "Tensor") and len(shape) == 2:
        ways = _of_a_table(shape[0], shape[1], "*array.T", "*array") or ways
    return f"got {type(answer).__name__}, expected pi_amt.Notes: return {ways}"


def _of_a_table(rows: int, columns: int, by_row: str, by_column: str) -> str:
    """How notes are made of a table of onsets, offsets, pitches and perhaps velocities, one note
    in each of its rows or in each of its columns; empty where it may be either or neither."""
    is_by_row, is_by_column = columns in _WIDTHS, rows in _WIDTHS
    if is_by_row == is_by_column:
        return ""
    given = by_row if is_by_row else by_column
    return f"Notes.from_arrays({given}) of its onsets, offsets and pitches, {_UNITS}"


def _check_times(name: str, onsets: Floats, seconds: float, sample_rate: int) -> None:
    first, last = float(onsets.min()), float(onsets.max())
    if first < -_EARLY_SECONDS:
        raise ValueError(
            f"{name}: got a note at {first:.3f} s, expected times from the start of the recording"
        )
    if last <= seconds * (1 + _LATE_SHARE) + _LATE_SECONDS:
        return
    times = last / seconds
    if _LEAST_SHARE * sample_rate < times <= sample_rate:
        guess = f"these look like samples, divide by {sample_rate}"
    elif 1000 * _LEAST_SHARE < times <= 1000 * 1.1:
        guess = "these look like milliseconds, divide by 1000"
    else:
        guess = "these look like frames, divide by the frame rate"
    raise ValueError(
        f"{name}: got a note at {last:,.0f} in a recording of {seconds:.1f} s, expected seconds; "
        f"{guess}"
    )
