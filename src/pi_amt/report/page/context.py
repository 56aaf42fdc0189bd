"""What the page says about a study besides its numbers: who, what, where, what is missing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pi_amt.core.text import duration, plural
from pi_amt.report.catalog import Entry, why_no_condition, without_controls
from pi_amt.report.names import Look, dataset_title, families, model_title, option_text
from pi_amt.report.tables.table import Table
from pi_amt.statistics.floor import why_at_floor
from pi_amt.statistics.panels import Panel
from pi_amt.statistics.result import Result
from pi_amt.store.rows import flat_options


@dataclass(frozen=True)
class ModelFacts:
    """One model of the study, for the overview and the methods.

    ``hears`` says that the sound was perturbed for it, and not its own input.
    """

    name: str
    look: Look
    weights: str
    label: str
    precision: str
    hears: bool
    settings: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class DatasetFacts:
    """One dataset of the study, for the overview and the methods.

    ``unscored`` says which recordings no mean rests on; empty if each model scored all of them.
    """

    name: str
    title: str
    pieces: int
    compositions: int
    hours: str
    unscored: str = ""


def model_facts(importance: Result) -> list[ModelFacts]:
    """One per model, in stored order."""
    facts = []
    for name in importance.models:
        panel = next(panel for panel in importance.panels if panel.model == name)
        row = panel.rows[0]
        settings = flat_options(json.loads(row.settings or "{}"))
        facts.append(
            ModelFacts(
                name=name,
                look=Look.of(importance, panel),
                weights=row.weights,
                label=row.weights_label or "unlabelled weights",
                precision=row.precision,
                hears=settings.get("domain") == "audio",
                settings=tuple((key, option_text(value)) for key, value in settings.items()),
            )
        )
    return facts


def dataset_facts(importance: Result) -> list[DatasetFacts]:
    """One per dataset; recordings are those of all models together.

    A recording that failed for one model has 0 seconds there: the longest counts.
    """
    facts = []
    for name in importance.datasets:
        panels = [panel for panel in importance.panels if panel.dataset == name]
        seconds: dict[str, float] = {}
        for panel in panels:
            for track, length in zip(panel.pieces, panel.seconds, strict=True):
                seconds[track] = max(length, seconds.get(track, 0.0))
        compositions = {c for panel in panels for c in panel.compositions}
        shown = duration(sum(seconds.values()))
        title = dataset_title(name)
        unscored = _unscored(panels, len(seconds), importance.score)
        facts.append(DatasetFacts(name, title, len(seconds), len(compositions), shown, unscored))
    return facts


def _unscored(panels: Sequence[Panel], pieces: int, score: str) -> str:
    """How many of a dataset's recordings have no clean score, where that is any, per model."""
    lacking = {
        model_title(panel.model): pieces - int(np.isfinite(panel.baseline_values(score)).sum())
        for panel in panels
    }
    if not any(lacking.values()):
        return ""
    counts = set(lacking.values())
    said = (
        f"{counts.pop():,}"
        if len(counts) == 1
        else ", ".join(f"{count:,} for {title}" for title, count in lacking.items() if count)
    )
    return f"without a score: {said}"


def run_facts(importance: Result, manifests: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """(term, text): score, statistics, seeds, versions, machine, computing time."""
    rows, inference = importance.rows, importance.inference
    seeds = sorted({row.seed for row in rows})
    hours = sum(row.elapsed_seconds for row in rows) / 3600
    effort = f"{hours:.2f} core-hours" if hours > 0.1 else f"{hours * 60:.1f} core-minutes"
    made_by = f"pi_amt {_joined(row.version for row in rows)}"
    method = f"method {_joined(row.method for row in rows)}"
    facts = [
        ("Score", f"{inference.score}, mean over recordings"),
        ("Intervals", f"95 %, studentised bootstrap, {plural(inference.n_resamples, 'resample')}"),
        ("Tests", "paired sign-flip permutation, Holm-corrected"),
        ("Draws", f"seed {', '.join(map(str, seeds))}"),
        ("Rows", f"{len(rows):,} of {made_by}, {method}"),
        ("Computing", effort),
    ]
    if manifests:
        last = manifests[-1]
        versions = last.get("versions", {})
        facts += [
            ("Machine", f"{last.get('platform', 'unknown')}, {last.get('cores', '?')} cores"),
            ("Versions", ", ".join(f"{k} {v}" for k, v in versions.items())),
            ("Last run", f"{last.get('started', 'unknown')} ({plural(len(manifests), 'run')})"),
        ]
        command = last.get("command")
        if command:
            facts.append(("Command", " ".join(map(str, command))))
    else:
        facts.append(("Machine", "not recorded (rows without a results store)"))
    return facts


def failed_recordings(importance: Result) -> Table:
    """Every row with an error: where it stands and why."""
    columns = ("model", "dataset", "track", "conditions", "reason")
    groups: dict[tuple[str, ...], list[str]] = {}
    for row in importance.rows:
        if row.status == "error":
            key = (row.model, row.dataset, row.track, row.error or "no reason given")
            groups.setdefault(key, []).append(row.label)
    records = tuple(
        {
            "model": model,
            "dataset": dataset,
            "track": track,
            "conditions": ", ".join(dict.fromkeys(labels)),
            "reason": reason,
        }
        for (model, dataset, track, reason), labels in groups.items()
    )
    return Table("Failed recordings", columns, records)


def missing(importance: Result, entries: Sequence[Entry]) -> list[str]:
    """What a reader may look for and not find: conditions or recordings that a model lacks."""
    said = [why] if (why := why_no_condition(importance)) else []
    for place, panel in enumerate(importance.panels):
        absent = [entry for entry in without_controls(entries) if place not in entry.numbers]
        lacking = {entry.condition: entry.title for entry in absent}
        look = Look.of(importance, panel)
        name = f"{look.model} × {look.dataset}"
        if lacking:
            said.append(f"{name} was not run under {', '.join(map(''.join, families(lacking)))}.")
        others = {t for p in importance.panels if p.dataset == panel.dataset for t in p.pieces}
        unseen = len(others) - len(panel.pieces)
        if unseen:
            said.append(
                f"{name} lacks {unseen} of {plural(len(others), 'recording')} that another model "
                "has; models are compared on what each has, contrasts on what both have."
            )
    return said


def baselines_at_floor(importance: Result) -> list[tuple[str, str]]:
    """(model × dataset, why) of each whose baseline leaves no room for a drop."""
    found = []
    for panel in importance.panels:
        if why := why_at_floor(panel, importance.inference):
            look = Look.of(importance, panel)
            found.append((f"{look.model} × {look.dataset}", why))
    return found


def reproductions(importance: Result) -> list[str]:
    """Titles of models whose weights are a synthetic-trained reproduction."""
    looks = [Look.of(importance, panel) for panel in importance.panels]
    return list(dict.fromkeys(look.model for look in looks if look.reproduction))


def _joined(values: Any) -> str:
    return ", ".join(sorted({value for value in values if value})) or "unknown"
