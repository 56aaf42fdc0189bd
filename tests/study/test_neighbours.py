"""Who lends to whom; and the donor pool: whole blocks spread over the recording, at its level."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.models.basic_pitch.recordings import polyphony
from tests.toys import ToyTrack, ToyTranscriber

from pi_amt.core.spectrogram import Spectrogram
from pi_amt.datasets.track import FileTrack
from pi_amt.models.loading import load_model
from pi_amt.permutations.donor import Donor
from pi_amt.store.store import Store
from pi_amt.study.conditions import as_condition, make_conditions
from pi_amt.study.driver import run_study
from pi_amt.study.executors.processes import serial
from pi_amt.study.groups import Group
from pi_amt.study.neighbours import POOL_BLOCKS, Lender, donor_pool, neighbours_of
from pi_amt.study.streaming import Recording

RATE = 22_050


def borrowed(**compositions: str) -> dict[str, str | None]:
    """Name → name of the recording that is borrowed from, of recordings in reverse order."""
    path = Path()
    tracks = [
        FileTrack(name, path, path, composition) for name, composition in compositions.items()
    ]
    found = neighbours_of(tracks[::-1])
    return {name: other.name if other else None for name, other in found.items()}


def test_the_next_recording_of_another_composition_lends() -> None:
    assert borrowed(a_1="A", a_2="A", b_1="B") == {"a_1": "b_1", "a_2": "b_1", "b_1": "a_1"}
    assert borrowed(a="A", b="B", c="C") == {"a": "b", "b": "c", "c": "a"}
    assert borrowed(a="A", b="A") == {"a": "b", "b": "a"}
    assert borrowed(a="A") == {"a": None}


@pytest.mark.parametrize("model", ["basic_pitch", "timbre_trap"])
def test_blocks_lie_inside_the_recording_and_are_those_of_its_own_stream(model: str) -> None:
    samples = polyphony(24.0)
    loaded = load_model(model)
    whole = loaded.analyze(samples, RATE)
    pool = donor_pool(loaded.stream(samples, RATE), 24.0)
    assert len(pool.times) == POOL_BLOCKS
    assert pool.times.min() >= 0.0
    assert pool.times.max() <= 24.0
    assert np.all(np.diff(pool.times[:, 0]) > 0)
    assert pool.times[-1, 0] - pool.times[0, 0] > 10.0
    for block, times in zip(pool.values, pool.times, strict=True):
        (number,) = np.flatnonzero(whole.times[:, 0] == times[0])
        assert np.array_equal(block, whole.values[number])


@pytest.mark.parametrize("model", ["basic_pitch", "timbre_trap"])
@pytest.mark.parametrize("seconds", [0.7, 2.0])
def test_a_short_recording_gives_what_it_has_without_padding(model: str, seconds: float) -> None:
    pool = donor_pool(load_model(model).stream(polyphony(seconds), RATE), seconds)
    assert len(pool.times) >= 2
    assert pool.times.min() >= 0.0
    assert pool.times.max() <= seconds
    assert pool.times[0, -1] - pool.times[0, 0] > 0.9 * min(seconds, 1.7)


def test_repeats_share_one_pool() -> None:
    """A pool costs a pass over the recording."""
    passes = []

    class Counting(ToyTranscriber):
        def stream(self, *given: Any, **options: Any) -> Iterator[Spectrogram]:
            passes.append(1)
            return super().stream(*given, **options)

    track, model = ToyTrack("a"), Counting()
    samples, rate = track.audio()
    heard = Recording("toy", "a", samples, rate, 4.0, track.notes(), 0.0)
    lender = Lender(model, heard, None)
    assert lender.lend("own_spectrogram") is lender.lend("own_spectrogram") is not None
    assert lender.lend("") is None
    assert len(passes) == 1


def test_a_condition_that_cannot_be_done_costs_only_itself(tmp_path: Path) -> None:
    """Blocks of the toy last 2 s: none holds a donor segment of 3 s."""
    donors = [as_condition(Donor(block_seconds=seconds)) for seconds in (1.0, 3.0)]
    model = ToyTranscriber()
    conditions = make_conditions(["fund_mask", *donors])
    with Store(tmp_path) as store:
        run_study([Group(model, "toy", [ToyTrack("a")], conditions)], store, serial, quiet=True)
        rows = store.rows()
    assert [row.status for row in rows] == ["ok", "ok", "ok", "empty"]
    assert "a donated segment lasts 3 s" in rows[-1].error
