"""URMP: 44 pieces of chamber music, each part recorded alone, Li et al. 2019.

Layout: one folder per piece, anywhere below, whose name says its number, title and instruments, as
``01_Jupiter_vn_vc``. In it lie ``AuMix_01_Jupiter_vn_vc.wav`` and, for each part,
``AuSep_1_vn_01_Jupiter.wav``, ``Notes_1_vn_01_Jupiter.txt`` and ``F0s_1_vn_01_Jupiter.txt``.
Arrangements of one title are one composition.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from pi_amt.core.checks import check_choice
from pi_amt.datasets.files import Selection, TrackList, audio_or, require_some, walk
from pi_amt.datasets.track import FileTrack

SOURCE = "https://labsites.rochester.edu/air/projects/URMP.html"
BY = ("mix", "part")
INSTRUMENTS = ("vn", "va", "vc", "db", "fl", "ob", "cl", "sax", "bn", "tpt", "hn", "tbn", "tba")
_PIECE = re.compile(rf"(\d+_(.+?))((?:_(?:{'|'.join(INSTRUMENTS)}))+)")


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
    folder = Path(data_folder).expanduser()
    pieces = {path.parent.name: path.parent for path in walk(folder)}
    tracks = [track for piece in pieces.values() for track in _tracks(piece, by)]
    wanted = "folders such as 01_Jupiter_vn_vc with AuMix_*.wav, AuSep_*.wav and Notes_*.txt"
    require_some("urmp", folder, tracks, wanted, SOURCE)
    return TrackList("urmp", selection.apply(tracks), (), folder)


def _tracks(piece: Path, by: str) -> Iterator[FileTrack]:
    """The recordings of a folder; its name tells which files should be there."""
    match = _PIECE.fullmatch(piece.name)
    if match is None:
        return
    parts = [f"{n}_{name}" for n, name in enumerate(match[3].strip("_").split("_"), start=1)]
    notes = [piece / f"Notes_{part}_{match[1]}.txt" for part in parts]
    if by == "mix":
        sounds, names, groups = [f"AuMix_{piece.name}"], [piece.name], [notes]
    else:
        sounds = [f"AuSep_{part}_{match[1]}" for part in parts]
        names = [f"{piece.name}-{part}" for part in parts]
        groups = [[path] for path in notes]
    for sound, name, (first, *others) in zip(sounds, names, groups, strict=True):
        audio = audio_or(piece / sound)
        yield FileTrack(name, audio, first, match[2], more_notes=tuple(others), form="hz_table")
