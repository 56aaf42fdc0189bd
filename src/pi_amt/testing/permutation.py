"""Tests for permutations of one's own: ``check_permutation(permutation)``.

Noise is perturbed on two axes, as real magnitudes and as complex coefficients, in all the ways in
which a study may do it: as a whole and in parts, with one key and with another, with notes and
without, as a numpy array and as a torch tensor, with one channel and with two.
"""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from pi_amt.core.notes import Notes
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.core.units import cents_to_ratio
from pi_amt.permutations.partial_powers import Overview
from pi_amt.permutations.permutation import (
    DISTURBANCE,
    NECESSITY,
    SUFFICIENCY,
    Change,
    Neighbour,
    NotApplicable,
    Permutation,
    Scene,
)
from pi_amt.permutations.regions import partial_mask
from pi_amt.testing.check import Check, told

_RATE, _HOP, _FRAMES, _STEP, _BLOCKS = 22_050, 256, 48, 32, 4
_SECONDS = ((_BLOCKS - 1) * _STEP + _FRAMES) * _HOP / _RATE
_KEY = 0xFEDCBA9876543210
#: how much louder notes may get against the rest before they count as written, power ratio
_WRITTEN = 10.0
#: a relative change that is nothing but rounding, and the share of bins that may have it by chance
_ROUNDING, _ROUNDED = 1e-6, 0.01


def check_permutation(permutation: Permutation) -> Check:
    """Check a permutation against the rules that a study relies on.

    Args:
        permutation: an object, with the options that are to be checked.

    Returns:
        The problems. ``print`` it, or assert in a test of your own that ``problems`` is empty.

    Raises:
        TypeError: if it is no object of ``Permutation``.
    """
    if isinstance(permutation, type) or not isinstance(permutation, Permutation):
        called = getattr(permutation, "__name__", "MyPermutation")
        raise TypeError(
            f"got {permutation!r}, expected an object of a sub-class of pi_amt.Permutation: "
            f"{called}(…)"
        )
    name = str(getattr(permutation, "name", type(permutation).__name__))
    problems = list(_of_the_class(name, permutation))
    looked_at = "looked at the class alone"
    for kind in ("real", "complex"):
        if problems:
            break
        try:
            found, looked_at = _on_noise(permutation, kind)
        except NotApplicable as reason:
            looked_at = f"nothing was perturbed, because it does not apply to noise: {reason}"
            break
        problems += [f"{name}{said} (on {kind} values)" for said in found]
    return Check(name, tuple(problems), looked_at)


def _of_the_class(name: str, permutation: Permutation) -> Iterator[str]:
    """What must be true before anything is perturbed."""
    kind = type(permutation)
    if not isinstance(getattr(permutation, "name", None), str) or not permutation.name:
        yield f'{name}: got no name, expected one: name: ClassVar[str] = "{kind.__name__.lower()}"'
    if not permutation.summary:
        yield f"{name}: got no summary, expected one line for pi-amt list: summary: ClassVar[str]"
    if permutation.tests not in (known := (NECESSITY, SUFFICIENCY, DISTURBANCE)):
        yield f"{name}.tests: got {permutation.tests!r}, expected one of {', '.join(known)}"
    options: set[str] = (
        {field.name for field in fields(permutation)} if is_dataclass(permutation) else set()
    )
    unknown = [
        attribute
        for attribute, annotation in inspect.get_annotations(kind).items()
        if attribute not in options and "ClassVar" not in str(annotation)
    ]
    if unknown or vars(permutation).keys() - options:
        yield (
            f"{name}: got options that are no fields, expected @dataclass(frozen=True) above the "
            "class: fields are what rows of different options are told apart by"
        )
        return
    try:
        hash(permutation)
        same = pickle.loads(pickle.dumps(permutation)) == permutation
    except Exception as error:
        yield (
            f"{name}: got {told(error)} when it was sent to another process, expected "
            "@dataclass(frozen=True) at the top of a module, with plain options"
        )
        return
    if options and not same:
        yield f"{name}: got another object after pickling, expected an equal one"


@dataclass(frozen=True)
class _Study:
    """A permutation of one recording of noise, and the recording once more, as it was before."""

    permutation: Permutation
    scene: Scene
    clean: Spectrogram

    def __call__(self, spectrogram: Spectrogram | None = None, **changes: object) -> Spectrogram:
        scene = replace(self.scene, **changes)  # type: ignore[arg-type]
        if spectrogram is not None:
            scene = replace(scene, spectrogram=spectrogram)
        perturbed, _ = self.permutation.perturb(scene)
        return perturbed

    def change(self) -> Change:
        return self.permutation.decide(self.scene)


def _on_noise(permutation: Permutation, kind: str) -> tuple[list[str], str]:
    """The rules that a permutation breaks on noise, sentences that begin after its name; and what
    it did to the noise, one line."""
    looked_at = "perturbed noise, real and complex"
    scene = _scene(kind)
    try:
        if (prepass := permutation.prepass()) is not None:
            prepass.push(scene)
            permutation = prepass.finish()
        if unfit := _unfit(permutation, replace(scene, spectrogram=_noise(kind, _BLOCKS))):
            return [unfit], looked_at
        study = _Study(permutation, scene, _noise(kind, _BLOCKS))
        out = study()
    except NotApplicable:
        raise
    except Exception as error:
        return [f": got {told(error)}, expected a perturbed spectrogram"], looked_at
    for find in (_result, _draws, _notes, _parts, _kinds_of_values):
        try:
            found = list(find(study, out))
        except Exception as error:
            found = [f": got {told(error)} for {find.__doc__}, expected a perturbed spectrogram"]
        if found:
            return found, looked_at  # what follows from the same fault would only be said again
    return [], f"{looked_at}: {_touched(study, out)}"


def _unfit(permutation: Permutation, scene: Scene) -> str:
    """Why what a permutation returns cannot be a change of this scene; empty if it can."""
    change: object = permutation.decide(scene)
    if not isinstance(change, Change):
        return (
            f".draw: got {type(change).__name__}, expected a pi_amt.Change: return "
            "Change(function), whose function makes the perturbed spectrogram from the clean one"
        )
    out: object = change.apply(scene.spectrogram)
    if not isinstance(out, Spectrogram):
        return (
            f": got {type(out).__name__} from the function of its Change, expected a "
            "pi_amt.Spectrogram: return spectrogram.with_values(…)"
        )
    before, after = (tuple(one.values.shape) for one in (scene.spectrogram, out))
    if before == after:
        return ""
    return (
        f": got values of the shape {after}, expected {before} as in the input: a permutation "
        "changes values, but never how many there are"
    )


def _touched(study: _Study, out: Spectrogram) -> str:
    """How many bins changed, so that an author sees whether these are those that were meant."""
    changed = _values(out) != np.asarray(study.clean.values)
    said = f"{changed.mean():.0%} of the bins changed"
    target = study.change().target
    if target is None or not changed.any():
        return said
    astray = (changed & ~np.asarray(target)).sum() / changed.sum()
    return f"{said}, {astray:.0%} of which lie outside of its target"


def _result(study: _Study, out: Spectrogram) -> Iterator[str]:
    """one result"""
    whole = study.clean
    before, after = np.asarray(whole.values), _values(out)
    if not np.array_equal(_values(study.scene.spectrogram), before):
        yield (
            ": got an input that it changed, expected a new spectrogram: work on "
            "spectrogram.tensor.clone() and return spectrogram.with_values(…)"
        )
    if after.dtype != before.dtype:
        yield f": got {after.dtype}, expected {before.dtype} as in the input: convert gains first"
    if not (
        np.array_equal(out.times, whole.times)
        and np.array_equal(out.frequencies, whole.frequencies)
    ):
        yield ": got other times or frequencies, expected those of the input: use with_values(…)"
    if not np.isfinite(after).all():
        yield ": got NaN or infinity, expected finite numbers"
    elif not np.iscomplexobj(after) and after.min(initial=0.0) < 0:
        yield (
            f": got values down to {after.min():.3g}, expected magnitudes, at least 0: take the "
            "logarithm of none of them, and clip what is subtracted"
        )
    moved = np.abs(after - before)
    rounded = float(((moved > 0) & (moved <= _ROUNDING * np.abs(before))).mean())
    if rounded > _ROUNDED:
        yield (
            f": got {rounded:.0%} of the bins changed by rounding alone, expected bins that it "
            "does not touch to stay the same to the last bit: take the new values by "
            "torch.where(touched, new, old)"
        )
    if bool((after == 0).any()) > study.permutation.out_of_distribution:
        yield (
            ": got exact zeros where the input had none, expected out_of_distribution = True, so "
            "that reports say that no recording looks like this"
        )
    target = study.change().target
    if target is not None and (np.shape(target) != before.shape or target.dtype != np.bool_):
        yield (
            f": got a target of shape {np.shape(target)} and type {target.dtype}, expected "
            f"{before.shape} of bool: one value for each bin and frame"
        )


def _draws(study: _Study, out: Spectrogram) -> Iterator[str]:
    """one key and another"""
    if not _same(study(), out):
        yield (
            ": got another result for the same key, expected the same: make every random value of "
            "scene.key by pi_amt.permutations.draws.hash_bits, never of a generator"
        )
        return
    differs = not _same(study(key=_KEY + 1), out)
    # one that keeps to its target has nothing to draw there once it is settled
    if differs and not study.permutation.stochastic:
        yield (
            ": got another result for another key, expected stochastic = True, so that a study can "
            "draw it more than once"
        )
    elif study.permutation.stochastic and not differs and study.permutation.prepass() is None:
        yield (
            ": got the same result for another key, expected stochastic = False, or draws that "
            "depend on scene.key"
        )


def _notes(study: _Study, out: Spectrogram) -> Iterator[str]:
    """a recording without reference notes"""
    permutation, clean = study.permutation, study.scene.spectrogram
    try:
        study(notes=Notes.empty())
    except NotApplicable:
        pass
    except Exception as error:
        yield (
            f": got {told(error)} for a recording without a single note, expected a perturbed "
            "spectrogram, or NotApplicable where there is nothing to perturb"
        )
        return
    if not permutation.needs_notes:
        try:
            independent = _same(study(notes=None), out)
        except Exception:
            independent = False
        if not independent:
            yield (
                ": got a result that depends on the reference notes, expected needs_notes = True, "
                "so that nobody runs it without them"
            )
        return
    if permutation.can_leak or permutation.carrier or permutation.needs_neighbour:
        return
    there = partial_mask(clean, study.scene.reference, partials=(1,))
    power = [np.abs(_values(one)) ** 2 for one in (clean, out)]
    inside, outside = (power[1][m].sum() / power[0][m].sum() for m in (there, ~there))
    if inside > _WRITTEN * outside:
        yield (
            ": got fundamentals that stand out against the rest as the input had none, expected "
            "can_leak = True: it may write the notes into any sound, which controls=true measures"
        )


def _parts(study: _Study, out: Spectrogram) -> Iterator[str]:
    """parts of a recording"""
    clean = study.scene.spectrogram
    for start, stop in ((0, 1), (1, _BLOCKS)):
        part = study(clean.block_slice(start, stop))
        if not _same(part, out.block_slice(start, stop)):
            yield (
                ": got another result for a part of a recording than for the whole, expected the "
                "same to the bit: go by scene.spectrogram.frame_numbers and times, never by the "
                "place in the array, and take no mean, peak or sum over frames"
            )
            return
    values, shared = _values(out), _FRAMES - _STEP
    if not np.array_equal(values[:-1, :, -shared:], values[1:, :, :shared]):
        yield (
            ": got two results for one frame that lies in two blocks, expected one: make draws of "
            "scene.spectrogram.frame_numbers"
        )


def _kinds_of_values(study: _Study, out: Spectrogram) -> Iterator[str]:
    """torch tensors and several channels"""
    clean = study.scene.spectrogram
    values = np.asarray(clean.values)
    in_torch = study(replace(clean, values=torch.from_numpy(values.copy())))
    if not _same(in_torch, out):
        yield ": got another result for a torch tensor than for numpy, expected the same"
        return
    if study.permutation.needs_neighbour in ("spectrogram", "own_spectrogram"):
        return  # what is lent has one channel here
    try:
        both = study(replace(clean, values=np.stack([values, 2 * values], axis=1)))
        first, second = both.channels
        alike = _same(first, out) and _same(second, out.with_values(2 * out.tensor))
    except Exception:
        alike = False
    if not alike:
        yield (
            ": got another result for values (blocks, channels, bins, frames) than for each "
            "channel, expected the same bins and draws in all of them: let gains "
            "(blocks, bins, frames) go through spectrogram.over_channels(…)"
        )


def _values(spectrogram: Spectrogram) -> NDArray[np.generic]:
    return np.asarray(spectrogram.tensor.detach().cpu().numpy())


def _same(one: Spectrogram, other: Spectrogram) -> bool:
    """Whether values are equal to the bit."""
    return bool(np.array_equal(_values(one), _values(other), equal_nan=True))


def _axis(kind: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Frequencies in Hz and windows in seconds: a constant-Q axis, and one with shorter windows."""
    per_octave, lowest, most = (36, 27.5, 10.0) if kind == "real" else (60, 21.5, 3.0)
    frequencies = lowest * cents_to_ratio(np.arange(8 * per_octave) * 1200 / per_octave)
    q = 1 / (2 ** (1 / per_octave) - 1)
    return frequencies, np.minimum(q / frequencies, most)


def _noise(kind: str, blocks: int, seed: int = 0) -> Spectrogram:
    """Blocks that overlap by a third, with the same values wherever they do."""
    frequencies, windows = _axis(kind)
    numbers = np.arange(blocks)[:, None] * _STEP + np.arange(_FRAMES)
    real, imaginary = np.random.default_rng(seed).standard_normal(
        (2, len(frequencies), numbers.max() + 1)
    )
    every = (real + 1j * imaginary).astype(np.complex64)
    every = every if kind == "complex" else np.abs(every)
    return Spectrogram(
        values=np.ascontiguousarray(every[:, numbers].transpose(1, 0, 2)),
        frequencies=frequencies,
        times=numbers * _HOP / _RATE,
        window_seconds=windows,
        frame_rate=_RATE / _HOP,
        n_samples=round(_SECONDS * _RATE),
        sample_rate=_RATE,
    )


def _scene(kind: str) -> Scene:
    """The recording, its notes, and what another one lends."""
    whole = _noise(kind, _BLOCKS)
    lent = Neighbour("another", _some_notes(1), _noise(kind, _BLOCKS, seed=1))
    return Scene(whole, _some_notes(0), _KEY, lent, Overview.of(whole))


def _some_notes(seed: int) -> Notes:
    """Overlapping notes of the piano's middle."""
    rng = np.random.default_rng(seed)
    onsets = rng.uniform(0.0, 0.9 * _SECONDS, 20)
    pitches = rng.integers(40, 89, 20).astype(float)
    return Notes.from_arrays(onsets, onsets + rng.uniform(0.05, 0.6, 20), pitches)
