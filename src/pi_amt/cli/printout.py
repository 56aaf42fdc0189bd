"""What a terminal shows of stored results: a run and ``pi-amt table`` print the same tables."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterable
from functools import reduce
from pathlib import Path

from pi_amt.core.errors import below, printable
from pi_amt.core.text import listed, plural
from pi_amt.permutation_importance import Importance
from pi_amt.report.tables.importance import VIEWS
from pi_amt.report.tables.shapley import coalition_table, interaction_table, shapley_table
from pi_amt.report.tables.table import FOLDED_LINES, WRAP, Table
from pi_amt.store.rows import Row


def tables_of(importance: Importance, *, brief: bool = False) -> list[Table]:
    """The tables to print, as far as the rows have them, the most important first.

    These are the importance table, the Shapley values with their interactions, and the dose curves
    and, unless ``brief``, further views of the
    importance table, differences between models, and the error anatomy of rows with note tables.
    """
    table, doses = importance.table(), importance.doses()
    values, coalitions = shapley_table(importance), coalition_table(importance)
    shapley = [values, interaction_table(importance)] if len(values) else [coalitions]
    shapley = shapley if len(coalitions) else []
    curves = [*shapley, *([] if doses is None else [doses])]
    if brief:
        return [table, *curves]
    views = [table.view(title, lead) for title, lead in VIEWS.items()]
    contrasts = importance.contrasts()
    return [
        table, *views, *curves, *([contrasts] if len(contrasts) else []), *importance.anatomy()
    ]  # fmt: skip


def print_run(importance: Importance) -> None:
    """Print what a run found, the most important last, and only in brief if it has many lines."""
    brief = len(importance.table()) > FOLDED_LINES  # the table's own bound for folding
    if brief or not any(row.notes for row in importance.rows):
        print("Further tables, with error anatomy: pi-amt table RESULTS --anatomy\n")
    for table in reversed(tables_of(importance, brief=brief)):
        print(f"{table}\n")
    print_headline(importance)


def print_headline(importance: Importance) -> None:
    """Print the result in words, wrapped to the terminal."""
    width = shutil.get_terminal_size((100, 24)).columns
    for sentence in importance.headline():
        print(textwrap.fill(sentence, width, **WRAP))


def print_failures(rows: Iterable[Row], folders: Iterable[Path]) -> None:
    """Print the recordings that failed, if any, as the last thing of a run.

    Args:
        rows: that failed.
        folders: of the data; paths are told below them.
    """
    lines, where = failures(rows), dict.fromkeys(folders)
    if not lines:
        return
    print(f"\n{plural(len(lines), 'recording')} failed:", file=sys.stderr)
    for line in listed([reduce(below, where, line) for line in lines]):
        print(f"  {line}", file=sys.stderr)
    for folder in where:
        print(f"  (in {printable(str(folder.absolute()))})", file=sys.stderr)


def failures(rows: Iterable[Row]) -> list[str]:
    """One line per recording with errors; names the conditions where its baseline is good."""
    by_track: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        by_track.setdefault((row.dataset, row.track), []).append(row)
    lines = []
    for (dataset, track), found in sorted(by_track.items()):
        whole = any(row.role == "baseline" for row in found)
        which = "" if whole else f"{', '.join(dict.fromkeys(row.label for row in found))}: "
        lines.append(f"{dataset}/{track}: {which}{found[-1].error}")
    return lines
