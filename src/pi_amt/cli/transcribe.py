"""``pi-amt transcribe``: the notes of audio files as MIDI or CSV, clean or perturbed, and what a
perturbed input sounds like."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from pi_amt.cli.messages import one_line
from pi_amt.cli.overrides import options_of
from pi_amt.core.audio import read_audio
from pi_amt.core.checks import check_seed
from pi_amt.core.errors import printable
from pi_amt.core.note_files import is_written_here, read_notes, write_csv, write_midi
from pi_amt.core.notes import Notes
from pi_amt.core.spectrogram import Spectrogram, concatenate
from pi_amt.core.text import plural
from pi_amt.core.tuning import estimate_tuning
from pi_amt.datasets.folder import NOTES_SUFFIXES
from pi_amt.models.loading import load_model
from pi_amt.models.transcriber import Transcriber
from pi_amt.permutations.loading import load_permutation
from pi_amt.permutations.permutation import Change, Permutation
from pi_amt.report.explorer.listen import Sound, heard, residual_db
from pi_amt.scoring.alignment import alignment, beyond_the_end, share_beyond
from pi_amt.scoring.notes import F_MEASURE, score_notes
from pi_amt.store.rows import BASELINE
from pi_amt.study.carriers import carried
from pi_amt.study.conditions import Condition, as_condition
from pi_amt.study.evaluate import run_settled
from pi_amt.study.groups import Group, askable
from pi_amt.study.streaming import Pass, Recording

_REFERENCES = (*NOTES_SUFFIXES, ".txt")  # of MAPS: text, unless there is a .mid


def transcribe(options: Namespace) -> int:
    """Write ``<name>.mid`` per audio file; files that are broken, that the model fails on, or whose
    notes cannot be written, are reported, and the others go on.

    Raises:
        ValueError: for options that do not go together, or names that would collide.
    """
    of_model = options_of(options.model_option, "--model-option")
    common = {"weights": options.weights, "device": options.device}
    model = load_model(options.model, **{**common, **of_model})
    condition = _condition(options, model)
    notes = reference_notes(options.midi, condition.permutation) if options.midi else None
    folder = Path(options.output)
    failures = 0
    _check_different_names(options.audio)
    _check_recordings_stay(options.audio, folder, options.save_perturbed_audio)
    _check_references_stay(options.audio, folder, options.midi, options.csv)
    folder.mkdir(parents=True, exist_ok=True)
    for path in map(Path, options.audio):
        target = folder / f"{path.stem}.mid"
        try:
            recording = carried(
                read_recording(path, notes), condition.permutation.carrier, other=None
            )
            done = _run(model, recording, condition, keep=options.save_perturbed_audio)
            found, said = done.decoder.finish(), ""
            if options.save_perturbed_audio:
                said = _write_sound(target.with_suffix(".perturbed.wav"), model, recording, done)
            write_midi(found, target)
            if options.csv:
                write_csv(found, target.with_suffix(".csv"))
        except Exception as error:  # a model of somebody else may raise anything
            if os.environ.get("PI_AMT_DEBUG"):
                raise
            told = one_line(error)
            where = "" if str(path) in told else f"{path}: "
            print(printable(f"pi-amt: {where}{told}"), file=sys.stderr)
            failures += 1
            continue
        print(printable(f"{target}: {plural(len(found), 'note')}{_against(notes, found)}{said}"))
        clean = found if condition.role == "baseline" else None
        if notes is not None and (doubt := _doubt(notes, clean, recording.seconds)):
            told = f"pi-amt: warning: {path}, reference notes of {options.midi}: {doubt}"
            print(printable(told), file=sys.stderr)
    return 1 if failures else 0


def read_recording(path: Path, reference: Notes | None) -> Recording:
    """An audio file as a study hears it; its draws start from its name.

    Raises:
        DataError: if it cannot be read.
    """
    samples, sample_rate = read_audio(path)
    return Recording(
        dataset="",
        track=path.stem,
        samples=samples,
        sample_rate=sample_rate,
        seconds=len(samples) / sample_rate,
        reference=Notes.empty() if reference is None else reference,
        tuning_cents=estimate_tuning(samples, sample_rate),
    )


def reference_notes(path: str, permutation: Permutation | None) -> Notes:
    """Reference notes of a recording.

    Raises:
        ValueError: if there are none, and the permutation would do nothing without them.
    """
    notes = read_notes(path)
    if permutation is not None and permutation.needs_notes and not len(notes):
        raise ValueError(
            f"--midi: got {path}, in which there are no notes (drums are none), expected those of "
            f"the recording, which {permutation.name} needs"
        )
    return notes


def _doubt(reference: Notes, clean: Notes | None, seconds: float) -> str:
    """Why the notes are hardly those of this recording, as far as its transcription tells, or, if
    there is none of the clean recording, its length."""
    if clean is None:
        return beyond_the_end(share_beyond(reference, seconds))
    return alignment(reference, clean, seconds).likely_cause


def _condition(options: Namespace, model: Transcriber) -> Condition:
    """What is done to the input, checked; the baseline where there is no permutation."""
    seed = check_seed(options.seed)
    if not options.permutation:
        of_model = " (options of the model are given by --model-option)"
        for option, given, hint in (
            ("--option", options.option, of_model),
            ("--save-perturbed-audio", options.save_perturbed_audio, ""),
        ):
            if given:
                raise ValueError(f"{option}: got one without --permutation, expected both{hint}")
        return as_condition(BASELINE, seed)
    permutation = load_permutation(options.permutation, **options_of(options.option))
    condition = as_condition(permutation, seed)
    _, reasons = askable(Group(model, "", (), (condition,)))
    for reason in reasons:
        raise ValueError(f"--permutation: got {reason}")
    if permutation.needs_notes and not options.midi:
        raise ValueError(
            f"--permutation: got {permutation.name}, which needs the notes of the recording, "
            "expected --midi with it"
        )
    return condition


class _Inputs:
    """Keeps what the network got, and in place of what, where it is to be heard."""

    def __init__(self, keep: bool) -> None:
        self.clean: list[Spectrogram] = []
        self.perturbed: list[Spectrogram] = []
        self._keep = keep

    def watch_input(
        self,
        clean: Spectrogram,
        perturbed: Spectrogram,
        change: Change,
        kept: NDArray[np.bool_],
    ) -> None:
        """Keep some blocks."""
        if self._keep:
            self.clean.append(clean)
            self.perturbed.append(perturbed)

    def watch_frames(
        self, model: Transcriber, first: int, activations: Mapping[str, NDArray[Any]]
    ) -> None:
        """Nothing of these is written."""

    def joined(self) -> tuple[Spectrogram, Spectrogram]:
        """The whole clean and perturbed input. The parts, as large again, are given up."""
        clean, perturbed = concatenate(self.clean), concatenate(self.perturbed)
        self.clean.clear()
        self.perturbed.clear()
        return clean, perturbed


def _run(
    model: Transcriber, recording: Recording, condition: Condition, *, keep: bool
) -> Pass[_Inputs]:
    """One condition on a recording, as a study computes it; ``keep`` what the network got."""
    passes, refused = run_settled(model, recording, [condition], partial(_Inputs, keep))
    for error in refused.values():
        raise error
    return passes[0]


def _write_sound(path: Path, model: Transcriber, recording: Recording, done: Pass[_Inputs]) -> str:
    """Write what a perturbed input sounds like, as long as the recording; returns a remark on how
    near it comes."""
    clean, perturbed = done.watcher.joined()
    whole = Sound(recording.samples, recording.sample_rate, 0.0)
    sound = heard(model, whole, clean, perturbed)
    residual = residual_db(model, sound, perturbed)
    length = max(1, round(recording.seconds * sound.sample_rate))
    begin = max(0, round(sound.begin * sound.sample_rate))
    placed = np.zeros(length, dtype=np.float32)
    placed[begin : begin + len(sound.samples)] = sound.samples[: length - begin]
    placed /= max(1.0, float(np.abs(placed).max()))
    with path.open("wb") as file:
        soundfile.write(file, placed, sound.sample_rate, subtype="PCM_16", format="WAV")
    return "" if residual is None else f", the sound differs from the input by {residual:.0f} dB"


def _check_different_names(paths: list[str]) -> None:
    """Refuse files whose transcriptions would overwrite each other."""
    by_name: dict[str, str] = {}
    for path in paths:
        other = by_name.setdefault(Path(path).stem, path)
        if other != path:
            raise ValueError(
                f"got {other} and {path}, expected names that differ: both would be written to "
                f"{Path(path).stem}.mid, use one output folder each"
            )


def _check_recordings_stay(paths: list[str], folder: Path, with_sound: bool) -> None:
    """Refuse perturbed sounds that would overwrite one of the recordings."""
    for path in map(Path, paths if with_sound else []):
        sound = folder / f"{path.stem}.perturbed.wav"
        for recording in paths:
            if _same(sound, Path(recording)):
                raise ValueError(
                    f"--output: got {folder.absolute()}, where {recording} would be overwritten by "
                    f"the perturbed sound of {path}, expected another folder"
                )


def _check_references_stay(
    paths: list[str], folder: Path, midi: str | None, with_csv: bool
) -> None:
    """Refuse transcriptions that would be taken for the notes beside the audio, or overwrite notes
    that are no transcriptions."""
    suffixes = (*_REFERENCES, ".csv") if with_csv else _REFERENCES
    for path in map(Path, paths):
        reference = Path(midi) if midi else None
        in_place = _same(folder, path.parent)
        at_risk = [path.with_suffix(suffix) for suffix in suffixes] if in_place else []
        written = [folder / f"{path.stem}{suffix}" for suffix in (".mid", ".csv")[: 1 + with_csv]]
        at_risk += [one for one in written if os.path.isfile(one) and not is_written_here(one)]
        if reference and _same(folder / f"{path.stem}.mid", reference):
            at_risk.append(reference)
        for notes in filter(os.path.exists, at_risk):
            raise ValueError(
                f"--output: got {folder.absolute()}, where {notes} would be overwritten or the "
                "transcription taken for it, expected another folder, such as -o transcriptions"
            )


def _same(a: Path, b: Path) -> bool:
    # here and above not by the methods of Path, which raise where a name is too long
    return os.path.exists(a) and os.path.exists(b) and a.samefile(b)


def _against(reference: Notes | None, found: Notes) -> str:
    if reference is None:
        return ""
    scores = score_notes(reference, found)
    return f", F {scores[F_MEASURE]:.3f} (onset and pitch)"
