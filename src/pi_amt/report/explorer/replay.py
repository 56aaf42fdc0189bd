"""Run a study's conditions again on an excerpt, exactly as they ran on the whole recording.

The front end reads the recording from its start, so that windows, peak and draws are those of the
study, and what must be learnt of the whole recording is learnt of all of it. Permutation and
network work only on the blocks around the excerpt; what the network gives for the blocks before is
not needed: zeros take its place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi_amt.core.notes import Notes
from pi_amt.core.spectrogram import Spectrogram, concatenate
from pi_amt.datasets.track import Track
from pi_amt.models.transcriber import Transcriber
from pi_amt.permutations.loading import load_permutation
from pi_amt.permutations.permutation import Change
from pi_amt.report.explorer.examples import Example
from pi_amt.scoring.alignment import delayed
from pi_amt.scoring.note_table import NoteTable
from pi_amt.store.rows import BASELINE, Row
from pi_amt.study.conditions import Condition
from pi_amt.study.evaluate import run_settled
from pi_amt.study.streaming import Pass, Recording

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
    samples, sample_rate = example.source.audio()
    cut = round(row.seconds * sample_rate)
    tuning = float(row.effects.get("tuning_cents", 0.0))
    return Recording(
        dataset=row.dataset,
        track=row.track,
        samples=samples[: cut or None],
        sample_rate=sample_rate,
        seconds=row.seconds,
        reference=_reference(example, row),
        tuning_cents=tuning,
    )


def _reference(example: Example, row: Row) -> Notes:
    """The notes of the row, or of the recording where these have contours: no row holds any."""
    table = NoteTable.from_bytes(row.notes)
    stored = Notes.from_arrays(
        table.onset, table.onset + table.duration, table.pitch, table.velocity
    )
    try:
        notes = example.source.notes()
    except (OSError, ValueError):  # the audio alone is still there
        return stored
    # notes of another number are not those that the study read
    return notes if notes.contours and len(notes) == len(stored) else stored


def replay(
    model: Transcriber,
    recording: Recording,
    conditions: Sequence[Condition],
    start: float,
    stop: float,
    other: Track | None = None,
    *,
    aligned_ms: float = 0.0,
) -> list[Replayed]:
    """The clean input first, then one result per condition.

    Args:
        model: with the weights and settings of the study.
        recording: what is perturbed.
        conditions: with the draws of the study; none is the baseline.
        start, stop: of the excerpt, seconds.
        other: the recording that conditions borrow from.
        aligned_ms: by how much the study moved all transcriptions of the recording earlier.

    Raises:
        ValueError: if a permutation cannot perturb the recording.
    """
    baseline = Condition(load_permutation(BASELINE), BASELINE, role="baseline")
    passes, refused = run_settled(
        model,
        recording,
        [baseline, *conditions],
        _Recorder,
        other,
        window=(start - MARGIN_SECONDS, stop + MARGIN_SECONDS),
    )
    for error in refused.values():
        raise error
    found = {one.condition: _replayed(one, start, stop, aligned_ms) for one in passes}
    return [found[condition] for condition in (baseline, *conditions)]


class _Recorder:
    """Keeps what the network got under one condition, and the feature that was removed."""

    def __init__(self) -> None:
        self.inputs: list[Spectrogram] = []
        self.targets: list[NDArray[np.bool_]] = []

    def watch_input(
        self,
        clean: Spectrogram,
        perturbed: Spectrogram,
        change: Change,
        kept: NDArray[np.bool_],
    ) -> None:
        """Keep some blocks."""
        self.inputs.append(perturbed)
        if change.target is not None:
            self.targets.append(change.target)

    def watch_frames(
        self, model: Transcriber, first: int, activations: Mapping[str, NDArray[Any]]
    ) -> None:
        """Nothing of these is shown."""


def _replayed(one: Pass[_Recorder], start: float, stop: float, aligned_ms: float) -> Replayed:
    notes, seen = delayed(one.decoder.finish(), -aligned_ms / 1000), one.watcher
    inside = (notes.onsets < stop) & (notes.offsets > start)
    return Replayed(
        spectrogram=concatenate(seen.inputs),
        target=np.concatenate(seen.targets) if seen.targets else None,
        notes=notes[inside],
    )
