"""Pulses: what workers tell adds up, goes with the job, and never fails."""

from pathlib import Path

import pytest
from tests.toys import ToyTranscriber, toy_tracks

from pi_amt.study.conditions import make_conditions
from pi_amt.study.cost import UnderWay
from pi_amt.study.evaluate import evaluate
from pi_amt.study.jobs import Job
from pi_amt.study.progress import Pulse, Pulses


def new(pulses: Pulses, number: int = 0) -> Pulse:
    """For a job, where files can be made."""
    pulse = pulses.new(number)
    assert pulse is not None
    return pulse


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time that workers see."""
    now = [1000.0]
    monkeypatch.setattr("pi_amt.study.progress.time.perf_counter", lambda: now[0])
    return now


def test_jobs_in_flight_tell_how_far_they_are_until_they_are_over(clock: list[float]) -> None:
    with Pulses() as pulses:
        one, other, silent = (new(pulses, number) for number in (7, 8, 9))
        assert pulses.under_way() == {}
        one.beat(990.0, 0.25)
        other.beat(998.0, 0.5)
        clock[0] += 5
        one.beat(990.0, 0.75)
        assert pulses.under_way() == {7: UnderWay(0.75, 15.0), 8: UnderWay(0.5, 2.0)}
        other.stop()
        silent.stop()
        assert pulses.under_way() == {7: UnderWay(0.75, 15.0)}
    assert not Path(one.path).parent.exists()


def test_a_worker_that_cannot_tell_goes_on() -> None:
    lost = Pulse("/nowhere/at/all/0")
    lost.beat(0.0, 0.5)
    lost.stop()


def test_without_room_for_files_nothing_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    with Pulses() as pulses:
        assert pulses.new(0) is None
        assert pulses.under_way() == {}


def test_what_is_just_being_written_counts_as_nothing() -> None:
    with Pulses() as pulses:
        pulse = new(pulses)
        for text in ("", "0.", "0.5", "0.5 x"):
            Path(pulse.path).write_text(text)
            assert pulses.under_way() == {}
        pulse.beat(0.0, 7.0)
        assert pulses.under_way()[0].share == 1.0


def test_a_recording_tells_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[float] = []
    monkeypatch.setattr(Pulse, "beat", lambda pulse, started, share: told.append(share))
    conditions = tuple(make_conditions(["random"]))
    evaluate(Job(ToyTranscriber(), "toy", toy_tracks(1)[0], conditions, pulse=Pulse("x")))
    assert told == sorted(told)
    assert 0.8 < told[-1] < 1.2
