"""The page as text: what goes into the template, and the template.

Everything that comes from data is escaped by Jinja or goes in as JSON that cannot end its element;
only the package's own styles and scripts go in as they are.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from pi_amt.core.text import WARNING, plural
from pi_amt.core.version import __version__
from pi_amt.report import names
from pi_amt.report.catalog import Entry, main_conditions, without_controls
from pi_amt.report.names import column_meaning, score_name
from pi_amt.report.page import context, headings, shapley
from pi_amt.report.page.columns import columns_of
from pi_amt.report.page.files import Links
from pi_amt.report.page.forest import excess_interval_text, forests, interval_text, ticks_of
from pi_amt.report.page.payload import safe_json
from pi_amt.report.statements import bias_in_words
from pi_amt.report.tables.cells import NOTHING, format_value, minus
from pi_amt.report.tables.importance import footnotes
from pi_amt.report.tables.profile import profile_sentences
from pi_amt.report.tables.shapley import with_values
from pi_amt.report.tables.table import Table, warnings_among
from pi_amt.statistics.estimates import ConditionResult
from pi_amt.statistics.panels import Panel
from pi_amt.statistics.result import Result

_RULE = (
    "Where a store holds several versions of the same results, the newest complete variant "
    "(weights, precision, settings, method) is taken; variants are never averaged."
)
_CLOSING = (
    "Intervals are over recordings; a drop says what {score} is sensitive to, an excess over the "
    "matched control what the model relies on."
)
#: data of a page without charts
_NO_CHARTS: dict[str, Any] = {"panels": [], "conditions": {}, "curves": [], "levels": []}
_SCRIPTS = ("app.js", "charts.js", "explorer.js", "start.js")


@dataclass(frozen=True)
class Explorer:
    """What the piece explorer shows: its data, and what is to be said about what is missing."""

    data: Mapping[str, Any] | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Page:
    """Everything that goes into the template."""

    importance: Result
    entries: Sequence[Entry]
    manifests: Sequence[Mapping[str, Any]]
    data: Mapping[str, Any]
    tables: Mapping[str, Table]
    methods: str
    bibtex: str
    explorer: Explorer = field(default_factory=Explorer)


def render(page: Page, folder: str, links: Links) -> str:
    """The HTML text.

    Args:
        page: its contents.
        folder: name of the folder with the files.
        links: what lies there.
    """
    return from_template(
        "report.html.j2",
        **_words(page),
        **_numbers(page),
        kind="Permutation importance report",
        closing=_CLOSING.format(score=score_name(page.importance.score)),
        folder=folder,
        files=links,
        rule=_RULE,
        banner_text=names.BANNER,
        badge_text=names.BADGE,
        hard_text=names.HARD_BADGE,
        leak_text=names.LEAK_BADGE,
        breakable=breakable,
        dataset_title=names.dataset_title,
    )


def from_template(name: str, **words: Any) -> str:
    """A page in the package's look.

    Args:
        name: a template that fills the layout.
        words: what it needs, and the layout's ``title``, ``lede``, ``kind``, ``tabs``, ``closing``
            and ``data_json``.
    """
    environment = Environment(
        loader=FunctionLoader(template_text),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name).render(
        **words,
        css=Markup(template_text("report.css")),
        js=Markup("\n".join(map(template_text, _SCRIPTS))),
        version=__version__,
        columns_of=columns_of,
        csv_of=_csv,
        plural=plural,
        minus=minus,
        meaning=column_meaning,
        warning_mark=WARNING,
    )


def check_output(option: str, output: Path) -> None:
    """Refuse a place where no page can be written, before anything is computed for it.

    Args:
        option: what the user calls the output.
        output: the HTML file.

    Raises:
        ValueError: if the output is a folder, or its own folder cannot be written or made.
    """
    if output.is_dir():
        raise ValueError(
            f"{option}: got the folder {output}, expected a file, such as {output / 'report.html'}"
        )
    nearest = next(folder for folder in output.absolute().parents if folder.exists())
    if not (nearest.is_dir() and os.access(nearest, os.W_OK)):
        raise ValueError(
            f"{option}: got {output}, expected a file in a folder that can be written, which "
            f"{nearest} is not"
        )


def write_chartless(template: str, output: Path, footers: Sequence[str], **words: Any) -> Path:
    """Write a page of tables, and of pictures that its template draws.

    Args:
        template: see :func:`from_template`.
        output: the HTML file.
        footers: sentences under the main table; the warnings among them go above everything else.
        words: see :func:`from_template`.

    Returns:
        The HTML file.
    """
    data_json = Markup(safe_json(_NO_CHARTS))
    text = from_template(template, data_json=data_json, warnings=warnings_among(footers), **words)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(text, encoding="utf-8")
    return output


def _words(page: Page) -> dict[str, Any]:
    """Title, lede, tabs and everything that is said in words."""
    importance = page.importance
    models = context.model_facts(importance)
    datasets = context.dataset_facts(importance)
    alerts = _alerts(page)
    return {
        "title": headings.title_of(
            [model.look.model for model in models],
            page.entries,
            score_name(importance.score) if with_values(importance) else "",
        ),
        "lede": headings.lede(importance, datasets, page.entries),
        "tabs": _tabs(page, sum(map(len, alerts.values()))),
        "models": models,
        "datasets": datasets,
        "look_of": partial(names.Look.of, importance),
        "headlines": headings.headlines(importance, page.entries),
        "alerts": any(alerts.values()),
        **alerts,
        "run_facts": context.run_facts(importance, page.manifests),
        "messages": importance.messages,
        "methods": _marked_up(page.methods.split("\n\n", 1)[1].strip()),
        "bibtex": page.bibtex,
        "explorer_notes": page.explorer.notes,
    }


def _alerts(page: Page) -> dict[str, Sequence[Any]]:
    """What a reader must know before believing a number; each is one line of the page."""
    importance = page.importance
    failed = page.tables.get("failed_recordings")
    return {
        "reproductions": context.reproductions(importance),
        "at_floor": context.baselines_at_floor(importance),
        "gaps": context.missing(importance, page.entries),
        "warnings": warnings_among(footnotes(importance)),
        "failed": failed.records if failed else (),
    }


def _tabs(page: Page, alerts: int) -> list[tuple[str, str, int]]:
    """(id, title, what is counted beside it) of the sections that have something to show."""
    tabs = [("overview", "Overview", 0)]
    tabs += [("conditions", "Conditions", 0)] if page.entries else []
    tabs += [("curves", "Profiles and doses", 0)] if page.data["curves"] else []
    tabs += [("explorer", "Explorer", 0), ("tables", "Tables", 0), ("methods", "Methods", 0)]
    return [*tabs, ("alerts", "Alerts", alerts)] if alerts else tabs


def _numbers(page: Page) -> dict[str, Any]:
    """Results, tables and the data of the charts."""
    importance, data = page.importance, page.data
    score = score_name(importance.score)
    explorer = page.explorer.data
    leading = main_conditions(page.entries)
    return {
        "importance": importance,
        "shapley": shapley.section(importance),
        "entries": page.entries,
        "forests": forests(importance, page.entries),
        "ticks_of": ticks_of,
        "has_controls": any(e.condition.role == "control" for e in page.entries),
        "leading": leading,
        "steps": [e.id for e in page.entries if e.step and e not in leading],
        # what the forest plot begins with: where only controls were run, these
        "leading_roles": ("condition",) if without_controls(page.entries) else ("control",),
        "has_matched": any(e.controls for e in page.entries),
        "has_curves": bool(data["curves"]),
        "curve_tables": [page.tables[n] for n in ("agreement", "dose_curves") if n in page.tables],
        "profile_sentences": profile_sentences(importance),
        "tables": list(page.tables.items()),
        "score_title": score,
        "value": lambda *given: minus(format_value(*given)),
        "bias_in_words": bias_in_words,
        "percent": lambda share: f"{_percent(share)} %",
        "percent_interval": _relative_interval,
        "interval": interval_text,
        "excess_interval": excess_interval_text,
        "known": lambda value: not math.isnan(value),
        "failures_of": _failures,
        "data_json": Markup(safe_json({**data, "scoreName": score})),
        "explorer_json": Markup(safe_json(explorer)) if explorer else "",
    }


def _percent(share: float) -> str:
    return minus(format_value(100 * share, ".0f"))


def _relative_interval(result: ConditionResult) -> str:
    """The interval of the relative drop in per cent; empty where undefined."""
    low, high = result.relative_low, result.relative_high
    return "" if math.isnan(low) else f"[{_percent(low)}, {_percent(high)}]"


def breakable(title: str) -> Markup:
    """A condition's title that may go on in the next line before its options, as HTML."""
    return Markup("<wbr>(").join(title.split("("))


def _csv(table: Table, record: Mapping[str, Any], names: Sequence[str]) -> str:
    """Numbers of one cell for a file: with a hyphen, nothing where they are undefined, and the
    number itself where people read that it is infinite or below a limit."""
    cells = ((name, table.cell(record, name)) for name in names)
    return ",".join(
        "" if cell == NOTHING else f"{record[name]:g}" if re.search("[<∞]", cell) else cell
        for name, cell in cells
    )


def _marked_up(markdown: str) -> list[tuple[str, str]]:
    """(kind, text) of a paragraph: code, citations and plain text."""
    parts = re.split(r"(`[^`]*`|\[@[^\]]*\])", markdown)
    found = []
    for part in parts:
        kind = "code" if part.startswith("`") else "cite" if part.startswith("[@") else "text"
        found.append((kind, part.strip("`") if kind == "code" else part))
    return found


def _failures(panel: Panel, number: int) -> list[tuple[str, str]]:
    """(recording, why) of the recordings without a drop under a condition."""
    reasons = {"missing": "no row: not run (yet)", "undefined": "no score: no reference notes"}
    found = []
    for piece, name in enumerate(panel.pieces):
        rows = [panel.baseline.get(name)]
        rows += [panel.cells.get((number, piece, repeat)) for repeat in range(panel.n_repeats)]
        errors = [row.error for row in rows if row is not None and row.status != "ok"]
        scores = [row for row in rows[1:] if row is not None and row.status == "ok"]
        if errors or rows[0] is None or not scores:
            found.append((name, errors[0] if errors else reasons["missing"]))
        elif panel.why_missing(number, piece) == "undefined" and not rows[0].counts.get(
            "reference", 1
        ):
            found.append((name, reasons["undefined"]))
    return found


def template_text(name: str) -> str:
    """The text of a file in ``templates``."""
    return (files("pi_amt.report.page") / "templates" / name).read_text(encoding="utf-8")
