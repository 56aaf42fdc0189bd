"""Parts that need a process of their own: start-up, and one recording's memory and cost by length.

A recording of some minutes is made out of the demo; then ``python -m benchmarks.processes MODEL
MINUTES FOLDER WHAT`` is that process: it runs conditions, those of a key of :data:`CONDITIONS`, on
the recording and prints its cost as JSON.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray

from benchmarks.measure import Finished, Line, run_child, run_module
from benchmarks.studies import EIGHT, demo_tracks, eight_masks, spec_of
from pi_amt.core.audio import resample
from pi_amt.core.note_files import write_midi
from pi_amt.core.notes import Notes
from pi_amt.core.units import Floats
from pi_amt.datasets.track import FileTrack
from pi_amt.study.conditions import make_conditions
from pi_amt.study.evaluate import evaluate
from pi_amt.study.jobs import Job

RATE = 44_100
#: what is run → makes the conditions
CONDITIONS = {
    "study": lambda: make_conditions(EIGHT),
    "ratio masks": lambda: make_conditions(eight_masks("ratio")),
}


def track_in(folder: Path, minutes: float) -> FileTrack:
    """The recording of so many minutes in a folder; its files need not be there yet."""
    audio = folder / f"long_{minutes:g}.wav"
    return FileTrack("long", audio, audio.with_suffix(".mid"), "long")


def write_recording(track: FileTrack, minutes: float) -> None:
    """Write the files of a track: the demo again and again, as a stereo WAV of 44.1 kHz with its
    MIDI."""
    tracks = demo_tracks(12)
    parts: list[NDArray[np.float32]] = []
    columns: list[tuple[Floats, ...]] = []
    at = 0.0
    pieces = [(track.audio(), track.notes()) for track in tracks]
    while at < 60 * minutes:
        (samples, rate), notes = pieces[len(parts) % len(pieces)]
        parts.append(resample(samples, rate, RATE))
        columns.append((notes.onsets + at, notes.offsets + at, notes.pitches, notes.velocities))
        at += len(parts[-1]) / RATE
    audio = np.concatenate(parts)[: round(60 * minutes * RATE)]
    notes = Notes.from_arrays(*(np.concatenate(column) for column in zip(*columns, strict=True)))
    with soundfile.SoundFile(track.audio_path, "w", RATE, 2, "PCM_16") as file:
        for start in range(0, len(audio), 1 << 20):
            file.write(np.repeat(audio[start : start + (1 << 20), None], 2, axis=1))
    write_midi(notes.clipped(60 * minutes), track.notes_path)


def child(model: str, minutes: float, folder: Path, what: str) -> None:
    """What the process does; see the module."""
    torch.set_num_threads(1)
    track = track_in(folder, minutes)
    spec = spec_of(model)
    started = time.process_time()
    rows = evaluate(Job(spec, "long", track, tuple(CONDITIONS[what]()))).rows
    failed = [row.error for row in rows if row.error]
    if failed:
        raise RuntimeError(failed[0])
    told = {
        "cpu": time.process_time() - started,
        "peak_mb": _peak_mb(),
        "notes": rows[0].counts["reference"],
    }
    print(json.dumps(told))


def _peak_mb() -> float:
    """Peak memory of this process; getrusage would count its parent's, which made the audio."""
    status = Path("/proc/self/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def length(rounds: int) -> list[Line]:
    """Peak memory and cost per minute against length, eight conditions, one worker."""
    del rounds
    return [*_over_length("basic_pitch", 2, 10, 45), *_over_length("timbre_trap", 0.5, 2)]


def long(rounds: int) -> list[Line]:
    """The same for Timbre-Trap's longest recording, which takes most of an hour."""
    del rounds
    return _over_length("timbre_trap", 2, 45)


def long_ratio(model: str, rounds: int) -> list[Line]:
    """The same of a model with eight ratio masks, which learn the whole recording first."""
    del rounds
    return _over_length(model, 2, 45, what="ratio masks")


def _over_length(model: str, *lengths: float, what: str = "study") -> list[Line]:
    told = {minutes: _measure(model, minutes, what) for minutes in lengths}
    costs = {minutes: of["cpu"] / minutes for minutes, of in told.items()}
    first = costs[lengths[0]]
    return [
        Line(
            f"{model}: {minutes:g} min, {told[minutes]['notes']} notes",
            f"{cost:.2f} s per minute",
            f"{cost / first:.2f} × the shortest's, "
            f"peak {told[minutes]['peak_mb']:.0f} MB (goal 2 GB)",
        )
        for minutes, cost in costs.items()
    ]


def _measure(model: str, minutes: float, what: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        write_recording(track_in(Path(folder), minutes), minutes)
        done = run_module("benchmarks.processes", model, str(minutes), folder, what)
    told: dict[str, float] = json.loads(done.output.strip().splitlines()[-1])
    return told


def startup(rounds: int) -> list[Line]:
    """From the command to the first word, and to the first recording's row."""
    program = str(Path(sys.executable).with_name("pi-amt"))

    def best(*command: str) -> Finished:
        return min((run_child(*command) for _ in range(rounds)), key=lambda done: done.wall)

    with tempfile.TemporaryDirectory() as folder:
        run = ("dataset=demo", "dataset.max_tracks=1", "dataset.max_seconds=1", "report=false")
        told = {
            "pi-amt --help": (best(program, "--help"), "goal 0.5 s"),
            "a run of one second of audio, in one process": (
                best(program, *run, "n_jobs=1", f"results_dir={folder}/${{now:%f}}"),
                "goal 6 s until the first recording",
            ),
            "the same, with worker processes": (
                best(program, *run, f"results_dir={folder}/${{now:%f}}"),
                "",
            ),
            "python -c 'import torch'": (best(sys.executable, "-c", "import torch"), "of these"),
        }
    return [
        Line(
            what,
            f"{done.wall:.2f} s (wall)",
            f"{done.cpu:.2f} s processor time; {note}".rstrip("; "),
        )
        for what, (done, note) in told.items()
    ]


if __name__ == "__main__":
    child(sys.argv[1], float(sys.argv[2]), Path(sys.argv[3]), sys.argv[4])
