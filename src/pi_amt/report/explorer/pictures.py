"""Spectrograms as small pictures: decibels in a colour-blind-safe map, and outlines of masks."""

from __future__ import annotations

import base64
import io

import numpy as np
from matplotlib import colormaps
from numpy.typing import NDArray
from PIL import Image

from pi_amt.core.spectrogram import Spectrogram
from pi_amt.core.units import Floats, hz_to_midi, power_ratio_to_db

#: shown below the loudest bin of the clean excerpt, dB
RANGE_DB = 60.0
COLUMNS_PER_SECOND = 70
_COLOURS = "magma"
_OVERSAMPLING = 4
#: an outline that would cover more than this share of the picture tells nothing
_SCATTERED = 0.3
#: … nor would one of runs in time that are shorter than this on average, columns
_SHORT = 4.0


def columns(
    spectrogram: Spectrogram, values: NDArray[np.generic], times: Floats
) -> NDArray[np.generic]:
    """Values ``(blocks, bins, frames)`` at ``times``: ``(bins, times)``.

    Where blocks overlap, each time is taken from the block in whose middle it is.
    """
    starts, stops = spectrogram.times[:, 0], spectrogram.times[:, -1]
    inside = np.minimum(times - starts[:, None], stops[:, None] - times)
    block = np.argmax(inside, axis=0)
    frame = np.rint((times - starts[block]) * spectrogram.frame_rate).astype(np.int64)
    frame = np.clip(frame, 0, spectrogram.times.shape[1] - 1)
    return np.asarray(values[block, :, frame].T)


def column_times(start: float, stop: float, per_second: float = COLUMNS_PER_SECOND) -> Floats:
    """Centres of a picture's columns, seconds."""
    count = max(1, round((stop - start) * per_second))
    return start + (np.arange(count) + 0.5) * (stop - start) / count


def powers(spectrogram: Spectrogram, start: float, stop: float) -> Floats:
    """Mean power ``(bins, columns)`` of an excerpt, over its channels, too."""
    times = column_times(start, stop, COLUMNS_PER_SECOND * _OVERSAMPLING)
    times = times[: len(times) // _OVERSAMPLING * _OVERSAMPLING]
    found = np.mean(
        [
            columns(one, np.abs(np.asarray(one.values)), times).astype(np.float64) ** 2
            for one in spectrogram.channels
        ],
        axis=0,
    )
    return np.asarray(found.reshape(len(found), -1, _OVERSAMPLING).mean(axis=-1))


def picture(power: Floats, loudest: float) -> str:
    """A WebP ``data:`` address of powers ``(bins, columns)``, low bins at the bottom."""
    level = power_ratio_to_db(np.maximum(power / max(loudest, 1e-30), 1e-12))
    shade = np.clip(1.0 + level / RANGE_DB, 0.0, 1.0)
    pixels = (255 * colormaps[_COLOURS](shade[::-1])[..., :3]).astype(np.uint8)
    return _address(Image.fromarray(pixels), "webp", quality=62, method=6)


def outline(mask: NDArray[np.bool_]) -> str:
    """A PNG ``data:`` address with the edges of a mask ``(bins, columns)``; empty if scattered."""
    inner = mask.copy()
    inner[1:] &= mask[:-1]
    inner[:-1] &= mask[1:]
    inner[:, 1:] &= mask[:, :-1]
    inner[:, :-1] &= mask[:, 1:]
    edge = mask & ~inner
    runs = np.count_nonzero(mask[:, 1:] & ~mask[:, :-1]) + np.count_nonzero(mask[:, 0])
    if not runs or edge.mean() > _SCATTERED or mask.sum() / runs < _SHORT:
        return ""
    image = Image.fromarray(edge[::-1].astype(np.uint8), mode="P")
    image.putpalette([0, 0, 0, 0, 255, 255])
    return _address(image, "png", transparency=0, optimize=True)


def touched(
    clean: Spectrogram, perturbed: Spectrogram, start: float, stop: float
) -> NDArray[np.bool_]:
    """``(bins, columns)``: where the perturbation changed the input."""
    changed = np.logical_or.reduce(
        [
            np.asarray(before.values) != np.asarray(after.values)
            for before, after in zip(clean.channels, perturbed.channels, strict=True)
        ]
    )
    return np.asarray(columns(clean, changed, column_times(start, stop)), dtype=np.bool_)


def pitch_range(spectrogram: Spectrogram) -> tuple[float, float]:
    """MIDI numbers of the lower edge of the lowest and the upper edge of the highest bin."""
    pitches = hz_to_midi(spectrogram.frequencies)
    half = (pitches[-1] - pitches[0]) / (len(pitches) - 1) / 2
    return round(float(pitches[0] - half), 3), round(float(pitches[-1] + half), 3)


def colour_steps() -> list[str]:
    """The colour map as twelve CSS colours, quiet to loud."""
    shades = colormaps[_COLOURS](np.linspace(0, 1, 12))[:, :3]
    return ["#" + "".join(f"{round(255 * c):02x}" for c in shade) for shade in shades]


def _address(image: Image.Image, kind: str, **options: object) -> str:
    data = io.BytesIO()
    image.save(data, kind, **options)
    return f"data:image/{kind};base64,{base64.b64encode(data.getvalue()).decode()}"
