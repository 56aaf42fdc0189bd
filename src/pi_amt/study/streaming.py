"""A recording streams by, once, under all its conditions.

A part is a few blocks of the model's input. Every condition perturbs the same clean part, the
network runs on many of the perturbed parts as one batch, and each condition's decoder and meters
take what comes out. Only the state of the conditions is kept, so memory does not grow with the
recording.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from pi_amt.core.notes import Notes
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.core.units import Samples
from pi_amt.models.devices import is_full
from pi_amt.models.transcriber import Activations, Decoder, LevelMeter, Stitcher, Transcriber
from pi_amt.permutations.effects import EffectMeter
from pi_amt.permutations.partial_powers import Overview, OverviewMeter
from pi_amt.permutations.permutation import Change, Neighbour, Permutation, Scene
from pi_amt.scoring.frames import FrameScorer
from pi_amt.study.conditions import Condition
from pi_amt.study.heap import return_freed_memory, spare_memory

# each time costs Timbre-Trap's workers a share of a part, about 2 % of their time in all
_PARTS_PER_TRIM = 4


@dataclass(frozen=True)
class Recording:
    """What is read of a recording.

    Attributes:
        dataset, track: its names, from which every draw starts.
        samples: ``(samples,)`` mono, at ``sample_rate`` Hz.
        seconds: its length.
        reference: its notes.
        tuning_cents: how far its A4 is from 440 Hz, in cents.
    """

    dataset: str
    track: str
    samples: Samples
    sample_rate: int
    seconds: float
    reference: Notes
    tuning_cents: float

    def stream(self, model: Transcriber) -> Iterator[Spectrogram]:
        """The model's own spectrogram of it, a few blocks at a time. Memory that was freed
        meanwhile goes back to the system."""
        spare_memory(self.seconds)
        parts = model.stream(self.samples, self.sample_rate, tuning_cents=self.tuning_cents)
        for number, part in enumerate(parts, start=1):
            yield part
            if number % _PARTS_PER_TRIM == 0:
                return_freed_memory()


class Watcher(Protocol):
    """Watches one condition while it is computed, and keeps what its user wants to know."""

    def watch_input(
        self,
        clean: Spectrogram,
        perturbed: Spectrogram,
        change: Change,
        kept: NDArray[np.bool_],
    ) -> None:
        """See some blocks before and after the perturbation; only the frames that ``kept``
        ``(blocks, frames)`` marks count."""

    def watch_frames(
        self, model: Transcriber, first: int, activations: Mapping[str, NDArray[Any]]
    ) -> None:
        """See finished activations ``(frames, …)``, from frame number ``first`` on."""


W = TypeVar("W", bound=Watcher)


@dataclass
class Pass(Generic[W]):
    """The state of one condition while the recording streams by.

    Attributes:
        condition: that is computed.
        permutation: the condition's own, settled on this recording.
        notes: reference of the recording.
        key: of its draws.
        neighbour: what it borrows.
        overview: of the whole recording, where a condition needs it.
        stitcher, decoder: make activations, and then notes, of the network's outputs.
        watcher: watches this condition.
        scale: by what the perturbed input is multiplied, where the model divides a recording by its
            level.
        frames: number of frames of the activations so far.
        elapsed: seconds of computing.
    """

    condition: Condition
    permutation: Permutation
    notes: Notes
    key: int
    neighbour: Neighbour | None
    overview: Overview | None
    stitcher: Stitcher
    decoder: Decoder
    watcher: W
    scale: float = 1.0
    frames: int = 0
    elapsed: float = 0.0

    def perturb(self, clean: Spectrogram, kept: NDArray[np.bool_]) -> Spectrogram:
        """The network's input under this condition; ``kept`` as for :class:`Watcher`."""
        started = time.perf_counter()
        perturbed, change = self._changed(clean)
        self.watcher.watch_input(clean, perturbed, change, kept)
        self.elapsed += time.perf_counter() - started
        if self.condition.normalization == "model":
            perturbed = replace(perturbed, normalization=None)
        if self.scale != 1.0:
            perturbed = perturbed.with_values(perturbed.tensor * self.scale)
        return perturbed

    def measure(self, clean: Spectrogram, meter: LevelMeter) -> None:
        """Let a meter see the network's input under this condition."""
        started = time.perf_counter()
        meter.push(self._changed(clean)[0])
        self.elapsed += time.perf_counter() - started

    def _changed(self, clean: Spectrogram) -> tuple[Spectrogram, Change]:
        """What the permutation makes of a copy of the values: a user's may work in place."""
        own = clean.with_values(clean.tensor.clone())
        perturbed, change = self.permutation.perturb(
            Scene(own, self.notes, self.key, self.neighbour, self.overview)
        )
        name, values = self.permutation.name, perturbed.tensor
        # a sum is NaN or infinite where a value is, and takes far less than a look at each
        if not bool(values.sum().isfinite()):
            raise ValueError(f"{name}: made NaN or infinite values, expected numbers")
        # a model of somebody else's may hear logarithms, which are below 0 from the start
        if _has_negatives(values) and not _has_negatives(clean.tensor):
            raise ValueError(
                f"{name}: made magnitudes down to {float(values.min()):.3g}, expected at least 0: "
                "clip what is subtracted"
            )
        return perturbed, change

    def push(
        self, model: Transcriber, outputs: Mapping[str, torch.Tensor] | None, skipped: int = 0
    ) -> None:
        """Take the network's outputs for some blocks; ``None`` ends the recording.

        Zeros take the place of ``skipped`` blocks before these.
        """
        started = time.perf_counter()
        if outputs is None:
            self._take(model, self.stitcher.finish())
        else:
            if skipped:
                nothing = {k: v.new_zeros((skipped, *v.shape[1:])) for k, v in outputs.items()}
                self._take(model, self.stitcher.push(nothing))
            self._take(model, self.stitcher.push(outputs))
        self.elapsed += time.perf_counter() - started

    def _take(self, model: Transcriber, done: Activations) -> None:
        """Take finished activations; where a model finds nothing, they may hold no frames."""
        if not done:
            return
        n = len(next(iter(done.values())))
        if n:
            self.watcher.watch_frames(model, self.frames, done)
        self.decoder.push(done)
        self.frames += n


def _has_negatives(values: torch.Tensor) -> bool:
    """Whether real values lie below 0."""
    return not values.is_complex() and bool((values < 0).any())


class Account:
    """What a study keeps of a condition: its account of energies and its frame scores, and the
    ``axis`` of the model's input (a spectrogram without blocks).

    Args:
        reference: notes of the recording.
        frame_threshold: the model's, on its pitch activity.
    """

    def __init__(self, reference: Notes, frame_threshold: float) -> None:
        self.meter = EffectMeter()
        self.axis: Spectrogram | None = None
        self._reference = reference
        self.frame_scorer = FrameScorer(reference, frame_threshold)

    def watch_input(
        self,
        clean: Spectrogram,
        perturbed: Spectrogram,
        change: Change,
        kept: NDArray[np.bool_],
    ) -> None:
        """Account for the energies of some blocks."""
        self.axis = self.axis or clean.without_blocks()
        self.meter.push(clean, perturbed, change, self._reference, kept=kept)

    def watch_frames(
        self, model: Transcriber, first: int, activations: Mapping[str, NDArray[Any]]
    ) -> None:
        """Score some frames, where the model tells which pitches are active in them."""
        if not model.has_pitch_activity:
            return
        n = len(next(iter(activations.values())))
        self.frame_scorer.push(model.frame_times(n, first), model.pitch_activity(activations))


def overview_for(
    model: Transcriber, recording: Recording, permutations: Iterable[Permutation]
) -> Overview | None:
    """The overview of a recording, ``None`` where none of the permutations needs it."""
    if not any(permutation.needs_overview for permutation in permutations):
        return None
    meter = OverviewMeter()
    for clean in recording.stream(model):
        meter.push(clean, model.counted_frames(clean))
    overview = meter.finish()
    return_freed_memory()  # of its parts: as much as the overview itself
    return overview


def run_conditions(
    model: Transcriber,
    recording: Recording,
    settled: Mapping[Condition, Permutation],
    lent: Mapping[Condition, Neighbour | None],
    watch: Callable[[], W],
    *,
    overview: Overview | None = None,
    window: tuple[float, float] = (-math.inf, math.inf),
    beat: Callable[[float], None] | None = None,
) -> tuple[list[Pass[W]], dict[Condition, Exception]]:
    """Analyse, perturb and run the network on one part of the recording after the other.

    The baseline goes first: of the other conditions a model may compute only what differs from it.

    Args:
        model: the model.
        recording: what streams by.
        settled: the permutations as they are for this recording.
        lent: the conditions to run, with what they borrow.
        watch: makes the watcher of one condition.
        overview: of the whole recording, where a condition needs it.
        window: start and stop, seconds. Every part is analysed up to the stop, so that levels and
            draws are those of the whole recording, but parts that lie outside are neither
            perturbed nor run through the network.
        beat: told the share of the recording that is done, 0–1, after each part.

    Returns:
        The passes, ready to be decoded, the baseline first; and the errors of the conditions that
        cannot perturb this recording, or of which the model cannot make activations.

    Raises:
        ValueError: if the model's stream is empty.
    """
    passes: list[Pass[W]] = []
    start, stop = window
    skipped = 0
    refused: dict[Condition, Exception] = {}
    for clean in recording.stream(model) if lent else ():
        if clean.times.max() < start:
            skipped += len(clean.times)
            continue
        if clean.times.min() > stop:
            break
        if not passes:
            passes = _begin(model, recording, settled, lent, watch, overview, clean.n_samples)
        kept = model.counted_frames(clean)
        for first in range(0, len(passes), model.conditions_at_once):
            if first:
                return_freed_memory()
            some = passes[first : first + model.conditions_at_once]
            refused |= _advance(model, some, clean, kept, skipped)
        skipped = 0
        passes = [one for one in passes if one.condition not in refused]
        if not passes:
            break
        if beat is not None:
            beat(float(clean.times.max()) / max(recording.seconds, 1e-9))
    if lent and not (passes or refused):
        raise ValueError(f"{model.identity.name}: streamed no part, expected at least one")
    refused |= _end(model, passes)
    return [one for one in passes if one.condition not in refused], refused


def _begin(
    model: Transcriber,
    recording: Recording,
    settled: Mapping[Condition, Permutation],
    lent: Mapping[Condition, Neighbour | None],
    watch: Callable[[], W],
    overview: Overview | None,
    n_samples: int,
) -> list[Pass[W]]:
    """The passes of the conditions before the first part, the baseline first; ``n_samples`` is the
    length of the recording at the rate of the model."""
    passes = [
        Pass(
            condition=condition,
            permutation=settled[condition],
            notes=recording.reference,
            key=condition.key_for(recording.dataset, recording.track),
            neighbour=neighbour,
            overview=overview,
            stitcher=model.stitcher(n_samples),
            decoder=model.decoder(),
            watcher=watch(),
        )
        for condition, neighbour in sorted(lent.items(), key=lambda c: c[0].role != "baseline")
    ]
    _scale(model, recording, passes)
    return passes


def _scale(model: Transcriber, recording: Recording, passes: Sequence[Pass[W]]) -> None:
    """Set the scales of the conditions whose input the model normalises anew, where it divides a
    recording by its level.

    The level is that of the whole recording, so it streams by once more, without the network. The
    scale is the clean input's level divided by that of the perturbed input: what is not perturbed
    is not scaled.
    """
    of_clean = model.level_meter()
    anew = [
        (one, meter)
        for one in passes
        if one.condition.normalization == "model" and (meter := model.level_meter()) is not None
    ]
    if of_clean is None or not anew:
        return
    for clean in recording.stream(model):
        of_clean.push(clean)
        for one, meter in list(anew):
            try:
                one.measure(clean, meter)
            except Exception as error:
                if is_full(error):
                    raise
                anew.remove((one, meter))  # it raises again where it is run, and is refused there
    clean_level = of_clean.finish()
    for one, meter in anew:
        level = meter.finish()
        one.scale = clean_level / level if level > 0 else 1.0


def _end(model: Transcriber, passes: Sequence[Pass[W]]) -> dict[Condition, Exception]:
    """End the recording for all conditions; returns the errors of those under which the model
    fails there."""
    refused: dict[Condition, Exception] = {}
    for one in passes:
        try:
            one.push(model, None)
        except Exception as error:
            if is_full(error):
                raise
            refused[one.condition] = error
    return refused


def _advance(
    model: Transcriber,
    passes: Sequence[Pass[W]],
    clean: Spectrogram,
    kept: NDArray[np.bool_],
    skipped: int,
) -> dict[Condition, Exception]:
    """Take some conditions through one part of the recording, their network inputs in one batch.

    Returns:
        The errors of those that cannot perturb it; these are not run.
    """
    refused: dict[Condition, Exception] = {}
    able: list[Pass[W]] = []
    perturbed: list[Spectrogram] = []
    for one in passes:
        try:
            perturbed.append(one.perturb(clean, kept))
            able.append(one)
        except Exception as error:
            if is_full(error):  # of the GPU: nothing that a condition could help
                raise
            refused[one.condition] = error
    if able:
        started = time.perf_counter()
        outputs = model.outputs(perturbed)
        share = (time.perf_counter() - started) / len(able)
        for one, output in zip(able, outputs, strict=True):
            one.elapsed += share
            one.push(model, output, skipped)
    return refused
