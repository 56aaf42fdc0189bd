"""GuitarSet: six guitarists, a pickup for each string and a microphone, Xi et al. 2018.

Layout, anywhere below the folder, as its archives unpack:
``annotation/00_BN1-129-Eb_comp.jams`` (player, style and progression, tempo, key, accompaniment or
solo) with ``audio_mono-mic/00_BN1-129-Eb_comp_mic.wav`` and
``audio_mono-pickup_mix/00_BN1-129-Eb_comp_mix.wav``. 360 excerpts of 30 s. Licence: CC BY 4.0.
All players play the same 30 lead sheets: recordings of one of them are one composition.
"""

from __future__ import annotations

from pathlib import Path

from pi_amt.core.audio import AUDIO_SUFFIXES
from pi_amt.core.checks import check_choice
from pi_amt.datasets.files import Selection, TrackList, by_stem, given_folder, require_some
from pi_amt.datasets.track import FileTrack

SOURCE = "https://zenodo.org/records/3371780 (annotation.zip and audio_mono-mic.zip)"
PLAYED = ("all", "comp", "solo")
#: what was recorded → its folder
AUDIO = {"mic": "audio_mono-mic", "mix": "audio_mono-pickup_mix"}


def guitarset(
    data_folder: str | Path = "datasets/guitarset",
    audio: str = "mic",
    played: str = "all",
    subsample_every: int = 1,
    max_tracks: int | None = None,
    max_seconds: float | None = None,
    pedal: str = "extend",
    onset_shift_ms: float = 0.0,
) -> TrackList:
    """GuitarSet below a folder.

    Args:
        data_folder: where its archives were unpacked.
        audio: ``mic``, the microphone, or ``mix``, the six pickups together.
        played: ``comp`` (accompaniment), ``solo`` or ``all``.
        subsample_every, max_tracks, max_seconds, pedal, onset_shift_ms: see
            :class:`~pi_amt.datasets.files.Selection`; there is no pedal.

    Raises:
        ValueError: for an unknown option value, or if no recording is there with its notes.
    """
    selection = Selection(subsample_every, max_tracks, max_seconds, pedal, onset_shift_ms)
    check_choice("audio", audio, tuple(AUDIO))
    check_choice("played", played, PLAYED)
    folder = given_folder(data_folder)
    problems: list[str] = []
    excerpt = rf"(\d+_[^/]+_{'(?:comp|solo)' if played == 'all' else played})"
    sounds = by_stem(folder, f"{excerpt}_{audio}", AUDIO_SUFFIXES, problems)
    notes = by_stem(folder, excerpt, (".jams",), problems)
    tracks = []
    for name in sounds.keys() | notes.keys():
        root = (sounds.get(name) or notes[name]).parents[1]
        tracks.append(
            FileTrack(
                name=name,
                audio_path=sounds.get(name, root / AUDIO[audio] / f"{name}_{audio}.wav"),
                notes_path=notes.get(name, root / "annotation" / f"{name}.jams"),
                composition=name.split("_")[1],
                form="jams",
            )
        )
    wanted = f"annotation/*.jams and {AUDIO[audio]}/*_{audio}.wav"
    require_some("guitarset", folder, tracks, wanted, SOURCE)
    return TrackList("guitarset", selection.apply(tracks), tuple(problems), folder)
