"""The built-in dataset: twelve excerpts of public-domain piano works, rendered from a SoundFont.

Sources and licences of every excerpt: ``demo_data/SOURCES.md``; made by ``scripts/``.
"""

from __future__ import annotations

import json
from pathlib import Path

from pi_amt.datasets.files import Selection, TrackList
from pi_amt.datasets.track import FileTrack

FOLDER = Path(__file__).parent / "demo_data"


def demo(
    subsample_every: int = 1,
    max_tracks: int | None = None,
    max_seconds: float | None = None,
    pedal: str = "extend",
    onset_shift_ms: float = 0.0,
) -> TrackList:
    """The demo recordings.

    Args:
        subsample_every, max_tracks, max_seconds, pedal, onset_shift_ms: see
            :class:`~pi_amt.datasets.files.Selection`.

    Raises:
        ValueError: for an option value that cannot work.
    """
    selection = Selection(subsample_every, max_tracks, max_seconds, pedal, onset_shift_ms)
    records = json.loads((FOLDER / "tracks.json").read_text(encoding="utf-8"))
    tracks = [
        FileTrack(
            name=record["id"],
            audio_path=FOLDER / record["audio"],
            notes_path=FOLDER / record["midi"],
            composition=record["composition"],
            duration_seconds=record["seconds"],
        )
        for record in records
    ]
    return TrackList("demo", selection.apply(tracks))
