"""A model and recordings that cost milliseconds and whose answers are known.

:class:`ToyTranscriber` is a complete transcriber: it hears steady tones by the magnitude at their
fundamental, relative to the loudest bin of the block. :class:`ToyTrack` synthesises such tones
with partials 1–4 at amplitudes 1, 1/4, 1/9, 1/16, so only a fundamental reaches the threshold:
without fundamentals nothing is heard, without the rest everything is. The largest of a semitone's
three bins counts, so shuffling inside semitones changes nothing. ``blind=True`` hears the same
note whatever goes in.

Both are picklable by import (``tests.toys``), so they travel to workers: ``ModelSpec(TOY)``.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pi_amt.core.audio import resample
from pi_amt.core.notes import Notes
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.core.units import Floats, Samples, midi_to_hz
from pi_amt.models.transcriber import Activations, BatchedTranscriber, ModelIdentity

TOY = "tests.toys:ToyTranscriber"
RATE, HOP, BLOCK_FRAMES, WINDOW = 8_000, 160, 100, 2_048
LOWEST, PITCHES = 45, 50
AMPLITUDE = 0.3


class ToyTranscriber(BatchedTranscriber):
    """Hears the fundamentals of steady tones.

    Args:
        weights: any text; the identity of the model.
        device, precision: accepted as every model does.
        threshold: of the activity, a share of the block's loudest bin.
        blind: ignore the input.
    """

    sample_rate = RATE
    frame_rate = RATE / HOP
    micro_batch = 4
    stream_blocks = 3

    def __init__(
        self,
        weights: str | None = None,
        device: str = "auto",
        precision: str = "fp32",
        threshold: float = 0.5,
        blind: bool = False,
    ) -> None:
        self.device = torch.device("cpu")
        self.frame_threshold = threshold
        self._blind = blind
        self._frequencies = midi_to_hz(LOWEST + (np.arange(3 * PITCHES) - 1) / 3)
        times = np.arange(WINDOW) / RATE
        window = np.hanning(WINDOW)
        waves = np.exp(-2j * np.pi * times[:, None] * self._frequencies) * window[:, None]
        waves *= 2 / window.sum()
        self._kernels = np.concatenate([waves.real, waves.imag], axis=1).astype(np.float32)
        self.identity = ModelIdentity(
            name="toy",
            weights_sha256=hashlib.sha256(str(weights).encode()).hexdigest(),
            weights_label="toy",
            settings={"threshold": threshold, "blind": blind},
            precision=precision,
        )

    def stream(
        self, samples: Samples, sample_rate: int, *, tuning_cents: float = 0.0
    ) -> Iterator[Spectrogram]:
        samples = resample(samples, sample_rate, RATE)
        frames = -(-len(samples) // HOP)
        blocks = max(1, -(-frames // BLOCK_FRAMES))
        padded = np.zeros(blocks * BLOCK_FRAMES * HOP + WINDOW, dtype=np.float32)
        padded[WINDOW // 2 : WINDOW // 2 + len(samples)] = samples
        windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
        for first in range(0, blocks, self.stream_blocks):
            numbers = np.arange(first, min(first + self.stream_blocks, blocks))
            values = np.stack([self._magnitudes(windows, int(block)) for block in numbers])
            yield Spectrogram(
                values=torch.from_numpy(values),
                frequencies=self._frequencies,
                times=(numbers[:, None] * BLOCK_FRAMES + np.arange(BLOCK_FRAMES)) / self.frame_rate,
                window_seconds=np.full(3 * PITCHES, WINDOW / RATE),
                frame_rate=self.frame_rate,
                n_samples=len(samples),
                sample_rate=RATE,
                tuning_cents=tuning_cents,
                normalization=_peaks(values),
            )

    def _magnitudes(self, windows: NDArray[np.float32], block: int) -> NDArray[np.float32]:
        # not numpy's product: its bits depend on the threads that OpenBLAS has in a process
        frames = windows[block * BLOCK_FRAMES : (block + 1) * BLOCK_FRAMES]
        parts = np.einsum("fs,sk->fk", frames, self._kernels)
        return np.asarray(np.hypot(*np.split(parts, 2, axis=1)).T, dtype=np.float32)

    def network(self, values: torch.Tensor, reference: Any) -> dict[str, torch.Tensor]:
        peaks = _peaks(values.numpy()) if reference is None else reference
        activity = (values / torch.from_numpy(peaks)[:, None, None]).clamp(0, 1)
        if self._blind:
            activity = torch.zeros_like(activity)
            activity[:, 3 * 24 : 3 * 25, 10:50] = 1.0
        by_pitch = activity.reshape(-1, PITCHES, 3, BLOCK_FRAMES).amax(2)
        return {"pitch": by_pitch.transpose(1, 2)}

    def stitcher(self, n_samples: int) -> ToyStitcher:
        return ToyStitcher(-(-n_samples // HOP))

    def decoder(self) -> ToyDecoder:
        return ToyDecoder(self.frame_threshold, self.frame_rate)

    def frame_times(self, n: int, start: int = 0) -> Floats:
        return np.arange(start, start + n) / self.frame_rate

    def pitch_activity(self, activations: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        whole = np.zeros((len(activations["pitch"]), 88), dtype=np.float32)
        whole[:, LOWEST - 21 : LOWEST - 21 + PITCHES] = activations["pitch"]
        return whole


def _peaks(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(np.maximum(values.max(axis=(1, 2)), 1e-6), dtype=np.float32)


class ToyStitcher:
    """Blocks do not overlap: joined and cut at the recording's end."""

    def __init__(self, frames: int) -> None:
        self._missing = frames

    def push(self, outputs: Mapping[str, torch.Tensor]) -> Activations:
        frames = outputs["pitch"].flatten(0, 1)[: self._missing].numpy()
        self._missing -= len(frames)
        return {"pitch": frames}

    def finish(self) -> Activations:
        return {"pitch": np.zeros((0, PITCHES), dtype=np.float32)}


class ToyDecoder:
    """A note is a run of at least three frames above the threshold and above both neighbours."""

    def __init__(self, threshold: float, frame_rate: float) -> None:
        self._threshold, self._rate = threshold, frame_rate
        self._parts: list[NDArray[np.float32]] = []

    def push(self, activations: Mapping[str, NDArray[np.float32]]) -> None:
        self._parts.append(activations["pitch"])

    def finish(self) -> Notes:
        activity = np.concatenate([np.zeros((0, PITCHES), dtype=np.float32), *self._parts])
        around = np.pad(activity, ((1, 1), (1, 1)))
        peak = (activity >= around[1:-1, :-2]) & (activity > around[1:-1, 2:])
        steps = np.diff(
            np.pad(peak & (activity >= self._threshold), ((1, 1), (0, 0))).astype(int), axis=0
        )
        pitch, onset = np.nonzero(steps.T == 1)
        offset = np.nonzero(steps.T == -1)[1]
        long = offset - onset >= 3
        return Notes.from_arrays(
            onset[long] / self._rate, offset[long] / self._rate, LOWEST + pitch[long]
        )


@dataclass(frozen=True)
class ToyTrack:
    """A synthetic recording of ``seconds``: single tones of 0.45 s, chosen by ``seed``.

    Attributes:
        fault: what happens when a worker reads it: ``error`` raises ValueError, ``kill`` kills the
            worker with SIGKILL, ``kill once`` only while ``marker`` does not exist, ``error once``
            likewise; ``error notes`` concerns the notes, not the audio.
        marker: file that is made when a fault has happened, or at each read (one byte appended),
            so that tests can count what was computed.
        sleep_seconds: spent in each read.
    """

    name: str
    seed: int = 0
    seconds: float = 4.0
    fault: str = ""
    marker: Path | None = None
    sleep_seconds: float = 0.0

    @property
    def composition(self) -> str:
        return self.name

    @property
    def duration_seconds(self) -> float | None:
        return self.seconds

    def notes(self) -> Notes:
        if self.fault == "error notes":
            raise ValueError(f"{self.name}: broken on purpose")
        rng = np.random.default_rng(self.seed)
        onsets = np.arange(0.2, self.seconds - 0.6, 0.7)
        pitches = rng.choice(np.arange(60, 82), len(onsets))
        return Notes.from_arrays(onsets, onsets + 0.45, pitches.astype(float))

    def audio(self) -> tuple[Samples, int]:
        first_time = self.marker is None or not self.marker.exists()
        if self.marker is not None:
            with self.marker.open("ab") as file:
                file.write(b".")
        time.sleep(self.sleep_seconds)
        if self.fault == "kill" or (self.fault == "kill once" and first_time):
            os.kill(os.getpid(), signal.SIGKILL)
        if self.fault == "error" or (self.fault == "error once" and first_time):
            raise ValueError(f"{self.name}: broken on purpose")
        return self._synthesise(), RATE

    def _synthesise(self) -> Samples:
        times = np.arange(round(self.seconds * RATE)) / RATE
        samples = np.zeros(len(times))
        notes = self.notes()
        for f0, onset, offset in zip(notes.frequencies, notes.onsets, notes.offsets, strict=True):
            sounding = (times >= onset) & (times < offset)
            for k in range(1, 5):
                samples[sounding] += AMPLITUDE / k**2 * np.sin(2 * np.pi * k * f0 * times[sounding])
        return samples.astype(np.float32)

    def fingerprint(self) -> str:
        return hashlib.sha256(f"{self.seed} {self.seconds}".encode()).hexdigest()

    def stamp(self) -> str:
        return f"toy {self.name} {self.seed} {self.seconds}"


def toy_tracks(count: int, seconds: float = 4.0) -> list[ToyTrack]:
    """So many different healthy recordings."""
    return [ToyTrack(f"toy_{i:03d}", seed=i, seconds=seconds) for i in range(count)]


def toy_dataset(
    count: int = 3, seconds: float = 4.0, sleep_seconds: float = 0.0, broken: int = 0
) -> list[ToyTrack]:
    """For configs: so many healthy tracks, then so many broken ones."""
    healthy = [replace(t, sleep_seconds=sleep_seconds) for t in toy_tracks(count, seconds)]
    return healthy + [ToyTrack(f"zz_broken_{i}", fault="error") for i in range(broken)]


def write_toy_configs(folder: Path) -> Path:
    """A user's config folder (``--config-dir``) with ``model=toy dataset=toy``; returns it."""
    nodes = {
        "model": {"name": TOY, "threshold": 0.5, "blind": False, "weights": None},
        "dataset": {
            "_target_": "tests.toys.toy_dataset",
            **{"count": 3, "seconds": 4.0, "sleep_seconds": 0.0, "broken": 0},
        },
    }
    for group, node in nodes.items():
        (folder / group).mkdir(parents=True, exist_ok=True)
        (folder / group / "toy.yaml").write_text(json.dumps(node))  # JSON is YAML
    return folder


def transcribe(samples: Samples, sample_rate: int) -> Notes:
    """The toy model as a function, of which nothing is known but its notes."""
    return ToyTranscriber().transcribe(samples, sample_rate)
