"""Calibration: a detector that reads only fundamentals is silenced by the fundamental mask."""

from __future__ import annotations

import numpy as np
from tests.toys import ToyTranscriber

from pi_amt.study.calibration import OCTAVES, calibrate, trials


def _line(mask: str, option: str) -> dict[str, float]:
    records = calibrate(ToyTranscriber())
    (line,) = [r for r in records if (r["mask"], r["option"]) == (mask, option)]
    return {k: v for k, v in line.items() if isinstance(v, float)}


def test_silencing_fundamentals_silences_a_reader_of_fundamentals() -> None:
    line = _line("fund_mask", "silence, 70 cents")
    assert line["clean"] > 0.3
    assert line["masked"] < 0.05


def test_a_weak_attenuation_is_further_from_the_truth() -> None:
    options = ("attenuate, 20 dB", "silence, 70 cents")
    weak, hard = (_line("fund_mask", option) for option in options)
    assert weak["masked"] > hard["masked"]
    assert weak["distance"] > hard["distance"]


def test_the_mean_is_that_of_the_octaves() -> None:
    for record in calibrate(ToyTranscriber()):
        assert np.isclose(record["distance"], np.mean([record[octave] for octave in OCTAVES]))


def test_an_input_blind_model_is_at_distance_zero_everywhere() -> None:
    records = calibrate(ToyTranscriber(blind=True))
    assert len(records) == len(list(trials()))
    assert all(record["distance"] == record["chords"] == 0.0 for record in records)


def test_every_mask_is_tried_with_every_fill_and_width() -> None:
    tried = {(trial.mask, trial.option) for trial in trials()}
    for mask in ("fund_mask", "harm_mask"):
        for fill in ("silence", "background"):
            for width in (35, 50, 70, 100, 150):
                assert (mask, f"{fill}, {width} cents") in tried


def test_chords_show_what_a_band_takes_from_other_notes() -> None:
    """A reader of fundamentals hears the kept ones; where the bands are so narrow that they hold
    them and nothing else, chords are as close to the truth as tones. Bands that reach over other
    notes' partials do not change what tones show, but bring chords away from the truth."""
    narrow = _line("harm_mask", "silence, 35 cents")
    assert narrow["distance"] < 0.2
    assert narrow["chords"] < 0.2
    enough, wide = (_line("harm_mask", f"silence, {cents} cents") for cents in (70, 150))
    assert np.isclose(wide["distance"], enough["distance"], atol=0.001)
    assert wide["chords"] > 1.5 * enough["chords"]
    assert enough["chords"] < enough["distance"] < wide["chords"]
