"""A scorer of one's own stands in every row and decides the row's key."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from tests.rows import make_row
from tests.toys import ToyTrack, ToyTranscriber

from pi_amt.core.notes import Notes
from pi_amt.permutation_importance import Importance
from pi_amt.scoring import plugins as scorers
from pi_amt.study import evaluate as recording
from pi_amt.study import jobs
from pi_amt.study.conditions import make_conditions
from pi_amt.study.jobs import Job


def _count(reference: Notes, estimate: Notes) -> dict[str, float]:
    return {"more": len(estimate) - len(reference)}


def test_scores_of_an_installed_scorer_are_in_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    job = Job(ToyTranscriber(), "toys", ToyTrack("a"), tuple(make_conditions([])))
    (before,) = recording.evaluate(job).rows
    for module in (scorers, jobs):
        monkeypatch.setattr(module, "scorers", lambda: {"count": _count})
    (after,) = recording.evaluate(job).rows
    more = after.counts["estimate"] - after.counts["reference"]
    assert after.scores["count.more"] == more
    assert before.scores.items() <= after.scores.items()
    assert before.key != after.key


def test_without_scorers_nothing_is_added() -> None:
    assert scorers.plugged_scores(Notes.empty(), Notes.empty()) == {}


@pytest.mark.parametrize("error", [ZeroDivisionError("oh"), SystemExit("oh")])
def test_a_scorer_that_fails_is_named(
    error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(reference: Notes, estimate: Notes) -> dict[str, float]:
        raise error

    monkeypatch.setattr(scorers, "scorers", lambda: {"chords": broken})
    said = rf"scorer chords: failed \({type(error).__name__}: oh\)"
    with pytest.raises(ValueError, match=said):
        scorers.plugged_scores(Notes.empty(), Notes.empty())


def test_drops_of_a_score_beyond_one_keep_their_interval() -> None:
    rows = [
        replace(row, scores={"F-measure_no_offset": 0.5, "count.more": value + i})
        for i in range(12)
        for label, value in (("no_permutation", 700.0), ("random", 500.0 + 3 * i))
        for row in [make_row(label, 0.5, track=f"t{i:02}")]
    ]
    found = Importance.from_rows(rows, score="count.more")
    (result,) = [r for r in found.results if r.role == "condition"]
    assert 100 < result.drop_low < result.drop < result.drop_high < 300
    assert "count.more, mean over recordings" in str(found.table())
    assert Importance.from_rows(rows).inference.bounded


def test_a_scorer_may_change_its_notes(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(reference: Notes, estimate: Notes) -> dict[str, float]:
        reference.pitches[:] = 0.0
        estimate.onsets[:] = 0.0
        return {"x": 1.0}

    monkeypatch.setattr(scorers, "scorers", lambda: {"careless": careless})
    reference = Notes.from_arrays([1.0], [2.0], [60.0])
    estimate = Notes.from_arrays([1.5], [2.0], [62.0])
    assert scorers.plugged_scores(reference, estimate) == {"careless.x": 1.0}
    assert (reference.pitches.tolist(), estimate.onsets.tolist()) == ([60.0], [1.5])


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (0.5, 'got float, expected a dict of floats, such as {"f": 0.5}'),
        (None, "got NoneType, expected a dict of floats"),
        ({"x": [0.1, 0.2]}, "got list as 'x', expected one number: give several values a key each"),
        (
            {"x": float("-inf")},
            "got -inf as 'x', expected a finite number, or NaN where there is none",
        ),
    ],
)
def test_a_scorer_that_gives_no_dict_of_numbers_is_told_what_to_give(
    answer: Any, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scorers, "scorers", lambda: {"mine": lambda reference, estimate: answer})
    with pytest.raises(ValueError, match=f"scorer mine: {re.escape(said)}"):
        scorers.plugged_scores(Notes.empty(), Notes.empty())
