"""Pulses: what workers tell adds up, goes with the job, and never fails."""

from pathlib import Path

import pytest
from tests.toys import ToyTranscriber, toy_tracks

from pi_amt.study.conditions import make_conditions
from pi_amt.study.evaluate import evaluate
from pi_amt.study.jobs import Job
from pi_amt.study.progress import Pulse, Pulses


def new(pulses: Pulses) -> Pulse:
    """For one more job, where files can be made."""
    pulse = pulses.new()
    assert pulse is not None
    return pulse


def test_the_shares_of_jobs_in_flight_add_up_and_go_with_the_job() -> None:
    with Pulses() as pulses:
        one, other, silent = (new(pulses) for _ in range(3))
        assert pulses.under_way() == 0.0
        one.beat(0.25)
        other.beat(0.5)
        one.beat(0.75)
        assert pulses.under_way() == 1.25
        other.stop()
        silent.stop()
        assert pulses.under_way() == 0.75
    assert not Path(one.path).parent.exists()


def test_a_worker_that_cannot_tell_goes_on() -> None:
    lost = Pulse("/nowhere/at/all/0")
    lost.beat(0.5)
    lost.stop()


def test_without_room_for_files_nothing_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    with Pulses() as pulses:
        assert pulses.new() is None
        assert pulses.under_way() == 0.0


def test_what_is_just_being_written_counts_as_nothing() -> None:
    with Pulses() as pulses:
        pulse = new(pulses)
        for text in ("", "0.", "x"):
            Path(pulse.path).write_text(text)
            assert pulses.under_way() == 0.0
        pulse.beat(7.0)
        assert pulses.under_way() == 1.0


def test_a_recording_tells_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[float] = []
    monkeypatch.setattr(Pulse, "beat", lambda pulse, share: told.append(share))
    conditions = tuple(make_conditions(["random"]))
    evaluate(Job(ToyTranscriber(), "toy", toy_tracks(1)[0], conditions, pulse=Pulse("x")))
    assert told == sorted(told)
    assert 0.8 < told[-1] < 1.2
