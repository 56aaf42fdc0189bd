"""What masks do to steady tones, heard by a model's own front end.

A sine at a key's fundamental goes through the front end, and a mask made from that one note
perturbs it:

* ``left``: what the mask leaves of what it is to remove, dB. For a mask that removes the
  fundamental this is the tone itself, for one that keeps it a tone at the next partial. Above
  −20 dB the condition is meaningless at that pitch.
* ``lost``: what the mask takes from what is to stay, dB. For a mask that removes the fundamental
  this is a tone a semitone up, where a loss says that the window of the front end is too short to
  tell the two apart; it is no fault of the mask. For one that keeps it, it is the tone itself, and
  more than 3 dB make the condition meaningless.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import torch
from numpy.typing import NDArray

from pi_amt.core.notes import Notes
from pi_amt.core.partials import partial_frequencies
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.core.units import Floats, Samples, midi_to_hz, power_ratio_to_db
from pi_amt.models.adapter import check_analysis
from pi_amt.models.transcriber import Transcriber
from pi_amt.permutations.effects import LIMIT_DB
from pi_amt.permutations.loading import load_permutation
from pi_amt.permutations.masks import PartialMask
from pi_amt.permutations.permutation import Permutation, Scene
from pi_amt.permutations.reach import MOST_LEFT_DB, MOST_LOST_DB, count_out_of_reach
from pi_amt.report.tables.table import Table

#: two keys per octave of a piano, and its highest
KEYS = (*range(21, 108, 6), 108)
#: the binary masks of the published study
STUDY_MASKS = ("fund_mask", "soft_fund_mask", "harm_mask", "soft_harm_mask")
_AMPLITUDE = 0.25
_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


@dataclass(frozen=True)
class MaskCheck:
    """One mask on steady tones.

    Attributes:
        mask: its config name.
        keep: whether it keeps the fundamental.
        keys: ``(keys,)`` MIDI numbers.
        left_db: ``(keys,)`` what is left of what it removes, dB; 0 where the axis hears no tone.
        lost_db: ``(keys,)`` what is lost of what is to stay, dB.
    """

    mask: str
    keep: bool
    keys: NDArray[np.int64]
    left_db: Floats
    lost_db: Floats

    @property
    def is_valid(self) -> NDArray[np.bool_]:
        """``(keys,)`` whether the condition means there what its name says."""
        removed = self.left_db <= MOST_LEFT_DB
        return removed & (self.lost_db <= MOST_LOST_DB) if self.keep else removed

    @property
    def valid_keys(self) -> list[int]:
        """The longest row of neighbouring measured keys at which the condition is valid."""
        runs = groupby(zip(self.is_valid, self.keys.tolist(), strict=True), key=lambda one: one[0])
        return max(([key for _, key in run] for valid, run in runs if valid), key=len, default=[])

    @property
    def valid_from(self) -> int | None:
        """The measured key from which on the condition is valid, ``None``: at no pitch."""
        return min(self.valid_keys, default=None)

    def __str__(self) -> str:
        keys = self.valid_keys
        if not keys:
            return f"{self.mask}: valid at no pitch"
        first, last = (f"{key_name(key)} ({midi_to_hz(key):.0f} Hz)" for key in (keys[0], keys[-1]))
        return f"{self.mask}: valid from {first} to {last}"


def on_steady_tones(
    model: Transcriber, masks: Sequence[str | PartialMask], keys: Sequence[int], rate: int
) -> tuple[dict[str, MaskCheck], list[str]]:
    """Per mask what it does to steady tones at these keys; and as problems, from which key on masks
    are valid where the model does not say so."""
    if not masks:
        return {}, []
    wanted = {mask.name: mask for mask in map(_mask, masks)}
    found = {name: np.empty((len(keys), 2)) for name in wanted}
    axis = model.analyze(sines(1.0, rate, [440.0]), rate)
    for i, key in enumerate(keys):
        for name, decibels in _at_a_key(model, axis, rate, key, wanted).items():
            found[name][i] = decibels
    checks = {
        name: MaskCheck(name, wanted[name].keep, np.array(keys), *decibels.T)
        for name, decibels in found.items()
    }
    removing = next((name for name, check in checks.items() if not check.keep), None)
    if removing is None:
        return checks, []
    return checks, list(_later(model, axis, wanted[removing], checks[removing]))


def tones_table(model: str, checks: Mapping[str, MaskCheck]) -> Table:
    """What is left and lost per key and mask of a model of this name."""
    records = [
        {"key": key_name(key), "Hz": float(midi_to_hz(key))}
        | {
            f"{name} {what}": float(values[i])
            for name, check in checks.items()
            for what, values in (("left", check.left_db), ("lost", check.lost_db))
        }
        for i, key in enumerate(next(iter(checks.values())).keys.tolist())
    ]
    columns = tuple(records[0])
    return Table(
        title=f"Masks of {model} on steady tones, dB",
        columns=columns,
        records=tuple(records),
        footers=(
            "left: of what the mask removes (a tone at the key; of a mask that keeps it, its "
            f"second partial); above {MOST_LEFT_DB:g} the condition says nothing there",
            "lost: of what is to stay (a tone a semitone up; of a mask that keeps the "
            f"fundamental, the tone itself, which may lose {MOST_LOST_DB:g})",
            *map(str, checks.values()),
        ),
        formats=dict.fromkeys(columns[1:], ".1f"),
    )


def key_name(key: int) -> str:
    """``69`` → ``A4``."""
    return f"{_NAMES[key % 12]}{key // 12 - 1}"


def _mask(mask: str | PartialMask) -> PartialMask:
    found: Permutation = load_permutation(mask) if isinstance(mask, str) else mask
    if not isinstance(found, PartialMask):
        raise ValueError(f"masks: got {mask!r}, expected masks such as {', '.join(STUDY_MASKS)}")
    return found


def _later(
    model: Transcriber, axis: Spectrogram, mask: PartialMask, check: MaskCheck
) -> Iterator[str]:
    """That a mask is valid only from a higher pitch on than the axis and the model say."""
    for key in reversed(check.keys[check.keys < (check.valid_from or 0)].tolist()):
        note = Notes.from_arrays([0.0], [1.0], [float(key)])
        if count_out_of_reach(mask, axis, note, model.steady_from) == 0:
            yield (
                f"{model.identity.name}: {check.mask} leaves a steady {key_name(key)} in the "
                f"input, set steady_from = {check.valid_from} in the model, so that the rows of a "
                "study say how many notes lie below it"
            )
            return


def _at_a_key(
    model: Transcriber, axis: Spectrogram, rate: int, key: int, masks: Mapping[str, PartialMask]
) -> dict[str, tuple[float, float]]:
    """Per mask what is left and what is lost at a key, dB."""
    heard: dict[float, tuple[Spectrogram, NDArray[np.bool_], Notes]] = {}

    def change_db(mask: PartialMask, hz: float, unheard: float) -> float:
        if not _is_on(axis, hz) or hz >= rate / 2:
            return unheard
        if hz not in heard:
            nearest = np.abs(np.log(axis.frequencies / hz)).argmin()
            window = float(axis.window_seconds[nearest])
            heard[hz] = _steady_tone(model, rate, key, hz, window)
        spectrogram, steady, notes = heard[hz]
        perturbed, _ = mask.perturb(Scene(spectrogram, notes))
        before, after = (_power(one, steady) for one in (spectrogram, perturbed))
        return max(float(power_ratio_to_db(after / before)), -LIMIT_DB) if before > 0 else unheard

    found = {}
    for name, mask in masks.items():
        own, other = min(mask.partials), 1
        while mask.keep and other in mask.partials:
            other += 1
        tone, semitone_up = (float(partial_frequencies(key + up, own)) for up in (0, 1))
        # a fundamental that the front end does not hear is neither removed nor kept
        if mask.keep:
            second = float(partial_frequencies(key, other))
            left, kept = change_db(mask, second, -LIMIT_DB), change_db(mask, tone, -LIMIT_DB)
        else:
            left, kept = change_db(mask, tone, 0.0), change_db(mask, semitone_up, 0.0)
        found[name] = (left, 0.0 - kept)
    return found


def _is_on(axis: Spectrogram, hz: float) -> bool:
    """Whether a tone lies within half a main lobe of the axis."""
    (low, high), lobe = axis.frequencies[[0, -1]], 2.0 / axis.window_seconds
    return bool(low - lobe[0] <= hz <= high + lobe[-1])


def _steady_tone(
    model: Transcriber, rate: int, key: int, hz: float, window: float
) -> tuple[Spectrogram, NDArray[np.bool_], Notes]:
    """A sine through the front end, the frames ``(blocks, frames)`` whose ``window`` seconds lie
    inside of it, and one note of the key that lasts as long."""
    seconds = max(2.0 * window + 1.0, 1.5)
    spectrogram = model.analyze(sines(seconds, rate, [hz]), rate)
    check_analysis(model.identity.name, spectrogram)
    inside = (spectrogram.times >= window / 2) & (spectrogram.times <= seconds - window / 2)
    notes = Notes.from_arrays([0.0], [seconds], [float(key)])
    return spectrogram, model.counted_frames(spectrogram) & inside, notes


def sines(seconds: float, rate: int, hz: Sequence[float]) -> Samples:
    """Sines ``(samples,)`` of some frequencies together; of none, silence."""
    times = np.arange(round(seconds * rate)) / rate
    sound = np.sum([_AMPLITUDE * np.sin(2 * np.pi * f * times) for f in hz], axis=0)
    return np.broadcast_to(np.asarray(sound, dtype=np.float32), times.shape).copy()


def _power(spectrogram: Spectrogram, steady: NDArray[np.bool_]) -> float:
    """Energy of all bins and channels in some frames ``(blocks, frames)``."""
    power = spectrogram.tensor.abs().double().square()
    frames = spectrogram.over_channels(torch.from_numpy(steady)[:, None, :].to(power.device))
    return float((power * frames).sum())
