"""One value as text that its reader takes for nothing but text."""

from __future__ import annotations

import math

import pytest

from pi_amt.report.tables.cells import format_value, latex_text, markdown_text


def test_values_are_rounded_and_undefined_ones_are_dashes() -> None:
    assert format_value(0.12345) == "0.123"
    assert format_value(-0.0001) == "0.000"
    assert format_value(math.nan) == "–"
    assert format_value(None) == "–"
    assert format_value(-math.inf) == "−∞"
    assert format_value(0.00001, "p") == "<0.0001"
    assert format_value(7) == "7"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("matched_tracks(fund_mask)", "matched_tracks(fund_mask)"),
        ("_it_ *is* `so`", r"\_it\_ \*is\* \`so\`"),
        ("[my model](x) ~~$y$~~", r"\[my model\](x) \~\~\$y\$\~\~"),
        ("&lt; a|b", r"&amp;lt; a\|b"),
    ],
)
def test_names_are_text_in_markdown_not_markup(text: str, shown: str) -> None:
    assert markdown_text(text) == shown


def test_a_cell_cannot_become_an_option_of_the_line_before_it_in_latex() -> None:
    assert latex_text("[x] *") == "{[}x] {*}"
