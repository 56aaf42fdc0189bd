"""Progress: a bar on terminals of any width, a line now and then in logs, nothing when quiet."""

from __future__ import annotations

import io
import re

import pytest

from pi_amt.study.cost import UnderWay, Workload
from pi_amt.study.progress import StageProgress, StudyProgress


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def shown(stream: io.StringIO) -> list[str]:
    """What was printed, without control sequences, in pieces of one line."""
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    return [line.rstrip() for line in re.split(r"[\r\n]+", text) if line.strip()]


def alike(recordings: int) -> Workload:
    """So many recordings of one minute."""
    workload = Workload()
    for _ in range(recordings):
        workload.add("toy", "toy", 8, 60.0)
    return workload


class Study(StudyProgress):
    """Progress of recordings that are alike, one finished after the other by one worker."""

    def finish(self, name: str, took_seconds: float, rows: int = 8, failures: int = 0) -> None:
        self._workload.finish(self._done, took_seconds, 60.0)
        self.advance(name, rows, failures)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time that progress sees; ``clock[0] += 10`` lets ten seconds pass."""
    now = [1000.0]
    monkeypatch.setattr("pi_amt.study.progress.time.monotonic", lambda: now[0])
    return now


def test_a_log_gets_a_line_at_most_every_30_seconds_and_one_at_the_end(clock: list[float]) -> None:
    stream = io.StringIO()
    with Study(alike(10), stream=stream) as study:
        for i in range(10):
            clock[0] += 9
            study.finish(f"piece {i}", 9)
    assert shown(stream) == [
        "4/10 recordings, 32 rows, 53 rows/min, about 54 s left",
        "8/10 recordings, 64 rows, 53 rows/min, about 18 s left",
        "10/10 recordings, 80 rows, 53 rows/min, about 0 s left",
    ]


def test_failures_are_told_as_they_come(clock: list[float]) -> None:
    stream = io.StringIO()
    with Study(alike(2), stream=stream) as study:
        clock[0] += 30
        study.finish("good", 30)
        clock[0] += 30
        study.finish("bad", 30, failures=8)
    first, second = shown(stream)
    assert "failed" not in first
    assert "8 rows/min" in first or "16 rows/min" in first
    assert ", 8 failed," in second


def test_a_long_wait_is_told_in_minutes_or_hours(clock: list[float]) -> None:
    stream = io.StringIO()
    with Study(alike(1000), stream=stream) as study:
        clock[0] += 60
        study.finish("one", 60)
    assert "about 16.6 h left" in shown(stream)[0]


def test_nothing_is_printed_when_quiet_or_when_there_is_nothing_to_do() -> None:
    for stream, quiet, recordings in ((Terminal(), True, 5), (Terminal(), False, 0)):
        with StudyProgress(alike(recordings), quiet=quiet, stream=stream) as study:
            study.advance("one", rows=1, failures=0)
        assert stream.getvalue() == ""


@pytest.mark.parametrize("columns", [20, 40, 80, 120, 200])
def test_a_bar_keeps_to_one_line_of_any_terminal(
    columns: int, monkeypatch: pytest.MonkeyPatch, clock: list[float]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    with Study(alike(200), stream=stream) as study:
        for i in range(3):
            clock[0] += 5
            study.finish(f"a recording with quite a long name, number {i}", 5, failures=i)
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
    with Study(alike(2), stream=stream) as study:
        study.advance("take [live] [/2]", rows=8, failures=0)
    assert "take [live] [/2]" in shown(stream)[-1]


def test_a_bar_is_taken_down_when_the_study_ends_with_an_error() -> None:
    stream = Terminal()
    with pytest.raises(KeyboardInterrupt), StudyProgress(alike(5), stream=stream):
        raise KeyboardInterrupt
    assert stream.getvalue().rstrip(" ").endswith(("\n", "\x1b[?25h"))  # cursor shown again


def test_a_long_recording_moves_the_count_before_it_ends(clock: list[float]) -> None:
    stream, flight = io.StringIO(), {0: UnderWay(0.25, 60)}
    with Study(alike(2), lambda: flight, stream=stream) as study:
        clock[0] += 60
        study._show()
        clock[0] += 60
        flight.clear()
        study.finish("long", 120)
    assert shown(stream) == [
        "0/2 recordings and 0.25 under way, 0 rows, 0 rows/min, about 7 min left",
        "1/2 recordings, 8 rows, 4 rows/min, about 2 min left",
    ]


def test_the_last_line_comes_once_however_long_workers_take_to_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pi_amt.study.progress._LOOK_EVERY_SECONDS", 0.01)
    stream = io.StringIO()
    with Study(alike(1), stream=stream) as study:
        study.advance("only", rows=8, failures=0)
        study._watcher.join(2.0)
        assert not study._watcher.is_alive()
    assert len(shown(stream)) == 1


def test_a_bar_of_unequal_recordings_moves_with_the_work(
    monkeypatch: pytest.MonkeyPatch, clock: list[float]
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    stream, workload = Terminal(), Workload()
    for seconds in (60, 540):
        workload.add("toy", "toy", 8, seconds)
    with Study(workload, stream=stream) as study:
        clock[0] += 60
        study.finish("short", 60)
    assert " 10% 1/2 9 min left " in shown(stream)[-1]


@pytest.mark.parametrize("columns", [20, 40, 80, 120])
def test_stages_and_their_steps_are_named_on_one_line_of_a_terminal(
    columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm")
    stream, seen = Terminal(), []
    with StageProgress("report", stream=stream) as progress:
        for stage, steps in (("statistics", 0), ("excerpts", 3), ("figures", 0)):
            progress.stage(stage, steps)
            for _ in range(steps):
                progress.step("excerpts of [a model]")
            assert progress._bar is not None
            progress._bar.refresh()
            seen.append(shown(stream)[-1])
    assert max(map(len, shown(stream))) <= columns
    assert stream.getvalue().count("\n") <= 1
    if columns >= 40:
        assert "statistics" in seen[0]
        assert "2/3" in seen[1]  # the third has begun
        assert "excerpts of [a model]" in seen[1]
        assert "figures" in seen[2]
        assert "/3" not in seen[2]
    if columns >= 90:
        assert all(line.startswith("report") for line in seen)
        assert ["%" in line for line in seen] == [False, True, False]


def test_stages_tell_a_log_nothing() -> None:
    stream = io.StringIO()
    with StageProgress("report", stream=stream) as progress:
        progress.stage("excerpts", 2)
        progress.step("excerpts of a model")
    assert stream.getvalue() == ""
