"""A table in a terminal: columns in blocks that fit the width, one below the other.

Every block begins with the column that names the lines. What has one value for all lines is said
once, above; what names a group of lines (model, dataset) is a heading of its own above them, never
a column that could be left out. An interval stands in the cell of its estimate. Of a table that is
not folded only the first block is shown, and the columns of the others are named.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pi_amt.report.tables.cells import is_undefined, widest

if TYPE_CHECKING:
    from pi_amt.report.tables.table import Table

#: of sentences under a table
WRAP: dict[str, Any] = {
    "subsequent_indent": "  ",
    "break_long_words": False,
    "break_on_hyphens": False,
}


def table_text(table: Table, width: int, fold: bool) -> str:
    """The table as plain text of lines of ``width`` characters.

    Only where the names of the lines leave no room for a single column is a line longer.
    """
    wanted = _wanted(table)
    constant = [name for name in wanted if _is_constant(table, name)]
    groups = [name for name in table.groups if name in wanted and name not in constant]
    columns = [name for name in wanted if name not in (*constant, *groups)]
    blocks = _blocks(table, columns, width)
    shown = blocks if fold else blocks[:1]
    lines = [table.title] if table.title else []
    if constant:
        lines.append("  ".join(_said(table, table.records[0], name) for name in constant))
    for number, block in enumerate(shown):
        lines += ["", *_grid(table, block, groups)] if number else _grid(table, block, groups)
    notes = list(table.footers)
    if left_out := [name for block in blocks[len(shown) :] for name in block[1:]]:
        notes.insert(0, f"Not shown for want of width, in the CSV: {', '.join(left_out)}.")
    lines += [textwrap.fill(note, width, **WRAP) for note in notes]
    return "\n".join(line.rstrip() for line in lines)


def _wanted(table: Table) -> list[str]:
    """Columns of a terminal table, without those that have no value in any line."""
    wanted = list(table.lead or table.main or table.columns)
    if len(table.records) < 2:
        return wanted
    return [n for n in wanted if not all(is_undefined(value) for value in table.column(n))]


def _is_constant(table: Table, name: str) -> bool:
    values = table.column(name)
    names_or_counts = all(isinstance(value, str | int) for value in values)
    return len(values) > 1 and names_or_counts and len(set(values)) == 1


def _blocks(table: Table, columns: Sequence[str], width: int) -> list[list[str]]:
    """Columns of each block, the naming one first; the others in the order of the table."""
    if not columns:
        return [[]]
    first, *others = columns
    blocks: list[list[str]] = [[]]
    start = used = _size(table, first)
    for name in others:
        size = 2 + _size(table, name)
        if blocks[-1] and used + size > width:
            blocks.append([])
            used = start
        blocks[-1].append(name)
        used += size
    return [[first, *sorted(block, key=table.columns.index)] for block in blocks]


def _grid(table: Table, names: Sequence[str], groups: Sequence[str]) -> list[str]:
    """Head, rule and one line per record, under a heading where the group changes."""
    sizes = [_size(table, name) for name in names]

    def line(cells: Sequence[str]) -> str:
        return "  ".join(
            cell.rjust(size) if table.is_number(name) else cell.ljust(size)
            for cell, size, name in zip(cells, sizes, names, strict=True)
        )

    lines = [line([_head(table, name) for name in names]), "  ".join("─" * size for size in sizes)]
    heading = ""
    for record in table.records:
        group = "  ".join(_said(table, record, name) for name in groups)
        if group != heading:
            lines.append(group)
            heading = group
        lines.append(line([_cell(table, record, name) for name in names]))
    return lines if table.records else [*lines, "(nothing)"]


def _size(table: Table, name: str) -> int:
    return widest([_head(table, name), *(_cell(table, record, name) for record in table.records)])


def _head(table: Table, name: str) -> str:
    return f"{name} [95 %]" if name in table.intervals else name


def _said(table: Table, record: Mapping[str, Any], name: str) -> str:
    return f"{name}: {table.cell(record, name)}"


def _cell(table: Table, record: Mapping[str, Any], name: str) -> str:
    cell = table.cell(record, name)
    if name not in table.intervals:
        return cell
    low, high = table.intervals[name]
    if is_undefined(record[low]):
        return cell
    return f"{cell} [{table.cell(record, low)}, {table.cell(record, high)}]"
