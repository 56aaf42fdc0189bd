"""Before/after pictures of every permutation, for the documentation.

``python scripts/make_docs_pictures.py [--output FOLDER]``: Basic Pitch's input for
the first seconds of a demo recording, as the permutation's own code leaves it, the touched bins
outlined (not for shuffles and ratio masks). Deterministic; small palette PNGs (under 60 kB each).
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import to_rgb
from numpy.typing import NDArray
from PIL import Image

import pi_amt
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.datasets.track import Track
from pi_amt.permutations.loading import available
from pi_amt.permutations.permutation import Neighbour, Permutation
from pi_amt.study.carriers import noise_like

TRACK = "mozart_sonata_k545"
START_SECONDS, SECONDS = 0.4, 4.0
KEY = 1
LOWEST_DB = -70.0
#: options other than the defaults, where these would show too little
OPTIONS: dict[str, dict[str, Any]] = {
    "remove_harmonic": {"harmonic": 2},
    "keep_harmonic": {"harmonic": 2},
    # For fund_mask there is no comparison: its control holds too little energy.
    "matched_energy": {"target": "harm_mask", "side": "control"},
}
SHADES, GREYS = 22, 6
OUTLINE = "#35e0ff"
Grid = NDArray[Any]


def main() -> None:
    """Make all pictures and print their sizes."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--output", type=Path, default=Path("docs/images/permutations"))
    parser.add_argument("--only", nargs="*", help="names of permutations (default: all)")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    tracks = {track.name: track for track in pi_amt.load_dataset("demo")}
    track, other = tracks[TRACK], tracks["bach_invention_1"]
    model = pi_amt.load_model("basic_pitch", device="cpu")
    clean = model.analyze(*track.audio())
    for name in options.only or available():
        permutation = pi_amt.load_permutation(name, **OPTIONS.get(name, {}))
        neighbour = _neighbour(model, permutation, track, other)
        before = clean
        if permutation.carrier:
            before = model.analyze(noise_like(*track.audio(), KEY), track.audio()[1])
        after = permutation(before, notes=track.notes(), key=KEY, neighbour=neighbour)
        path = options.output / f"{name}.png"
        # Shuffles touch single bins everywhere, and ratio masks (which are normalised anew) nearly
        # all bins: an outline would hide what they leave.
        in_regions = permutation.needs_notes or bool(neighbour)
        outline = in_regions and permutation.normalization == "frozen"
        write_picture(before, after, path, name, outline=outline)
        print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


def _neighbour(
    model: Any, permutation: Permutation, track: Track, other: Track
) -> Neighbour | None:
    """What the permutation borrows, from its own recording or from another one."""
    needs = permutation.needs_neighbour
    if not needs:
        return None
    source = track if needs == "own_spectrogram" else other
    spectrogram = model.analyze(*source.audio()) if "spectrogram" in needs else None
    return Neighbour(source.name, source.notes(), spectrogram)


def write_picture(
    before: Spectrogram, after: Spectrogram, path: Path, name: str, outline: bool
) -> None:
    """Two panels: level in dB before and after, the bins that differ outlined if wanted."""
    times, first = _frames(before)
    last = _frames(after)[1]
    levels = [20 * np.log10(np.maximum(np.abs(x), 1e-9)) for x in (first, last)]
    top = levels[0].max()
    figure, axes = plt.subplots(1, 2, figsize=(8.6, 3.2), sharey=True, layout="constrained")
    frequencies = before.frequencies
    for ax, level, title in zip(axes, levels, ("before", f"after {name}"), strict=True):
        ax.pcolormesh(
            times, frequencies, level - top, vmin=LOWEST_DB, vmax=0, cmap="magma", rasterized=True
        )
        ax.set(title=title, xlabel="time (s)", yscale="log")
        ax.set_yticks([55, 110, 220, 440, 880, 1760, 3520, 7040])
        ax.set_yticklabels(["55", "110", "220", "440", "880", "1760", "3520", "7040"])
        ax.minorticks_off()
    if outline:
        touched = (first != last).astype(float)
        axes[1].contour(times, frequencies, touched, [0.5], colors=[OUTLINE], linewidths=0.7)
    axes[0].set_ylabel("frequency (Hz)")
    _save_small(figure, path)
    plt.close(figure)


def _frames(spectrogram: Spectrogram) -> tuple[Grid, Grid]:
    """Times ``(frames,)`` and values ``(bins, frames)`` of the excerpt, blocks joined."""
    blocks, bins, frames = spectrogram.values.shape
    values = np.moveaxis(np.asarray(spectrogram.values), 1, 0).reshape(bins, -1)
    numbers = spectrogram.frame_numbers.ravel()
    # Where blocks overlap, the one whose edge is farther away shows the frame.
    position = np.tile(np.arange(frames), blocks)
    from_edge = np.minimum(position, frames - 1 - position)
    order = np.lexsort((-from_edge, numbers))
    order = order[np.unique(numbers[order], return_index=True)[1]]
    times, values = spectrogram.times.ravel()[order], values[:, order]
    inside = (times >= START_SECONDS) & (times < START_SECONDS + SECONDS)
    return times[inside] - START_SECONDS, values[:, inside]


def _save_small(figure: Any, path: Path) -> None:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=80)
    buffer.seek(0)
    palette = Image.new("P", (1, 1))
    shades = [matplotlib.colormaps["magma"](x) for x in np.linspace(0, 1, SHADES)]
    greys = [(x, x, x) for x in np.linspace(0, 1, GREYS)]
    colours = np.array([*(s[:3] for s in shades), *greys, to_rgb(OUTLINE)])
    palette.putpalette(np.rint(255 * colours).astype(int).ravel().tolist())
    picture = Image.open(buffer).convert("RGB")
    picture.quantize(palette=palette, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main()
