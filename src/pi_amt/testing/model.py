"""Tests for models of one's own: ``check_model(model)``.

It checks that a model keeps the rules which every study relies on, and measures on steady tones
where its masks mean what their names say. A sine at a key's fundamental goes through the model's
own front end, and a mask made from that one note perturbs it:

* ``left``: what the mask leaves of what it is to remove, dB. For a mask that removes the
  fundamental this is the tone itself, for one that keeps it a tone at the next partial. Above
  −20 dB the condition is meaningless at that pitch.
* ``lost``: what the mask takes from what is to stay, dB. For a mask that removes the fundamental
  this is a tone a semitone up, where a loss says that the window of the front end is too short to
  tell the two apart; it is no fault of the mask. For one that keeps it, it is the tone itself, and
  more than 3 dB make the condition meaningless.

Masks of a model that hears perturbed sound act on a transform of pi_amt's own, which is the same
for all such models. They are not measured unless they are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pi_amt.core.notes import N_PITCHES, Notes
from pi_amt.core.partials import partial_frequencies
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.core.units import Floats, Samples, midi_to_hz, power_ratio_to_db
from pi_amt.models.adapter import as_transcriber, check_analysis
from pi_amt.models.transcriber import Transcriber
from pi_amt.permutations.effects import LIMIT_DB
from pi_amt.permutations.loading import load_permutation
from pi_amt.permutations.masks import PartialMask
from pi_amt.permutations.permutation import Permutation, Scene
from pi_amt.permutations.reach import MOST_LEFT_DB, MOST_LOST_DB, count_out_of_reach
from pi_amt.report.tables.table import Table
from pi_amt.testing.check import told, verdict

#: two keys per octave of a piano, and its highest
KEYS = (*range(21, 108, 6), 108)
MASKS = ("fund_mask", "soft_fund_mask", "harm_mask", "soft_harm_mask")
_AMPLITUDE = 0.25
#: rate of the tones for a model that does not say at which rate it works
_SAMPLE_RATE = 44_100
# A decoder may end a note with the last frame, which lasts beyond the last sample.
_BEYOND_SECONDS = 0.1
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


@dataclass(frozen=True)
class ModelCheck:
    """What :func:`check_model` found.

    Attributes:
        model: its name.
        problems: rules that the model breaks, a sentence each with what to do.
        masks: per mask what it does to steady tones; empty where none was measured.
    """

    model: str
    problems: tuple[str, ...]
    masks: Mapping[str, MaskCheck]

    @property
    def table(self) -> Table:
        """What is left and lost per key and mask.

        Raises:
            ValueError: if no mask was measured.
        """
        if not self.masks:
            raise ValueError(
                f"{self.model}: got no masks, expected some, pass masks=… to check_model"
            )
        records = [
            {"key": key_name(key), "Hz": float(midi_to_hz(key))}
            | {
                f"{name} {what}": float(values[i])
                for name, check in self.masks.items()
                for what, values in (("left", check.left_db), ("lost", check.lost_db))
            }
            for i, key in enumerate(next(iter(self.masks.values())).keys.tolist())
        ]
        columns = tuple(records[0])
        return Table(
            title=f"Masks of {self.model} on steady tones, dB",
            columns=columns,
            records=tuple(records),
            footers=(
                "left: of what the mask removes (a tone at the key; of a mask that keeps it, its "
                f"second partial); above {MOST_LEFT_DB:g} the condition says nothing there",
                "lost: of what is to stay (a tone a semitone up; of a mask that keeps the "
                f"fundamental, the tone itself, which may lose {MOST_LOST_DB:g})",
                *map(str, self.masks.values()),
            ),
            formats=dict.fromkeys(columns[1:], ".1f"),
        )

    def __str__(self) -> str:
        said = f"{verdict(self.model, self.problems)} (it heard silence and steady tones)"
        return f"{self.table}\n\n{said}" if self.masks else said

    __repr__ = __str__


def check_model(
    model: object,
    *,
    masks: Sequence[str | PartialMask] | None = None,
    keys: Sequence[int] = KEYS,
    sample_rate: int | None = None,
) -> ModelCheck:
    """Check a model against the rules of its interface, and its masks on steady tones.

    Args:
        model: a transcriber, an object of three methods, or a function.
        masks: which masks to measure, by name or as objects; ``None``: the four of the study, and
            none for a model that hears perturbed sound.
        keys: MIDI numbers at which they are measured.
        sample_rate: of the sounds, Hz; ``None`` takes ``model.sample_rate``, or 44,100 without one.

    Returns:
        The problems and the measurements. ``print`` it, or assert in a test of your own that
        ``problems`` is empty and ``masks["fund_mask"].valid_from`` is low enough.

    Raises:
        TypeError: if it is no model, or its front end returns no spectrogram.
        ValueError: if that spectrogram has NaN, negative magnitudes or times that do not ascend:
            then nothing can be measured.
    """
    transcriber = as_transcriber(model)
    if masks is None:
        masks = () if transcriber.input_is_sound else MASKS
    rate = sample_rate or getattr(model, "sample_rate", None) or _SAMPLE_RATE
    wanted = {mask.name: mask for mask in map(_mask, masks)}
    found = {name: np.empty((len(keys), 2)) for name in wanted}
    problems = list(_problems(transcriber, rate))
    problems += _memories(transcriber, rate) if not problems else []
    problems += _unfound(transcriber, model)
    axis = transcriber.analyze(_sines(1.0, rate, [440.0]), rate)
    for i, key in enumerate(keys):
        for name, decibels in _on_steady_tones(transcriber, axis, rate, key, wanted).items():
            found[name][i] = decibels
    checks = {
        name: MaskCheck(name, wanted[name].keep, np.array(keys), *decibels.T)
        for name, decibels in found.items()
    }
    removing = [name for name, check in checks.items() if not check.keep]
    if removing:
        name = removing[0]
        problems += _later(transcriber, axis, wanted[name], checks[name])
    return ModelCheck(transcriber.identity.name, tuple(problems), checks)


def key_name(key: int) -> str:
    """``69`` → ``A4``."""
    return f"{_NAMES[key % 12]}{key // 12 - 1}"


def _mask(mask: str | PartialMask) -> PartialMask:
    found: Permutation = load_permutation(mask) if isinstance(mask, str) else mask
    if not isinstance(found, PartialMask):
        raise ValueError(f"masks: got {mask!r}, expected masks such as {', '.join(MASKS)}")
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


def _on_steady_tones(
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
    spectrogram = model.analyze(_sines(seconds, rate, [hz]), rate)
    check_analysis(model.identity.name, spectrogram)
    inside = (spectrogram.times >= window / 2) & (spectrogram.times <= seconds - window / 2)
    notes = Notes.from_arrays([0.0], [seconds], [float(key)])
    return spectrogram, model.counted_frames(spectrogram) & inside, notes


def _sines(seconds: float, rate: int, hz: Sequence[float]) -> Samples:
    times = np.arange(round(seconds * rate)) / rate
    sound = np.sum([_AMPLITUDE * np.sin(2 * np.pi * f * times) for f in hz], axis=0)
    return np.broadcast_to(np.asarray(sound, dtype=np.float32), times.shape).copy()


def _power(spectrogram: Spectrogram, steady: NDArray[np.bool_]) -> float:
    """Energy of all bins and channels in some frames ``(blocks, frames)``."""
    power = spectrogram.tensor.abs().double().square()
    frames = spectrogram.over_channels(torch.from_numpy(steady)[:, None, :].to(power.device))
    return float((power * frames).sum())


def _problems(model: Transcriber, rate: int) -> Iterator[str]:
    """The rules that a model breaks, on silence and on 3 s with three tones."""
    for what, hz in (("silence", []), ("three tones", [220.0, 440.0, 660.0])):
        parts = list(model.stream(_sines(3.0, rate, hz), rate))
        if not parts:
            raise ValueError(f"{model.identity.name}.stream: got no part, expected at least one")
        for part in parts:
            check_analysis(model.identity.name, part)
        try:
            found = list(_breaches(model, parts))
        except Exception as error:
            found = [_of_an_error(model.identity.name, error)]
        yield from (f"{problem} (on {what})" for problem in found)
        if found:
            return  # what follows from the same fault would only be said again


def _of_an_error(name: str, error: Exception) -> str:
    """What an error says of a model: our own checks of what it returns say already what to do."""
    said = str(error)
    if ", expected " not in said:
        return f"{name}: got {told(error)}, expected notes"
    return said if said.startswith((f"{name}:", f"{name}.")) else f"{name}: {said}"


def _breaches(model: Transcriber, parts: Sequence[Spectrogram]) -> Iterator[str]:
    """The rules that a model breaks on one recording, in the order of its path to notes."""
    name = model.identity.name
    first = parts[0]
    yield from _company(model, first)
    stitcher, decoder = model.stitcher(first.n_samples), model.decoder()
    done = [stitcher.push(model.outputs([part])[0]) for part in parts]
    done.append(stitcher.finish())
    count = 0
    for activations in done:
        lengths = {key: len(values) for key, values in activations.items()}
        if model.input_is_sound:
            lengths.pop("notes", None)  # which were found, and stand beside the frames
        n = next(iter(lengths.values()), 0)
        if len(set(lengths.values())) > 1:
            yield (
                f"{name}.activations: got {lengths} frames, expected as many in every array: pad "
                "or cut them alike"
            )
            return
        if not activations:
            continue
        if n:
            yield from _frames(model, activations, n)
        decoder.push(activations)
        count += n
    times = model.frame_times(count)
    whole = model.frame_times(1, count - 1) if count else times
    if len(times) != count or not (np.diff(times) > 0).all():
        yield f"{name}.frame_times({count}): got times that do not ascend, one for each frame"
    elif count and not np.allclose(whole, times[-1:]):
        yield (
            f"{name}.frame_times(1, {count - 1}): got {whole[0]:.4f} s, expected the last of "
            f"frame_times({count}), {times[-1]:.4f} s: count from start"
        )
    yield from _outside(name, decoder.finish(), first.n_samples / first.sample_rate)


def _memories(model: Transcriber, rate: int) -> Iterator[str]:
    """Whether an answer depends on what the model has heard before.

    A model that remembers a clean recording gives its answer under every condition, which reads as
    robustness. So the same inputs are answered once after their own recording and once after
    another one, of the same length: the input itself, and silence in its place.
    """
    name = model.identity.name
    sounds = [_sines(2.5, rate, hz) for hz in ([262.0, 523.0], [330.0, 988.0])]
    own, _ = [next(iter(model.stream(sound, rate))) for sound in sounds]
    inputs = {
        "an input": own,
        "silence in the place of an input": own.with_values(own.tensor * 0.0),
    }
    after_other = {what: _answer(model, given) for what, given in inputs.items()}
    again = next(iter(model.stream(sounds[0], rate)))
    if not np.array_equal(_on_host(again.values), _on_host(own.values), equal_nan=True):
        yield (
            f"{name}.analyze: got another spectrogram of the same sound after another one, "
            "expected the same to the bit: keep nothing of a recording, and draw no random numbers"
        )
        return
    for what, given in inputs.items():
        if not _is_same(_answer(model, given), after_other[what]):
            yield (
                f"{name}: got another answer to {what} after its own recording than after another "
                "one, expected the same to the bit: keep nothing of a recording in the model, for "
                "a condition must not be answered from the clean sound"
            )
            return


def _answer(model: Transcriber, part: Spectrogram) -> tuple[dict[str, NDArray[Any]], Notes]:
    """The outputs of one part, and the notes that are made of them alone."""
    (outputs,) = model.outputs([part])
    stitcher, decoder = model.stitcher(part.n_samples), model.decoder()
    for activations in (stitcher.push(outputs), stitcher.finish()):
        if activations:
            decoder.push(activations)
    return {key: _on_host(values).copy() for key, values in outputs.items()}, decoder.finish()


def _is_same(
    one: tuple[dict[str, NDArray[Any]], Notes], other: tuple[dict[str, NDArray[Any]], Notes]
) -> bool:
    columns = ("onsets", "offsets", "pitches")
    pairs = [(getattr(one[1], name), getattr(other[1], name)) for name in columns]
    pairs += [(values, other[0].get(key, np.empty(0))) for key, values in one[0].items()]
    return all(np.array_equal(a, b, equal_nan=a.dtype.kind in "fc") for a, b in pairs)


def _unfound(transcriber: Transcriber, model: object) -> Iterator[str]:
    """Whether rows of the model can be kept, and are found again after it has run."""
    before, name = transcriber.identity, transcriber.identity.name
    if before.unreadable:
        yield (
            f"{name}: got {before.unreadable}, whose contents cannot be read, so no rows of this "
            "model can be kept: give it an attribute fingerprint, a text that changes with its "
            "weights"
        )
    elif as_transcriber(model).identity != before:
        yield (
            f"{name}: got other contents after it has run than before, so its rows would not be "
            "found again: load the weights when the model is made, name private attributes that "
            "only remember something with cache, or give the model a fingerprint"
        )


def _company(model: Transcriber, part: Spectrogram) -> Iterator[str]:
    """Whether outputs depend on the conditions that are computed beside them."""
    name = model.identity.name
    quiet = part.with_values(part.tensor * 0.0)
    alone = model.outputs([part])
    together = model.outputs([part, quiet, part])
    if len(alone) != 1 or len(together) != 3:
        yield (
            f"{name}.outputs: got {len(together)} results for 3 spectrograms, expected one for "
            "each, in their order"
        )
        return
    for place in (0, 2):
        for key, values in alone[0].items():
            own, beside = _on_host(values), _on_host(together[place][key])
            if own.shape != beside.shape or not np.array_equal(own, beside, equal_nan=True):
                yield (
                    f"{name}.outputs: got another {key!r} beside other spectrograms than alone, "
                    "expected the same to the bit: normalise each by itself, keep no state, and "
                    "run the network on batches of one fixed size"
                )
                return


def _frames(model: Transcriber, activations: Mapping[str, Any], n: int) -> Iterator[str]:
    """Values of some frames, and their activity per pitch."""
    name = model.identity.name
    for key, values in activations.items():
        if not np.isfinite(_on_host(values)).all():
            yield (
                f"{name}.activations: got NaN or infinity in {key!r}, expected finite numbers: "
                "divide by a peak only where it is above 0, and add a small number before a "
                "logarithm"
            )
            return
    if not model.has_pitch_activity:
        return
    activity = _on_host(model.pitch_activity(activations))
    if activity.shape != (n, N_PITCHES):
        yield (
            f"{name}.pitch_activity: got shape {activity.shape}, expected ({n}, {N_PITCHES}): one "
            "column for each of MIDI 21 to 108"
        )
    elif not ((activity >= 0) & (activity <= 1)).all():
        yield f"{name}.pitch_activity: got values outside [0, 1], expected probabilities"


def _outside(name: str, notes: Notes, seconds: float) -> Iterator[str]:
    """Whether notes lie outside of the recording."""
    early, late = notes.onsets < 0.0, notes.offsets > seconds + _BEYOND_SECONDS
    if early.any() or late.any():
        i = int(np.argmax(early | late))
        yield (
            f"{name}.decode: got a note from {notes.onsets[i]:.3f} to {notes.offsets[i]:.3f} s in "
            f"a recording of {seconds:.3f} s, expected notes inside of it: times are seconds from "
            "its start, cut what is padded"
        )


def _on_host(values: Any) -> NDArray[Any]:
    return np.asarray(torch.as_tensor(values).detach().cpu().numpy())
