"""The transcriber of ``harmonic_sum.py``, opened for pi_amt at its spectrum."""

import numpy as np
from harmonic_sum import HOP, RATE, WINDOW, find_notes, model

from pi_amt import Notes, OpenedProgram, Opening, log_scale


def transcribe(samples: np.ndarray) -> Notes:
    """Samples → notes."""
    return Notes.from_arrays(*find_notes(samples))


def opened() -> OpenedProgram:
    """What pi_amt studies."""
    spectrum = Opening(
        model,
        "spectrum",  # the module that gives the spectrogram: model.spectrum
        axes="bft",  # its dimensions: batch, frequencies, times
        frequencies=np.arange(1, WINDOW // 2 + 1) * RATE / WINDOW,  # of its bins, Hz
        window_seconds=WINDOW / RATE,
        frame_rate=RATE / HOP,
        scale=log_scale(1.0),  # it gives log(1 + magnitude)
    )
    return OpenedProgram(spectrum, transcribe, name="harmonic_sum", sample_rate=RATE)
