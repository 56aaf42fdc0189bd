"""Words in messages: plural forms, names in any spelling, lists that stay short."""

from __future__ import annotations

import unicodedata
from typing import Literal

import pytest

from pi_amt.core.text import LISTED, first_few, folded, listed, plural, without_accents


def test_plural_forms() -> None:
    assert plural(1, "note") == "1 note"
    assert plural(0, "note") == "0 notes"
    assert plural(1200, "copy", "copies") == "1,200 copies"


@pytest.mark.parametrize("name", ["Žalm É", "Straße", "ΟΔΟΣ", "é\u0323", "İ"])
def test_folded_names_do_not_depend_on_case_and_form(name: str) -> None:
    forms: tuple[Literal["NFC", "NFD"], ...] = ("NFC", "NFD")
    spellings = {unicodedata.normalize(form, name) for form in forms}
    spellings |= {unicodedata.normalize(form, name.upper()) for form in forms}
    assert len({folded(spelling) for spelling in spellings}) == 1


def test_folded_names_keep_what_makes_them_different() -> None:
    assert len({folded(name) for name in ("e", "é", "ee", "e 1", "e_1")}) == 5


def test_without_accents() -> None:
    assert without_accents("Frédéric, Dvořák, Für Elise") == "Frederic, Dvorak, Fur Elise"


def test_a_list_is_cut_where_that_saves_lines() -> None:
    lines = [str(i) for i in range(100)]
    for count in (0, 1, LISTED, LISTED + 1):
        assert listed(lines[:count]) == lines[:count]
    assert listed(lines)[LISTED:] == [f"and {100 - LISTED} more"]


def test_the_first_few_names_stand_in_a_line() -> None:
    assert first_few(["a", "b", "c"]) == "a, b, c"
    assert first_few(["a", "b", "c", "d"]) == "a, b, c, …"
