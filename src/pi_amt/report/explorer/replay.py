"""Run a study's conditions again on an excerpt, exactly as they ran on the whole recording.

The front end reads the recording from its start, so that windows, peak and draws are those of the
study; permutation and network work only on the blocks around the excerpt. What the network gives
for the blocks before is not needed: zeros take its place.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from pi_amt.core.audio import read_audio
from pi_amt.core.notes import Notes
from pi_amt.core.spectrogram import Spectrogram, concatenate
from pi_amt.models.transcriber import Decoder, Stitcher, Transcriber
from pi_amt.permutations.permutation import Permutation
from pi_amt.report.explorer.examples import Example, permutation_of
from pi_amt.scoring.note_table import NoteTable
from pi_amt.store.rows import Row
from pi_amt.study.conditions import Condition
from pi_amt.study.streaming import Recording

#: blocks this far around the excerpt are computed, too: notes at its edges need their context
MARGIN_SECONDS = 2.0


@dataclass(frozen=True)
class Replayed:
    """One condition on the blocks around an excerpt.

    Attributes:
        spectrogram: what the network got; consecutive blocks.
        target: ``(blocks, bins, frames)`` the feature that is removed, ``None`` without one.
        notes: transcription; valid inside the excerpt only.
    """

    spectrogram: Spectrogram
    target: NDArray[np.bool_] | None
    notes: Notes


def read_recording(example: Example, row: Row) -> Recording:
    """The recording of a row, as the study saw it; a study that cut it is followed.

    Raises:
        DataError: if the audio cannot be read.
    """
    samples, sample_rate = read_audio(example.audio)
    cut = round(row.seconds * sample_rate)
    table = NoteTable.from_bytes(row.notes)
    reference = Notes.from_arrays(
        table.onset, table.onset + table.duration, table.pitch, table.velocity
    )
    tuning = float(row.effects.get("tuning_cents", 0.0))
    return Recording(samples[: cut or None], sample_rate, row.seconds, reference, tuning)


def replay(
    model: Transcriber, recording: Recording, rows: Sequence[Row], start: float, stop: float
) -> list[Replayed]:
    """The clean input first, then one result per row.

    Args:
        model: with the weights and settings of the rows.
        recording: of the rows' track.
        rows: conditions on this track.
        start, stop: of the excerpt, seconds.
    """
    runs = [_Run(None, 0), *(_Run.of(row) for row in rows)]
    skipped = 0
    for clean in recording.stream(model):
        if clean.times.max() < start - MARGIN_SECONDS:
            skipped += len(clean.times)
            continue
        if clean.times.min() > stop + MARGIN_SECONDS:
            break
        inputs = [run.perturb(clean, recording.reference) for run in runs]
        for run, output in zip(runs, model.outputs(inputs), strict=True):
            run.push(model, clean.n_samples, output, skipped)
        skipped = 0
    return [run.finish(model, start, stop) for run in runs]


class _Run:
    """One condition while the recording streams by."""

    def __init__(self, permutation: Permutation | None, key: int, frozen: bool = True) -> None:
        self._permutation, self._key, self._frozen = permutation, key, frozen
        self._inputs: list[Spectrogram] = []
        self._targets: list[NDArray[np.bool_] | None] = []
        self._stitcher: Stitcher | None = None
        self._decoder: Decoder | None = None

    @classmethod
    def of(cls, row: Row) -> _Run:
        options = json.loads(row.parameters or "{}")
        permutation = permutation_of(row.permutation, options)
        condition = Condition(permutation, row.label, repeat=row.repeat, seed=row.seed)
        frozen = options.get("normalization", "frozen") == "frozen"
        return cls(permutation, condition.key_for(row.dataset, row.track), frozen)

    def perturb(self, clean: Spectrogram, reference: Notes) -> Spectrogram:
        perturbed, target = clean, None
        if self._permutation is not None:
            perturbed = self._permutation(clean, reference, key=self._key)
            target = self._permutation.target(clean, reference, self._key)
        self._inputs.append(perturbed)
        self._targets.append(target)
        return perturbed if self._frozen else replace(perturbed, normalization=None)

    def push(
        self, model: Transcriber, n_samples: int, output: Mapping[str, torch.Tensor], skipped: int
    ) -> None:
        if self._stitcher is None:
            self._stitcher, self._decoder = model.stitcher(n_samples), model.decoder()
        if skipped:
            nothing = {k: v.new_zeros((skipped, *v.shape[1:])) for k, v in output.items()}
            self._decode(self._stitcher.push(nothing))
        self._decode(self._stitcher.push(output))

    def _decode(self, activations: Mapping[str, NDArray[np.float32]]) -> None:
        if self._decoder is not None and any(len(part) for part in activations.values()):
            self._decoder.push(activations)

    def finish(self, model: Transcriber, start: float, stop: float) -> Replayed:
        notes = Notes.empty()
        if self._decoder is not None:
            notes = self._decoder.finish()
        inside = (notes.onsets < stop) & (notes.offsets > start)
        targets = [target for target in self._targets if target is not None]
        return Replayed(
            spectrogram=concatenate(self._inputs),
            target=np.concatenate(targets) if targets else None,
            notes=notes[inside],
        )
