"""The columns of a table on the page: which stand there at first, what they are called and mean.

An estimate stands in one column with its interval, and the clean score with the perturbed one, so
that what belongs together is never cut apart. What does not lead waits behind a switch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pi_amt.report.names import column_head, column_meaning
from pi_amt.report.tables.cells import is_undefined, minus
from pi_amt.report.tables.table import Table
from pi_amt.statistics.bootstrap import bound_names

#: the columns of the importance table that lead; those of other tables say themselves what leads
_PLACES = ("model", "dataset")
_LEADING = (*_PLACES, "condition", "baseline", "drop", "excess_drop", "p_holm")
#: so many columns lead at most: they fit into a page beside each other
_MOST = 8
#: columns that say again what the condition's name says
_NAMES = {"permutation", "parameters", "label"}


@dataclass(frozen=True)
class Column:
    """A column of the page.

    Attributes:
        names: columns of the table that it shows: one; an estimate and its bounds; or the score
            before and after.
        head: what it is called.
        meaning: what it means, for a tooltip.
        number: whether it holds numbers.
        leads: whether it is seen without the switch.
    """

    names: tuple[str, ...]
    head: str
    meaning: str
    number: bool
    leads: bool

    def cell(self, table: Table, record: Mapping[str, Any]) -> tuple[str, str]:
        """(value, what stands small behind it) of one line."""
        first, *others = (table.cell(record, name) for name in self.names)
        if self.number:
            first, *others = map(minus, (first, *others))
        if not others or is_undefined(record[self.names[-1]]):
            return first, ""
        if len(others) == 1:
            return f"{first} → {others[0]}", ""
        return first, f"[{others[0]}, {others[1]}]"


def columns_of(table: Table) -> list[Column]:
    """All columns that have a value in some line, those that lead first."""
    names = [name for name in table.columns if not _is_empty(table, name)]
    if {"condition", "label"} & set(names):
        names = [name for name in names if name not in _NAMES - {"condition"}]
        names = names if "condition" in names or "label" in names else [*names, "label"]
    folded: dict[str, tuple[str, ...]] = {}
    for name in names:
        bounds = bound_names(name)
        if set(bounds) <= set(table.columns):
            folded[name] = (name, *bounds)
    if {"baseline", "perturbed"} <= set(names):
        folded["baseline"] = ("baseline", "perturbed")
    inside = {part for parts in folded.values() for part in parts[1:]}
    leading = [n for n in _leading(table) if n in names and n not in inside]
    rest = [n for n in names if n not in inside and n not in leading]
    return [
        *(_column(table, folded.get(name, (name,)), True) for name in leading),
        *(_column(table, folded.get(name, (name,)), False) for name in rest),
    ]


def _leading(table: Table) -> list[str]:
    if {"baseline", "excess_drop"} <= set(table.columns):
        wanted: Sequence[str] = _LEADING
    else:
        wanted = table.lead or table.main or table.columns
    places = [n for n in _PLACES if n in wanted and len(set(table.column(n))) > 1]
    return [*places, *(name for name in wanted if name not in _PLACES)][:_MOST]


def _is_empty(table: Table, name: str) -> bool:
    return all(is_undefined(value) or value == "" for value in table.column(name))


def _column(table: Table, names: tuple[str, ...], leads: bool) -> Column:
    head = column_head(names[0])
    meaning = column_meaning(names[0]) or "option of the permutation"
    if names == ("baseline", "perturbed"):
        head = f"{table.score} clean → perturbed"
        meaning = f"{meaning}, and {column_meaning('perturbed')}"
    elif len(names) == 3:
        meaning = f"{meaning}; in brackets its 95 % interval"
    return Column(names, head, meaning, table.is_number(names[0]), leads)
