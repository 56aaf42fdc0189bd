"""Tables: one set of records, shown in a terminal, a notebook or a paper, or kept as data.

Files for machines (CSV, Parquet, pandas) hold every column at full precision, with nothing where a
value is undefined. What people read (terminal, HTML, Markdown, LaTeX) shows the main columns,
rounded, with a dash there. In a terminal, intervals stand in the cell of their estimate, and
columns that do not fit are named under the table, never cut.
"""

from __future__ import annotations

import csv
import html
import io
import shutil
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pi_amt.table_cells import (
    format_value,
    is_undefined,
    latex_text,
    markdown_text,
    widest,
)

if TYPE_CHECKING:
    import pandas as pd

_WRAP: dict[str, Any] = {
    "subsequent_indent": "  ",
    "break_long_words": False,
    "break_on_hyphens": False,
}


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
        lead: columns of a terminal table, most needed first; ``main`` if empty.
        intervals: column → its (low, high) columns.
    """

    title: str
    columns: tuple[str, ...]
    records: tuple[Mapping[str, Any], ...]
    footers: tuple[str, ...] = ()
    formats: Mapping[str, str] = field(default_factory=dict)
    main: tuple[str, ...] = ()
    lead: tuple[str, ...] = ()
    intervals: Mapping[str, tuple[str, str]] = field(default_factory=dict)

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

    def to_text(self, width: int | None = None) -> str:
        """Plain text that fits ``width`` characters (the terminal's if not given)."""
        width = width or shutil.get_terminal_size((100, 24)).columns
        shown, constant, left_out = self._fitting(width)
        cells = [[self._with_interval(record, name) for name in shown] for record in self.records]
        heads = [name if name not in self.intervals else f"{name} [95 %]" for name in shown]
        sizes = [widest(column) for column in zip(heads, *cells, strict=True)]
        lines = [self.title] if self.title else []
        lines += ["  ".join(f"{name}: {self._cell(self.records[0], name)}" for name in constant)]
        lines += [self._line(heads, sizes, shown), "  ".join("─" * size for size in sizes)]
        lines += [self._line(row, sizes, shown) for row in cells] or ["(nothing)"]
        notes = list(self.footers)
        if left_out:
            notes.insert(0, f"Not shown for want of width, in the CSV: {', '.join(left_out)}.")
        lines += [textwrap.fill(note, width, **_WRAP) for note in notes]
        return "\n".join(line.rstrip() for line in lines if line)

    def to_csv(self, path: str | Path | None = None) -> str:
        """All columns as CSV, written to ``path`` if given; undefined numbers are empty."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        for record in self.records:
            writer.writerow(["" if is_undefined(record[n]) else record[n] for n in self.columns])
        return _written(text.getvalue(), path)

    def to_markdown(
        self, path: str | Path | None = None, columns: Sequence[str] | None = None
    ) -> str:
        """A Markdown table of the main (or the given) columns, footers below."""
        shown = self._shown(columns)
        rows = [
            [markdown_text(self._cell(record, name)) for name in shown] for record in self.records
        ]
        rule = ["---:" if self._is_number(name) else "---" for name in shown]
        heads = [markdown_text(name) for name in shown]
        lines = ["| " + " | ".join(row) + " |" for row in (heads, rule, *rows)]
        notes = [f"- {markdown_text(note)}" for note in self.footers]
        return _written("\n".join([*lines, "", *notes]).rstrip() + "\n", path)

    def to_latex(self, path: str | Path | None = None, columns: Sequence[str] | None = None) -> str:
        """A LaTeX ``tabular`` (package booktabs) of the main columns, footers as comments."""
        shown = self._shown(columns)
        kinds = "".join("r" if self._is_number(name) else "l" for name in shown)
        rows = [[latex_text(self._cell(record, name)) for name in shown] for record in self.records]
        heads = " & ".join(latex_text(name) for name in shown) + r" \\"
        lines = [f"% {' '.join(note.split())}" for note in (self.title, *self.footers) if note]
        lines += [rf"\begin{{tabular}}{{{kinds}}}", r"\toprule", heads, r"\midrule"]
        lines += [" & ".join(row) + r" \\" for row in rows]
        return _written("\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n", path)

    def to_html(self, columns: Sequence[str] | None = None) -> str:
        """An HTML table of the main (or the given) columns, footers below; all text escaped."""
        shown = self._shown(columns)
        heads = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in shown)
        align = [' style="text-align:right"' if self._is_number(name) else "" for name in shown]
        rows = "".join(
            "<tr>"
            + "".join(
                f"<td{style}>{html.escape(self._cell(record, name))}</td>"
                for name, style in zip(shown, align, strict=True)
            )
            + "</tr>\n"
            for record in self.records
        )
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
            kind = pyarrow.float64() if self._is_number(name) else pyarrow.string()
            if self._is_number(name) and all(isinstance(value, int) for value in values):
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

    def _is_number(self, name: str) -> bool:
        return not any(isinstance(record[name], str) for record in self.records)

    def _cell(self, record: Mapping[str, Any], name: str) -> str:
        return format_value(record[name], self.formats.get(name, ".3f"))

    def _with_interval(self, record: Mapping[str, Any], name: str) -> str:
        cell = self._cell(record, name)
        if name not in self.intervals:
            return cell
        low, high = self.intervals[name]
        if is_undefined(record[low]):
            return cell
        return f"{cell} [{self._cell(record, low)}, {self._cell(record, high)}]"

    def _fitting(self, width: int) -> tuple[list[str], list[str], list[str]]:
        """Columns that fit, columns with one value for all lines, columns that do not fit."""
        wanted = list(self.lead or self.main or self.columns)
        if len(self.records) > 1:
            wanted = [n for n in wanted if not all(is_undefined(v) for v in self.column(n))]
        constant = [name for name in wanted if self._is_constant(name)]
        fitting: list[str] = []
        used = -2
        for name in wanted:
            if name not in constant:
                head = name if name not in self.intervals else f"{name} [95 %]"
                used += 2 + widest([head, *(self._with_interval(r, name) for r in self.records)])
                if used <= width or not fitting:
                    fitting.append(name)
        left_out = [name for name in wanted if name not in (*constant, *fitting)]
        return sorted(fitting, key=self.columns.index), constant, left_out

    def _is_constant(self, name: str) -> bool:
        values = self.column(name)
        names_or_counts = all(isinstance(value, str | int) for value in values)
        return len(values) > 1 and names_or_counts and len(set(values)) == 1

    def _line(self, cells: Sequence[str], sizes: Sequence[int], names: Sequence[str]) -> str:
        return "  ".join(
            cell.rjust(size) if self._is_number(name) else cell.ljust(size)
            for cell, size, name in zip(cells, sizes, names, strict=True)
        )


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
