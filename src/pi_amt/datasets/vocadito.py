"""vocadito: 40 excerpts of unaccompanied singing in seven languages, Bittner et al. 2021.

Layout, anywhere below the folder: ``Audio/vocadito_1.wav``,
``Annotations/Notes/vocadito_1_notesA1.csv``, of annotator A1 or A2, and
``Annotations/F0/vocadito_1_f0.csv``, the measured pitch every 256 samples at 44.1 kHz, which makes
the contours of the notes. Licence: CC BY 4.0.
"""

from __future__ import annotations

from pathlib import Path

from pi_amt.core.audio import AUDIO_SUFFIXES
from pi_amt.core.checks import check_choice
from pi_amt.datasets.files import Selection, TrackList, by_stem, given_folder, require_some
from pi_amt.datasets.track import FileTrack

SOURCE = "https://zenodo.org/records/5578807 (vocadito.zip)"
ANNOTATORS = ("A1", "A2")


def vocadito(
    data_folder: str | Path = "datasets/vocadito",
    annotator: str = "A1",
    subsample_every: int = 1,
    max_tracks: int | None = None,
    max_seconds: float | None = None,
    pedal: str = "extend",
    onset_shift_ms: float = 0.0,
) -> TrackList:
    """vocadito below a folder.

    Args:
        data_folder: where its archive was unpacked.
        annotator: whose notes are the reference, ``A1`` or ``A2``.
        subsample_every, max_tracks, max_seconds, pedal, onset_shift_ms: see
            :class:`~pi_amt.datasets.files.Selection`; there is no pedal.

    Raises:
        ValueError: for an unknown option value, or if no recording is there with its notes.
    """
    selection = Selection(subsample_every, max_tracks, max_seconds, pedal, onset_shift_ms)
    check_choice("annotator", annotator, ANNOTATORS)
    folder = given_folder(data_folder)
    problems: list[str] = []
    sounds = by_stem(folder, r"(vocadito_\d+)", AUDIO_SUFFIXES, problems)
    notes = by_stem(folder, rf"(vocadito_\d+)_notes{annotator}", (".csv",), problems)
    frames = by_stem(folder, r"(vocadito_\d+)_f0", (".csv",), problems)
    tracks = []
    for name in sounds.keys() | notes.keys():
        root = sounds[name].parents[1] if name in sounds else notes[name].parents[2]
        label = root / "Annotations" / "Notes" / f"{name}_notes{annotator}.csv"
        tracks.append(
            FileTrack(
                name=name,
                audio_path=sounds.get(name, root / "Audio" / f"{name}.wav"),
                notes_path=notes.get(name, label),
                composition=name,
                form="hz_table",
                contours=(frames.get(name, root / "Annotations" / "F0" / f"{name}_f0.csv"),),
            )
        )
    notes_and_f0 = f"Notes/vocadito_*_notes{annotator}.csv and F0/vocadito_*_f0.csv"
    wanted = f"Audio/vocadito_*.wav and, below Annotations, {notes_and_f0}"
    require_some("vocadito", folder, tracks, wanted, SOURCE)
    return TrackList("vocadito", selection.apply(tracks), tuple(problems), folder)
