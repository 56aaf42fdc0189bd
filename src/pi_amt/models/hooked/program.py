"""A program from samples to notes, opened at its spectrogram.

It decides on its notes by itself, so they are its activations: :func:`events_of` writes them as
frames, and :func:`notes_of` has them back to the bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pi_amt.core.audio import resample
from pi_amt.core.contents import is_sent_whole
from pi_amt.core.notes import LOWEST_PITCH, N_PITCHES, Notes
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.core.units import Floats, Samples
from pi_amt.models.black_box.answers import check_answer
from pi_amt.models.hooked.opening import Opening
from pi_amt.models.transcriber import ModelIdentity


class OpenedProgram:
    """A program from samples to notes, opened at its spectrogram: a model of three methods.

    The program may call the module once for the whole recording, or in segments of one length. A
    program that calls it once runs no further than that to hear a spectrogram.

    Args:
        opening: where its spectrogram is.
        program: samples ``(samples,)`` float32 at ``sample_rate`` → notes.
        name: in rows and tables.
        sample_rate: of the program, Hz.
        front_end: samples → anything, calling the module as the program does; where it is cheaper.
        first_seconds: time of the first frame of the first segment.
        step_seconds: from one segment to the next; 0: the program calls the module once, with one
            block.
        resample: samples, their rate and another → samples; where the program has a way of its own.
        label: of the weights, for people.
        settings: options of the program that change a result.
        fingerprint: a text that changes with the model, where the program or what it holds cannot
            be read.
    """

    def __init__(
        self,
        opening: Opening,
        program: Callable[[Samples], Notes],
        *,
        name: str,
        sample_rate: int,
        front_end: Callable[[Samples], object] | None = None,
        first_seconds: float = 0.0,
        step_seconds: float = 0.0,
        resample: Callable[[Samples, int, int], Samples] = resample,
        label: str = "user model",
        settings: Mapping[str, Any] | None = None,
        fingerprint: str | None = None,
    ) -> None:
        self.sample_rate = sample_rate
        functions = [one for one in (program, front_end, resample) if one is not None]
        numbers = (sample_rate, first_seconds, step_seconds)
        self._identified = partial(
            opening.identity, name, label, settings or {}, functions, numbers, fingerprint
        )
        self.identity = self._identified()
        self._opening, self._program, self._front_end = opening, program, front_end or program
        self._first, self._step, self._resample = first_seconds, step_seconds, resample

    def identity_here(self) -> ModelIdentity:
        """The identity as this process reads it; see :meth:`pi_amt.Transcriber.identity_here`."""
        return self.identity if is_sent_whole(self._program) else self._identified()

    def analyze(
        self, samples: Samples, sample_rate: int, *, tuning_cents: float = 0.0
    ) -> Spectrogram:
        """The spectrogram of the whole recording; a segment of the program is a block."""
        samples = self._resample(samples, sample_rate, self.sample_rate)
        calls = self._opening.hear(lambda: self._front_end(samples), first_only=not self._step)
        if len({call.shape[1:] for call in calls}) > 1:
            shapes = sorted({tuple(call.shape) for call in calls})
            raise ValueError(
                f"module: got calls of shapes {shapes}, expected segments of one length"
            )
        values = torch.cat(calls)
        if len(values) > 1 and not self._step:  # every segment would count as the first one
            raise ValueError(
                f"step_seconds: got none for {len(values)} blocks in one call of the module, "
                "expected the time from one segment to the next, or 'c' in place of 'b' in axes "
                "where they are channels of one moment"
            )
        starts: Floats = self._first + self._step * np.arange(len(values), dtype=np.float64)
        return self._opening.spectrogram(
            values, starts, len(samples), self.sample_rate, tuning_cents
        )

    def activations(self, spectrogram: Spectrogram) -> dict[str, NDArray[Any]]:
        """``events (frames, 88, 5)`` of the program's notes, see :func:`events_of`."""
        silence = np.zeros(spectrogram.n_samples, dtype=np.float32)
        answer = self._opening.put(lambda: self._program(silence), spectrogram.tensor)
        seconds = spectrogram.n_samples / spectrogram.sample_rate
        notes = check_answer("program", answer, seconds, spectrogram.sample_rate)
        return {"events": events_of(notes, seconds, spectrogram.frame_rate)}

    def own_notes(self, samples: Samples, sample_rate: int) -> Notes:
        """The notes of the program by itself, without its opening."""
        samples = self._resample(samples, sample_rate, self.sample_rate)
        answer = self._program(samples.copy())
        return check_answer("program", answer, len(samples) / self.sample_rate, self.sample_rate)

    def decode(self, activations: Mapping[str, NDArray[Any]]) -> Notes:
        """The program's notes."""
        return notes_of(activations["events"])

    def pitch_activity(self, activations: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """``(frames, 88)``: 1 where one of the program's notes sounds."""
        return np.asarray(activations["events"][..., 0], dtype=np.float32)


def events_of(notes: Notes, seconds: float, frame_rate: float) -> NDArray[np.float64]:
    """Notes as frames ``(frames, 88, 5)``, from which :func:`notes_of` has them back to the bit.

    The five are: whether the key sounds, the pitch of the note that is entered here (0: none), and
    its onset, offset and velocity. A note is entered at the key next to its pitch, in the frame of
    its onset or in the next free one of that key.

    Raises:
        ValueError: for a pitch that no piano has.
    """
    keys = np.rint(notes.pitches).astype(np.int64) - LOWEST_PITCH
    if len(keys) and (keys.min() < 0 or keys.max() >= N_PITCHES):
        raise ValueError(
            f"notes: got pitches {notes.pitches.min():g} to {notes.pitches.max():g}, expected the "
            f"keys of a piano, {LOWEST_PITCH} to {LOWEST_PITCH + N_PITCHES - 1}"
        )
    most = int(np.bincount(keys, minlength=1).max())
    frames = max(1, math.ceil(seconds * frame_rate), most)
    events = np.zeros((frames, N_PITCHES, 5))
    first = np.clip((notes.onsets * frame_rate).astype(np.int64), 0, frames - 1)
    end = np.maximum(np.ceil(notes.offsets * frame_rate).astype(np.int64), first + 1)
    entries = np.stack([notes.pitches, notes.onsets, notes.offsets, notes.velocities], axis=1)
    for key, begin, stop, entry in zip(keys, first, end, entries, strict=True):
        events[begin:stop, key, 0] = 1.0
        free = np.flatnonzero(events[:, key, 1] == 0.0)
        place = free[np.searchsorted(free, begin) % len(free)]
        events[place, key, 1:] = entry
    return events


def notes_of(events: NDArray[np.float64]) -> Notes:
    """The notes of :func:`events_of`."""
    pitches, onsets, offsets, velocities = events[events[..., 1] > 0.0, 1:].T
    return Notes.from_arrays(onsets, offsets, pitches, velocities)
