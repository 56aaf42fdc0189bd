"""A scorer of one's own stands in every row and decides the row's key."""

from __future__ import annotations

import pytest
from tests.toys import ToyTrack, ToyTranscriber

from pi_amt import jobs, recording, scorers
from pi_amt.conditions import make_conditions
from pi_amt.jobs import Job
from pi_amt.notes import Notes


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
