"""URMP: 44 pieces of chamber music, each part recorded alone, Li et al. 2019.

Layout: one folder per piece, anywhere below, whose name says its number, title and instruments, as
``01_Jupiter_vn_vc``. In it lie ``AuMix_01_Jupiter_vn_vc.wav`` and, for each part,
``AuSep_1_vn_01_Jupiter.wav``, ``Notes_1_vn_01_Jupiter.txt`` and ``F0s_1_vn_01_Jupiter.txt``, the
measured pitch every 10 ms, which makes the contours of the notes. Arrangements of one title are one
composition. Of folders of one name that with most of these files counts. In
``15_Surprise_tpt_tpt_tbn`` the files of the trombone, part 3, are named ``tpt``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from pi_amt.core.checks import check_choice
from pi_amt.core.errors import printable
from pi_amt.datasets.files import (
    Selection,
    TrackList,
    audio_or,
    given_folder,
    require_some,
    there,
    walk,
)
from pi_amt.datasets.track import FileTrack

SOURCE = "https://labsites.rochester.edu/air/projects/URMP.html"
BY = ("mix", "part")
INSTRUMENTS = ("vn", "va", "vc", "db", "fl", "ob", "cl", "sax", "bn", "tpt", "hn", "tbn", "tba")
_PIECE = re.compile(rf"(\d+_(.+?))((?:_(?:{'|'.join(INSTRUMENTS)}))+)", re.IGNORECASE)


def urmp(
    data_folder: str | Path = "datasets/urmp",
    by: str = "mix",
    subsample_every: int = 1,
    max_tracks: int | None = None,
    max_seconds: float | None = None,
    pedal: str = "extend",
    onset_shift_ms: float = 0.0,
) -> TrackList:
    """URMP below a folder.

    Args:
        data_folder: where its archive was unpacked.
        by: ``mix``: the pieces with the notes of all their parts; ``part``: each part alone.
        subsample_every, max_tracks, max_seconds, pedal, onset_shift_ms: see
            :class:`~pi_amt.datasets.files.Selection`; there is no pedal.

    Raises:
        ValueError: for an unknown option value, or if no recording is there with its notes.
    """
    selection = Selection(subsample_every, max_tracks, max_seconds, pedal, onset_shift_ms)
    check_choice("by", by, BY)
    folder = given_folder(data_folder)
    problems: list[str] = []
    pieces: dict[str, dict[Path, None]] = {}
    for path in walk(folder):
        pieces.setdefault(path.parent.name, {})[path.parent] = None
    tracks = [track for places in pieces.values() for track in _best(list(places), by, problems)]
    wanted = (
        "folders such as 01_Jupiter_vn_vc with AuMix_*.wav, AuSep_*.wav, Notes_*.txt and F0s_*.txt"
    )
    require_some("urmp", folder, tracks, wanted, SOURCE)
    return TrackList("urmp", selection.apply(tracks), tuple(problems), folder)


def _best(places: Sequence[Path], by: str, problems: list[str]) -> Sequence[FileTrack]:
    """The recordings of that folder of one name which has most of their files, the first of these.

    A line about each other folder that has some is appended to ``problems``: there may be folders
    of the same name for features of one's own.
    """
    found = [list(_tracks(place, by)) for place in places]
    counts = [sum(path.exists() for track in tracks for path in track.paths) for tracks in found]
    best = counts.index(max(counts))
    for place, count in zip(places, counts, strict=True):
        if count and place != places[best]:
            used = places[best].absolute()
            problems.append(printable(f"{place.absolute()}: double of {used}, not used"))
    return found[best]


def _tracks(piece: Path, by: str) -> Iterator[FileTrack]:
    """The recordings of a folder; its name tells which parts should be there."""
    match = _PIECE.fullmatch(piece.name)
    if match is None:
        return
    parts = [f"{n}_{name}" for n, name in enumerate(match[3].strip("_").split("_"), start=1)]
    files = [_as_files_say(piece, part, match[1]) for part in parts]
    notes, contours = (
        [there(piece / f"{kind}_{file}_{match[1]}.txt") for file in files]
        for kind in ("Notes", "F0s")
    )
    if by == "mix":
        sounds, names = [f"AuMix_{piece.name}"], [piece.name]
        groups = [(notes, contours)]
    else:
        sounds = [f"AuSep_{file}_{match[1]}" for file in files]
        names = [f"{piece.name}-{part}" for part in parts]
        groups = [([one], [other]) for one, other in zip(notes, contours, strict=True)]
    for sound, name, ((first, *others), followed) in zip(sounds, names, groups, strict=True):
        yield FileTrack(
            name=name,
            audio_path=audio_or(piece / sound),
            notes_path=first,
            composition=match[2],
            more_notes=tuple(others),
            form="hz_table",
            contours=tuple(followed),
        )


def _as_files_say(piece: Path, part: str, title: str) -> str:
    """A part such as ``3_tbn`` by the name that its files have, which may be ``3_tpt``."""
    number, _ = part.split("_")
    named = [f"{number}_{instrument}" for instrument in INSTRUMENTS]
    found = [name for name in named if there(piece / f"Notes_{name}_{title}.txt").exists()]
    return found[0] if len(found) == 1 else part
