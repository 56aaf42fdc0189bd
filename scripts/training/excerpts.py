"""Public-domain scores from the music21 corpus as note arrays: training, validation, test.

``python -m scripts.training.excerpts chorales chorales.npz`` (the ``excerpts`` of the training),
``… validation validation.npz`` (the ``--scores`` on which the decoder is tuned) and
``… test FOLDER`` (performances as MIDI of works that nothing was decided on, for
``benchmarks/transcription_quality.py --midi FOLDER``). Needs music21, which is no run-time
dependency. No work of the demo dataset is among them.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from pi_amt.core.note_files import write_midi
from pi_amt.core.notes import Notes
from pi_amt.models.timbre_trap.training.scores import excerpt_score

VALIDATION = (
    *(f"schumann_clara/polonaise_op1n{n}" for n in range(1, 5)),
    "joplin/maple_leaf_rag",
    "chopin/mazurka06-2",
    "beethoven/opus18no1/movement4",
    "mozart/k458/movement1",
)

TEST = (
    "cpebach/h186",
    "haydn/opus74no1/movement3",
    "mozart/k155/movement2",
    "schubert/lindenbaum",
    "schumann_robert/dichterliebe_no2",
    "beethoven/opus59no1/movement3",
    "beach/prayer_of_a_tired_child",
    "verdi/laDonnaEMobile",
)


def note_table(score: Any) -> np.ndarray:
    """A music21 score → float32 (notes, 3): onset and length in quarters, MIDI pitch."""
    rows = [
        (float(note.offset), float(note.duration.quarterLength), pitch.midi)
        for note in score.flatten().notes
        for pitch in note.pitches
        if note.duration.quarterLength > 0
    ]
    return np.array(sorted(rows), np.float32).reshape(-1, 3)


def parse(works: dict[str, str]) -> dict[str, np.ndarray]:
    """Name → note table of corpus works; those of 50 notes or fewer are left out."""
    from music21 import corpus

    tables = {name: note_table(corpus.parse(work)) for name, work in works.items()}
    return {name: table for name, table in tables.items() if len(table) > 50}


def perform(tables: dict[str, np.ndarray], folder: Path, seconds: float = 20.0) -> None:
    """Write some bars of each score, played with human timing, dynamics and pedal, as MIDI."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, (name, table) in enumerate(tables.items()):
        score = excerpt_score(np.random.default_rng([index, 17]), seconds, table)
        notes = Notes.from_arrays(score.onsets, score.offsets, score.pitches, score.velocities)
        write_midi(notes, folder / f"{name}.mid")


def main(what: str, path: str) -> None:
    """``chorales`` and ``validation`` → an npz, ``test`` → a folder of MIDI files."""
    from music21 import corpus

    lists = {"validation": VALIDATION, "test": TEST}
    if what in lists:
        works = {name.replace("/", "_"): name for name in lists[what]}
    elif what == "chorales":
        found = (Path(p) for p in corpus.getComposer("bach"))
        works = {p.stem.replace(".", "_"): str(p) for p in found if "bwv" in p.name}
    else:
        raise ValueError(f"excerpts: got {what!r}, expected chorales, validation or test")
    if what == "test":
        perform(parse(works), Path(path))
    else:
        np.savez_compressed(path, **parse(works))  # type: ignore[arg-type]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("chorales", "validation", "test"))
    parser.add_argument("path", help="npz file; a folder for test")
    given = parser.parse_args()
    try:
        main(given.what, given.path)
    except ModuleNotFoundError as error:
        parser.error(f"{error}; pip install music21")
