"""Studies on recordings whose notes are found late as a whole, with and without ``align=median``.

The toy model finds the tones of a toy track half a frame or one (10 or 20 ms) late by itself; the
reference is written early here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.toys import TOY, ToyTrack

from pi_amt.core.notes import Notes
from pi_amt.models.loading import ModelSpec
from pi_amt.permutation_importance import Importance
from pi_amt.store.rows import Row
from pi_amt.store.store import Store, read_rows
from pi_amt.study.conditions import make_conditions
from pi_amt.study.driver import Summary, run_study
from pi_amt.study.executors.processes import serial
from pi_amt.study.groups import Group

F = "F-measure_no_offset"


@dataclass(frozen=True)
class EarlyTrack(ToyTrack):
    """A toy track whose reference notes lie ``early_ms`` before the sound."""

    early_ms: float = 0.0

    def notes(self) -> Notes:
        return super().notes().shifted(-self.early_ms / 1000)

    def audio(self) -> tuple[object, int]:  # type: ignore[override]
        return ToyTrack(self.name, self.seed, self.seconds).audio()

    def fingerprint(self) -> str:
        return f"{self.name} {self.early_ms}"

    def stamp(self) -> str:
        return self.fingerprint()


def tracks(early_ms: float, seconds: float = 20.0) -> list[ToyTrack]:
    return [EarlyTrack(name, seed, seconds, early_ms=early_ms) for seed, name in enumerate("ab")]


def study(
    folder: Path,
    recordings: Sequence[ToyTrack],
    conditions: Sequence[str] = ("harm_mask",),
    align: str = "off",
    without_baseline: bool = False,
) -> Summary:
    made = make_conditions(conditions)[int(without_baseline) :]
    group = Group(ModelSpec(TOY), "toy", recordings, made, "off", align)
    with Store(folder) as store:
        return run_study([group], store, serial, quiet=True)


def scores(rows: Sequence[Row], label: str, key: str = F) -> list[float]:
    return [row.scores[key] for row in rows if row.label == label]


def test_the_offset_of_the_onsets_stands_in_each_row_and_nothing_is_shifted(tmp_path: Path) -> None:
    study(tmp_path / "exact", tracks(0.0))
    study(tmp_path / "late", tracks(70.0))
    rows = read_rows(tmp_path / "late")
    for row, own in zip(rows, read_rows(tmp_path / "exact"), strict=True):
        assert 0 <= own.effects["onset_offset_ms"] <= 20
        late = 70 + own.effects["onset_offset_ms"]
        assert row.effects["onset_offset_ms"] == pytest.approx(late, abs=0.2)
        assert "aligned_ms" not in row.effects
        assert "align" not in json.loads(row.settings)
    assert scores(rows, "no_permutation") == [0.0, 0.0]
    assert scores(rows, "no_permutation", f"{F}_100ms") == [1.0, 1.0]


def test_few_notes_have_no_offset(tmp_path: Path) -> None:
    study(tmp_path, tracks(70.0, seconds=4.0))
    assert all("onset_offset_ms" not in row.effects for row in read_rows(tmp_path))


def test_alignment_scores_as_if_the_notes_had_lain_at_the_sound(tmp_path: Path) -> None:
    study(tmp_path / "late", tracks(70.0), align="median")
    late = read_rows(tmp_path / "late")
    study(tmp_path / "exact", tracks(0.0), align="median")
    exact = read_rows(tmp_path / "exact")
    for one, other in zip(late, exact, strict=True):
        assert one.effects["aligned_ms"] == pytest.approx(other.effects["aligned_ms"] + 70, abs=0.2)
        for key in (F, "F-measure", f"{F}_100ms", f"{F}_chroma"):
            assert one.scores[key] == other.scores[key]
    assert scores(late, "no_permutation") == [1.0, 1.0]
    assert {json.loads(row.settings)["align"] for row in late} == {"median"}


def test_the_shift_is_that_of_the_baseline_also_for_what_is_computed_later(tmp_path: Path) -> None:
    """Under the fundamental mask the toy hears nothing, so it could not be aligned by itself."""
    study(tmp_path / "later", tracks(70.0), (), align="median")
    study(tmp_path / "later", tracks(70.0), ("fund_mask", "random"), align="median")
    study(tmp_path / "once", tracks(70.0), ("fund_mask", "random"), align="median")
    later, once = (
        {row.key: (row.scores, row.effects, row.counts, row.notes) for row in read_rows(folder)}
        for folder in (tmp_path / "later", tmp_path / "once")
    )
    assert later == once
    shifts = {(row.track, row.effects["aligned_ms"]) for row in read_rows(tmp_path / "later")}
    assert len(shifts) == 2  # one per recording


def test_too_few_notes_are_not_aligned(tmp_path: Path) -> None:
    study(tmp_path, tracks(70.0, seconds=4.0), align="median")
    assert {row.effects["aligned_ms"] for row in read_rows(tmp_path)} == {0.0}


def test_without_a_baseline_there_is_nothing_to_align_by(tmp_path: Path) -> None:
    summary = study(tmp_path, tracks(70.0), align="median", without_baseline=True)
    assert {row.error for row in summary.errors} == {
        "align: got no no_permutation, whose onsets tell the shift"
    }


def test_aligned_rows_are_others_and_are_never_mixed_with_those_that_are_not(
    tmp_path: Path,
) -> None:
    study(tmp_path, tracks(70.0))
    summary = study(tmp_path, tracks(70.0), align="median")
    assert (summary.computed, summary.reused) == (4, 0)
    assert study(tmp_path, tracks(70.0)).computed == 0
    apart = Importance.from_rows(read_rows(tmp_path), variants="separate", n_resamples=100)
    assert apart.models == ("toy [without align]", "toy [align=median]")
    assert [result.baseline for result in apart.results] == [0.0, 1.0]
    assert "align=median: the notes of each recording were shifted" in str(apart.table())


def test_a_whole_shift_is_warned_of_unless_it_was_taken_away(tmp_path: Path) -> None:
    for early_ms, align, told in (
        (15.0, "off", True),
        (0.0, "off", False),
        (15.0, "median", False),
    ):
        folder = tmp_path / f"{early_ms} {align}"
        study(folder, tracks(early_ms), align=align)
        rows = read_rows(folder)
        found = Importance.from_rows(rows, n_resamples=100)
        said = [line for line in found.warnings if "late or early" in line]
        assert len(said) == told, said
        if told:
            late = rows[0].effects["onset_offset_ms"]
            shift = rf"2 recordings .* more than 20 ms late or early \(a: {late:.0f} ms late\)"
            assert re.search(shift, said[0])
    old = [replace(row, effects={}) for row in rows]
    assert not any("late or early" in line for line in Importance.from_rows(old).warnings)


def test_an_unknown_alignment_is_refused() -> None:
    with pytest.raises(ValueError, match="align: got 'mean', expected one of off, median"):
        Group(ModelSpec(TOY), "toy", tracks(0.0), make_conditions([]), align="mean")
