"""Timbre-Trap as a :class:`~pi_amt.models.transcriber.BatchedTranscriber`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pi_amt.core.audio import resample
from pi_amt.core.checks import unknown
from pi_amt.core.notes import Notes
from pi_amt.core.spectrogram import Spectrogram, moved
from pi_amt.core.units import Floats, Samples, frames_to_seconds
from pi_amt.models.devices import check_precision, map_on_threads, pick_device
from pi_amt.models.timbre_trap.blocks import (
    HOP_FRAMES,
    HOP_SAMPLES,
    BlockStitcher,
    block_times,
    cut_blocks,
    n_blocks,
    n_frames,
    used_frames,
)
from pi_amt.models.timbre_trap.decoder import Decoder, DecoderOptions, semitone_activity
from pi_amt.models.timbre_trap.inference.network import InferenceNetwork
from pi_amt.models.timbre_trap.network import TimbreTrapNetwork
from pi_amt.models.timbre_trap.slicq import (
    BLOCK_SAMPLES,
    FRAME_RATE_HZ,
    SAMPLE_RATE_HZ,
    SliCQ,
)
from pi_amt.models.timbre_trap.weights import load_weights
from pi_amt.models.transcriber import BatchedTranscriber, ModelIdentity


class TimbreTrap(BatchedTranscriber):
    """Timbre-Trap's encoder–decoder, opened up at its complex sliCQ coefficients.

    Activation: ``pitch (frames, 540)``, five bins a semitone, 341.33 frames a second. The paper
    has no note decoder: notes come from :mod:`pi_amt.models.timbre_trap.decoder`.

    Args:
        weights: safetensors file or ``torch.save``d state dict (the paper's checkpoint);
            ``None``: the synthetic-trained reproduction that ships.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        precision: ``fp32``, or ``bf16`` for the network's convolutions.
        decoder: options of the note decoder, see
            :class:`~pi_amt.models.timbre_trap.decoder.DecoderOptions`.

    Raises:
        ValueError: for weights that do not fit, naming the first wrong key.
        FileNotFoundError: if there is no such weights file.

    Source: Cwitkowitz et al., "Timbre-Trap: A low-resource framework for instrument-agnostic
    music transcription", ICASSP 2024.
    """

    sample_rate = SAMPLE_RATE_HZ
    frame_rate = FRAME_RATE_HZ
    stream_blocks = 2
    core_frames = slice(HOP_FRAMES // 2, 3 * HOP_FRAMES // 2)
    # blocks of 3 s are transformed as circles: low tones that do not close them leak at the seam
    steady_from = 31.0

    def __init__(
        self,
        weights: str | Path | None = None,
        *,
        device: str = "auto",
        precision: str = "fp32",
        decoder: Mapping[str, float] | None = None,
    ) -> None:
        self.device = pick_device(device)
        known = [field.name for field in fields(DecoderOptions)]
        for option in decoder or {}:
            if option not in known:
                raise ValueError(unknown("decoder", option, known))
        self._options = DecoderOptions(**(decoder or {}))
        self.frame_threshold = self._options.frame_threshold
        self._bf16 = check_precision(precision) == "bf16"
        state, info = load_weights(weights)
        self._network = TimbreTrapNetwork().eval().requires_grad_(False)
        self._network.load_state_dict(state, strict=False)  # buffers of the sliCQ are our own
        self._network = self._network.to(self.device)
        on_cpu = self.device.type == "cpu"
        self._fast = InferenceNetwork(state, precision) if on_cpu else None
        if self.device.type == "cuda":
            self.micro_batch, self.stream_blocks = 16, 16
        self.identity = ModelIdentity(
            name="timbre_trap",
            weights_sha256=info.sha256,
            weights_label=info.label,
            settings={"decoder": asdict(self._options)},
            precision=precision,
            level="peak",
            linear_input=True,
        )

    def resampled(self, samples: Samples, sample_rate: int) -> tuple[Samples, int]:
        """Audio at 22,050 Hz; see the base class."""
        return resample(samples, sample_rate, SAMPLE_RATE_HZ), SAMPLE_RATE_HZ

    def stream(
        self, samples: Samples, sample_rate: int, *, tuning_cents: float = 0.0
    ) -> Iterator[Spectrogram]:
        """Audio → coefficients of 3-s blocks that overlap by half; see the base class.

        The recording is resampled, divided by its peak (silence stays silence), zero-padded to
        full blocks and by half a block on either side.

        Raises:
            ValueError: if ``samples`` is empty or not one-dimensional.
        """
        if samples.ndim != 1 or not len(samples):
            raise ValueError(f"samples: got shape {samples.shape}, expected (samples,), not empty")
        samples = resample(samples, sample_rate, SAMPLE_RATE_HZ)
        peak = max(float(samples.max(initial=0.0)), -float(samples.min(initial=0.0))) or 1.0
        total = n_blocks(len(samples))
        slicq = self._network.sliCQ
        for first in range(0, total, self.stream_blocks):
            count = min(self.stream_blocks, total - first)
            blocks = cut_blocks(samples, first, count) / np.float32(peak)
            with torch.inference_mode():
                values = slicq(moved(blocks, self.device))
            yield Spectrogram(
                values=values.clone(),
                frequencies=slicq.frequencies_hz,
                times=block_times(first, count),
                window_seconds=slicq.window_seconds,
                frame_rate=self.frame_rate,
                n_samples=len(samples),
                sample_rate=SAMPLE_RATE_HZ,
                tuning_cents=tuning_cents,
                linear_input=self.identity.linear_input,
            )

    def network(self, values: torch.Tensor, reference: Any) -> dict[str, torch.Tensor]:
        """Coefficients ``(blocks, 540, 1024)`` → transcription coefficients, the same shape.

        Args:
            values: complex64.
            reference: ``(blocks, 2)`` first frame and end of what is used of each block, or
                ``None``; see :meth:`outputs`. What is not used may be left out.
        """
        if self._fast is not None:
            return {"transcription": self._fast(values, reference)}
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self._bf16):
            return {"transcription": self._network.transcribe(values.to(self.device))}

    def block_reference(self, spectrogram: Spectrogram) -> NDArray[Any]:
        """``(blocks, 2)`` first frame and end of what lies inside the recording."""
        return used_frames(spectrogram.times, spectrogram.n_samples)

    def outputs(self, spectrograms: Sequence[Spectrogram]) -> list[dict[str, torch.Tensor]]:
        """Network on the same blocks under several conditions, without their padding.

        Frames of a block that lie before or after the recording are never used. On a CPU all
        conditions of a block go together, so that the network does nothing twice.
        """
        for probe in {s.probe for s in spectrograms if s.probe is not None}:
            self.probed(*probe)  # raises: this model has none
        if self.device.type != "cpu":
            return super().outputs(spectrograms)

        used = [self.block_reference(s) for s in spectrograms]
        # The outputs of many conditions take as much memory as their inputs: they are written into
        # one array, since joining them would take it twice.
        out = torch.empty((len(spectrograms), *spectrograms[0].tensor.shape), dtype=torch.complex64)

        def run(block: int) -> None:
            values = torch.stack([s.tensor[block] for s in spectrograms])
            frames = np.stack([one[block] for one in used])
            out[:, block] = self.network(values, frames)["transcription"]

        map_on_threads(run, range(out.shape[1]), self.device)
        return [{"transcription": one} for one in out]

    def stitcher(self, n_samples: int) -> BlockStitcher:
        """A fresh stitcher for a recording of ``n_samples`` samples at 22,050 Hz."""
        return BlockStitcher(n_frames(n_samples))

    def decoder(self) -> NoteDecoder:
        """A fresh decoder with this model's options."""
        return NoteDecoder(self._options)

    def frame_times(self, n: int, start: int = 0) -> Floats:
        """Exact times ``(n,)`` in seconds of frames ``start``, ``start + 1`` …"""
        return frames_to_seconds(np.arange(start, start + n), self.frame_rate)

    def pitch_activity(self, activations: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """``(frames, 88)``: per semitone the largest activation of its bins."""
        return semitone_activity(activations["pitch"])

    def synthesize(self, spectrogram: Spectrogram) -> Samples:
        """Coefficients of a whole recording → audio ``(samples,)``, so that it can be heard."""
        return np.concatenate(list(Synthesis(self._network.sliCQ).push(spectrogram)))

    def level_meter(self) -> PeakMeter:
        """Measures the peak of the sound that coefficients stand for."""
        return PeakMeter(self._network.sliCQ)


class Synthesis:
    """Coefficients of a recording that streams by → its sound.

    Neighbouring blocks are cross-faded by a periodic Hann, whose halves sum to one.
    """

    def __init__(self, slicq: SliCQ) -> None:
        self._slicq = slicq
        self._fade = torch.hann_window(BLOCK_SAMPLES, periodic=True).to(slicq.windows.device)
        self._tail: torch.Tensor | None = None
        self._done = 0

    def push(self, spectrogram: Spectrogram) -> Iterator[Samples]:
        """Samples ``(n,)`` that are finished with each of the next blocks, none with the first."""
        for block in moved(spectrogram.values, self._fade.device):
            # one at a time: an inverse FFT of many rounds differently from those of its parts
            with torch.inference_mode():
                sound = self._slicq.inverse(block[None])[0] * self._fade
            if self._tail is not None:
                left = spectrogram.n_samples - self._done
                finished = (self._tail + sound[:HOP_SAMPLES])[: max(left, 0)]
                self._done += len(finished)
                yield finished.cpu().numpy()
            self._tail = sound[HOP_SAMPLES:]


class PeakMeter:
    """Measures the peak of the sound that a spectrogram stands for."""

    def __init__(self, slicq: SliCQ) -> None:
        self._synthesis = Synthesis(slicq)
        self._peak = 0.0

    def push(self, spectrogram: Spectrogram) -> None:
        """Take the next blocks."""
        for samples in self._synthesis.push(spectrogram):
            self._peak = max(self._peak, float(np.abs(samples).max(initial=0.0)))

    def finish(self) -> float:
        """The peak so far."""
        return self._peak


class NoteDecoder:
    """The streaming decoder, fed with activations instead of frames and times."""

    def __init__(self, options: DecoderOptions) -> None:
        self._decoder = Decoder(options)
        self._frames = 0

    def push(self, activations: Mapping[str, NDArray[np.float32]]) -> None:
        """Take the next frames ``pitch (frames, 540)``."""
        pitch = activations["pitch"]
        times = frames_to_seconds(np.arange(self._frames, self._frames + len(pitch)), FRAME_RATE_HZ)
        self._decoder.push(pitch, times)
        self._frames += len(pitch)

    def finish(self) -> Notes:
        """Notes of the whole recording."""
        return Notes(*self._decoder.finish())
