"""Tests for datasets of one's own: ``check_dataset(dataset)``.

Some recordings are read as a study would read them: after a journey to another process, more than
once, and with their notes beside their sound. Whether the notes are what is heard in the sound is
another question: a model answers it in ``pi-amt data NAME --full``.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from pi_amt.core.audio import MAX_RATE, MIN_RATE
from pi_amt.core.notes import Notes
from pi_amt.core.text import plural
from pi_amt.datasets.track import Track
from pi_amt.testing.check import Check, told

_LARGEST_PICKLE = 100_000  # bytes
#: a peak above which full scale is more likely to be something else than 1
_LOUDEST = 4.0
#: by how much duration_seconds may be wrong
_MOST_ASTRAY_SECONDS = 0.05
#: a few notes after the end of the sound may be a slip, more of them are another unit
_MOST_BEYOND = 0.1


def check_dataset(
    dataset: Iterable[Track], *, changed: Iterable[Track] = (), tracks: int = 3
) -> Check:
    """Check a dataset against the rules that a study relies on.

    Args:
        dataset: a dataset, or a sequence of recordings.
        changed: the same dataset with another option that alters sound or notes, such as
            ``max_seconds``: the fingerprints of its recordings must differ.
        tracks: how many recordings are read, from the first to the last.

    Returns:
        The problems. ``print`` it, or assert in a test of your own that ``problems`` is empty.
    """
    name = str(getattr(dataset, "name", "the dataset"))
    try:
        found = list(dataset)
    except Exception as error:
        problem = (
            f"{name}: got {told(error)} instead of recordings, expected a sequence of them: return "
            "a list of pi_amt.FileTrack"
        )
        return Check(name, (problem,), "nothing was read")
    if problems := tuple(_of_the_whole(name, dataset, found)):
        return Check(name, problems, f"{plural(len(found), 'recording')}, none of which was read")
    read = [found[i] for i in _spread(len(found), tracks)]
    problems = tuple(problem for track in read for problem in _of_one(track))
    problems = problems or tuple(_of_fingerprints(name, read, list(changed)))
    return Check(name, problems, f"read {len(read)} of {plural(len(found), 'recording')}")


def _spread(count: int, wanted: int) -> list[int]:
    return sorted({round(i) for i in np.linspace(0, count - 1, min(wanted, count))})


def _of_the_whole(name: str, dataset: Iterable[Track], found: list[Track]) -> Iterator[str]:
    """The rules of a sequence of recordings."""
    if not found:
        yield f"{name}: got no recording, expected some: check the folder and the options"
        return
    for track in found:
        for member in ("name", "composition", "duration_seconds", "audio", "notes"):
            if not hasattr(track, member):
                yield (
                    f"{name}: got {track!r} without {member}, expected recordings: use "
                    "pi_amt.FileTrack, or give your class the members of pi_amt.Track"
                )
                return
        for member in ("fingerprint", "stamp"):
            if not callable(getattr(track, member, None)):
                yield (
                    f"{name}: got {track!r} without the method {member}, expected one: it tells "
                    "whether stored rows are still those of this recording"
                )
                return
        for member in ("name", "composition"):
            if not (isinstance(getattr(track, member), str) and getattr(track, member)):
                got = getattr(track, member)
                yield f"{name}: got the {member} {got!r} of a recording, expected some text"
                return
    names = [track.name for track in found]
    if len(set(names)) < len(names):
        twice = next(one for one in names if names.count(one) > 1)
        yield f"{name}: got two recordings of the name {twice!r}, expected a name for each"
    elif late := [second for first, second in pairwise(names) if second < first]:
        yield (
            f"{name}: got {late[0]!r} out of order, expected recordings sorted by name, so that "
            "options that choose some always choose the same"
        )
    if [track.name for track in dataset] != names:
        yield (
            f"{name}: got other recordings the second time, expected a sequence: return a list "
            "and no generator"
        )


def _of_one(track: Track) -> Iterator[str]:
    """The rules of one recording, in the order in which a study meets them."""
    name = f"recording {track.name!r}"
    try:
        data = pickle.dumps(track)
        again = pickle.loads(data)
    except Exception as error:
        yield (
            f"{name}: got {told(error)} when it was sent to another process, expected a class at "
            "the top of a module, whose objects hold paths and no open files"
        )
        return
    if len(data) > _LARGEST_PICKLE:
        yield (
            f"{name}: got {len(data):,} bytes to send to another process, expected fewer than "
            f"{_LARGEST_PICKLE:,}: keep the path and read in audio() and notes()"
        )
    for member in ("fingerprint", "stamp", "audio", "notes"):
        try:
            first, second = getattr(track, member)(), getattr(again, member)()
        except Exception as error:
            yield f"{name}.{member}: got {told(error)}, expected what its file holds"
            return
        if wrong := _RULES[member](first):
            yield f"{name}.{member}: {wrong}"
            return
        if not _alike(first, second):
            yield (
                f"{name}.{member}: got another answer the second time, expected the same: use "
                "no clock, no random numbers and no hash() of Python"
            )
            return
    yield from _of_both(name, track)


def _of_mark(mark: object) -> str:
    good = isinstance(mark, str) and mark
    return "" if good else f"got {mark!r}, expected some text, such as a hash of the file"


def _of_audio(audio: object) -> str:
    if not (isinstance(audio, tuple) and len(audio) == 2):
        return f"got {type(audio).__name__}, expected (samples, sample rate in Hz)"
    samples, rate = audio
    if not isinstance(samples, np.ndarray) or samples.ndim != 1:
        shape = getattr(samples, "shape", type(samples).__name__)
        return f"got {shape}, expected mono samples (samples,): take the mean of the channels"
    if samples.dtype != np.float32:
        return (
            f"got samples of {samples.dtype}, expected float32 of full scale 1: divide integers "
            "by their largest value, then astype(np.float32)"
        )
    if not isinstance(rate, int | np.integer) or not MIN_RATE <= rate <= MAX_RATE:
        return (
            f"got the sample rate {rate!r}, expected a whole number of Hz, {MIN_RATE:,} to "
            f"{MAX_RATE:,}"
        )
    if not len(samples) or not np.isfinite(samples).all():
        return "got no samples, or NaN among them, expected finite numbers"
    peak = float(np.abs(samples).max())
    if peak > _LOUDEST:
        return f"got a peak of {peak:g}, expected full scale 1: divide by the largest integer"
    return "" if peak > 0 else "got silence, expected sound"


def _of_notes(notes: object) -> str:
    good = isinstance(notes, Notes)
    return "" if good else f"got {type(notes).__name__}, expected Notes: use Notes.from_arrays"


_RULES = {"fingerprint": _of_mark, "stamp": _of_mark, "audio": _of_audio, "notes": _of_notes}


def _of_both(name: str, track: Track) -> Iterator[str]:
    """The rules by which sound and notes belong together."""
    (samples, rate), notes = track.audio(), track.notes()
    seconds, told_seconds = len(samples) / rate, track.duration_seconds
    if told_seconds is not None and abs(told_seconds - seconds) > _MOST_ASTRAY_SECONDS:
        yield (
            f"{name}: got duration_seconds = {told_seconds:g}, expected {seconds:.3f} as its sound "
            "has, or None"
        )
    if not len(notes):
        yield f"{name}.notes: got no notes, expected some: check how its file is read"
        return
    beyond = float((notes.onsets >= seconds).mean())
    if beyond > _MOST_BEYOND:
        scale = notes.offsets.max() / seconds
        guess = next(
            (unit for unit, one in (("milliseconds", 1000), ("samples", rate))
             if 0.3 < scale / one < 1.05),
            "",
        )  # fmt: skip
        unit = f"; they look like {guess}" if guess else ""
        yield (
            f"{name}.notes: got {beyond:.0%} of the notes after the end of the sound "
            f"({seconds:.1f} s), expected times in seconds from the start of the file{unit}"
        )
    if (notes.onsets < 0).any():
        yield f"{name}.notes: got an onset of {notes.onsets.min():g} s, expected none before 0"


def _of_fingerprints(name: str, read: list[Track], changed: list[Track]) -> Iterator[str]:
    """That contents and options decide the fingerprint, which rows are found again by."""
    for mark in ("fingerprint", "stamp"):
        seen: dict[str, Track] = {}
        for track in read:
            same = seen.setdefault(getattr(track, mark)(), track)
            if not _alike((track.audio(), track.notes()), (same.audio(), same.notes())):
                yield (
                    f"{name}: got one {mark} for {same.name!r} and {track.name!r}, which differ, "
                    "expected one for each: hash the contents of the files"
                )
                return
    others = {track.name: track for track in changed}
    for track in read:
        other = others.get(track.name)
        if other is None or _alike((track.audio(), track.notes()), (other.audio(), other.notes())):
            continue
        for mark in ("fingerprint", "stamp"):
            if getattr(track, mark)() == getattr(other, mark)():
                yield (
                    f"{name}: got one {mark} for {track.name!r} with two values of an option that "
                    "alters its sound or notes, expected two: hash the options, too, or rows of "
                    "one are taken for those of the other"
                )
                return


def _alike(one: Any, other: Any) -> bool:
    """Whether two answers are equal, numbers to the bit."""
    if isinstance(one, Notes) and isinstance(other, Notes):
        columns = ("onsets", "offsets", "pitches", "velocities")
        return all(_alike(getattr(one, c), getattr(other, c)) for c in columns)
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_alike, one, other))
    if isinstance(one, np.ndarray):
        return bool(np.array_equal(one, other, equal_nan=True))
    return bool(one == other)
