"""Validation recordings, their scores, and the search for the decoder's options.

``python -m scripts.training.evaluate --scores validation.npz --tune`` performs public-domain scores
on a piano that is trained on and on one that is not, and searches the options of the best note F.
None of this is the held-out test of benchmarks/transcription_quality.py.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from pi_amt.core.notes import Notes
from pi_amt.models.timbre_trap.decoder import Decoder, DecoderOptions
from pi_amt.models.timbre_trap.model import TimbreTrap
from pi_amt.models.timbre_trap.slicq import FRAME_RATE_HZ, SAMPLE_RATE_HZ
from pi_amt.models.timbre_trap.training.banks import play
from pi_amt.models.timbre_trap.training.scores import excerpt_score
from pi_amt.scoring.frames import FrameScorer, score_note_frames
from pi_amt.scoring.notes import F_MEASURE, score_notes

PIANOS = {
    "trained piano": "/usr/share/sounds/sf2/FluidR3_GM.sf2",
    "unseen piano": "/usr/share/sounds/sf2/sf_GMbank.sf2",
}
# What the search tries.
_GRID: dict[str, tuple[float, ...]] = {
    "onset_threshold": (0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9),
    "rise": (0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4),
    "rise_ms": (40, 60, 90, 120),
    "peak_ms": (15, 30, 45, 60),
    "restrike_ms": (40, 60, 80, 100),
    "onset_shift_ms": (-10, -5, 0, 5, 10),
}
# Where a note ends says little to note F; these are searched by the frame F of the notes.
_SUSTAIN_GRID: dict[str, tuple[float, ...]] = {
    "sustain_threshold": (0.03, 0.05, 0.08, 0.1, 0.12, 0.15, 0.2, 0.25),
    "gap_ms": (15, 30, 60),
}
_THRESHOLD_GRID: dict[str, tuple[float, ...]] = {
    "frame_threshold": tuple(np.arange(0.05, 0.95, 0.05).round(2).tolist())
}
LEAST_GAIN = 0.005  # of a mean score; smaller gains would be others on other validation music


@dataclass(frozen=True)
class Recording:
    """Semitone activity float32 (frames, 88) of one recording and what was played in it."""

    name: str
    activity: np.ndarray
    notes: Notes


def validation_recordings(model: TimbreTrap, scores: Path, seconds: float) -> list[Recording]:
    """Performances of the scores in an npz (see ``excerpts`` of the training), by each piano."""
    out = []
    with np.load(scores) as excerpts:
        for index, name in enumerate(excerpts.files):
            rng = np.random.default_rng([index, 17])
            score = excerpt_score(rng, seconds, excerpts[name])
            fields_ = (score.onsets, score.offsets, score.pitches, score.velocities)
            for piano, soundfont in PIANOS.items():
                audio = play(*fields_, soundfont)[: int((seconds + 2) * SAMPLE_RATE_HZ)]
                activations = model.activations(model.analyze(audio, SAMPLE_RATE_HZ))
                activity = model.pitch_activity(activations)
                out.append(Recording(f"{name}, {piano}", activity, Notes.from_arrays(*fields_)))
    return out


def decode(activity: np.ndarray, options: DecoderOptions) -> Notes:
    """Notes of a whole recording's semitone activity (frames, 88)."""
    decoder = Decoder(options)
    decoder.push_semitones(activity, np.arange(len(activity)) / FRAME_RATE_HZ)
    return Notes(*decoder.finish())


def note_f(recording: Recording, options: DecoderOptions) -> float:
    """Note F (onset ±50 ms, no offset)."""
    scores = score_notes(recording.notes, decode(recording.activity, options))
    return scores[F_MEASURE]


def frame_scores(recording: Recording, options: DecoderOptions) -> dict[str, float]:
    """Frame scores of the activations on the 10-ms grid against sounding notes."""
    scorer = FrameScorer(recording.notes, options.frame_threshold)
    scorer.push(np.arange(len(recording.activity)) / FRAME_RATE_HZ, recording.activity)
    return scorer.finish()


def frame_f(recording: Recording, options: DecoderOptions) -> float:
    """Frame F of the activations."""
    return frame_scores(recording, options)["Frame_F-measure"]


def roll_f(recording: Recording, options: DecoderOptions) -> float:
    """Frame F of the decoded notes."""
    notes = decode(recording.activity, options)
    return score_note_frames(recording.notes, notes)["Frame_F-measure"]


def tune(recordings: list[Recording], start: DecoderOptions) -> DecoderOptions:
    """Coordinate search: note F decides on onsets, the notes' frame F on ends, then the frame F of
    activations on their threshold. What gains less than ``LEAST_GAIN`` is left as it is."""
    best = _search(recordings, start, _GRID, note_f)
    best = _search(recordings, best, _SUSTAIN_GRID, roll_f)
    return _search(recordings, best, _THRESHOLD_GRID, frame_f)


def _search(
    recordings: list[Recording],
    best: DecoderOptions,
    grid: dict[str, tuple[float, ...]],
    score: Callable[[Recording, DecoderOptions], float],
) -> DecoderOptions:
    """One option at a time, twice around: the options of the best mean score."""

    def mean(options: DecoderOptions) -> float:
        return float(np.mean([score(recording, options) for recording in recordings]))

    start, start_score = best, mean(best)
    best_score = start_score
    for _ in range(2):
        for name, values in grid.items():
            for value in values:
                trial = replace(best, **{name: value})
                trial_score = mean(trial)
                if trial_score > best_score + 1e-4:
                    best, best_score = trial, trial_score
    kept = best_score > start_score + LEAST_GAIN
    print(f"{score.__name__}: {start_score:.4f}, at best {best_score:.4f} with {best}", flush=True)
    return best if kept else start


def report(recordings: Iterable[Recording], options: DecoderOptions) -> str:
    """A table: note F, precision, recall, frame F of notes and activations, average precision."""
    lines = [f"{'recording':52s} noteF  P     R     frames of notes, activations, AP"]
    for recording in recordings:
        notes = score_notes(recording.notes, decode(recording.activity, options))
        frames = frame_scores(recording, options)
        lines.append(
            f"{recording.name:52s} {notes[F_MEASURE]:.3f}  "
            f"{notes['Precision_no_offset']:.3f} {notes['Recall_no_offset']:.3f} "
            f"{roll_f(recording, options):.3f} {frames['Frame_F-measure']:.3f}  "
            f"{frames['Frame_Average_Precision']:.3f}"
        )
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Command line: weights, scores; tunes and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", help="default: those that ship")
    parser.add_argument("--scores", required=True, type=Path, help="npz of public-domain scores")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--tune", action="store_true")
    given = parser.parse_args(arguments)
    recordings = validation_recordings(TimbreTrap(given.weights), given.scores, given.seconds)
    options = DecoderOptions()
    if given.tune:
        options = tune(recordings, options)
        print({field.name: getattr(options, field.name) for field in fields(options)})
    print(report(recordings, options))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
