"""The importance table keeps its columns, says what they mean, and tells its models apart."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.rows import calibrated_rows, make_rows

from pi_amt.permutation_importance import Importance
from pi_amt.report.tables.importance import COLUMNS, MAIN
from pi_amt.report.tables.table import Table


def test_importance_table_has_the_promised_columns_in_order(result_table: Table) -> None:
    assert result_table.columns == tuple(COLUMNS)
    promised = [
        "model", "dataset", "permutation", "parameters", "label", "n_pieces", "baseline",
        "perturbed", "drop", "drop_low", "drop_high", "p_holm", "relative_drop", "excess_drop",
        "verdict",
    ]  # fmt: skip
    assert list(MAIN) == promised
    assert [c for c in result_table.columns if c in promised] == promised
    head = result_table.to_csv().splitlines()[0].split(",")
    assert head == list(COLUMNS)
    assert all(name in result_table.to_markdown().splitlines()[0] for name in promised)
    # baseline first, then conditions, then controls
    roles = result_table.column("role")
    assert roles == ["baseline", "condition", "condition", "control", "control"]


def test_columns_keep_the_order_of_0_1_0() -> None:
    stored = Path(__file__).parents[2] / "store" / "data" / "table_0_1_0.csv"
    before = stored.read_text(encoding="utf-8").splitlines()[0].split(",")
    assert [name for name in COLUMNS if name in before] == before


def test_every_column_has_a_meaning_and_every_fraction_a_format(result_table: Table) -> None:
    assert [name for name, (_, meaning) in COLUMNS.items() if not meaning] == []
    formatted = {name for name, (form, _) in COLUMNS.items() if form}
    for record in result_table.records:
        assert {name for name, value in record.items() if isinstance(value, float)} == formatted


def test_importance_table_says_how_to_read_it(result_table: Table) -> None:
    text = " ".join(str(result_table).split())
    for part in ("F-measure_no_offset", "pedal: extend", "200 resamples", "seed 0", "Holm over 2"):
        assert part in text
    assert "published weights (aaaaaaaaaaaa)" in text
    assert "relies on" not in text


def test_footnotes_count_in_words_of_the_right_number() -> None:
    rows = make_rows({"fund_mask": 0.3}, n_pieces=4)
    text = " ".join(Importance.from_rows(rows, n_resamples=1).table().footers)
    assert "1 resample over recordings" in text
    assert "Holm over 1 test." in text
    assert "Warning: 4 recordings are too few for a test: the smallest possible p is 0.125." in text


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("fold", [True, False])
def test_a_terminal_always_says_which_model_a_line_belongs_to(width: int, fold: bool) -> None:
    rows = make_rows({"fund_mask": 0.3}, noise=0.0)
    rows += make_rows({"fund_mask": 0.5}, noise=0.0, model="timbre_trap")
    table = Importance.from_rows(rows, n_resamples=200).table()
    block = table.to_text(width, fold=fold).split("\n\n")[0]
    _, one, other = block.split("\nmodel: ")
    assert one.startswith("basic_pitch\n")
    assert other.startswith("timbre_trap\n")
    assert ("0.300" in one, "0.500" in other) == (True, True)


def test_a_known_bias_stands_beside_the_drop_and_only_where_it_is_known() -> None:
    planted = {"fund_mask": 0.3, "microtonal": 0.1}
    known = Importance.from_rows(calibrated_rows(planted), n_resamples=200).table()
    record = known.records[1]
    bias = f"{record['known_bias']:+.3f}"
    assert "drop [95 %] known_bias p_holm" in " ".join(str(known).split())
    for shown in (str(known), known.to_markdown(), known.to_html(), known.to_latex()):
        assert bias in shown
    head = known.to_csv().splitlines()[0].split(",")
    assert {"known_bias", "known_bias_error"} <= set(head)
    assert "too high (+)" in " ".join(known.footers)
    unknown = Importance.from_rows(make_rows(planted), n_resamples=200).table()
    assert "known_bias" not in str(unknown)
    assert unknown.main == MAIN
