"""A compact text notation for piano voices.

A voice is text: blank-separated tokens, bars closed by ``|``.

* ``c#4+e4/8`` a chord of one or more notes (middle C is ``c4``), then its length as a part of a
  whole note: ``/4`` quarter, ``/8.`` dotted eighth, ``/12`` eighth of a triplet. The length stays
  in force until the next one is written.
* ``r`` a rest; ``_`` prolongs the token before it (a tie, also across a bar line).
* After the length, marks: ``'`` staccato, ``>`` accent; then ``*8``: the token eight times.

Times are exact fractions of a quarter note ("beats"), so that triplets add up.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

_TOKEN = re.compile(
    r"(?P<body>_|r|[a-g](?:#|b)?\d(?:\+[a-g](?:#|b)?\d)*)"
    r"(?:/(?P<part>\d+)(?P<dot>\.?))?(?P<marks>['>]*)(?:\*(?P<times>\d+))?"
)
_STEPS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}


@dataclass(frozen=True)
class Event:
    """One token in time: a chord (``pitches`` empty for a rest), in beats from the start."""

    start: Fraction
    length: Fraction
    pitches: tuple[int, ...]
    staccato: bool = False
    accent: bool = False


def pitch_number(name: str) -> int:
    """MIDI number of a name such as ``bb3`` (B flat below middle C)."""
    number = _STEPS[name[0]] + 12 * (int(name[-1]) + 1)
    return number + {"#": 1, "b": -1}.get(name[1:-1], 0)


def parse_voice(text: str, bars: Sequence[float]) -> list[Event]:
    """Events of a voice; ValueError where a bar does not have its length in ``bars`` (beats)."""
    events: list[Event] = []
    now, length = Fraction(0), Fraction(1)
    written = text.strip().removesuffix("|").split("|")
    if len(written) != len(bars):
        raise ValueError(f"{len(written)} bars written, {len(bars)} expected")
    for number, (bar, expected) in enumerate(zip(written, bars, strict=True), start=1):
        begin = now
        for token in bar.split():
            now, length = _append(events, token, now, length)
        if now - begin != Fraction(expected):
            raise ValueError(f"bar {number} lasts {now - begin} beats, not {expected}: {bar}")
    return events


def _append(
    events: list[Event], token: str, now: Fraction, length: Fraction
) -> tuple[Fraction, Fraction]:
    """Read one token into ``events``; the time after it and the length in force."""
    match = _TOKEN.fullmatch(token)
    if match is None:
        raise ValueError(f"not a note, rest or tie: {token!r}")
    if match["part"]:
        length = Fraction(4, int(match["part"])) * (Fraction(3, 2) if match["dot"] else 1)
    for _ in range(int(match["times"] or 1)):
        if match["body"] == "_":
            events[-1] = replace(events[-1], length=events[-1].length + length)
        else:
            body = match["body"]
            names = () if body == "r" else tuple(body.split("+"))
            pitches = tuple(pitch_number(name) for name in names)
            marks = match["marks"]
            events.append(Event(now, length, pitches, "'" in marks, ">" in marks))
        now += length
    return now, length
