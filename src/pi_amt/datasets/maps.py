"""MAPS: piano sounds in nine settings (synthesised and Disklavier), Emiya, Badeau & David 2010.

Layout: anywhere below the folder, ``MAPS_<kind>[-_]<piece>_<setting>.wav`` with ``.mid`` and
``.txt`` beside it, letter case ignored (archives unpack as ``<setting>/MUS`` or
``MAPS_<setting>_2/<setting>/MUS``). ``.mid`` wins, ``.txt`` serves where there is none. Where audio
and notes lie in folders of their own (``wav/``, ``mid/``), the one partner of a name is taken.
Licence: CC BY-NC-SA 2.0 FR. The usual test set, and the default, is MUS of the two Disklavier
settings.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pi_amt.core.checks import unknown
from pi_amt.core.errors import printable
from pi_amt.core.text import folded, plural
from pi_amt.datasets.files import (
    Pair,
    Selection,
    TrackList,
    contents,
    given_folder,
    not_found,
    walk,
)
from pi_amt.datasets.track import FileTrack

SETTINGS = (
    "AkPnBcht",
    "AkPnBsdf",
    "AkPnCGdD",
    "AkPnStgb",
    "ENSTDkAm",
    "ENSTDkCl",
    "SptkBGAm",
    "SptkBGCl",
    "StbgTGd2",
)
KINDS = ("ISOL", "RAND", "UCHO", "MUS")
SOURCE = "https://adasp.telecom-paris.fr/resources/2010-07-08-maps-database/"
_STEM = re.compile(r"MAPS_(ISOL|RAND|UCHO|MUS)([-_])(.+)_([^_]+)", re.IGNORECASE)
_NOTES_SUFFIXES = (".mid", ".midi", ".txt")


class _Name(NamedTuple):
    """What a file's name says, in the proper spelling."""

    kind: str
    separator: str
    piece: str
    setting: str

    def __str__(self) -> str:
        return f"MAPS_{self.kind}{self.separator}{self.piece}_{self.setting}"


def maps(
    data_folder: str | Path = "datasets/maps",
    settings: Sequence[str] = ("ENSTDkAm", "ENSTDkCl"),
    kinds: Sequence[str] = ("MUS",),
    subsample_every: int = 1,
    max_tracks: int | None = None,
    max_seconds: float | None = None,
    pedal: str = "extend",
    onset_shift_ms: float = 0.0,
) -> TrackList:
    """MAPS below a folder.

    Args:
        data_folder: where MAPS was unpacked.
        settings: some of :data:`SETTINGS`; one that is absent is reported, fatal if all are.
        kinds: some of :data:`KINDS`.
        subsample_every, max_tracks, max_seconds, pedal, onset_shift_ms: see
            :class:`~pi_amt.datasets.files.Selection`.

    Raises:
        ValueError: for an unknown option value, or if nothing that is wanted is there.
    """
    selection = Selection(subsample_every, max_tracks, max_seconds, pedal, onset_shift_ms)
    settings = _known("settings", settings, SETTINGS)
    kinds = _known("kinds", kinds, KINDS)
    folder = given_folder(data_folder)
    groups = _groups(folder)
    wanted = {n: pairs for n, pairs in groups.items() if n.setting in settings and n.kind in kinds}
    if not wanted:
        pattern = f"MAPS_{'|'.join(kinds)}-<piece>_{'|'.join(settings)}.wav with .mid or .txt"
        here = sorted({f"{name.kind} of {name.setting}" for name in groups})
        found = f"it holds only {', '.join(here)}" if here else contents(folder)
        raise not_found("maps", folder, pattern, found, SOURCE)
    there = {name.setting for name in wanted}
    absent = [setting for setting in settings if setting not in there]
    problems = [
        f"{folder.absolute()}: setting {s} is not there (no {', '.join(kinds)})" for s in absent
    ]
    if absent:
        warnings.warn(f"dataset maps: {'; '.join(problems)}", stacklevel=2)
    tracks, doubles = _tracks(wanted)
    chosen = selection.apply(tracks)
    _check_pedal(chosen, pedal)
    return TrackList("maps", chosen, (*problems, *doubles), folder)


def _known(option: str, values: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """Values in their proper spelling, without repetition."""
    values = [values] if isinstance(values, str) else list(values)
    by_lower = {name.lower(): name for name in known}
    for value in values:
        if str(value).lower() not in by_lower:
            raise ValueError(unknown(option, str(value), known))
    if not values:
        raise ValueError(f"{option}: got none, expected some of {', '.join(known)}")
    return tuple(dict.fromkeys(by_lower[str(value).lower()] for value in values))


def _groups(folder: Path) -> dict[_Name, list[Pair]]:
    """MAPS name → its files, one pair per folder that has them."""
    proper = {name.lower(): name for name in SETTINGS}
    groups: dict[_Name, dict[Path, Pair]] = {}
    spellings: dict[_Name, _Name] = {}  # folded → as first seen
    for path in walk(folder):
        match = _STEM.fullmatch(path.stem)
        if match is None or match[4].lower() not in proper:
            continue
        piece = printable(match[3])
        name = _Name(match[1].upper(), match[2], piece, proper[match[4].lower()])
        name = spellings.setdefault(name._replace(piece=folded(piece)), name)
        groups.setdefault(name, {}).setdefault(path.parent, Pair(_NOTES_SUFFIXES)).add(path)
    usable = {n: [p for p in pairs.values() if p.audio or p.notes] for n, pairs in groups.items()}
    return {name: pairs for name, pairs in usable.items() if pairs}


def _tracks(groups: Mapping[_Name, Sequence[Pair]]) -> tuple[list[FileTrack], list[str]]:
    """One track per name, a complete pair if there is one, and plain lines about the others."""
    tracks: list[FileTrack] = []
    doubles: list[str] = []
    for name, pairs in groups.items():
        candidates = (pair.track(str(name), composition=name.piece) for pair in _joined(pairs))
        track, *others = sorted(candidates, key=_completeness)
        tracks.append(track)
        doubles += [
            f"{other.audio_path.absolute()}: double of {track.audio_path.absolute()}, not used"
            for other in others
        ]
    return tracks, doubles


def _joined(pairs: Sequence[Pair]) -> Sequence[Pair]:
    """One pair of audio and notes that lie in different folders (``wav/`` and ``mid/``), if no
    folder has both and there is one of each; otherwise the pairs as they are."""
    if any(pair.is_complete for pair in pairs):
        return pairs
    whole = Pair(_NOTES_SUFFIXES)
    for path in (path for pair in pairs for path in (*pair.audio, *pair.notes)):
        whole.add(path)
    # MAPS has each recording's notes as MIDI and as text: only two of one kind leave a doubt
    texts = [path.suffix.lower() == ".txt" for path in whole.notes]
    return [whole] if len(whole.audio) == 1 and texts and texts.count(texts[0]) == 1 else pairs


def _check_pedal(tracks: Sequence[FileTrack], pedal: str) -> None:
    """Refuse ``ignore`` where offsets already include the pedal."""
    texts = [t.notes_path for t in tracks if t.notes_path.suffix.lower() == ".txt"]
    if pedal == "ignore" and texts:
        raise ValueError(
            f"pedal: got ignore, but of {plural(len(texts), 'recording')} there is only MAPS text, "
            f"whose offsets already include the pedal ({texts[0].absolute()}); use pedal=extend"
        )


def _completeness(track: FileTrack) -> tuple[bool, str]:
    """Sorts complete pairs first, then by path."""
    missing = not (track.audio_path.exists() and track.notes_path.exists())
    return missing, str(track.audio_path)
