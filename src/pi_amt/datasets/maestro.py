"""MAESTRO v3: Disklavier performances of the Piano-e-Competition, Hawthorne et al. 2019.

Layout: ``maestro-v3.0.0.csv`` in the folder (or one level below) and the files it names. Of several
tables the newest counts that is named so, before ``maestro-v3.0.0_part.csv``. A file may
have another suffix of its kind (``.flac``, ``.mid``), other letter case or the other Unicode form.
Titles that differ only in letter case, accents, blanks and punctuation are one composition. 1,276
performances, 198.7 hours, splits 962/137/177. Licence: CC BY-NC-SA 4.0. Basic Pitch was trained on
MAESTRO: only the test split, the default, is new to it.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath

from pi_amt.core.checks import check_choice
from pi_amt.core.errors import data_error, printable, read_bytes
from pi_amt.core.text import folded, plural, without_accents
from pi_amt.datasets.files import (
    Selection,
    TrackList,
    contents,
    given_folder,
    not_found,
    pairs_by_name,
)
from pi_amt.datasets.track import FileTrack

SPLITS = ("train", "validation", "test", "all")
SOURCE = "https://magenta.tensorflow.org/datasets/maestro (maestro-v3.0.0.zip)"
_NOTES_SUFFIXES = (".midi", ".mid")
_COLUMNS = ("canonical_composer", "canonical_title", "split", "midi_filename", "audio_filename")


def maestro(
    data_folder: str | Path = "datasets/maestro",
    split: str = "test",
    subsample_every: int = 1,
    max_tracks: int | None = None,
    max_seconds: float | None = None,
    pedal: str = "extend",
    onset_shift_ms: float = 0.0,
) -> TrackList:
    """MAESTRO below a folder, as its CSV lists it; files that are missing become error rows.

    Args:
        data_folder: where MAESTRO was unpacked.
        split: one of :data:`SPLITS`.
        subsample_every, max_tracks, max_seconds, pedal, onset_shift_ms: see
            :class:`~pi_amt.datasets.files.Selection`.

    Raises:
        ValueError: for an unknown option value, a CSV of another form, or no file of it there.
    """
    selection = Selection(subsample_every, max_tracks, max_seconds, pedal, onset_shift_ms)
    check_choice("split", split, SPLITS)
    folder = given_folder(data_folder)
    below = [path for path in folder.glob("*/maestro-v*.csv") if path.parent.name[0] != "."]
    tables = sorted([*folder.glob("maestro-v*.csv"), *below])
    if not tables:
        layout = "maestro-v3.0.0.csv and the folders it names"
        raise not_found("maestro", folder, layout, contents(folder), SOURCE)
    table = max(tables, key=_version)
    records = _records(table)
    wanted = [record for record in records if split in ("all", record["split"])]
    if not wanted:
        there = ", ".join(sorted({record["split"] for record in records})) or "none"
        raise data_error(table, f"no recording of split {split}, there are: {there}")
    by_name: dict[str, FileTrack] = {}
    others = [path for path in tables if path != table]
    problems = [printable(f"{p.absolute()}: not used beside {table.absolute()}") for p in others]
    for track in _tracks(table.parent, wanted, _compositions(records)):
        if by_name.setdefault(track.name, track) is not track:
            problems.append(f"{table.absolute()}: {track.name} is listed twice, used once")
    tracks = list(by_name.values())
    missing = [p for t in tracks for p in (t.audio_path, t.notes_path) if not p.exists()]
    if not any(track.audio_path.exists() for track in tracks):
        listed = plural(len(tracks), "recording")
        found = f"{table.name} is there, but none of its {listed} ({split})"
        raise not_found("maestro", folder, f"e.g. {tracks[0].audio_path}", found, SOURCE)
    problems += [f"{path.absolute()}: the file is missing" for path in missing]
    return TrackList("maestro", selection.apply(tracks), tuple(problems), folder)


def _version(table: Path) -> tuple[bool, list[int], str]:
    """Order of tables: one that is named as MAESTRO's before those of other names, which may list a
    part, then the newest version."""
    match = re.fullmatch(r"maestro-v(\d+(?:\.\d+)*)\.csv", table.name)
    version = [int(number) for number in match[1].split(".")] if match else []
    return match is not None, version, table.name


def _records(table: Path) -> list[dict[str, str]]:
    """Lines of the CSV by column name."""
    try:
        text = read_bytes(table).decode("utf-8-sig")
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        records = list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise data_error(table, f"not a CSV file in UTF-8 ({error})") from None
    absent = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
    if absent:
        raise data_error(table, f"got no column {', '.join(absent)}, expected MAESTRO's columns")
    for number, record in enumerate(records, start=2):
        if not all(record[name] for name in _COLUMNS):
            raise data_error(table, f"line {number}: got an incomplete line, expected all columns")
    return records


def _compositions(records: Sequence[dict[str, str]]) -> dict[str, str]:
    """Composer and title as each line has them → as the first line of that work has them."""
    first: dict[str, str] = {}
    titles = dict.fromkeys(map(_title, records))
    return {title: first.setdefault(_plain_words(title), title) for title in titles}


def _title(record: dict[str, str]) -> str:
    return f"{record['canonical_composer']}: {record['canonical_title']}"


def _plain_words(title: str) -> str:
    """What two spellings of one title have in common; C and C# are two keys."""
    return " ".join(re.findall(r"[\w#♯♭]+", without_accents(title).casefold()))


def _tracks(
    folder: Path, records: Sequence[dict[str, str]], compositions: Mapping[str, str]
) -> list[FileTrack]:
    """The tracks of some lines, where files may be called a little otherwise."""
    columns = ("audio_filename", "midi_filename")
    as_listed = all((folder / record[name]).exists() for record in records for name in columns)
    there = {} if as_listed else pairs_by_name(folder, _NOTES_SUFFIXES)
    audio = {folded(name): pair.audio[0] for name, pair in there.items() if pair.audio}
    notes = {folded(name): pair.notes[0] for name, pair in there.items() if pair.notes}
    return [
        FileTrack(
            name=printable(Path(record["audio_filename"]).stem),
            audio_path=_found(folder, record["audio_filename"], audio),
            notes_path=_found(folder, record["midi_filename"], notes),
            composition=compositions[_title(record)],
            duration_seconds=_number(record.get("duration")),
        )
        for record in records
    ]


def _found(folder: Path, listed: str, others: Mapping[str, Path]) -> Path:
    """The file that a line names, else the one whose folded path without suffix is the same."""
    path = folder / listed
    stem = folded(printable(PurePath(listed).with_suffix("").as_posix()))
    return path if path.exists() else others.get(stem, path)


def _number(text: str | None) -> float | None:
    """A positive number, or none; a wrong duration only spoils an estimate of time."""
    digits = (text or "").strip()
    if not digits.replace(".", "", 1).isdecimal():
        return None
    return float(digits) or None
