"""``pi-amt perturb``: what a model hears under a condition with ``domain=audio``, as a file for any
tool."""

from __future__ import annotations

import sys
from argparse import Namespace
from functools import partial
from pathlib import Path

import numpy as np
import soundfile

from pi_amt.cli.overrides import options_of
from pi_amt.cli.transcribe import read_recording, reference_notes
from pi_amt.core.checks import check_seed
from pi_amt.core.errors import printable
from pi_amt.core.notes import Notes
from pi_amt.core.spectrogram import RESIDUALS
from pi_amt.core.units import Samples
from pi_amt.models.audio_domain import AudioDomain, Hearing
from pi_amt.models.transcriber import ModelIdentity
from pi_amt.permutations.loading import load_permutation
from pi_amt.permutations.permutation import Permutation
from pi_amt.scoring.alignment import beyond_the_end, share_beyond
from pi_amt.study.conditions import as_condition
from pi_amt.study.evaluate import run_settled
from pi_amt.study.streaming import Account, Pass, Recording

_SUFFIXES = (".wav", ".flac")
_SOFT = 0.01  # peak, full scale 1: 16 bits leave 58 dB between this and their noise


def perturb(options: Namespace) -> None:
    """Write the perturbed sound of one recording, and say what was done to it.

    Raises:
        ValueError: for a permutation that no sound can be made of, missing notes, or a name that
            is no place for a sound.
    """
    permutation = _permutation(options)
    target = _target(options)
    seed = check_seed(options.seed)
    reference = reference_notes(options.midi, permutation) if options.midi else None
    recording = read_recording(Path(options.audio), reference)
    if not recording.samples.any():
        raise ValueError(f"{options.audio}: got silence, expected a recording to perturb")
    if doubt := beyond_the_end(share_beyond(recording.reference, recording.seconds)):
        print(printable(f"pi-amt: warning: {options.midi}: {doubt}"), file=sys.stderr)
    sound, rate, told = _perturbed(recording, permutation, seed)
    peak = float(np.abs(sound).max(initial=0.0))
    softer = "" if peak <= 1.0 else f", made {20 * np.log10(peak):.1f} dB softer to fit the file"
    # 16 bits are what every tool reads; of soft sound they would leave little
    bits = 16 if peak >= _SOFT else 24
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        soundfile.write(
            file, sound / max(peak, 1.0), rate,
            subtype=f"PCM_{bits}", format=target.suffix[1:].upper(),
        )  # fmt: skip
    print(printable(f"{target}: {len(sound) / rate:.1f} s at {rate} Hz{softer}; {told}"))


def _permutation(options: Namespace) -> Permutation:
    """What is done to the sound, checked."""
    permutation = load_permutation(options.permutation, **options_of(options.option))
    cannot = ""
    if permutation.moves_values:
        cannot = "moves values, of which a sound keeps little"
    elif permutation.needs_probe:
        cannot = "acts inside a model"
    elif permutation.needs_neighbour or permutation.carrier:
        cannot = "needs other sound or notes than the recording's own"
    if cannot:
        raise ValueError(
            f"--permutation: got {permutation.name}, which {cannot}, expected a mask, such as "
            "ratio_fund_mask"
        )
    if permutation.needs_notes and not options.midi:
        raise ValueError(
            f"--midi: got none, expected the reference notes, which {permutation.name} needs"
        )
    return permutation


def _target(options: Namespace) -> Path:
    """Where the sound goes."""
    target = Path(options.output)
    if target.suffix.lower() not in _SUFFIXES:
        raise ValueError(f"--output: got {target}, expected a name that ends in .wav or .flac")
    if target.exists() and target.samefile(options.audio):
        raise ValueError(f"--output: got {target}, the recording itself, expected another name")
    return target


def _perturbed(
    recording: Recording, permutation: Permutation, seed: int
) -> tuple[Samples, int, str]:
    """The sound, its rate, and what was done to it in words."""
    heard: list[Samples] = []

    def keep(samples: Samples, _: int) -> Notes:
        heard.append(samples)
        return Notes.empty()

    model = AudioDomain(keep, ModelIdentity("sound", "", "", {}))
    watch = partial(Account, recording.reference, model.frame_threshold)
    passes, refused = run_settled(model, recording, [as_condition(permutation, seed)], watch)
    for error in refused.values():
        raise error
    return heard[0], model.sample_rate, _told(passes[0])


def _told(one: Pass[Account]) -> str:
    """How much energy was taken, and what the sound does not keep of the perturbation."""
    assert isinstance(one.stitcher, Hearing)
    residual, *by_register = one.stitcher.effects().values()
    taken = one.watcher.meter.finish()["removed_db"]
    said = f"{one.permutation.name} took {taken:.1f} dB of its energy"
    if np.isnan(residual):
        return f"{said}, and nothing of the sound is left"
    parts = ", ".join(
        f"{name.rpartition('_')[2]} {'silent' if np.isnan(value) else f'{value:.0f}'}"
        for name, value in zip(RESIDUALS[1:], by_register, strict=True)
    )
    return (
        f"{said}; analysed again, the sound differs from what was made by {residual:.0f} dB "
        f"({parts})"
    )
