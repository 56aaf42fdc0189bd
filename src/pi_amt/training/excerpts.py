"""Public-domain scores from the music21 corpus as note arrays, for training and validation.

``python -m pi_amt.training.excerpts chorales chorales.npz`` (the ``excerpts`` of the training) and
``… validation validation.npz`` (the ``--scores`` of the evaluation). Needs music21, which is no
run-time dependency. No work of the demo dataset is among them.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

VALIDATION = (
    *(f"schumann_clara/polonaise_op1n{n}" for n in range(1, 5)),
    "joplin/maple_leaf_rag",
    "chopin/mazurka06-2",
    "beethoven/opus18no1/movement4",
    "mozart/k458/movement1",
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


def main(what: str, path: str) -> None:
    """Write the arrays of ``chorales`` or ``validation`` to an npz."""
    from music21 import corpus

    if what == "validation":
        works = {name.replace("/", "_"): name for name in VALIDATION}
    elif what == "chorales":
        found = (Path(p) for p in corpus.getComposer("bach"))
        works = {p.stem.replace(".", "_"): str(p) for p in found if "bwv" in p.name}
    else:
        raise ValueError(f"excerpts: got {what!r}, expected chorales or validation")
    tables = {name: note_table(corpus.parse(work)) for name, work in works.items()}
    np.savez_compressed(path, **{k: v for k, v in tables.items() if len(v) > 50})  # type: ignore[arg-type]


if __name__ == "__main__":
    main(*sys.argv[1:3])
