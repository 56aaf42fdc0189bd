"""The study: what is computed, what is reused, what is kept; with the toy model in milliseconds."""

from __future__ import annotations

import io
import math
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.toys import TOY, ToyTrack, ToyTranscriber, toy_tracks

import pi_amt
from pi_amt.core.notes import Notes
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.models.loading import ModelSpec
from pi_amt.models.transcriber import Transcriber
from pi_amt.permutation_importance import importance
from pi_amt.permutations.masks import FundMask
from pi_amt.permutations.permutation import Permutation, Scene
from pi_amt.store.rows import Row
from pi_amt.store.store import Store, read_errors, read_rows
from pi_amt.study.conditions import Condition, make_conditions
from pi_amt.study.driver import Summary, run_study
from pi_amt.study.executors.processes import ExecutorFactory, local, serial
from pi_amt.study.groups import Group

ROOT = Path(__file__).parents[2]
EIGHT = (
    "no_permutation",
    "random",
    "microtonal",
    "high_freq",
    "fund_mask",
    "harm_mask",
    "soft_fund_mask",
    "soft_harm_mask",
)
Facts = tuple[object, ...]


def study(
    folder: Path,
    tracks: Sequence[ToyTrack],
    conditions: Sequence[Condition | str] = ("fund_mask", "harm_mask"),
    *,
    model: ModelSpec | Transcriber | None = None,
    executor: ExecutorFactory = serial,
    seed: int = 0,
    repeats: int = 1,
    controls: bool | str = False,
    tuning: str | float = "estimate",
    fail_fast: bool = False,
) -> Summary:
    """Run a toy study into a results folder."""
    made = make_conditions(conditions, seed=seed, repeats=repeats, controls=controls)
    group = Group(model or ModelSpec(TOY), "toy", tracks, made, tuning)
    with Store(folder) as store:
        return run_study([group], store, executor, quiet=True, fail_fast=fail_fast)


def facts(rows: Iterable[Row]) -> dict[str, Facts]:
    """Everything of each row but the time that it took, by key."""
    return {
        row.key: (
            *(getattr(row, name) for name in ("track", "label", "repeat", "status", "error")),
            sorted(row.scores.items()),
            sorted(row.effects.items()),
            sorted(row.counts.items()),
            row.notes,
        )
        for row in rows
    }


def f_measures(rows: Iterable[Row], label: str) -> list[float]:
    return [row.scores["F-measure_no_offset"] for row in rows if row.label == label]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Facts]:
    """The eight conditions of three recordings, computed in one pass in this process."""
    folder = tmp_path_factory.mktemp("whole")
    study(folder, toy_tracks(3), EIGHT, repeats=2)
    found = facts(read_rows(folder))
    # two draws of random, microtonal, high_freq and the soft masks
    assert len(found) == 3 * (8 + 5)
    return found


def test_known_answers(tmp_path: Path) -> None:
    """The toy hears fundamentals only: without them nothing is left, without the rest all is."""
    study(tmp_path, toy_tracks(3), EIGHT, controls=True)
    rows = read_rows(tmp_path)
    for label in ("no_permutation", "identity", "harm_mask", "microtonal", "high_freq"):
        assert f_measures(rows, label) == [1.0] * 3, label
    for label in ("fund_mask", "soft_fund_mask", "floor"):
        assert f_measures(rows, label) == [0.0] * 3, label
    assert all(0 < f < 1 for f in f_measures(rows, "random"))


def test_a_model_that_ignores_its_input_drops_exactly_nothing(tmp_path: Path) -> None:
    blind = ModelSpec(TOY, '{"blind":true}')
    study(tmp_path, toy_tracks(4), EIGHT, model=blind)
    rows = read_rows(tmp_path)
    baseline = f_measures(rows, "no_permutation")
    for label in EIGHT:
        assert f_measures(rows, label) == baseline


def test_rows_do_not_depend_on_the_number_of_workers(
    tmp_path: Path, whole: dict[str, Facts]
) -> None:
    study(tmp_path, toy_tracks(3), EIGHT, repeats=2, executor=partial(local, 2))
    assert facts(read_rows(tmp_path)) == whole


def test_rows_do_not_depend_on_the_order_of_tracks_and_conditions(
    tmp_path: Path, whole: dict[str, Facts]
) -> None:
    names, tracks = list(EIGHT), toy_tracks(3)
    random.Random(1).shuffle(names)
    study(tmp_path, tracks[::-1], names, repeats=2)
    assert facts(read_rows(tmp_path)) == whole


def test_rows_do_not_depend_on_the_company_of_conditions(
    tmp_path: Path, whole: dict[str, Facts]
) -> None:
    for name in EIGHT:
        study(tmp_path / name, toy_tracks(3), [name], repeats=2)
        alone = facts(read_rows(tmp_path / name))
        assert alone == {key: whole[key] for key in alone}
        assert {row[1] for row in alone.values()} == {name, "no_permutation"}


def test_the_baseline_goes_first_to_the_network_wherever_it_stands(tmp_path: Path) -> None:
    """The others may borrow from it; from a random one there is nothing to borrow."""
    first: list[torch.Tensor] = []

    class Watching(ToyTranscriber):
        def outputs(self, spectrograms: Sequence[Spectrogram]) -> list[dict[str, torch.Tensor]]:
            first.append(spectrograms[0].tensor)
            return super().outputs(spectrograms)

    track = ToyTrack("a")
    study(tmp_path, [track], ["random", "fund_mask", "no_permutation"], model=Watching())
    clean = ToyTranscriber().stream(*track.audio())
    assert all(torch.equal(a, b.tensor) for a, b in zip(first, clean, strict=True))


def test_rows_do_not_depend_on_batches_or_blocks(tmp_path: Path, whole: dict[str, Facts]) -> None:
    model = ToyTranscriber()
    model.micro_batch, model.stream_blocks = 1, 2
    study(tmp_path, toy_tracks(3), EIGHT, repeats=2, model=model)
    assert facts(read_rows(tmp_path)) == whole


def test_rows_do_not_depend_on_what_was_stored_before(
    tmp_path: Path, whole: dict[str, Facts]
) -> None:
    study(tmp_path, toy_tracks(2), ["harm_mask"])
    study(tmp_path, toy_tracks(3), ["random", "fund_mask"], repeats=2)
    summary = study(tmp_path, toy_tracks(3), EIGHT, repeats=2)
    assert facts(read_rows(tmp_path)) == whole
    # stored before: baselines, two harm_mask, three fund_mask, six random
    assert (summary.reused, summary.computed) == (3 + 2 + 3 + 6, 39 - 14)


def counted(tmp_path: Path, count: int) -> list[ToyTrack]:
    """Tracks that leave one byte in ``tmp_path/reads`` for each time that they are read."""
    marker = tmp_path / "reads"
    return [replace(track, marker=marker) for track in toy_tracks(count)]


def reads(tmp_path: Path) -> int:
    marker = tmp_path / "reads"
    return marker.stat().st_size if marker.exists() else 0


def test_a_recording_is_read_once_for_all_its_conditions(tmp_path: Path) -> None:
    study(tmp_path / "results", counted(tmp_path, 3), EIGHT, repeats=3)
    assert reads(tmp_path) == 3


def test_the_same_study_again_computes_nothing(tmp_path: Path) -> None:
    tracks = counted(tmp_path, 3)
    first = study(tmp_path / "results", tracks)
    before = facts(read_rows(tmp_path / "results"))
    again = study(tmp_path / "results", tracks)
    assert (first.computed, first.reused) == (9, 0)
    assert (again.computed, again.reused) == (0, 9)
    assert reads(tmp_path) == 3
    assert again.asked == first.asked
    assert facts(read_rows(tmp_path / "results")) == before


class Grouped(ToyTrack):
    """A toy track that is a recording of the same piece as all others of its kind."""

    @property
    def composition(self) -> str:
        return "one piece"


def test_recordings_that_are_grouped_otherwise_keep_their_rows(tmp_path: Path) -> None:
    study(tmp_path, toy_tracks(3))
    assert {row.composition for row in read_rows(tmp_path)} == {t.name for t in toy_tracks(3)}
    first, *others = toy_tracks(3)
    summary = study(tmp_path, [first, *(Grouped(t.name, t.seed) for t in others)])
    assert (summary.computed, summary.reused) == (0, 9)
    rows = {row.track: row.composition for row in read_rows(tmp_path)}
    assert list(rows.values()) == [first.name, "one piece", "one piece"]


def test_only_new_recordings_and_conditions_are_computed(tmp_path: Path) -> None:
    tracks = counted(tmp_path, 4)
    study(tmp_path / "results", tracks[:2], ["fund_mask"])
    more = study(tmp_path / "results", tracks, ["fund_mask"])
    assert (more.computed, more.reused, reads(tmp_path)) == (4, 4, 4)
    wider = study(tmp_path / "results", tracks, ["fund_mask", "harm_mask"])
    assert (wider.computed, wider.reused) == (4, 8)


def test_a_recording_too_short_for_a_donor_is_empty_and_not_tried_again(tmp_path: Path) -> None:
    short = [ToyTrack("short", seconds=0.3)]
    study(tmp_path, short, ["no_permutation", "donor"])
    baseline, donor = sorted(read_rows(tmp_path), key=lambda row: row.role != "baseline")
    assert (baseline.status, donor.status) == ("ok", "empty")
    assert "a donated segment lasts 0.5 s" in donor.error
    assert study(tmp_path, short, ["no_permutation", "donor"]).computed == 0


def test_a_stored_baseline_is_what_later_conditions_are_compared_with(tmp_path: Path) -> None:
    study(tmp_path, toy_tracks(1), ["no_permutation"])
    study(tmp_path, toy_tracks(1), ["fund_mask"])
    (masked,) = (row for row in read_rows(tmp_path) if row.label == "fund_mask")
    assert masked.counts["lost"] == masked.counts["reference"] == 5


class Fine(ToyTranscriber):
    """Hears one false note: clean at 1.00004 s, else 50.04 ms later, just inside the tolerance;
    outside if the first were rounded to 0.1 ms."""

    def decoder(self) -> Any:
        return FineDecoder()


class FineDecoder:
    def __init__(self) -> None:
        self._loudest = 0.0

    def push(self, activations: Mapping[str, Any]) -> None:
        self._loudest = max(self._loudest, float(activations["pitch"].max(initial=0.0)))

    def finish(self) -> Notes:
        onset = 1.00004 if self._loudest > 0.5 else 1.05008
        return Notes.from_arrays([onset], [onset + 0.5], [40.0])


def test_counts_do_not_depend_on_whether_the_baseline_was_stored(tmp_path: Path) -> None:
    study(tmp_path / "at once", toy_tracks(1), ["no_permutation", "fund_mask"], model=Fine())
    study(tmp_path / "later", toy_tracks(1), ["no_permutation"], model=Fine())
    study(tmp_path / "later", toy_tracks(1), ["fund_mask"], model=Fine())
    at_once, later = (facts(read_rows(tmp_path / name)) for name in ("at once", "later"))
    assert at_once == later


@pytest.mark.parametrize(
    ("change", "recomputed"),
    [
        ({"model": ModelSpec(TOY, '{"weights":"others"}')}, 6),
        ({"model": ModelSpec(TOY, '{"threshold":0.6}')}, 6),
        ({"model": ModelSpec(TOY, '{"precision":"bf16"}')}, 6),
        ({"tuning": 10.0}, 6),
        ({"seed": 1}, 2),  # the draws of `random`; nothing else depends on the seed
        ({}, 0),
    ],
)
def test_what_decides_a_row_makes_a_new_one(
    tmp_path: Path, change: dict[str, object], recomputed: int
) -> None:
    study(tmp_path, toy_tracks(2), ["fund_mask", "random"])
    before = facts(read_rows(tmp_path))
    summary = study(tmp_path, toy_tracks(2), ["fund_mask", "random"], **change)  # type: ignore[arg-type]
    assert (summary.computed, summary.reused) == (recomputed, 6 - recomputed)
    after = facts(read_rows(tmp_path))
    assert before.items() <= after.items()  # old rows stay


def test_a_changed_option_of_a_permutation_makes_new_rows_of_it_only(tmp_path: Path) -> None:
    wide = pi_amt.load_permutation("fund_mask", half_width_cents=90.0)
    study(tmp_path, toy_tracks(2), ["fund_mask", "harm_mask"])
    summary = study(tmp_path, toy_tracks(2), [Condition(wide, "fund_mask"), "harm_mask"])
    assert (summary.computed, summary.reused) == (2, 4)


def test_changed_data_makes_new_rows(tmp_path: Path) -> None:
    track = toy_tracks(1)[0]
    study(tmp_path, [track])
    summary = study(tmp_path, [replace(track, seed=7)])
    assert (summary.computed, summary.reused) == (3, 0)


def test_another_seed_draws_otherwise(tmp_path: Path) -> None:
    for seed in (0, 1):
        study(tmp_path / str(seed), toy_tracks(2), ["random"], seed=seed)
    one, other = (
        [row.notes for row in read_rows(tmp_path / seed) if row.label == "random"]
        for seed in ("0", "1")
    )
    assert one != other


def test_a_broken_recording_is_an_error_row_and_the_others_go_on(tmp_path: Path) -> None:
    tracks = [*toy_tracks(2), ToyTrack("broken", fault="error")]
    summary = study(tmp_path, tracks)
    assert (summary.computed, len(summary.errors)) == (6, 3)
    rows = [row for row in read_rows(tmp_path) if row.status == "error"]
    assert {(row.track, row.error) for row in rows} == {("broken", "broken: broken on purpose")}
    assert {row.label for row in rows} == {"no_permutation", "fund_mask", "harm_mask"}
    assert len({row.key for row in rows}) == 3


@pytest.mark.parametrize("where", ["begin", "push", "finish"])
def test_a_permutation_that_fails_while_it_reads_the_recording_fails_alone(
    tmp_path: Path, where: str
) -> None:
    class Reader(FundMask):
        """Reads the whole recording first, and fails at it."""

        name: ClassVar[str] = "reader"

        def prepass(self) -> Reader:
            return self.at("begin")

        def push(self, scene: Scene, kept: NDArray[np.bool_] | None = None) -> None:
            self.at("push")

        def finish(self) -> Permutation:
            return self.at("finish")

        def at(self, place: str) -> Reader:
            if place == where:
                raise KeyError(place)
            return self

    study(tmp_path, toy_tracks(1), [Condition(Reader(), "reader"), "fund_mask"], executor=serial)
    found = {row.label: row.status for row in read_rows(tmp_path)}
    assert found == {"no_permutation": "ok", "reader": "error", "fund_mask": "ok"}


@pytest.mark.parametrize("executor", [serial, partial(local, 2)])
def test_an_error_row_keeps_where_in_the_code_it_happened(
    tmp_path: Path, executor: ExecutorFactory
) -> None:
    study(tmp_path, [*toy_tracks(1), ToyTrack("broken", fault="error")], executor=executor)
    rows = {row.key: row for row in read_rows(tmp_path)}
    failed = read_errors(tmp_path)
    assert failed == [row for row in rows.values() if row.status == "error"]
    assert len(failed) == 3
    for row in failed:
        assert row.traceback.startswith("Traceback (most recent call last):\n")
        assert "in audio\n    raise ValueError" in row.traceback
        assert row.traceback.endswith("ValueError: broken: broken on purpose\n")
        assert len(row.error.splitlines()) == 1
    assert {row.traceback for row in rows.values() if row.status == "ok"} == {""}


def test_a_traceback_holds_what_led_to_the_error_and_any_file_name(tmp_path: Path) -> None:
    class Unreadable(ToyTrack):
        def notes(self) -> Notes:
            try:
                raise KeyError("caf\udce9\0.mid")
            except KeyError as error:
                raise ValueError("cannot be parsed") from error

    study(tmp_path, [Unreadable("odd")])
    for row in read_errors(tmp_path):
        assert r"caf\udce9" in row.traceback
        assert "ValueError: cannot be parsed" in row.traceback


def test_what_has_succeeded_since_is_no_error(tmp_path: Path) -> None:
    flaky = ToyTrack("flaky", fault="error once", marker=tmp_path / "tried")
    study(tmp_path / "results", [flaky])
    assert len(read_errors(tmp_path / "results")) == 3
    study(tmp_path / "results", [flaky])
    assert read_errors(tmp_path / "results") == []


@pytest.mark.parametrize("executor", [serial, partial(local, 2)])
def test_a_study_may_stop_at_its_first_error(tmp_path: Path, executor: ExecutorFactory) -> None:
    first, *others = toy_tracks(30)
    tracks = [first, ToyTrack("toy_000b", fault="error"), *others]
    # as one worker may go on while the other one, which fails, is still starting
    slow = [*tracks[:2], *(replace(track, sleep_seconds=1.0) for track in others)]
    summary = study(tmp_path / "results", slow, executor=executor, fail_fast=True)
    assert len(summary.errors) == 3  # all of the recording
    rows = read_rows(tmp_path / "results")
    assert len(rows) == summary.computed + 3 == sum(map(len, summary.asked))
    assert summary.left == 31 - len({row.track for row in rows}) > 20
    again = study(tmp_path / "results", tracks, executor=serial)
    assert (again.computed, again.left) == (90 - summary.computed, 0)
    assert again.errors[0].track == "toy_000b"


def test_errors_are_tried_again_on_the_next_run(tmp_path: Path) -> None:
    broken = ToyTrack("flaky", fault="error once", marker=tmp_path / "tried")
    first = study(tmp_path / "results", [*toy_tracks(1), broken])
    assert (first.computed, len(first.errors)) == (3, 3)
    again = study(tmp_path / "results", [*toy_tracks(1), broken])
    assert (again.computed, again.reused, again.errors) == (3, 3, [])
    assert {row.status for row in read_rows(tmp_path / "results")} == {"ok"}


def test_a_lasting_error_is_one_row_however_often_it_is_tried(tmp_path: Path) -> None:
    for _ in range(3):
        study(tmp_path, [ToyTrack("broken", fault="error"), *toy_tracks(1)])
    assert len(read_rows(tmp_path)) == 6


def test_a_control_that_needs_another_recording_is_skipped_with_its_reason(tmp_path: Path) -> None:
    summary = study(tmp_path, toy_tracks(1), ["fund_mask"], controls=True)
    assert {row.status for row in read_rows(tmp_path)} == {"ok"}
    assert any("wrong_piece(fund_mask)" in reason for reason in summary.skipped)


def test_a_recording_without_reference_notes_has_no_scores(tmp_path: Path) -> None:
    silent = ToyTrack("silent", seconds=0.5)  # too short for a note
    assert len(silent.notes()) == 0
    summary = study(tmp_path, [silent])
    assert summary.errors == []
    for row in read_rows(tmp_path):
        assert row.counts["reference"] == 0
        assert all(map(math.isnan, row.scores.values()))


KILLED_DRIVER = """
import sys
from functools import partial
from pathlib import Path
from pi_amt.study.executors.processes import local, serial
from tests.study.test_driver import slow_tracks, study
study(Path(sys.argv[1]), slow_tracks(), executor=eval(sys.argv[2]))
"""


def slow_tracks() -> list[ToyTrack]:
    return [replace(track, sleep_seconds=0.3) for track in toy_tracks(8)]


@pytest.mark.parametrize("executor", ["serial", "partial(local, 2)"])
def test_kill_9_in_mid_run_loses_only_what_was_in_flight(tmp_path: Path, executor: str) -> None:
    command = [sys.executable, "-c", KILLED_DRIVER, str(tmp_path / "results"), executor]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as driver:
        deadline = time.monotonic() + 60
        while _count(tmp_path / "results") < 2 * 3 and time.monotonic() < deadline:
            time.sleep(0.01)
        driver.send_signal(signal.SIGKILL)
    before = facts(read_rows(tmp_path / "results"))
    assert 2 * 3 <= len(before) < 8 * 3
    assert len(before) % 3 == 0  # a recording's rows come together or not at all
    summary = study(tmp_path / "results", toy_tracks(8))
    assert (summary.computed, summary.reused) == (24 - len(before), len(before))
    study(tmp_path / "undisturbed", toy_tracks(8))
    assert facts(read_rows(tmp_path / "results")) == facts(read_rows(tmp_path / "undisturbed"))


def _count(folder: Path) -> int:
    try:
        return len(read_rows(folder))
    except pi_amt.store.store.StoreError:
        return 0


def test_importance_in_closed_form() -> None:
    result = importance(
        ToyTranscriber(),
        toy_tracks(3),
        permutations=["fund_mask", "harm_mask", "random"],
        repeats=2,
        n_jobs=1,
    )
    labels = [condition.label for condition in result.conditions]
    means = dict(zip(labels, result.importances_mean, strict=True))
    assert means["fund_mask"] == 1.0
    assert means["harm_mask"] == 0.0
    assert 0 < means["random"] < 1
    assert result.importances.shape == (3, 3, 2)


@pytest.mark.parametrize(
    ("terminal", "quiet", "shown"),
    [(True, None, True), (False, None, False), (True, True, False), (False, False, True)],
)
def test_importance_shows_progress_on_terminals_unless_told_otherwise(
    terminal: bool, quiet: bool | None, shown: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: terminal)
    monkeypatch.setattr(sys, "stderr", stream)
    importance(ToyTranscriber(), toy_tracks(2), permutations=["fund_mask"], n_jobs=1, quiet=quiet)
    assert ("2/2" in stream.getvalue()) == shown


def test_importance_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="tracks: got none"):
        importance(ToyTranscriber(), [], permutations=["fund_mask"])


def test_a_broken_neighbour_costs_only_the_conditions_that_borrow_from_it(tmp_path: Path) -> None:
    """``toy_002`` lends to ``toy_001``, whose other conditions are none of its business."""
    tracks = [*toy_tracks(2), ToyTrack("toy_002", fault="error notes")]
    study(tmp_path, tracks, ["fund_mask"], controls=True)
    rows = [row for row in read_rows(tmp_path) if row.track == "toy_001"]
    failed = {row.label: row.error for row in rows if row.status == "error"}
    assert failed.keys() == {"wrong_piece(fund_mask)"}
    assert "toy_002: broken on purpose" in failed["wrong_piece(fund_mask)"]
    assert {row.label for row in rows} > {"no_permutation", "fund_mask", "floor"}


class Odd(ToyTrack):
    """A user's recording that fails with errors of its own kind."""

    def notes(self) -> Notes:
        if self.fault == "odd notes":
            raise RuntimeError("these notes cannot be parsed")
        return super().notes()

    def fingerprint(self) -> str:
        if self.fault == "odd fingerprint":
            raise KeyError("no such recording")
        return super().fingerprint()


@pytest.mark.parametrize(
    ("fault", "lent"),
    [("odd notes", {("toy_001", "wrong_piece(fund_mask)")}), ("odd fingerprint", set())],
)
def test_whatever_a_users_recording_raises_costs_itself_and_what_borrows_from_it(
    fault: str, lent: set[tuple[str, str]], tmp_path: Path
) -> None:
    tracks = [*toy_tracks(2), Odd("toy_002", fault=fault)]
    for _ in range(2):  # the second time the driver itself asks for fingerprints
        study(tmp_path, tracks, ["fund_mask"], controls=True)
    failed = [(r.track, r.label) for r in read_rows(tmp_path) if r.status == "error"]
    assert {(track, label) for track, label in failed if track != "toy_002"} == lent
    assert len(failed) == len(lent) + 6  # all of its own


def test_a_name_that_no_store_can_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected text that UTF-8 can hold"):
        study(tmp_path, [ToyTrack("caf\udce9")])


def test_what_is_borrowed_decides_a_row_too(tmp_path: Path) -> None:
    first, second, third = toy_tracks(3)
    tracks = [first, second, third]
    borrowing = ["fund_mask"]
    whole = study(tmp_path, tracks, borrowing, controls=True)
    again = study(tmp_path, tracks, borrowing, controls=True)
    assert (again.computed, again.reused) == (0, whole.computed)
    changed = study(tmp_path, [first, second, replace(third, seed=9)], borrowing, controls=True)
    per_track = whole.computed // 3
    # all rows of the third recording, and the one of the second that borrows from it
    assert (changed.computed, changed.reused) == (per_track + 1, 2 * per_track - 1)


def test_nothing_is_borrowed_from_a_recording_of_the_same_composition(tmp_path: Path) -> None:
    first, *others = toy_tracks(3)
    second, third = (Grouped(track.name, track.seed) for track in others)
    whole = study(tmp_path, [first, second, third], ["fund_mask"], controls=True)
    changed = [first, second, replace(third, seed=9)]
    again = study(tmp_path, changed, ["fund_mask"], controls=True)
    # no row of the second recording, whose next one is of its own composition
    assert (again.computed, again.reused) == (whole.computed // 3, 2 * whole.computed // 3)
