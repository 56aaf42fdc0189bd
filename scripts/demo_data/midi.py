"""A performance as a standard MIDI file (fixed bytes for a fixed performance)."""

from pathlib import Path

from mido import Message, MetaMessage, MidiFile, MidiTrack, bpm2tempo
from scripts.demo_data.performance import Performance
from scripts.demo_data.work import Work

TICKS_PER_BEAT = 480
_TICKS_PER_SECOND = 960  # 480 ticks per quarter at 120 quarters per minute
_SUSTAIN = 64
# (seconds from the press or the release, controller value): a foot takes some time.
_PRESS = ((-0.024, 24), (-0.012, 50), (0.0, 96), (0.012, 120))
_RELEASE = ((-0.024, 100), (-0.012, 72), (0.0, 30), (0.012, 0))


def write_midi(work: Work, performance: Performance, path: Path) -> None:
    """Write key strokes, pedal and the full length (as end of track) of a performance."""
    header = MidiTrack(
        [
            MetaMessage("track_name", name=f"{work.composer}: {work.title}", time=0),
            MetaMessage("set_tempo", tempo=bpm2tempo(120), time=0),
            MetaMessage("end_of_track", time=0),
        ]
    )
    piano = MidiTrack(
        [
            MetaMessage("track_name", name="Piano", time=0),
            Message("program_change", program=0, time=0),
        ]
    )
    now = 0
    for tick, _, message in _events(performance):
        piano.append(message.copy(time=tick - now))
        now = tick
    # A silent message carries the natural decay: renderers stop at the last one.
    end = _tick(performance.seconds)
    piano.append(Message("control_change", control=_SUSTAIN, value=0, time=end - now))
    piano.append(MetaMessage("end_of_track", time=0))
    MidiFile(type=1, ticks_per_beat=TICKS_PER_BEAT, tracks=[header, piano]).save(path)


def _events(performance: Performance) -> list[tuple[int, int, Message]]:
    """(tick, rank, message) in order; at one tick: keys up, then pedal, then keys down."""
    events = []
    for stroke in performance.strokes:
        on = Message("note_on", note=stroke.pitch, velocity=stroke.velocity)
        off = Message("note_off", note=stroke.pitch, velocity=64)
        events += [(_tick(stroke.down), 2, on), (_tick(stroke.up), 0, off)]
    for down, up in performance.pedal:
        for moment, curve in ((down, _PRESS), (up, _RELEASE)):
            for delay, value in curve:
                message = Message("control_change", control=_SUSTAIN, value=value)
                events.append((_tick(moment + delay), 1, message))
    return sorted(events, key=lambda event: event[:2])


def _tick(seconds: float) -> int:
    return round(seconds * _TICKS_PER_SECOND)
