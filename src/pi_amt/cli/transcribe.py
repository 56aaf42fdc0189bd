"""``pi-amt transcribe``: the notes of audio files as MIDI or CSV, clean or perturbed, and what a
perturbed input sounds like."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import soundfile

from pi_amt.cli.messages import one_line
from pi_amt.cli.overrides import options_of
from pi_amt.core.audio import read_audio
from pi_amt.core.checks import check_seed
from pi_amt.core.errors import printable
from pi_amt.core.note_files import is_written_here, read_notes, write_csv, write_midi
from pi_amt.core.notes import Notes
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.core.text import plural
from pi_amt.core.tuning import estimate_tuning
from pi_amt.core.units import Samples
from pi_amt.datasets.folder import NOTES_SUFFIXES
from pi_amt.models.loading import load_model
from pi_amt.models.transcriber import Transcriber
from pi_amt.permutations.loading import load_permutation
from pi_amt.permutations.permutation import Permutation
from pi_amt.report.explorer.listen import Sound, heard, residual_db
from pi_amt.scoring.alignment import alignment, beyond_the_end, share_beyond
from pi_amt.scoring.notes import F_MEASURE, score_notes

_REFERENCES = (*NOTES_SUFFIXES, ".txt")  # of MAPS: text, unless there is a .mid


def transcribe(options: Namespace) -> int:
    """Write ``<name>.mid`` per audio file; files that are broken, or that the model fails on, are
    reported, and the others go on.

    Raises:
        ValueError: for options that do not go together, or names that would collide.
    """
    model = load_model(options.model, weights=options.weights, device=options.device)
    permutation = _permutation(options)
    notes = reference_notes(options.midi, permutation) if options.midi else None
    seed = check_seed(options.seed)
    folder = Path(options.output)
    failures = 0
    _check_different_names(options.audio)
    _check_recordings_stay(options.audio, folder, options.save_perturbed_audio)
    _check_references_stay(options.audio, folder, options.midi, options.csv)
    folder.mkdir(parents=True, exist_ok=True)
    for path in map(Path, options.audio):
        try:
            samples, sample_rate = read_audio(path)
            if permutation is None:
                found, sound, said = model.transcribe(samples, sample_rate), None, ""
            else:
                perturb = partial(permutation, notes=notes, key=seed)
                whole, listen = permutation.needs_overview, options.save_perturbed_audio
                found, sound, said = _perturbed(
                    model, samples, sample_rate, perturb, whole=whole, listen=listen
                )
        except Exception as error:  # a model of somebody else may raise anything
            if os.environ.get("PI_AMT_DEBUG"):
                raise
            told = one_line(error)
            where = "" if str(path) in told else f"{path}: "
            print(printable(f"pi-amt: {where}{told}"), file=sys.stderr)
            failures += 1
            continue
        target = folder / f"{path.stem}.mid"
        if sound is not None:
            with target.with_suffix(".perturbed.wav").open("wb") as file:
                soundfile.write(file, *sound, subtype="PCM_16", format="WAV")
        write_midi(found, target)
        if options.csv:
            write_csv(found, target.with_suffix(".csv"))
        print(printable(f"{target}: {plural(len(found), 'note')}{_against(notes, found)}{said}"))
        clean = found if permutation is None else None
        if notes is not None and (doubt := _doubt(notes, clean, len(samples) / sample_rate)):
            told = f"pi-amt: warning: {path}, reference notes of {options.midi}: {doubt}"
            print(printable(told), file=sys.stderr)
    return 1 if failures else 0


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


def _permutation(options: Namespace) -> Permutation | None:
    """What is done to the input, checked."""
    if not options.permutation:
        for option, given in (
            ("--option", options.option),
            ("--save-perturbed-audio", options.save_perturbed_audio),
        ):
            if given:
                raise ValueError(f"{option}: got one without --permutation, expected both")
        return None
    permutation = load_permutation(options.permutation, **options_of(options.option))
    if permutation.prepass() is not None:
        raise ValueError(
            f"--permutation: got {permutation.name}, which must read a whole recording first; "
            "it works in studies only"
        )
    if permutation.needs_notes and not options.midi:
        raise ValueError(
            f"--permutation: got {permutation.name}, which needs the notes of the recording, "
            "expected --midi with it"
        )
    return permutation


def _perturbed(
    model: Transcriber,
    samples: Samples,
    sample_rate: int,
    perturb: Callable[[Spectrogram], Spectrogram],
    *,
    whole: bool,
    listen: bool,
) -> tuple[Notes, tuple[Samples, int] | None, str]:
    """Notes of a perturbed recording, what it sounds like if asked for, and a remark on that.

    Args:
        whole: the permutation must see all of the recording at once.
        listen: make the sound.
    """
    tuning = estimate_tuning(samples, sample_rate)
    if not (whole or listen):
        found = model.transcribe(samples, sample_rate, perturb=perturb, tuning_cents=tuning)
        return found, None, ""
    clean = model.analyze(samples, sample_rate, tuning_cents=tuning)
    perturbed = perturb(clean)
    found = model.decode(model.activations(perturbed))
    if not listen:
        return found, None, ""
    sound = heard(model, Sound(samples, sample_rate, 0.0), clean, perturbed)
    residual = residual_db(model, sound, perturbed)
    said = "" if residual is None else f", the sound differs from the input by {residual:.0f} dB"
    length = max(1, round(len(samples) / sample_rate * sound.sample_rate))
    begin = max(0, round(sound.begin * sound.sample_rate))
    placed = np.zeros(length, dtype=np.float32)
    placed[begin : begin + len(sound.samples)] = sound.samples[: length - begin]
    return found, (placed / max(1.0, float(np.abs(placed).max())), sound.sample_rate), said


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
        at_risk += [one for one in written if one.is_file() and not is_written_here(one)]
        if reference and _same(folder / f"{path.stem}.mid", reference):
            at_risk.append(reference)
        for notes in filter(Path.exists, at_risk):
            raise ValueError(
                f"--output: got {folder.absolute()}, where {notes} would be overwritten or the "
                "transcription taken for it, expected another folder, such as -o transcriptions"
            )


def _same(a: Path, b: Path) -> bool:
    return a.exists() and b.exists() and a.samefile(b)


def _against(reference: Notes | None, found: Notes) -> str:
    if reference is None:
        return ""
    scores = score_notes(reference, found)
    return f", F {scores[F_MEASURE]:.3f} (onset and pitch)"
