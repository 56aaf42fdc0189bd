"""Conditions of one name are told apart by what differs between them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pi_amt.statistics.panels import told_apart


@pytest.mark.parametrize(
    ("own", "others", "name"),
    [
        ({"p": 0.3, "draw": "frame"}, [], "random"),
        ({"p": 0.3, "draw": "frame"}, [{"p": 0.3, "draw": "frame"}], "random"),
        ({"p": 0.3, "draw": "frame"}, [{"p": 0.1, "draw": "frame"}], "random (p=0.3)"),
        ({"p": 0.3, "draw": "frame"}, [{"p": 0.1}, {"p": 0.3}], "random (p=0.3, draw=frame)"),
        ({"p": 0.3}, [{"p": 0.3, "draw": "frame"}], "random"),
        ({"p": 1.0}, [{"p": 1}], "random (p=1.0)"),
        ({"p": True}, [{"p": 1}], "random (p=True)"),
        ({"of": {"a": 1, "b": 2}}, [{"of": {"b": 2, "a": 1}}], "random"),
    ],
)
def test_a_name_has_the_options_that_differ_and_no_others(
    own: dict[str, Any], others: list[dict[str, Any]], name: str
) -> None:
    assert told_apart("random", own, others) == name
    assert told_apart("random", own, [own, *others]) == name


def test_values_are_written_as_the_caller_wants_them() -> None:
    assert told_apart("x", {"on": True}, [{"on": False}], json.dumps) == "x (on=true)"
