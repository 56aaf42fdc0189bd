"""The league table: runs every model that is there, and writes what was found.

``python scripts/make_league.py RESULTS --models "basic_pitch harmonica:nano" [--maps FOLDER]``
keeps a store per model in the folder ``RESULTS`` and goes on where it was stopped. A model that
misses its package is left out with one line. ``NAME:SIZE`` is a model with the option ``size``, and
``NAME,KEY=VALUE,…`` one with other options. ``--write-only`` runs nothing. Recordings of another
length need a folder of their own.

It writes ``docs/generated/league.md``, ``league.html`` and a card per model in ``RESULTS``.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from pi_amt.cli.main import stopped_by_signals
from pi_amt.cli.overrides import options_of
from pi_amt.core.hashing import canonical_json
from pi_amt.core.text import plural, rough_duration
from pi_amt.datasets.loading import load_dataset
from pi_amt.datasets.track import Track
from pi_amt.models.loading import ModelSpec
from pi_amt.report.page.league import write_league
from pi_amt.report.tables.league import league_table, size_table
from pi_amt.statistics.card import Card
from pi_amt.statistics.reliance import named, standings
from pi_amt.statistics.result import Result
from pi_amt.store.renamed import read_results
from pi_amt.store.rows import Row
from pi_amt.store.store import Store, store_path
from pi_amt.study.driver import run_study
from pi_amt.study.executors.processes import local
from pi_amt.study.league import LEAGUE_PLAYERS, league_groups
from pi_amt.study.truth import as_conditions

GENERATED = Path(__file__).resolve().parents[1] / "docs" / "generated"


def main() -> None:
    """Run and write."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("results", type=Path, help="folder of the stores")
    parser.add_argument("--models", required=True, help="with blanks between them")
    parser.add_argument("--maps", help="folder of MAPS recordings; none: the truth set alone")
    parser.add_argument("--seconds", type=float, help="of each recording, its beginning only")
    parser.add_argument("--tracks", type=int, help="so many MAPS recordings only")
    parser.add_argument(
        "--players", default=LEAGUE_PLAYERS, help=f"of Shapley values ({LEAGUE_PLAYERS})"
    )
    parser.add_argument("--n-jobs", type=int, help="worker processes (one per core)")
    parser.add_argument("--write-only", action="store_true", help="run nothing")
    options = parser.parse_args()
    models = options.models.split()
    if not options.write_only:
        recordings = _recordings(options)
        for model in models:
            _run(model, recordings, options)
    write(options.results, models)


def _recordings(options: argparse.Namespace) -> dict[str, Sequence[Track]]:
    """The real ones; the truth set needs none of these options."""
    if not options.maps:
        return {}
    chosen = {"max_tracks": options.tracks, "max_seconds": options.seconds}
    return {"maps": list(load_dataset("maps", data_folder=options.maps, **chosen))}


def spec_of(model: str) -> ModelSpec:
    """``harmonica:nano``, or ``callable,function=mine.py:transcribe``."""
    name, *pairs = model.split(",")
    name, _, size = name.partition(":")
    return ModelSpec(name, canonical_json(options_of([f"size={size}"] * bool(size) + pairs)))


def _run(model: str, recordings: dict[str, Sequence[Track]], options: argparse.Namespace) -> None:
    """Compute what is missing of one model."""
    started = time.monotonic()
    try:
        groups = league_groups(
            spec_of(model), recordings, truth_seconds=options.seconds, players=options.players
        )
    except (ImportError, ValueError, OSError) as error:
        print(f"skipped {model}: {error}", file=sys.stderr)
        return
    with Store(options.results / _folder(model)) as store:
        done = run_study(groups, store, partial(local, options.n_jobs))
    took = rough_duration(time.monotonic() - started)
    print(f"{model}: computed {plural(done.computed, 'row')} in {took}, {done.reused} were there")
    for reason in dict.fromkeys(row.error for row in done.errors):
        print(f"{model}: failed: {reason}", file=sys.stderr)


def _folder(model: str) -> str:
    return "".join(c if c.isalnum() or c in "_-" else "_" for c in model)


def write(results: Path, models: Sequence[str]) -> None:
    """The docs' table, the page and the cards, from what is stored."""
    rows: list[Row] = []
    said: list[str] = []
    for model in models:
        store = results / _folder(model)
        if store_path(store).exists():
            stored, messages = read_results(store, notes=False)
            rows += as_conditions(named(stored, model.replace(":", " ")))
            said += messages
    if not rows:
        raise SystemExit(f"{results}: got no rows of {', '.join(models)}, nothing to write")
    result = Result.from_rows(rows, messages=said)
    found = standings(result)
    table, sizes = league_table(found), size_table(found)
    path = GENERATED / "league.md"
    path.write_text("\n".join(_markdown(table, sizes)).rstrip() + "\n", encoding="utf-8")
    print(path)
    print(write_league(result, results / "league.html"))
    for one in found:
        folder = results / "cards"
        print(Card.of(one).write(folder / f"{_folder(one.model)}_{_folder(one.dataset)}.json"))


def _markdown(table: Any, sizes: Any) -> Iterator[str]:
    for dataset in dict.fromkeys(table.column("dataset")):
        here = replace(
            table, records=tuple(r for r in table.records if r["dataset"] == dataset), footers=()
        )
        yield f"**{dataset}**\n"
        yield here.to_markdown(columns=table.brief, joined=True)
    yield from (f"- {note}" for note in table.footers)
    yield ""
    if len(sizes):
        yield f"**{sizes.title}**\n"
        yield sizes.to_markdown(columns=("dataset", *sizes.brief), joined=True)


if __name__ == "__main__":
    try:
        with stopped_by_signals():
            main()
    except KeyboardInterrupt:
        raise SystemExit(
            "interrupted: finished rows are stored, the same command goes on"
        ) from None
