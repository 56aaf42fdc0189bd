"""The Hydra application: one job, or a sweep, whose jobs are computed together.

A :class:`Task` is the task function of a single job. For a sweep, pi_amt's launcher gives all jobs
to :func:`compute` at once, which groups them by model and data; each job then only writes its own
folder.
"""

from __future__ import annotations

import json
import math
import os
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import chdir, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, open_dict

from pi_amt.cli.config import (
    align_of,
    check_alike,
    check_options,
    choice,
    conditions_of,
    executor_of,
    group_of,
    plain,
    restored,
    stored_study,
)
from pi_amt.cli.plan import print_plan
from pi_amt.cli.printout import LINES, print_short
from pi_amt.core.text import plural
from pi_amt.core.version import __version__
from pi_amt.datasets.track import Dataset
from pi_amt.permutation_importance import Importance
from pi_amt.report.explorer.origin import Origin
from pi_amt.store.rows import COALITION, Row
from pi_amt.store.store import Store, note_tables_of, store_path
from pi_amt.study.conditions import Condition
from pi_amt.study.driver import Summary, run_study
from pi_amt.study.groups import Group


def run(arguments: Sequence[str]) -> Task:
    """Do what Hydra's arguments ask for; returns the task with what failed.

    Raises:
        Exception: what a job raised, or Hydra for arguments that it cannot use.
    """
    # What hydra.main makes reads the arguments of the process, and has no other way in. Only with
    # this variable does it raise errors: without it, Hydra prints them in its own way and exits.
    sys.argv = ["pi-amt", *arguments]
    os.environ["HYDRA_FULL_ERROR"] = "1"
    task = Task()
    hydra.main(config_path="conf", config_name="config", version_base="1.3")(task)()
    if task.error is not None:
        raise task.error
    return task


class Task:
    """The task function, which Hydra calls with the config of a single job.

    It is an object because ``hydra.main`` returns nothing: it keeps what is asked for afterwards.

    Attributes:
        failed: the rows that failed, each once.
        folders: where the data lie, as far as they are files.
        error: what a job raised. It is not raised through Hydra, which would print a line of its
            own about it.
    """

    def __init__(self) -> None:
        self.failed: list[Row] = []
        self.folders: list[Path] = []
        self.error: Exception | None = None

    def __call__(self, config: DictConfig) -> None:
        """Run one job: compute what is missing, write its folder, print its table."""
        with open_dict(config):
            config.hydra = HydraConfig.get()  # Hydra takes it out of what a task function gets
        try:
            (rows,) = compute([config], self)
            if not config.dry_run:
                write_results(config, rows)
                conclude([config], [rows])
        except Exception as error:
            self.error = error


def resume(results: Path | str) -> Task:
    """Go on with the newest study of a results folder; returns a task with what failed.

    The manifest's configurations are used as they are: config files are not looked at, and the
    folder may have moved.

    Args:
        results: results folder or store.

    Raises:
        StoreError: if there is no store that can be used.
        ValueError: if no study can go on from what the folder holds.
    """
    path = store_path(results).absolute()
    with Store(path, readonly=True) as store:
        manifests = store.manifests()
    if not manifests:
        raise ValueError(
            f"{path.parent}: got a store without a run, expected a study to go on with"
        )
    manifest = manifests[-1]
    if "jobs" not in manifest:
        command = shlex.join(map(str, manifest.get("command", []))) or "its program"
        raise ValueError(
            f"{path.parent}: the configuration of its newest run was not stored (pi_amt 0.1.0 and "
            f"pi_amt.importance do not store it): start the run itself again, it goes on: {command}"
        )
    configs = restored(manifest, path.parent)
    cwd = configs[0].hydra.runtime.cwd  # relative paths begin there
    with chdir(cwd) if os.path.isdir(cwd) else nullcontext():
        task = Task()
        rows = compute(configs, task, resumed=manifest)
        for config, found in zip(configs, rows, strict=True):
            write_results(config, found)
        conclude(configs, rows)
    return task


def compute(
    configs: Sequence[DictConfig], task: Task, *, resumed: Mapping[str, Any] | None = None
) -> list[list[Row]]:
    """The rows of each job, those of the same model and data computed together.

    Args:
        configs: composed configs of the jobs, ``hydra`` node included.
        task: gets the rows that failed, and where the data lie.
        resumed: the manifest that they are from, if a study goes on.

    Returns:
        For each job the rows of its conditions, baseline and controls included; none of a dry run.
    """
    for config in configs:
        check_options(config)
    check_alike(configs)
    datasets: dict[str, Dataset] = {}
    jobs = [group_of(config, datasets) for config in configs]
    groups = fuse(jobs)
    first = configs[0]
    if first.dry_run:
        print_plan(groups, first.results_dir)
        return [[] for _ in configs]
    with Store(first.results_dir) as store:
        configuration = stored_study(configs)
        if resumed is not None:
            configuration["command"] = resumed["command"]
        summary = run_study(
            groups,
            store,
            executor_of(first),
            configuration=configuration,
            resumed=resumed,
            fail_fast=first.fail_fast,
        )
        notes = first.report is not False  # only reports and error anatomy read them
        found = [store.rows(asked, notes=notes) for asked in summary.asked]
        _announce(summary, store)
    task.failed += summary.errors
    folders = (getattr(dataset, "folder", None) for dataset in datasets.values())
    task.folders += [folder for folder in folders if folder is not None]
    computed = {
        group.data: (rows, asked)
        for group, rows, asked in zip(groups, found, summary.asked, strict=True)
    }
    return [_rows_of(job, *computed[job.data]) for job in jobs]


def fuse(jobs: Iterable[Group]) -> list[Group]:
    """Join the groups of jobs that differ in their conditions only."""
    fused: dict[tuple[Any, ...], Group] = {}
    for job in jobs:
        known = fused.get(job.data)
        unique: dict[tuple[Any, ...], Condition] = {}
        for condition in (*(known.conditions if known else ()), *job.conditions):
            unique.setdefault(condition.distinct, condition)  # the first stays, in its place
        fused[job.data] = replace(job, conditions=list(unique.values()))
    return list(fused.values())


def _rows_of(job: Group, rows: Iterable[Row], asked: Mapping[str, Condition]) -> list[Row]:
    """The rows of a joined group that belong to one of its jobs."""
    wanted = {condition.distinct for condition in job.conditions}
    return [row for row in rows if asked[row.key].distinct in wanted]


def write_results(config: DictConfig, rows: Sequence[Row]) -> None:
    """Write ``metrics.json`` into the job's Hydra folder.

    ``scores`` are means over the recordings of the job's own condition (repeats first averaged
    inside a recording); undefined scores are left out of the means. The many conditions of an
    experiment have no common mean: their scores are in the store only.
    """
    own = _own_conditions(config)
    mine = [r for r in rows if (r.label, r.parameters) in own]
    good = [r for r in mine if r.status == "ok"]
    one = mine[0] if mine else None
    alone = len(own) == 1
    result = {
        "model": choice(config, "model"),
        "dataset": choice(config, "dataset"),
        "permutation": choice(config, "permutation"),
        "experiment": choice(config, "experiment"),
        "scores": mean_scores(good) if alone else {},
        "n_pieces": len({r.track for r in good if not math.isnan(r.scores["F-measure"])}),
        "n_without_reference": len({r.track for r in good if r.counts.get("reference") == 0}),
        "n_errors": len({r.track for r in mine if r.status == "error"}),
        "weights": one.weights if one else "",
        "weights_label": one.weights_label if one else "",
        "precision": one.precision if one else "",
        "parameters": json.loads(one.parameters) if one and alone else {},
        "settings": json.loads(one.settings) if one else {},
        "dataset_options": plain(config.dataset),
        "tuning": config.tuning,
        "align": align_of(config),
        "repeats": config.repeats,
        "seed": config.seed,
        "version": __version__,
        "method": one.method if one else "",
    }
    folder = Path(config.hydra.runtime.output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metrics.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def mean_scores(rows: Iterable[Row]) -> dict[str, float]:
    """Mean of every score over recordings, repeats averaged inside a recording first.

    Scores that some rows do not hold, because an earlier version made them, are left out.
    """
    by_track: dict[str, list[Row]] = {}
    for row in rows:
        by_track.setdefault(row.track, []).append(row)
    every = [row for repeats in by_track.values() for row in repeats]
    names = [n for n in every[0].scores if all(n in row.scores for row in every)] if every else []
    means: dict[str, list[float]] = {}
    for repeats in by_track.values():
        for name in names:
            value = sum(row.scores[name] for row in repeats) / len(repeats)
            if not math.isnan(value):
                means.setdefault(name, []).append(value)
    return {name: sum(values) / len(values) for name, values in means.items()}


def conclude(configs: Sequence[DictConfig], rows: Sequence[Sequence[Row]]) -> None:
    """Write the table and, where it is wanted, the report of a run or sweep; print the answer."""
    config = configs[0]
    unique = list({row.key: row for job in rows for row in job}.values())
    if not any(row.status == "ok" for row in unique):
        return
    folders = [Path(c.hydra.runtime.output_dir) for c in configs]
    where = folders[0] if len(folders) == 1 else folders[0].parent
    with note_tables_of(config.results_dir):
        result = Importance.from_rows(unique, score=config.score, variants="separate")
        wanted = config.report is True or (config.report == "auto" and len(configs) > 1)
        report = None
        if wanted:
            with Store(store_path(config.results_dir), readonly=True) as store:
                manifests = store.manifests()
            datasets: dict[str, Dataset] = {}
            groups = fuse(group_of(c, datasets) for c in configs)
            result = replace(result, origin=Origin(manifests, tuple(groups)))
            # the stored configuration of a study that is resumed may be older than this option
            report = result.report(where / "report.html", examples=config.get("excerpts", 3))
        table = where / "table.csv"
        result.table().to_csv(table)
    print()
    paths = {"report": report} if report is not None else {}
    paths |= {"table": table, "store": Path(config.results_dir).absolute()}
    # three lines were printed before: what was computed, how often was drawn, and an empty one
    print_short(result, paths, lines=LINES - 3, store=config.results_dir)


def _own_conditions(config: DictConfig) -> set[tuple[str, str]]:
    """Label and parameters of what the job itself asked for."""
    conditions: list[Condition] = conditions_of(config)
    wanted = [c for c in conditions if c.role in ("condition", COALITION)]
    if not wanted:  # the job is the baseline or a control
        wanted = conditions[-1:]
    return {(c.label, c.parameters) for c in wanted}


def _announce(summary: Summary, store: Store) -> None:
    """Say what was computed, what was left out, and which permutations were drawn only once."""
    if summary.computed or summary.errors:
        print(f"computed {plural(summary.computed, 'row')}, {summary.reused} were there already")
    else:
        print(f"nothing to compute: all {summary.reused} rows are in {store.path}")
    if summary.left:
        print(f"stopped at the first error, {plural(summary.left, 'recording')} not computed")
    for reason in dict.fromkeys(summary.skipped):
        print(f"skipped {reason}")
    if names := drawn_once([c for asked in summary.asked for c in asked.values()]):
        print(
            f"one draw per recording of {', '.join(names)}: how much of the spread comes from "
            "draws is not known, repeats=5 tells"
        )


def drawn_once(conditions: Iterable[Condition]) -> list[str]:
    """Names of the stochastic permutations that were drawn only once."""
    stochastic = [c for c in conditions if c.permutation.stochastic]
    repeated = {c.name for c in stochastic if c.repeat > 0}
    return [name for name in dict.fromkeys(c.name for c in stochastic) if name not in repeated]
