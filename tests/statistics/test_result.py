"""Rows with planted drops go in; the figures that follow by hand must come out."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests
from tests.rows import make_row, make_rows

from pi_amt.permutation_importance import Importance
from pi_amt.report.statements import answer_of
from pi_amt.statistics.estimates import ConditionResult
from pi_amt.store.rows import Row

N = 500  # resamples: enough where the test is not about the interval


def importance(rows: list[Row], **options: Any) -> Importance:
    return Importance.from_rows(rows, n_resamples=N, **options)


def result(found: Importance, label: str) -> ConditionResult:
    (one,) = [r for r in found.results if r.label == label]
    return one


def study(scores: dict[str, list[float]], **fields: Any) -> list[Row]:
    """Rows from plain lists of scores per label, one per piece."""
    base = scores["no_permutation"]
    return [
        make_row(label, score, track=f"t{i}", baseline_score=base[i], **fields)
        for label, values in scores.items()
        for i, score in enumerate(values)
    ]


def test_every_figure_of_a_small_study_follows_by_hand() -> None:
    scores = {
        "no_permutation": [0.8, 0.6],
        "fund_mask": [0.2, 0.4],
        "matched_tracks(fund_mask)": [0.7, 0.5],
        "wrong_piece(fund_mask)": [0.8, 0.5],
        "floor": [0.1, 0.1],
    }
    found = result(importance(study(scores)), "fund_mask")
    assert (found.n_pieces, found.n_excess, found.n_repeats) == (2, 2, 1)
    assert found.baseline == pytest.approx(0.7)
    assert found.perturbed == pytest.approx(0.3)
    assert found.drop == pytest.approx(0.4)
    assert found.drop_std == pytest.approx(np.std([0.6, 0.2], ddof=1))
    assert found.relative_drop == pytest.approx(0.4 / 0.7)
    assert found.chance_corrected_drop == pytest.approx(0.8 / (0.7 + 0.5))
    assert found.excess_drop == pytest.approx(0.4 - 0.1)
    assert found.wrong_piece_drop == pytest.approx(0.05)
    assert (found.precision, found.recall_drop) == pytest.approx((0.3, 0.4))
    # counts: 100 reference and estimated notes each; 80 and 60 matched before, 20 and 40 after
    assert found.baseline_micro == pytest.approx(140 / 200)
    assert found.perturbed_micro == pytest.approx(60 / 200)
    assert (found.kept, found.lost, found.gained) == (60, 80, 0)
    assert found.removed_db == pytest.approx(3.0)
    assert found.p == 0.5  # both flip patterns with equal signs, of four


LEAKING = {
    "no_permutation": [0.8, 0.6],
    "harm_mask": [0.6, 0.4],
    "leak_noise(harm_mask)": [0.1, 0.3],
    "leak_other(harm_mask)": [0.15, 0.1],
    "leak_other(no_permutation)": [0.05, 0.1],
}


def test_leaks_follow_by_hand() -> None:
    found = result(importance(study(LEAKING)), "harm_mask")
    assert found.leak_noise == pytest.approx(0.2)
    assert 0.0 <= found.leak_noise_low < 0.2 < found.leak_noise_high <= 1.0
    # recording by recording minus what the other one scores by chance
    assert found.leak_other == pytest.approx((0.1 + 0.0) / 2)
    assert found.leak_other_low < 0.05 < found.leak_other_high
    assert found.leaks == "yes"
    for control in ("leak_noise(harm_mask)", "leak_other(no_permutation)"):
        assert result(importance(study(LEAKING)), control).leaks == ""


@pytest.mark.parametrize(
    ("noise", "other", "leaks"),
    [(0.049, 0.049, "no"), (0.051, 0.0, "yes"), (0.0, 0.051, "yes"), (0.0, -0.2, "no")],
)
def test_a_condition_leaks_above_a_tenth_of_its_score(
    noise: float, other: float, leaks: str
) -> None:
    scores = LEAKING | {
        "harm_mask": [0.6, 0.4],
        "leak_noise(harm_mask)": [2 * noise, 0.0],
        "leak_other(harm_mask)": [0.3 + other, 0.3 + other],
        "leak_other(no_permutation)": [0.3, 0.3],
    }
    assert result(importance(study(scores)), "harm_mask").leaks == leaks


def test_without_chance_the_other_recording_tells_nothing() -> None:
    scores = {k: v for k, v in LEAKING.items() if k in ("no_permutation", "harm_mask")}
    alone = result(importance(study(scores)), "harm_mask")
    assert alone.leaks == ""
    assert math.isnan(alone.leak_noise)
    scores["leak_other(harm_mask)"] = [0.3, 0.3]
    found = result(importance(study(scores)), "harm_mask")
    assert math.isnan(found.leak_other)
    assert found.leaks == ""


def test_a_leak_is_compared_on_the_recordings_that_have_it() -> None:
    rows = study({**LEAKING, "harm_mask": [0.1, 0.9], "leak_noise(harm_mask)": [0.02, 0.0]})
    rows = [r for r in rows if not r.label.startswith("leak") or r.track == "t0"]
    found = result(importance(rows), "harm_mask")
    assert found.leak_noise == 0.02
    assert found.leaks == "yes"  # of 0.1, not of the mean of 0.5


def test_a_leak_is_warned_of() -> None:
    (said,) = [w for w in importance(study(LEAKING)).warnings if "leaks" in w]
    assert said == (
        "basic_pitch × demo: harm_mask leaks: without the recording's sound it scores 0.200 on "
        "noise and 0.050 more than chance on another recording, against 0.500 with it. So its "
        "score is no evidence that what is left suffices."
    )


def test_planted_drop_is_found_and_ranks_first() -> None:
    planted = {"fund_mask": 0.3, "harm_mask": 0.1, "microtonal": 0.0}
    found = Importance.from_rows(make_rows(planted, n_pieces=30, noise=0.03, seed=1))
    assert found.importances.shape == (3, 30, 1)
    for one, (label, drop) in zip(found.results, planted.items(), strict=True):
        assert one.label == label
        assert one.drop == pytest.approx(drop, abs=3 * 0.03 / 30**0.5)
        assert one.drop_low < one.drop < one.drop_high
    assert int(found.importances_mean.argmax()) == 0
    assert result(found, "microtonal").p > 0.05
    assert result(found, "harm_mask").p_holm < 0.01


def test_importances_are_the_raw_matrix() -> None:
    rows = make_rows({"random": 0.1, "fund_mask": 0.2}, n_pieces=4, repeats={"random": 3})
    found = importance(rows)
    assert found.importances.shape == (2, 4, 3)
    assert [c.label for c in found.conditions] == ["random", "fund_mask"]
    assert found.pieces == ("piece_00", "piece_01", "piece_02", "piece_03")
    by_key = {(r.label, r.track, r.repeat): r.scores["F-measure_no_offset"] for r in rows}
    expected = by_key["no_permutation", "piece_02", 0] - by_key["random", "piece_02", 1]
    assert found.importances[0, 2, 1] == expected
    # a deterministic condition has one repeat, the rest is NaN
    assert np.isnan(found.importances[1, :, 1:]).all()
    assert not np.isnan(found.importances[1, :, 0]).any()
    means = np.nanmean(found.importances, axis=2)
    np.testing.assert_allclose(found.importances_mean, means.mean(axis=1))
    np.testing.assert_allclose(found.importances_std, means.std(axis=1, ddof=1))


def test_identity_drops_exactly_nothing() -> None:
    found = result(importance(make_rows({"identity": 0.0})), "identity")
    assert (found.drop, found.drop_low, found.drop_high, found.p) == (0.0, 0.0, 0.0, 1.0)


def test_a_model_that_answers_one_input_in_several_ways_is_told() -> None:
    steady = make_rows({"identity": 0.0, "random": 0.1})
    assert not [said for said in importance(steady).warnings if "identity changes nothing" in said]
    rows = study({"no_permutation": [0.8, 0.8, 0.8]})
    rows += [make_row("identity", s, track=f"t{i}") for i, s in enumerate([0.8, 0.75, 0.82])]
    (said,) = [said for said in importance(rows).warnings if "identity changes nothing" in said]
    assert "of 2 recordings changed, by up to 0.050" in said


def test_repeats_are_averaged_inside_a_recording_first() -> None:
    rows = study({"no_permutation": [0.8, 0.8]})
    rows += [make_row("random", 0.2, track="t0", repeat=r) for r in range(9)]
    rows += [make_row("random", 0.6, track="t1")]
    found = result(importance(rows), "random")
    assert found.drop == pytest.approx((0.6 + 0.2) / 2)
    assert found.perturbed_micro == pytest.approx(0.4)


def test_excess_pairs_recording_by_recording() -> None:
    # drops and control drops vary wildly together: their difference is constant
    base, drop = [0.9, 0.9, 0.9, 0.9], [0.2, 0.4, 0.6, 0.8]
    scores = {
        "no_permutation": base,
        "fund_mask": [b - d for b, d in zip(base, drop, strict=True)],
        "matched_tracks(fund_mask)": [b - d + 0.1 for b, d in zip(base, drop, strict=True)],
    }
    found = result(importance(study(scores)), "fund_mask")
    assert (found.excess_low, found.excess_high) == pytest.approx((0.1, 0.1))
    assert found.drop_high - found.drop_low > 0.3


def test_each_parameter_set_meets_its_own_control() -> None:
    rows = study({"no_permutation": [0.8, 0.7]})
    for width, drop, control in ((50, 0.3, 0.1), (70, 0.4, 0.3)):
        options = {"half_width_cents": width, "fill": "silence"}
        target = {"target": {"name": "fund_mask", **options}}
        for i, base in enumerate((0.8, 0.7)):
            rows.append(make_row("fund_mask", base - drop, track=f"t{i}", parameters=options))
            label = "matched_tracks(fund_mask)"
            rows.append(make_row(label, base - control, track=f"t{i}", parameters=target))
    excess = [r.excess_drop for r in importance(rows).results if r.role == "condition"]
    assert excess == pytest.approx([0.2, 0.1])


def test_conditions_of_one_label_are_told_apart_by_their_options() -> None:
    rows = study({"no_permutation": [0.8, 0.7]})
    for p in (0.1, 0.2):
        rows += [make_row("random", 0.5, track=f"t{i}", parameters={"p": p}) for i in range(2)]
    assert [r.condition for r in importance(rows).results] == ["random (p=0.1)", "random (p=0.2)"]


def test_holm_corrects_over_the_conditions_of_the_report_only() -> None:
    planted = {"fund_mask": 0.02, "harm_mask": 0.01, "random": 0.0, "floor": 0.6}
    rows = make_rows(planted, noise=0.03) + make_rows(planted, noise=0.03, model="other", seed=1)
    found = importance(rows)
    tested = [r for r in found.results if r.role == "condition"]
    assert len(tested) == 6
    expected = multipletests([r.p for r in tested], method="holm")[1]
    np.testing.assert_allclose([r.p_holm for r in tested], expected)
    assert all(math.isnan(r.p_holm) for r in found.results if r.role == "control")


def test_select_keeps_the_correction_of_the_whole_report() -> None:
    rows = make_rows({"fund_mask": 0.02}) + make_rows({"fund_mask": 0.3}, model="other")
    found = importance(rows)
    assert found.models == ("basic_pitch", "other")
    with pytest.raises(ValueError, match="choose one"):
        _ = found.importances
    part = found.select(model="other")
    assert part.importances.shape == (1, 12, 1)
    assert part.results == found.results[1:]
    with pytest.raises(ValueError, match="expected models"):
        found.select(model="nobody")


def test_compositions_are_the_unit_of_resampling() -> None:
    rows = make_rows({"fund_mask": 0.2}, n_pieces=12, noise=0.05, compositions=list("aabbccddeeff"))
    found = result(importance(rows), "fund_mask")
    alone = result(importance(make_rows({"fund_mask": 0.2}, noise=0.05)), "fund_mask")
    assert found.n_compositions == 6
    assert found.drop == alone.drop
    assert found.p >= 2 / 2**6 > alone.p


def test_recordings_without_reference_are_left_out_and_counted() -> None:
    scores = {
        "no_permutation": [0.8, 0.6, math.nan],
        "fund_mask": [0.5, 0.4, math.nan],
    }
    found = importance(study(scores))
    one = result(found, "fund_mask")
    assert (one.n_pieces, one.n_without_reference, one.n_errors, one.n_missing) == (2, 1, 0, 0)
    assert one.drop == pytest.approx(0.25)
    assert any(
        "1 recording without reference notes is left out." in said for said in found.warnings
    )


def test_recordings_without_reference_are_told_of_without_conditions() -> None:
    found = importance(study({"no_permutation": [math.nan, math.nan]}))
    assert any("2 recordings without reference notes are left out." in w for w in found.warnings)
    assert answer_of(found, found.panel).lead == (
        "Basic Pitch's F on Demo is not known, because no recording has a score."
    )


@pytest.mark.parametrize(("notes", "share"), [(12, "6%"), (6, "")])
def test_notes_that_a_mask_does_not_reach_are_said_where_they_are_not_few(
    notes: int, share: str
) -> None:
    """Of 100 notes in each of two recordings; a third row is older and does not tell."""
    rows = study({"no_permutation": [0.9, 0.6, 0.3], "fund_mask": [0.5, 0.5, 0.1]})
    for i, out in ((3, notes), (4, 0)):
        rows[i] = replace(rows[i], counts={**rows[i].counts, "out_of_reach": out})
    said = [w for w in importance(rows).warnings if "does what its name says" in w or "check" in w]
    assert len(said) == bool(share)
    assert all(f"fund_mask: {notes} of 200 reference notes ({share})" in w for w in said)


def test_missing_recordings_pair_on_what_is_there() -> None:
    rows = study({"no_permutation": [0.9, 0.6, 0.3], "fund_mask": [0.5, 0.5, 0.1]})
    found = importance(rows[:-1])
    one = result(found, "fund_mask")
    assert (one.n_pieces, one.n_missing) == (2, 1)
    # the baseline is that of the two recordings, not of all three
    assert one.baseline == pytest.approx(0.75)
    assert one.baseline - one.perturbed == pytest.approx(one.drop)
    assert any("no row for 1 of 3 recordings" in said for said in found.warnings)


def test_errors_and_undefined_cells_are_counted_with_their_reason() -> None:
    rows = study({"no_permutation": [0.9, 0.6, 0.3], "fund_mask": [0.5, 0.5, 0.1]})
    rows[3] = replace(rows[3], status="error", error="broken.wav: not audio", scores={})
    rows[4] = replace(rows[4], status="empty", error="under 1 dB to compare", scores={})
    found = importance(rows)
    one = result(found, "fund_mask")
    assert (one.n_pieces, one.n_errors, one.n_empty) == (1, 1, 1)
    assert any("under 1 dB to compare" in said for said in found.warnings)
    assert any("1 recording failed and is left out: " in said for said in found.warnings)


def test_recordings_that_fail_under_different_conditions_are_all_counted() -> None:
    failing = {("piece_01", "fund_mask"), ("piece_02", "harm_mask")}
    rows = [
        replace(row, status="error", error="broken", scores={})
        if (row.track, row.label) in failing
        else row
        for row in make_rows(n_pieces=6)
    ]
    assert "2 recordings failed and are left out: broken" in " ".join(importance(rows).warnings)


def test_a_baseline_without_any_score_has_no_drop_of_zero() -> None:
    rows = [
        replace(row, status="error", error="broken", scores={}) for row in make_rows(n_pieces=3)
    ]
    line = importance(rows).table().records[0]
    assert line["n_pieces"] == 0
    assert np.isnan(line["drop"])


def test_hours_are_of_recordings_that_were_read_not_of_what_broken_headers_claim() -> None:
    rows = study({"no_permutation": [0.8, 0.8], "fund_mask": [0.5, 0.5]}, seconds=1800.0)
    claims: dict[str, Any] = {
        "status": "error",
        "error": "truncated",
        "scores": {},
        "seconds": 36_000.0,
    }
    failed = [replace(row, **claims) if row.track == "t1" else row for row in rows]
    assert importance(rows).panel.seconds == (1800.0, 1800.0)
    assert importance(failed).panel.seconds == (1800.0, 0.0)
    assert any("2 recordings, 0.50 h" in note for note in importance(failed).table().footers)


def test_one_recording_has_a_drop_but_no_interval() -> None:
    found = importance(study({"no_permutation": [0.8], "fund_mask": [0.5]}))
    one = result(found, "fund_mask")
    assert one.drop == pytest.approx(0.3)
    assert np.isnan([one.drop_low, one.drop_high, one.p, one.p_holm]).all()
    assert any(
        "only one recording has a score, so there is no interval" in said for said in found.warnings
    )
    assert "no interval" in str(found)


def test_recordings_of_one_composition_have_no_interval() -> None:
    scores = {"no_permutation": [0.8, 0.7], "fund_mask": [0.5, 0.5]}
    found = importance(study(scores, composition="the same"))
    assert math.isnan(result(found, "fund_mask").drop_low)
    assert any("one composition" in said for said in found.warnings)


def test_bounds_of_a_difference_of_scores_stay_possible() -> None:
    scores = {"no_permutation": [1.0, 1.0, 1.0, 0.7], "fund_mask": [0.0, 0.0, 0.1, 0.0]}
    one = result(importance(study(scores)), "fund_mask")
    assert one.drop_high <= 1.0
    assert one.relative_high <= 1.0
    # a perturbation may help more than the baseline scored
    scores = {"no_permutation": [0.1, 0.2, 0.1, 0.1], "fund_mask": [0.5, 0.8, 0.6, 0.4]}
    assert result(importance(study(scores)), "fund_mask").relative_low < -3


def test_all_zero_scores_have_defined_results() -> None:
    found = importance(study({"no_permutation": [0.0] * 3, "fund_mask": [0.0] * 3}))
    one = result(found, "fund_mask")
    assert (one.drop, one.drop_low, one.drop_high) == (0.0, 0.0, 0.0)
    assert math.isnan(one.p)  # nothing can be lost, so nothing is tested
    assert math.isnan(one.relative_drop)


def test_ties_and_rounding_noise_are_no_evidence() -> None:
    # 0.7 - 0.6 and 0.3 - 0.2 differ in the last bit: the excess is nothing, not a small something
    scores = {
        "no_permutation": [0.7, 0.3, 0.7, 0.3, 0.7, 0.3],
        "fund_mask": [0.6, 0.2, 0.6, 0.2, 0.6, 0.2],
        "matched_tracks(fund_mask)": [0.6 + 1e-16, 0.2, 0.6, 0.2 + 1e-17, 0.6, 0.2],
    }
    one = result(importance(study(scores)), "fund_mask")
    assert (one.excess_drop, one.excess_p) == (0.0, 1.0)


def test_the_order_of_rows_does_not_matter() -> None:
    rows = make_rows({"fund_mask": 0.2, "random": 0.1}, repeats={"random": 2})
    order = np.random.default_rng(0).permutation(len(rows))
    shuffled = importance([rows[i] for i in order])
    plain = importance(rows)
    for label in ("fund_mask", "random"):
        one, other = result(plain, label), result(shuffled, label)
        assert one.drop == other.drop
        assert (one.drop_low, one.drop_high, one.p) == (other.drop_low, other.drop_high, other.p)


def test_another_score_can_be_asked_for() -> None:
    rows = make_rows({"fund_mask": 0.2}, n_pieces=3)
    found = importance(rows, score="Frame_F-measure")
    assert found.results[0].drop == importance(rows).results[0].drop
    assert math.isnan(found.results[0].precision)
    with pytest.raises(ValueError, match=r"expected one of .*F-measure_no_offset"):
        importance(rows, score="F1")


def test_recordings_whose_rows_are_older_than_a_score_are_left_out_and_told_apart() -> None:
    """Three recordings with the score and two without it; one of the three has no notes."""
    wide = "F-measure_no_offset_150ms"
    rows = [
        replace(row, scores={**row.scores, wide: 0.9 if row.role == "baseline" else 0.8})
        if row.track < "piece_03"
        else row
        for row in make_rows({"fund_mask": 0.2}, n_pieces=5)
    ]
    rows = [
        replace(
            row, scores=dict.fromkeys(row.scores, math.nan), counts={**row.counts, "reference": 0}
        )
        if row.track == "piece_00"
        else row
        for row in rows
    ]
    found = importance(rows, score=wide)
    assert found.results[0].n_pieces == 2
    assert found.results[0].drop == pytest.approx(0.1)
    said = " ".join(found.warnings)
    assert (
        f"2 recordings are left out, because rows of an earlier version do not hold {wide}." in said
    )
    assert "1 recording without reference notes is left out." in said
    assert "earlier version" not in " ".join(importance(rows).warnings)
    with pytest.raises(ValueError, match=f"got score '{wide}', expected one of"):
        importance(make_rows(), score=wide)


def test_threshold_free_score_stands_beside_f() -> None:
    rows = [
        make_row(label, f, track=f"t{i}", average_precision=ap)
        for i in range(3)
        for label, f, ap in (("no_permutation", 0.8, 0.9), ("fund_mask", 0.2, 0.85))
    ]
    one = result(importance(rows), "fund_mask")
    assert one.drop == pytest.approx(0.6)
    assert one.average_precision_drop == pytest.approx(0.05)


def test_no_rows_and_unknown_baseline_are_refused() -> None:
    with pytest.raises(ValueError, match="got no rows"):
        importance([])
    with pytest.raises(
        ValueError, match=r"no rows of the baseline 'clean', expected .*no_permutation"
    ):
        importance(make_rows(), baseline="clean")


def test_a_model_without_baseline_is_left_out_and_said() -> None:
    orphans = [r for r in make_rows(model="orphan") if r.role != "baseline"]
    found = importance(make_rows() + orphans)
    assert found.models == ("basic_pitch",)
    assert any(
        "orphan × demo is left out, because it has no baseline" in said for said in found.warnings
    )


def test_a_baseline_alone_gives_a_table_with_one_line() -> None:
    found = importance(make_rows({}))
    assert found.importances.shape == (0, 12, 1)
    assert found.table().column("label") == ["no_permutation"]


def test_the_share_of_repeats_is_one_of_the_drops_variance() -> None:
    """Recordings differ in their baseline, not in what the perturbation takes from them: then all
    the variance of the drops comes from repeats, however much the scores differ."""
    scores = {"a": 0.9, "b": 0.5, "c": 0.3, "d": 0.7}
    rows = [make_row("no_permutation", score, track=track) for track, score in scores.items()]
    for repeat, off in enumerate((0.01, -0.01)):
        for track, score in scores.items():
            sign = 1 if track in "ab" else -1
            drop = 0.2 + sign * off
            rows.append(make_row("random", score - drop, track=track, repeat=repeat))
    one = result(importance(rows), "random")
    assert one.repeat_variance_share == pytest.approx(1.0)
    assert one.repeats_needed == math.inf


def test_an_excess_never_compares_two_normalisations() -> None:
    rows = []
    for normalization, drop, control in (("frozen", 0.5, 0.1), ("model", 0.4, 0.3)):
        own = {} if normalization == "frozen" else {"normalization": "model"}
        for track in ("a", "b", "c"):
            rows.append(make_row("fund_mask", 0.8 - drop, track=track, parameters=own))
            rows.append(
                make_row("matched_tracks(fund_mask)", 0.8 - control, track=track, parameters=own)
            )
    rows += [make_row("no_permutation", 0.8, track=track) for track in ("a", "b", "c")]
    found = [r for r in importance(rows).results if r.role == "condition"]
    assert [r.excess_drop for r in found] == pytest.approx([0.4, 0.1])
    # a control of the other normalisation alone is none
    rows = [row for row in rows if row.role != "control" or "normalization" not in row.parameters]
    frozen, model = (r for r in importance(rows).results if r.role == "condition")
    assert frozen.excess_drop == pytest.approx(0.4)
    assert math.isnan(model.excess_drop)


def test_too_few_repeats_are_said_with_the_number_needed() -> None:
    rows = make_rows(
        {"random": 0.2}, n_pieces=40, noise=0.02, repeats={"random": 2}, repeat_noise=0.05
    )
    found = importance(rows)
    one = result(found, "random")
    assert one.repeats_needed > 2
    said = f"2 repeats leave more than a tenth .*{one.repeats_needed:.0f} repeats are needed"
    assert any(said.split(" .*", maxsplit=1)[0] in w for w in found.warnings)
    assert any(f"{one.repeats_needed:.0f} repeats are needed" in w for w in found.warnings)


def test_repeats_that_can_never_be_enough_are_said_in_words() -> None:
    rows = [make_row("no_permutation", 0.8, track=track) for track in "ab"]
    rows += [
        make_row("random", score, track=track, repeat=repeat)
        for track in "ab"
        for repeat, score in enumerate((0.5, 0.7))
    ]
    said = [w for w in importance(rows).warnings if "random" in w]
    assert any("no number of repeats is enough" in w for w in said), said
    assert not any("inf " in w for w in said)


def test_too_few_recordings_for_any_significance_are_said() -> None:
    found = importance(make_rows({"fund_mask": 0.3}, n_pieces=4))
    assert result(found, "fund_mask").p == 2 / 2**4
    assert "4 recordings are too few for a test: the smallest possible p is 0.125" in str(found)


def test_plots_of_a_result_are_axes() -> None:
    figure = pytest.importorskip("matplotlib.figure")
    ax = figure.Figure().subplots()
    found = importance(make_rows())
    assert found.plot_forest(ax) is ax
    assert found.plot_piece(ax) is ax
