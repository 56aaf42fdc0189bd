"""The sentences about a result say no more than the numbers, in words that anyone understands."""

from __future__ import annotations

import pytest
from tests.rows import calibrated_rows, make_row, make_rows

from pi_amt.permutation_importance import Importance
from pi_amt.report.statements import Statement, asked_by
from pi_amt.statistics.bias import shipped_table
from pi_amt.statistics.verdicts import Verdict
from pi_amt.store.rows import ConditionKey, Row

N = 400
#: what removing and keeping the fundamentals costs, beside their controls; nothing leaks
FUNDAMENTALS = {
    "fund_mask": 0.4,
    "matched_tracks(fund_mask)": 0.05,
    "harm_mask": 0.1,
    "matched_tracks(harm_mask)": 0.6,
    "leak_noise(harm_mask)": 0.7,
    "leak_other(harm_mask)": 0.7,
}


def importance(rows: list[Row], **options: object) -> Importance:
    return Importance.from_rows(rows, n_resamples=N, **options)  # type: ignore[arg-type]


def sentence(rows: list[Row]) -> str:
    (one,) = importance(rows).headline()
    return one


def planted(drops: dict[str, float], **options: object) -> list[Row]:
    return make_rows(drops, noise=0.0, spread=0.0, **options)  # type: ignore[arg-type]


def statements(rows: list[Row]) -> dict[tuple[str, str], Statement]:
    return {(s.feature, s.tests): s for s in importance(rows).statements()}


def test_the_answer_comes_first_then_its_numbers_and_what_the_feature_keeps_alone() -> None:
    assert sentence(planted(FUNDAMENTALS)) == (
        "Basic Pitch relies on the fundamentals. Without them its note F falls from 0.70 to 0.30 "
        "(Demo, 12 recordings); without another partial of the same notes only to 0.65, a "
        "difference of 0.35 (95 % interval 0.35 to 0.35). The fundamentals alone keep 0.60, "
        "another partial of the same notes alone 0.10."
    )


def test_statements_hold_the_same_words_in_parts() -> None:
    found = statements(planted(FUNDAMENTALS))
    needed = found["the fundamentals", "necessity"]
    assert needed.verdict is Verdict.RELIES
    assert needed.conditions == ("fund_mask",)
    assert sentence(planted(FUNDAMENTALS)).startswith(needed.text)
    alone = found["the fundamentals", "sufficiency"]
    assert alone.verdict is Verdict.IN_PART
    assert sentence(planted(FUNDAMENTALS)).endswith(alone.short)
    assert alone.text == (
        "The fundamentals alone keep a part of Basic Pitch's note F. Of a note F of 0.70 (Demo, 12 "
        "recordings) they keep 0.60, another partial of the same notes alone 0.10."
    )


def test_without_a_control_nothing_relies() -> None:
    said = sentence(planted({"fund_mask": 0.3}))
    assert said.startswith("Removing the fundamentals lowers Basic Pitch's note F from 0.70 to")
    assert "Only a control can tell whether the model relies on them: run with" in said
    said = sentence(planted({"microtonal": 0.3}))
    assert said.startswith("Disturbing pitch detail finer than a semitone lowers Basic Pitch's")
    assert "There is no control to compare this with, so it does not show reliance." in said


def test_a_drop_that_the_control_shares_is_no_reliance_and_not_its_absence() -> None:
    rows = make_rows(
        {"fund_mask": 0.3, "matched_tracks(fund_mask)": 0.3}, noise=0.15, n_pieces=8, seed=3
    )
    said = sentence(rows)
    assert said.startswith("Whether Basic Pitch relies on the fundamentals cannot be told.")
    assert "The difference may be chance (p = " in said


def test_equivalence_is_what_does_not_rely_means() -> None:
    rows = make_rows({"fund_mask": 0.3, "matched_tracks(fund_mask)": 0.3}, noise=0.005)
    said = sentence(rows)
    assert said.startswith("Basic Pitch does not rely on the fundamentals. Without them its note F")
    assert "The difference lies within ±0.03." in said
    (strict,) = importance(rows, equivalence_margin=0.001).headline()
    assert "does not rely" not in strict


def test_a_confidently_negative_excess_is_called_that() -> None:
    said = sentence(planted({"fund_mask": 0.1, "matched_tracks(fund_mask)": 0.4}))
    assert said.startswith(
        "Basic Pitch loses less without the fundamentals than without another partial of the same "
        "notes. Without them its note F falls from 0.70 to 0.60 (Demo, 12 recordings); without "
        "another partial of the same notes to 0.30, a difference of −0.30"
    )
    assert "This is no sign of reliance." in said


def test_a_disturbance_is_not_called_a_removal() -> None:
    said = sentence(planted({"high_freq": 0.3, "matched_tracks(high_freq)": 0.0}))
    assert said.startswith(
        "Basic Pitch relies on the region above all fundamentals of a piano. When it is disturbed, "
        "its note F falls from 0.70 to 0.40 (Demo, 12 recordings); when as many bins below it are "
        "disturbed, it stays at 0.70, a difference of 0.30"
    )


def masks(hard: float, soft: float, ratio: float) -> list[Row]:
    drops: dict[str, float] = {}
    for name, excess in (("fund_mask", hard), ("soft_fund_mask", soft), ("ratio_fund_mask", ratio)):
        drops |= {name: 0.1 + excess, f"matched_tracks({name})": 0.1}
    return planted(drops)


def test_all_masks_of_a_feature_are_one_statement_and_the_ratio_mask_leads() -> None:
    (one,) = importance(masks(0.5, 0.4, 0.3)).statements()
    assert one.conditions == ("ratio_fund_mask", "soft_fund_mask", "fund_mask")
    assert "falls from 0.70 to 0.30" in one.text
    assert one.text.endswith("Both binary masks, hard and soft, agree.")
    (one,) = importance(masks(0.5, -0.1, 0.3)).statements()
    assert one.verdict is Verdict.RELIES
    assert "The soft binary mask disagrees: less than control." in one.text
    assert "The hard binary mask agrees." in one.text
    (one,) = importance(masks(0.5, 0.4, 0.0)).statements()
    assert one.verdict is Verdict.DOES_NOT_RELY
    assert one.text.endswith("Both binary masks, hard and soft, disagree: relies.")


def test_steps_of_a_dose_do_not_lead() -> None:
    rows = planted(
        {"fund_mask": 0.5, "matched_tracks(fund_mask)": 0.1},
        parameters={"fund_mask": {"time_dilation": 0.5}},
    )
    label = "remove_harmonic(harmonic=1)"
    rows += [
        row
        for row in planted(
            {label: 0.2, f"matched_tracks({label})": 0.1}, parameters={label: {"harmonic": 1}}
        )
        if row.label != "no_permutation"
    ]
    (one,) = importance(rows).statements()
    assert one.conditions[0] == "fund_mask"
    assert "falls from 0.70 to 0.20" in one.text


def test_a_mask_that_leaks_is_no_evidence_and_gives_way_to_one_that_does_not() -> None:
    leaking = {"harm_mask": 0.1, "matched_tracks(harm_mask)": 0.6, "leak_noise(harm_mask)": 0.3}
    said = sentence(planted(leaking))
    assert said == (
        "Whether the fundamentals alone suffice for Basic Pitch cannot be told. The mask itself "
        "gives the notes away: it scores 0.40 on a sound without them, and 0.60 on the recordings."
    )
    ratio = {name.replace("harm_mask", "ratio_harm_mask"): x for name, x in leaking.items()}
    ratio["leak_noise(ratio_harm_mask)"] = 0.7
    (one,) = importance(planted(leaking | ratio)).statements()
    assert one.conditions == ("ratio_harm_mask", "harm_mask")
    assert one.verdict is Verdict.IN_PART
    assert one.text.endswith("The hard binary mask leaks and is no evidence.")


def test_a_leak_that_was_not_measured_supports_nothing() -> None:
    unmeasured = {name: drop for name, drop in FUNDAMENTALS.items() if "leak" not in name}
    alone = statements(planted(unmeasured))["the fundamentals", "sufficiency"]
    assert alone.verdict is Verdict.NO_EVIDENCE
    assert "Whether the mask itself gives the notes away was not measured." in alone.text


@pytest.mark.parametrize("pieces", [2, 4, 5])
def test_few_recordings_give_no_test_and_no_interval_but_each_recording(pieces: int) -> None:
    said = sentence(
        make_rows({"fund_mask": 0.3, "matched_tracks(fund_mask)": 0.1}, n_pieces=pieces)
    )
    least = 0.5 ** (pieces - 1)
    assert said.startswith(
        "Whether Basic Pitch relies on the fundamentals cannot be told. "
        f"{pieces} recordings are too few for a test: the smallest possible p is {least:.3g}."
    )
    assert "interval" not in said
    assert "The drops of the single recordings are 0." in said
    assert said.split("single recordings are ")[1].count(",") == pieces - 1


def test_four_recordings_have_a_smallest_p_of_an_eighth() -> None:
    said = sentence(make_rows({"fund_mask": 0.3}, n_pieces=4))
    assert "4 recordings are too few for a test: the smallest possible p is 0.125." in said


def test_one_recording_and_one_composition_are_too_few_in_other_words() -> None:
    one = sentence([make_row("no_permutation", 0.8), make_row("fund_mask", 0.2)])
    assert "One recording is too few for a test." in one
    assert "single recordings" not in one
    rows = make_rows({"fund_mask": 0.3}, n_pieces=8, compositions=["sonata"] * 8)
    assert "8 recordings of one composition are too few for a test." in sentence(rows)


def test_the_correction_may_be_what_makes_recordings_too_few() -> None:
    names = ("fund_mask", "soft_fund_mask", "ratio_fund_mask", "remove_harmonic")
    drops = dict.fromkeys(names, 0.3) | {f"matched_tracks({name})": 0.1 for name in names}
    said = sentence(planted(drops, n_pieces=7))
    assert (
        "7 recordings are too few to test 4 conditions against their controls: the smallest "
        "possible p is 0.0156, and 0.0625 after the correction for so many tests." in said
    )


def test_a_baseline_alone_leaves_nothing_to_say() -> None:
    assert "no condition was run, so there is nothing to say" in sentence(make_rows({}))


def test_a_baseline_at_the_floor_claims_nothing() -> None:
    drops = {"fund_mask": 0.03, "matched_tracks(fund_mask)": 0.0}
    said = sentence(make_rows(drops, baseline=0.04, spread=0.0, noise=0.0))
    assert said == (
        "Nothing can be learnt from Basic Pitch's F on Demo: the mean score without perturbation "
        "is 0.040, under 0.10, so a drop cannot be seen."
    )
    # a drop that would be significant, from a baseline that the floor control reaches, too
    drops = {"fund_mask": 0.1, "matched_tracks(fund_mask)": 0.0, "floor": 0.0}
    said = sentence(make_rows(drops, baseline=0.3, noise=0.0))
    assert "not significantly above the 0.3" in said
    assert "fundamentals" not in said
    assert "relies" not in said


def bias_of(label: str) -> float:
    (mask,) = [mask for mask in shipped_table("basic_pitch").masks if mask.label == label]
    return mask.drops.bias


def test_an_excess_under_the_known_bias_is_no_reliance() -> None:
    """The same drops, which would be evidence if the mask were not known to read too high."""
    bias = bias_of("fund_mask")
    assert bias > 0.1
    known = f"On music whose partials are known, this mask makes the drop {bias:.2f} too large, "
    for excess, relies in ((bias - 0.05, False), (bias + 0.05, True)):
        drops = {"fund_mask": 0.6, "matched_tracks(fund_mask)": 0.6 - excess}
        plain = sentence(make_rows(drops, noise=0.0))
        assert plain.startswith("Basic Pitch relies on")
        assert "too large" not in plain
        said = sentence(calibrated_rows(drops))
        assert said.startswith("Basic Pitch relies on") == relies
        assert f"{known}which is {'less' if relies else 'more'} than this difference." in said


def test_other_features_are_named_in_short_and_those_of_which_nothing_is_known_last() -> None:
    drops = FUNDAMENTALS | {
        "random": 0.2,
        "microtonal": 0.0,
        "high_freq": 0.0,
        "matched_tracks(high_freq)": 0.3,
    }
    said = sentence(planted(drops))
    assert said.startswith("Basic Pitch relies on the fundamentals.")
    assert said.endswith(
        "Changing the order of the frequency bins (10 % of them) lowers its F; there is no control "
        "to compare with. "
        "Changing the region above all fundamentals of a piano costs it less than the control "
        "does. Its F does not depend on pitch detail finer than a semitone."
    )


def test_several_datasets_are_told_apart_at_once() -> None:
    rows = planted(FUNDAMENTALS, dataset="maps") + planted(FUNDAMENTALS)
    maps, demo = importance(rows).headline()
    assert maps.startswith("MAPS: Basic Pitch relies on")
    assert demo.startswith("Demo: Basic Pitch relies on")


def test_a_permutation_that_is_not_installed_is_called_by_its_name() -> None:
    said = sentence(planted({"spectral_blur": 0.3}))
    assert said.startswith("Basic Pitch's note F falls under `spectral_blur`, from 0.70 to 0.40.")
    said = sentence(planted({"spectral_blur": 0.3}, n_pieces=3))
    assert said.startswith("Whether `spectral_blur` lowers Basic Pitch's note F cannot be told.")


def test_rows_of_0_1_0_ask_the_class_of_today() -> None:
    old = '{"attenuation_db":20.0,"fill":"silence","half_width_cents":null,"harmonic":3}'
    key = ConditionKey("remove_harmonic", old, "remove_harmonic", "condition", "")
    asked = asked_by(key)
    assert (asked.feature, asked.tests, asked.mask) == ("harmonic 3", "necessity", "hard")


def test_no_sentence_rests_on_a_control_at_the_floor() -> None:
    floor = {
        f"matched_tracks({name})": 0.68 for name in ("fund_mask", "harm_mask")
    }  # F of 0.02 is left
    rows = planted(FUNDAMENTALS | {"fund_mask": 0.67} | floor)
    found = statements(rows)
    needed, alone = (found["the fundamentals", tests] for tests in ("necessity", "sufficiency"))
    assert needed.text == (
        "Whether Basic Pitch relies on the fundamentals cannot be told. Without them its note F "
        "falls from 0.70 to 0.03 (Demo, 12 recordings). The control leaves 0.02, which is too "
        "little to compare with."
    )
    assert alone.answer == "Whether the fundamentals alone suffice for Basic Pitch cannot be told."
    assert alone.evidence[-2].endswith("alone 0.02.")
    assert alone.evidence[-1] == "This control leaves too little to compare with."
    assert {needed.verdict, alone.verdict} == {Verdict.CONTROL_AT_FLOOR}
