"""What a terminal shows of stored results.

A run and ``pi-amt table`` print the same short form, at most :data:`LINES` lines: the answer in
words, one table of the conditions, how many warnings there are, and where the rest is.
``pi-amt table --all`` prints everything.
"""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

from pi_amt.core.errors import below, printable
from pi_amt.core.text import listed, plural
from pi_amt.permutation_importance import Importance
from pi_amt.report.catalog import catalog, why_no_condition
from pi_amt.report.names import dataset_title, model_title
from pi_amt.report.statements import Answer, answer_of, single_drops, statements, verdicts
from pi_amt.report.tables.cells import rounded
from pi_amt.report.tables.dose import dose_table
from pi_amt.report.tables.importance import VIEWS, footnotes
from pi_amt.report.tables.profile import agreement_table, profile_sentences, profile_table
from pi_amt.report.tables.shapley import (
    coalition_table,
    interaction_table,
    shapley_table,
    with_values,
)
from pi_amt.report.tables.table import WRAP, Table, warnings_among
from pi_amt.statistics.estimates import ConditionResult, baseline_result
from pi_amt.statistics.panels import Panel
from pi_amt.statistics.verdicts import Verdict
from pi_amt.store.rows import Row

#: of the short form
LINES = 25
#: of them, for the answer in words and where the score comes from, where there is a table, too
_ANSWER_LINES = 9
#: a narrower terminal breaks the lines of the short table
_NARROWEST = 72
_BAR = 8
#: one shade per player of a bar as long as an F of 1
_SOURCES_BAR, _SHADES = 20, "█▓▒░▚▞▘·"
_EIGHTHS = " ▏▎▍▌▋▊▉"
_BOLD, _DIM, _GREEN, _YELLOW, _BLUE = "1", "2", "32", "33", "34"
_COLOURS = {
    **dict.fromkeys((Verdict.RELIES, Verdict.SUFFICES, Verdict.IN_PART), _GREEN),
    **dict.fromkeys(
        (Verdict.LEAKS, Verdict.TOO_FEW, Verdict.AT_FLOOR, Verdict.CONTROL_AT_FLOOR), _YELLOW
    ),
    Verdict.WITHIN_BIAS: _YELLOW,
    Verdict.NO_EVIDENCE: _DIM,
}


def print_short(
    importance: Importance,
    paths: Mapping[str, Path | str],
    *,
    lines: int = LINES,
    store: Path | str = "RESULTS",
) -> None:
    """Print the answer, the table of conditions and where the rest is.

    Args:
        importance: what was found.
        paths: what to call each file or folder → where it is.
        lines: at most so many.
        store: results folder, for the command that prints the rest.
    """
    width = max(shutil.get_terminal_size((100, 24)).columns, 20)
    paint = _Paint.of_terminal()
    foot = [_rest(importance, store), *_paths(paths)]
    sources = _sources(importance, max(width, _NARROWEST), paint)
    answers = _answers(importance, width, _ANSWER_LINES - len(sources), paint)
    room = lines - len(answers) - len(sources) - len(foot) - 2
    table = _table(importance, max(width, _NARROWEST), max(room, 2), paint)
    for line in [*answers, "", *sources, *table, "", *foot]:
        print(line)


def tables_of(importance: Importance) -> list[Table]:
    """All tables, as far as the rows have them, the most important first.

    These are the importance table, further views of it, the Shapley values with their interactions,
    harmonic profiles, the dose curves, differences between models, and the error anatomy of rows
    with note tables.
    """
    table, values = importance.table(), shapley_table(importance)
    views = [table.view(title, lead) for title, lead in VIEWS.items() if catalog(importance)]
    shapley = (
        [values, interaction_table(importance)] if len(values) else [coalition_table(importance)]
    )
    optional = [
        *shapley,
        profile_table(importance),
        agreement_table(importance),
        dose_table(importance),
        importance.contrasts(),
    ]
    return [table, *views, *filter(len, optional), *importance.anatomy()]


def print_headline(importance: Importance) -> None:
    """Print the result in words, harmonic profiles after the answer, wrapped to the terminal."""
    width = shutil.get_terminal_size((100, 24)).columns
    for paragraph in [*importance.headline(), *profile_sentences(importance)]:
        print(textwrap.fill(paragraph, width, **WRAP))


@dataclass(frozen=True)
class _Paint:
    """Colours of a terminal; none where they are not wanted (https://no-color.org) or not seen."""

    on: bool

    @classmethod
    def of_terminal(cls) -> _Paint:
        plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
        return cls(sys.stdout.isatty() and not plain)

    def __call__(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self.on and colour and text.strip() else text


def _answers(importance: Importance, width: int, room: int, paint: _Paint) -> list[str]:
    """The answers in words, in as much detail as there is room for: so many lines."""
    answers = [answer_of(importance, panel) for panel in importance.panels]
    for detail in (
        lambda answer: [*answer.evidence, *answer.others],
        lambda answer: answer.evidence,
        lambda answer: answer.evidence[:2],
        lambda answer: answer.evidence[:1],
        lambda answer: (),
    ):
        lines = [
            line for answer in answers for line in _paragraph(answer, detail(answer), width, paint)
        ]
        if len(lines) <= room:
            return lines
    more = f"… {plural(len(lines) - room + 1, 'more line')}"
    return [*lines[: room - 1], more]


def _paragraph(answer: Answer, detail: Sequence[str], width: int, paint: _Paint) -> list[str]:
    """One answer and what is said besides, wrapped; the answer itself is bold."""
    text = " ".join([answer.lead, *detail])
    left = len(answer.lead)
    painted = []
    for line in textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False):
        bold = line[: max(left, 0)]
        painted.append(paint(bold, _BOLD) + line[len(bold) :])
        left -= len(line) + 1
    return painted


def _sources(importance: Importance, width: int, paint: _Paint) -> list[str]:
    """Of each model a bar that is put together of its players, and what each contributes."""
    found = with_values(importance)
    titles = [model_title(one.panel.model) for one in found]
    if len(importance.datasets) > 1:
        titles = [_title(one.panel) for one in found]
    longest = max(map(len, titles), default=0)
    lines = []
    for one, title in zip(found, titles, strict=True):
        parts = [(part.name, part.value.estimate) for part in one.parts.players]
        bar = "".join(
            shade * max(round(value * _SOURCES_BAR), 0)
            for (_, value), shade in zip(parts, _SHADES, strict=False)
        )
        whole = rounded(one.parts.whole.value.estimate)
        told = " + ".join(f"{name} {rounded(value)}" for name, value in parts)
        start = f"{title:{longest}} {bar:{_SOURCES_BAR}} {whole} = "
        rows = textwrap.wrap(start + told, width, subsequent_indent=" " * len(start))
        rows[0] = paint(title, _BOLD) + rows[0][len(title) :].replace(bar, paint(bar, _BLUE), 1)
        lines += rows
    return [*lines, ""] if lines else []


def _table(importance: Importance, width: int, room: int, paint: _Paint) -> list[str]:
    """Condition, F, drop, excess and verdict; of each panel the most telling conditions.

    Where no condition was run, it is said what was in its place.
    """
    if why := why_no_condition(importance):
        return textwrap.wrap(why, width)
    blocks = [_conditions(importance, panel) for panel in importance.panels]
    wanted = sum(map(len, blocks))
    heads = 1 + len(blocks)  # the names of the columns, and a line per baseline
    if wanted + heads > room:
        each = max((room - heads - 1) // len(blocks), 0)
        kept = [_most_telling(importance, panel, each) for panel in importance.panels]
        blocks = [
            [line for line in block if line[0].condition in names]
            for block, names in zip(blocks, kept, strict=True)
        ]
    results = [result for block in blocks for result, _, _ in block]
    longest = max((len(result.condition) for result in results), default=0)
    titles = [_title(panel) for panel in importance.panels]
    first = min(max(longest + 2, *map(len, titles), 16), width - 57)
    tested = any(result.is_testable for result in results)
    drop = " drop [95 %]" if tested else " drop (recordings)"
    head = f"{'condition':{first}} {'':{_BAR}} {'F':>4}  {drop:<20}  {'excess':>6}  verdict"
    lines = [paint(head, _DIM)]
    for panel, title, block in zip(importance.panels, titles, blocks, strict=True):
        baseline = baseline_result(panel, importance.inference).perturbed
        bar = paint(_bar(baseline), _BLUE)
        lines.append(f"{paint(_cut(title, first), _BOLD)} {bar} {rounded(baseline):>4}")
        lines += [
            _line(importance, panel, result, number, verdict, first, paint)
            for result, number, verdict in block
        ]
    lines = lines[: max(room - (wanted + heads > room), 1)]
    left_out = wanted - sum(map(len, blocks))
    return [*lines, f"… {plural(left_out, 'more condition')}"] if left_out else lines


def _conditions(importance: Importance, panel: Panel) -> list[tuple[ConditionResult, int, Verdict]]:
    """(figures, number, verdict) of the conditions of a panel, controls left out."""
    results, found = importance.results_of(panel), verdicts(importance, panel)
    return [
        (result, number, verdict)
        for number, (result, verdict) in enumerate(zip(results, found, strict=True))
        if verdict is not None
    ]


def _most_telling(importance: Importance, panel: Panel, count: int) -> set[str]:
    """The names of the conditions that statements rest on first, then of the other masks."""
    found = statements(importance, panel)
    leading = [statement.conditions[0] for statement in found]
    others = [name for statement in found for name in statement.conditions[1:]]
    return set([*leading, *others][:count])


def _line(
    importance: Importance,
    panel: Panel,
    result: ConditionResult,
    number: int,
    verdict: Verdict,
    first: int,
    paint: _Paint,
) -> str:
    if result.is_testable:
        low, high = rounded(result.drop_low), rounded(result.drop_high)
        bounds = "" if low == "–" else f" [{low}, {high}]"
    else:
        bounds = _singles(single_drops(panel, number, importance.score))
    drop = f"{rounded(result.drop):>5}{bounds}"
    return (
        f"{_cut('  ' + result.condition, first)} {paint(_bar(result.perturbed), _BLUE)} "
        f"{rounded(result.perturbed):>4}  {drop:<20}  {rounded(result.excess_drop):>6}  "
        f"{paint(str(verdict), _COLOURS.get(verdict, ''))}"
    )


def _singles(drops: Sequence[float]) -> str:
    """The drops of two or three recordings, else their range, where an interval would stand."""
    if len(drops) < 2:
        return ""
    separator = ", " if len(drops) == 2 else " … "
    return f" ({rounded(drops[0])}{separator}{rounded(drops[-1])})"


def _title(panel: Panel) -> str:
    return f"{model_title(panel.model)}, {dataset_title(panel.dataset)}"


def _bar(score: float) -> str:
    """A bar as long as a score from 0 to 1."""
    if not 0 <= score <= 1:  # NaN, too, or a score of a plug-in
        return " " * _BAR
    whole, part = divmod(round(score * _BAR * 8), 8)
    return ("█" * whole + (_EIGHTHS[part] if part else "")).ljust(_BAR)


def _cut(text: str, size: int) -> str:
    return text.ljust(size) if len(text) <= size else f"{text[: size - 1]}…"


def _rest(importance: Importance, store: Path | str) -> str:
    """How many warnings there are, and the command that prints them and all else."""
    warnings = warnings_among(footnotes(importance))
    said = plural(len(warnings), "warning") if warnings else "no warnings"
    return f"{said}; all figures and notes: pi-amt table {store} --all"


def _paths(paths: Mapping[str, Path | str]) -> list[str]:
    size = max(map(len, paths), default=0) + 1
    return [f"{f'{name}:':<{size}} {path}" for name, path in paths.items()]


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
