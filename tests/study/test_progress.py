"""Progress: a bar on terminals of any width, a line now and then in logs, nothing when quiet; what
workers tell of their jobs adds up, goes with the job, and never fails."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from tests.toys import ToyTranscriber, toy_tracks

from pi_amt.study.conditions import make_conditions
from pi_amt.study.evaluate import evaluate
from pi_amt.study.jobs import Job
from pi_amt.study.progress import Pulse, Pulses, StudyProgress


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def shown(stream: io.StringIO) -> list[str]:
    """What was printed, without control sequences, in pieces of one line."""
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    return [line.rstrip() for line in re.split(r"[\r\n]+", text) if line.strip()]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time that progress sees; ``clock[0] += 10`` lets ten seconds pass."""
    now = [1000.0]
    monkeypatch.setattr("pi_amt.study.progress.time.monotonic", lambda: now[0])
    return now


def test_a_log_gets_a_line_at_most_every_30_seconds_and_one_at_the_end(clock: list[float]) -> None:
    stream = io.StringIO()
    with StudyProgress(10, stream=stream) as study:
        for i in range(10):
            clock[0] += 9
            study.advance(f"piece {i}", rows=8, failures=0)
    assert shown(stream) == [
        "4/10 recordings, 32 rows, 53 rows/min, about 54 s left",
        "8/10 recordings, 64 rows, 53 rows/min, about 18 s left",
        "10/10 recordings, 80 rows, 53 rows/min, about 0 s left",
    ]


def test_failures_are_told_as_they_come(clock: list[float]) -> None:
    stream = io.StringIO()
    with StudyProgress(2, stream=stream) as study:
        clock[0] += 30
        study.advance("good", rows=8, failures=0)
        clock[0] += 30
        study.advance("bad", rows=8, failures=8)
    first, second = shown(stream)
    assert "failed" not in first
    assert "8 rows/min" in first or "16 rows/min" in first
    assert ", 8 failed," in second


def test_a_long_wait_is_told_in_minutes_or_hours(clock: list[float]) -> None:
    stream = io.StringIO()
    with StudyProgress(1000, stream=stream) as study:
        clock[0] += 60
        study.advance("one", rows=8, failures=0)
    assert "about 16.6 h left" in shown(stream)[0]


def test_nothing_is_printed_when_quiet_or_when_there_is_nothing_to_do() -> None:
    for stream, quiet, recordings in ((Terminal(), True, 5), (Terminal(), False, 0)):
        with StudyProgress(recordings, quiet=quiet, stream=stream) as study:
            study.advance("one", rows=1, failures=0)
        assert stream.getvalue() == ""


@pytest.mark.parametrize("columns", [20, 40, 80, 120, 200])
def test_a_bar_keeps_to_one_line_of_any_terminal(
    columns: int, monkeypatch: pytest.MonkeyPatch, clock: list[float]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    with StudyProgress(200, stream=stream) as study:
        for i in range(3):
            clock[0] += 5
            study.advance(f"a recording with quite a long name, number {i}", rows=8, failures=i)
    lines = shown(stream)
    assert max(map(len, lines)) <= columns
    assert stream.getvalue().count("\n") <= 2  # redrawn in place
    if columns >= 40:
        assert "3/200" in lines[-1]
        assert "96" in lines[-1]  # rows a minute
        assert "3 failed" in lines[-1]
    if columns >= 120:
        assert "a recording with" in lines[-1]


def test_brackets_in_a_name_are_no_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    with StudyProgress(2, stream=stream) as study:
        study.advance("take [live] [/2]", rows=8, failures=0)
    assert "take [live] [/2]" in shown(stream)[-1]


def test_a_bar_is_taken_down_when_the_study_ends_with_an_error() -> None:
    stream = Terminal()
    with pytest.raises(KeyboardInterrupt), StudyProgress(5, stream=stream):
        raise KeyboardInterrupt
    assert stream.getvalue().rstrip(" ").endswith(("\n", "\x1b[?25h"))  # cursor shown again


def test_a_long_recording_moves_the_count_before_it_ends(clock: list[float]) -> None:
    stream, share = io.StringIO(), [0.25]
    with StudyProgress(2, lambda: share[0], stream=stream) as study:
        clock[0] += 60
        study._show()
        clock[0] += 60
        share[0] = 0.0
        study.advance("long", rows=8, failures=0)
    assert shown(stream) == [
        "0/2 recordings and 0.25 under way, 0 rows, 0 rows/min, about 7 min left",
        "1/2 recordings, 8 rows, 4 rows/min, about 2 min left",
    ]


def test_the_last_line_comes_once_however_long_workers_take_to_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pi_amt.study.progress._LOOK_EVERY_SECONDS", 0.01)
    stream = io.StringIO()
    with StudyProgress(1, stream=stream) as study:
        study.advance("only", rows=8, failures=0)
        study._watcher.join(2.0)
        assert not study._watcher.is_alive()
    assert len(shown(stream)) == 1


def test_recordings_under_way_never_count_as_more_than_are_left() -> None:
    stream = io.StringIO()
    with StudyProgress(1, lambda: 3.0, stream=stream) as study:
        study.advance("one", rows=8, failures=0)
    assert shown(stream)[0].startswith("1/1 recordings, 8 rows")


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
