"""What one excerpt is made of: its score and how it is to be played."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Voice:
    """One voice or hand of the score.

    text: its notes (see `notation`). loudness: velocity added to the work's dynamics.
    legato: share of the written length that a key stays down. lead_ms: how far its onsets come
    before the beat; pianists play a melody some 10-30 ms ahead of its accompaniment.
    """

    text: str
    loudness: float = 0.0
    legato: float = 0.95
    lead_ms: float = 0.0


@dataclass(frozen=True)
class Work:
    """One excerpt. All positions are in beats (quarter notes) from its start.

    bars: length of every bar. tempo: (beat, quarters per minute) break points, joined by lines.
    dynamics: (beat, velocity) break points. phrase: beats of one phrase arch (faster and louder
    in its middle); rubato: depth of that arch. pedal: the beats at which the pedal is changed;
    it goes down just after the first and up for good at the last; empty: not used.
    peak_dbfs: the level to which the rendered excerpt is brought.
    """

    id: str
    composer: str
    title: str
    catalogue: str
    excerpt: str
    texture: str
    bars: tuple[float, ...]
    tempo: tuple[tuple[float, float], ...]
    dynamics: tuple[tuple[float, float], ...]
    voices: tuple[Voice, ...]
    phrase: float = 8.0
    rubato: float = 0.04
    pedal: tuple[float, ...] = ()
    peak_dbfs: float = -3.0


def every(step: float, end: float, start: float = 0.0) -> tuple[float, ...]:
    """Pedal changes every ``step`` beats from ``start``, the last at ``end``."""
    count = round((end - start) / step)
    return (*(start + step * index for index in range(count)), end)
