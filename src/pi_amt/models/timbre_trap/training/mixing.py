"""Synthesis on the fly: a random score and a note bank become one 3-s block and its targets.

The mix is made at 22,050 Hz with dampers, then coloured: tuning within ±30 cents (the spectrum of a
slightly longer or shorter block is read as that of 66,150 samples), equalisation, a room,
compression, noise, gain. Coefficients are computed only at the frames that training wants: every
``stride``-th, which folds the 1,024-point inverse FFT into 1024/stride points.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import fft

from pi_amt.core.units import cents_to_ratio
from pi_amt.models.timbre_trap.slicq import (
    BLOCK_FRAMES,
    BLOCK_SAMPLES,
    N_BINS,
    SAMPLE_RATE_HZ,
    SliCQ,
)
from pi_amt.models.timbre_trap.training.banks import HOLD_SAMPLES, Bank
from pi_amt.models.timbre_trap.training.scores import Score
from pi_amt.models.timbre_trap.training.targets import ENVELOPE_HOP, PREROLL_SECONDS, paint_targets

ROOM_SECONDS = 1.0  # of audio before the block: what still reverberates in it


@dataclass(frozen=True)
class Example:
    """One block: coefficients complex64 (540, frames), targets and weights float32 likewise."""

    coefficients: np.ndarray
    targets: np.ndarray
    weights: np.ndarray


def synthesize(score: Score, bank: Bank, rng: np.random.Generator, stride: int) -> Example:
    """The block [PREROLL_SECONDS, PREROLL_SECONDS + 3) of a score as every ``stride``-th frame."""
    cents = float(rng.uniform(-30, 30)) if rng.random() < 0.8 else 0.0
    # More samples in the same spectrum sound higher.
    n_block = 2 * round(BLOCK_SAMPLES / 2 * float(cents_to_ratio(cents)))
    pace = BLOCK_SAMPLES / n_block  # block seconds per mixed second
    n_room = int(ROOM_SECONDS * SAMPLE_RATE_HZ)
    audio, levels = _mix(score, bank, rng, n_room + n_block, pace)
    audio = _room(audio, rng)[n_room:]
    audio = _dynamics(audio, rng)
    peak = max(1e-9, float(np.abs(audio).max()))
    gain = 1.0 if rng.random() < 0.3 else 10 ** (-float(rng.uniform(0, 26)) / 20)
    spectrum = fft.rfft(audio * np.float32(gain / peak))
    spectrum = _resize(spectrum, n_block) * _equalizer(rng, BLOCK_SAMPLES // 2 + 1)
    spectrum += _noise(rng, len(spectrum))
    phase = int(rng.integers(stride))
    targets, weights = paint_targets(
        score, levels + 20 * np.log10(gain / peak), cents, stride, phase
    )
    return Example(_TRANSFORM.frames(spectrum, stride, phase), targets, weights)


def _resize(spectrum: np.ndarray, n_block: int) -> np.ndarray:
    """The half spectrum cut or extended to that of 66,150 samples, keeping amplitudes."""
    out = np.zeros(BLOCK_SAMPLES // 2 + 1, np.complex64)
    n = min(len(out), len(spectrum)) - 1  # without Nyquist, whose value stands for two
    out[:n] = spectrum[:n] * np.float32(BLOCK_SAMPLES / n_block)
    return out


def _mix(
    score: Score, bank: Bank, rng: np.random.Generator, n_samples: int, pace: float
) -> tuple[np.ndarray, np.ndarray]:
    """Sum of the notes float32 (n_samples,), and each note's level in dB every 100 ms (notes, 50).

    Score times are seconds of the block as it will be heard; the mix runs ``pace`` times slower.
    """
    out = np.zeros(n_samples, np.float32)
    levels = np.full((len(score.onsets), HOLD_SAMPLES // ENVELOPE_HOP), -200.0, np.float32)
    tau_seconds = np.exp(rng.uniform(np.log(0.015), np.log(0.35)))
    undamped_from = int(rng.choice([90, 128, 128]))
    origin = PREROLL_SECONDS - ROOM_SECONDS / pace
    starts = np.rint((score.onsets - origin) / pace * SAMPLE_RATE_HZ).astype(np.int64)
    lengths = np.rint((score.offsets - score.onsets) / pace * SAMPLE_RATE_HZ).astype(np.int64)
    tail = int(8 * tau_seconds * SAMPLE_RATE_HZ)
    for i, (start, length) in enumerate(zip(starts.tolist(), lengths.tolist(), strict=True)):
        pitch = int(score.pitches[i])
        undamped = pitch >= undamped_from and bank.instrument.transient
        end = min(HOLD_SAMPLES, length + tail) if not undamped else HOLD_SAMPLES
        if start >= n_samples or start + end <= 0:
            continue
        note, gain = bank.note(pitch, float(score.velocities[i]))
        levels[i] = bank.levels(pitch, float(score.velocities[i]))
        first, last = max(0, -start), min(end, n_samples - start)
        sound = note[first:last] * np.float32(gain / 32767)
        if length < last and not undamped:
            cut = max(0, length - first)
            ramp = np.arange(len(sound) - cut, dtype=np.float32) + max(0, first - length)
            sound[cut:] *= np.exp(ramp * np.float32(-1 / (tau_seconds * SAMPLE_RATE_HZ)))
        out[start + first : start + last] += sound
    return out, levels


def _room(audio: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Convolve with a synthetic room: decaying, darkening noise under a direct sound."""
    if rng.random() < 0.25:
        return audio
    seconds = float(np.exp(rng.uniform(np.log(0.15), np.log(2.2))))  # RT60
    n = min(int(0.9 * seconds * SAMPLE_RATE_HZ), int(1.5 * SAMPLE_RATE_HZ))
    time = np.arange(n, dtype=np.float32) / SAMPLE_RATE_HZ
    tail = rng.standard_normal(n, np.float32) * np.exp(time * np.float32(-6.9 / seconds))
    smooth = float(rng.uniform(0, 0.8))
    tail[1:] = (1 - smooth) * tail[1:] + smooth * tail[:-1]
    tail[: int(rng.uniform(0, 0.02) * SAMPLE_RATE_HZ)] = 0
    wet_db = float(rng.uniform(-28, -3))
    tail *= np.float32(10 ** (wet_db / 20) / np.sqrt(max(1e-9, float((tail**2).sum()))))
    tail[0] += 1.0
    size = fft.next_fast_len(len(audio) + n, real=True)
    wet = fft.irfft(fft.rfft(audio, size) * fft.rfft(tail, size), size)
    return np.asarray(wet[: len(audio)], np.float32)


def _dynamics(audio: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Sometimes compress (slow, by the level of 46-ms frames) or saturate."""
    kind = rng.random()
    if kind < 0.3:
        hop = 1_024
        frames = len(audio) // hop
        rms = np.sqrt((audio[: frames * hop].reshape(frames, hop) ** 2).mean(1)) + 1e-6
        ratio = float(rng.uniform(0.2, 0.7))
        gain = (np.maximum(rms, 0.05 * rms.max()) / rms.max()) ** -ratio
        at = np.arange(len(audio)) / hop - 0.5
        return np.asarray(audio * np.interp(at, np.arange(frames), gain), np.float32)
    if kind < 0.4:
        drive = np.float32(rng.uniform(0.3, 1.5) / max(1e-9, float(np.abs(audio).max())))
        return np.asarray(np.tanh(audio * drive) / drive, np.float32)
    return audio


def _equalizer(rng: np.random.Generator, n: int) -> np.ndarray:
    """A smooth random response float32 (n,) over frequency: ±4 dB per octave, at times a tilt."""
    hz = np.geomspace(25, 11_025, 9)
    curve_db = rng.normal(0, rng.uniform(0, 5), len(hz))
    curve_db += rng.uniform(-3, 1.5) * np.log2(hz / 500)
    if rng.random() < 0.2:
        curve_db += np.minimum(0, 12 * np.log2(hz / rng.uniform(60, 200)))
    if rng.random() < 0.2:
        curve_db += np.minimum(0, -14 * np.log2(hz / rng.uniform(2500, 7000)))
    response = 10 ** (curve_db / 20)
    bins_hz = np.arange(n) * (SAMPLE_RATE_HZ / BLOCK_SAMPLES) + 1e-3
    return np.asarray(np.interp(_log2(bins_hz), np.log2(hz), response), np.float32)


def _log2(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.log2(values.astype(np.float32)))


def _noise(rng: np.random.Generator, n: int) -> np.ndarray:
    """Coloured noise as a half spectrum complex64 (n,), −30 to −85 dB under full scale."""
    level = 10 ** (float(rng.uniform(-85, -32)) / 20)
    tilt = np.float32(rng.uniform(0, 0.6))
    white = rng.standard_normal(2 * n, np.float32).view(np.complex64)
    shape = (np.arange(1, n + 1, dtype=np.float32) / (n / 10)) ** -tilt
    shape = np.minimum(shape, 10)
    return np.asarray(white * shape * np.float32(level * np.sqrt(BLOCK_SAMPLES / 2)), np.complex64)


class _StridedTransform:
    """sliCQ at every ``stride``-th frame, straight from the half spectrum of a block."""

    def __init__(self) -> None:
        transform = SliCQ()
        source = transform._source.numpy()
        beyond = source > BLOCK_SAMPLES // 2
        self.source = np.where(beyond, BLOCK_SAMPLES - source, source)
        self.beyond = np.flatnonzero(beyond)
        crop = transform._crop.numpy()
        self.row, self.point = crop // BLOCK_FRAMES, crop % BLOCK_FRAMES
        self.weight = transform._weight.numpy()

    def frames(self, spectrum: np.ndarray, stride: int, phase: int) -> np.ndarray:
        """Coefficients complex64 (540, 1024/stride) at frames phase, phase + stride, …

        Neighbouring coefficients of a steady tone alternate in sign at stride 1; strided frames
        are given the same alternation, so that one network serves every stride.
        """
        n = BLOCK_FRAMES // stride
        values = spectrum[self.source] * self.weight
        values[self.beyond] = values[self.beyond].conj()
        if phase:
            values = values * np.exp(2j * np.pi * phase / BLOCK_FRAMES * self.point)
        folded = np.zeros(N_BINS * n, np.complex64)
        # A window longer than n points folds onto itself: add the folds one at a time.
        for fold in range(stride):
            part = self.point // n == fold
            folded[self.row[part] * n + self.point[part] % n] += values[part]
        out = fft.ifft(folded.reshape(N_BINS, n), axis=1) * np.float32(1 / stride)
        if stride > 1:
            out[:, 1::2] *= -1
        return np.asarray(out, np.complex64)


_TRANSFORM = _StridedTransform()
