"""Standard MIDI files: bytes → events → key presses; notes → bytes.

Our own reader, because the notes that matter here get lost elsewhere: symusic drops notes without
a note-off and pedals of channels without notes, and its seconds are float32; pretty_midi refuses
the 32,767 ticks per quarter note of MAPS. It is plain Python: no input can crash the process.

Conventions: parsing gives every event with its time in seconds and no meaning; a second step makes
key presses of them, with what pedals and repeated keys do. Tempo changes of all tracks count.
Format-2 files (independent patterns) are refused.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pi_amt.core.text import plural
from pi_amt.core.units import Floats

Ticks = NDArray[np.int64]
# (tick, track, kind, channel, first data byte, second data byte); the channels of each port are
# others: 16 times the port (a meta event of the track, else 0) and the channel of the message
Event = tuple[int, int, int, int, int, int]

NOTE_OFF, NOTE_ON, CONTROL = 0x80, 0x90, 0xB0
#: numbers of controllers
SUSTAIN, ALL_SOUND_OFF, RESET_CONTROLLERS, ALL_NOTES_OFF = 64, 120, 121, 123
#: the channel of each port whose keys are no pitches
_DRUMS = 9
_CHANNELS = 16  # of a port
DEFAULT_TEMPO = 500_000  # microseconds per quarter note
_DATA_BYTES = {0x80: 2, 0x90: 2, 0xA0: 2, 0xB0: 2, 0xC0: 1, 0xD0: 1, 0xE0: 2}
_SYSTEM_BYTES = {0xF1: 1, 0xF2: 2, 0xF3: 1}


@dataclass(frozen=True)
class MidiFile:
    """What this package needs of a MIDI file.

    Attributes:
        events: note and controller events of all tracks, sorted by tick, else in file order.
        tempo_ticks, tempi: ``(changes,)`` where each tempo begins; seconds per tick from there.
        end: the last tick of the file.
        extra_tracks: how many tracks there are beyond those that the header announces.
        behind_ends: how many note-ons, of other than drums, stand behind the End of Track of their
            track. They are not read: FluidSynth and other players stop there.
    """

    events: list[Event]
    tempo_ticks: Ticks
    tempi: Floats
    end: int
    extra_tracks: int = 0
    behind_ends: int = 0

    @property
    def ports_share_channels(self) -> bool:
        """Whether a channel, as messages have it, is used at several ports."""
        channels = {channel for _, _, _, channel, _, _ in self.events}
        return len({channel % _CHANNELS for channel in channels}) < len(channels)

    def seconds(self, ticks: ArrayLike) -> Floats:
        """Ticks → seconds (float64) through the tempo map."""
        ticks = np.asarray(ticks, dtype=np.int64)
        begins = np.concatenate([[0.0], np.cumsum(np.diff(self.tempo_ticks) * self.tempi[:-1])])
        index = np.searchsorted(self.tempo_ticks, ticks, side="right") - 1
        return np.asarray(begins[index] + (ticks - self.tempo_ticks[index]) * self.tempi[index])


def parse_midi(data: bytes) -> MidiFile:
    """Bytes of a standard MIDI file → its events.

    Tracks beyond those that the header announces are read, too: programs that append a track do
    not always count it, and its notes sound all the same.

    Raises:
        ValueError: if this is not a MIDI file, or it is truncated or damaged.
    """
    if data[:4] == b"RIFF" and data[8:12] == b"RMID":
        data = _riff_content(data)
    if data[:4] != b"MThd":
        raise ValueError("not a MIDI file (it does not begin with MThd)")
    if len(data) < 14:
        raise ValueError("truncated MIDI file (the header is incomplete)")
    length, kind, n_tracks, division = struct.unpack(">IHHH", data[4:14])
    if length < 6:
        raise ValueError(f"damaged MIDI file (a header of {length} bytes)")
    if kind > 1:
        raise ValueError(f"got MIDI format {kind}, expected format 0 or 1")
    events: list[Event] = []
    tempos: list[tuple[int, int]] = []
    end = track = behind_ends = 0
    position = 8 + length
    while track < n_tracks or _has_track(data, position):
        start, position = _track_chunk(data, position, track, n_tracks)
        before = len(events)
        tick, stop = _read_track(data[start:position], track, events, tempos)
        if stop is None:
            _check_length(data, start, position, track, len(events) - before)
        else:
            behind_ends += _count_notes(data[start + stop : position])
        end = max(end, tick)
        track += 1
    events.sort(key=itemgetter(0))
    tempos.sort(key=itemgetter(0))
    tempo_ticks, tempi = _tempo_map(tempos, division)
    return MidiFile(events, tempo_ticks, tempi, end, track - n_tracks, behind_ends)


def _riff_content(data: bytes) -> bytes:
    """The MIDI file inside a RIFF file, whatever chunks stand before it; empty if none is."""
    position = 12
    while len(head := data[position : position + 8]) == 8:
        length = int.from_bytes(head[4:], "little")
        if head[:4] == b"data":
            return data[position + 8 :]
        position += 8 + length + length % 2
    return b""


def _track_chunk(data: bytes, position: int, track: int, n_tracks: int) -> tuple[int, int]:
    """Begin and end of the next track's events; chunks of other kinds are skipped."""
    while True:
        head = data[position : position + 8]
        if len(head) < 8:
            announced = plural(n_tracks, "track")
            raise ValueError(f"truncated MIDI file (it has {track} of its {announced})")
        start, stop = position + 8, position + 8 + int.from_bytes(head[4:], "big")
        if stop > len(data):
            raise ValueError(f"truncated MIDI file (track {track + 1} ends at byte {len(data)})")
        if head[:4] == b"MTrk":
            return start, stop
        position = stop


def _has_track(data: bytes, position: int) -> bool:
    """Whether a track begins here or behind chunks of other kinds; bytes of no kind are none."""
    while len(head := data[position : position + 8]) == 8:
        if head[:4] == b"MTrk":
            return True
        position += 8 + int.from_bytes(head[4:], "big")
    return False


def _tempo_map(tempos: list[tuple[int, int]], division: int) -> tuple[Ticks, Floats]:
    """Tempo changes → where each begins (ticks) and seconds per tick from there."""
    if division & 0x8000:  # SMPTE: frames per second and ticks per frame, no tempo
        frames = {24: 24.0, 25: 25.0, 29: 30000 / 1001, 30: 30.0}.get(256 - (division >> 8))
        if frames is None or division & 0xFF == 0:
            raise ValueError(f"got MIDI time division {division:#06x}, expected SMPTE 24 to 30")
        return np.zeros(1, np.int64), np.array([1.0 / (frames * (division & 0xFF))])
    if division == 0:
        raise ValueError("got 0 ticks per quarter note in the MIDI header, expected at least 1")
    if any(tempo == 0 for _, tempo in tempos):
        raise ValueError("damaged MIDI file (a tempo of 0 µs per quarter note: all notes at once)")
    changes = {0: DEFAULT_TEMPO} | dict(tempos)  # of several at one tick the last one counts
    ticks = np.array(list(changes), dtype=np.int64)
    return ticks, np.array(list(changes.values()), dtype=np.float64) * 1e-6 / division


def _read_track(
    data: bytes, track: int, events: list[Event], tempos: list[tuple[int, int]]
) -> tuple[int, int | None]:
    """Append one track's note and controller events and tempos; return its last tick and the
    position behind its End of Track, if it has one."""
    position = tick = status = port = 0
    try:
        while position < len(data):
            delta, position = _number(data, position)
            tick += delta
            byte = data[position]
            if byte < 0x80 and not status:
                raise ValueError("damaged MIDI file (data where an event should begin)")
            if byte >= 0x80:
                position += 1
            if byte < 0xF0:
                # running status outlives meta events, as in the files that people have
                status = byte if byte >= 0x80 else status
                kind = status & 0xF0
                size = _DATA_BYTES[kind]
                first, second = data[position], data[position + size - 1]
                if (first | second) >= 0x80:
                    raise ValueError("damaged MIDI file (data byte above 127)")
                if kind in (NOTE_OFF, NOTE_ON, CONTROL):
                    channel = port * _CHANNELS + (status & 0x0F)
                    events.append((tick, track, kind, channel, first, second))
                position += size
            elif byte == 0xFF and data[position] == 0x2F:
                return tick, position + 2
            elif byte == 0xFF and data[position : position + 2] == b"\x21\x01":
                port = data[position + 2]
                position += 3
            else:
                position = _other_event(data, position, byte, tick, tempos)
    except IndexError:
        raise ValueError(f"damaged MIDI file (track {track + 1} ends inside an event)") from None
    if position > len(data):
        raise ValueError(f"damaged MIDI file (track {track + 1} ends inside an event)")
    return tick, None


def _check_length(data: bytes, start: int, stop: int, track: int, n_events: int) -> None:
    """Refuse a track that has no End of Track and goes on behind its chunk.

    Programs write the length of a track last, so that of a recording that was broken off is 0: all
    its notes would be lost without a word.

    Raises:
        ValueError: if there are more than ``n_events`` events from its beginning.
    """
    behind = data[stop:]
    is_next = not any(behind) or behind[:4].isalnum()  # padding, or the name of a chunk
    if not is_next and len(_events_of(data[start:])) > n_events:
        raise ValueError(
            f"damaged MIDI file (track {track + 1} has events behind its {stop - start} bytes)"
        )


def _events_of(data: bytes) -> list[Event]:
    """Note and controller events up to an End of Track or to what is no event."""
    events: list[Event] = []
    with suppress(ValueError):
        _read_track(data, 0, events, [])
    return events


def _count_notes(data: bytes) -> int:
    """How many notes begin in bytes that should hold no events; bytes of no kind have none."""
    return sum(
        kind == NOTE_ON and second > 0 and channel % _CHANNELS != _DRUMS
        for _, _, kind, channel, _, second in _events_of(data)
    )


def _other_event(
    data: bytes, position: int, byte: int, tick: int, tempos: list[tuple[int, int]]
) -> int:
    """Position after a meta, system-exclusive or system event; its tempo, if any, is appended."""
    if byte == 0xFF:
        kind = data[position]
        length, position = _number(data, position + 1)
        value = data[position : position + length]
        if kind == 0x51 and len(value) == 3:
            tempos.append((tick, int.from_bytes(value, "big")))
        return position + length
    if byte in (0xF0, 0xF7):
        length, position = _number(data, position)
        return position + length
    return position + _SYSTEM_BYTES.get(byte, 0)


def _number(data: bytes, position: int) -> tuple[int, int]:
    """Variable-length number (at most four bytes) and the position after it."""
    value = 0
    for _ in range(4):
        byte = data[position]
        position += 1
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, position
    raise ValueError("damaged MIDI file (a number of more than four bytes)")


def midi_bytes(
    notes: Iterable[tuple[int, int, int, int]], ticks_per_quarter: int, tempo: int
) -> bytes:
    """Format-0 MIDI file of ``(on tick, off tick, pitch, velocity)`` on channel 1.

    At one tick, note-offs come first, then notes of no length, then note-ons: if another note of
    the same pitch began between the on and the off of a note of no length, that off would end it.
    """
    timed: list[tuple[int, int, bytes]] = []
    for on, off, pitch, velocity in notes:
        lasts = off > on
        timed.append((on, 2 if lasts else 1, bytes([NOTE_ON, pitch, velocity])))
        timed.append((off, 0 if lasts else 1, bytes([NOTE_OFF, pitch, 0])))
    timed.sort(key=itemgetter(0, 1))
    body = bytearray(b"\x00\xff\x51\x03" + tempo.to_bytes(3, "big"))
    last = 0
    for tick, _, message in timed:
        body += _encoded(tick - last) + message
        last = tick
    body += b"\x00\xff\x2f\x00"
    header = b"MThd" + struct.pack(">IHHH", 6, 0, 1, ticks_per_quarter)
    return bytes(header + b"MTrk" + struct.pack(">I", len(body)) + body)


def _encoded(value: int) -> bytes:
    """A number below 2^28 in MIDI's variable-length form."""
    if not 0 <= value < 2**28:
        raise ValueError(f"got a gap of {value} ticks between notes, expected 0 to 2^28 - 1")
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.append(value & 0x7F | 0x80)
    return bytes(reversed(groups))


def key_presses(midi: MidiFile) -> NDArray[np.int64]:
    """Pair note-ons with note-offs: ``(presses, 5)`` on tick, off tick, channel, pitch, velocity.

    Drums (channel 10) are not notes. Rows are in the order of their note-ons. A press also ends
    where its key is struck again; where that is at the tick of its own note-on, it has no length.
    """
    presses: list[list[int]] = []
    # open key (track, channel, pitch) → its press, and how many presses were cut at its tick
    held: dict[tuple[int, int, int], tuple[list[int], int]] = {}
    for tick, track, kind, channel, first, second in midi.events:
        if channel % _CHANNELS == _DRUMS:
            continue
        key = (track, channel, first)
        if kind == CONTROL:
            if first in (ALL_SOUND_OFF, ALL_NOTES_OFF):
                for other in [other for other in held if other[1] == channel]:
                    held.pop(other)[0][1] = tick
        elif kind == NOTE_ON and second:
            cuts = 0
            if key in held:
                old, before = held[key]
                cuts = 1 + (before if old[0] == tick else 0)
                old[1] = tick
            press = [tick, midi.end, channel, first, second]
            presses.append(press)
            held[key] = (press, cuts)
        elif key in held:
            press, cuts = held[key]
            if cuts and press[0] == tick:  # it came late: it belongs to a press that was cut
                held[key] = (press, cuts - 1)
            else:
                press[1] = tick
                del held[key]
    return np.array(presses, dtype=np.int64).reshape(-1, 5)


def sounding_ends(midi: MidiFile, presses: NDArray[np.int64]) -> tuple[Ticks, int]:
    """Where presses stop sounding: the pedal rule of ``read_notes``.

    All Notes Off only releases the keys, in :func:`key_presses`: the pedal still holds their notes.
    All Sound Off also ends the notes that the pedal holds, and leaves the pedal as it is.

    Returns:
        Ticks ``(presses,)``, and how many of them All Sound Off decided against the pedal.
    """
    on, off, channels, pitches, _ = presses.T
    ends: Ticks = off.copy()
    for channel, (ticks, down) in _pedal_changes(midi).items():
        # tick at which the pedal comes up after each change, the end of the file if it never does
        ups = np.where(down, midi.end, ticks)
        ups = np.minimum.accumulate(ups[::-1])[::-1]
        state = np.searchsorted(ticks, off, side="right") - 1
        sustained = (channels == channel) & (state >= 0) & down[state]
        ends[sustained] = ups[state[sustained]]
    ends = np.minimum(ends, _next_onsets(on, channels * 128 + pitches, midi.end))
    silences = _first_silences(midi, off, channels)
    return np.minimum(ends, silences), int(np.count_nonzero(silences < ends))


def _first_silences(midi: MidiFile, off: Ticks, channels: NDArray[np.int64]) -> Ticks:
    """Tick ``(presses,)`` of the first All Sound Off since the key was let go, else the end."""
    found = np.full(len(off), midi.end)
    messages = [
        (channel, tick)
        for tick, _, kind, channel, first, _ in midi.events
        if kind == CONTROL and first == ALL_SOUND_OFF
    ]
    for channel in {channel for channel, _ in messages}:
        ticks = np.array([tick for own, tick in messages if own == channel] + [midi.end])
        following = ticks[np.minimum(np.searchsorted(ticks, off), len(ticks) - 1)]
        found = np.where(channels == channel, following, found)
    return found


def _pedal_changes(midi: MidiFile) -> dict[int, tuple[Ticks, NDArray[np.bool_]]]:
    """Sustain pedal per channel: ticks ``(changes,)`` and whether it is down (value ≥ 64)."""
    found: dict[int, list[tuple[int, bool]]] = {}
    for tick, _, kind, channel, first, second in midi.events:
        if kind == CONTROL and first in (SUSTAIN, RESET_CONTROLLERS):
            down = first == SUSTAIN and second >= 64
            found.setdefault(channel, []).append((tick, down))
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
