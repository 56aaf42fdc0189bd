"""The importance table keeps its columns, says what they mean, and tells its models apart."""

from __future__ import annotations

import re
import shutil
import subprocess
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


def test_a_notebook_shows_drop_and_excess_with_their_intervals_side_by_side() -> None:
    rows = make_rows({"fund_mask": 0.3, "matched_tracks(fund_mask)": 0.1})
    result = Importance.from_rows(rows, n_resamples=200)
    found, shown = result["fund_mask"], result._repr_html_()
    cells = [
        "fund_mask",
        f"{found.baseline:.3f} → {found.perturbed:.3f}",
        f"{found.drop:.3f} [{found.drop_low:.3f}, {found.drop_high:.3f}]",
        f"{found.excess_drop:.3f} [{found.excess_low:.3f}, {found.excess_high:.3f}]",
    ]
    line = next(line for line in shown.splitlines() if ">fund_mask<" in line)
    assert re.findall(r">([^<>]+)</td>", line)[:4] == cells
    assert shown.count('<th scope="col">') == 5
    assert "white-space:nowrap" in line
    assert "basic_pitch, demo" in shown


def test_a_paper_s_table_fits_its_page_and_leaves_controls_to_the_excess() -> None:
    conditions = {f"soft_harm_mask_{i}": 0.1 * i for i in range(1, 6)}
    controls = {f"matched_tracks({name})": 0.01 for name in conditions}
    rows = make_rows({**conditions, **controls, "floor": 0.6})
    rows += make_rows({**conditions, **controls}, model="timbre_trap")
    text = Importance.from_rows(rows, n_resamples=200).table().to_latex()
    lines = [line for line in text.splitlines() if not line.startswith("%")]
    assert lines[0] in (r"{\small", r"{\footnotesize", r"{\scriptsize")
    assert lines[1] == r"\begin{tabular}{@{}lrrrr@{}}"
    assert lines[-2:] == [r"\end{tabular}", "}"]
    body = [line for line in lines if " & " in line]
    assert all(line.count(" & ") == 4 for line in body)
    assert len(body) == 1 + 2 * (1 + len(conditions)) + 1  # head, baselines, conditions, floor
    assert "matched" not in "".join(body)
    assert "% 10 lines of controls not shown" in text
    assert sum(r"\multicolumn{5}{@{}l}" in line for line in lines) == 2
    # a digit of 10-point Computer Modern is 5 points wide, the text of an article 345
    size = {"small": 0.9, "footnotesize": 0.8, "scriptsize": 0.7}[lines[0][2:]]
    cells = [[plain(cell) for cell in line[:-3].split(" & ")] for line in body]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    assert sum(widths) * 4.5 * size + 4 * 12 <= 345


def test_with_a_known_bias_a_paper_s_table_draws_its_columns_together_and_fits() -> None:
    planted = {"soft_harm_mask": -0.3, "fund_mask": 0.3, "matched_tracks(soft_harm_mask)": 0.1}
    text = Importance.from_rows(calibrated_rows(planted), n_resamples=200).table().to_latex()
    lines = [line for line in text.splitlines() if not line.startswith("%")]
    (gap,) = re.findall(r"^\{\\scriptsize\\setlength\{\\tabcolsep\}\{([\d.]+)pt\}$", lines[0])
    body = [line for line in lines if " & " in line]
    cells = [[plain(cell) for cell in line[:-3].split(" & ")] for line in body]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    assert len(widths) == 6
    assert sum(widths) * 4.5 * 0.7 + 5 * 2 * float(gap) <= 345


def plain(cell: str) -> str:
    """A cell of LaTeX as it is read."""
    return re.sub(r"\$-\$|\$\\to\$|--", "-", cell).replace("{[}", "[").replace("\\_", "_")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs LaTeX")
def test_a_paper_s_table_compiles(result_table: Table, tmp_path: Path) -> None:
    head = "\\documentclass{article}\\usepackage{booktabs}\\begin{document}\n"
    (tmp_path / "t.tex").write_text(head + result_table.to_latex() + "\\end{document}\n")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "Overfull" not in done.stdout
