"""A look through the files of a dataset before a study begins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pi_amt.core.audio import audio_seconds
from pi_amt.core.errors import EMPTY, DataError, below, data_error, open_data, printable
from pi_amt.core.text import listed, plural
from pi_amt.datasets.annotations import pitch_frames, read_annotation
from pi_amt.datasets.track import Dataset, FileTrack, name_of


@dataclass(frozen=True)
class Survey:
    """What was found.

    Attributes:
        name: of the dataset.
        n_tracks: recordings.
        hours: of those whose length is known.
        missing: plain lines: absent settings, absent files, doubles.
        unreadable: plain lines, one per file.
        left_out: plain lines: notes that no listener could hear, per recording.
        decoded: whether every file was decoded, or only its header read.
        folder: where the files are, if they are in one place.
    """

    name: str
    n_tracks: int
    hours: float
    missing: tuple[str, ...]
    unreadable: tuple[str, ...]
    left_out: tuple[str, ...]
    decoded: bool
    folder: Path | None

    @property
    def is_clean(self) -> bool:
        """Whether nothing is missing or unreadable."""
        return not (self.missing or self.unreadable)

    def __str__(self) -> str:
        depth = "all files decoded" if self.decoded else "headers read; --full decodes all files"
        length = f"{self.hours:.1f} hours" if self.hours >= 1 else f"{60 * self.hours:.1f} minutes"
        lines = [f"{self.name}: {plural(self.n_tracks, 'track')}, {length} ({depth})"]
        if self.folder is not None:
            lines.append(f"in {printable(str(self.folder.absolute()))}")
        for title, found in (("missing", self.missing), ("unreadable", self.unreadable)):
            shown = listed([below(line, self.folder) for line in found])
            lines += [f"{title}: {len(found)}", *(f"  {line}" for line in shown)]
        if self.left_out:
            lines.append(f"notes left out in {plural(len(self.left_out), 'recording')}:")
            lines += [f"  {line}" for line in listed(self.left_out)]
        return "\n".join(lines)


def survey(dataset: Dataset, full: bool = False) -> Survey:
    """Look at every file of a dataset.

    Args:
        dataset: any; tracks that are not files are decoded only with ``full``.
        full: decode audio and notes completely instead of reading headers.
    """
    missing = dict.fromkeys(getattr(dataset, "problems", ()))
    unreadable: list[str] = []
    left_out: list[str] = []
    seconds = 0.0
    for track in dataset:
        checks: list[Callable[[], object]] = [track.audio, track.notes] if full else []
        if isinstance(track, FileTrack):
            absent = [path for path in track.paths if not path.exists()]
            missing |= dict.fromkeys(f"{path.absolute()}: the file is missing" for path in absent)
            if full:
                checks = [track.audio, partial(_read_notes, track, left_out)]
            elif track.audio_path not in absent:
                checks.append(partial(audio_seconds, track.audio_path))
            if not full:
                there = [path for path in track.notes_paths if path not in absent]
                checks += [partial(_check_notes_header, path, track.form) for path in there]
                followed = [path for path in track.contours if path not in absent]
                checks += [partial(pitch_frames, path) for path in followed]
        for check in checks:
            try:
                check()
            except DataError as error:
                if str(error) not in missing:
                    unreadable.append(str(error))
        seconds += track.duration_seconds or 0.0
    return Survey(
        name_of(dataset),
        len(dataset),
        seconds / 3600,
        tuple(missing),
        tuple(unreadable),
        tuple(left_out),
        full,
        getattr(dataset, "folder", None),
    )


def _read_notes(track: FileTrack, left_out: list[str]) -> None:
    """Read a file of notes and append a line on what is not among the notes."""
    if said := track.note_file().left_out:
        left_out.append(f"{track.name}: {said}")


def _check_notes_header(path: Path, form: str) -> None:
    """Raise DataError if a notes file is empty or does not begin as one; text of a dataset's own
    form is read whole."""
    if form:
        read_annotation(path, form)
        return
    with open_data(path) as file:
        head = file.read(12)
    if not head:
        raise data_error(path, EMPTY)
    if path.suffix.lower() != ".txt" and head[:4] != b"MThd" and head[8:] != b"RMID":
        raise data_error(path, "not a MIDI file (it does not begin with MThd)")
