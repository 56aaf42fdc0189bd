"""MusicNet: 330 recordings of chamber music with scores aligned to them, Thickstun et al. 2017.

Layout: ``train_data/2186.wav`` with ``train_labels/2186.csv``, and the same of ``test``, anywhere
below the folder; ``musicnet_metadata.csv``, in the folder or one level above or below these, says
what is played. Licence: CC BY 4.0. The labels were made by alignment; the authors estimate that 4 %
of them are wrong, so differences in F that are small may come from these.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

from pi_amt.core.audio import AUDIO_SUFFIXES
from pi_amt.core.checks import check_choice
from pi_amt.core.errors import data_error, read_bytes
from pi_amt.datasets.files import Selection, TrackList, by_stem, given_folder, require_some
from pi_amt.datasets.track import FileTrack

SOURCE = "https://zenodo.org/records/5120004 (musicnet.tar.gz and musicnet_metadata.csv)"
SPLITS = ("train", "test", "all")
_COLUMNS = ("id", "composer", "composition")


def musicnet(
    data_folder: str | Path = "datasets/musicnet",
    split: str = "test",
    subsample_every: int = 1,
    max_tracks: int | None = None,
    max_seconds: float | None = None,
    pedal: str = "extend",
    onset_shift_ms: float = 0.0,
) -> TrackList:
    """MusicNet below a folder.

    Args:
        data_folder: where its archive was unpacked.
        split: one of :data:`SPLITS`.
        subsample_every, max_tracks, max_seconds, pedal, onset_shift_ms: see
            :class:`~pi_amt.datasets.files.Selection`; there is no pedal.

    Raises:
        ValueError: for an unknown option value, a table of metadata of another form, or if no
            recording is there with its notes.
    """
    selection = Selection(subsample_every, max_tracks, max_seconds, pedal, onset_shift_ms)
    check_choice("split", split, SPLITS)
    folder = given_folder(data_folder)
    problems: list[str] = []
    splits = "(?:train|test)" if split == "all" else split
    sounds = by_stem(folder, rf"{splits}_data/(\d+)", AUDIO_SUFFIXES, problems)
    notes = by_stem(folder, rf"{splits}_labels/(\d+)", (".csv",), problems)
    works = _works(
        by_stem(folder, "(musicnet_metadata)", (".csv",), problems).get("musicnet_metadata")
    )
    tracks = []
    for name in sounds.keys() | notes.keys():
        place = (sounds.get(name) or notes[name]).parent
        root, part = place.parent, place.name.split("_")[0]
        tracks.append(
            FileTrack(
                name=name,
                audio_path=sounds.get(name, root / f"{part}_data" / f"{name}.wav"),
                notes_path=notes.get(name, root / f"{part}_labels" / f"{name}.csv"),
                composition=works.get(name, name),
                form="musicnet",
            )
        )
    first = "train" if split == "all" else split
    wanted = f"{first}_data/*.wav and {first}_labels/*.csv"
    require_some("musicnet", folder, tracks, wanted, SOURCE)
    if not works:
        problems.append(
            f"{folder.absolute()}: musicnet_metadata.csv is not there, so movements of one work "
            "count as independent recordings"
        )
    return TrackList("musicnet", selection.apply(tracks), tuple(problems), folder)


def _works(table: Path | None) -> dict[str, str]:
    """Number of a recording → composer and composition."""
    if table is None:
        return {}
    try:
        text = read_bytes(table).decode("utf-8-sig")
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        records = list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise data_error(table, f"not a CSV file in UTF-8 ({error})") from None
    if absent := [name for name in _COLUMNS if name not in (reader.fieldnames or ())]:
        raise data_error(table, f"got no column {', '.join(absent)}, expected MusicNet's columns")
    return {record["id"]: f"{record['composer']}: {record['composition']}" for record in records}
