"""Recorded pianos: a folder with one audio file per key and touch, such as Salamander's.

Files are named ``<note><octave>v<layer>.<ogg|wav|flac>`` (``F#3v9.ogg``; C4 is MIDI 60), as the
npm packages ``@audio-samples/piano-velocity<layer>`` hold the Salamander Grand Piano V3 (A. Holm,
CC BY 3.0: a Yamaha C5, every third key, sixteen touches). Keys in between are the nearest
recording, resampled.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import soundfile as sf
import soxr

from pi_amt.core.units import cents_to_ratio

SAMPLE_RATE_HZ = 22_050
_NAME = re.compile(r"([A-G])(#?)(\d)v(\d+)\.(?:ogg|wav|flac)$")
_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}  # semitones above C
_HIGHEST_LAYER = 16
_ATTACK_SECONDS = 0.1  # the strike is looked for in this much of a file
_ONSET_SHARE = 0.1  # of the attack's peak: where the strike is taken to begin


def find_recordings(folder: Path) -> dict[int, dict[int, Path]]:
    """Layer → MIDI pitch → file. Raises ValueError for a folder without such files."""
    found: dict[int, dict[int, Path]] = {}
    for path in sorted(folder.glob("*")):
        match = _NAME.match(path.name)
        if match:
            note, sharp, octave, layer = match.groups()
            pitch = 12 * (int(octave) + 1) + _STEPS[note] + len(sharp)
            found.setdefault(int(layer), {})[pitch] = path
    if not found:
        raise ValueError(
            f"{folder}: got no files like A4v9.ogg, expected recorded notes; "
            "docs/training.md says where to get them"
        )
    return found


def recorded_note(
    recordings: dict[int, dict[int, Path]],
    pitch: int,
    velocity: int,
    n_samples: int,
) -> np.ndarray:
    """One held note float32 (n_samples,) at 22,050 Hz mono, from the strike on; then zeros.

    Layers are taken to divide the velocities 1–127 evenly, as Salamander's nearly do.
    """
    wanted = velocity / 127 * _HIGHEST_LAYER
    layer = recordings[min(recordings, key=lambda v: abs(v - wanted))]
    nearest = min(layer, key=lambda p: abs(p - pitch))
    audio, rate = sf.read(layer[nearest], dtype="float32", always_2d=True)
    mono = audio.mean(axis=1)
    attack = np.abs(mono[: int(_ATTACK_SECONDS * rate)])
    mono = mono[int(np.argmax(attack > _ONSET_SHARE * attack.max())) :]
    # Read as if recorded at another rate, the note sounds at the wanted pitch.
    source_rate = rate * cents_to_ratio(100.0 * (pitch - nearest))
    note = soxr.resample(mono, source_rate, SAMPLE_RATE_HZ)[:n_samples]
    out = np.zeros(n_samples, np.float32)
    out[: len(note)] = note
    return out
