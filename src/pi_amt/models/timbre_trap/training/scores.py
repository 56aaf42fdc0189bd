"""Note material for training: random textures and excerpts of public-domain scores, performed.

Every generator takes an explicit random generator and returns a ``Score`` of at least the wanted
length. Random material is tonal but varied (:mod:`pi_amt.models.timbre_trap.training.textures`),
because what the network must not learn is which notes go together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pi_amt.core.notes import LOWEST_PITCH
from pi_amt.models.timbre_trap.training.textures import (
    HIGHEST_PITCH,
    Event,
    chords,
    restrikes,
    runs,
    scattered,
    two_hands,
)


@dataclass(frozen=True)
class Score:
    """Notes sorted by onset: onsets and *sounding* offsets in seconds, MIDI pitches, velocities."""

    onsets: np.ndarray
    offsets: np.ndarray
    pitches: np.ndarray
    velocities: np.ndarray


def random_score(
    rng: np.random.Generator, seconds: float, excerpts: list[np.ndarray] | None = None
) -> Score:
    """A random piece of the wanted length: one or two textures, humanised, often with pedal.

    ``excerpts``: public-domain scores, each (notes, 3) of onset and length in quarters and pitch.
    """
    others = (scattered, runs, restrikes, chords)
    textures = 3 * (two_hands,) + others
    if excerpts and rng.random() < 0.25:
        events = _excerpt(rng, seconds, excerpts)
    else:
        events = textures[rng.integers(len(textures))](rng, seconds)
    if rng.random() < 0.2:
        events += others[rng.integers(len(others))](rng, seconds)
    return _finish(rng, events, seconds)


def excerpt_score(rng: np.random.Generator, seconds: float, excerpt: np.ndarray) -> Score:
    """Some bars of one public-domain score, performed: tempo, transposition, timing, pedal."""
    return _finish(rng, _excerpt(rng, seconds, [excerpt]), seconds)


def _finish(rng: np.random.Generator, events: list[Event], seconds: float) -> Score:
    """Humanise, fold into the keyboard, apply the pedal, end notes where their key is struck."""
    table = np.array(events or [(0.5, 1.0, 60, 64.0)], np.float64)
    n = len(table)
    onsets: np.ndarray = np.maximum(0.0, table[:, 0] + rng.normal(0, rng.uniform(0.001, 0.015), n))
    lengths = np.maximum(0.04, table[:, 1])
    pitches: np.ndarray = table[:, 2].astype(np.int64)
    pitches = np.where(pitches < LOWEST_PITCH, pitches + 12 * rng.integers(1, 3), pitches)
    pitches = np.where(pitches > HIGHEST_PITCH, pitches - 24, pitches)
    pitches = np.clip(pitches, LOWEST_PITCH, HIGHEST_PITCH)
    swell = rng.uniform(0, 22) * np.sin(onsets * rng.uniform(0.3, 2) + rng.uniform(0, 6))
    velocities = np.clip(table[:, 3] + swell + rng.normal(0, rng.uniform(2, 14), n), 8, 124)
    order = np.argsort(onsets, kind="stable")
    onsets, lengths, pitches, velocities = (
        a[order] for a in (onsets, lengths, pitches, velocities)
    )
    offsets = onsets + lengths
    if rng.random() < 0.6:
        offsets = _pedal(rng, offsets, seconds)
    return _without_collisions(onsets, offsets, pitches, velocities)


def _pedal(rng: np.random.Generator, offsets: np.ndarray, seconds: float) -> np.ndarray:
    """Extend offsets that fall under the pedal to where it is lifted."""
    gaps = rng.uniform(0.5, 1.5, 64) * np.exp(rng.uniform(np.log(0.4), np.log(4.0)))
    lifts = np.append(np.cumsum(gaps), seconds + 60.0)
    down = rng.random(len(lifts)) < rng.choice([0.5, 0.8, 1.0])
    which = np.searchsorted(lifts, offsets)
    held = down[which] & (offsets > lifts[which] - gaps[np.minimum(which, 63)] + 0.1)
    return np.where(held, lifts[which], offsets)


def _without_collisions(
    onsets: np.ndarray, offsets: np.ndarray, pitches: np.ndarray, velocities: np.ndarray
) -> Score:
    """Cut each note at the next onset of its pitch; drop strikes under 50 ms after another."""
    order = np.lexsort((onsets, pitches))
    onsets, offsets, pitches, velocities = (
        a[order] for a in (onsets, offsets, pitches, velocities)
    )
    keep = np.ones(len(onsets), bool)
    last = 0
    for i in range(1, len(onsets)):
        same = pitches[i] == pitches[last]
        if same and onsets[i] - onsets[last] < 0.05:
            keep[i] = False
            continue
        if same:
            offsets[last] = min(offsets[last], onsets[i])
        last = i
    onsets, offsets, pitches, velocities = (a[keep] for a in (onsets, offsets, pitches, velocities))
    order = np.argsort(onsets, kind="stable")
    return Score(onsets[order], offsets[order], pitches[order], velocities[order])


def _excerpt(rng: np.random.Generator, seconds: float, excerpts: list[np.ndarray]) -> list[Event]:
    """Some bars of a score at a random tempo and transposition, at times doubled in octaves."""
    score = excerpts[rng.integers(len(excerpts))]
    quarter = 60.0 / float(rng.uniform(50, 160))
    last = max(0.0, float(score[:, 0].max()) - seconds / quarter)
    start = float(rng.uniform(0, last)) if last > 0 else 0.0
    inside = (score[:, 0] >= start) & (score[:, 0] < start + seconds / quarter)
    shift = int(rng.integers(-9, 10))
    octaves = [(0,), (0,), (0,), (0,), (0, 12), (0, -12)][rng.integers(6)]
    loud, touch = float(rng.uniform(30, 105)), float(rng.uniform(0.4, 1.0))
    return [
        ((onset - start) * quarter, length * quarter * touch, int(pitch) + shift + octave, loud)
        for onset, length, pitch in score[inside].tolist()
        for octave in octaves
    ]
