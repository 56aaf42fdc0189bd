"""The calibration set: tones and chords whose every partial is known, synthesised at run time.

What a mask should do to a model can only be known where the true sound without the masked
partials is known, too: :meth:`CalibrationTrack.audio_without` and
:meth:`CalibrationTrack.audio_with_only` synthesise it. Nothing is read from disk.

A note at MIDI pitch m is 0.15 · Σ_k k^-1.3 · exp(−t/τ_k) · sin(2π f_k t + φ_k), with the partials
f_k of :func:`pi_amt.core.partials.partial_frequencies` below 10 kHz, at most 20 of them,
τ_k = 3 s · 2^(−(m − 36)/24) / √k (bass rings longer, upper partials die sooner) and fixed phases
φ_k = 2π·frac(k·(√5 − 1)/2); 5 ms attack, 50 ms release. No noise, no room, no hammer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from pi_amt.core.checks import check_choice
from pi_amt.core.notes import Notes
from pi_amt.core.partials import INHARMONICITIES, partial_frequencies
from pi_amt.core.units import Floats, Samples
from pi_amt.datasets.files import Selection, TrackList

SAMPLE_RATE = 22_050
N_PARTIALS = 20
HIGHEST_HZ = 10_000.0
STEP_SECONDS, NOTE_SECONDS, START_SECONDS = 1.25, 1.0, 0.25
_ATTACK_SECONDS, _RELEASE_SECONDS = 0.005, 0.05
_AMPLITUDE = 0.15
_VERSION = "1"

#: track → what sounds together, one entry per step
_TONES = {
    "tones_1_c2_b2": (36, 38, 41, 43, 45, 47),
    "tones_2_c3_b3": (48, 50, 53, 55, 57, 59),
    "tones_3_c4_b4": (60, 62, 65, 67, 69, 71),
    "tones_4_c5_b5": (72, 74, 77, 79, 81, 83),
    "tones_5_c6_b6": (84, 86, 89, 91, 93, 95),
}
_CHORDS = {
    "chords_1_fifths": ((48, 55), (50, 57), (53, 60), (60, 67), (65, 72)),
    "chords_2_octaves": ((48, 60), (50, 62), (53, 65), (60, 72), (64, 76)),
    "chords_3_close": ((60, 64, 67), (57, 60, 64), (62, 65, 69), (55, 59, 62), (67, 71, 74)),
    "chords_4_open": ((36, 55, 64, 72), (41, 57, 60, 77), (43, 59, 62, 67), (45, 52, 60, 76)),
}


@dataclass(frozen=True)
class CalibrationTrack:
    """Tones or chords, one step of 1.25 s after the other.

    Attributes:
        name: unique in the dataset.
        chords: MIDI pitches that sound together, per step.
        inharmonicity: ``piano`` or ``none``.
        pedal: without effect: there is no pedal.
        max_seconds: cut the audio here.
    """

    name: str
    chords: tuple[tuple[int, ...], ...]
    inharmonicity: str = "piano"
    pedal: str = "extend"
    max_seconds: float | None = None

    @property
    def composition(self) -> str:
        """Each track is its own."""
        return self.name

    @property
    def duration_seconds(self) -> float:
        """Length in seconds."""
        whole = START_SECONDS + len(self.chords) * STEP_SECONDS
        return whole if self.max_seconds is None else min(whole, float(self.max_seconds))

    def audio(self) -> tuple[Samples, int]:
        """The sound with all partials: samples ``(samples,)`` and their rate in Hz."""
        return self._render(range(1, N_PARTIALS + 1))

    def audio_without(self, partials: Collection[int]) -> tuple[Samples, int]:
        """The true ablation: samples ``(samples,)`` and rate of the same sound synthesised without
        these partials of every note."""
        return self._render([k for k in range(1, N_PARTIALS + 1) if k not in partials])

    def audio_with_only(self, partials: Collection[int]) -> tuple[Samples, int]:
        """The true opposite: samples ``(samples,)`` and rate of these partials of every note and
        nothing else."""
        return self._render([k for k in range(1, N_PARTIALS + 1) if k in partials])

    def notes(self) -> Notes:
        """What sounds."""
        rows = [(self._onset(i), m) for i, chord in enumerate(self.chords) for m in chord]
        onsets, pitches = np.array(rows, dtype=np.float64).T
        notes = Notes.from_arrays(onsets, onsets + NOTE_SECONDS, pitches)
        return notes if self.max_seconds is None else notes.clipped(self.max_seconds)

    def fingerprint(self) -> str:
        """Hash of everything that decides the sound."""
        parts = (_VERSION, self.name, repr(self.chords), self.inharmonicity, self.pedal)
        return hashlib.sha256("\0".join((*parts, repr(self.max_seconds))).encode()).hexdigest()

    def stamp(self) -> str:
        """The fingerprint: there are no files."""
        return self.fingerprint()

    @staticmethod
    def _onset(step: int) -> float:
        return START_SECONDS + step * STEP_SECONDS

    def _render(self, partials: Collection[int]) -> tuple[Samples, int]:
        samples = np.zeros(round((START_SECONDS + len(self.chords) * STEP_SECONDS) * SAMPLE_RATE))
        for step, chord in enumerate(self.chords):
            start = round(self._onset(step) * SAMPLE_RATE)
            for pitch in chord:
                note = synthesise(float(pitch), partials, self.inharmonicity)
                samples[start : start + len(note)] += note
        if self.max_seconds is not None:
            samples = samples[: max(1, round(self.max_seconds * SAMPLE_RATE))]
        return samples.astype(np.float32), SAMPLE_RATE


def synthesise(pitch: float, partials: Collection[int], inharmonicity: str = "piano") -> Floats:
    """One note of 1 s: ``(samples,)`` at 22,050 Hz, formula in the module's docstring.

    The level of a partial does not depend on which others are there.

    Args:
        pitch: MIDI number.
        partials: which to synthesise, of 1 … 20; those above 10 kHz never are.
        inharmonicity: ``piano`` or ``none``.
    """
    numbers = np.array(sorted(partials), dtype=np.float64)
    hz = partial_frequencies(pitch, numbers, inharmonicity=inharmonicity)
    numbers, hz = numbers[hz < HIGHEST_HZ], hz[hz < HIGHEST_HZ]
    time = np.arange(round(NOTE_SECONDS * SAMPLE_RATE)) / SAMPLE_RATE
    decay = 3.0 * 0.5 ** ((pitch - 36.0) / 24.0) / np.sqrt(numbers)
    phases = 2 * np.pi * np.modf(numbers * (np.sqrt(5.0) - 1) / 2)[0]
    waves = np.sin(2 * np.pi * hz[:, None] * time + phases[:, None])
    waves *= (numbers**-1.3)[:, None] * np.exp(-time / decay[:, None])
    edges = np.minimum(time / _ATTACK_SECONDS, (NOTE_SECONDS - time) / _RELEASE_SECONDS)
    envelope = np.sin(np.pi / 2 * np.clip(edges, 0.0, 1.0)) ** 2
    return np.asarray(_AMPLITUDE * envelope * waves.sum(axis=0))


def calibration(
    inharmonicity: str = "piano",
    subsample_every: int = 1,
    max_tracks: int | None = None,
    max_seconds: float | None = None,
    pedal: str = "extend",
) -> TrackList:
    """The calibration tracks: five registers of tones, four kinds of chords; 63 s in all.

    Args:
        inharmonicity: ``piano`` or ``none``.
        subsample_every, max_tracks, max_seconds, pedal: see
            :class:`~pi_amt.datasets.files.Selection`.

    Raises:
        ValueError: for an option value that cannot work.
    """
    selection = Selection(subsample_every, max_tracks, max_seconds, pedal)
    check_choice("inharmonicity", inharmonicity, INHARMONICITIES)
    steps = {name: tuple((pitch,) for pitch in tones) for name, tones in _TONES.items()} | _CHORDS
    tracks = [CalibrationTrack(name, chords, inharmonicity) for name, chords in steps.items()]
    chosen = [
        replace(track, pedal=pedal, max_seconds=max_seconds) for track in selection.choose(tracks)
    ]
    return TrackList("calibration", tuple(chosen))
