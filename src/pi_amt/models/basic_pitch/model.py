"""Basic Pitch as a :class:`~pi_amt.models.transcriber.BatchedTranscriber`."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from pi_amt.core.audio import resample
from pi_amt.core.checks import check_choice, check_count, check_range
from pi_amt.core.spectrogram import NORMALIZATIONS, Spectrogram, moved
from pi_amt.core.units import Floats, Samples
from pi_amt.models.basic_pitch.decoder import DecoderOptions, NoteDecoder
from pi_amt.models.basic_pitch.frontend import ConstantQ, Q, bin_frequencies
from pi_amt.models.basic_pitch.network import BasicPitchNetwork, window_range
from pi_amt.models.basic_pitch.rearrange import HARMONICS, WEIGHT_SHAPES
from pi_amt.models.basic_pitch.windows import (
    HOP,
    KEPT_FRAMES,
    SAMPLE_RATE,
    TRIMMED_FRAMES,
    TRIMS,
    cut_windows,
    frame_times,
    n_frames,
    n_windows,
    window_times,
)
from pi_amt.models.devices import check_precision, map_on_threads, pick_device
from pi_amt.models.transcriber import BatchedTranscriber, FrameStitcher, ModelIdentity

PUBLISHED_WEIGHTS = Path(__file__).with_name("basic_pitch.safetensors")


class BasicPitch(BatchedTranscriber):
    """Basic Pitch, opened up at its constant-Q magnitudes.

    Activations: ``note`` and ``onset`` ``(frames, 88)``, ``contour`` ``(frames, 264)``.

    Args:
        weights: safetensors file, or ``None`` for the published weights in the package.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        precision: ``fp32``, or ``bf16`` for the network's convolutions.
        trim: ``full`` transcribes to the end, ``published`` drops the last 0.67 % of a recording,
            as basic-pitch 0.4.0 on PyPI does (its repository has mended this since).
        normalization: ``frozen`` scales every window by its clean minimum and maximum, ``model``
            by those of what it is given.
        frame_mapping: ``published`` or ``exact`` times of notes.
        onset_threshold: least onset activation of a note, in (0, 1].
        frame_threshold: least note activation of a sounding note, in (0, 1].
        minimum_note_ms: shortest note, milliseconds (rounded to frames).
        melodia_trick: whether to look for notes without an onset.
        energy_tolerance_frames: frames below ``frame_threshold`` that end a note.
        ablate_channels: channels 0–7 of the harmonic stack (harmonics ½, 1 … 7) set to zero.

    Raises:
        ValueError: for an option outside its range, or weights of another shape.
        FileNotFoundError: if there is no such weights file.

    Source: Bittner, Bosch, Rubinstein, Meseguer-Brocal, Ewert, "A lightweight
    instrument-agnostic model for polyphonic note transcription and multipitch estimation",
    ICASSP 2022.
    """

    sample_rate = SAMPLE_RATE
    frame_rate = SAMPLE_RATE / HOP
    core_frames = slice(TRIMMED_FRAMES, TRIMMED_FRAMES + KEPT_FRAMES)
    # windows of more than 1.3 s do not fit into blocks of 2 s: their ends are reflected
    steady_from = 27.0
    probes = ("harmonic_channel",)

    def __init__(
        self,
        weights: str | Path | None = None,
        *,
        device: str = "auto",
        precision: str = "fp32",
        trim: str = "full",
        normalization: str = "frozen",
        frame_mapping: str = "published",
        onset_threshold: float = 0.5,
        frame_threshold: float = 0.3,
        minimum_note_ms: float = 127.7,
        melodia_trick: bool = True,
        energy_tolerance_frames: int = 11,
        ablate_channels: tuple[int, ...] = (),
    ) -> None:
        check_precision(precision)
        check_choice("trim", trim, TRIMS)
        check_choice("normalization", normalization, NORMALIZATIONS)
        check_range("minimum_note_ms", minimum_note_ms, 0, 1e6, "ms")
        self._ablated = _channels(ablate_channels)
        settings = {
            "trim": trim,
            "normalization": normalization,
            "frame_mapping": frame_mapping,
            "onset_threshold": onset_threshold,
            "frame_threshold": frame_threshold,
            "minimum_note_ms": minimum_note_ms,
            "melodia_trick": melodia_trick,
            "energy_tolerance_frames": energy_tolerance_frames,
            "ablate_channels": list(self._ablated),
        }
        self.device = pick_device(device)
        self.frame_threshold = frame_threshold
        self._trim, self._normalization = trim, normalization
        self._options = DecoderOptions(
            onset_threshold=onset_threshold,
            frame_threshold=frame_threshold,
            minimum_frames=round(minimum_note_ms / 1000 * self.frame_rate),
            energy_tolerance_frames=energy_tolerance_frames,
            melodia_trick=melodia_trick,
            frame_mapping=frame_mapping,
        )
        path = PUBLISHED_WEIGHTS if weights is None else Path(weights).expanduser()
        self._arrays, label = _read_weights(path)
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        self.identity = ModelIdentity("basic_pitch", sha256, label, settings, precision)
        self._front_end = ConstantQ(self.device)
        self._frequencies = bin_frequencies()
        self._network = BasicPitchNetwork(self._arrays, self.device, precision, self._ablated)
        self._probed: dict[int, BasicPitch] = {}
        # measured: larger batches gain nothing on a CPU core and only fill the last one in vain
        on_gpu = self.device.type == "cuda"
        self.micro_batch, self._front_end_batch = (64, 32) if on_gpu else (2, 4)
        self.stream_blocks = 32 if on_gpu else 8

    def resampled(self, samples: Samples, sample_rate: int) -> tuple[Samples, int]:
        """Audio at 22,050 Hz; see the base class."""
        return resample(samples, sample_rate, SAMPLE_RATE), SAMPLE_RATE

    def stream(
        self, samples: Samples, sample_rate: int, *, tuning_cents: float = 0.0
    ) -> Iterator[Spectrogram]:
        """Audio → spectrograms of ``stream_blocks`` windows; see the base class.

        Raises:
            ValueError: if ``samples`` is empty or not one-dimensional.
        """
        if samples.ndim != 1 or not len(samples):
            raise ValueError(f"samples: got shape {samples.shape}, expected (samples,), not empty")
        samples = resample(samples, sample_rate, SAMPLE_RATE)
        if not len(samples):  # a sample or two of a high rate
            samples = np.zeros(1, dtype=np.float32)
        total = n_windows(len(samples), self._trim)
        for first in range(0, total, self.stream_blocks):
            count = min(self.stream_blocks, total - first)
            values, ranges = self._transform(cut_windows(samples, first, count))
            yield Spectrogram(
                values=values,
                frequencies=self._frequencies,
                times=window_times(first, count),
                window_seconds=Q / self._frequencies,
                frame_rate=self.frame_rate,
                n_samples=len(samples),
                sample_rate=SAMPLE_RATE,
                tuning_cents=tuning_cents,
                normalization=ranges if self._normalization == "frozen" else None,
            )

    def _transform(self, windows: NDArray[np.float32]) -> tuple[torch.Tensor, NDArray[np.float32]]:
        """Magnitudes and clean ranges of windows, in batches of one fixed size."""
        size, total = self._front_end_batch, len(windows)
        missing = -total % size
        padded = np.pad(windows, ((0, missing), (0, 0)))

        def transform(start: int) -> tuple[torch.Tensor, torch.Tensor]:
            batch = moved(padded[start : start + size], self.device)
            magnitudes = self._front_end(batch)
            return magnitudes, window_range(magnitudes)

        parts = map_on_threads(transform, range(0, len(padded), size), self.device)
        values, ranges = (torch.cat(part)[:total] for part in zip(*parts, strict=True))
        return values, ranges.cpu().numpy()

    def network(self, values: torch.Tensor, reference: Any) -> dict[str, torch.Tensor]:
        """Magnitudes ``(windows, 309, 172)`` → activations of the 142 kept frames."""
        ranges = None if reference is None else torch.as_tensor(reference, device=self.device)
        return self._network(values.to(self.device), ranges)

    def probed(self, probe: str, number: int) -> BasicPitch:
        """The model with channel ``number`` of its harmonic stack set to zero, too."""
        if probe not in self.probes:
            super().probed(probe, number)
        if number not in self._probed:
            self._probed[number] = model = copy(self)
            ablated = tuple(sorted({*self._ablated, number}))
            precision = self.identity.precision
            model._network = BasicPitchNetwork(self._arrays, self.device, precision, ablated)
        return self._probed[number]

    def stitcher(self, n_samples: int) -> FrameStitcher:
        """A fresh stitcher for a recording of ``n_samples`` samples at 22,050 Hz."""
        return FrameStitcher(n_frames(n_samples, self._trim))

    def decoder(self) -> NoteDecoder:
        """A fresh decoder with this model's thresholds."""
        return NoteDecoder(self._options)

    def frame_times(self, n: int, start: int = 0) -> Floats:
        """Exact times ``(n,)`` in seconds of frames ``start``, ``start + 1`` …"""
        return frame_times(n, start)

    def pitch_activity(self, activations: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """The note activation ``(frames, 88)``."""
        return np.asarray(activations["note"], dtype=np.float32)


def _channels(numbers: Collection[int]) -> tuple[int, ...]:
    """Channels of the harmonic stack, sorted, each once."""
    if not isinstance(numbers, Collection):
        raise ValueError(f"ablate_channels: got {numbers!r}, expected a list of numbers 0 to 7")
    for number in numbers:
        check_count("ablate_channels", number, 0, len(HARMONICS) - 1)
    return tuple(sorted(set(numbers)))


def _read_weights(path: Path) -> tuple[dict[str, torch.Tensor], str]:
    """Arrays of a weights file and the label in its metadata (its name where there is none)."""
    if not path.is_file():
        raise FileNotFoundError(f"weights: there is no file {path}, expected a safetensors file")
    try:
        with safe_open(path, framework="pt") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            metadata = file.metadata() or {}
    except SafetensorError as error:
        raise ValueError(f"weights: got {path}, expected a safetensors file ({error})") from None
    for name, shape in WEIGHT_SHAPES.items():
        got = tuple(arrays[name].shape) if name in arrays else "nothing"
        if got != shape:
            raise ValueError(f"weights: got {path} with {name} {got}, expected shape {shape}")
    return arrays, metadata.get("label", path.name)
