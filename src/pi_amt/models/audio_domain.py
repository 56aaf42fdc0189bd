"""Perturbations of the sound itself, heard by any transcriber.

:class:`AudioDomain` makes a model of a *listener*, any function ``(samples, sample_rate) → Notes``.
What is perturbed is not the listener's own input but a transform of the sound
(:mod:`pi_amt.models.gabor`), and the listener hears the sound whose transform has these magnitudes.
So one stimulus serves all models, and nothing needs to be known of a model but its notes.

A perturbed transform need not be that of any sound. The *consistency residual* says how much of it
no sound can keep: the sound is transformed again, and the energy of the difference between its
magnitudes and the wanted ones is given in dB, relative to the energy of the wanted ones. Masks,
which scale each bin, leave a small residual. Shuffles, which move values to other bins and frames,
hardly survive: they are refused.
"""

from __future__ import annotations

import math
import tempfile
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pi_amt.core.audio import resample
from pi_amt.core.notes import LOWEST_PITCH, N_PITCHES, REGISTERS, Notes
from pi_amt.core.spectrogram import RESIDUALS, Spectrogram
from pi_amt.core.units import (
    Floats,
    Samples,
    frames_to_seconds,
    midi_to_hz,
    power_ratio_to_db,
    seconds_to_frames,
)
from pi_amt.models.gabor import (
    BLOCK_FRAMES,
    CORE_FRAMES,
    FRAME_RATE_HZ,
    PHASE_ROUNDS,
    Gabor,
    block_times,
    gabor,
)
from pi_amt.models.transcriber import Activations, ModelIdentity, Transcriber

#: of a transcriber whose input is the sound: ``(samples,)`` float32 mono and their rate in Hz
Listener = Callable[[Samples, int], Notes]

#: whether a model's own input is perturbed, or the sound that it hears
DOMAINS = ("input", "audio")
SAMPLE_RATE = 44_100
#: frames per second of the notes that frame scores are made of
ROLL_RATE_HZ = 100.0
_LEAST_DB = -120.0


class AudioDomain(Transcriber):
    """A model that hears perturbed sound.

    Its spectrogram is the transform of the sound. Its activations are what the listener found in
    the sound that is made of it: ``activity (frames, 88)``, 1 where a note sounds, 100 frames a
    second, and ``notes (notes, 4)``: onset and offset in seconds, MIDI pitch, velocity.

    A recording streams by in blocks. Each condition keeps its sound in a temporary file until the
    end, when the listener hears it as a whole: memory does not grow with the number of conditions.

    Args:
        listener: is given ``(samples,)`` float32 mono at ``sample_rate`` Hz, an array that it may
            change, and returns the notes that it found.
        identity: of the listener: its name, a hash of its weights, and every setting that changes
            a result. It leaves out the settings that this class adds (``domain``, ``sample_rate``
            and ``phase_rounds``).
        sample_rate: of the sound that is perturbed and heard, Hz, even.

    Raises:
        ValueError: for a sample rate that is odd or not from 8,000 to 192,000 Hz.
        TypeError: while a recording is heard, if the listener returns anything but notes.
    """

    frame_rate = FRAME_RATE_HZ
    core_frames = CORE_FRAMES
    stream_blocks = 2
    frame_threshold = 0.5
    input_is_sound = True

    def __init__(
        self, listener: Listener, identity: ModelIdentity, *, sample_rate: int = SAMPLE_RATE
    ) -> None:
        if sample_rate % 2 or not 8_000 <= sample_rate <= 192_000:
            raise ValueError(
                f"sample_rate: got {sample_rate}, expected an even number from 8000 to 192000 Hz"
            )
        self.listener = listener
        self.sample_rate = sample_rate  # models of one rate have it as an attribute of their class
        self.device = torch.device("cpu")
        own = {"domain": "audio", "sample_rate": sample_rate, "phase_rounds": PHASE_ROUNDS}
        self.identity = replace(identity, settings={**identity.settings, **own}, linear_input=None)
        self._transform = gabor(sample_rate)

    def identity_here(self) -> ModelIdentity:
        """The identity as this process reads it, where the listener, or the model whose method it
        is, can say so; see the base class."""
        owner: Any = getattr(self.listener, "__self__", self.listener)
        if not hasattr(owner, "identity_here"):
            return self.identity
        here: ModelIdentity = owner.identity_here()
        return replace(
            self.identity, weights_sha256=here.weights_sha256, unreadable=here.unreadable
        )

    def resampled(self, samples: Samples, sample_rate: int) -> tuple[Samples, int]:
        """Audio at the rate of the sound that is heard; see the base class."""
        return resample(samples, sample_rate, self.sample_rate), self.sample_rate

    def stream(
        self, samples: Samples, sample_rate: int, *, tuning_cents: float = 0.0
    ) -> Iterator[Spectrogram]:
        """Audio → its transform in blocks of 3 s that overlap by half, ``stream_blocks`` at a time.

        Raises:
            ValueError: if ``samples`` is empty or not one-dimensional.
        """
        if samples.ndim != 1 or not len(samples):
            raise ValueError(f"samples: got shape {samples.shape}, expected (samples,), not empty")
        samples = resample(samples, sample_rate, self.sample_rate)
        transform = self._transform
        total = transform.n_blocks(len(samples))
        for first in range(0, total, self.stream_blocks):
            count = min(self.stream_blocks, total - first)
            blocks = (transform.block(samples, first + i) for i in range(count))
            yield Spectrogram(
                values=torch.stack([transform.forward(block) for block in blocks]),
                frequencies=transform.frequencies,
                times=block_times(first, count),
                window_seconds=transform.window_seconds,
                frame_rate=self.frame_rate,
                n_samples=len(samples),
                sample_rate=self.sample_rate,
                tuning_cents=tuning_cents,
                response=transform.response,
                linear_input=self.identity.linear_input,
            )

    def outputs(self, spectrograms: Sequence[Spectrogram]) -> list[dict[str, torch.Tensor]]:
        """The ``sound (blocks, samples)`` of the blocks, and the ``values (blocks, bins, frames)``
        that it is made of."""
        sound = self._transform.sound
        return [
            {"sound": torch.stack([sound(block) for block in s.tensor]), "values": s.tensor}
            for s in spectrograms
        ]

    def stitcher(self, n_samples: int) -> Hearing:
        """What joins the blocks of one condition and lets the listener hear them."""
        return Hearing(self._transform, n_samples, self.listener)

    def decoder(self) -> _HeardNotes:
        """The notes among the activations."""
        return _HeardNotes()

    def frame_times(self, n: int, start: int = 0) -> Floats:
        """Times ``(n,)`` in seconds of ``n`` frames of ``activity``, from number ``start`` on."""
        return frames_to_seconds(np.arange(start, start + n), ROLL_RATE_HZ)

    def pitch_activity(self, activations: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """``activity (frames, 88)``: where the notes that were found sound."""
        return np.asarray(activations["activity"], dtype=np.float32)

    def synthesize(self, spectrogram: Spectrogram) -> Samples:
        """The sound ``(samples,)`` of consecutive blocks, from the middle of the first one on."""
        sound = Sound(self._transform, spectrogram.n_samples)
        for part in range(0, len(spectrogram.times), self.stream_blocks):
            values = spectrogram.tensor[part : part + self.stream_blocks]
            sound.push(torch.stack([self._transform.sound(block) for block in values]), values)
        return sound.finish()


class Sound:
    """Joins the blocks of one condition to its sound, and measures what that did not keep.

    Args:
        transform: by which the blocks were made.
        n_samples: length of the sound in samples.
    """

    def __init__(self, transform: Gabor, n_samples: int) -> None:
        self._transform, self._left = transform, n_samples
        self._seconds = n_samples / transform.sample_rate
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  # lives as long as this does
        weakref.finalize(self, self._file.close)
        self._tail = torch.zeros(transform.hop_samples)
        self._blocks = 0
        #: the last block: its wanted magnitudes, and the first half of its sound
        self._waiting: tuple[torch.Tensor, torch.Tensor] | None = None
        edges = midi_to_hz(np.array([*REGISTERS.values()][1:]) - 0.5)
        self._register = np.searchsorted(edges, transform.frequencies)
        self._energies = np.zeros((2, len(REGISTERS)))

    def push(self, sound: torch.Tensor, values: torch.Tensor) -> None:
        """Take the next blocks: their ``sound`` ``(blocks, samples)``, made of ``values``
        ``(blocks, bins, frames)``."""
        hop = self._transform.hop_samples
        for block, wanted in zip(sound, values, strict=True):
            faded = block * self._transform.fade
            done = self._tail + faded[:hop]
            self._tail = faded[hop:]
            # half of the first block lies before the recording, and the last ones end after it
            kept = min(self._left, hop) if self._blocks else 0
            self._left -= kept
            self._file.write(done[:kept].numpy().tobytes())
            done[kept:] = 0.0
            self._measure(done)
            self._waiting = (wanted.abs(), done)
            self._blocks += 1

    def _measure(self, second_half: torch.Tensor) -> None:
        """Compare the last block with its sound, of which the second half is finished now."""
        if self._waiting is not None:
            wanted, first_half = self._waiting
            self._compare(wanted, torch.cat([first_half, second_half]), self._blocks - 1)

    def _compare(self, wanted: torch.Tensor, sound: torch.Tensor, number: int) -> None:
        """Add to the energies of the ``wanted`` magnitudes ``(bins, frames)`` of a block, and of
        their difference from those of its sound ``(samples,)``."""
        times = block_times(number, 1)[0]
        counted = np.zeros(BLOCK_FRAMES, dtype=np.bool_)
        counted[CORE_FRAMES] = True
        counted &= (times >= 0) & (times < self._seconds)
        if not counted.any():
            return
        difference = self._transform.forward(sound).abs() - wanted
        for row, values in enumerate((wanted, difference)):
            power = values[:, torch.from_numpy(counted)].square().sum(dim=1)
            energies = np.bincount(self._register, power.numpy(), len(REGISTERS))
            self._energies[row] += energies

    def finish(self) -> Samples:
        """The whole sound ``(samples,)`` float32."""
        self._measure(torch.zeros(self._transform.hop_samples))
        self._file.seek(0)
        return np.frombuffer(bytearray(self._file.read()), dtype=np.float32)

    def effects(self) -> dict[str, float]:
        """The consistency residual in dB, at least −120: of everything, and of the frequencies that
        the fundamentals of each register have; NaN where the wanted magnitudes are silent."""
        energies = np.column_stack([self._energies.sum(axis=1), self._energies])
        return {
            name: max(float(power_ratio_to_db(lost / wanted)), _LEAST_DB) if wanted else math.nan
            for name, wanted, lost in zip(RESIDUALS, *energies.tolist(), strict=True)
        }


class Hearing:
    """Collects the sound of a condition; when it is complete, the listener hears it.

    Args:
        transform: by which the blocks were made.
        n_samples: length of the recording in samples.
        listener: see :class:`AudioDomain`.
    """

    def __init__(self, transform: Gabor, n_samples: int, listener: Listener) -> None:
        self._sound = Sound(transform, n_samples)
        self._rate, self._listener = transform.sample_rate, listener
        self._frames = int(np.ceil(n_samples / transform.sample_rate * ROLL_RATE_HZ))

    def push(self, outputs: Mapping[str, torch.Tensor]) -> Activations:
        """Take the next blocks; there is nothing to hear yet."""
        self._sound.push(outputs["sound"], outputs["values"])
        return _activations(Notes.empty(), 0)

    def finish(self) -> Activations:
        """The activations of what the listener finds in the whole sound.

        Raises:
            TypeError: if it returns anything but notes.
        """
        found = self._listener(self._sound.finish(), self._rate)
        if not isinstance(found, Notes):
            raise TypeError(
                f"the listener: got {type(found).__name__}, expected pi_amt.Notes, such as "
                "Notes.from_arrays(onsets, offsets, pitches)"
            )
        return _activations(found, self._frames)

    def effects(self) -> dict[str, float]:
        """See :meth:`Sound.effects`."""
        return self._sound.effects()


def _activations(notes: Notes, n_frames: int) -> Activations:
    """Notes as :class:`AudioDomain` describes its activations, with so many frames."""
    activity = np.zeros((n_frames, N_PITCHES), dtype=np.float32)
    keys = np.rint(notes.pitches).astype(int) - LOWEST_PITCH
    begin, end = (seconds_to_frames(t, ROLL_RATE_HZ) for t in (notes.onsets, notes.offsets))
    for key, first, last in zip(keys.tolist(), begin.tolist(), end.tolist(), strict=True):
        if 0 <= key < N_PITCHES:
            activity[max(first, 0) : max(last, 0), key] = 1.0
    columns = [notes.onsets, notes.offsets, notes.pitches, notes.velocities]
    return {"activity": activity, "notes": np.stack(columns, axis=1)}


class _HeardNotes:
    """Takes the notes out of the activations."""

    def __init__(self) -> None:
        self._notes = Notes.empty()

    def push(self, activations: Mapping[str, NDArray[np.float32]]) -> None:
        if len(activations["notes"]):
            self._notes = Notes.from_arrays(*activations["notes"].T)

    def finish(self) -> Notes:
        return self._notes


def heard_by(model: Transcriber) -> AudioDomain:
    """The model as one that hears perturbed sound; its own input is not perturbed then.

    ``(audio)`` in its name tells the two apart: they are compared like two models, and what is
    known of the bias of one does not hold for the other.
    """
    if isinstance(model, AudioDomain):
        return model
    identity = replace(model.identity, name=f"{model.identity.name} (audio)")
    return AudioDomain(model.transcribe, identity)
