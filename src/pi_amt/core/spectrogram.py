"""The one object that models and permutations share.

A model's front end makes a :class:`Spectrogram`, a permutation turns it into another one, and the
rest of the model reads it. All geometry (bin frequencies, frame times, window lengths) travels
with the values, so a permutation knows nothing of any particular model.

Values are *linear*: CQT magnitudes (real) or sliCQ coefficients (complex). Logarithm and
normalisation belong to the network's side, because "attenuate by 20 dB" or "silence" mean the
same in every model only here.

A front end that looks at one moment several times (with windows of several lengths, say) keeps the
results as channels. A permutation touches the same bins and frames in all of them, and what it
draws for a bin and a frame holds for all channels. Channels have the same bins: a harmonic CQT
whose channels have frequencies of their own does not fit in, and is better made inside the network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pi_amt.core.notes import REGISTERS
from pi_amt.core.units import Floats, seconds_to_frames

Values = NDArray[Any] | torch.Tensor

#: whether a model's normalisation stays that of the clean input (``Spectrogram.normalization``)
NORMALIZATIONS = ("frozen", "model")
#: longer windows are taken for windows in samples
LONGEST_WINDOW_SECONDS = 60.0
#: names of the consistency residuals in dB, what no sound can keep of a spectrogram: of everything,
#: then of each register
RESIDUALS = ("residual_db", *(f"residual_db_{register}" for register in REGISTERS))


@dataclass(frozen=True, eq=False)
class Spectrogram:
    """Time–frequency input of a model: some or all blocks of one recording.

    Attributes:
        values: ``(blocks, bins, frames)``, or with channels ``(blocks, channels, bins, frames)``:
            linear magnitude (float32) or complex coefficients (complex64); a numpy array, or a
            torch tensor on the model's device inside a study.
        frequencies: ``(bins,)`` centre frequencies, Hz, ascending.
        times: ``(blocks, frames)`` frame centres, seconds from the start of the recording.
        window_seconds: ``(bins,)`` length of the analysis window of each bin, seconds.
        frame_rate: frames per second; ``round(time * frame_rate)`` numbers frames absolutely.
        n_samples: length of the whole recording in samples of ``sample_rate``.
        sample_rate: of the model's front end, Hz.
        tuning_cents: deviation of the recording from A4 = 440 Hz, cents in [−50, 50].
        normalization: ``(blocks, …)`` by what the model normalises each block, as measured on the
            clean input; never changed by a permutation. ``None``: the model measures it anew, or
            does not normalise.
        probe: what the model is to leave out inside, ``(name, number)``; ``None``: nothing.
        response: how the front end hears a steady tone, where it knows: a function of frequencies
            ``(tones,)`` in Hz that returns the power ``(tones, bins)`` which a tone of amplitude 1
            has in every bin. A mask then reaches as far as a tone does. ``None``: its width follows
            from ``frequencies`` and ``window_seconds``.
        linear_input: ``True``: the network hears the values themselves; ``False``: it hears their
            logarithm, or this is not known; ``None``: networks of both kinds may hear it. How much
            noise a ratio mask leaves in the bins from which it removes a partial depends on it
            (:mod:`pi_amt.permutations.partial_powers`).

    Raises:
        ValueError: if shapes do not fit to each other, frequencies do not ascend, or frequencies,
            window lengths or rates are not above 0.
    """

    values: Values
    frequencies: Floats
    times: Floats
    window_seconds: Floats
    frame_rate: float
    n_samples: int
    sample_rate: int
    tuning_cents: float = 0.0
    normalization: NDArray[Any] | None = None
    probe: tuple[str, int] | None = None
    response: Callable[[Floats], Floats] | None = None
    linear_input: bool | None = False

    def __post_init__(self) -> None:
        if len(self.values.shape) not in (3, 4):
            raise ValueError(
                f"values: got shape {tuple(self.values.shape)}, expected (blocks, bins, frames), "
                "or with channels (blocks, channels, bins, frames)"
            )
        blocks, bins, frames = self.grid
        expected = {"frequencies": (bins,), "times": (blocks, frames), "window_seconds": (bins,)}
        for name, shape in expected.items():
            got = getattr(self, name).shape
            if got != shape:
                raise ValueError(f"{name}: got shape {got}, expected {shape} from values")
        hz = self.frequencies
        if not (np.isfinite(hz).all() and (hz > 0).all() and (np.diff(hz) > 0).all()):
            raise ValueError(
                "frequencies: got some that do not ascend, expected Hz above 0, ascending"
            )
        windows = self.window_seconds
        if not ((windows > 0) & (windows <= LONGEST_WINDOW_SECONDS)).all():
            raise ValueError(
                f"window_seconds: got {windows.min():g} to {windows.max():g}, expected seconds per "
                f"bin, above 0 and up to {LONGEST_WINDOW_SECONDS:g} (samples / sample_rate)"
            )
        if not (self.frame_rate > 0 and self.sample_rate > 0):
            raise ValueError(
                f"got frame_rate {self.frame_rate} and sample_rate {self.sample_rate}, "
                "expected both above 0"
            )

    def __repr__(self) -> str:
        shape = " × ".join(map(str, self.values.shape))
        axes = "blocks × bins × frames"
        if len(self.values.shape) == 4:
            axes = "blocks × channels × bins × frames"
        kind = str(self.values.dtype).removeprefix("torch.")
        return (
            f"Spectrogram({shape} {axes} of {kind}, {self.frequencies[0]:.4g} to "
            f"{self.frequencies[-1]:.4g} Hz, {self.frame_rate:.4g} frames/s, recording of "
            f"{self.n_samples / self.sample_rate:.1f} s)"
        )

    @property
    def grid(self) -> tuple[int, int, int]:
        """``(blocks, bins, frames)``: the shape of masks, which hold for all channels."""
        blocks, *_, bins, frames = self.values.shape
        return blocks, bins, frames

    @property
    def channels(self) -> list[Spectrogram]:
        """Every channel as a spectrogram of its own (views); without channels, this one."""
        if len(self.values.shape) == 3:
            return [self]
        return [replace(self, values=self.values[:, i]) for i in range(self.values.shape[1])]

    def over_channels(self, grid: torch.Tensor) -> torch.Tensor:
        """A view of a ``grid (blocks, n, frames)`` that broadcasts against the values, whether they
        have channels or not."""
        return grid if len(self.values.shape) == 3 else grid[:, None]

    @property
    def frame_numbers(self) -> NDArray[np.int64]:
        """``(blocks, frames)`` absolute frame numbers, equal wherever two blocks overlap."""
        return seconds_to_frames(self.times, self.frame_rate)

    @property
    def tensor(self) -> torch.Tensor:
        """The values as a torch tensor (shares memory with a numpy array)."""
        return torch.as_tensor(self.values)

    def with_values(self, values: Values) -> Spectrogram:
        """The same recording with other values, in the array type that this one holds."""
        if isinstance(self.values, np.ndarray) and isinstance(values, torch.Tensor):
            values = values.cpu().numpy()
        return replace(self, values=values)

    def without_blocks(self) -> Spectrogram:
        """The geometry alone, which holds none of the values in memory."""
        return self.block_slice(0, 0).with_values(self.tensor[:0].clone())

    def block_slice(self, start: int, stop: int) -> Spectrogram:
        """Blocks ``start`` to ``stop`` of this spectrogram (views, no copies)."""
        part = slice(start, stop)
        normalization = None if self.normalization is None else self.normalization[part]
        return replace(
            self, values=self.values[part], times=self.times[part], normalization=normalization
        )


def moved(values: Values, device: torch.device) -> torch.Tensor:
    """Values of the host as a tensor on a device: on a CPU the same memory; to a GPU through pinned
    memory, so that neither waits for the other."""
    tensor = torch.as_tensor(values)
    if device.type != "cuda" or tensor.device.type != "cpu":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


def concatenate(parts: Sequence[Spectrogram]) -> Spectrogram:
    """Join consecutive parts of one recording along the block axis; the result holds numpy arrays.

    Raises:
        ValueError: if there is no part.
    """
    if not parts:
        raise ValueError("got no spectrogram to join, expected at least one")
    carried = [part.normalization for part in parts if part.normalization is not None]
    return replace(
        parts[0],
        values=np.concatenate([part.tensor.cpu().numpy() for part in parts]),
        times=np.concatenate([part.times for part in parts]),
        normalization=np.concatenate(carried) if carried else None,
    )
