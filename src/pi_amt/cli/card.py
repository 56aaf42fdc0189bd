"""``pi-amt card``: what one model relies on, as a card beside a release and as a gate against the
card of the release before."""

from __future__ import annotations

from argparse import Namespace
from contextlib import nullcontext
from tempfile import TemporaryDirectory

from pi_amt.cli.overrides import options_of_model
from pi_amt.core.checks import check_range
from pi_amt.core.errors import printable
from pi_amt.core.hashing import canonical_json
from pi_amt.core.text import plural
from pi_amt.models.loading import ModelSpec
from pi_amt.report.names import dataset_title
from pi_amt.report.tables.league import card_table
from pi_amt.statistics.card import Card, changes, not_compared
from pi_amt.statistics.reliance import Standing, standings
from pi_amt.statistics.result import Result
from pi_amt.store.renamed import read_results
from pi_amt.store.rows import Row
from pi_amt.store.store import Store, store_path
from pi_amt.study.driver import run_study
from pi_amt.study.executors.processes import local
from pi_amt.study.league import league_groups
from pi_amt.study.truth import as_conditions

#: of a recording, below which it has hardly a note
_LEAST_SECONDS = 1.0


def card(options: Namespace) -> int:
    """Print a card, write it, and compare it with an older one.

    Returns:
        The exit status: 1 if something has changed and ``--fail-if-changed`` was given, else 0.

    Raises:
        ValueError: for a number that cannot be meant; if the rows hold no card, or several; or if
            the two cards cannot be compared.
    """
    if options.fail_if_changed and not options.against:
        raise ValueError("card: got --fail-if-changed alone, expected --against OLD.json with it")
    check_range("--seconds", options.seconds, _LEAST_SECONDS, unit="s")
    check_range("--tolerance", options.tolerance, 0)
    old = Card.read(options.against) if options.against else None
    if store_path(options.model).is_file():
        rows, said = read_results(options.model, notes=False)
    else:
        rows, said = _run(options), []
    new = Card.of(_the_one(rows, options.dataset))
    print(card_table(new.standing))
    for message in said:
        print(printable(message))
    if options.output:
        print(f"\n{new.write(options.output)}")
    return 0 if old is None else _compared(new, old, options)


def _run(options: Namespace) -> list[Row]:
    """The rows of a short run on the truth set; kept if ``--results`` names a folder.

    Raises:
        ValueError: after the first recording with an error, because a card without some of its
            measures misleads.
    """
    spec = ModelSpec(options.model, canonical_json(options_of_model(options)))
    groups = league_groups(spec, {}, truth_seconds=options.seconds)
    scratch = nullcontext(options.results) if options.results else TemporaryDirectory()
    with scratch as folder, Store(folder) as store:
        summary = run_study(groups, store, local, fail_fast=True, kept=bool(options.results))
        rows = store.rows([key for keys in summary.asked for key in keys], notes=False)
    for row in summary.errors:
        raise ValueError(f"card: {row.track} under {row.label} failed: {row.error}")
    return rows


def _the_one(rows: list[Row], dataset: str | None) -> Standing:
    """The one standing of these rows that a card can be made of.

    Raises:
        ValueError: if there is none, or several.
    """
    found = standings(Result.from_rows(as_conditions(rows)))
    fitting = [one for one in found if dataset in (None, one.dataset)]
    if len(fitting) == 1:
        return fitting[0]
    places = ", ".join(f"{one.model} × {one.dataset}" for one in found) or "none with domain=audio"
    raise ValueError(
        f"card: got results of {places}, expected one model that heard perturbed sound, on one "
        "dataset: name it with --dataset"
    )


def _compared(new: Card, old: Card, options: Namespace) -> int:
    """Print what has changed and what could not be compared; returns the exit status."""
    found = changes(new, old, tolerance=options.tolerance)
    print(f"\nagainst {options.against}, {_version(old)} there and {_version(new)} here:")
    for change in found:
        print(f"  {change}")
    for said in not_compared(new, old):
        print(f"  not compared: {said}.")
    if not found:
        print(f"  nothing has changed by {options.tolerance:g} or more beyond its interval.")
        return 0
    print(f"{plural(len(found), 'measure')} changed on {dataset_title(new.standing.dataset)}")
    return 1 if options.fail_if_changed else 0


def _version(one: Card) -> str:
    facts = one.standing.facts
    return f"weights {str(facts.get('weights'))[:12]} (pi_amt {facts.get('pi_amt')})"
