"""MIDI to compressed audio: fluidsynth with the FluidR3 piano, then Ogg Vorbis."""

import shlex
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile

SOUNDFONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
SAMPLE_RATE = 44_100
VORBIS_COMPRESSION = 0.55  # libsndfile's scale: 0 best quality, 1 smallest file
# A small room, no chorus, 32-bit float output so that nothing clips before the level is set.
FLUIDSYNTH = shlex.split(
    "fluidsynth -n -i -q -r 44100 -g 0.4 -C 0 -R 1 "
    "-o synth.reverb.room-size=0.4 -o synth.reverb.damp=0.3 "
    "-o synth.reverb.level=0.3 -o synth.reverb.width=0.8 -T wav -O float"
)
NOISE_DBFS = -70.0  # level of the room and microphone noise, as a real recording has it
_BLOCK = 16_384  # frames per write: libsndfile's Vorbis encoder overflows on very long writes


def render(midi: Path, audio: Path, seconds: float, peak_dbfs: float) -> None:
    """Render ``midi`` to the Ogg Vorbis file ``audio``: its length in s and its peak in dBFS."""
    with tempfile.TemporaryDirectory() as folder:
        wave = Path(folder) / "render.wav"
        command = [*FLUIDSYNTH, "-F", str(wave), str(SOUNDFONT), str(midi)]
        subprocess.run(command, check=True, capture_output=True)
        samples, rate = soundfile.read(wave, dtype="float64", always_2d=True)
    if rate != SAMPLE_RATE:
        raise ValueError(f"fluidsynth wrote {rate} Hz, not {SAMPLE_RATE}")
    samples = _to_length(samples, round(seconds * SAMPLE_RATE))
    samples *= 10 ** (peak_dbfs / 20) / np.abs(samples).max()
    _write(audio, samples + _noise(samples.shape, seed=len(samples)))


def _to_length(samples: np.ndarray, length: int) -> np.ndarray:
    """Cut or zero-pad to ``length`` frames, with a short fade at the end."""
    fitted = np.zeros((length, samples.shape[1]))
    kept = samples[:length]
    fitted[: len(kept)] = kept
    fade = round(0.25 * SAMPLE_RATE)
    fitted[-fade:] *= (np.cos(np.linspace(0, np.pi, fade))[:, None] + 1) / 2
    return fitted


def _noise(shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Pink noise, independent in each channel, at `NOISE_DBFS` RMS, the same for a seed."""
    white = np.random.default_rng(seed).standard_normal(shape)
    hertz = np.fft.rfftfreq(shape[0], 1 / SAMPLE_RATE)
    pink = np.fft.irfft(
        np.fft.rfft(white, axis=0) / np.sqrt(np.maximum(hertz, 20.0))[:, None], shape[0], axis=0
    )
    noise: np.ndarray = pink * 10 ** (NOISE_DBFS / 20) / pink.std(axis=0)
    return noise


def _write(path: Path, samples: np.ndarray) -> None:
    """Write Ogg Vorbis block by block."""
    with soundfile.SoundFile(
        path,
        "w",
        samplerate=SAMPLE_RATE,
        channels=samples.shape[1],
        format="OGG",
        subtype="VORBIS",
        compression_level=VORBIS_COMPRESSION,
    ) as file:
        for start in range(0, len(samples), _BLOCK):
            file.write(samples[start : start + _BLOCK])
