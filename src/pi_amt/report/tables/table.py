"""Tables: one set of records, shown in a terminal, a notebook or a paper, or kept as data.

Files for machines (CSV, Parquet, pandas) hold every column at full precision, with nothing where a
value is undefined. What people read (terminal, HTML, Markdown, LaTeX) shows the main columns,
rounded, with a dash there.
"""

from __future__ import annotations

import csv
import html
import io
import shutil
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pi_amt.core.text import WARNING, plural
from pi_amt.report.tables.cells import (
    format_value,
    is_undefined,
    latex_text,
    markdown_text,
    minus,
    widest,
)
from pi_amt.statistics.bootstrap import bound_names

if TYPE_CHECKING:
    import pandas as pd

#: of sentences under a table
WRAP: dict[str, Any] = {
    "subsequent_indent": "  ",
    "break_long_words": False,
    "break_on_hyphens": False,
}
#: tables of more lines show one block of columns unless asked for all
FOLDED_LINES = 40


def bounds_of(names: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Estimate → the columns of its bounds, for :attr:`Table.intervals`."""
    return {name: bound_names(name) for name in names}


def with_bounds(names: Iterable[str]) -> tuple[str, ...]:
    """The columns of estimates, each before those of its bounds."""
    return tuple(column for name in names for column in (name, *bound_names(name)))


def warnings_among(footers: Iterable[str]) -> list[str]:
    """The footers that are warnings, without the word itself."""
    return [note.removeprefix(WARNING) for note in footers if note.startswith(WARNING)]


@dataclass(frozen=True)
class Table:
    """Records with named columns.

    Attributes:
        title: one line.
        columns: all column names, in order.
        records: one mapping per line; every column is a key.
        footers: how to read the numbers, warnings.
        formats: column → format specification such as ``.3f``, or ``p`` for p-values.
        main: columns that people see first; all if empty.
        lead: columns of a terminal table, the one that names the lines first, then the most needed
            first; ``main`` if empty.
        groups: columns that a terminal shows as headings above the lines that share them.
        intervals: column → its (low, high) columns.
        brief: columns of a notebook and of a paper, where an estimate stands with its interval and
            groups as headings, as in a terminal; ``main``, each number in its own cell, if empty.
        befores: column → the column that stands before it in its cell there, with an arrow.
        heads: column → what stands above it there, where that is not its name.
        asides: numbers of the lines that a paper leaves out.
        score: what readers call the score that the columns are of.
    """

    title: str
    columns: tuple[str, ...]
    records: tuple[Mapping[str, Any], ...]
    footers: tuple[str, ...] = ()
    formats: Mapping[str, str] = field(default_factory=dict)
    main: tuple[str, ...] = ()
    lead: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    intervals: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    brief: tuple[str, ...] = ()
    befores: Mapping[str, str] = field(default_factory=dict)
    heads: Mapping[str, str] = field(default_factory=dict)
    asides: frozenset[int] = frozenset()
    score: str = "F"

    def __repr__(self) -> str:
        lines, columns = plural(len(self), "line"), plural(len(self.columns), "column")
        return f"Table({self.title!r}, {lines} × {columns}; print() shows it)"

    def __len__(self) -> int:
        return len(self.records)

    def __str__(self) -> str:
        return self.to_text()

    def column(self, name: str) -> list[Any]:
        """All values of one column.

        Raises:
            ValueError: if there is no such column.
        """
        self._check([name])
        return [record[name] for record in self.records]

    def to_text(self, width: int | None = None, *, fold: bool | None = None) -> str:
        """Plain text for a terminal, see :mod:`pi_amt.report.tables.table`.

        Args:
            width: characters; the terminal's if not given.
            fold: put columns that do not fit into further blocks below; if false they are only
                named. If not given, tables of up to :data:`FOLDED_LINES` lines are folded.
        """
        width = width or shutil.get_terminal_size((100, 24)).columns
        return table_text(self, width, len(self) <= FOLDED_LINES if fold is None else fold)

    def view(self, title: str, lead: Sequence[str]) -> Table:
        """The same records with other columns for people, and no footers."""
        self._check(lead)
        lead = tuple(lead)
        return replace(self, title=title, main=lead, lead=lead, brief=(), footers=())

    def cell(self, record: Mapping[str, Any], name: str) -> str:
        """One value of one line as people read it."""
        return format_value(record[name], self.formats.get(name, ".3f"))

    def is_number(self, name: str) -> bool:
        """Whether a column holds no text."""
        return not any(isinstance(record[name], str) for record in self.records)

    def to_csv(self, path: str | Path | None = None) -> str:
        """All columns as CSV, written to ``path`` if given; undefined numbers are empty."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        for record in self.records:
            writer.writerow(["" if is_undefined(record[n]) else record[n] for n in self.columns])
        return _written(text.getvalue(), path)

    def to_markdown(
        self,
        path: str | Path | None = None,
        columns: Sequence[str] | None = None,
        *,
        joined: bool = False,
    ) -> str:
        """A Markdown table of the main (or the given) columns, footers below.

        ``joined``: an estimate stands in one cell with its interval, as in a notebook.
        """
        shown = self._shown(columns)
        cell = _brief_cell if joined else Table.cell
        rows = [
            [markdown_text(cell(self, record, name)) for name in shown] for record in self.records
        ]
        rule = ["---:" if self.is_number(name) else "---" for name in shown]
        heads = [markdown_text(_brief_head(self, n) if joined else n) for n in shown]
        lines = ["| " + " | ".join(row) + " |" for row in (heads, rule, *rows)]
        notes = [f"- {markdown_text(note)}" for note in self.footers]
        return _written("\n".join([*lines, "", *notes]).rstrip() + "\n", path)

    def to_latex(self, path: str | Path | None = None, columns: Sequence[str] | None = None) -> str:
        """A LaTeX ``tabular`` (package booktabs) for a paper: the brief (or the given) columns.

        A brief table takes the largest size of type in which it fits the width of an article's
        text. Title, footers and how many lines were left out stand above it as comments.
        """
        lines = [f"% {' '.join(note.split())}" for note in (self.title, *self.footers) if note]
        if columns is None and self.brief:
            if self.asides:
                lines.append(f"% {plural(len(self.asides), 'line')} of controls not shown")
            return _written("\n".join([*lines, *_latex_brief(self)]) + "\n", path)
        shown = self._shown(columns)
        kinds = "".join("r" if self.is_number(name) else "l" for name in shown)
        rows = [[self.cell(record, name) for name in shown] for record in self.records]
        lines += [rf"\begin{{tabular}}{{{kinds}}}", r"\toprule", _latex_line(shown), r"\midrule"]
        lines += [_latex_line(row) for row in rows]
        return _written("\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n", path)

    def to_html(self, columns: Sequence[str] | None = None) -> str:
        """An HTML table of the brief (or the given) columns, footers below; all text escaped."""
        joined = columns is None and bool(self.brief)
        shown = self.brief if joined else self._shown(columns)
        names = [_brief_head(self, name) for name in shown] if joined else shown
        heads = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in names)
        number = ' style="text-align:right;white-space:nowrap"'
        align = [number if self.is_number(name) else "" for name in shown]
        cell = _brief_cell if joined else Table.cell
        rows = heading = ""
        for record in self.records:
            group = _heading(self, record) if joined else heading
            if group != heading:
                heading = group
                above = f'<th scope="rowgroup" colspan="{len(shown)}" style="text-align:left">'
                rows += f"<tr>{above}{html.escape(group)}</th></tr>\n"
            cells = (
                f"<td{style}>{html.escape(cell(self, record, name))}</td>"
                for name, style in zip(shown, align, strict=True)
            )
            rows += f"<tr>{''.join(cells)}</tr>\n"
        notes = "".join(f"<p><small>{html.escape(note)}</small></p>\n" for note in self.footers)
        caption = f"<caption>{html.escape(self.title)}</caption>"
        head = f"<thead><tr>{heads}</tr></thead>"
        return f"<table>{caption}{head}\n<tbody>\n{rows}</tbody></table>\n{notes}"

    def _repr_html_(self) -> str:
        return self.to_html()

    def to_pandas(self) -> pd.DataFrame:
        """All columns as a pandas frame, undefined numbers NaN.

        Raises:
            ImportError: without pandas.
        """
        pandas = _optional("pandas")
        frame: pd.DataFrame = pandas.DataFrame(list(self.records), columns=list(self.columns))
        return frame

    def to_parquet(self, path: str | Path) -> Path:
        """All columns as a Parquet file; undefined numbers are null.

        Raises:
            ImportError: without pyarrow.
        """
        pyarrow, parquet = _optional("pyarrow"), _optional("pyarrow.parquet")
        arrays = {}
        for name in self.columns:
            values = [None if is_undefined(value) else value for value in self.column(name)]
            kind = pyarrow.float64() if self.is_number(name) else pyarrow.string()
            if self.is_number(name) and all(isinstance(value, int) for value in values):
                kind = pyarrow.int64()
            arrays[name] = pyarrow.array(values, type=kind)
        parquet.write_table(pyarrow.table(arrays), str(path))
        return Path(path)

    def _shown(self, columns: Sequence[str] | None) -> tuple[str, ...]:
        if columns is None:
            return self.main or self.columns
        self._check(columns)
        return tuple(columns)

    def _check(self, columns: Sequence[str]) -> None:
        unknown = [name for name in columns if name not in self.columns]
        if unknown:
            raise ValueError(
                f"got column {unknown[0]!r}, expected one of {', '.join(self.columns)}"
            )


#: width of the text of an article on A4 or letter paper, in points
_PAPER_WIDTH = 345.0
#: LaTeX's sizes of type, and how large they are beside an article's own
_SIZES = {r"\small": 0.9, r"\footnotesize": 0.8, r"\scriptsize": 0.7}
_BETWEEN_COLUMNS, _CLOSEST = 12.0, 3.0


def _latex_line(cells: Sequence[str]) -> str:
    return " & ".join(latex_text(cell) for cell in cells) + r" \\"


def _latex_brief(table: Table) -> list[str]:
    """Lines of the brief table, in a group of its own size of type."""
    heads = [_brief_head(table, name) for name in table.brief]
    records = [r for number, r in enumerate(table.records) if number not in table.asides]
    several = len({_heading(table, record) for record in records}) > 1
    kinds = "".join("r" if table.is_number(name) else "l" for name in table.brief)
    lines = [
        rf"\begin{{tabular}}{{@{{}}{kinds}@{{}}}}",
        r"\toprule",
        _latex_line(heads),
        r"\midrule",
    ]
    rows = [[_brief_cell(table, record, name) for name in table.brief] for record in records]
    heading = ""
    for record, row in zip(records, rows, strict=True):
        if several and _heading(table, record) != heading:
            lines += [r"\midrule"] if heading else []
            heading = _heading(table, record)
            text = rf"\emph{{{latex_text(heading)}}}"
            lines.append(rf"\multicolumn{{{len(row)}}}{{@{{}}l}}{{{text}}} \\")
        lines.append(_latex_line(row))
    widths = sum(max(map(_points, column)) for column in zip(heads, *rows, strict=True))
    gaps = len(heads) - 1
    for size, scale in _SIZES.items():
        if widths * scale + _BETWEEN_COLUMNS * gaps <= _PAPER_WIDTH:
            return [f"{{{size}", *lines, r"\bottomrule", r"\end{tabular}", "}"]
    # the smallest type, and columns that are as close as they must be
    half = max((_PAPER_WIDTH - widths * scale) / gaps / 2, _CLOSEST / 2)
    close = rf"\setlength{{\tabcolsep}}{{{half:.1f}pt}}"
    return [f"{{{size}{close}", *lines, r"\bottomrule", r"\end{tabular}", "}"]


def _points(cell: str) -> float:
    """About how wide LaTeX sets a text in an article's own type of 10 points."""
    return sum(10.0 if c == "→" else 3.0 if c in ".,[]()|il " else 5.2 for c in cell)


def _heading(table: Table, record: Mapping[str, Any]) -> str:
    return ", ".join(table.cell(record, name) for name in table.groups)


def _brief_head(table: Table, name: str) -> str:
    head = table.heads.get(name, name)
    return f"{head} [95 %]" if name in table.intervals else head


def _brief_cell(table: Table, record: Mapping[str, Any], name: str) -> str:
    cell = _cell(table, record, name)
    if name not in table.befores:
        return cell
    return f"{table.cell(record, table.befores[name])} → {cell}"


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
    if not table.records:
        return wanted
    return [n for n in wanted if not all(is_undefined(v) or v == "" for v in table.column(n))]


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
            minus(cell).rjust(size) if table.is_number(name) else cell.ljust(size)
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


def _written(text: str, path: str | Path | None) -> str:
    if path is not None:
        Path(path).write_text(text, encoding="utf-8")
    return text


def _optional(module: str) -> Any:
    """Import a package that a plain install does not have.

    Raises:
        ImportError: saying what to install.
    """
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(f"{module} is not installed; pip install 'pi_amt[pandas]'") from error
