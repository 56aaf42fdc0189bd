"""The sentence about a result says no more than the numbers."""

from __future__ import annotations

from tests.rows import calibrated_rows, make_row, make_rows

from pi_amt.permutation_importance import Importance
from pi_amt.statistics.bias import shipped_table
from pi_amt.store.rows import Row

N = 400


def sentence(rows: list[Row]) -> str:
    (one,) = Importance.from_rows(rows, n_resamples=N).headline()
    return one


def test_headline_of_a_real_excess_may_say_relies() -> None:
    said = sentence(make_rows({"fund_mask": 0.3, "matched_tracks(fund_mask)": 0.05}, noise=0.0))
    assert "basic_pitch's F on demo is most sensitive to fund_mask (drop 0.3" in said
    assert "the model relies on" in said
    assert "excess 0.25" in said


def test_headline_without_control_says_so() -> None:
    said = sentence(make_rows({"fund_mask": 0.3}))
    assert "no matched control" in said
    assert "relies" not in said


def test_headline_of_a_drop_that_the_control_shares_is_no_reliance() -> None:
    said = sentence(make_rows({"fund_mask": 0.3, "matched_tracks(fund_mask)": 0.3}))
    assert "no evidence of reliance" in said
    assert "relies" not in said


def test_headline_names_a_larger_excess_elsewhere() -> None:
    planted = {
        "fund_mask": 0.2,
        "matched_tracks(fund_mask)": 0.0,
        "high_freq": 0.3,
        "matched_tracks(high_freq)": 0.3,
    }
    said = sentence(make_rows(planted, noise=0.0))
    assert "most sensitive to high_freq" in said
    assert "largest excess over a matched control is 0.2" in said
    assert "under fund_mask" in said


def test_headline_of_nothing_significant_says_so() -> None:
    said = sentence(make_rows({"microtonal": 0.0, "random": 0.0}, seed=3))
    assert "falls significantly under none of 2 conditions" in said
    assert "after correction, 12 recordings)" in said
    few = sentence([make_row("no_permutation", 0.8), make_row("fund_mask", 0.2)])
    assert "does not fall significantly; the drop is 0.60 under fund_mask (one recording" in few
    assert "drop is 0.60 under" in few


def test_headline_of_a_gain_has_a_small_p_and_no_negative_zero() -> None:
    gain = sentence(make_rows({"random": -0.1}, n_pieces=20, noise=0.0))
    assert "does not fall significantly; the drop is -0.10" in gain
    assert "(p = 0.002 after" in gain  # 1 / (N + 1), which more resamples make smaller
    (many,) = Importance.from_rows(make_rows({"random": -0.1}, n_pieces=20, noise=0.0)).headline()
    assert "(p < 0.001 after" in many
    assert "the drop is 0.00 [0.00, 0.00]" in sentence(make_rows({"random": -0.001}, noise=0.0))


def test_headline_of_a_baseline_alone() -> None:
    assert "nothing to say" in sentence(make_rows({}))


def test_headline_of_one_composition_does_not_blame_the_number_of_recordings() -> None:
    rows = make_rows({"fund_mask": 0.3}, n_pieces=8, compositions=["sonata"] * 8)
    assert "(8 recordings of one composition are too few for a test)" in sentence(rows)


def test_headline_of_a_baseline_at_the_floor_claims_nothing() -> None:
    planted = {"fund_mask": 0.03, "matched_tracks(fund_mask)": 0.0}
    said = sentence(make_rows(planted, baseline=0.04, spread=0.0, noise=0.0))
    assert said == (
        "Nothing can be learnt from basic_pitch's F on demo: the mean score without perturbation "
        "is 0.040, under 0.10, so a drop cannot be seen."
    )
    # a drop that would be significant, from a baseline that the floor control reaches, too
    planted = {"fund_mask": 0.1, "matched_tracks(fund_mask)": 0.0, "floor": 0.0}
    said = sentence(make_rows(planted, baseline=0.3, noise=0.0))
    assert "not significantly above the 0.3" in said
    assert "fund_mask" not in said
    assert "reli" not in said


def test_headline_claims_nothing_of_what_a_leaking_condition_keeps() -> None:
    """The scores are 0.7 less the drop: 0.6 under the mask, 0.4 and 0.65 on noise."""
    planted = {"harm_mask": 0.1, "leak_noise(harm_mask)": 0.3}
    said = sentence(make_rows(planted, noise=0.0, spread=0.0))
    assert "most sensitive to harm_mask" in said
    assert said.endswith(
        "F under harm_mask (0.40 on a sound without the notes) is no evidence that what is left "
        "suffices: it leaks."
    )
    planted |= {"keep_harmonic": 0.1, "leak_noise(keep_harmonic)": 0.05}
    said = sentence(make_rows(planted, noise=0.0, spread=0.0))
    assert (
        "F under keep_harmonic (0.65 on a sound without the notes) and harm_mask is no evidence "
        "that what is left suffices: they leak." in said
    )
    clean = sentence(make_rows({"harm_mask": 0.1, "leak_noise(harm_mask)": 0.65}, noise=0.0))
    assert "suffices" not in clean
    assert "leak" not in clean


def test_headline_does_not_say_that_f_holds_under_a_leaking_condition() -> None:
    planted = {"harm_mask": 0.0, "leak_noise(harm_mask)": 0.3}
    said = sentence(make_rows(planted, seed=3))
    assert "every condition leaks, so that it does not fall says nothing" in said
    assert "fall significantly" not in said
    said = sentence(make_rows({**planted, "random": 0.0, "microtonal": 0.0}, seed=3))
    assert "falls significantly under none of 2 conditions" in said
    assert "under harm_mask (0.39 on a sound without the notes) is no evidence" in said


def bias_of(label: str) -> float:
    (mask,) = [mask for mask in shipped_table("basic_pitch").masks if mask.label == label]
    return mask.drops.bias


def test_headline_says_how_far_a_drop_is_off_where_that_is_known() -> None:
    planted = {"fund_mask": 0.6, "matched_tracks(fund_mask)": 0.0}
    said = sentence(calibrated_rows(planted))
    bias = bias_of("fund_mask")
    assert f"; it reads {bias:.2f} too high on music with known partials)" in said
    assert "reads" not in sentence(make_rows(planted))


def test_headline_of_an_excess_under_the_known_bias_is_no_reliance() -> None:
    """The same drops, which would be evidence if the mask were not known to read too high."""
    bias = bias_of("fund_mask")
    assert bias > 0.1
    for excess, relies in ((bias - 0.05, False), (bias + 0.05, True)):
        planted = {"fund_mask": 0.6, "matched_tracks(fund_mask)": 0.6 - excess}
        assert "the model relies on" in sentence(make_rows(planted, noise=0.0))
        said = sentence(calibrated_rows(planted))
        assert ("the model relies on" in said) == relies
        refused = "is smaller than what the mask reads too high, so the drop is no evidence"
        assert (refused in said) != relies


def test_headline_names_no_excess_elsewhere_that_is_under_the_known_bias() -> None:
    high = {"high_freq": 0.6, "matched_tracks(high_freq)": 0.6}
    fund = {"fund_mask": 0.3, "matched_tracks(fund_mask)": 0.2}
    elsewhere = "the largest excess over a matched control is"
    assert elsewhere in sentence(make_rows(high | fund, noise=0.0))
    assert elsewhere not in sentence(calibrated_rows(high | fund))
