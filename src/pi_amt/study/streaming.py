"""A recording streams by, once, under all its conditions.

Part by part (a few blocks of the model's input) every condition perturbs the same clean part, the
network runs on many of them as one batch, and each condition's decoder and meters take what comes
out. Only the state of the conditions stays: memory does not grow with the recording.
"""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray

from pi_amt.core.notes import Notes
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.core.units import Samples
from pi_amt.models.devices import is_full
from pi_amt.models.transcriber import Decoder, Stitcher, Transcriber
from pi_amt.permutations.effects import EffectMeter
from pi_amt.permutations.permutation import Neighbour, Permutation
from pi_amt.scoring.frames import FrameScorer
from pi_amt.study.conditions import Condition
from pi_amt.study.jobs import Job


def return_freed_memory() -> None:
    """Give back what this process has freed (glibc; nothing on other systems).

    A process that allocates and frees large arrays of several sizes for minutes otherwise grows far
    beyond what it uses: Timbre-Trap under eight conditions to 1.7 GB after 2.5 minutes of audio,
    and on, instead of 1.2 GB.
    """
    trim = _malloc_trim()
    if trim is not None:
        trim(0)


@cache
def _malloc_trim() -> Callable[[int], int] | None:
    """glibc's function; ``None`` where the C library has none."""
    return getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None


# each time costs Timbre-Trap's workers a share of a part, about 2 % of their time in all
_PARTS_PER_TRIM = 4
# The study's eight and as many controls. Each holds 34 MB while Timbre-Trap computes it, and on a
# GPU eight times that. Fewer at once cost time: what two have in common is computed once.
_CONDITIONS_AT_ONCE = 16


@dataclass(frozen=True)
class Recording:
    """What is read of a recording.

    Attributes:
        samples: ``(samples,)`` mono, at ``sample_rate`` Hz.
        seconds: its length.
        reference: its notes.
        tuning_cents: how far its A4 is from 440 Hz.
    """

    samples: Samples
    sample_rate: int
    seconds: float
    reference: Notes
    tuning_cents: float

    def stream(self, model: Transcriber) -> Iterator[Spectrogram]:
        """The model's own spectrogram of it, a few blocks at a time."""
        return model.stream(self.samples, self.sample_rate, tuning_cents=self.tuning_cents)


@dataclass
class Run:
    """The state of one condition while the recording streams by.

    Attributes:
        permutation: the condition's own, settled on this recording.
        key: of its draws.
        neighbour: what it borrows.
        stitcher, decoder: what becomes of the network's outputs.
        frame_scorer, meter: frame scores and energy account so far.
        frames: of the activations so far.
        elapsed: seconds of computing.
    """

    condition: Condition
    permutation: Permutation
    key: int
    neighbour: Neighbour | None
    stitcher: Stitcher
    decoder: Decoder
    frame_scorer: FrameScorer
    meter: EffectMeter = field(default_factory=EffectMeter)
    frames: int = 0
    elapsed: float = 0.0

    def perturb(self, clean: Spectrogram, notes: Notes, kept: NDArray[np.bool_]) -> Spectrogram:
        """The network's input under this condition; ``kept`` ``(blocks, frames)`` are counted."""
        started = time.perf_counter()
        key, other = self.key, self.neighbour
        perturbed = self._perturbed(clean, notes)
        self.meter.push(
            clean, perturbed, self.permutation, notes, key=key, neighbour=other, kept=kept
        )
        self.elapsed += time.perf_counter() - started
        if self.condition.normalization == "model":
            perturbed = replace(perturbed, normalization=None)
        return perturbed

    def _perturbed(self, clean: Spectrogram, notes: Notes) -> Spectrogram:
        """What the permutation makes of values of its own: users' may work in place."""
        own = clean.with_values(clean.tensor.clone())
        perturbed = self.permutation(own, notes, key=self.key, neighbour=self.neighbour)
        # a sum is NaN or infinite where a value is, and takes far less than a look at each
        if not bool(perturbed.tensor.sum().isfinite()):
            name = self.permutation.name
            raise ValueError(f"{name}: made NaN or infinite values, expected numbers")
        return perturbed

    def push(self, model: Transcriber, outputs: Mapping[str, torch.Tensor] | None) -> None:
        """Take the network's outputs for some blocks; ``None`` ends the recording."""
        started = time.perf_counter()
        done = self.stitcher.finish() if outputs is None else self.stitcher.push(outputs)
        n = len(next(iter(done.values()), ()))
        if n:
            times = model.frame_times(n, self.frames)
            self.frame_scorer.push(times, model.pitch_activity(done))
            self.decoder.push(done)
            self.frames += n
        self.elapsed += time.perf_counter() - started


def run_conditions(
    model: Transcriber,
    job: Job,
    recording: Recording,
    settled: Mapping[Condition, Permutation],
    lent: Mapping[Condition, Neighbour | None],
) -> tuple[list[Run], dict[Condition, Exception]]:
    """Analyse, perturb and run the network on one part of the recording after the other.

    The baseline goes first: a model may compute of the others only what differs from it.

    Args:
        model: the model.
        job: names the recording, whose progress its pulse tells.
        recording: what streams by.
        settled: the permutations as they are for this recording.
        lent: the conditions to run, with what they borrow.

    Returns:
        The runs, ready to be decoded, the baseline first; and the errors of the conditions that
        cannot perturb this recording.

    Raises:
        ValueError: if the model's stream is empty.
    """
    ordered = sorted(lent.items(), key=lambda item: item[0].role != "baseline")
    runs: list[Run] = []
    refused: dict[Condition, Exception] = {}
    for number, clean in enumerate(recording.stream(model) if ordered else (), start=1):
        runs = runs or [
            Run(
                condition,
                settled[condition],
                condition.key_for(job.dataset, job.track.name),
                neighbour,
                model.stitcher(clean.n_samples),
                model.decoder(),
                FrameScorer(recording.reference, model.frame_threshold),
            )
            for condition, neighbour in ordered
        ]
        kept = model.counted_frames(clean)
        for first in range(0, len(runs), _CONDITIONS_AT_ONCE):
            if first:
                return_freed_memory()
            some = runs[first : first + _CONDITIONS_AT_ONCE]
            refused |= _advance(model, recording, some, clean, kept)
        runs = [run for run in runs if run.condition not in refused]
        if not runs:
            break
        if number % _PARTS_PER_TRIM == 0:
            return_freed_memory()
        if job.pulse is not None:
            job.pulse.beat(float(clean.times.max()) / max(recording.seconds, 1e-9))
    if ordered and not (runs or refused):
        raise ValueError(f"{model.identity.name}: streamed no part, expected at least one")
    for run in runs:
        run.push(model, None)
    return runs, refused


def _advance(
    model: Transcriber,
    recording: Recording,
    runs: Sequence[Run],
    clean: Spectrogram,
    kept: NDArray[np.bool_],
) -> dict[Condition, Exception]:
    """Take some conditions through one part of the recording, their network inputs in one batch.

    Returns:
        The errors of those that cannot perturb it; these are not run.
    """
    refused: dict[Condition, Exception] = {}
    able: list[Run] = []
    perturbed: list[Spectrogram] = []
    for run in runs:
        try:
            perturbed.append(run.perturb(clean, recording.reference, kept))
            able.append(run)
        except Exception as error:
            if is_full(error):  # of the GPU: nothing that a condition could help
                raise
            refused[run.condition] = error
    if able:
        started = time.perf_counter()
        outputs = model.outputs(perturbed)
        share = (time.perf_counter() - started) / len(able)
        for run, output in zip(able, outputs, strict=True):
            run.elapsed += share
            run.push(model, output)
    return refused
