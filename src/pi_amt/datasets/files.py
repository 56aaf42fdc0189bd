"""What every file dataset is made of: candidates, the common options, and the finished list."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import TypeVar, overload

from pi_amt.core.audio import AUDIO_SUFFIXES, audio_seconds
from pi_amt.core.checks import check_choice, check_count, check_range
from pi_amt.core.errors import DataError, printable
from pi_amt.core.note_files import PEDAL_RULES
from pi_amt.core.text import duration, folded, plural
from pi_amt.datasets.track import FileTrack, Track

T = TypeVar("T", bound=Track)


@dataclass(frozen=True)
class TrackList(Sequence[Track]):
    """A dataset: named, sorted, ready to iterate.

    Attributes:
        name: config name.
        tracks: sorted by name.
        problems: plain lines about what was not found or is double.
        folder: where the user keeps the files, if anywhere.
    """

    name: str
    tracks: tuple[Track, ...]
    problems: tuple[str, ...] = ()
    folder: Path | None = None

    def __repr__(self) -> str:
        seconds = [track.duration_seconds for track in self.tracks]
        length = "" if None in seconds else f", {duration(sum(filter(None, seconds)))}"
        said = f", {plural(len(self.problems), 'problem')}" if self.problems else ""
        return f"TrackList({self.name!r}, {plural(len(self), 'recording')}{length}{said})"

    def __len__(self) -> int:
        return len(self.tracks)

    def __iter__(self) -> Iterator[Track]:
        return iter(self.tracks)

    @overload
    def __getitem__(self, index: int) -> Track: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Track, ...]: ...
    def __getitem__(self, index: int | slice) -> Track | tuple[Track, ...]:
        return self.tracks[index]


@dataclass(frozen=True)
class Selection:
    """The options that all datasets share.

    Attributes:
        subsample_every: keep every n-th track in sorted order.
        max_tracks: then keep the first so many; ``None``: all.
        max_seconds: cut each recording here; ``None``: whole recordings.
        pedal: ``extend`` or ``ignore``, see :func:`pi_amt.core.note_files.read_notes`.
        onset_shift_ms: shift the notes so many milliseconds later, or earlier if it is negative.

    Raises:
        ValueError: if an option cannot work.
    """

    subsample_every: int = 1
    max_tracks: int | None = None
    max_seconds: float | None = None
    pedal: str = "extend"
    onset_shift_ms: float = 0.0

    def __post_init__(self) -> None:
        check_choice("pedal", self.pedal, PEDAL_RULES)
        check_count("subsample_every", self.subsample_every)
        check_range("onset_shift_ms", self.onset_shift_ms, -60_000, 60_000, "ms")
        if self.max_tracks is not None:
            check_count("max_tracks", self.max_tracks)
        seconds = self.max_seconds
        if seconds is not None and not (type(seconds) in (int, float) and 0 < seconds < 1e9):
            raise ValueError(f"max_seconds: got {seconds!r}, expected seconds above 0, or null")

    def choose(self, tracks: Sequence[T]) -> list[T]:
        """Sort by name, subsample, limit."""
        ordered = sorted(tracks, key=lambda track: track.name)
        return ordered[:: self.subsample_every][: self.max_tracks]

    def apply(self, tracks: Sequence[FileTrack]) -> tuple[FileTrack, ...]:
        """Choose, then give the chosen tracks the options and their durations."""
        return tuple(self._finished(track) for track in self.choose(tracks))

    def _finished(self, track: FileTrack) -> FileTrack:
        seconds = track.duration_seconds
        if seconds is None:
            seconds = _header_seconds(track.audio_path)
        if seconds is not None and self.max_seconds is not None:
            seconds = min(seconds, float(self.max_seconds))
        return replace(
            track,
            pedal=self.pedal,
            max_seconds=self.max_seconds,
            duration_seconds=seconds,
            onset_shift_ms=self.onset_shift_ms,
        )


def _header_seconds(path: Path) -> float | None:
    """Length by the header; a broken file is reported where it is read, not here."""
    try:
        return audio_seconds(path)
    except DataError:
        return None


def given_folder(data_folder: object) -> Path:
    """The folder that an option names, with the home folder in place of ``~``.

    Raises:
        ValueError: for what is no name of a folder, or nobody's home.
    """
    if type(data_folder) is int:  # as YAML reads a folder named 2024
        data_folder = str(data_folder)
    # an empty name would be the current folder, which nobody meant who left it empty
    if not isinstance(data_folder, str | PathLike) or not str(data_folder):
        raise ValueError(
            f"data_folder: got {data_folder!r}, expected the name of a folder (in YAML in quotes)"
        )
    try:
        return Path(data_folder).expanduser()
    except RuntimeError:
        name = str(data_folder)
        raise ValueError(
            f"data_folder: got {name!r}, but {name.partition('/')[0]} is the home folder of nobody "
            f"here, expected the name of a folder, ./{name} if its own name begins with ~"
        ) from None


def walk(folder: Path) -> Iterator[Path]:
    """Every file below a folder, sorted, through symbolic links, each real folder once.

    Hidden files and folders are left out: there other programs keep copies and notes of their own
    (``.git/annex``, ``.AppleDouble``, ``.Trash-1000``). A link that leads there is followed.
    Folders that cannot be read are warned of: recordings may be missing, but ``lost+found`` is no
    reason to refuse a disk.
    """
    seen: set[str] = set()
    for root, folders, names in os.walk(folder, followlinks=True, onerror=_warn_of_folder):
        real = os.path.realpath(root)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(root, name) for name in sorted(names) if not name.startswith("."))


def _warn_of_folder(error: OSError) -> None:
    """Say that a folder is passed over; of one that is not there others tell."""
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        place = printable(os.path.abspath(error.filename))
        reason = error.strerror or error
        warnings.warn(f"{place}: passed over, it cannot be read ({reason})", stacklevel=2)


@dataclass
class Pair:
    """Files of one stem: what may become a track.

    Attributes:
        notes_suffixes: of files with notes, lower case, the best first.
        audio, notes: the files, the best first.
    """

    notes_suffixes: tuple[str, ...]
    audio: list[Path] = field(default_factory=list)
    notes: list[Path] = field(default_factory=list)

    def add(self, path: Path) -> None:
        """Take a file, if it is one of audio or notes."""
        for files, suffixes in ((self.audio, AUDIO_SUFFIXES), (self.notes, self.notes_suffixes)):
            if path.suffix.lower() in suffixes:
                files.append(path)
                files.sort(key=lambda file: suffixes.index(file.suffix.lower()))

    @property
    def is_complete(self) -> bool:
        """Whether there are both audio and notes."""
        return bool(self.audio and self.notes)

    def track(self, name: str, composition: str) -> FileTrack:
        """The track of the best files; a missing partner keeps the place where it should be."""
        first = (self.audio or self.notes)[0]
        return FileTrack(
            name=name,
            audio_path=self.audio[0] if self.audio else first.with_suffix(".wav"),
            notes_path=self.notes[0] if self.notes else first.with_suffix(".mid"),
            composition=composition,
        )


def pairs_by_name(folder: Path, notes_suffixes: tuple[str, ...]) -> dict[str, Pair]:
    """Files below a folder by their path without suffix, as far as they may become tracks.

    Audio and notes without partner whose paths differ only in letter case or in the Unicode form of
    accents are one pair under the name of the audio, if there is one of each.
    """
    pairs: dict[str, Pair] = {}
    for path in walk(folder):
        name = printable(path.relative_to(folder).with_suffix("").as_posix())
        pairs.setdefault(name, Pair(notes_suffixes)).add(path)
    pairs = {name: pair for name, pair in pairs.items() if pair.audio or pair.notes}
    alike: dict[str, list[str]] = {}
    for name, pair in pairs.items():
        if not pair.is_complete:
            alike.setdefault(folded(name), []).append(name)
    for names in alike.values():
        with_audio = [name for name in names if pairs[name].audio]
        if len(names) == 2 and len(with_audio) == 1:
            (other,) = set(names) - set(with_audio)
            pairs[with_audio[0]].notes = pairs.pop(other).notes
    return pairs


def by_stem(
    folder: Path, pattern: str, suffixes: Sequence[str], problems: list[str]
) -> dict[str, Path]:
    """Files below a folder whose path without suffix ends in what a pattern matches: its first
    group → the path. Letter case does not matter. Of doubles the first one counts, and a line
    about each of the others is appended to ``problems``."""
    found: dict[str, Path] = {}
    wanted = re.compile(rf"(?:.*/)?{pattern}", re.IGNORECASE)
    for path in walk(folder):
        match = wanted.fullmatch(path.relative_to(folder).with_suffix("").as_posix())
        if match and path.suffix.lower() in suffixes:
            first = found.setdefault(printable(match[1]), path)
            if first != path:
                line = f"{path.absolute()}: double of {first.absolute()}, not used"
                problems.append(printable(line))
    return found


def audio_or(stem: Path) -> Path:
    """The audio file of a path without suffix, or the WAV file that should be there."""
    return there(*(stem.with_name(stem.name + suffix) for suffix in AUDIO_SUFFIXES))


def there(*paths: Path) -> Path:
    """The first of these paths in one folder that is there; else the first that is there once in
    other letter case; else the first, where it should be."""
    for path in paths:
        if path.exists():
            return path
    alike: dict[str, list[Path]] = {}
    folder = paths[0].parent
    for path in folder.iterdir() if folder.is_dir() else ():
        alike.setdefault(folded(path.name), []).append(path)
    found = (alike.get(folded(path.name), []) for path in paths)
    return next((same[0] for same in found if len(same) == 1), paths[0])


def require_some(
    name: str, folder: Path, tracks: Sequence[FileTrack], wanted: str, source: str
) -> None:
    """Refuse a folder without the dataset, or with a part of it that makes no recording whole.

    Args:
        name: of the dataset.
        folder: where it should be.
        tracks: all recordings of which some file is there.
        wanted: what was looked for.
        source: where to get it.

    Raises:
        ValueError: if no track has all its files.
    """
    if not tracks:
        raise not_found(name, folder, wanted, contents(folder), source)
    lacking = {track.name: [p for p in track.paths if not p.exists()] for track in tracks}
    if all(lacking.values()):
        first, paths = next(iter(lacking.items()))
        there = plural(len(tracks), "recording is", "recordings are")
        found = f"{there} there in part only, {first} without {paths[0]}"
        raise not_found(name, folder, wanted, printable(found), source)


def contents(folder: Path) -> str:
    """What a folder holds, in a few words for an error message."""
    if not folder.exists():
        return "this folder does not exist"
    if not folder.is_dir():
        return "this is a file, not a folder"
    names = sorted(entry.name + "/" * entry.is_dir() for entry in folder.iterdir())
    if not names:
        return "the folder is empty"
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return f"it holds {', '.join(names[:6])}{more}"


def not_found(name: str, folder: Path, wanted: str, found: str, source: str = "") -> ValueError:
    """The one message for a folder that is missing or laid out otherwise; ``source`` says where the
    files can be had, and is empty where they are the user's own."""
    do = (
        f"Get it from {source} and set dataset.data_folder" if source else "Set dataset.data_folder"
    )
    return ValueError(
        f"dataset {name}: looked in {folder.absolute()} for {wanted}; {found}. "
        f"{do} to the folder that holds them; dataset=demo needs no files."
    )
