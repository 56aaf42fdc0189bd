"""The dataset protocol: a dataset is a sequence of tracks, a track is a recording and its notes.

Tracks are small and picklable: they carry paths, not data, to whatever worker reads them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from pi_amt.core.audio import content_hash, read_audio
from pi_amt.core.note_files import REVISION, NoteFile, audible, read_note_file
from pi_amt.core.notes import Notes
from pi_amt.core.units import Samples
from pi_amt.datasets.annotations import MEASURED, read_annotation, with_contours

#: how files of notes are read that are neither MIDI nor MAPS text
_ANNOTATIONS = "annotations 2"


@runtime_checkable
class Track(Protocol):
    """One recording with its reference notes.

    Attributes:
        name: unique in its dataset; tracks are sorted by it.
        composition: recordings of one composition are one cluster in the statistics.
        duration_seconds: of the audio that will be read, where it is known without reading.
    """

    @property
    def name(self) -> str: ...
    @property
    def composition(self) -> str: ...
    @property
    def duration_seconds(self) -> float | None: ...

    def audio(self) -> tuple[Samples, int]:
        """Mono samples ``(samples,)`` and their rate in Hz."""

    def notes(self) -> Notes:
        """Reference notes, pedal rule applied."""

    def fingerprint(self) -> str:
        """Hash of what decides audio and notes (contents, options)."""

    def stamp(self) -> str:
        """Cheap mark that changes when the track does; also of a track that cannot be read."""


class Dataset(Protocol):
    """A named, sorted sequence of tracks."""

    @property
    def name(self) -> str: ...

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Track]: ...
    @property
    def tracks(self) -> Sequence[Track]: ...


def name_of(tracks: object) -> str:
    """The name of a dataset, from which the draws of a study start; ``tracks`` if it has none."""
    return str(getattr(tracks, "name", "tracks"))


@dataclass(frozen=True)
class FileTrack:
    """A track on disk.

    Attributes:
        name: unique in its dataset.
        audio_path: any file that :func:`pi_amt.core.audio.read_audio` reads.
        notes_path: MIDI or MAPS text.
        composition: cluster for the statistics.
        pedal: ``extend`` or ``ignore``, see :func:`pi_amt.core.note_files.read_notes`.
        max_seconds: cut the audio here; notes that begin later are dropped, offsets clipped.
        duration_seconds: of the audio, after the cut, where it is known.
        onset_shift_ms: shift the notes so many milliseconds later, or earlier if it is negative.
        more_notes: further files whose notes sound in the recording, such as those of its other
            instruments.
        form: of the files of notes, see :mod:`pi_amt.datasets.annotations`; empty: MIDI or MAPS
            text, by their suffix.
        part: which part of those that a file holds in such a form; ``None``: all of them.
        contours: files of the pitch as it was measured while the notes sounded, one for each file
            of notes (see :func:`pi_amt.datasets.annotations.pitch_frames`); empty: none.

    Raises:
        ValueError: if there are contours for some files of notes only.
    """

    name: str
    audio_path: Path
    notes_path: Path
    composition: str
    pedal: str = "extend"
    max_seconds: float | None = None
    duration_seconds: float | None = None
    onset_shift_ms: float = 0.0
    more_notes: tuple[Path, ...] = ()
    form: str = ""
    part: int | None = None
    contours: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        if self.contours and len(self.contours) != len(self.notes_paths):
            raise ValueError(
                f"track {self.name}: got {len(self.contours)} files of contours, expected "
                f"{len(self.notes_paths)}, one for each file of notes"
            )

    def __repr__(self) -> str:
        length = "" if self.duration_seconds is None else f", {self.duration_seconds:.1f} s"
        return f"FileTrack({self.name!r}{length}, {self.audio_path.name}, {self.notes_path.name})"

    def audio(self) -> tuple[Samples, int]:
        """Mono samples ``(samples,)`` and their rate in Hz.

        Raises:
            DataError: see :func:`pi_amt.core.audio.read_audio`.
        """
        return read_audio(self.audio_path, max_seconds=self.max_seconds)

    def notes(self) -> Notes:
        """Reference notes.

        Raises:
            DataError: see :func:`pi_amt.core.note_files.read_notes`.
        """
        notes = self.note_file().notes.shifted(self.onset_shift_ms / 1000)
        return notes if self.max_seconds is None else notes.clipped(self.max_seconds)

    def note_file(self) -> NoteFile:
        """All notes of the file, or of all files, and what was special about it.

        Raises:
            DataError: see :func:`pi_amt.core.note_files.read_notes`.
        """
        if self._is_plain:
            return read_note_file(self.notes_path, pedal=self.pedal)
        contours = self.contours or [None] * len(self.notes_paths)
        parts = list(map(self._part, self.notes_paths, contours))
        # what two instruments play at one moment on one pitch is one note to a listener
        found = audible(joined([part.notes for part in parts]))
        return replace(
            found,
            behind_ends=sum(part.behind_ends for part in parts),
            has_newly_read=any(part.has_newly_read for part in parts),
        )

    def _part(self, path: Path, contour: Path | None) -> NoteFile:
        """What one of the files of notes holds."""
        if self.form:
            part = NoteFile(read_annotation(path, self.form, self.part))
        else:
            part = read_note_file(path, pedal=self.pedal)
        return part if contour is None else replace(part, notes=with_contours(part.notes, contour))

    @property
    def _is_plain(self) -> bool:
        """Whether the notes are those of one MIDI file or one of MAPS text."""
        return not (self.form or self.more_notes or self.contours)

    @property
    def has_measured_pitches(self) -> bool:
        """Whether the notes' pitches were measured in the sound: they hold its tuning already."""
        return self.form in MEASURED

    @property
    def notes_paths(self) -> tuple[Path, ...]:
        """All files of notes."""
        return self.notes_path, *self.more_notes

    @property
    def paths(self) -> tuple[Path, ...]:
        """All files: audio, then notes, then contours."""
        return self.audio_path, *self.notes_paths, *self.contours

    def fingerprint(self) -> str:
        """Hash of the bytes of all files and of the options; paths do not matter.

        Raises:
            DataError: if a file cannot be read (then there is only :meth:`stamp`).
        """
        contents = map(content_hash, self.paths)
        # the reader of notes goes by the suffix
        return _hash(*contents, self.notes_path.suffix.lower(), *self._options(), *self._reading())

    def stamp(self) -> str:
        """Hash of path, size and times of all files and of the options; never fails."""
        marks = (mark for path in self.paths for mark in _file_mark(path))
        return _hash(*marks, *self._options(), _mark(REVISION), *self._annotation())

    def _annotation(self) -> tuple[str, ...]:
        """How notes are read that are neither one MIDI file nor one of MAPS text."""
        if self._is_plain:
            return ()
        # rows of recordings without contours stay those from before there were any
        contours = (f"{len(self.contours)} contours",) if self.contours else ()
        return _ANNOTATIONS, self.form, repr(self.part), *contours

    def _reading(self) -> tuple[str, ...]:
        """Mark of a file that is read otherwise than an earlier version read it, so that rows of
        that version are computed again; none for others."""
        annotation = self._annotation()
        if self.form:
            return annotation
        try:
            revision = self.note_file().revision
        except ValueError:  # an earlier version may have read something of it
            revision = REVISION
        # the mark of several files says already that they are read as by revision 2
        return (*annotation, _mark(revision)) if revision > (2 if annotation else 1) else annotation

    def _options(self) -> tuple[str, ...]:
        cut = repr(None if self.max_seconds is None else float(self.max_seconds))
        # rows from before this option existed are those of no shift
        shift = [repr(float(self.onset_shift_ms))] if self.onset_shift_ms else []
        return self.pedal, cut, *shift


def _mark(revision: int) -> str:
    """How files of notes are read by a revision, see :attr:`NoteFile.revision`."""
    return f"notes {revision}"


def joined(parts: Sequence[Notes]) -> Notes:
    """The notes of several parts together, sorted."""
    columns = ("onsets", "offsets", "pitches", "velocities")
    return Notes.from_arrays(
        *(np.concatenate([getattr(notes, column) for notes in parts]) for column in columns),
        contours=[c for notes in parts for c in notes.contours or [None] * len(notes)],
    )


def _file_mark(path: Path) -> tuple[str, str, str]:
    """Path, size and times of a file, ``""`` where there is none.

    Of times that of the inode, too: copies and archives may give new contents the old date.
    """
    try:
        status = path.stat()
    except OSError:
        return str(path.absolute()), "", ""
    times = f"{status.st_mtime_ns} {status.st_ctime_ns}"
    return str(path.absolute()), str(status.st_size), times


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()
