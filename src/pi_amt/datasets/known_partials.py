"""The truth set: real works on modelled pianos, whose sound is also known without some partials.

What a drop should be can only be known where the sound without the feature can be made. Here
:meth:`PartialsTrack.audio_without` makes it: the same performance on the same piano in the same
room, in which the strings lack some partials. The works are those of the demo; the sound is
synthesised when it is asked for, and nothing but the notes is read from disk.

**A note** is a sum of decaying oscillations. Each of its partials, at most 32 and below 10.5 kHz,
sounds on two or three strings that are slightly out of tune with one another and hence beat, and
each string decays in two stages, fast and then slowly. Partials lie at f_k = k·f0·√((1 + B·k²)/(1 +
B)). Hammers, which add a noise burst of their own, strike at a fraction of the string's length, so
that partials with a node there are weak. A damper ends the note at the offset that the pedal gives
it.

**A piano** is one draw of the properties of :class:`Piano`. Its B is up to a factor of 2 off the
usual curve (Rigaud, David & Daudet, JASA 2013), by another factor in the bass than in the treble. A
room belongs to it, whose reverberation is linear and therefore the same for each partial.

**The residual** is what belongs to no partial: hammers, in the room, and background noise.

**Two parts** share neither a work nor a piano: estimators may be tuned on ``development``, while
``held_out`` is for final numbers only. The stretch of tuning (Railsback), sympathetic strings and
half-pedalling are not modelled.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass, field, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, fftconvolve, lfilter

from pi_amt.core.audio import content_hash
from pi_amt.core.checks import check_choice, check_count
from pi_amt.core.note_files import read_notes
from pi_amt.core.notes import LOWEST_PITCH, N_PITCHES, Notes
from pi_amt.core.partials import piano_inharmonicity
from pi_amt.core.units import Floats, Samples, cents_to_ratio, db_to_amplitude, midi_to_hz
from pi_amt.datasets.demo import FOLDER
from pi_amt.datasets.files import Selection, TrackList

Complexes = NDArray[np.complex128]

SAMPLE_RATE = 22_050
N_PARTIALS = 32
HIGHEST_HZ = 10_500.0
ALL_PARTIALS = range(1, N_PARTIALS + 1)
#: The works of each part. Fixed: a work that changes sides would spoil all numbers made before.
PARTS = {
    "development": (
        "bach_invention_1",
        "beethoven_moonlight",
        "burgmueller_arabesque",
        "grieg_mountain_king",
        "schumann_chorale",
        "strauss_blue_danube",
    ),
    "held_out": (
        "chopin_prelude_4",
        "joplin_entertainer",
        "mozart_sonata_k545",
        "mussorgsky_promenade",
        "satie_gymnopedie_1",
        "tchaikovsky_sugar_plum",
    ),
}
_PIANOS = {"development": "abcd", "held_out": "efgh"}
# What a key has of its own, at most, on top of what is drawn for its piano.
_KEY_CENTS, _KEY_STIFFNESS_OCTAVES = 3.0, 0.15
_DECAY_SECONDS = 1.5  # of the slow stage of A4's fundamental, times 2^decay_octaves
_NOTE_LEVEL = 0.12  # amplitude of a note of full velocity
_TAIL = 12.0  # damped notes are synthesised for so many time constants, down to −104 dB
_BLOCK = 256  # samples
#: Of the synthesis: raise it when the same options give other sound.
VERSION = "1"


@dataclass(frozen=True, kw_only=True)
class PartialsTrack(ABC):
    """A work of the demo of which the sound of every partial is known; see :class:`~pi_amt.Track`.

    Attributes:
        name: unique in the dataset.
        work: the name of its notes in the demo's folder.
        composition: the work; it is on one side of the split only.
        seconds: length of the whole performance.
        pedal: ``extend`` or ``ignore``: of the reference notes only. The pedal always sounds.
        max_seconds: cut the audio here.
    """

    name: str
    work: str
    composition: str
    seconds: float
    pedal: str = "extend"
    max_seconds: float | None = None

    @property
    def duration_seconds(self) -> float:
        """Length in seconds."""
        cut = self.max_seconds
        return self.seconds if cut is None else min(self.seconds, float(cut))

    @property
    def notes_path(self) -> Path:
        """The file of the notes that are played."""
        return FOLDER / f"{self.work}.mid"

    def notes(self) -> Notes:
        """The notes that are played."""
        notes = read_notes(self.notes_path, self.pedal)
        return notes if self.max_seconds is None else notes.clipped(self.max_seconds)

    @abstractmethod
    def fingerprint(self) -> str:
        """Hash of everything that decides the sound and the notes."""

    def stamp(self) -> str:
        """The fingerprint: it is cheap."""
        return self.fingerprint()

    def audio(self) -> tuple[Samples, int]:
        """The whole sound: samples ``(samples,)`` and their rate in Hz."""
        return self.render(ALL_PARTIALS, residual=True), SAMPLE_RATE

    def audio_without(self, partials: Collection[int]) -> tuple[Samples, int]:
        """The true ablation: samples ``(samples,)`` and rate of the same sound in which no note has
        these partials; the residual stays."""
        kept = [k for k in ALL_PARTIALS if k not in partials]
        return self.render(kept, residual=True), SAMPLE_RATE

    def audio_with_only(
        self, partials: Collection[int], residual: bool = False
    ) -> tuple[Samples, int]:
        """The true opposite: samples ``(samples,)`` and rate of these partials of every note, with
        or without the residual."""
        return self.render(partials, residual=residual), SAMPLE_RATE

    def stems(self) -> dict[int | str, Samples]:
        """Every partial of all notes by its number, and ``residual``; they add up to the audio."""
        stems: dict[int | str, Samples] = {
            k: self.render((k,), residual=False) for k in ALL_PARTIALS
        }
        return stems | {"residual": self.render((), residual=True)}

    def render(self, partials: Collection[int], residual: bool) -> Samples:
        """Samples ``(samples,)`` at 22,050 Hz of these partials of all notes, and of the rest.

        A cut recording is the beginning of the whole one.
        """
        played, n_samples = read_notes(self.notes_path), round(self.seconds * SAMPLE_RATE)
        cut = max(1, round(self.duration_seconds * SAMPLE_RATE))
        whole = self.play(played, n_samples, partials, residual)
        return np.asarray(whole[:cut], dtype=np.float32)

    @abstractmethod
    def play(
        self, notes: Notes, n_samples: int, partials: Collection[int], residual: bool
    ) -> Floats:
        """``(samples,)`` of the whole performance: these partials of all notes, and the rest."""


def _drawn(low: float, high: float) -> Any:
    """A field of :class:`Piano` that is drawn uniformly from this range."""
    return field(metadata={"range": (low, high)})


@dataclass(frozen=True)
class Piano:
    """One piano in its room. Each field but the first two is drawn from the range beside it.

    Attributes:
        name: a letter.
        seed: of what differs from key to key, partial to partial and note to note.
        tuning_cents: from A4 = 440 Hz; each key is off by up to 3 cents more.
        bass_stiffness_octaves, treble_stiffness_octaves: log2 of how far B is off the usual curve,
            at the lowest and the highest key; between them on a line, but for 0.15 of each key.
        tilt_db_per_octave: level of partials over the logarithm of their number, at full velocity.
        softness_db_per_octave: how much steeper it is at the softest touch.
        strike_point: as a fraction of the string's length.
        colour_db: standard deviation of the soundboard's gain over frequency.
        jitter_db: standard deviation of the levels of single partials.
        unison_cents: standard deviation of the strings of one key.
        three_strings_from_midi: keys below it have two strings.
        decay_octaves: log2 of how much longer than usual notes ring.
        decay_slope: octaves of decay time that are lost per octave of pitch.
        partial_decay_slope: octaves of decay time that are lost per octave of partial number.
        prompt_share: of the amplitude, in the fast first stage of the decay.
        prompt_rate: how many times as fast the first stage is.
        attack_ms: from the onset to full amplitude at full velocity; half as much again for the
            softest touch.
        damper_ms: time constant of a damped middle C.
        knock_db: amplitude of the hammer's noise burst relative to that of the partials.
        knock_ms: its time constant.
        noise_db: background noise relative to full scale.
        room_seconds: the time in which reverberation falls by 60 dB.
        wet_db: energy of the reverberation relative to the direct sound.
    """

    name: str
    seed: tuple[int, ...]
    tuning_cents: float = _drawn(-30.0, 30.0)
    bass_stiffness_octaves: float = _drawn(-0.85, 0.85)
    treble_stiffness_octaves: float = _drawn(-0.85, 0.85)
    tilt_db_per_octave: float = _drawn(-9.0, -4.0)
    softness_db_per_octave: float = _drawn(2.0, 5.0)
    strike_point: float = _drawn(0.09, 0.15)
    colour_db: float = _drawn(2.0, 5.0)
    jitter_db: float = _drawn(1.0, 3.0)
    unison_cents: float = _drawn(0.2, 1.5)
    three_strings_from_midi: float = _drawn(40.0, 55.0)
    decay_octaves: float = _drawn(-0.8, 0.8)
    decay_slope: float = _drawn(0.4, 0.8)
    partial_decay_slope: float = _drawn(0.4, 0.9)
    prompt_share: float = _drawn(0.5, 0.85)
    prompt_rate: float = _drawn(3.0, 7.0)
    attack_ms: float = _drawn(1.5, 6.0)
    damper_ms: float = _drawn(20.0, 60.0)
    knock_db: float = _drawn(-26.0, -10.0)
    knock_ms: float = _drawn(8.0, 40.0)
    noise_db: float = _drawn(-75.0, -52.0)
    room_seconds: float = _drawn(0.2, 1.0)
    wet_db: float = _drawn(-14.0, -3.0)

    def inharmonicity(self, pitch: int) -> float:
        """Inharmonicity coefficient B of a key's strings."""
        share = (pitch - LOWEST_PITCH) / (N_PITCHES - 1)
        ends = (self.bass_stiffness_octaves, self.treble_stiffness_octaves)
        own = self.rng(0, pitch).uniform(-_KEY_STIFFNESS_OCTAVES, _KEY_STIFFNESS_OCTAVES)
        return float(piano_inharmonicity(pitch) * 2.0 ** (np.interp(share, (0, 1), ends) + own))

    def fundamental_hz(self, pitch: int) -> float:
        """Frequency of a key's first partial, in the middle of its strings."""
        own = self.rng(1, pitch).uniform(-_KEY_CENTS, _KEY_CENTS)
        return float(midi_to_hz(pitch) * cents_to_ratio(self.tuning_cents + own))

    def partial_hz(self, pitch: int) -> Floats:
        """``(partials,)`` frequencies of a key's partials 1, 2, …: as many as there are."""
        b = self.inharmonicity(pitch)
        k = np.arange(1, N_PARTIALS + 1)
        hz = k * self.fundamental_hz(pitch) * np.sqrt((1 + b * k**2) / (1 + b))
        return np.asarray(hz[hz < HIGHEST_HZ])

    def levels(self, pitch: int, velocity: float) -> Floats:
        """``(partials,)`` amplitudes of a key's partials at the onset."""
        hz, touch = self.partial_hz(pitch), velocity / 127
        k = np.arange(1, len(hz) + 1)
        tilt = self.tilt_db_per_octave - self.softness_db_per_octave * (1 - touch)
        jitter = self.rng(2, pitch).standard_normal(N_PARTIALS)[: len(k)]
        level_db = tilt * np.log2(k) + self.jitter_db * jitter
        # The soundboard, and its loss in the lowest octaves.
        board_hz = np.geomspace(25, 11_000, 24)
        board_db = self.colour_db * self.rng(3).standard_normal(24)
        level_db += np.interp(np.log(hz), np.log(board_hz), board_db)
        level_db += 12 * np.minimum(0, np.log2(hz / 110))
        # A hammer has a width: where it strikes a node, a little is left.
        struck = np.hypot(np.sin(np.pi * k * self.strike_point), 0.04)
        amplitudes = db_to_amplitude(level_db) * struck
        return np.asarray(amplitudes * _loudness(velocity) / np.sqrt(np.sum(amplitudes**2)))

    def rng(self, *key: int) -> np.random.Generator:
        """The generator for one purpose and key of this piano."""
        return np.random.default_rng([*self.seed, *key])


@lru_cache(maxsize=8)
def draw_pianos(part: str, seed: int = 0) -> tuple[Piano, ...]:
    """The pianos of a part.

    A property's range is cut into as many pieces as there are pianos, and each piano draws its
    value from another piece (a Latin hypercube): few pianos, and they still differ.
    """
    key = (seed, list(PARTS).index(part))
    rng, names = np.random.default_rng(key), _PIANOS[part]
    n = len(names)
    ranges = {f.name: f.metadata["range"] for f in fields(Piano) if f.metadata}
    draws = {
        quality: low + (high - low) * (rng.permutation(n) + rng.random(n)) / n
        for quality, (low, high) in ranges.items()
    }
    return tuple(
        Piano(name, (*key, i), **{quality: float(draws[quality][i]) for quality in draws})
        for i, name in enumerate(names)
    )


def play_partials(piano: Piano, notes: Notes, partials: Collection[int], n_samples: int) -> Floats:
    """``(samples,)`` of these partials of all notes, without the room.

    The level of a partial does not depend on which others are there.
    """
    out = np.zeros(n_samples)
    chosen = np.array(sorted(k for k in ALL_PARTIALS if k in partials), dtype=np.intp) - 1
    for onset, offset, pitch, velocity in _rows(notes):
        rates, amplitudes = _oscillations(piano, pitch)
        here = chosen[chosen < len(rates)]
        damper = SAMPLE_RATE * piano.damper_ms / 1000 * 2 ** ((60 - pitch) / 36)
        start, damped = round(onset * SAMPLE_RATE), round(offset * SAMPLE_RATE)
        count = min(damped + round(_TAIL * damper), n_samples) - start
        if len(here) == 0 or count <= 0:
            continue
        levels = piano.levels(pitch, velocity)[here, None]
        sound = _oscillate(rates[here].ravel(), (levels * amplitudes[here]).ravel(), count)
        time = np.arange(count)
        rise = SAMPLE_RATE * piano.attack_ms / 1000 * (1.5 - 0.5 * velocity / 127)
        sound *= np.sin(np.pi / 2 * np.minimum(1, time / rise)) ** 2
        sound *= np.exp(-np.maximum(0, time - (damped - start)) / damper)
        out[start : start + count] += sound
    return out


def play_residual(piano: Piano, notes: Notes, key: int, n_samples: int) -> tuple[Floats, Floats]:
    """``(samples,)`` each: the noise of the hammers, without the room, and background noise.

    Args:
        piano: the piano.
        notes: what it plays.
        key: another one gives other noise.
        n_samples: of the recording.
    """
    rng = piano.rng(6, key)
    hammers = np.zeros(n_samples)
    time = np.arange(round(0.008 * piano.knock_ms * SAMPLE_RATE)) / SAMPLE_RATE
    fade = np.minimum(1, time / 0.001) * np.exp(-time / (piano.knock_ms / 1000))
    for onset, _, _, velocity in _rows(notes):
        start = round(onset * SAMPLE_RATE)
        burst = _loudness(velocity) * fade * rng.standard_normal(len(fade))
        hammers[start : start + len(burst)] += burst[: max(0, n_samples - start)]
    # Wood: most of it between 80 and 1,500 Hz, brought back to the level of white noise.
    band = butter(1, (80, 1500), "bandpass", fs=SAMPLE_RATE)
    hammers = np.asarray(lfilter(*band, hammers)) * np.sqrt(SAMPLE_RATE / 2 / 1420)
    # Noise of equal power per octave.
    hz = np.fft.rfftfreq(n_samples, 1 / SAMPLE_RATE)
    spectrum = rng.standard_normal((2, len(hz))) / np.sqrt(np.maximum(hz, 30))
    noise = np.fft.irfft(spectrum[0] + 1j * spectrum[1], n_samples)
    noise *= db_to_amplitude(piano.noise_db) / np.sqrt(np.mean(noise**2))
    return hammers * db_to_amplitude(piano.knock_db), noise


def _rows(notes: Notes) -> Iterator[tuple[float, float, int, float]]:
    """Onset and offset in seconds, MIDI pitch and velocity of each note."""
    pitches = notes.pitches.astype(int).tolist()
    return zip(
        notes.onsets.tolist(),
        notes.offsets.tolist(),
        pitches,
        notes.velocities.tolist(),
        strict=True,
    )


def _loudness(velocity: float) -> float:
    """Amplitude of a note: the root of the sum of its partials' squares."""
    return float(_NOTE_LEVEL * (velocity / 127) ** 1.5)


@lru_cache(maxsize=256)
def _oscillations(piano: Piano, pitch: int) -> tuple[Complexes, Complexes]:
    """Rates per sample and complex amplitudes ``(partials, oscillations)`` of a key's partials of
    level 1: n strings in the fast, then n in the slow stage of the decay."""
    hz, rng = piano.partial_hz(pitch), piano.rng(4, pitch)
    k = np.arange(1, len(hz) + 1)
    n_strings = 3 if pitch >= piano.three_strings_from_midi else 2
    cents = piano.unison_cents * rng.standard_normal(n_strings)
    strings_hz = hz[:, None] * cents_to_ratio(cents - cents.mean())
    # Random values are drawn for all partials, so that none depends on how many there are.
    jitter = rng.standard_normal(N_PARTIALS)[: len(k)]
    phases = rng.uniform(0, 2 * np.pi, (N_PARTIALS, 1))[: len(k)]
    # The hammer starts the strings of a key together, or nearly so.
    phases = phases + 0.3 * rng.standard_normal((N_PARTIALS, n_strings))[: len(k)]
    octaves = piano.decay_octaves - piano.decay_slope * (pitch - 69) / 12 + 0.3 * jitter
    slow = _DECAY_SECONDS * 2**octaves * k**-piano.partial_decay_slope
    stages = ((piano.prompt_share, slow / piano.prompt_rate), (1 - piano.prompt_share, slow))
    rates = np.hstack([2j * np.pi * strings_hz - 1 / seconds[:, None] for _, seconds in stages])
    amplitudes = np.hstack([share / n_strings * np.exp(1j * phases) for share, _ in stages])
    return np.asarray(rates / SAMPLE_RATE, dtype=np.complex128), amplitudes


@lru_cache(maxsize=8)
def _room(piano: Piano) -> Floats:
    """``(samples,)`` response of the room: the direct sound, then decaying noise."""
    time = np.arange(round(1.2 * piano.room_seconds * SAMPLE_RATE)) / SAMPLE_RATE
    tail = piano.rng(5).standard_normal(len(time)) * 10 ** (-3 * time / piano.room_seconds)
    tail = lfilter([0.5], [1, -0.5], tail)  # walls take more of the treble
    tail *= db_to_amplitude(piano.wet_db) / np.sqrt(np.sum(tail**2))
    direct = np.zeros(round(0.004 * SAMPLE_RATE))
    direct[0] = 1.0
    return np.concatenate([direct, tail])


def _oscillate(rates: Complexes, amplitudes: Complexes, count: int) -> Floats:
    """``Σ Re(amplitude · exp(rate · n))`` for n = 0 … count − 1.

    With n = block · 256 + rest, an exponential is a product of one per block and one per rest: few
    exponentials, and a matrix product. ``einsum``, unlike ``@``, computes it without BLAS, whose
    sums may depend on the number of threads.
    """
    blocks = -(-count // _BLOCK)
    within = np.exp(rates[:, None] * np.arange(_BLOCK))
    begins = amplitudes[:, None] * np.exp(rates[:, None] * (_BLOCK * np.arange(blocks)))
    begins = np.concatenate([begins.real, -begins.imag])
    within = np.concatenate([within.real, within.imag])
    return np.asarray(np.einsum("kb,kj->bj", begins, within).ravel()[:count])


@dataclass(frozen=True, kw_only=True)
class KnownPartialsTrack(PartialsTrack):
    """A work of the demo, played on a modelled piano.

    Attributes:
        piano: what it is played on.
    """

    piano: Piano

    def fingerprint(self) -> str:
        """Hash of everything that decides the sound and the notes."""
        contents = content_hash(self.notes_path)
        piano = json.dumps(asdict(self.piano))
        parts = (VERSION, contents, piano, repr(self.seconds), self.pedal, repr(self.max_seconds))
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def play(
        self, notes: Notes, n_samples: int, partials: Collection[int], residual: bool
    ) -> Floats:
        """``(samples,)`` of the whole performance, in the piano's room."""
        direct, noise = play_partials(self.piano, notes, partials, n_samples), np.zeros(n_samples)
        if residual:
            key = int.from_bytes(self.work.encode())
            hammers, noise = play_residual(self.piano, notes, key, n_samples)
            direct += hammers
        return np.asarray(fftconvolve(direct, _room(self.piano))[:n_samples] + noise)


def known_partials(
    part: str = "development",
    seed: int = 0,
    subsample_every: int = 1,
    max_tracks: int | None = None,
    max_seconds: float | None = None,
    pedal: str = "extend",
) -> TrackList:
    """The tracks of one part: six works of about 16 s on each of four pianos.

    Args:
        part: ``development`` or ``held_out``: other works, other pianos.
        seed: of the pianos; published numbers are those of seed 0.
        subsample_every, max_tracks, max_seconds, pedal: see
            :class:`~pi_amt.datasets.files.Selection`.

    Raises:
        ValueError: for an option value that cannot work.
    """
    selection = Selection(subsample_every, max_tracks, max_seconds, pedal)
    check_choice("part", part, tuple(PARTS))
    check_count("seed", seed, low=0)
    records = {
        record["id"]: record
        for record in json.loads((FOLDER / "tracks.json").read_text(encoding="utf-8"))
    }
    tracks = [
        KnownPartialsTrack(
            name=f"{work}_piano_{piano.name}",
            work=work,
            composition=records[work]["composition"],
            seconds=records[work]["seconds"],
            piano=piano,
        )
        for work in PARTS[part]
        for piano in draw_pianos(part, seed)
    ]
    chosen = [
        replace(track, pedal=pedal, max_seconds=max_seconds) for track in selection.choose(tracks)
    ]
    return TrackList("known_partials", tuple(chosen))
