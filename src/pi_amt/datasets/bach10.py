"""Bach10: ten chorales by J. S. Bach, each of four parts recorded alone, Duan & Pardo 2011.

Layout of version 1.1: one folder per piece, anywhere below, such as ``01-AchGottundHerr``. In it
lie ``01-AchGottundHerr.wav``, the same with ``-violin``, ``-clarinet``, ``-saxphone`` (so in the
dataset) and ``-bassoon``, and ``01-AchGottundHerr-GTNotes.mat``, which holds the pitch of every
note of the four parts, frame by frame.
"""

from __future__ import annotations

from pathlib import Path

from pi_amt.core.audio import AUDIO_SUFFIXES
from pi_amt.core.checks import check_choice
from pi_amt.datasets.files import (
    Selection,
    TrackList,
    audio_or,
    by_stem,
    given_folder,
    require_some,
)
from pi_amt.datasets.track import FileTrack

SOURCE = "https://labsites.rochester.edu/air/resource.html (Bach10_v1.1.zip)"
BY = ("mix", "part")
#: in the order of the parts in files of notes
INSTRUMENTS = ("violin", "clarinet", "saxphone", "bassoon")


def bach10(
    data_folder: str | Path = "datasets/bach10",
    by: str = "mix",
    subsample_every: int = 1,
    max_tracks: int | None = None,
    max_seconds: float | None = None,
    pedal: str = "extend",
    onset_shift_ms: float = 0.0,
) -> TrackList:
    """Bach10 below a folder.

    Args:
        data_folder: where its archive was unpacked.
        by: ``mix``: the chorales with the notes of all their parts; ``part``: each part alone.
        subsample_every, max_tracks, max_seconds, pedal, onset_shift_ms: see
            :class:`~pi_amt.datasets.files.Selection`; there is no pedal.

    Raises:
        ValueError: for an unknown option value, or if no recording is there with its notes.
    """
    selection = Selection(subsample_every, max_tracks, max_seconds, pedal, onset_shift_ms)
    check_choice("by", by, BY)
    folder = given_folder(data_folder)
    problems: list[str] = []
    notes = by_stem(folder, r"(\d+-[^/-]+)-GTNotes", (".mat",), problems)
    mixes = by_stem(folder, r"(\d+-[^/-]+)", AUDIO_SUFFIXES, [])  # only of pieces without notes
    pieces = {piece: path.parent for piece, path in mixes.items() if path.parent.name == piece}
    pieces |= {piece: path.parent for piece, path in notes.items()}
    parts = dict(enumerate(INSTRUMENTS)) if by == "part" else {None: ""}
    tracks = [
        FileTrack(
            name=f"{piece}-{instrument}".rstrip("-"),
            audio_path=audio_or(place / f"{piece}-{instrument}".rstrip("-")),
            notes_path=notes.get(piece, place / f"{piece}-GTNotes.mat"),
            composition=piece,
            form="bach10",
            part=part,
        )
        for piece, place in pieces.items()
        for part, instrument in parts.items()
    ]
    wanted = "folders such as 01-AchGottundHerr with *.wav and *-GTNotes.mat"
    require_some("bach10", folder, tracks, wanted, SOURCE)
    return TrackList("bach10", selection.apply(tracks), tuple(problems), folder)
