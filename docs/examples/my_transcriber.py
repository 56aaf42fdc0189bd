"""A transcriber that hears the loudest tone of each moment: a function, and a program."""

import sys
from pathlib import Path

import numpy as np

from pi_amt import Notes, read_audio, write_midi


def transcribe(samples: np.ndarray, sample_rate: int) -> Notes:
    """The loudest key of every 50 ms; a note lasts as long as it stays."""
    hop, window = sample_rate // 20, sample_rate // 5
    middles = np.arange(0, max(len(samples), 1), hop)
    padded = np.pad(samples, (window // 2, window))  # so that windows begin at these places
    spectra = [np.abs(np.fft.rfft(padded[m : m + window] * np.hanning(window))) for m in middles]
    loudest = np.argmax(spectra, axis=1) * sample_rate / window
    keys = np.rint(69 + 12 * np.log2(np.maximum(loudest, 20.0) / 440)).clip(21, 108)
    new = np.flatnonzero(np.diff(keys, prepend=0))
    times = np.append(middles, len(samples)) / sample_rate
    return Notes.from_arrays(times[new], times[np.append(new[1:], len(middles))], keys[new])


if __name__ == "__main__":
    wav, mid = map(Path, sys.argv[1:])
    write_midi(transcribe(*read_audio(wav)), mid)
