"""From a score to a performance: when each key goes down and up, how hard, and the pedal.

Deterministic: every random number comes from `random.Random.random` seeded with the work's id.
"""

import math
import random
from collections import defaultdict
from dataclasses import dataclass
from itertools import accumulate, pairwise

from scripts.demo_data.notation import Event, parse_voice
from scripts.demo_data.work import Voice, Work

LEAD_IN = 0.45  # seconds of silence before beat 0
TAIL = 1.0  # seconds after the last key or pedal is released
_GRID = 48  # tempo steps per beat
_SHORTEST = 0.045  # s; a key is down at least this long
_PEDAL_LAG = 0.14  # s from a pedal change's lift to its next press (syncopated pedalling)
_SAME_STROKE = 0.06  # s; the same pitch in two voices within this time is one key stroke


@dataclass(frozen=True)
class KeyStroke:
    """A key pressed from ``down`` to ``up`` (seconds)."""

    down: float
    up: float
    pitch: int
    velocity: int


@dataclass(frozen=True)
class Performance:
    """Key strokes by onset, pedal presses as (down, up) seconds, and the whole length."""

    strokes: tuple[KeyStroke, ...]
    pedal: tuple[tuple[float, float], ...]
    seconds: float


def perform(work: Work) -> Performance:
    """Play a work."""
    clock = _Clock(work)
    rng = random.Random(work.id)
    strokes = [
        stroke
        for voice in work.voices
        for event in parse_voice(voice.text, work.bars)
        for stroke in _play(work, voice, event, clock, rng)
    ]
    strokes = _one_key_one_finger(strokes)
    pedal = _pedal(work, clock)
    last = max([stroke.up for stroke in strokes] + [up for _, up in pedal])
    return Performance(tuple(strokes), pedal, last + TAIL)


class _Clock:
    """Seconds of a beat, through the tempo curve and the phrase arches."""

    def __init__(self, work: Work) -> None:
        steps = math.ceil(sum(work.bars) * _GRID)
        beats = [index / _GRID for index in range(steps)]
        durations = (60.0 / _GRID / self._tempo(work, beat) for beat in beats)
        self._seconds = list(accumulate(durations, initial=LEAD_IN))

    @staticmethod
    def _tempo(work: Work, beat: float) -> float:
        base = line(work.tempo, beat)
        return base * (1.0 + work.rubato * (2.0 * arch(work, beat) - 1.0))

    def seconds(self, beat: float) -> float:
        index = min(int(beat * _GRID), len(self._seconds) - 2)
        here, there = self._seconds[index], self._seconds[index + 1]
        return here + (there - here) * (beat * _GRID - index)


def line(points: tuple[tuple[float, float], ...], beat: float) -> float:
    """Value at ``beat`` on the lines through the break points, constant outside them."""
    for (left, low), (right, high) in pairwise(points):
        if left <= beat < right:
            return low + (high - low) * (beat - left) / (right - left)
    return points[0][1] if beat < points[0][0] else points[-1][1]


def arch(work: Work, beat: float) -> float:
    """Place in the phrase: 0 at its ends, 1 in its middle."""
    return math.sin(math.pi * (beat % work.phrase) / work.phrase)


def _play(
    work: Work, voice: Voice, event: Event, clock: _Clock, rng: random.Random
) -> list[KeyStroke]:
    """The key strokes of one chord; its keys do not go down at quite the same time."""
    begin, end = float(event.start), float(event.start + event.length)
    start, stop = clock.seconds(begin), clock.seconds(end)
    share = 0.45 if event.staccato else voice.legato
    loudness = (
        line(work.dynamics, begin)
        + voice.loudness
        + 6.0 * (arch(work, begin) - 0.5)
        + _metre(work, begin)
        + (10.0 if event.accent else 0.0)
    )
    strokes = []
    for pitch in event.pitches:
        down = start - voice.lead_ms / 1000 + _spread(rng, 0.007)
        up = max(down + share * (stop - start) + _spread(rng, 0.008), down + _SHORTEST)
        top = 5.0 if pitch == max(event.pitches) and len(event.pitches) > 1 else 0.0
        velocity = loudness + top + 0.12 * (pitch - 60) + _spread(rng, 4.0)
        strokes.append(KeyStroke(down, up, pitch, min(115, max(25, round(velocity)))))
    return strokes


def _metre(work: Work, beat: float) -> float:
    """Accent of the place in the bar: its first beat, another beat, between beats."""
    starts = accumulate(work.bars, initial=0.0)
    if any(abs(beat - start) < 1e-6 for start in starts):
        return 5.0
    return 1.0 if beat % 1.0 == 0.0 else -2.0


def _spread(rng: random.Random, width: float) -> float:
    """A random number in ±width, mostly near 0 (triangular)."""
    return width * (rng.random() - rng.random())


def _one_key_one_finger(strokes: list[KeyStroke]) -> list[KeyStroke]:
    """Two voices on one key: one stroke if together, else the key is let go before the second."""
    keys: dict[int, list[KeyStroke]] = defaultdict(list)
    for stroke in sorted(strokes, key=lambda s: (s.down, s.pitch)):
        key = keys[stroke.pitch]
        if key and stroke.down - key[-1].down < _SAME_STROKE:
            last = key[-1]
            loud = max(last.velocity, stroke.velocity)
            key[-1] = KeyStroke(last.down, max(last.up, stroke.up), stroke.pitch, loud)
            continue
        if key and key[-1].up > stroke.down - 0.015:
            last = key[-1]
            key[-1] = KeyStroke(last.down, stroke.down - 0.015, last.pitch, last.velocity)
        key.append(stroke)
    return sorted((s for key in keys.values() for s in key), key=lambda s: (s.down, s.pitch))


def _pedal(work: Work, clock: _Clock) -> tuple[tuple[float, float], ...]:
    """Syncopated pedalling: lifted on the beat of a change, pressed again shortly after."""
    times = [clock.seconds(beat) for beat in work.pedal]
    return tuple((here + _PEDAL_LAG, there + 0.02) for here, there in pairwise(times))
