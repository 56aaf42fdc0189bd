"""Checks of options: what passes, what is refused, and in which words."""

import math

import pytest

from pi_amt.core.checks import (
    check_choice,
    check_count,
    check_flag,
    check_range,
    check_share,
    near,
    unknown,
)


def test_an_unknown_name_gets_the_nearest_ones_or_all() -> None:
    known = ("fund_mask", "harm_mask", "random")
    assert unknown("mask", "fundmask", known) == (
        "mask: got unknown 'fundmask'; did you mean fund_mask?"
    )
    assert unknown("mask", "xyz", known) == (
        "mask: got unknown 'xyz'; there are fund_mask, harm_mask, random"
    )
    assert unknown("mask", "xyz", ()) == "mask: got unknown 'xyz'; there are none"
    assert near("xyz", known) == ""


def test_choices() -> None:
    check_choice("fill", "silence", ("silence", "noise"))
    with pytest.raises(ValueError, match="fill: got 'silent', expected one of silence, noise"):
        check_choice("fill", "silent", ("silence", "noise"))


def test_a_range_includes_its_ends_and_refuses_what_is_no_number() -> None:
    for value in (0, 0.5, 1.0):
        check_range("p", value, 0.0, 1.0)
    check_range("level", math.inf, 0.0)
    for wrong in (-1e-9, 1.1, math.nan, True, "0.5"):
        with pytest.raises(ValueError, match=r"p: got .*, expected a number, 0 to 1"):
            check_range("p", wrong, 0.0, 1.0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="expected a number, at least 0 dB"):
        check_range("level", -1.0, 0.0, unit="dB")


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "2", True])
def test_counts_are_whole_and_positive(wrong: object) -> None:
    check_count("n", 1)
    with pytest.raises(ValueError, match=r"n: got .*, expected a whole number, at least 1"):
        check_count("n", wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [0, 0.0, 1.01, math.nan, "1", True])
def test_shares_are_above_zero_and_up_to_one(wrong: object) -> None:
    check_share("share", 1)
    with pytest.raises(ValueError, match=r"share: got .*, expected a number above 0 and up to 1"):
        check_share("share", wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [0, 1, "true", None])
def test_flags_are_true_or_false_and_no_text(wrong: object) -> None:
    check_flag("trick", False)
    with pytest.raises(ValueError, match=r"trick: got .*, expected true or false"):
        check_flag("trick", wrong)  # type: ignore[arg-type]
