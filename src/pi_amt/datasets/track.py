"""The dataset protocol: a dataset is a sequence of tracks, a track is a pair of files.

Tracks are small and picklable: they carry paths, not data, to whatever worker reads them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from pi_amt.audio import read_audio
from pi_amt.notes import Notes, read_notes


@runtime_checkable
class Track(Protocol):
    """One recording with its reference notes.

    Attributes:
        name: unique in its dataset; tracks are sorted by it.
        composition: recordings of one composition are one cluster in the statistics.
    """

    @property
    def name(self) -> str: ...
    @property
    def composition(self) -> str: ...
    @property
    def duration_seconds(self) -> float | None: ...

    def audio(self) -> tuple[NDArray[np.float32], int]:
        """Mono samples ``(samples,)`` and their rate in Hz."""

    def notes(self) -> Notes:
        """Reference notes, pedal rule applied."""

    def fingerprint(self) -> str:
        """Hash of what decides audio and notes (contents, options)."""


class Dataset(Protocol):
    """A named, sorted sequence of tracks with its citation and licence."""

    name: str
    citation: str
    licence: str

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Track]: ...
    @property
    def tracks(self) -> Sequence[Track]: ...


@dataclass(frozen=True)
class FileTrack:
    """A track on disk.

    Attributes:
        name: unique in its dataset.
        audio_path: any file that libsndfile reads.
        notes_path: MIDI or MAPS text.
        composition: cluster for the statistics.
        pedal: ``extend`` or ``ignore``, see :func:`pi_amt.notes.read_notes`.
        max_seconds: cut the audio here; notes that begin later are dropped, offsets clipped.
        duration_seconds: where the dataset's own index tells it.
    """

    name: str
    audio_path: Path
    notes_path: Path
    composition: str
    pedal: str = "extend"
    max_seconds: float | None = None
    duration_seconds: float | None = None

    def audio(self) -> tuple[NDArray[np.float32], int]:
        return read_audio(self.audio_path, max_seconds=self.max_seconds)

    def notes(self) -> Notes:
        notes = read_notes(self.notes_path, pedal=self.pedal)
        return notes if self.max_seconds is None else notes.clipped(self.max_seconds)

    def fingerprint(self) -> str:
        raise NotImplementedError
