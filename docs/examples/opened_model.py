"""A torch model that was written for something else, opened at its spectrogram."""

from __future__ import annotations

import numpy as np
import torch
from toy_models import HOP, PITCHES, RATE

from pi_amt import Notes, OpenedProgram, Opening, log_scale, midi_to_hz

WINDOW = 2048
FIRST, LAST = 90, 320  # bins of the Fourier transform


class LogSpectrogram(torch.nn.Module):
    """log10(1 + magnitude), ``(blocks, 1, bins, frames)``."""

    def forward(self, sound: torch.Tensor) -> torch.Tensor:
        window = torch.hann_window(WINDOW)
        found = torch.stft(sound, WINDOW, HOP, window=window, return_complex=True)
        return torch.log10(1 + found[:, None, FIRST:LAST].abs())


class SomebodysNetwork(torch.nn.Module):
    """Hears a note where its fundamental is."""

    def __init__(self) -> None:
        super().__init__()
        self.front_end = LogSpectrogram()
        bins = np.rint(midi_to_hz(PITCHES) * WINDOW / RATE).astype(int)
        self.bins = torch.nn.Buffer(torch.from_numpy(bins - FIRST))

    def forward(self, sound: torch.Tensor) -> torch.Tensor:
        return self.front_end(sound)[:, 0, self.bins]


def transcribe(samples: np.ndarray) -> Notes:
    """Its program: samples → notes."""
    activity = net(torch.from_numpy(samples)[None])[0].numpy()
    sounding = np.pad(activity > 1.4, ((0, 0), (1, 1))).astype(int)
    pitch, onset = np.nonzero(np.diff(sounding) == 1)
    offset = np.nonzero(np.diff(sounding) == -1)[1]
    return Notes.from_arrays(onset * HOP / RATE, offset * HOP / RATE, PITCHES[pitch])


net = SomebodysNetwork()


def opened() -> OpenedProgram:
    """The same model, opened."""
    opening = Opening(
        net,
        "front_end",
        axes="b1ft",
        frequencies=np.arange(FIRST, LAST) * RATE / WINDOW,
        window_seconds=WINDOW / RATE,
        frame_rate=RATE / HOP,
        scale=log_scale(1.0, base=10.0),
    )
    return OpenedProgram(opening, transcribe, name="somebodys", sample_rate=RATE)
