"""Notes that the published decoder finds: ``tests/models/basic_pitch/data/golden_notes.npz``.

Needs an environment of its own, never ours, with the published program's imports::

    python -m venv /tmp/golden
    /tmp/golden/bin/pip install "numpy>=2,<2.4" scipy librosa pretty_midi
    /tmp/golden/bin/pip install mir_eval resampy onnxruntime
    /tmp/golden/bin/pip install --no-deps basic-pitch==0.4.0
    /tmp/golden/bin/python scripts/make_basic_pitch_golden.py

For every input of ``tests/models/basic_pitch/cases.py`` and every set of options it calls the
published ``model_output_to_notes`` and keeps start and end (seconds), MIDI pitch and amplitude.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "tests/models/basic_pitch/data/golden_notes.npz"


def main() -> None:
    sys.path.insert(0, str(ROOT))
    from basic_pitch import note_creation  # type: ignore[import-not-found, unused-ignore]
    from tests.models.basic_pitch.cases import GOLDEN_OPTIONS, golden_inputs

    golden: dict[str, Any] = {}
    for case, (note, onset) in golden_inputs().items():
        for label, options in GOLDEN_OPTIONS.items():
            output = {"note": note.copy(), "onset": onset.copy()}
            output["contour"] = np.zeros((len(note), 264), np.float32)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # 0 / 0 where nothing rises
                _, events = note_creation.model_output_to_notes(
                    output,
                    onset_thresh=options.get("onset_threshold", 0.5),
                    frame_thresh=options.get("frame_threshold", 0.3),
                    min_note_len=options.get("minimum_frames", 11),
                    melodia_trick=options.get("melodia_trick", True),
                    include_pitch_bends=False,
                )
            rows = [[float(x) for x in event[:4]] for event in events]
            golden[f"{case}.{label}"] = np.array(rows, np.float64).reshape(-1, 4)
            print(f"{case}.{label}: {len(rows)} notes")
    np.savez_compressed(TARGET, **golden)


if __name__ == "__main__":
    main()
