"""Rows of masks say how many reference notes the mask cannot be valid for."""

from __future__ import annotations

from tests.toys import LOWEST, PITCHES, ToyTrack, ToyTranscriber

from pi_amt.core.units import hz_to_midi
from pi_amt.permutations.masks import HarmMask, RemoveHarmonic
from pi_amt.study.conditions import make_conditions
from pi_amt.study.evaluate import evaluate
from pi_amt.study.jobs import Job

TRACK, NEIGHBOUR = ToyTrack("one", seed=3), ToyTrack("two", seed=4)


class Limited(ToyTranscriber):
    """Says that its input holds no steady tone below A4."""

    steady_from = 69.0


def counted(model: ToyTranscriber, *wanted: str | HarmMask | RemoveHarmonic) -> dict[str, int]:
    """Condition → notes out of reach, of the rows that tell."""
    conditions = tuple(make_conditions(wanted, controls=True))
    rows = evaluate(Job(model, "toys", TRACK, conditions, NEIGHBOUR)).rows
    assert {row.status for row in rows} == {"ok"}, [row.error for row in rows]
    return {row.label: row.counts["out_of_reach"] for row in rows if "out_of_reach" in row.counts}


def test_conditions_that_are_masks_tell_and_others_do_not() -> None:
    assert counted(ToyTranscriber(), "fund_mask", "random") == {"fund_mask": 0}


def test_notes_below_the_model_s_limit_are_counted_where_partials_are_removed() -> None:
    below = int((TRACK.notes().pitches < 69).sum())
    assert 0 < below < len(TRACK.notes())
    assert counted(Limited(), "soft_fund_mask", HarmMask()) == {
        "soft_fund_mask": below,
        "harm_mask": 0,
    }


def test_notes_whose_partial_lies_beyond_the_axis_are_counted() -> None:
    fourth = hz_to_midi(4 * TRACK.notes().frequencies)
    beyond = int((fourth > LOWEST + PITCHES).sum())
    assert beyond > 0
    mask = RemoveHarmonic(harmonic=4, inharmonicity="none")
    assert counted(ToyTranscriber(), mask) == {"remove_harmonic": beyond}


def test_rows_of_masks_that_remove_partials_tell_what_they_take_from_tones() -> None:
    wide, narrow = (RemoveHarmonic(harmonic=1, half_width_cents=width) for width in (300.0, 5.0))
    conditions = tuple(make_conditions([wide, narrow, "harm_mask", "random"], controls=True))
    rows = evaluate(Job(ToyTranscriber(), "toys", TRACK, conditions, NEIGHBOUR)).rows
    told = {row.parameters: row.effects for row in rows if "removed_db_tones" in row.effects}
    (of_wide, of_narrow) = (told[one.parameters] for one in conditions if one.name == wide.name)
    assert len(told) == 2
    assert of_wide["removed_db_tones"] > 20.0 > of_narrow["removed_db_tones"]
    assert of_narrow["removed_db_target"] == 120.0  # of its own bins
