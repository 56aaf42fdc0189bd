"""Note banks: every pitch of an instrument at a few velocities, rendered once and kept on disk.

A bank is one int16 array (velocities, pitches, samples) at 22,050 Hz mono; each note is held for
``HOLD_SECONDS`` and never released in the bank (the mixer applies dampers), so one bank serves
notes of any length. Sources: programs of free SoundFonts played by the ``fluidsynth`` program,
folders of recorded notes (``recorded.py``), and modelled pianos (``additive.py``), which stand in
for the pianos nobody sampled.

The held-out piano (TimGM6mb) is refused here: it exists to be evaluated on.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf
import soxr
import symusic

from pi_amt.core.notes import LOWEST_PITCH, N_PITCHES
from pi_amt.models.timbre_trap.training.additive import modelled_piano_note
from pi_amt.models.timbre_trap.training.recorded import find_recordings, recorded_note

SAMPLE_RATE_HZ = 22_050
RENDER_RATE_HZ = 44_100
HOLD_SECONDS = 5.0
HOLD_SAMPLES = int(HOLD_SECONDS * SAMPLE_RATE_HZ)
GAP_SECONDS = 3.0
VELOCITIES = (22, 45, 68, 91, 118)
HELD_OUT = "timgm6mb"
MODELLED = "modelled"


@dataclass(frozen=True)
class Instrument:
    """One source of notes: a SoundFont's program, recorded notes, or the modelled piano of a seed.

    ``soundfont``: a SoundFont's path, a folder of recorded notes (``program`` says nothing then),
    or ``modelled`` (then ``program`` is the seed).

    ``weight`` is the relative frequency of its recordings in training; ``transient`` marks
    instruments whose notes die away by themselves (struck or plucked).
    """

    name: str
    soundfont: str
    program: int = 0
    weight: float = 1.0
    transient: bool = True


class Bank:
    """Notes of one instrument: ``note(pitch, velocity)`` → int16 samples, memory-mapped."""

    def __init__(self, instrument: Instrument, samples: np.ndarray) -> None:
        self.instrument = instrument
        self.samples = samples
        self._levels: dict[tuple[int, int], np.ndarray] = {}

    def note(self, pitch: int, velocity: float) -> tuple[np.ndarray, float]:
        """The nearest recorded layer int16 (samples,) and the gain that makes up the difference.

        Loudness follows velocity squared between the layers, as the General MIDI advises.
        """
        layer = int(np.argmin([abs(velocity - v) for v in VELOCITIES]))
        gain = (max(velocity, 1.0) / VELOCITIES[layer]) ** 2
        return self.samples[layer, pitch - LOWEST_PITCH], float(gain)

    def levels(self, pitch: int, velocity: float) -> np.ndarray:
        """RMS level in dB of full scale in every 100 ms of a held note, float32 (50,)."""
        layer = int(np.argmin([abs(velocity - v) for v in VELOCITIES]))
        key = (layer, pitch)
        if key not in self._levels:
            frames = self.samples[layer, pitch - LOWEST_PITCH].astype(np.float32)
            power = (frames.reshape(50, -1) ** 2).mean(axis=1) / 32767**2
            self._levels[key] = np.asarray(10 * np.log10(power + 1e-12), np.float32)
        gain_db = 40 * np.log10(max(velocity, 1.0) / VELOCITIES[layer])
        return np.asarray(self._levels[key] + gain_db, np.float32)


def load_bank(instrument: Instrument, folder: Path) -> Bank:
    """Open a bank from its folder, rendering it first if it is not there.

    Raises:
        ValueError: for the held-out piano, a SoundFont that is not on this machine or a folder
            without recorded notes.
        RuntimeError: when fluidsynth fails.
    """
    path = folder / f"{instrument.name}.npy"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        samples = _render(instrument)
        unfinished = path.with_suffix(".partial.npy")
        np.save(unfinished, samples)
        unfinished.replace(path)
    return Bank(instrument, np.load(path, mmap_mode="r"))


def _render(instrument: Instrument) -> np.ndarray:
    """All notes of an instrument, int16 (velocities, pitches, samples)."""
    source = Path(instrument.soundfont)
    if instrument.soundfont == MODELLED:
        # Modelled levels are those of one scale for all pianos.
        notes = _all_notes(partial(modelled_piano_note, instrument.program)) * 32_767
        return np.asarray(np.clip(notes, -32_767, 32_767), np.int16)
    if HELD_OUT in source.resolve().name.lower():
        raise ValueError(f"{source} is held out for evaluation; train on another")
    if source.suffix.lower() in (".sf2", ".sf3"):
        notes = _soundfont_notes(instrument)
    else:
        notes = _all_notes(partial(recorded_note, find_recordings(source)))
    # A mix is normalised by its peak anyway: use the whole range of 16 bits.
    return np.asarray(np.rint(notes * (32_000 / np.abs(notes).max())), np.int16)


def _all_notes(note: Callable[[int, int, int], np.ndarray]) -> np.ndarray:
    """float32 (velocities, pitches, samples) from a function of pitch, velocity, samples."""
    out = np.zeros((len(VELOCITIES), N_PITCHES, HOLD_SAMPLES), np.float32)
    for layer, velocity in enumerate(VELOCITIES):
        for i in range(N_PITCHES):
            out[layer, i] = note(LOWEST_PITCH + i, velocity, HOLD_SAMPLES)
    return out


def _soundfont_notes(instrument: Instrument) -> np.ndarray:
    """float32 (velocities, pitches, samples), played one after the other."""
    out = np.zeros((len(VELOCITIES), N_PITCHES, HOLD_SAMPLES), np.float32)
    pitches = np.arange(LOWEST_PITCH, LOWEST_PITCH + N_PITCHES)
    onsets = 0.05 + np.arange(N_PITCHES) * (HOLD_SECONDS + GAP_SECONDS)
    offsets = onsets + HOLD_SECONDS + 0.1
    for layer, velocity in enumerate(VELOCITIES):
        loudness = np.full(N_PITCHES, velocity)
        audio = play(onsets, offsets, pitches, loudness, instrument.soundfont, instrument.program)
        for i, onset in enumerate(onsets):
            first = int(onset * SAMPLE_RATE_HZ)
            note = audio[first : first + HOLD_SAMPLES]
            out[layer, i, : len(note)] = note
    return out


def play(
    onsets: np.ndarray,
    offsets: np.ndarray,
    pitches: np.ndarray,
    velocities: np.ndarray,
    soundfont: str,
    program: int = 0,
) -> np.ndarray:
    """Render notes (seconds, MIDI) with a program → mono float32 at 22,050 Hz, no effects."""
    score: Any = symusic.Score(480)
    track: Any = symusic.Track(program=program)
    ticks_per_second = 960.0  # 480 per quarter at the default 120 quarters a minute
    for onset, offset, pitch, velocity in zip(onsets, offsets, pitches, velocities, strict=True):
        start = round(onset * ticks_per_second)
        length = max(1, round(offset * ticks_per_second) - start)
        track.notes.append(symusic.Note(start, length, int(pitch), int(velocity)))
    score.tracks.append(track)
    with tempfile.TemporaryDirectory() as folder:
        midi = Path(folder) / "notes.mid"
        score.dump_midi(str(midi))
        return render_midi(midi, soundfont)


def render_midi(midi: Path, soundfont: str) -> np.ndarray:
    """Render a MIDI file with fluidsynth → mono float32 at 22,050 Hz, no effects.

    Rendered at 44.1 kHz and resampled, because fluidsynth does not filter what would alias.

    Raises:
        ValueError: without fluidsynth or the SoundFont.
        RuntimeError: when fluidsynth fails.
    """
    if shutil.which("fluidsynth") is None:
        raise ValueError("fluidsynth is not installed; install it (Debian: apt install fluidsynth)")
    if not Path(soundfont).exists():
        raise ValueError(f"SoundFont {soundfont} is not on this machine; install it or drop it")
    with tempfile.TemporaryDirectory() as folder:
        wave = Path(folder) / "notes.wav"
        command = ["fluidsynth", "-ni", "-q", "-R", "0", "-C", "0", "-g", "0.6", "-O", "s16"]
        command += ["-r", str(RENDER_RATE_HZ), "-F", str(wave), soundfont, str(midi)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode or not wave.exists():
            raise RuntimeError(f"fluidsynth failed: {done.stderr.strip()[-300:]}")
        audio, _ = sf.read(wave, dtype="float32", always_2d=True)
    mono = soxr.resample(audio.mean(axis=1), RENDER_RATE_HZ, SAMPLE_RATE_HZ)
    return np.asarray(mono, np.float32)
