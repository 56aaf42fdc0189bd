"""MAESTRO v3: Disklavier performances of the Piano-e-Competition, Hawthorne et al. 2019.

Layout: ``maestro-v3.0.0.csv`` in the folder (or one level below) and the files it names. 1,276
performances, 198.7 hours, splits 962/137/177. Licence: CC BY-NC-SA 4.0. Basic Pitch was trained
on MAESTRO: only the test split, the default, is new to it.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

from pi_amt.core.audio import AUDIO_SUFFIXES
from pi_amt.core.checks import check_choice
from pi_amt.core.errors import data_error, printable, read_bytes
from pi_amt.datasets.files import Selection, TrackList, contents, not_found
from pi_amt.datasets.track import FileTrack

SPLITS = ("train", "validation", "test", "all")
SOURCE = "https://magenta.tensorflow.org/datasets/maestro (maestro-v3.0.0.zip)"
_COLUMNS = ("canonical_composer", "canonical_title", "split", "midi_filename", "audio_filename")


def maestro(
    data_folder: str | Path = "datasets/maestro",
    split: str = "test",
    subsample_every: int = 1,
    max_tracks: int | None = None,
    max_seconds: float | None = None,
    pedal: str = "extend",
) -> TrackList:
    """MAESTRO below a folder, as its CSV lists it; files that are missing become error rows.

    Args:
        data_folder: where MAESTRO was unpacked.
        split: one of :data:`SPLITS`.
        subsample_every, max_tracks, max_seconds, pedal: see
            :class:`~pi_amt.datasets.files.Selection`.

    Raises:
        ValueError: for an unknown option value, a CSV of another form, or no file of it there.
    """
    selection = Selection(subsample_every, max_tracks, max_seconds, pedal)
    check_choice("split", split, SPLITS)
    folder = Path(data_folder)
    tables = sorted([*folder.glob("maestro-v*.csv"), *folder.glob("*/maestro-v*.csv")])
    if not tables:
        layout = "maestro-v3.0.0.csv and the folders it names"
        raise not_found("maestro", folder, layout, contents(folder), SOURCE)
    table = max(tables, key=lambda path: path.name)
    records = _records(table)
    wanted = [record for record in records if split in ("all", record["split"])]
    if not wanted:
        there = ", ".join(sorted({record["split"] for record in records})) or "none"
        raise data_error(table, f"no recording of split {split}, there are: {there}")
    by_name: dict[str, FileTrack] = {}
    problems: list[str] = []
    for track in (_track(table.parent, record) for record in wanted):
        if by_name.setdefault(track.name, track) is not track:
            problems.append(f"{table.absolute()}: {track.name} is listed twice, used once")
    tracks = list(by_name.values())
    missing = [p for t in tracks for p in (t.audio_path, t.notes_path) if not p.exists()]
    if not any(track.audio_path.exists() for track in tracks):
        found = f"{table.name} is there, but none of its {len(tracks)} recordings ({split})"
        raise not_found("maestro", folder, f"e.g. {tracks[0].audio_path}", found, SOURCE)
    problems += [f"{path.absolute()}: the file is missing" for path in missing]
    return TrackList("maestro", selection.apply(tracks), tuple(problems))


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


def _track(folder: Path, record: dict[str, str]) -> FileTrack:
    """The track of one line."""
    audio = folder / record["audio_filename"]
    if not audio.exists():  # people keep it as FLAC
        others = (audio.with_suffix(suffix) for suffix in AUDIO_SUFFIXES)
        audio = next((path for path in others if path.exists()), audio)
    return FileTrack(
        name=printable(Path(record["audio_filename"]).stem),
        audio_path=audio,
        notes_path=folder / record["midi_filename"],
        composition=f"{record['canonical_composer']}: {record['canonical_title']}",
        duration_seconds=_number(record.get("duration")),
    )


def _number(text: str | None) -> float | None:
    """A positive number, or none; a wrong duration only spoils an estimate of time."""
    digits = (text or "").strip()
    if not digits.replace(".", "", 1).isdecimal():
        return None
    return float(digits) or None
