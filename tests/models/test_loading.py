"""Recipes of models: equal ones are equal, however their options were written."""

from __future__ import annotations

import pytest
from tests.toys import TOY

from pi_amt.core.notes import Notes
from pi_amt.models.loading import ModelSpec, built, load_model


def test_recipes_with_equal_options_are_equal_and_make_one_model() -> None:
    spec, again = (
        ModelSpec(TOY, text)
        for text in ('{"device":"cpu","threshold":0.3}', '{"threshold": 0.3, "device": "cpu"}')
    )
    assert spec == again
    assert hash(spec) == hash(again)
    assert built(spec) is built(again)


def test_the_recipe_for_the_cpu_is_that_of_somebody_who_asks_for_the_cpu() -> None:
    assert ModelSpec(TOY, '{"blind": true}').on_cpu() == ModelSpec(
        TOY, '{"blind":true,"device":"cpu"}'
    )


def test_options_that_are_no_json_are_refused() -> None:
    with pytest.raises(ValueError, match="Expecting"):
        ModelSpec(TOY, "threshold=0.3")


def transcribe(samples: object, sample_rate: int) -> Notes:
    """A function where the name of a model is asked for."""
    raise AssertionError("not called")


def test_a_function_in_the_place_of_a_model_is_told_what_it_is() -> None:
    name = f"{__name__}:transcribe"
    with pytest.raises(
        ValueError, match=r"got no samples, sample_rate, .* callable with function="
    ):
        load_model(name)
