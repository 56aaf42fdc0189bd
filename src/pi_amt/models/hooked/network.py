"""A network from blocks of samples to activations, opened at its spectrogram."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pi_amt.core.audio import resample
from pi_amt.core.contents import is_sent_whole
from pi_amt.core.notes import Notes
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.core.units import Floats, Samples, frames_to_seconds
from pi_amt.models.devices import map_on_threads
from pi_amt.models.hooked.opening import Opening
from pi_amt.models.transcriber import (
    Activations,
    BatchedTranscriber,
    FrameStitcher,
    ModelIdentity,
)


class OpenedNetwork(BatchedTranscriber):
    """A network from blocks of samples to activations, opened at its spectrogram.

    Blocks overlap by twice ``margin_frames``; what the network says of a block's margins is left to
    its neighbours. The network is one whose blocks know nothing of each other.

    Args:
        opening: where its spectrogram is. Its frames stand on multiples of the hop, the first one
            at ``first_seconds`` of the block.
        network: samples ``(blocks, samples)`` → activations by name, ``(blocks, frames, …)`` with
            the spectrogram's frames.
        decode: activations of a recording, ``(frames, …)`` by name → notes.
        pitch_activity: activations → ``(frames, 88)`` in [0, 1], for frame-level scores.
        name: in rows and tables.
        sample_rate: of the network, Hz.
        block_frames: length of a block.
        margin_frames: at both ends of a block.
        first_seconds: time of a block's first frame after its first sample.
        frame_threshold: on the pitch activity.
        label: of the weights, for people.
        settings: options that change a result.
        fingerprint: a text that changes with the model, where its functions or what they hold
            cannot be read.
    """

    def __init__(
        self,
        opening: Opening,
        network: Callable[[torch.Tensor], Mapping[str, torch.Tensor]],
        decode: Callable[[Activations], Notes],
        pitch_activity: Callable[[Mapping[str, NDArray[Any]]], NDArray[np.float32]],
        *,
        name: str,
        sample_rate: int,
        block_frames: int,
        margin_frames: int = 0,
        first_seconds: float = 0.0,
        frame_threshold: float = 0.5,
        label: str = "user model",
        settings: Mapping[str, Any] | None = None,
        fingerprint: str | None = None,
    ) -> None:
        hop = sample_rate / opening.frame_rate
        if abs(hop - round(hop)) > 1e-6:
            raise ValueError(
                f"frame_rate: got {opening.frame_rate:g} at {sample_rate} Hz, expected a whole "
                "number of samples from frame to frame"
            )
        if not 0 <= 2 * margin_frames < block_frames:
            raise ValueError(
                f"got margin_frames {margin_frames} of block_frames {block_frames}, expected less "
                "than half of it"
            )
        self.sample_rate, self.frame_rate = sample_rate, opening.frame_rate
        self.core_frames = slice(margin_frames, block_frames - margin_frames)
        self.frame_threshold = frame_threshold
        about = {"block_frames": block_frames, "margin_frames": margin_frames}
        self._identified = partial(
            opening.identity,
            name,
            label,
            about | dict(settings or {}),
            (network, decode, pitch_activity),
            (sample_rate, first_seconds, frame_threshold),
            fingerprint,
        )
        self.identity = self._identified()
        weights = next(opening.network.parameters(), next(opening.network.buffers(), None))
        self.device = torch.device("cpu") if weights is None else weights.device
        self._opening, self._network, self._decode = opening, network, decode
        self._activity, self._hop = pitch_activity, round(hop)
        self._block, self._margin, self._first = block_frames, margin_frames, first_seconds
        self._step = block_frames - 2 * margin_frames

    def identity_here(self) -> ModelIdentity:
        """The identity as this process reads it; see the base class."""
        return self.identity if is_sent_whole(self._network) else self._identified()

    def resampled(self, samples: Samples, sample_rate: int) -> tuple[Samples, int]:
        """Audio at the network's rate; see the base class."""
        return resample(samples, sample_rate, self.sample_rate), self.sample_rate

    def stream(
        self, samples: Samples, sample_rate: int, *, tuning_cents: float = 0.0
    ) -> Iterator[Spectrogram]:
        """Audio → spectrograms of ``stream_blocks`` blocks; see the base class."""
        samples = resample(samples, sample_rate, self.sample_rate)
        blocks, margin = self._blocks(samples), self._margin
        for first in range(0, len(blocks), self.stream_blocks):
            part = blocks[first : first + self.stream_blocks]
            numbers = np.arange(first, first + len(part))
            starts = (numbers * self._step - margin) / self.frame_rate + self._first
            values = self._heard(part)
            missing = self._block - values.shape[-1]
            if missing > margin:  # all later frames would stand too early
                raise ValueError(
                    f"margin_frames: got {margin} for blocks of {self._block} frames, of which the "
                    f"module gives {values.shape[-1]}, expected at least {missing}"
                )
            yield self._opening.spectrogram(
                values, starts, len(samples), self.sample_rate, tuning_cents
            )

    def _blocks(self, samples: Samples) -> NDArray[np.float32]:
        """``(blocks, samples)`` of a recording, padded at its ends; not to be written to."""
        count = -(-self._frames(len(samples)) // self._step)
        length = (count * self._step + 2 * self._margin) * self._hop
        padded = np.zeros(length, dtype=np.float32)
        padded[self._margin * self._hop :][: len(samples)] = samples
        blocks = np.lib.stride_tricks.sliding_window_view(padded, self._block * self._hop)
        return blocks[:: self._step * self._hop][:count]

    def own_notes(self, samples: Samples, sample_rate: int) -> Notes:
        """The notes of the network by itself, without its opening."""
        samples = resample(samples, sample_rate, self.sample_rate)
        stitcher, decoder = self.stitcher(len(samples)), self.decoder()
        for block in self._blocks(samples):
            with torch.no_grad():
                outputs = self._network(torch.from_numpy(block[None].copy()).to(self.device))
            kept = {name: output[:, self.core_frames] for name, output in outputs.items()}
            decoder.push(stitcher.push(kept))
        decoder.push(stitcher.finish())
        return decoder.finish()

    def _heard(self, blocks: NDArray[np.float32]) -> torch.Tensor:
        """What the front end makes of blocks, in batches of one fixed size."""

        def hear(start: int) -> torch.Tensor:
            batch = np.zeros((self.micro_batch, blocks.shape[1]), dtype=np.float32)
            part = blocks[start : start + self.micro_batch]
            batch[: len(part)] = part
            sound = torch.from_numpy(batch).to(self.device)
            return self._opening.hear(lambda: self._network(sound), first_only=True)[0]

        parts = map_on_threads(hear, range(0, len(blocks), self.micro_batch), self.device)
        return torch.cat(parts)[: len(blocks)]

    def network(self, values: torch.Tensor, reference: Any) -> dict[str, torch.Tensor]:
        """Values of some blocks → the network's activations of their kept frames."""
        silence = torch.zeros(len(values), self._block * self._hop, device=self.device)
        outputs = self._opening.put(lambda: self._network(silence), values)
        if not isinstance(outputs, Mapping):
            raise TypeError(
                f"network: got {type(outputs).__name__}, expected activations by name, such as "
                '{"pitch": tensor}: put a function around it that returns them'
            )
        for name, output in outputs.items():
            if not isinstance(output, torch.Tensor):
                raise TypeError(
                    f"network: got {type(output).__name__} as {name!r}, expected a tensor (blocks, "
                    "frames, …): leave out what is none"
                )
            if output.shape[:2] != (len(values), values.shape[-1]):
                raise ValueError(
                    f"network: got {name!r} of shape {tuple(output.shape)}, expected (blocks, "
                    f"frames, …) with {len(values)} blocks and {values.shape[-1]} frames"
                )
        return {name: output[:, self.core_frames] for name, output in outputs.items()}

    def stitcher(self, n_samples: int) -> FrameStitcher:
        """Joins the kept frames of blocks and ends with the recording."""
        return FrameStitcher(self._frames(n_samples))

    def decoder(self) -> _Collected:
        """Collects the activations of a recording for ``decode``."""
        return _Collected(self._decode)

    def frame_times(self, n: int, start: int = 0) -> Floats:
        """Times ``(n,)`` of frames from number ``start`` on; see the base class."""
        return self._first + frames_to_seconds(np.arange(start, start + n), self.frame_rate)

    def pitch_activity(self, activations: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """As given; see the base class."""
        return self._activity(activations)

    def _frames(self, n_samples: int) -> int:
        return max(1, -(-n_samples // self._hop))


class _Collected:
    def __init__(self, decode: Callable[[Activations], Notes]) -> None:
        self._decode = decode
        self._parts: list[Mapping[str, NDArray[np.float32]]] = []

    def push(self, activations: Mapping[str, NDArray[np.float32]]) -> None:
        self._parts.append(activations)

    def finish(self) -> Notes:
        parts = self._parts
        return self._decode({n: np.concatenate([part[n] for part in parts]) for n in parts[0]})
