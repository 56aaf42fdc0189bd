"""The demo dataset as a whole; `build.py` is its command line.

Writes MIDI, audio, ``tracks.json`` and ``SOURCES.md`` to ``src/pi_amt/datasets/demo_data``. Needs
mido, soundfile and (unless ``--midi-only``) Debian's fluidsynth and fluid-soundfont-gm. The same
sources give the same MIDI bytes; Vorbis streams carry a random serial number, so that the bytes
of the audio differ from build to build while its samples do not.
"""

import argparse
import json
from pathlib import Path

from scripts.demo_data.midi import write_midi
from scripts.demo_data.performance import Performance, perform
from scripts.demo_data.sources import write_sources
from scripts.demo_data.work import Work
from scripts.demo_data.works import WORKS

DEFAULT_FOLDER = Path(__file__).parents[2] / "src" / "pi_amt" / "datasets" / "demo_data"


def build(folder: Path, midi_only: bool = False, only: str | None = None) -> None:
    """Write the works (all, or the one named ``only``) into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    entries = []
    for work in WORKS:
        performance = perform(work)
        entries.append(_entry(work, performance))
        if only not in (None, work.id):
            continue
        write_midi(work, performance, folder / f"{work.id}.mid")
        if not midi_only:
            _render(work, performance, folder)
        print(f"{work.id}: {len(performance.strokes)} notes, {performance.seconds:.2f} s")
    text = json.dumps(entries, indent=2, ensure_ascii=False)
    (folder / "tracks.json").write_text(text + "\n", encoding="utf-8")
    if not midi_only:
        write_sources(folder, WORKS)


def _render(work: Work, performance: Performance, folder: Path) -> None:
    """Render one work's MIDI; imported here, so that ``--midi-only`` needs no audio library."""
    from scripts.demo_data.audio import render

    midi, audio = folder / f"{work.id}.mid", folder / f"{work.id}.ogg"
    render(midi, audio, performance.seconds, work.peak_dbfs)


def _entry(work: Work, performance: Performance) -> dict[str, object]:
    """What ``tracks.json`` says of a work."""
    return {
        "id": work.id,
        "composer": work.composer,
        "title": work.title,
        "composition": f"{work.composer}: {work.title} ({work.catalogue})",
        "excerpt": work.excerpt,
        "texture": work.texture,
        "seconds": round(performance.seconds, 3),
        "notes": len(performance.strokes),
        "pedal": bool(work.pedal),
        "audio": f"{work.id}.ogg",
        "midi": f"{work.id}.mid",
    }


def main() -> None:
    """Read the command line and build."""
    parser = argparse.ArgumentParser(description="Build the demo dataset of pi_amt.")
    parser.add_argument("--out", type=Path, default=DEFAULT_FOLDER, help="folder to write")
    parser.add_argument("--midi-only", action="store_true", help="no audio, no SOURCES.md")
    choices = [work.id for work in WORKS]
    parser.add_argument("--only", metavar="ID", choices=choices, help="one work: %(choices)s")
    options = parser.parse_args()
    build(options.out, options.midi_only, options.only)
