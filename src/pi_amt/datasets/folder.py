"""Your own recordings: any folder of audio files with MIDI files of the same name beside them."""

from __future__ import annotations

from pathlib import Path

from pi_amt.core.checks import check_choice
from pi_amt.core.errors import printable
from pi_amt.datasets.files import (
    Selection,
    TrackList,
    contents,
    given_folder,
    not_found,
    pairs_by_name,
)
from pi_amt.datasets.track import FileTrack

NOTES_SUFFIXES = (".mid", ".midi")
CLUSTERS = ("file", "folder")


def folder(
    data_folder: str | Path,
    cluster_by: str = "file",
    subsample_every: int = 1,
    max_tracks: int | None = None,
    max_seconds: float | None = None,
    pedal: str = "extend",
    onset_shift_ms: float = 0.0,
) -> TrackList:
    """Pairs of ``name.wav`` (flac, ogg, mp3, …) and ``name.mid`` anywhere below a folder.

    Hidden folders are not searched. Names may differ in letter case and in the form of accents.
    A file without its partner is a track, too: it becomes an error row that says what is missing.

    Args:
        data_folder: the folder.
        cluster_by: ``file``: every recording is a composition of its own; ``folder``: recordings
            in one folder are recordings of one composition (statistics treat them as a cluster).
        subsample_every, max_tracks, max_seconds, pedal, onset_shift_ms: see
            :class:`~pi_amt.datasets.files.Selection`.

    Raises:
        ValueError: for an option value that cannot work, or if no pair is there.
    """
    selection = Selection(subsample_every, max_tracks, max_seconds, pedal, onset_shift_ms)
    check_choice("cluster_by", cluster_by, CLUSTERS)
    root = given_folder(data_folder)
    pairs = pairs_by_name(root, NOTES_SUFFIXES)
    if not any(pair.is_complete for pair in pairs.values()):
        wanted = "audio files with MIDI files of the same name beside them"
        raise not_found("folder", root, wanted, contents(root))
    tracks: list[FileTrack] = []
    problems: list[str] = []
    for name, pair in pairs.items():
        if pair.audio or pair.notes:
            own_folder = name.rpartition("/")[0] or "."
            tracks.append(pair.track(name, name if cluster_by == "file" else own_folder))
            doubles = [*pair.audio[1:], *pair.notes[1:]]
            problems += [printable(f"{p.absolute()}: double of {name}, not used") for p in doubles]
    return TrackList("folder", selection.apply(tracks), tuple(problems), root)
