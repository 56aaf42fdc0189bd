"""A look through the files of a dataset before a study begins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pi_amt.core.audio import audio_seconds
from pi_amt.core.errors import EMPTY, DataError, data_error, open_data
from pi_amt.core.text import plural
from pi_amt.datasets.track import Dataset, FileTrack


@dataclass(frozen=True)
class Survey:
    """What was found.

    Attributes:
        name: of the dataset.
        n_tracks: recordings.
        hours: of those whose length is known.
        missing: plain lines: absent settings, absent files, doubles.
        unreadable: plain lines, one per file.
        decoded: whether every file was decoded, or only its header read.
    """

    name: str
    n_tracks: int
    hours: float
    missing: tuple[str, ...]
    unreadable: tuple[str, ...]
    decoded: bool

    @property
    def is_clean(self) -> bool:
        """Whether nothing is missing or unreadable."""
        return not (self.missing or self.unreadable)

    def __str__(self) -> str:
        depth = "all files decoded" if self.decoded else "headers read; --full decodes all files"
        length = f"{self.hours:.1f} hours" if self.hours >= 1 else f"{60 * self.hours:.1f} minutes"
        lines = [f"{self.name}: {plural(self.n_tracks, 'track')}, {length} ({depth})"]
        for title, found in (("missing", self.missing), ("unreadable", self.unreadable)):
            lines += [f"{title}: {len(found)}", *(f"  {line}" for line in found)]
        return "\n".join(lines)


def survey(dataset: Dataset, full: bool = False) -> Survey:
    """Look at every file of a dataset.

    Args:
        dataset: any; tracks that are not files are decoded only with ``full``.
        full: decode audio and notes completely instead of reading headers.
    """
    missing = dict.fromkeys(getattr(dataset, "problems", ()))
    unreadable: list[str] = []
    seconds = 0.0
    for track in dataset:
        checks: list[Callable[[], object]] = []
        if isinstance(track, FileTrack):
            paths = (track.audio_path, track.notes_path)
            absent = [path for path in paths if not path.exists()]
            missing |= dict.fromkeys(f"{path.absolute()}: the file is missing" for path in absent)
            if track.audio_path not in absent and not full:
                checks.append(partial(audio_seconds, track.audio_path))
            if track.notes_path not in absent and not full:
                checks.append(partial(_check_notes_header, track.notes_path))
        if full:
            checks = [track.audio, track.notes]
        for check in checks:
            try:
                check()
            except DataError as error:
                if str(error) not in missing:
                    unreadable.append(str(error))
        seconds += track.duration_seconds or 0.0
    return Survey(
        getattr(dataset, "name", "tracks"),
        len(dataset),
        seconds / 3600,
        tuple(missing),
        tuple(unreadable),
        full,
    )


def _check_notes_header(path: Path) -> None:
    """Raise DataError if a notes file is empty or does not begin as one."""
    with open_data(path) as file:
        head = file.read(12)
    if not head:
        raise data_error(path, EMPTY)
    if path.suffix.lower() != ".txt" and head[:4] != b"MThd" and head[8:] != b"RMID":
        raise data_error(path, "not a MIDI file (it does not begin with MThd)")
