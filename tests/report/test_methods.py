"""The methods paragraph says what the rows say, and cites what it has references for."""

from __future__ import annotations

import re

from tests.rows import make_rows

from pi_amt.report.methods import methods_markdown, references
from pi_amt.statistics import importance_from_rows


def test_paragraph_follows_the_rows() -> None:
    rows = make_rows({"fund_mask": 0.2}, n_pieces=7, dataset="maps", seed=3)
    text = methods_markdown(importance_from_rows(rows, n_resamples=500))
    for said in ("Basic Pitch", "MAPS", "7 recordings", "`fund_mask`", "500 resamples", "mir_eval"):
        assert said in text, said
    assert "MAESTRO" not in text
    assert "matched control" not in text
    assert "reproduction" not in text


def test_a_reproduction_and_matched_controls_are_named() -> None:
    drops = {"fund_mask": 0.2, "matched_tracks(fund_mask)": 0.1}
    rows = make_rows(drops, model="timbre_trap", weights_label="synthetic-trained reproduction")
    text = methods_markdown(importance_from_rows(rows))
    assert "matched control" in text
    assert "do not describe the published model" in text


def test_every_citation_has_its_entry_and_no_entry_is_left_over() -> None:
    for model, dataset in (("basic_pitch", "maps"), ("timbre_trap", "maestro"), ("own", "own")):
        rows = make_rows({"fund_mask": 0.2}, model=model, dataset=dataset)
        text = methods_markdown(importance_from_rows(rows))
        bibtex = references(text)
        cited = set(re.findall(r"\[@(\w+)\]", text))
        assert cited == set(re.findall(r"^@\w+\{(\w+),", bibtex, re.MULTILINE))
        assert {"breiman2001", "holm1979"} <= cited
        assert bibtex.count("{") == bibtex.count("}")
