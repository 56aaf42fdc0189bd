"""Shapley values: known answers, an independent oracle, and what is said where rows lack."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations, permutations

import numpy as np
import pytest
from tests.rows import make_row, make_rows
from tests.shapley_rows import coalition_row, shapley_rows

from pi_amt.core.notes import Notes
from pi_amt.core.units import Floats
from pi_amt.permutations.coalition import Coalition
from pi_amt.scoring.anatomy import annotate
from pi_amt.scoring.matching import match_notes
from pi_amt.scoring.notes import score_notes
from pi_amt.statistics.result import Result
from pi_amt.statistics.shapley import (
    LIMITS,
    Attribution,
    f_by_register,
    shapley_interactions,
    shapley_values,
)
from pi_amt.store.rows import Row

#: numbers of those present → score
Game = Callable[[frozenset[int]], float]


def table(game: Game, n: int) -> Floats:
    """Scores ``(2^n,)`` of a game."""
    members = (frozenset(i for i in range(n) if code >> i & 1) for code in range(2**n))
    return np.array([game(present) for present in members])


def by_orders(game: Game, n: int) -> Floats:
    """Shapley values as they are defined: what each adds when it joins, over all orders."""
    total = np.zeros(n)
    orders = list(permutations(range(n)))
    for order in orders:
        for place, player in enumerate(order):
            before = frozenset(order[:place])
            total[player] += game(before | {player}) - game(before)
    return total / len(orders)


def pairs_by_orders(game: Game, n: int) -> Floats:
    """Interactions over all orders in which the pair joins as one."""
    found = []
    for pair in combinations(range(n), 2):
        others = [i for i in range(n) if i not in pair]
        orders = list(permutations([*others, -1]))
        total = 0.0
        for order in orders:
            t = frozenset(order[: order.index(-1)])
            total += game(t | set(pair)) - game(t | {pair[0]}) - game(t | {pair[1]}) + game(t)
        found.append(total / len(orders))
    return np.array(found)


def random_game(n: int, seed: int) -> Game:
    scores = np.random.default_rng(seed).uniform(size=2**n)
    return lambda present: float(scores[sum(1 << i for i in present)])


@pytest.mark.parametrize("n", [2, 3, 5, 6])
def test_values_and_interactions_are_those_of_all_orders(n: int) -> None:
    game = random_game(n, seed=n)
    scores = table(game, n)
    np.testing.assert_allclose(shapley_values(scores), by_orders(game, n), atol=1e-12)
    np.testing.assert_allclose(shapley_interactions(scores), pairs_by_orders(game, n), atol=1e-12)


@pytest.mark.parametrize("n", [2, 5, 8])
def test_they_are_those_of_shapiq(n: int) -> None:
    shapiq = pytest.importorskip("shapiq", reason="shapiq is not installed")
    scores = table(random_game(n, seed=10 + n), n)

    def value(coalitions: Floats) -> Floats:
        return scores[np.asarray(coalitions, dtype=np.int64) @ (1 << np.arange(n))]

    exact = shapiq.ExactComputer(game=value, n_players=n)
    values, pairs = exact("SV", order=1), exact("SII", order=2)
    found = shapley_values(scores), shapley_interactions(scores)
    np.testing.assert_allclose(found[0], [values[(i,)] for i in range(n)], atol=1e-9)
    expected = [pairs[pair] for pair in combinations(range(n), 2)]
    np.testing.assert_allclose(found[1], expected, atol=1e-9)


def test_games_with_known_answers() -> None:
    one = table(lambda present: float(0 in present), 3)
    both = table(lambda present: float({0, 1} <= present), 3)
    either = table(lambda present: float(bool({0, 1} & present)), 3)
    np.testing.assert_allclose(shapley_values(one), [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(shapley_values(both), [0.5, 0.5, 0], atol=1e-12)
    np.testing.assert_allclose(shapley_values(either), [0.5, 0.5, 0], atol=1e-12)
    # what tells "and" from "or" are the interactions
    np.testing.assert_allclose(shapley_interactions(one), [0, 0, 0], atol=1e-12)
    np.testing.assert_allclose(shapley_interactions(both), [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(shapley_interactions(either), [-1, 0, 0], atol=1e-12)


def test_scores_that_are_not_of_all_coalitions_are_refused() -> None:
    with pytest.raises(ValueError, match="got 6 scores, expected 2\\^n, one per coalition"):
        shapley_values(np.zeros(6))


# ------------------------------------------------------------------ from rows


def attribution(result: Result) -> Attribution:
    (found,) = result.attributions
    return found


def test_values_add_up_in_every_recording() -> None:
    rng = np.random.default_rng(3)
    drawn: dict[tuple[frozenset[str], int], float] = {}
    rows = shapley_rows(
        lambda present, piece: drawn.setdefault((present, piece), float(rng.uniform())),
        "f0 h2 h3 h4-h10 rest",
        n_pieces=5,
    )
    one = attribution(Result.from_rows(rows))
    whole = frozenset(one.players)
    for piece, values in enumerate(one.values):
        assert values.sum() == pytest.approx(drawn[whole, piece] - drawn[frozenset(), piece])
    parts = one.parts
    total = sum(part.value.estimate for part in (*parts.players, parts.nothing))
    assert total == pytest.approx(parts.whole.value.estimate)
    assert sum(part.share for part in (*parts.players, parts.nothing)) == pytest.approx(1)
    assert one.parts.lines[-1].share == 1


def test_a_model_that_reads_fundamentals_alone() -> None:
    def game(present: frozenset[str], piece: int) -> float:
        return (0.6 + 0.03 * piece) * ("f0" in present)

    one = attribution(Result.from_rows(shapley_rows(game)))
    f0, h2, rest = one.parts.players
    assert f0.value.estimate == pytest.approx(one.parts.whole.value.estimate)
    assert f0.value.low > 0.55
    assert f0.value.high < 0.85
    assert f0.share == pytest.approx(1)
    for part in (h2, rest):
        assert (part.value.estimate, part.value.low, part.value.high) == (0, 0, 0)
    assert all(pair.kind == "" for pair in one.interactions)


@pytest.mark.parametrize(("needs_both", "kind"), [(True, "synergy"), (False, "redundant")])
def test_partners_and_stand_ins(needs_both: bool, kind: str) -> None:
    def game(present: frozenset[str], piece: int) -> float:
        found = {"f0", "h2"} & present
        return (0.5 + 0.05 * piece) * (len(found) == 2 if needs_both else bool(found))

    one = attribution(Result.from_rows(shapley_rows(game, n_pieces=9)))
    strongest = one.interactions[0]
    assert (strongest.players, strongest.kind) == (("f0", "h2"), kind)
    assert strongest.value.estimate == pytest.approx(0.7 if needs_both else -0.7)
    assert [pair.kind for pair in one.interactions[1:]] == ["", ""]


def test_intervals_are_over_compositions() -> None:
    def game(present: frozenset[str], piece: int) -> float:
        return (0.5 + 0.04 * piece) * ("f0" in present)

    rows = shapley_rows(game)
    grouped = [replace(row, composition=f"work {int(row.track[-2:]) // 4}") for row in rows]
    apart, together = (attribution(Result.from_rows(r)).parts.players[0].value
                       for r in (rows, grouped))  # fmt: skip
    assert apart.estimate == pytest.approx(together.estimate)
    assert together.high - together.low > 2 * (apart.high - apart.low)
    alone = Result.from_rows([replace(row, composition="one work") for row in rows])
    assert np.isnan(attribution(alone).parts.players[0].value.low)
    assert any(
        "all recordings are of one composition, so there is no interval." in w
        for w in alone.warnings
    )


def by_number(present: frozenset[str], piece: int) -> float:
    return 0.2 * len(present) + 0.01 * piece


def test_a_recording_without_a_coalition_is_left_out_and_named() -> None:
    rows = shapley_rows(by_number)
    lost = {("piece_03", "coalition(present=h2)"), ("piece_05", "coalition(present=nothing)")}
    kept = [row for row in rows if (row.track, row.label) not in lost]
    result = Result.from_rows(kept)
    one = attribution(result)
    assert len(one.pieces) == 6
    assert not {"piece_03", "piece_05"} & set(one.pieces)
    assert any(
        "Shapley values of f0, h2, rest: 2 recordings without a score for every coalition are left "
        "out (piece_03, piece_05)." in warning
        for warning in result.warnings
    )
    # but what is known of a coalition is known
    assert one.score_of(2)[1] == 7
    # and nothing else is said about coalitions, one by one
    assert not any("coalition(present=h2):" in warning for warning in result.warnings)


def test_failed_rows_are_missing_ones() -> None:
    rows = [
        replace(row, status="error", error="broken", scores={})
        if (row.track, row.label) == ("piece_00", "coalition(present=f0)")
        else row
        for row in shapley_rows(by_number)
    ]
    assert attribution(Result.from_rows(rows)).pieces[0] == "piece_01"


def test_coalitions_that_were_not_run_leave_no_values() -> None:
    rows = [r for r in shapley_rows(by_number) if r.label not in (
        "coalition(present=f0)", "coalition(present=rest)")]  # fmt: skip
    result = Result.from_rows(rows)
    one = attribution(result)
    assert one.pieces == ()
    assert all(np.isnan(part.value.estimate) for part in one.parts.lines)
    assert all(np.isnan(pair.value.estimate) for pair in one.interactions)
    assert one.by_register == {}
    assert result.warnings == (
        "basic_pitch × demo: Shapley values of f0, h2, rest: there are none, because 2 coalitions "
        "of 7 were not run (f0, rest). experiment=shapley runs all of them.",
    )


def test_a_player_that_no_note_has_is_told_of() -> None:
    def game(present: frozenset[str], piece: int) -> float:
        return 0.7 * ("f0" in present)

    rows = [
        replace(row, effects={"touched_share": 0.0})
        if row.label == "coalition(present=f0+rest)"
        else row
        for row in shapley_rows(game, "f0 h16 rest")
    ]
    assert Result.from_rows(rows).warnings == (
        "basic_pitch × demo: Shapley values of f0, h16, rest: no note has partials of h16, so what "
        "it contributes is 0 because nothing is there, which says nothing about the model.",
    )


def test_two_sets_of_players_are_two_attributions_and_not_to_be_compared() -> None:
    three = shapley_rows(by_number, "f0 h2 rest")
    two = shapley_rows(lambda present, piece: 0.3 * len(present), "f0-h3 rest", model="other")
    result = Result.from_rows([*three, *two])
    assert [one.players for one in result.attributions] == [
        ("f0", "h2", "rest"), ("f0-h3", "rest"),
    ]  # fmt: skip
    assert result.warnings == (
        "demo: Shapley values of different players (f0+h2+rest; f0-h3+rest) stand side by side. A "
        "player's value depends on who the others are, so compare within one set only.",
    )
    assert [len(one.pieces) for one in result.select(model="other").attributions] == [8]


def test_two_sets_of_players_of_one_model_share_its_baseline() -> None:
    def game(present: frozenset[str], piece: int) -> float:
        return 0.6 * ("rest" in present)

    rows = shapley_rows(game, "f0 h2 rest")
    rows += [row for row in shapley_rows(game, "f0-h3 rest") if row.role == "coalition"]
    found = Result.from_rows(rows).attributions
    assert [[round(p.value.estimate, 6) for p in one.parts.players] for one in found] == [
        [0.0, 0.0, 0.6], [0.0, 0.6],
    ]  # fmt: skip


def test_the_whole_as_a_coalition_is_the_baseline_s() -> None:
    rows = shapley_rows(by_number)
    whole = Coalition("f0 h2 rest", "f0 h2 rest")
    rows += [coalition_row(whole, 0.1, track=f"piece_{i:02d}") for i in range(8)]
    assert attribution(Result.from_rows(rows)).parts.whole.value.estimate == pytest.approx(0.635)


def test_repeats_are_averaged_first() -> None:
    rows = shapley_rows(by_number, n_pieces=2)
    again = [
        replace(row, repeat=1, key=f"{row.key}1",
                scores={k: v + 0.1 for k, v in row.scores.items()})
        for row in rows
        if row.role == "coalition" and row.label.endswith("=f0)")
    ]  # fmt: skip
    before, after = (attribution(Result.from_rows(r)).scores for r in (rows, [*rows, *again]))
    np.testing.assert_allclose(after[:, 1] - before[:, 1], 0.05, atol=1e-12)
    np.testing.assert_array_equal(np.delete(after, 1, 1), np.delete(before, 1, 1))


def test_coalitions_change_no_other_number() -> None:
    study = make_rows({"fund_mask": 0.3, "harm_mask": 0.1, "matched_tracks(fund_mask)": 0.1})
    base = {row.track: row for row in study if row.role == "baseline"}
    coalitions = [
        row
        for row in shapley_rows(by_number, n_pieces=12)
        if row.role == "coalition" and row.track in base
    ]
    without, both = Result.from_rows(study), Result.from_rows([*study, *coalitions])
    conditions = [r for r in both.results if r.role != "coalition"]
    assert repr(conditions) == repr(list(without.results))
    assert [r.role for r in both.results].count("coalition") == 7
    assert all(np.isnan(r.p_holm) for r in both.results if r.role == "coalition")


# ------------------------------------------------------------------ by register


LOW, MIDDLE, HIGH = 40.0, 60.0, 80.0


def estimate(*pitches: float) -> Notes:
    """Notes at 0, 1, … s, where a pitch of 0 is none."""
    rows = [(i, i + 0.5, pitch) for i, pitch in enumerate(pitches) if pitch]
    return Notes.from_arrays(*np.array(rows, dtype=np.float64).reshape(-1, 3).T)


def note_bytes(reference: Notes, found: Notes) -> bytes:
    return annotate(reference, found, match_notes(reference, found)).to_bytes()


def test_f_of_a_register_is_that_of_its_notes_alone() -> None:
    rng = np.random.default_rng(0)
    reference = estimate(*rng.choice([LOW, MIDDLE, HIGH], 40).tolist())
    heard = [pitch if rng.uniform() < 0.7 else 61.0 for pitch in reference.pitches.tolist()]
    found = estimate(*heard)
    values = f_by_register(annotate(reference, found, match_notes(reference, found)))
    limits = ((0, 48), (48, 72), (72, 128))
    for value, (low, high) in zip(values, limits, strict=True):
        parts = (
            notes[(notes.pitches >= low) & (notes.pitches < high)] for notes in (reference, found)
        )
        assert value == pytest.approx(score_notes(*parts)["F-measure_no_offset"])
    only_low = estimate(LOW, LOW)
    silent = f_by_register(annotate(only_low, estimate(), match_notes(only_low, estimate())))
    assert silent[0] == 0
    assert np.isnan(silent[1:]).all()
    assert list(LIMITS.values()) == ["below C3", "C3 to B4", "C5 and above"]


def test_who_reads_fundamentals_below_and_second_partials_above() -> None:
    """In recordings without high notes nothing is said of the treble."""

    def rows() -> list[Row]:
        found: list[Row] = []
        for row in shapley_rows(by_number, n_pieces=4):
            present = row.label if row.role == "coalition" else "f0+h2+rest"
            with_high = int(row.track[-2:]) < 2
            reference = estimate(LOW, LOW, MIDDLE, HIGH if with_high else 0)
            low, high = ("f0" in present), ("h2" in present)
            heard = estimate(low * LOW, low * LOW, low * MIDDLE, high * with_high * HIGH)
            found.append(replace(row, notes=note_bytes(reference, heard)))
        return found

    one = attribution(Result.from_rows(rows()))
    shares = {
        register: [round(part.value.estimate, 6) for part in parts.lines]
        for register, parts in one.by_register.items()
    }
    # f0, h2, rest, nothing, all
    assert shares == {
        "bass": [1, 0, 0, 0, 1],
        "middle": [1, 0, 0, 0, 1],
        "treble": [0, 1, 0, 0, 1],
    }


def test_without_note_tables_and_of_other_scores_there_are_no_registers() -> None:
    rows = shapley_rows(by_number)
    assert attribution(Result.from_rows(rows)).by_register == {}
    tables = [replace(row, notes=note_bytes(estimate(LOW), estimate(LOW))) for row in rows]
    assert attribution(Result.from_rows(tables)).by_register
    assert attribution(Result.from_rows(tables, score="F-measure")).by_register == {}


def test_a_study_without_coalitions_has_no_attributions() -> None:
    assert Result.from_rows([*make_rows(), make_row("no_permutation", 0.4)]).attributions == ()
