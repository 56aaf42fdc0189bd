"""Toy models that read one thing only, and what the study says about them.

``python docs/examples/toy_models.py`` prints drops and excess drops of each (ten seconds).
"""

from __future__ import annotations

import numpy as np

import pi_amt
from pi_amt import Notes, Spectrogram, midi_to_hz

RATE, HOP, Q = 22050, 256, 51.4
PITCHES = np.arange(84, 92)  # C6 to G6
PARTIALS = range(1, 7)
AMPLITUDE = 0.1


class ToyModel:
    """Hears a note where all the partials that it reads are present. Three methods are a model.

    Args:
        reads: partial numbers; none: the model ignores its input.
    """

    def __init__(self, reads: tuple[int, ...] = (1,)) -> None:
        self.reads = tuple(reads)
        self.frequencies = midi_to_hz(np.arange(80, 124, 1 / 3))
        self.windows = Q / self.frequencies  # seconds

    def analyze(self, samples: np.ndarray, sample_rate: int) -> Spectrogram:
        """Constant-Q magnitudes: three bins a semitone, a Hann window of Q periods each."""
        if sample_rate != RATE:
            raise ValueError(f"got {sample_rate} Hz, expected {RATE}")
        frames = np.arange(0, len(samples), HOP)
        longest = round(self.windows[0] * RATE / 2)
        padded = np.pad(samples, longest)
        values = np.empty((1, len(self.frequencies), len(frames)), np.float32)
        for i, (f, window) in enumerate(zip(self.frequencies, self.windows, strict=True)):
            half = round(window * RATE / 2)
            t = np.arange(-half, half + 1)
            kernel = np.hanning(len(t)) * np.exp(-2j * np.pi * f / RATE * t)
            start = longest - half
            cut = np.lib.stride_tricks.sliding_window_view(padded[start:], len(t))[::HOP]
            values[0, i] = np.abs(cut[: len(frames)] @ kernel) * 2 / np.hanning(len(t)).sum()
        return Spectrogram(
            values=values,
            frequencies=self.frequencies,
            times=frames[None] / RATE,
            window_seconds=self.windows,
            frame_rate=RATE / HOP,
            n_samples=len(samples),
            sample_rate=RATE,
        )

    def activations(self, spectrogram: Spectrogram) -> dict[str, np.ndarray]:
        """``pitch (frames, pitches)``: the weakest partial that it reads, 1 = full level."""
        values = np.asarray(spectrogram.values)[0]
        if not self.reads:
            rhythm = (spectrogram.times[0] - 0.25) % 0.5 < 0.35
            return {"pitch": np.outer(rhythm, np.arange(len(PITCHES)) == 0).astype(float)}
        partials = midi_to_hz(PITCHES) * np.array(self.reads)[:, None]
        bins = np.abs(np.log(self.frequencies[:, None, None] / partials)).argmin(axis=0)
        return {"pitch": values[bins].min(axis=0).T / AMPLITUDE}

    def decode(self, activations: dict[str, np.ndarray]) -> Notes:
        """A note is a run of at least 10 frames above a half."""
        sounding = np.pad(activations["pitch"] > 0.5, ((1, 1), (0, 0))).astype(int)
        steps = np.diff(sounding, axis=0).T
        pitch, onset = np.nonzero(steps == 1)
        offset = np.nonzero(steps == -1)[1]
        long = offset - onset >= 10
        return Notes.from_arrays(
            onset[long] * HOP / RATE, offset[long] * HOP / RATE, PITCHES[pitch[long]]
        )


class ToyTrack:
    """Ten single tones with six partials of one level. Four members are a recording."""

    def __init__(self, number: int) -> None:
        self.number, self.name, self.composition = number, f"toy_{number}", f"toy_{number}"
        self.duration_seconds = 5.5

    def notes(self) -> Notes:
        """The tones that were synthesised."""
        onsets = 0.25 + 0.5 * np.arange(10)
        pitches = np.random.default_rng(self.number).choice(PITCHES, 10)
        return Notes.from_arrays(onsets, onsets + 0.35, pitches)

    def audio(self) -> tuple[np.ndarray, int]:
        """Mono samples and their rate."""
        t = np.arange(round(self.duration_seconds * RATE)) / RATE
        samples = np.zeros(len(t))
        notes = self.notes()
        for f0, onset, offset in zip(notes.frequencies, notes.onsets, notes.offsets, strict=True):
            fade = np.clip(np.minimum(t - onset, offset - t) / 0.005, 0, 1)
            samples += sum(AMPLITUDE * fade * np.sin(2 * np.pi * k * f0 * t) for k in PARTIALS)
        return samples.astype(np.float32), RATE

    def fingerprint(self) -> str:
        """What identifies the data in the results store."""
        return self.name

    stamp = fingerprint


def dataset() -> list[ToyTrack]:
    """Eight recordings."""
    return [ToyTrack(number) for number in range(8)]


MODELS = {
    "fundamental only": ToyModel((1,)),
    "harmonics 2 to 4": ToyModel((2, 3, 4)),
    "above 4 kHz": ToyModel((5, 6)),  # of notes from C6 on: 5.2 kHz and higher
    "ignores its input": ToyModel(()),
}
CONDITIONS = ["fund_mask", "harm_mask", "high_freq"]


def study(model: ToyModel) -> pi_amt.Importance:
    """The three conditions with their controls on eight recordings."""
    return pi_amt.importance(model, dataset(), permutations=CONDITIONS, controls=True, n_jobs=1)


if __name__ == "__main__":
    for name, model in MODELS.items():
        result = study(model)
        print(f"\n{name}")
        for row in result.results:
            if row.role == "condition":
                print(f"{row.label:10}  drop {row.drop:5.2f}  excess {row.excess_drop:5.2f}")
