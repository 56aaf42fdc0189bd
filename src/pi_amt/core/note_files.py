"""Notes from and to files: MIDI, MAPS text, and tables of notes (CSV, TSV).

What is read is what a listener can hear. A key that is struck twice at one moment (by both hands of
a score, in two voices, or on–off–on) is one note, which lasts as long as the longest of them; a
note that ends where it begins is none. Left among the reference notes, they could never be found.
"""

from __future__ import annotations

import codecs
import csv
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pi_amt.core.checks import check_choice
from pi_amt.core.errors import data_error, read_bytes
from pi_amt.core.midi import DEFAULT_TEMPO, key_presses, midi_bytes, parse_midi, sounding_ends
from pi_amt.core.notes import DEFAULT_VELOCITY, Notes, looks_like_hz
from pi_amt.core.text import plural
from pi_amt.core.units import hz_to_midi

PEDAL_RULES = ("extend", "ignore")
#: suffixes of files that hold one note per line
TEXT_SUFFIXES = (".txt", ".tsv", ".csv")
_CSV_HEAD = "onset_seconds,offset_seconds,pitch_midi,velocity"
#: what a column holds → what its name may be, in small letters and without signs and blanks (not
#: ``start_time`` and ``end_time`` without a unit, which are sample numbers in MusicNet)
_NAMES = {
    "onset": r"onsets?(times?)?(s|secs?|seconds?)?|start(time)?(s|secs?|seconds?)|start",
    "offset": r"offsets?(times?)?(s|secs?|seconds?)?|end(time)?(s|secs?|seconds?)|end",
    "duration": r"durations?(times?)?(s|secs?|seconds?)?",
    "pitch": r"(midi|note)?(pitch|note|key)(midi|number)?|midi",
    "hz": r"(pitch|note)?(freq|frequency|frequencies)?(inhz|hz)|freq|frequency|frequencies",
    "velocity": r"(midi)?(velocity|velocities)",
}
#: where they stand in a file whose columns have no names
_PLACES = {"onset": 0, "offset": 1, "pitch": 2}
#: MIDI number below which nobody hears a pitch: 16 Hz
_LOWEST_PITCH = 12
#: the newest way in which files are read, see :attr:`NoteFile.revision`
REVISION = 3
_HZ_HINT = "(pitches in Hz become MIDI numbers by 69 + 12 * log2(Hz / 440))"
# resolution of written files: 50 µs, half of what scores are rounded to
_WRITE_TICKS_PER_QUARTER = 10_000


@dataclass(frozen=True)
class NoteFile:
    """What was read from a file of notes.

    Attributes:
        notes: the notes.
        doubles: how many were left out because the same key was struck at the same moment.
        without_length: how many were left out because they end where they begin.
        silenced: how many end at an All Sound Off that came while the pedal held them.
        extra_tracks: how many MIDI tracks there are beyond those that the header announces.
        behind_ends: how many were left out because they stand behind the end of their MIDI track.
        has_newly_read: whether the file has what was misread before revision 3: a head of numpy or
            pandas, or MIDI channels that are used at several ports.
    """

    notes: Notes
    doubles: int = 0
    without_length: int = 0
    silenced: int = 0
    extra_tracks: int = 0
    behind_ends: int = 0
    has_newly_read: bool = False

    @property
    def revision(self) -> int:
        """The first revision of this reader that took the file as it is taken now.

        1, version 0.1.0, took everything as it stands. 2 leaves out notes that nobody hears, heeds
        All Sound Off and reads tracks that are not announced.
        """
        if self.has_newly_read:
            return 3
        is_plain = not (self.doubles or self.without_length or self.silenced or self.extra_tracks)
        return 1 if is_plain else 2

    @property
    def left_out(self) -> str:
        """What is not among the notes, in words; empty if nothing."""
        said = []
        if self.doubles:
            said.append(f"{plural(self.doubles, 'note')} of a key that is struck twice at once")
        if self.without_length:
            said.append(f"{plural(self.without_length, 'note')} of no length")
        if self.behind_ends:
            said.append(f"{plural(self.behind_ends, 'note')} behind the end of a MIDI track")
        return " and ".join(said)


def read_notes(path: str | Path, pedal: str = "extend") -> Notes:
    """Read notes: MAPS text if the name ends in ``.txt``, a table if in ``.csv`` or ``.tsv``, else
    MIDI.

    A table has onset and offset in seconds, the pitch as a MIDI number and, if it is known, the
    velocity in its first columns. A first line without numbers names its columns, which may then
    stand in any order: ``onset`` or ``start``, ``offset``, ``end`` or ``duration``, ``pitch`` or
    ``hz``, and ``velocity``; units may follow (``onset_seconds``), and columns of other names are
    not read. Numpy's sign of a comment before the names and the numbers 0, 1, 2, … that pandas
    writes for columns without names are no columns and no note. CSV may also have semicolons
    between its columns, and then commas in its decimals, as between tabs. Text may be in UTF-16,
    too, if its first bytes say so.

    Args:
        path: the file.
        pedal: ``extend``: while its channel's sustain pedal (controller 64, value ≥ 64) is down,
            a released note sounds on until the pedal comes up, the same pitch of that channel
            restarts or All Sound Off (controller 120) ends it. ``ignore``: notes end where their
            key is released.

    Raises:
        DataError: if the file is missing, empty, truncated or of another kind, or its pitches are
            in Hz (see :func:`pi_amt.core.notes.looks_like_hz`).
        ValueError: if ``pedal`` is unknown, or ``ignore`` is asked of text, whose offsets already
            include the pedal.
    """
    return read_note_file(path, pedal).notes


def read_note_file(path: str | Path, pedal: str = "extend") -> NoteFile:
    """Notes as :func:`read_notes` returns them, and what was special about their file."""
    check_choice("pedal", pedal, PEDAL_RULES)
    suffix = Path(path).suffix.lower()
    if suffix not in TEXT_SUFFIXES:
        return _read_midi(path, pedal)
    kind = "MAPS text" if suffix == ".txt" else f"a table of notes ({suffix})"
    if pedal == "ignore":
        raise ValueError(
            f"{Path(path).absolute()}: got pedal=ignore for {kind}, whose offsets already "
            "include the pedal; use pedal=extend or the .mid file"
        )
    return _read_text(path, kind, "," if suffix == ".csv" else None)


def _read_midi(path: str | Path, pedal: str) -> NoteFile:
    """A standard MIDI file; all tracks and channels but drums.

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
    silenced = 0
    if pedal == "extend":
        off, silenced = sounding_ends(midi, presses)
    found = Notes.from_arrays(midi.seconds(on), midi.seconds(off), pitches, velocities)
    return replace(
        audible(found),
        silenced=silenced,
        extra_tracks=midi.extra_tracks,
        behind_ends=midi.behind_ends,
        has_newly_read=midi.ports_share_channels,
    )


def _read_text(path: str | Path, kind: str, separator: str | None) -> NoteFile:
    """One note per line: onset s, offset s (pedal included), MIDI pitch and, in a table, velocity
    (64 where there is none).

    Args:
        path: the file.
        kind: what it is called in messages.
        separator: of the fields; ``None``: white space.

    Raises:
        DataError: if the file is missing, empty or not such a table, a duration is negative, or
            the pitches are in Hz.
    """
    try:
        data = read_bytes(path)
        utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))  # Excel's Unicode text
        lines = data.decode("utf-16" if utf16 else "utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise data_error(path, f"not {kind} (it is not text)") from None
    filled = [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    if not filled:
        raise data_error(path, "the file is empty (blank lines only)")
    if separator and filled[0][1].count(";") >= len(_PLACES) - 1:
        separator = ";"
    elif kind != "MAPS text" and "\t" in filled[0][1]:
        separator = "\t"  # there may be blanks in names
    try:
        rows = [(number, _fields(line, separator)) for number, line in filled]
    except csv.Error as error:
        raise data_error(path, f"not {kind} ({error})") from None
    places = dict(_PLACES)
    exact = kind == "MAPS text"  # with more fields it is a file of another kind
    first = rows[0][1]
    # pandas' names of columns without any: no note has the pitch 2, 9 Hz
    counted = len(first) >= len(_PLACES) and first == [str(i) for i in range(len(first))]
    rows = rows[counted:]
    commented = False
    if rows and not any(map(_is_number, rows[0][1])):
        number, names = rows.pop(0)
        # numpy's savetxt writes "# onset offset"; a column named # has values below it
        commented = names[0] == "#" and bool(rows) and len(names) > len(rows[0][1])
        places = _named_places(path, number, names[commented:])
    else:
        _check_order(path, rows)
        if not exact:
            places["velocity"] = 3
    found = [_text_row(path, number, fields, places, exact) for number, fields in rows]
    notes = Notes.from_arrays(*np.array(found, dtype=np.float64).reshape(-1, 4).T)
    if "pitch" in places and looks_like_hz(notes):
        low, high = notes.pitches.min(), notes.pitches.max()
        raise data_error(
            path,
            f"got pitches {low:g} to {high:g}, which are notes in Hz and none as MIDI numbers, "
            f"expected MIDI numbers, or a first line that names the column hz {_HZ_HINT}",
        )
    return replace(audible(notes), has_newly_read=counted or commented)


def _fields(line: str, separator: str | None) -> list[str]:
    """The fields of a line, without the quotes that some programs put around them."""
    if separator is None:
        return line.split()
    fields = [field.strip() for field in next(csv.reader([line], delimiter=separator))]
    # as spreadsheets write it where decimals have a comma
    return fields if separator == "," else [field.replace(",", ".") for field in fields]


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _check_order(path: str | Path, rows: Sequence[tuple[int, Sequence[str]]]) -> None:
    """Refuse columns without names that are onset, pitch and duration, as Tony, Sonic Visualiser,
    URMP and vocadito have them: the pitch would count as an offset.

    Raises:
        DataError: if most of what should be pitches is too low for them.
    """
    thirds = [fields[2] for _, fields in rows if len(fields) > 2]
    pitches = [float(field) for field in thirds if _is_number(field)]
    if pitches and 0 <= np.median(pitches) < _LOWEST_PITCH:
        number, first = rows[0]
        raise data_error(
            path,
            f"line {number}: got {' '.join(first)!r:.80}, expected onset s, offset s, MIDI "
            "pitch, and most third values are too low for that: if they are durations, put the "
            "names of the columns into a first line, such as onset, pitch (or hz), duration",
        )


def _named_places(path: str | Path, number: int, names: Sequence[str]) -> dict[str, int]:
    """What a column holds → where it stands, by a line of names.

    Raises:
        DataError: if a column that is needed is missing or there twice, or may be in other units.
    """
    plain = [re.sub(r"[\W_]+", "", name.lower()) for name in names]
    places: dict[str, int] = {}
    double = False
    for what, pattern in _NAMES.items():
        fitting = [i for i, name in enumerate(plain) if re.fullmatch(pattern, name)]
        double |= len(fitting) > 1
        if fitting:
            places[what] = fitting[0]
    needed = (("onset",), ("offset", "duration"), ("pitch", "hz"))
    if double or not all(any(one in places for one in wanted) for wanted in needed):
        raise data_error(
            path,
            f"line {number}: got the columns {', '.join(names)!r:.80}, expected onset and offset "
            "(or duration) in seconds, and pitch (MIDI numbers, or hz), each once, such as "
            f"{_CSV_HEAD}",
        )
    return places


def audible(notes: Notes) -> NoteFile:
    """Sorted notes as a listener hears them: one per key and moment, none without length."""
    new = np.ones(len(notes), dtype=np.bool_)
    new[1:] = (np.diff(notes.onsets) != 0) | (np.diff(notes.pitches) != 0)
    first = np.flatnonzero(new)
    joined = Notes(
        notes.onsets[first],
        np.maximum.reduceat(notes.offsets, first),
        notes.pitches[first],
        np.maximum.reduceat(notes.velocities, first),
        contours=notes[first].contours,
    )
    lasting = joined[joined.durations > 0]
    return NoteFile(lasting, len(notes) - len(joined), len(joined) - len(lasting))


def _text_row(
    path: str | Path, number: int, fields: Sequence[str], places: dict[str, int], exact: bool
) -> tuple[float, float, float, float]:
    """Onset, offset, pitch and velocity of one line of text, checked."""
    expected = "expected onset s, offset s, MIDI pitch"
    read = {what: fields[i] for what, i in places.items() if i < len(fields)}
    missing = places.keys() - read.keys() - {"velocity"}
    try:
        if missing or (exact and len(fields) > len(places)):
            raise ValueError
        values = {what: float(field) for what, field in read.items()}
    except ValueError:
        raise data_error(path, f"line {number}: got {' '.join(fields)!r:.80}, {expected}") from None
    onset, velocity = values["onset"], values.get("velocity", DEFAULT_VELOCITY)
    offset = values["offset"] if "offset" in values else onset + values["duration"]
    if "pitch" in values:
        pitch = values["pitch"]
    else:
        pitch = float(hz_to_midi(values["hz"])) if values["hz"] > 0 else math.nan
    finite = all(map(math.isfinite, (onset, offset, velocity)))
    if not (finite and 0 <= pitch <= 127 and onset >= 0):
        hint = f" {_HZ_HINT}" * (pitch > 127)
        raise data_error(path, f"line {number}: got {onset} {offset} {pitch}, {expected}{hint}")
    if offset < onset:
        raise data_error(
            path, f"line {number}: negative duration (onset {onset} s, offset {offset} s)"
        )
    return onset, offset, pitch, velocity


def is_written_here(path: Path) -> bool:
    """Whether a file begins as those of :func:`write_midi` and :func:`write_csv` do, which are
    hardly anybody's reference notes."""
    with path.open("rb") as file:
        head = file.read(len(_CSV_HEAD))
    midi = midi_bytes([], _WRITE_TICKS_PER_QUARTER, DEFAULT_TEMPO)
    return head == _CSV_HEAD.encode() or head[:14] == midi[:14]


def write_csv(notes: Notes, path: str | Path) -> None:
    """Write notes as CSV with a head, times to 0.1 ms: what :func:`read_notes` reads."""
    columns = (notes.onsets, notes.offsets, notes.pitches, notes.velocities)
    lines = [f"{a:.4f},{b:.4f},{c:g},{d:g}" for a, b, c, d in zip(*columns, strict=True)]
    Path(path).write_text("\n".join([_CSV_HEAD, *lines]) + "\n", encoding="utf-8")


def write_midi(notes: Notes, path: str | Path) -> None:
    """Write notes as a MIDI file: one track, 50 µs resolution, no pedal events.

    Pitches are rounded to whole MIDI numbers, velocities to 1–127; where a pitch restarts while
    it still sounds, a reader ends the earlier note there.

    Raises:
        ValueError: if an onset lies before 0, or two events are more than 3.7 hours apart.
    """
    pitches = np.rint(notes.pitches).astype(np.int64)
    if np.any(notes.onsets < 0):
        raise ValueError(f"got an onset at {notes.onsets.min():.4f} s, expected 0 or later")
    per_second = _WRITE_TICKS_PER_QUARTER * 1e6 / DEFAULT_TEMPO
    on, off = (np.rint(t * per_second).astype(np.int64) for t in (notes.onsets, notes.offsets))
    velocities = np.clip(np.rint(notes.velocities), 1, 127).astype(np.int64)
    rows = zip(on.tolist(), off.tolist(), pitches.tolist(), velocities.tolist(), strict=True)
    data = midi_bytes(rows, _WRITE_TICKS_PER_QUARTER, DEFAULT_TEMPO)
    Path(path).write_bytes(data)
