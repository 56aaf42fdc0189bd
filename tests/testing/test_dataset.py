"""``check_dataset``: the built-in ones pass, and each broken rule has its sentence."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from tests.toys import ToyTrack

from pi_amt.core.notes import Notes
from pi_amt.datasets.loading import load_dataset
from pi_amt.testing import check_dataset

COUNTER = itertools.count()


@dataclass(frozen=True)
class Take:
    """A second of sound and two notes; ``changes`` answers in the place of its members."""

    name: str = "a"
    composition: str = "a"
    duration_seconds: float | None = None
    changes: tuple[tuple[str, Any], ...] = ()

    def _or(self, member: str, usual: Any) -> Any:
        given = dict(self.changes).get(member, usual)
        return given() if callable(given) else given

    def audio(self) -> Any:
        return self._or("audio", (np.full(8000, 0.1, np.float32), 8000))

    def notes(self) -> Any:
        return self._or("notes", Notes.from_arrays([0.0, 0.5], [0.4, 0.9], [60, 64]))

    def fingerprint(self) -> Any:
        return self._or("fingerprint", self.name)

    stamp = fingerprint


def take(**changes: Any) -> list[Take]:
    own = {k: changes.pop(k) for k in ("name", "composition", "duration_seconds") if k in changes}
    return [Take(changes=tuple(changes.items()), **own)]


def sound(samples: Any, rate: Any = 8000) -> tuple[Any, Any]:
    return samples, rate


def notes(*onsets: float) -> Notes:
    return Notes.from_arrays(onsets, np.add(onsets, 0.1), np.full(len(onsets), 60))


def broken_file() -> None:
    raise OSError("no such file")


class Once:
    """Gives its recordings only once."""

    def __init__(self) -> None:
        self.rest: Iterator[Take] = iter(take())

    def __iter__(self) -> Iterator[Take]:
        return self.rest


class Markless:
    name, composition, duration_seconds = "a", "a", None
    audio = notes = print


@pytest.mark.parametrize("name", ["calibration", "demo"])
def test_built_in_datasets_have_no_problem(name: str) -> None:
    dataset, changed = (load_dataset(name, max_seconds=seconds) for seconds in (3.0, 2.0))
    found = check_dataset(dataset, changed=changed)
    assert found.problems == ()
    assert str(found) == f"{name}: found no problem (read 3 of {len(dataset)} recordings)"


def test_a_list_of_tracks_has_no_problem() -> None:
    assert check_dataset([ToyTrack("a"), ToyTrack("b")]).problems == ()
    assert check_dataset(take()).looked_at == "read 1 of 1 recording"


@pytest.mark.parametrize(
    ("tracks", "said"),
    [
        ([], "got no recording"),
        (3, "TypeError: 'int' object is not iterable instead of recordings.*pi_amt.FileTrack"),
        (["a.wav"], "without name, expected recordings: use pi_amt.FileTrack"),
        ([Markless()], "without the method fingerprint"),
        (take(name=""), "got the name '' of a recording"),
        (take() * 2, "two recordings of the name 'a'"),
        ([*take(name="b"), *take(name="a")], "got 'a' out of order"),
        (Once(), "other recordings the second time"),
        (take(audio=lambda: None), "when it was sent to another process"),
        (take(big=np.zeros(50_000)), "keep the path and read"),
        (take(fingerprint=None), "fingerprint: got None, expected some text"),
        (take(audio=broken_file), "audio: got OSError: no such file"),
        (take(audio=np.zeros(3)), r"got ndarray, expected \(samples, sample rate"),
        (take(audio=sound(np.zeros((2, 8000), np.float32))), "take the mean of the channels"),
        (take(audio=sound(np.ones(8000, np.int16))), "got samples of int16"),
        (take(audio=sound(np.ones(8000, np.float32), 44.1)), "got the sample rate 44.1"),
        (take(audio=sound(np.full(8, np.nan, np.float32))), "or NaN among them"),
        (take(audio=sound(np.full(8000, 900, np.float32))), "got a peak of 900"),
        (take(audio=sound(np.zeros(8000, np.float32))), "got silence"),
        (take(notes=[(0, 1, 60)]), "got list, expected Notes"),
        (take(notes=Notes.empty()), "got no notes"),
        (take(notes=notes(100.0, 900.0)), "100% of the notes after.*look like milliseconds"),
        (take(notes=notes(100.0, 7900.0)), "look like samples"),
        (take(notes=notes(0.1, 5.0)), r"50% of the notes after the end of the sound \(1.0 s\)"),
        (take(notes=notes(-0.5, 0.5)), "got an onset of -0.5 s"),
        (take(duration_seconds=60.0), r"duration_seconds = 60, expected 1.000"),
        (
            [*take(name="a", fingerprint="x"), *take(name="b", fingerprint="x", notes=notes(0.2))],
            "got one fingerprint for 'a' and 'b', which differ",
        ),
    ],
)
def test_each_broken_rule_has_its_sentence(tracks: Any, said: str) -> None:
    found = check_dataset(tracks)
    assert found.problems
    assert re.search(said, found.problems[0])
    assert f"found {len(found.problems)} problem" in str(found)
    assert f"PROBLEM: {found.problems[0]}" in str(found)


class Clock(Take):
    def fingerprint(self) -> str:
        return str(next(COUNTER))


def test_a_mark_that_changes_by_itself_is_found() -> None:
    (problem,) = check_dataset([Clock()]).problems
    assert "got another answer the second time" in problem


@dataclass(frozen=True)
class Cut(Take):
    seconds: float = 1.0

    def audio(self) -> Any:
        return np.full(round(8000 * self.seconds), 0.1, np.float32), 8000


def test_options_that_the_fingerprint_forgets_are_found() -> None:
    whole: Sequence[Cut] = [Cut("a"), Cut("b")]
    cut = [replace(track, seconds=0.95) for track in whole]
    (problem,) = check_dataset(whole, changed=cut).problems
    assert "got one fingerprint for 'a' with two values of an option" in problem
    assert check_dataset(whole, changed=whole).problems == ()
