"""Calibration: a detector that reads only fundamentals is silenced by the fundamental mask."""

from __future__ import annotations

import numpy as np
from tests.toys import ToyTranscriber

from pi_amt.calibration import OCTAVES, calibrate, trials


def _line(mask: str, option: str) -> dict[str, float]:
    table = calibrate(ToyTranscriber())
    (line,) = [r for r in table.records if (r["mask"], r["option"]) == (mask, option)]
    return {k: v for k, v in line.items() if isinstance(v, float)}


def test_silencing_fundamentals_silences_a_reader_of_fundamentals() -> None:
    line = _line("fund_mask", "fill=silence")
    assert line["clean"] > 0.3
    assert line["masked"] < 0.05


def test_a_weak_attenuation_is_further_from_the_truth() -> None:
    weak, hard = (_line("fund_mask", f"fill={fill}") for fill in ("attenuate", "silence"))
    assert weak["masked"] > hard["masked"]
    assert weak["distance"] > hard["distance"]


def test_the_mean_is_that_of_the_octaves() -> None:
    for record in calibrate(ToyTranscriber()).records:
        assert np.isclose(record["distance"], np.mean([record[octave] for octave in OCTAVES]))


def test_an_input_blind_model_is_at_distance_zero_everywhere() -> None:
    records = calibrate(ToyTranscriber(blind=True)).records
    assert len(records) == len(list(trials()))
    assert all(record["distance"] == 0.0 for record in records)
