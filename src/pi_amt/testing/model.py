"""Tests for models of one's own: ``check_model(model)``.

A model keeps rules which every study relies on: its outputs do not depend on what is computed
beside them or was heard before, its arrays and times fit together, and its rows can be found again.
Where its masks mean what their names say is measured on steady tones, see
:mod:`pi_amt.testing.tones`.

Masks of a model that hears perturbed sound act on a transform of pi_amt's own, which is the same
for all such models. They are not measured unless they are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi_amt.core.notes import N_PITCHES, Notes
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.models.adapter import WholeRecording, as_transcriber, check_analysis, on_host
from pi_amt.models.hooked.network import OpenedNetwork
from pi_amt.models.hooked.program import OpenedProgram
from pi_amt.models.transcriber import Transcriber
from pi_amt.permutations.masks import PartialMask
from pi_amt.report.tables.table import Table
from pi_amt.testing.check import told, verdict
from pi_amt.testing.hearing import RATE, f_of, plucked_piece
from pi_amt.testing.tones import KEYS, STUDY_MASKS, MaskCheck, on_steady_tones, sines, tones_table

#: rate of the sounds for a model that does not say at which rate it works
_SAMPLE_RATE = 44_100
# A decoder may end a note with the last frame, which lasts beyond the last sample.
_BEYOND_SECONDS = 0.1
# A tone that sounds for a while: its begin and end, and the length of its recording, seconds; and
# the frames that hear it, as a share of the largest power.
_BEGIN, _END, _LENGTH, _HEARD = 4.5, 5.0, 6.0, 0.01
# Bins that hear nearly the same may be louder than a tone's own one, which has at least this share
# of the loudest one's power.
_OWN_BIN = 0.8
# The highest tone that is tried, as a share of the sample rate.
_HIGHEST = 0.45
# F between the notes of an opened model by itself and those of its unperturbed spectrogram, which
# only rounding may tell apart.
_LEAST_AGREEMENT = 0.9
# Bins that are compared between a sound and the same at half its level, as a share of the largest
# value, and by how much their ratios may differ from what they should be.
_STRONG, _UNEVEN = 0.1, 0.05
# What values look like that are no magnitudes, and what to do.
_PLACE = "in analyze or by the scale of an Opening"
_POWERS = f"these look like powers, of which the square root is to be taken, {_PLACE}"
_LOGARITHM = f"these look like a logarithm or a root, which is to be undone, {_PLACE}"
# Ratio of two frequencies from which on tones are heard in bins of their own.
_APART = 1.5


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
        return tones_table(self.model, self.masks)

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
        masks = () if transcriber.input_is_sound else STUDY_MASKS
    rate = sample_rate or getattr(model, "sample_rate", None) or _SAMPLE_RATE
    problems = list(_problems(transcriber, rate))
    if not problems:
        problems += [*_memories(transcriber, rate), *_passed_by(transcriber)]
    problems += _curved(transcriber, rate)
    problems += _misplaced(transcriber, rate)
    problems += _unfound(transcriber, model)
    checks, unreached = on_steady_tones(transcriber, masks, keys, rate)
    problems += unreached
    return ModelCheck(transcriber.identity.name, tuple(problems), checks)


def _problems(model: Transcriber, rate: int) -> Iterator[str]:
    """The rules that a model breaks, on silence and on 3 s with three tones."""
    for what, hz in (("silence", []), ("three tones", [220.0, 440.0, 660.0])):
        try:
            parts = list(model.stream(sines(3.0, rate, hz), rate))
        except ValueError as error:
            raise ValueError(f"{error} (on {what})") from error
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
    if not _is_same(_answer(model, first), _answer(model, first)):
        yield (
            f"{name}: got another answer when it was given the same input again, expected the same "
            "to the bit: draw no random numbers (a functional dropout needs training=False), and "
            "count nothing from one call to the next"
        )
        return
    if first.linear_input != model.identity.linear_input:
        yield (
            f"{name}.stream: got a Spectrogram with linear_input={first.linear_input} from a model "
            f"whose identity says {model.identity.linear_input}, expected the same: masks "
            "follow the spectrogram, and keys of rows the identity"
        )
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
    sounds = [sines(2.5, rate, hz) for hz in ([262.0, 523.0], [330.0, 988.0])]
    own, _ = [next(iter(model.stream(sound, rate))) for sound in sounds]
    inputs = {
        "an input": own,
        "silence in the place of an input": own.with_values(own.tensor * 0.0),
    }
    after_other = {what: _answer(model, given) for what, given in inputs.items()}
    again = next(iter(model.stream(sounds[0], rate)))
    if not np.array_equal(on_host(again.values), on_host(own.values), equal_nan=True):
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


def _curved(model: Transcriber, rate: int) -> Iterator[str]:
    """Whether values are magnitudes: those of a sound half as loud are halves, or the same where
    the model divides by a level; those of one tone of two are halves then, too. What is a power or
    a logarithm, masks would take for less or more.
    """
    name = model.identity.name
    sound = sines(2.5, rate, [220.0, 440.0, 660.0])
    loud, soft = (
        np.abs(on_host(next(iter(model.stream(part, rate))).values))
        for part in (sound, sound / np.float32(2))
    )
    strong = loud > _STRONG * loud.max()
    if not strong.any():
        return
    low, half, high = np.quantile(soft[strong] / loud[strong], [0.1, 0.5, 0.9])
    if abs(low - 0.5) + abs(high - 0.5) < _UNEVEN:
        return
    if abs(low - 1.0) + abs(high - 1.0) < _UNEVEN:
        yield from _curved_below_a_level(model, rate)
        return
    guess = _POWERS if abs(low - 0.25) + abs(high - 0.25) < _UNEVEN else _LOGARITHM
    yield (
        f"{name}.analyze: got values {half:.2g} times as large from a sound half as loud, expected "
        f"0.5 times, or the same where the model divides by a level: {guess}"
    )


def _curved_below_a_level(model: Transcriber, rate: int) -> Iterator[str]:
    """Whether values that a model divides by a level are magnitudes: decibels below the peak, or
    powers divided by the largest, are not.

    Of two tones one becomes softer. No level that both are divided by changes how much of it is
    left beside the other one. (Where each bin has a level of its own, all of it is.)
    """

    def heard(*amplitudes: float) -> NDArray[np.float64]:
        tones = [np.float32(a) * sines(2.5, rate, [f]) for a, f in zip(amplitudes, hz, strict=True)]
        values = on_host(next(iter(model.stream(np.sum(tones, axis=0), rate))).values)
        return np.asarray(np.abs(values).mean(axis=(0, *range(1, values.ndim - 2), -1)), float)

    axis = next(iter(model.stream(sines(1.0, rate, []), rate)))
    audible = _audible(axis, rate)
    hz = axis.frequencies[[audible // 3, 2 * audible // 3]]
    if hz[1] < _APART * hz[0]:
        return
    bins = [heard(1.0, 0.0).argmax(), heard(0.0, 1.0).argmax()]
    (first, second), (other, softer) = heard(1.0, 1.0)[bins], heard(1.0, 0.25)[bins]
    if bins[0] == bins[1] or not first * second * other:
        return
    left = float(softer / second * first / other)
    if any(abs(left - right) < _UNEVEN for right in (0.25, 1.0)):
        return
    yield (
        f"{model.identity.name}.analyze: got {left:.2g} times the values of a tone that becomes a "
        "quarter as loud beside another one, expected 0.25 times, since both are divided by one "
        f"level: {_POWERS if left < 0.25 else _LOGARITHM}"
    )


def _audible(axis: Spectrogram, rate: int) -> int:
    """How many bins, from the lowest on, a sound of some rate can be heard in."""
    return int((axis.frequencies < _HIGHEST * min(rate, axis.sample_rate)).sum())


def _misplaced(model: Transcriber, rate: int) -> Iterator[str]:
    """Whether a tone is found at its time and frequency. Where it is not, masks act beside the
    notes, and the model seems robust.

    The tone has the frequency of a bin, as the axis says: the middle one of those that the sound
    can hold. It lasts from late in the recording on, where an error of the frame rate has grown.
    """
    if model.input_is_sound:
        return
    name = model.identity.name
    axis = model.analyze(sines(1.0, rate, []), rate)
    audible = _audible(axis, rate)
    if not audible:
        yield (
            f"{name}.analyze: got frequencies from {axis.frequencies[0]:.1f} Hz on, expected some "
            f"below half the sample rate of {axis.sample_rate} Hz: frequencies are in Hz"
        )
        return
    middle = audible // 2
    hz, window = float(axis.frequencies[middle]), float(axis.window_seconds[middle])
    sound = sines(_LENGTH, rate, [hz])
    sound[: round(_BEGIN * rate)] = sound[round(_END * rate) :] = 0.0
    found = model.analyze(sound, rate)
    power = np.abs(on_host(found.values)).astype(np.float64) ** 2
    power = power.mean(axis=1) if power.ndim == 4 else power  # (blocks, bins, frames)
    core = np.zeros(found.times.shape[1], dtype=np.bool_)
    core[model.core_frames] = True
    power *= core  # also where frames seem to lie behind the end of the recording
    if not power.any():
        return
    by_bin = power.sum(axis=(0, 2))
    loudest = float(found.frequencies[by_bin.argmax()])
    if abs(loudest - hz) > 0.5 / window and by_bin[middle] < _OWN_BIN * by_bin.max():
        yield (
            f"{name}.analyze: got a tone of {hz:.1f} Hz loudest in the bin of {loudest:.1f} Hz, "
            "expected its own bin: frequencies are those of the bins, in Hz, and begin with the "
            "first one that the module gives"
        )
    # a moment that several blocks hear counts once, however many have it in their margins
    times, moments = np.unique(np.round(found.times, 6), return_inverse=True)
    moments = moments.ravel()
    hearing = np.bincount(moments, np.broadcast_to(core, found.times.shape).ravel())
    heard = np.bincount(moments, power.sum(axis=1).ravel()) / np.maximum(hearing, 1)
    heard[heard < _HEARD * heard.max()] = 0.0
    late = float(times @ heard / heard.sum()) - (_BEGIN + _END) / 2
    if abs(late) > window / 4 + 0.5 / found.frame_rate:
        yield (
            f"{name}.analyze: got a tone {abs(late):.3f} s too {'late' if late > 0 else 'early'}, "
            f"which sounds from {_BEGIN} to {_END} s, expected it there: frames stand at the "
            "middle of their windows, in seconds from the start of the recording (frame_rate, and "
            "the first_seconds and step_seconds of an opened model)"
        )


def _passed_by(model: Transcriber) -> Iterator[str]:
    """Whether an opened model has another way from the sound to its notes than the spectrogram: of
    its unperturbed spectrogram it then makes other notes than by itself."""
    opened = model.model if isinstance(model, WholeRecording) else model
    if not isinstance(opened, OpenedProgram | OpenedNetwork):
        return
    _, sound = plucked_piece()
    own = opened.own_notes(sound, RATE)
    agreement = f_of(own, model.transcribe(sound, RATE)) if len(own) else 1.0
    if agreement < _LEAST_AGREEMENT:
        yield (
            f"{model.identity.name}: got notes from its unperturbed spectrogram that agree "
            f"with those of the model by itself with F {agreement:.2f}, expected the same: "
            "something of the sound passes by the opened module (a gate by the energy of the "
            "samples, a second front end), and is not heard in a study; open a module that all of "
            "it passes, or compute that part from the spectrogram"
        )


def _answer(model: Transcriber, part: Spectrogram) -> tuple[dict[str, NDArray[Any]], Notes]:
    """The outputs of one part, and the notes that are made of them alone."""
    (outputs,) = model.outputs([part])
    stitcher, decoder = model.stitcher(part.n_samples), model.decoder()
    for activations in (stitcher.push(outputs), stitcher.finish()):
        if activations:
            decoder.push(activations)
    return {key: on_host(values).copy() for key, values in outputs.items()}, decoder.finish()


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
            own, beside = on_host(values), on_host(together[place][key])
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
        if not np.isfinite(on_host(values)).all():
            yield (
                f"{name}.activations: got NaN or infinity in {key!r}, expected finite numbers: "
                "divide by a peak only where it is above 0, and add a small number before a "
                "logarithm"
            )
            return
    if not model.has_pitch_activity:
        return
    activity = on_host(model.pitch_activity(activations))
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
