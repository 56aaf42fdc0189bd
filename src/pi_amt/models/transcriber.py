"""The ladder that every model climbs: audio → spectrogram → activations → notes.

A model gives six parts: front end (``stream``), the rest of the model (``outputs``), a stitcher, a
decoder, the times of its frames and its activity per pitch. :class:`Transcriber` joins them into
the public ladder. Most networks take blocks that know nothing of each other:
:class:`BatchedTranscriber` runs these in micro-batches of one fixed size, for a whole recording and
for a study that streams eight conditions alike, so a block's result does not depend on its company.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray

from pi_amt.core.audio import read_audio
from pi_amt.core.notes import Notes
from pi_amt.core.spectrogram import Spectrogram, concatenate
from pi_amt.core.text import plural
from pi_amt.core.units import Floats, Samples
from pi_amt.models.devices import is_full, map_on_threads

Activations = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class ModelIdentity:
    """What makes two models the same for a results store.

    Attributes:
        name: config name.
        weights_sha256: of the weights file.
        weights_label: for people: "published weights", "synthetic-trained reproduction", …
        settings: every option that changes a result (trim, thresholds, …), JSON-ready.
        precision: ``fp32`` or ``bf16``.
        level: what the model divides a whole recording by (``peak``), empty if by nothing: see
            :meth:`Transcriber.level_meter`.
        without: what a model of three methods does not have, of ``tuning_cents`` and
            ``pitch_activity``: see :class:`pi_amt.models.adapter.WholeRecording`.
        unreadable: the part of a model by which it cannot be told from others of its class; rows of
            such a model are not kept. Empty where all counts.
        linear_input: whether its network hears linear values; its spectrograms say the same, and
            what ``None`` means (:class:`~pi_amt.Spectrogram`).
    """

    name: str
    weights_sha256: str
    weights_label: str
    settings: Mapping[str, Any]
    precision: str = "fp32"
    level: str = ""
    without: tuple[str, ...] = ()
    unreadable: str = ""
    linear_input: bool | None = False

    def __repr__(self) -> str:
        return (
            f"ModelIdentity({self.name}, {self.weights_label} {self.weights_sha256[:8]}, "
            f"{self.precision})"
        )


class Stitcher(Protocol):
    """Joins the outputs of consecutive blocks of one recording into its frames."""

    def push(self, outputs: Mapping[str, torch.Tensor]) -> Activations:
        """Take some blocks' outputs ``(blocks, …)``; return the frames that are finished."""

    def finish(self) -> Activations:
        """Return the frames that were still waiting (possibly none)."""


class FrameStitcher:
    """Joins the kept frames of blocks that do not overlap, and stops at the end of the recording.

    Args:
        n_frames: frames of the whole recording.
    """

    def __init__(self, n_frames: int) -> None:
        self._missing = n_frames
        self._none: Activations = {}

    def push(self, outputs: Mapping[str, torch.Tensor]) -> Activations:
        """Take outputs ``(blocks, frames, …)``; return their frames ``(frames, …)``, float32."""
        joined = {
            name: output.flatten(0, 1)[: self._missing].float().cpu().numpy()
            for name, output in outputs.items()
        }
        self._missing -= max((len(frames) for frames in joined.values()), default=0)
        self._none = {name: frames[:0] for name, frames in joined.items()}
        return joined

    def finish(self) -> Activations:
        """No frames ``(0, …)``: none waits for the next block."""
        return self._none


@runtime_checkable
class MeasuringStitcher(Stitcher, Protocol):
    """A stitcher that measures what its model makes of a perturbed input, for the row."""

    def effects(self) -> dict[str, float]:
        """What was measured of the whole recording, by the names of a row's ``effects``."""


class Decoder(Protocol):
    """Turns the frames of one recording, given in order and in parts, into notes."""

    def push(self, activations: Mapping[str, NDArray[np.float32]]) -> None:
        """Take the next frames, arrays ``(frames, …)`` by name."""

    def finish(self) -> Notes:
        """Notes of the whole recording."""


class LevelMeter(Protocol):
    """Measures the level of a recording while its spectrogram streams by."""

    def push(self, spectrogram: Spectrogram) -> None:
        """Take the next blocks."""

    def finish(self) -> float:
        """The level, in the unit of samples."""


class Transcriber(ABC):
    """A transcription model opened up at its time–frequency input."""

    sample_rate: int
    frame_rate: float
    #: threshold on :meth:`pitch_activity` for frame-level scores
    frame_threshold: float
    identity: ModelIdentity
    device: torch.device
    #: what can be left out inside: a spectrogram's ``probe`` names one of them
    probes: ClassVar[tuple[str, ...]] = ()
    #: whether the spectrogram is turned back into sound, which cannot keep values that were moved
    input_is_sound: ClassVar[bool] = False
    #: frames for which a block, of those that overlap, is the one that counts
    core_frames: slice = slice(None)
    #: MIDI number from which on a mask removes a steady fundamental, where the axis alone does not
    #: show it: lower tones do not fit into the front end's blocks. ``pi_amt.testing.check_model``
    #: measures it; 0 is no limit
    steady_from: float = 0.0
    #: blocks per spectrogram of the stream; bounds memory, changes no result
    stream_blocks: int = 8
    #: conditions that a study computes together. The study's eight and as many controls: each holds
    #: 34 MB while Timbre-Trap computes it, and on a GPU eight times that. Fewer at once cost time,
    #: for what two have in common is computed once.
    conditions_at_once: int = 16
    #: whether :meth:`pitch_activity` tells anything; without it there are no frame scores
    has_pitch_activity: bool = True

    def __repr__(self) -> str:
        identity = getattr(self, "identity", None)  # a model of somebody's may not be ready yet
        if identity is None:
            return object.__repr__(self)
        about = f"{identity.weights_label} {identity.weights_sha256[:8]}, {identity.precision}"
        return f"{type(self).__name__}({identity.name}, {about} on {self.device})"

    def identity_here(self) -> ModelIdentity:
        """The identity as this process reads it.

        A model that was sent to another process came without the modules that its code stands in,
        which are imported anew there. Where the code takes values from them, this may be another
        model than the one that was sent.
        """
        return self.identity

    @abstractmethod
    def stream(
        self, samples: Samples, sample_rate: int, *, tuning_cents: float = 0.0
    ) -> Iterator[Spectrogram]:
        """Front end: audio ``(samples,)`` at any rate → spectrograms of ``stream_blocks`` blocks
        (the last one of fewer)."""

    @abstractmethod
    def outputs(self, spectrograms: Sequence[Spectrogram]) -> Sequence[Mapping[str, Any]]:
        """Rest of the model on the same blocks under several conditions.

        Args:
            spectrograms: of equal shape; one per condition.

        Returns:
            For each condition its outputs ``(blocks, …)`` by name, which the stitcher takes.
        """

    @abstractmethod
    def stitcher(self, n_samples: int) -> Stitcher:
        """A fresh stitcher for a recording of ``n_samples`` samples."""

    @abstractmethod
    def decoder(self) -> Decoder:
        """A fresh decoder."""

    @abstractmethod
    def frame_times(self, n: int, start: int = 0) -> Floats:
        """Exact times ``(n,)`` in seconds of the activations' frames from number ``start`` on."""

    @abstractmethod
    def pitch_activity(self, activations: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """``(frames, 88)`` activity of MIDI 21–108 in [0, 1], for frame-level scores."""

    def resampled(self, samples: Samples, sample_rate: int) -> tuple[Samples, int]:
        """Audio that is resampled already, and its rate; :meth:`stream` gives the same for it.

        A model whose front end starts by resampling gives what comes of it, so that a study holds
        a long recording once, and at the lower rate.
        """
        return samples, sample_rate

    def level_meter(self) -> LevelMeter | None:
        """What measures the level that this model divides a whole recording by; ``None`` if it
        divides by none.

        Such a model would hear a sound without some of its partials louder than a mask leaves it.
        Where a permutation stands for a sound of its own, a study measures the level of what it
        made, and scales it as the model would.
        """
        return None

    def analyze(
        self, samples: Samples, sample_rate: int, *, tuning_cents: float = 0.0
    ) -> Spectrogram:
        """The whole recording through the front end, as one spectrogram (8 GB for 45 minutes of
        Timbre-Trap: long recordings should use :meth:`stream`)."""
        return concatenate(list(self.stream(samples, sample_rate, tuning_cents=tuning_cents)))

    def counted_frames(self, spectrogram: Spectrogram) -> NDArray[np.bool_]:
        """``(blocks, frames)`` bool: what an account of energies counts, every moment of the
        recording once and nothing outside of it."""
        seconds = spectrogram.n_samples / spectrogram.sample_rate
        core = np.zeros(spectrogram.times.shape[1], dtype=np.bool_)
        core[self.core_frames] = True
        return core & (spectrogram.times >= 0.0) & (spectrogram.times < seconds)

    def activations(self, spectrogram: Spectrogram) -> Activations:
        """Network on a whole recording: dict of ``(frames, pitches or bins)`` in [0, 1]."""
        stitcher = self.stitcher(spectrogram.n_samples)
        parts: list[Activations] = []
        for start in range(0, len(spectrogram.times), self.stream_blocks):
            part = spectrogram.block_slice(start, start + self.stream_blocks)
            parts.append(stitcher.push(self.outputs([part])[0]))
        parts.append(stitcher.finish())
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def decode(self, activations: Mapping[str, NDArray[np.float32]]) -> Notes:
        """Activations of a whole recording, arrays ``(frames, …)`` by name → notes."""
        decoder = self.decoder()
        decoder.push(activations)
        return decoder.finish()

    def transcribe(
        self,
        samples: Samples | str | PathLike[str],
        sample_rate: int | None = None,
        *,
        perturb: Callable[[Spectrogram], Spectrogram] | None = None,
        tuning_cents: float = 0.0,
    ) -> Notes:
        """Audio → notes, the whole ladder as a stream (bounded memory for any length).

        Args:
            samples: ``(samples,)`` mono audio, or the path of an audio file.
            sample_rate: of ``samples``, Hz; not for a file, which knows its own.
            perturb: applied to each part of the spectrogram.
            tuning_cents: of the recording, for the perturbation.

        Raises:
            DataError: if the file cannot be read (:func:`pi_amt.read_audio`).
            ValueError: for samples without a rate, or a file with one.
        """
        if isinstance(samples, str | PathLike):
            if sample_rate is not None:
                raise ValueError(
                    f"sample_rate: got {sample_rate} for {str(samples)!r}, expected none: the "
                    "file knows its own"
                )
            samples, sample_rate = read_audio(Path(samples).expanduser())
        elif sample_rate is None:
            raise ValueError("sample_rate: got none for samples, expected their rate in Hz")
        stitcher: Stitcher | None = None
        decoder = self.decoder()
        for part in self.stream(samples, sample_rate, tuning_cents=tuning_cents):
            stitcher = stitcher or self.stitcher(part.n_samples)
            perturbed = part if perturb is None else perturb(part)
            decoder.push(stitcher.push(self.outputs([perturbed])[0]))
        rest = stitcher.finish() if stitcher else {}
        if rest:
            decoder.push(rest)
        return decoder.finish()


class BatchedTranscriber(Transcriber):
    """A transcriber whose network takes blocks that know nothing of each other.

    The blocks of all conditions go together in micro-batches of one fixed size, on as many threads
    as there are, or on a GPU that may turn out to be full. A sub-class gives the network.
    """

    #: blocks per call of the network; fixed, so that results do not depend on what is batched
    micro_batch: int = 1

    @abstractmethod
    def network(self, values: torch.Tensor, reference: Any) -> dict[str, torch.Tensor]:
        """Rest of the model on ``(micro_batch, bins, frames)`` → outputs ``(micro_batch, …)``."""

    def run_network(self, values: torch.Tensor, reference: Any) -> dict[str, torch.Tensor]:
        """Network on ``(blocks, bins, frames)``, in micro-batches of one fixed size.

        The last micro-batch is filled up with its own last block. On a CPU each micro-batch runs
        on one thread, so that the number of threads changes no result. A GPU that is full gets
        smaller ones from then on.

        Raises:
            RuntimeError: if not even one block fits, see ``devices.is_full``.
        """
        while True:
            try:
                return self._run_micro_batches(values, reference)
            except RuntimeError as error:
                if not is_full(error) or self.micro_batch == 1:
                    raise
            # here, where the error no longer holds what the failed attempt left on the GPU
            self.micro_batch = max(1, self.micro_batch // 2)
            if self.device.type == "cuda":
                torch.cuda.empty_cache()
            warnings.warn(
                f"{self.device} is full: going on with {plural(self.micro_batch, 'block')} at once",
                stacklevel=2,
            )

    def _run_micro_batches(self, values: torch.Tensor, reference: Any) -> dict[str, torch.Tensor]:
        size, total = self.micro_batch, values.shape[0]

        def run(start: int) -> dict[str, torch.Tensor]:
            index = torch.arange(start, start + size).clamp_(max=total - 1)
            part = None if reference is None else reference[index.numpy()]
            return self.network(values[index], part)

        outputs = map_on_threads(run, range(0, total, size), self.device)
        return {
            name: torch.cat([output[name] for output in outputs])[:total] for name in outputs[0]
        }

    def block_reference(self, spectrogram: Spectrogram) -> NDArray[Any] | None:
        """``(blocks, …)`` what :meth:`network` needs of each block beside its values."""
        return spectrogram.normalization

    def outputs(self, spectrograms: Sequence[Spectrogram]) -> list[dict[str, torch.Tensor]]:
        """Network on the same blocks under several conditions, stacked into one batch.

        Conditions whose ``normalization`` was dropped (the model is to normalise anew) run apart,
        and so do probes of the model itself.
        """
        results: list[dict[str, torch.Tensor]] = [{} for _ in spectrograms]
        batches: dict[tuple[bool, tuple[str, int] | None], list[int]] = {}
        references = [self.block_reference(spectrogram) for spectrogram in spectrograms]
        for i, spectrogram in enumerate(spectrograms):
            frozen = references[i] is not None
            batches.setdefault((frozen, spectrogram.probe), []).append(i)
        for (frozen, probe), chosen in batches.items():
            parts = [spectrograms[i] for i in chosen]
            values = torch.cat([part.tensor for part in parts])
            given = [reference for i in chosen if (reference := references[i]) is not None]
            reference = np.concatenate(given) if frozen else None
            model = self if probe is None else self.probed(*probe)
            stacked = model.run_network(values, reference)
            starts = np.cumsum([0, *(len(part.times) for part in parts)])
            for i, start, stop in zip(chosen, starts, starts[1:], strict=False):
                results[i] = {name: output[start:stop] for name, output in stacked.items()}
        return results

    def probed(self, probe: str, number: int) -> BatchedTranscriber:
        """This model with one part of it left out.

        Raises:
            ValueError: if the model has no such probe (see ``probes``).
        """
        raise ValueError(
            f"{self.identity.name}: got probe {probe!r}, expected one of {self.probes}"
        )
