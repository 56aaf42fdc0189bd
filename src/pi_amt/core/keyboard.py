"""From MIDI events to what sounds: keys pressed and released, and the pedal that holds them.

Conventions: a note-on with velocity 0 is a note-off. A key press ends at the first note-off after
it *on the same track, channel and pitch*, or where that key is struck again (one string cannot
sound twice), or, if neither comes, at the end of the file. Controllers 120 and 123 (all sound,
all notes off) release every key of their channel, 121 (reset controllers) lifts its pedal. How long
a released key sounds on is the pedal rule, told at :func:`pi_amt.core.note_files.read_notes`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pi_amt.core.midi import CONTROL, NOTE_ON, MidiFile, Ticks

SUSTAIN, ALL_SOUND_OFF, RESET_CONTROLLERS, ALL_NOTES_OFF = 64, 120, 121, 123


def key_presses(midi: MidiFile) -> NDArray[np.int64]:
    """Pair note-ons with note-offs: ``(presses, 5)`` on tick, off tick, channel, pitch, velocity.

    Drums (channel 10) are not notes. Rows are in the order of their note-ons.
    """
    presses: list[list[int]] = []
    # open key (track, channel, pitch) → its press, and the tick at which it cut a held press
    held: dict[tuple[int, int, int], tuple[list[int], int]] = {}
    for tick, track, status, first, second in midi.events:
        kind, channel = status & 0xF0, status & 0x0F
        if channel == 9:
            continue
        key = (track, channel, first)
        if kind == CONTROL:
            if first in (ALL_SOUND_OFF, ALL_NOTES_OFF):
                for other in [other for other in held if other[1] == channel]:
                    held.pop(other)[0][1] = tick
        elif kind == NOTE_ON and second:
            cut = -1
            if key in held:
                old = held.pop(key)[0]
                if old[0] == tick:  # the same key twice at once is one press
                    old[4] = max(old[4], second)
                    held[key] = (old, -1)
                    continue
                old[1] = cut = tick
            press = [tick, midi.end, channel, first, second]
            presses.append(press)
            held[key] = (press, cut)
        elif key in held:
            press, cut = held[key]
            if cut == tick:  # this note-off came late: it belongs to the press that was cut
                held[key] = (press, -1)
            else:
                press[1] = tick
                del held[key]
    return np.array(presses, dtype=np.int64).reshape(-1, 5)


def sounding_ends(midi: MidiFile, presses: NDArray[np.int64]) -> Ticks:
    """Ticks ``(presses,)`` where presses stop sounding: the pedal rule of ``read_notes``."""
    on, off, channels, pitches, _ = presses.T
    ends: Ticks = off.copy()
    for channel, (ticks, down) in _pedal_changes(midi).items():
        # tick at which the pedal comes up after each change, the end of the file if it never does
        ups = np.where(down, midi.end, ticks)
        ups = np.minimum.accumulate(ups[::-1])[::-1]
        state = np.searchsorted(ticks, off, side="right") - 1
        sustained = (channels == channel) & (state >= 0) & down[state]
        ends[sustained] = ups[state[sustained]]
    restarts = _next_onsets(on, channels * 128 + pitches, midi.end)
    return np.minimum(ends, restarts)


def _pedal_changes(midi: MidiFile) -> dict[int, tuple[Ticks, NDArray[np.bool_]]]:
    """Sustain pedal per channel: ticks ``(changes,)`` and whether it is down (value ≥ 64)."""
    found: dict[int, list[tuple[int, bool]]] = {}
    for tick, _, status, first, second in midi.events:
        if status & 0xF0 == CONTROL and first in (SUSTAIN, RESET_CONTROLLERS):
            down = first == SUSTAIN and second >= 64
            found.setdefault(status & 0x0F, []).append((tick, down))
    return {
        channel: (np.array([t for t, _ in changes]), np.array([d for _, d in changes]))
        for channel, changes in found.items()
    }


def _next_onsets(on: Ticks, keys: Ticks, end: int) -> Ticks:
    """Tick ``(notes,)`` of the next strictly later onset of the same key, else ``end``.

    Strictly later, or two tracks that strike one key at once would silence each other.
    """
    order = np.lexsort((on, keys))
    sorted_on, sorted_keys = on[order], keys[order]
    count = len(order)
    new = np.ones(count + 1, dtype=np.bool_)
    new[1:-1] = (np.diff(sorted_on) != 0) | (np.diff(sorted_keys) != 0)
    firsts = np.where(new, np.arange(count + 1), count)
    following = np.minimum.accumulate(firsts[::-1])[::-1][1:]
    found = following < count
    found[found] = sorted_keys[following[found]] == sorted_keys[found]
    result = np.full(count, end, dtype=np.int64)
    result[order[found]] = sorted_on[following[found]]
    return result
