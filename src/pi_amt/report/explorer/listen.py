"""The perturbed input as sound, compressed, and how far it is from what the model got.

Timbre-Trap's sliCQ is invertible: its perturbed coefficients are synthesised as they are. A model
whose input has no phase (Basic Pitch's constant-Q magnitudes) borrows it from the original: the
recording's own sliCQ coefficients are scaled by perturbed / clean magnitude, interpolated over
log-frequency and time, at most +40 dB, and synthesised.

Perturbed coefficients need not be those of any signal. The *consistency residual* says how far
off: the sound is analysed again by the model's own front end, and the difference to what the model
got (where sound itself is perturbed, of the magnitudes) is given in dB of its energy, after the
best common gain. Below −20 dB one hears what the model saw; near 0 dB hardly.
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
import soundfile
import torch

from pi_amt.core.audio import resample
from pi_amt.core.spectrogram import Spectrogram, concatenate
from pi_amt.core.units import (
    Floats,
    Samples,
    db_to_amplitude,
    hz_to_midi,
    power_ratio_to_db,
)
from pi_amt.models.timbre_trap.slicq import BLOCK_FRAMES, BLOCK_SAMPLES, SAMPLE_RATE_HZ, SliCQ
from pi_amt.models.transcriber import Transcriber
from pi_amt.report.explorer.pictures import columns

_MOST_GAIN = float(db_to_amplitude(40.0))
_HOP = BLOCK_SAMPLES // 2
#: libsndfile's scale from best (0) to smallest (1): about 32 kbit/s
_COMPRESSION = 0.85
#: an MP3 without gapless information plays so many samples late: 576 of the encoder, 529 of the
#: decoder; the playhead would lag by 50 ms
_MP3_DELAY = 1_105


@runtime_checkable
class Synthesizer(Protocol):
    """A model whose input can be turned back into sound."""

    def synthesize(self, spectrogram: Spectrogram) -> Samples: ...


@dataclass(frozen=True)
class Sound:
    """Samples ``(samples,)`` of a recording from ``begin`` seconds on."""

    samples: Samples
    sample_rate: int
    begin: float


def heard(
    model: Transcriber, recording: Sound, clean: Spectrogram, perturbed: Spectrogram
) -> Sound:
    """The perturbed input as sound, at the recording's level.

    Args:
        model: whose input it is.
        recording: all of it, from 0 s on.
        clean, perturbed: the same consecutive blocks.
    """
    hop = _block_hop_seconds(clean)
    if isinstance(model, Synthesizer) and hop:
        rate = perturbed.sample_rate
        length = round((len(perturbed.times) - 1) * hop * rate)
        begin = float(clean.times[0, 0]) + hop
        made = model.synthesize(replace(perturbed, n_samples=length))
        return Sound(made * _divided_by(model, recording), rate, begin)
    samples = resample(recording.samples, recording.sample_rate, SAMPLE_RATE_HZ)
    # whole blocks from the start of the recording, so that a second analysis has the same blocks
    begin = hop * max(0, int(np.ceil(clean.times[0, 0] / hop - 1e-9))) if hop else 0.0
    first, last = (round(t * SAMPLE_RATE_HZ) for t in (begin, float(clean.times[-1, -1])))
    part = Sound(samples[first:last], SAMPLE_RATE_HZ, begin)
    return replace(part, samples=_borrowed_phase(part, clean, perturbed))


def _divided_by(model: Transcriber, recording: Sound) -> np.float32:
    """The level that the model divided the recording by, so that a sound gets it back.

    Its identity does not tell: of a model that hears perturbed sound, it is that of the listener,
    and what the listener divides by comes after the sound.
    """
    if model.level_meter() is None:
        return np.float32(1.0)
    samples, _ = model.resampled(recording.samples, recording.sample_rate)
    return np.float32(np.abs(samples).max(initial=0.0) or 1.0)


def _block_hop_seconds(spectrogram: Spectrogram) -> float:
    """From the start of one block to the next; 0 if there is only one."""
    return float(np.diff(spectrogram.times[:2, 0]).sum())


def _borrowed_phase(sound: Sound, clean: Spectrogram, perturbed: Spectrogram) -> Samples:
    """Samples at 22,050 Hz, each sliCQ coefficient scaled by perturbed / clean magnitude."""
    slicq, samples = SliCQ(), sound.samples
    count = -(-len(samples) // _HOP) + 1
    padded = np.zeros((count + 1) * _HOP, dtype=np.float32)
    padded[_HOP : _HOP + len(samples)] = samples
    blocks = np.stack([padded[i * _HOP : i * _HOP + BLOCK_SAMPLES] for i in range(count)])
    fade = torch.hann_window(BLOCK_SAMPLES, periodic=True)
    out = np.zeros_like(padded)
    for i, block in enumerate(blocks):
        frames = (i - 1) * _HOP + np.arange(BLOCK_FRAMES) * BLOCK_SAMPLES / BLOCK_FRAMES
        times = sound.begin + frames / SAMPLE_RATE_HZ
        gain = _gain(clean, perturbed, times, slicq.frequencies_hz)
        with torch.inference_mode():
            values = slicq(torch.from_numpy(block)[None]) * torch.from_numpy(gain)[None]
            out[i * _HOP : i * _HOP + BLOCK_SAMPLES] += (slicq.inverse(values)[0] * fade).numpy()
    return out[_HOP : _HOP + len(samples)]


def _gain(
    clean: Spectrogram, perturbed: Spectrogram, times: Floats, frequencies: Floats
) -> Samples:
    """Perturbed / clean magnitude at other frequencies ``(bins,)`` and times: ``(bins, times)``."""
    before, after = (
        columns(s, np.abs(np.asarray(s.values)), times).astype(np.float64)
        for s in (clean, perturbed)
    )
    # bins that hold nothing take no gain from rounding errors
    floor = 1e-5 * max(float(before.max()), 1e-30)
    gain = np.where(after == before, 1.0, after / np.maximum(before, floor))
    gain = np.minimum(gain, _MOST_GAIN)
    own, wanted = hz_to_midi(clean.frequencies), hz_to_midi(frequencies)
    position = np.interp(wanted, own, np.arange(len(own)))
    low = np.floor(position).astype(int)
    high, share = np.minimum(low + 1, len(own) - 1), (position - low)[:, None]
    return np.asarray((1 - share) * gain[low] + share * gain[high], dtype=np.float32)


def residual_db(model: Transcriber, sound: Sound, wanted: Spectrogram) -> float | None:
    """How far the sound's own analysis is from ``wanted``, dB; ``None`` if too short to tell.

    Blocks at the edges of the sound, where the recording goes on but the sound does not, are left
    out.
    """
    again = concatenate(list(model.stream(sound.samples, sound.sample_rate)))
    hop = _block_hop_seconds(wanted)
    if not hop:
        return None
    shift = round((sound.begin + float(again.times[0, 0] - wanted.times[0, 0])) / hop)
    seconds = len(sound.samples) / sound.sample_rate
    whole = (again.times[:, 0] >= 0) & (again.times[:, -1] <= seconds)
    pairs = [(j, j + shift) for j in np.flatnonzero(whole) if 0 <= j + shift < len(wanted.times)]
    if not pairs:
        return None
    ours, theirs = zip(*pairs, strict=True)
    got: Any = np.asarray(again.values)[list(ours)]
    want: Any = np.asarray(wanted.values)[list(theirs)]
    if model.input_is_sound:  # whose phases are not those of what was wanted
        got, want = np.abs(got), np.abs(want)
    energy = float(np.sum(np.abs(want) ** 2))
    if energy == 0.0 or not np.any(got):
        return None
    gain = float(np.real(np.vdot(got, want)) / np.sum(np.abs(got) ** 2))
    difference = float(np.sum(np.abs(gain * got - want) ** 2))
    return float(power_ratio_to_db(max(difference / energy, 1e-12)))


def audio_address(samples: Samples, sample_rate: int) -> str:
    """Mono samples as a compressed ``data:`` address: MP3, which every browser plays.

    What sounds at t seconds is heard at t seconds (the first 50 ms are lost to the codec's delay).
    An installation of libsndfile without MP3 gives Ogg Vorbis.
    """
    peak = float(np.max(np.abs(samples), initial=0.0))
    if peak > 1.0:
        samples = samples / np.float32(peak)
    data = io.BytesIO()
    if "MP3" in soundfile.available_formats():
        options = {"format": "MP3", "subtype": "MPEG_LAYER_III", "bitrate_mode": "CONSTANT"}
        kind = "mpeg"
        samples = np.concatenate([samples[_MP3_DELAY:], np.zeros(_MP3_DELAY, dtype=np.float32)])
    else:
        options, kind = {"format": "OGG", "subtype": "VORBIS"}, "ogg"
    soundfile.write(data, samples, sample_rate, compression_level=_COMPRESSION, **options)
    return f"data:audio/{kind};base64,{base64.b64encode(data.getvalue()).decode()}"
