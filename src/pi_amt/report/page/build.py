"""``pi-amt report``: a results store → one HTML file, with figures and tables in a folder beside.

The page is self-contained: styles, scripts, numbers, pictures and sound are inside, and a content
security policy keeps it from asking the network for anything.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from pi_amt.report.catalog import Entry, catalog
from pi_amt.report.explorer.origin import Origin
from pi_amt.report.page import context
from pi_amt.report.page.files import write_files
from pi_amt.report.page.methods import methods_markdown, references
from pi_amt.report.page.payload import payload
from pi_amt.report.page.render import Explorer, Page, check_output, render
from pi_amt.report.tables.anatomy import fate_table, tolerance_table
from pi_amt.report.tables.contrasts import model_contrasts
from pi_amt.report.tables.dose import dose_table
from pi_amt.report.tables.importance import importance_table
from pi_amt.report.tables.profile import agreement_table, profile_table
from pi_amt.report.tables.sensitivity import sensitivity
from pi_amt.report.tables.shapley import coalition_table, interaction_table, shapley_table
from pi_amt.report.tables.table import Table
from pi_amt.scoring.notes import F_MEASURE
from pi_amt.statistics.result import Result
from pi_amt.store.renamed import read_study
from pi_amt.store.rows import Row
from pi_amt.study.progress import SILENT, StageProgress

Source = str | os.PathLike[str] | Result | Sequence[Row]


def build(
    source: Source,
    output: str | os.PathLike[str],
    *,
    score: str = F_MEASURE,
    examples: int = 3,
    origin: Origin | None = None,
) -> Path:
    """Write the report; on a terminal, standard error shows the stage that it is in.

    Args:
        source: results folder or store, rows, or importances that are there already.
        output: the HTML file; figures and tables go to ``<stem>_files`` beside it.
        score: key of ``Row.scores`` that drops are of (not for importances, which have one).
        examples: recordings in the piece explorer, which computes an excerpt of each again; 0
            leaves it out.
        origin: where rows or importances come from; a store tells it itself.

    Returns:
        The HTML file.

    Raises:
        StoreError: if there is no store.
        ValueError: for an empty store, one without a baseline, an unknown score, or a folder as
            output.
    """
    if examples < 0:
        raise ValueError(f"examples: got {examples}, expected 0 or more")
    output = Path(output)
    check_output("output", output)
    with StageProgress("report") as progress:
        progress.stage("statistics")
        importance, told = _read(source, score)
        page = make_page(importance, origin or told, examples, progress)
        output.parent.mkdir(parents=True, exist_ok=True)
        folder = output.with_name(f"{output.stem}_files")
        texts = {"methods.md": page.methods, "references.bib": page.bibtex}
        progress.stage("figures")
        links = write_files(folder, page.importance, page.entries, page.data, page.tables, texts)
    unfinished = output.with_name(f".{output.name}.unfinished")
    unfinished.write_text(render(page, folder.name, links), encoding="utf-8")
    return unfinished.replace(output)


def make_page(
    importance: Result,
    origin: Origin | None = None,
    examples: int = 0,
    progress: StageProgress = SILENT,
) -> Page:
    """Everything that a page shows.

    Args:
        importance: the results.
        origin: where they come from, if that is known.
        examples: recordings in the piece explorer.
        progress: told of the excerpts.
    """
    origin = origin or Origin()
    entries = catalog(importance)
    methods = methods_markdown(importance)
    return Page(
        importance=importance,
        entries=entries,
        manifests=origin.manifests,
        data=payload(importance, entries),
        tables=_tables(importance, entries),
        methods=methods,
        bibtex=references(methods),
        explorer=_explorer(importance, entries, origin, examples, progress),
    )


def _read(source: Source, score: str) -> tuple[Result, Origin]:
    if isinstance(source, Result):
        return source, Origin()
    if not isinstance(source, str | os.PathLike):
        return Result.from_rows(source, score=score), Origin()
    rows, said, manifests = read_study(Path(source))
    if not rows:
        raise ValueError(
            f"report: got a store without rows in {Path(source)}, expected results; "
            "run a study first, for example: pi-amt -m dataset=demo"
        )
    return Result.from_rows(rows, score=score, messages=said), Origin(manifests)


def _explorer(
    importance: Result,
    entries: Sequence[Entry],
    origin: Origin,
    examples: int,
    progress: StageProgress,
) -> Explorer:
    if not examples:
        why = (
            "Left out: this report was made without examples. Make it with: pi-amt report RESULTS "
            "--examples 3"
        )
        return Explorer(notes=(why,))
    if not origin:
        why = (
            "Left out: these rows came without the recordings and models that made them. A report "
            "of a results folder shows them: pi-amt report RESULTS"
        )
        return Explorer(notes=(why,))
    from pi_amt.report.explorer.explorer import explore

    data, notes = explore(importance, entries, origin, examples, progress)
    return Explorer(data, tuple(notes))


def _tables(importance: Result, entries: Sequence[Entry]) -> dict[str, Table]:
    """File stem → table; those without a line are left out, but for the first."""
    tables = {"importance": importance_table(importance)}
    optional = {
        "shapley": shapley_table(importance),
        "interactions": interaction_table(importance),
        "coalitions": coalition_table(importance),
        "contrasts": model_contrasts(importance),
        "sensitivity": sensitivity(entries),
        "profile": profile_table(importance),
        "agreement": agreement_table(importance),
        "dose_curves": dose_table(importance),
        "tolerances": tolerance_table(importance),
        "lost_notes": fate_table(importance),
        "failed_recordings": context.failed_recordings(importance),
    }
    return tables | {stem: table for stem, table in optional.items() if len(table)}
