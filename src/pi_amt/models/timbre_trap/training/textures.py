"""Random piano textures for training: two hands, scattered notes, runs, re-strikes, thick chords.

Each takes an explicit random generator and a length, and returns the key presses of at least that
length, not yet humanised and not kept inside the keyboard. Octaves are about as rare as in real
music, or every strong second partial would be read as a note.
"""

from __future__ import annotations

import numpy as np

from pi_amt.core.notes import LOWEST_PITCH, N_PITCHES

HIGHEST_PITCH = LOWEST_PITCH + N_PITCHES - 1
_SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 11), (0, 2, 3, 5, 7, 9, 10), tuple(range(12)))
_CHORDS = ((0, 4, 7), (0, 3, 7), (0, 4, 7, 10), (0, 3, 7, 10), (0, 3, 6, 9), (0, 4, 8), (0, 5, 7),
           (0, 4, 7, 11), (0, 4, 7, 14), (0, 3, 6))  # fmt: skip
Event = tuple[float, float, int, float]  # onset s, key-down seconds, MIDI pitch, velocity 1–127


def two_hands(rng: np.random.Generator, seconds: float) -> list[Event]:
    """Left hand: a pattern over chords; right hand: a melody, at times doubled."""
    beat = 60.0 / rng.uniform(50, 170)
    key = int(rng.integers(12))
    scale = _SCALES[rng.integers(3)]
    bass, treble = int(rng.integers(30, 55)), int(rng.integers(58, 88))
    loud = float(rng.uniform(35, 105))
    balance = float(rng.uniform(-25, 15))
    pattern = int(rng.integers(6))
    touch = float(rng.uniform(0.3, 1.05))
    events: list[Event] = []
    time = 0.0
    degree = treble
    doublings = [(), (), (), (), (12,), (-12,), (-3,), (-4, -9), (-8,), (-5, -12)]
    doubling = doublings[rng.integers(len(doublings))]
    while time < seconds:
        beats = int(rng.choice([1, 2, 2, 4]))
        root = bass + (key + scale[rng.integers(len(scale))] - bass) % 12
        chord = [root + c for c in _CHORDS[rng.integers(len(_CHORDS))]]
        for onset, length, pitch in _accompaniment(rng, chord, beats, pattern):
            events.append((time + onset * beat, length * beat * touch, pitch, loud + balance))
        position = 0.0
        while position < beats:
            step = float(rng.choice([0.25, 0.5, 0.5, 1 / 3, 1.0, 2.0]))
            degree += int(rng.choice([-5, -3, -2, -1, -1, 1, 1, 2, 3, 5]))
            degree = int(np.clip(degree, treble - 14, treble + 18))
            if rng.random() < 0.85:
                pitch = degree
                while (pitch - key) % 12 not in scale:
                    pitch += 1
                for extra in (0, *doubling):
                    event = (time + position * beat, step * beat * touch, pitch + extra, loud)
                    events.append(event)
            position += step
        time += beats * beat
    return events


def _accompaniment(
    rng: np.random.Generator, chord: list[int], beats: int, pattern: int
) -> list[tuple[float, float, int]]:
    """One chord's (onset, length in beats, pitch): block, Alberti, octaves, arpeggio, stride…"""
    if pattern == 0:
        return [(0.0, float(beats), p) for p in chord]
    if pattern == 1:
        order = [chord[0], chord[2], chord[1], chord[2]]
        return [(i * 0.5, 0.5, order[i % 4]) for i in range(2 * beats)]
    if pattern == 2:
        return [(float(i), 1.0, chord[0] - o) for i in range(beats) for o in (0, 12)]
    if pattern == 3:
        wide = chord[:3] + [p + 12 for p in chord[:3]] + [chord[0] + 24]
        return [(i * 0.25, float(rng.uniform(0.25, 2)), wide[i % 7]) for i in range(4 * beats)]
    if pattern == 4:
        stride = [(0.0, 0.9, chord[0] - 12)]
        return stride + [(i + 0.5, 0.5, p) for i in range(beats) for p in chord[1:]]
    return [(i * 0.5, 0.5, p) for i in range(2 * beats) for p in chord[:3]]


def scattered(rng: np.random.Generator, seconds: float) -> list[Event]:
    """Unrelated notes of any pitch, length and loudness: no musical habit to lean on."""
    n = rng.poisson(seconds * np.exp(rng.uniform(np.log(1.5), np.log(14))))
    low, high = sorted(rng.integers(LOWEST_PITCH, HIGHEST_PITCH + 1, 2))
    if high - low < 20:
        low, high = LOWEST_PITCH, HIGHEST_PITCH
    return list(
        zip(
            rng.uniform(0, seconds, n).tolist(),
            np.exp(rng.uniform(np.log(0.06), np.log(3.0), n)).tolist(),
            rng.integers(low, high + 1, n).tolist(),
            rng.uniform(15, 120, n).tolist(),
            strict=True,
        )
    )


def runs(rng: np.random.Generator, seconds: float) -> list[Event]:
    """Scales, arpeggios and chromatic runs, in one or two hands, 4 to 16 notes a second."""
    events: list[Event] = []
    time = 0.0
    while time < seconds:
        rate = float(rng.uniform(4, 16))
        n = int(rng.integers(5, 25))
        steps = _SCALES[rng.integers(4)] if rng.random() < 0.6 else _CHORDS[rng.integers(6)]
        ladder = np.array([o * 12 + s for o in range(9) for s in sorted(set(steps)) if s < 12])
        start = int(rng.integers(len(ladder) // 4, 3 * len(ladder) // 4))
        path = start + np.arange(n) * int(rng.choice([-1, 1]))
        path = np.clip(path, 0, len(ladder) - 1)
        base = int(rng.integers(12, 24))
        loud = float(rng.uniform(30, 110))
        doublings = [(0,), (0,), (0,), (0,), (0, 12), (0, -24), (0, 3), (0, 9)][rng.integers(8)]
        length = float(rng.uniform(0.5, 2.5)) / rate
        for i, rung in enumerate(path):
            for extra in doublings:
                pitch = base + int(ladder[rung]) + extra
                events.append((time + i / rate, length, pitch, loud))
        time += n / rate + float(rng.choice([0.0, 0.2, 1.0]))
    return events


def restrikes(rng: np.random.Generator, seconds: float) -> list[Event]:
    """The same keys again and again, 1.5 to 11 times a second, over slower chords."""
    events: list[Event] = []
    time = 0.0
    while time < seconds:
        period = 1 / float(np.exp(rng.uniform(np.log(1.5), np.log(11))))
        n = int(rng.integers(2, 12))
        root = int(rng.integers(28, 95))
        chord = _CHORDS[rng.integers(len(_CHORDS))]
        keys = [root] if rng.random() < 0.4 else [root + c for c in chord]
        loud = float(rng.uniform(30, 110))
        length = float(rng.uniform(0.3, 1.0)) * period
        held = int(rng.integers(25, 50))
        events.append((time, n * period, held, loud))
        for i in range(n):
            events += [(time + i * period, length, key, loud) for key in keys]
        time += n * period
    return events


def chords(rng: np.random.Generator, seconds: float) -> list[Event]:
    """Thick chords of both hands, often with octaves, at times rolled or struck repeatedly."""
    events: list[Event] = []
    time = 0.0
    while time < seconds:
        length = float(np.exp(rng.uniform(np.log(0.15), np.log(2.0))))
        root = int(rng.integers(24, 50))
        chord = _CHORDS[rng.integers(len(_CHORDS))]
        keys = [root] + [root + 12] * int(rng.integers(2))
        keys += [root + 12 * int(rng.integers(1, 5)) + c for c in chord]
        keys += [root + 24 + 12 * int(rng.integers(0, 3)) + c for c in chord[: rng.integers(1, 4)]]
        roll = float(rng.choice([0.0, 0.0, 0.02, 0.06]))
        loud = float(rng.uniform(25, 118))
        touch = float(rng.uniform(0.3, 1.1))
        for _ in range(int(rng.choice([1, 1, 2, 4, 8]))):
            for i, key in enumerate(sorted(set(keys))):
                events.append((time + i * roll, length * touch, key, loud + rng.normal(0, 6)))
            time += length
    return events
