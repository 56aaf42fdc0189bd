"""What a model relies on: measures from rows, paired differences, ranks with ties."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from tests.league_rows import HEARD, league_rows
from tests.rows import make_row, make_rows
from tests.shapley_rows import shapley_rows

from pi_amt.statistics.bootstrap import mean_interval, ratio_difference, resample_weights
from pi_amt.statistics.inference import Inference
from pi_amt.statistics.reliance import (
    Measure,
    Standing,
    difference,
    named,
    ranks,
    standings,
)
from pi_amt.statistics.result import Result
from pi_amt.store.rows import Row
from pi_amt.study.truth import as_conditions

SCORE = "F-measure_no_offset"
CONTROLLED = {
    "ratio_fund_mask": 0.5,
    "matched_tracks(ratio_fund_mask)": 0.1,
    "ratio_harm_mask": 0.2,
    "matched_tracks(ratio_harm_mask)": 0.45,
}


def only(rows: list[Row]) -> Standing:
    (found,) = standings(Result.from_rows(rows))
    return found


def planted(model: str, values: np.ndarray) -> Standing:
    """A model whose only measure has these values on as many recordings."""
    pieces = [f"piece_{i}" for i in range(len(values))]
    return Standing(
        model=model,
        dataset="demo",
        compositions={piece: piece for piece in pieces},
        data=dict.fromkeys(pieces, ""),
        measures={"F": Measure.of(pieces, values)},
        inference=Inference(SCORE, n_resamples=2_000),
    )


def test_a_difference_over_ones_is_the_interval_of_the_differences() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(0.6, 0.1, 15), rng.normal(0.5, 0.2, 15)
    ones, clusters = np.ones(15), [i // 2 for i in range(15)]
    found = ratio_difference((a, ones), (b, ones), clusters)
    # the clusters are of two sizes: resampled means are ratios, too
    assert found.estimate == pytest.approx(float((a - b).mean()))
    for given in (None, clusters):
        paired = ratio_difference((a, ones), (b, ones), given)
        expected = mean_interval(a - b, clusters=given)
        assert (paired.low, paired.high) == pytest.approx((expected.low, expected.high))


def test_a_difference_of_ratios_is_that_of_resamples_made_one_by_one() -> None:
    """Each resample as a list of recordings, by the textbook's formulas."""
    rng = np.random.default_rng(1)
    n, n_resamples = 9, 400
    bottoms = rng.uniform(0.3, 0.9, (2, n))
    tops = bottoms * rng.uniform(0.1, 0.9, (2, n))

    def estimate(chosen: np.ndarray) -> tuple[float, float]:
        t, b = tops[:, chosen], bottoms[:, chosen]
        ratio = t.sum(axis=1) / b.sum(axis=1)
        parts = (t - ratio[:, None] * b) / b.mean(axis=1, keepdims=True)
        return float(ratio[0] - ratio[1]), float((parts[0] - parts[1]).std(ddof=1) / np.sqrt(n))

    value, error = estimate(np.arange(n))
    statistics = []
    for weights in resample_weights(n, n_resamples, 0):
        other, spread = estimate(np.repeat(np.arange(n), weights.astype(int)))
        statistics.append((other - value) / spread)
    tail = int(0.025 * (n_resamples - 1))
    ordered = sorted(statistics)
    found = ratio_difference(
        (tops[0], bottoms[0]), (tops[1], bottoms[1]), n_resamples=n_resamples, seed=0
    )
    assert found.estimate == pytest.approx(value)
    assert found.low == pytest.approx(value - ordered[-1 - tail] * error)
    assert found.high == pytest.approx(value - ordered[tail] * error)


def test_with_many_recordings_scipy_gives_the_same_interval() -> None:
    rng = np.random.default_rng(2)
    n = 200
    bottoms = rng.uniform(0.5, 0.9, (2, n))
    tops = bottoms * rng.uniform(0.2, 0.8, (2, n))

    def statistic(*given: np.ndarray, axis: int = -1) -> np.ndarray:
        a, b, c, d = (part.sum(axis=axis) for part in given)
        return np.asarray(a / b - c / d)

    data = (tops[0], bottoms[0], tops[1], bottoms[1])
    oracle = stats.bootstrap(
        data, statistic, paired=True, vectorized=True, rng=np.random.default_rng(0)
    ).confidence_interval
    found = ratio_difference((tops[0], bottoms[0]), (tops[1], bottoms[1]))
    tolerance = 0.1 * (oracle.high - oracle.low)
    assert found.low == pytest.approx(oracle.low, abs=tolerance)
    assert found.high == pytest.approx(oracle.high, abs=tolerance)


def test_ranks_are_those_that_scipys_intervals_give() -> None:
    """The rule by brute force: every pair, every difference, an independent bootstrap."""
    rng = np.random.default_rng(3)
    level = rng.normal(0.6, 0.15, 40)
    models = [planted(str(i), level + s + rng.normal(0, 0.03, 40))
              for i, s in enumerate((0.0, -0.002, -0.05, -0.051, -0.2))]  # fmt: skip

    def ahead(a: Standing, b: Standing) -> bool:
        gap = np.array([a.measures["F"].parts[p][0] - b.measures["F"].parts[p][0] for p in a.data])
        found = stats.bootstrap((gap,), np.mean, rng=np.random.default_rng(0))
        return bool(found.confidence_interval.low > 0)

    expected = [
        (
            1 + sum(ahead(o, one) for o in models if o is not one),
            5 - sum(ahead(one, o) for o in models if o is not one),
        )
        for one in models
    ]
    assert ranks(models, "F") == expected == [(1, 2), (1, 2), (3, 4), (3, 4), (5, 5)]


def test_models_that_differ_on_every_recording_are_told_apart_though_recordings_differ_more() -> (
    None
):
    level = np.linspace(0.1, 0.9, 12)
    wiggle = 0.004 * (-1.0) ** np.arange(12)
    a, b = planted("a", level), planted("b", level - 0.02 + wiggle)
    assert a.values["F"].low < b.values["F"].high  # by themselves their intervals overlap
    assert ranks([b, a], "F") == [(2, 2), (1, 1)]


def test_equal_models_share_both_places() -> None:
    values = np.linspace(0.2, 0.9, 8)
    assert ranks([planted("a", values), planted("b", values)], "F") == [(1, 2), (1, 2)]


def test_a_model_that_varies_much_may_have_more_places_than_its_neighbours() -> None:
    level = np.linspace(0.5, 0.8, 12)
    wild = np.tile([0.0, 1.0], 6)
    models = [planted("a", level), planted("b", level - 0.1), planted("wild", wild)]
    assert ranks(models, "F") == [(1, 2), (2, 3), (1, 3)]


def test_with_five_compositions_there_is_neither_an_interval_nor_a_rank() -> None:
    few = [planted(name, values) for name, values in (("a", np.ones(5)), ("b", np.zeros(5)))]
    assert ranks(few, "F") == [None, None]
    assert np.isnan(few[0].values["F"].low)
    assert few[0].values["F"].estimate == 1.0


def test_a_model_without_the_measure_has_no_rank_and_counts_for_nobody() -> None:
    values = np.linspace(0.2, 0.9, 8)
    lacking = Standing("c", "demo", {}, {}, {}, Inference(SCORE))
    assert ranks([planted("a", values), lacking], "F") == [(1, 1), None]


def test_recordings_of_other_sound_are_not_paired() -> None:
    a, b = planted("a", np.full(8, 0.9)), planted("b", np.full(8, 0.1))
    other = Standing(**{**vars(b), "data": {**b.data, "piece_0": "other", "piece_1": "other"}})
    assert difference(a, b, "F").estimate == pytest.approx(0.8)
    assert ranks([a, b], "F") == [(1, 1), (2, 2)]
    parts = {**b.measures["F"].parts, "piece_0": (0.9, 1.0), "piece_1": (0.9, 1.0)}
    changed = Standing(**{**vars(other), "measures": {"F": Measure(parts)}})
    assert difference(a, changed, "F").estimate == pytest.approx(0.8)


def test_measures_are_those_that_were_planted() -> None:
    found = only(league_rows("mine", CONTROLLED, onset=0.15, baseline=0.8, spread=0.05))
    f = found.values["F"].estimate
    expected = {
        "necessity": 0.4,
        "reliance": 0.4 / f,
        "kept": 1 - 0.2 / f,
        "sufficiency": 0.25,
        "onset": 0.15,
    }
    assert found.model == "mine"
    for name, value in expected.items():
        assert found.values[name].estimate == pytest.approx(value), name
    assert found.missing == {
        "microtonal": "it needs the model's own input, which is not known or was not run; a sound "
        "keeps no shuffle"
    }


def test_a_share_of_f_is_a_ratio_of_means_and_no_mean_of_ratios() -> None:
    measure = Measure({"a": (0.0, 0.1), "b": (0.45, 0.9)})
    one = Standing("m", "demo", {"a": "a", "b": "b"}, {}, {"reliance": measure}, Inference(SCORE))
    assert one.values["reliance"].estimate == pytest.approx(0.45)


def test_microtonal_is_that_of_the_models_own_input() -> None:
    own = make_rows({"microtonal": 0.07}, model="mine", noise=0.0)
    found = only(league_rows("mine", CONTROLLED) + own)
    assert found.values["microtonal"].estimate == pytest.approx(0.07)
    assert "microtonal" not in found.missing


def test_recordings_that_were_heard_in_the_models_own_input_only_do_not_count() -> None:
    own = make_rows({"microtonal": 0.07}, model="mine", noise=0.0)
    heard = [row for row in league_rows("mine", CONTROLLED) if row.track != own[0].track]
    found = only(heard + own).measures["microtonal"]
    assert set(found.parts) == {row.track for row in heard}


def test_what_a_control_at_the_floor_or_a_leak_spoils_is_empty_with_the_reason() -> None:
    at_floor = CONTROLLED | {"matched_tracks(ratio_harm_mask)": 0.75}
    found = only(league_rows("mine", at_floor, baseline=0.8, spread=0.0))
    assert "sufficiency" not in found.measures
    assert found.missing["sufficiency"] == "the control itself leaves no F to compare with"
    assert found.values["kept"].estimate == pytest.approx(0.75)
    leaks = CONTROLLED | {"leak_noise(ratio_harm_mask)": 0.4}  # F 0.4 on noise
    found = only(league_rows("mine", leaks, baseline=0.8, spread=0.0))
    assert not {"kept", "sufficiency"} & set(found.measures)
    assert "leaks" in found.missing["kept"]
    assert "necessity" in found.measures


def test_a_model_at_the_floor_has_an_f_and_nothing_else() -> None:
    found = only(league_rows("mine", {"ratio_fund_mask": 0.05}, baseline=0.06, spread=0.01))
    assert set(found.measures) == {"F"}
    assert "under 0.10" in found.missing["necessity"]


def test_bias_is_what_the_mask_takes_beyond_the_missing_sound() -> None:
    rows = league_rows("mine", CONTROLLED, dataset="known_partials", baseline=0.8, spread=0.0)
    for made, f in (("without partial 1", 0.38), ("with only partial 1", 0.55)):
        rows += [
            make_row("no_permutation", f, track=f"piece_{i:02d}", model="mine (audio)",
                     dataset=f"known_partials {made}", settings=HEARD)
            for i in range(12)
        ]  # fmt: skip
    found = only(as_conditions(rows))
    assert found.values["bias_removed"].estimate == pytest.approx(0.5 - 0.42)
    assert found.values["bias_kept"].estimate == pytest.approx(0.2 - 0.25)
    assert found.facts["conditions"] == ["ratio_fund_mask", "ratio_harm_mask"]


def test_the_missing_sound_of_two_lengths_of_a_recording_is_refused() -> None:
    rows = league_rows("mine", CONTROLLED, dataset="known_partials", n_pieces=1)
    made = make_row(
        "no_permutation", 0.4, model="mine (audio)", settings=HEARD,
        dataset="known_partials without partial 1",
    )  # fmt: skip
    assert len(as_conditions([*rows, made])) == len(rows) + 1
    assert as_conditions([made]) == []  # the whole recording was not run yet
    shorter = [replace(row, data="of 5 s") for row in rows]
    assert as_conditions([*rows, *shorter]) == [*rows, *shorter]
    with pytest.raises(ValueError, match="several contents, such as two lengths"):
        as_conditions([*rows, *shorter, made])


def test_shapley_values_stand_among_the_measures() -> None:
    rows = shapley_rows(
        lambda there, piece: 0.5 * ("f0" in there) + 0.25 * ("h2" in there),
        model="mine (audio)",
        settings=HEARD,
    )
    found = only(rows)
    values = {name: value.estimate for name, value in found.values.items()}
    assert values == pytest.approx({"F": 0.75, "from f0": 0.5, "from h2": 0.25, "from rest": 0.0})


def test_only_models_that_heard_perturbed_sound_stand_in_the_league() -> None:
    rows = make_rows({"ratio_fund_mask": 0.2}, model="own", settings=json.dumps({}))
    assert standings(Result.from_rows(rows)) == ()


def test_sizes_of_one_architecture_are_models_of_their_own() -> None:
    rows = [
        row
        for size, drop in (("nano", 0.6), ("small", 0.2))
        for row in named(
            league_rows("net", {"ratio_fund_mask": drop, "matched_tracks(ratio_fund_mask)": 0.0}),
            f"net {size}",
        )
    ]
    found = {
        one.model: one.values["necessity"].estimate for one in standings(Result.from_rows(rows))
    }
    assert found == pytest.approx({"net nano": 0.6, "net small": 0.2})
