"""Cards: what is kept, what counts as a change, what cannot be compared."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.league_rows import league_rows

from pi_amt.statistics.card import Card, changes, not_compared
from pi_amt.statistics.reliance import standings
from pi_amt.statistics.result import Result
from pi_amt.store.rows import Row


def rows_of(needs: float, *, f: float = 0.8, **options: Any) -> list[Row]:
    """A model that loses so much F without the fundamentals, more or less."""
    drops = {"ratio_fund_mask": needs, "matched_tracks(ratio_fund_mask)": 0.0}
    return league_rows("mine", drops, baseline=f, noise=0.01, **options)


def card_of(rows: list[Row]) -> Card:
    (one,) = standings(Result.from_rows(rows, n_resamples=2_000))
    return Card.of(one)


def test_a_card_is_read_as_it_was_written(tmp_path: Path) -> None:
    card = card_of(rows_of(0.3))
    path = card.write(tmp_path / "cards" / "mine.json")
    assert Card.read(path) == card
    stored = json.loads(path.read_text())
    assert {"model", "dataset", "weights", "method", "pi_amt", "conditions"} <= set(stored)
    necessity = stored["measures"]["necessity"]
    assert necessity["value"] == pytest.approx(card.standing.values["necessity"].estimate, abs=1e-5)
    assert len(necessity["recordings"]) == 12
    assert necessity["interval"][0] < necessity["value"] < necessity["interval"][1]


def test_nothing_has_changed_against_itself() -> None:
    card = card_of(rows_of(0.3))
    assert changes(card, card) == []


def test_a_model_that_relies_less_on_the_fundamentals_has_changed() -> None:
    found = changes(card_of(rows_of(0.2)), card_of(rows_of(0.3, seed=0)))
    assert [change.measure for change in found] == ["necessity", "reliance"]
    assert found[0].difference.estimate == pytest.approx(-0.1, abs=0.02)
    assert str(found[0]).startswith("necessity (drop in F without the fundamentals, beyond the ")
    assert f"went from {found[0].old:.3f} to {found[0].new:.3f}: -0." in str(found[0])


def test_what_the_tolerance_allows_or_the_interval_explains_is_no_change() -> None:
    old = card_of(rows_of(0.3))
    assert changes(card_of(rows_of(0.305)), old) == []  # the same noise: it is certain, but small
    assert changes(card_of(rows_of(0.305)), old, tolerance=0.001)
    noisy = card_of(rows_of(0.3, spread=0.2, seed=4))
    assert changes(noisy, card_of(rows_of(0.3, spread=0.2, seed=5))) == []


def test_measures_of_one_card_only_are_named() -> None:
    old = card_of(rows_of(0.3))
    new = card_of(rows_of(0.3, onset=0.1))
    assert not_compared(new, old) == ["onset, which only the new card has"]
    assert not_compared(old, new) == ["onset, which only the old card has"]


@pytest.mark.parametrize(
    ("altered", "said"),
    [
        ({"dataset": "maps"}, "got dataset demo and maps"),
        ({"method": "2"}, "got method 1 and 2"),
        ({"permutation_version": "3"}, "got versions of matched_tracks 1 and 3"),
        ({"data": "other notes"}, "got 0 recordings that both cards have"),
    ],
)
def test_cards_of_something_else_are_not_compared(altered: dict[str, str], said: str) -> None:
    rows = rows_of(0.3)
    other = card_of([replace(row, **altered) for row in rows])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=said):
        changes(card_of(rows), other)


def test_a_card_that_does_not_say_the_versions_of_its_masks_is_not_compared() -> None:
    new = card_of(rows_of(0.3))
    facts = {name: fact for name, fact in new.standing.facts.items() if "versions" not in name}
    old = replace(new, standing=replace(new.standing, facts=facts))
    with pytest.raises(ValueError, match=r"got versions of permutations .* and none"):
        changes(new, old)
    assert changes(old, old) == []


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 99}', '{"format": 1}'])
def test_a_file_that_is_no_card_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "card.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="holds no card of this version"):
        Card.read(path)
