"""How well the models transcribe unseen piano music.

``python benchmarks/transcription_quality.py`` renders MIDI files (default: the twelve works of the
demo, none of them in any training data) with two pianos: FluidR3's, on which the shipped
Timbre-Trap weights were trained among others, and TimGM6mb's, which no training ever heard. Every
model hears the very same audio. The program prints means over recordings of

* note F, precision and recall (mir_eval's definition: onset ±50 ms, pitch ±50 cents, no offset),
* frame F of the decoded notes and of the thresholded activations, on a grid of 10 ms, where notes
  sound as long as the pedal holds them,
* the average precision of the activations.

``--page NAME`` also writes them as a table of the documentation (``docs/generated/NAME.md``).

It needs fluidsynth and, on Debian, the packages fluid-soundfont-gm and timgm6mb-soundfont.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import pi_amt
from pi_amt.core.note_files import read_notes
from pi_amt.core.notes import Notes
from pi_amt.datasets.demo import FOLDER as DEMO_FOLDER
from pi_amt.models.timbre_trap.training.banks import SAMPLE_RATE_HZ, render_midi
from pi_amt.models.transcriber import Transcriber
from pi_amt.scoring.frames import FrameScorer, score_note_frames
from pi_amt.scoring.notes import F_MEASURE, score_notes

PIANOS = {
    "FluidR3 (in training)": "/usr/share/sounds/sf2/FluidR3_GM.sf2",
    "TimGM6mb (held out)": "/usr/share/sounds/sf2/TimGM6mb.sf2",
}
SCORES = (F_MEASURE, "Precision_no_offset", "Recall_no_offset")
PAGES = Path(__file__).resolve().parents[1] / "docs" / "generated"
TITLES = {"timbre_trap": "Timbre-Trap", "basic_pitch": "Basic Pitch"}
FRAME_SCORES = ("Frame_F-measure", "Frame_Average_Precision")


def score(model: Transcriber, audio: np.ndarray, reference: Notes) -> list[float]:
    """What the table's columns say, of one recording."""
    activations = model.activations(model.analyze(audio, SAMPLE_RATE_HZ))
    decoded = model.decode(activations)
    notes, roll = score_notes(reference, decoded), score_note_frames(reference, decoded)
    activity = model.pitch_activity(activations)
    scorer = FrameScorer(reference, model.frame_threshold)
    scorer.push(model.frame_times(len(activity)), activity)
    frames = scorer.finish()
    notes_and_roll = [*(notes[key] for key in SCORES), roll["Frame_F-measure"]]
    return notes_and_roll + [frames[key] for key in FRAME_SCORES]


def measure(
    models: dict[str, Transcriber], midi_files: Sequence[Path], verbose: bool
) -> dict[tuple[str, str], np.ndarray]:
    """Scores (recordings, 6) by (piano, model)."""
    rows: dict[tuple[str, str], list[list[float]]] = {}
    for piano, soundfont in PIANOS.items():
        for midi in midi_files:
            reference = read_notes(midi)
            audio = render_midi(midi, soundfont)
            for name, model in models.items():
                row = score(model, audio, reference)
                rows.setdefault((piano, name), []).append(row)
                if verbose:
                    print(f"{midi.stem:32s} {piano:22s} {name:12s}", _cells(row), flush=True)
    return {key: np.array(values) for key, values in rows.items()}


def page(results: dict[tuple[str, str], np.ndarray], labels: dict[str, str]) -> str:
    """The means as a Markdown table; ``labels``: what to call a model's weights."""
    lines = [
        "| piano | model | note F | precision | recall "
        "| frame F, notes | frame F, activations | frame AP |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for (piano, name), values in results.items():
        cells = " | ".join(f"{value:.3f}" for value in values.mean(axis=0))
        lines.append(f"| {piano} | {labels[name]} | {cells} |")
    return "\n".join(lines) + "\n"


def _cells(row: Sequence[float] | np.ndarray) -> str:
    return "  ".join(f"{value:6.3f}" for value in row)


def main(arguments: list[str]) -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--midi", type=Path, default=DEMO_FOLDER, help="folder of MIDI files")
    parser.add_argument("--models", nargs="+", default=["timbre_trap", "basic_pitch"])
    parser.add_argument("--weights", help="Timbre-Trap weights other than those that ship")
    parser.add_argument("--page", metavar="NAME", help="write docs/generated/NAME.md, too")
    parser.add_argument("--verbose", action="store_true", help="a line per recording too")
    given = parser.parse_args(arguments)
    midi_files = sorted([*given.midi.rglob("*.mid"), *given.midi.rglob("*.midi")])
    if not midi_files:
        print(f"no MIDI files under {given.midi}", file=sys.stderr)
        return 2
    models = {
        name: pi_amt.load_model(name, weights=given.weights if name == "timbre_trap" else None)
        for name in given.models
    }
    try:
        results = measure(models, midi_files, given.verbose)
    except (ValueError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 2
    print(f"\n{len(midi_files)} works, means over recordings; weights:")
    for name, model in models.items():
        print(f"  {name}: {model.identity.weights_label} {model.identity.weights_sha256[:12]}")
    print(f"\n{'piano':22s} {'model':12s} note F       P       R  frameFn  frameFa      AP")
    for (piano, name), values in results.items():
        print(f"{piano:22s} {name:12s}", _cells(values.mean(axis=0)))
    if given.page:
        labels = {name: _label(model) for name, model in models.items()}
        (PAGES / f"{given.page}.md").write_text(page(results, labels), encoding="utf-8")
    return 0


def _label(model: Transcriber) -> str:
    identity = model.identity
    sha256 = identity.weights_sha256[:12]
    return f"{TITLES.get(identity.name, identity.name)}, {identity.weights_label} (`{sha256}`)"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
