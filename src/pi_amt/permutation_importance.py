"""``pi_amt.importance``: a study as one call from Python, and its result with all its verbs.

Figures and the page are imported when they are asked for: matplotlib takes a second to load.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from pi_amt.core.checks import listing, near
from pi_amt.datasets.loading import available_datasets, load_dataset
from pi_amt.datasets.track import Dataset, Track, name_of
from pi_amt.models.adapter import Ladder, as_transcriber
from pi_amt.models.loading import ModelSpec
from pi_amt.models.transcriber import Transcriber
from pi_amt.permutations.permutation import Permutation
from pi_amt.report.explorer.origin import Origin
from pi_amt.report.shapley import Shapley
from pi_amt.report.statements import Statement, headline, statements
from pi_amt.report.tables.anatomy import anatomy_tables
from pi_amt.report.tables.contrasts import model_contrasts
from pi_amt.report.tables.dose import dose_table
from pi_amt.report.tables.importance import importance_table
from pi_amt.report.tables.profile import profile_table
from pi_amt.report.tables.table import Table
from pi_amt.scoring.notes import F_MEASURE
from pi_amt.statistics.result import Result
from pi_amt.store.renamed import read_study
from pi_amt.store.store import Store
from pi_amt.study.conditions import Condition, make_conditions
from pi_amt.study.driver import run_study
from pi_amt.study.executors.processes import local
from pi_amt.study.groups import Group

if TYPE_CHECKING:
    from matplotlib.axes import Axes

T = TypeVar("T")


@dataclass(frozen=True, repr=False)
class Importance(Result):
    """Importances with the verbs: tables, sentences, figures and the report of a :class:`Result`.

    It is what :func:`importance` returns; :meth:`read` makes it from a results folder, and
    :meth:`from_rows` from rows.

    Attributes:
        origin: recordings and models of the study, from which :meth:`report` computes excerpts
            again; empty where only rows are there.
    """

    origin: Origin = field(default=Origin(), repr=False, compare=False)

    @classmethod
    def read(cls, folder: Path | str, *, notes: bool = True, **options: Any) -> Self:
        """The importances of a results folder; nothing is computed but statistics.

        Args:
            folder: results folder, or the store itself.
            notes: read the note tables, too, which :meth:`anatomy` needs.
            options: of :meth:`from_rows`.

        Raises:
            StoreError: if there is no store, or none that this version reads.
            ValueError: see :meth:`from_rows`.
        """
        rows, messages, manifests = read_study(folder, notes=notes)
        found = cls.from_rows(rows, messages=messages, **options)
        return replace(found, origin=Origin(manifests))

    def table(self) -> Table:
        """All statistics, one line per model, dataset and condition."""
        return importance_table(self)

    def contrasts(self) -> Table:
        """Differences between models of the same drop on the same recordings."""
        return model_contrasts(self)

    def doses(self) -> Table | None:
        """Area and D50 of every dose curve; ``None`` where no option was varied."""
        table = dose_table(self)
        return table if len(table) else None

    def profile(self) -> Table | None:
        """Drops of each partial by every way to take it away; ``None`` where none was run."""
        table = profile_table(self)
        return table if len(table) else None

    def anatomy(self) -> tuple[Table, ...]:
        """Intervals of false notes, drops in recall by kind of note, fates of lost notes and drops
        by tolerance; of rows without note tables only the last."""
        return anatomy_tables(self)

    def shapley(self) -> Shapley:
        """Where the score comes from: Shapley values, of rows of ``experiment=shapley``."""
        return Shapley(self)

    def headline(self) -> list[str]:
        """What was found, one paragraph per model and dataset."""
        return headline(self)

    def statements(self) -> list[Statement]:
        """What was found, one statement per model, dataset and feature."""
        return [found for panel in self.panels for found in statements(self, panel)]

    def report(self, path: str | Path, *, examples: int = 3) -> Path:
        """Write the self-contained HTML report, with excerpts of so many recordings."""
        from pi_amt.report.page.build import build  # jinja2 and matplotlib take a second

        return build(self, path, examples=examples, origin=self.origin)

    def plot_forest(self, ax: Axes | None = None) -> Axes:
        """Drop per condition with intervals."""
        from pi_amt.report.figures.plots import forest

        return forest(self, ax=ax)

    def plot_profile(self, ax: Axes | None = None, *, keep: bool = False) -> Axes:
        """Drop per harmonic removed, or alone kept, by every way, of one model and dataset."""
        from pi_amt.report.figures.profile import profile

        return profile(self, ax=ax, keep=keep)

    def plot_dose(self, ax: Axes | None = None, parameter: str | None = None) -> Axes:
        """Dose curves of one option (the first that was varied unless named)."""
        from pi_amt.report.figures.plots import dose

        return dose(self, ax=ax, parameter=parameter)

    def plot_piece(self, ax: Axes | None = None, condition: str | None = None) -> Axes:
        """Every recording, clean against perturbed, under one condition."""
        from pi_amt.report.figures.plots import piece

        return piece(self, ax=ax, condition=condition)

    def __str__(self) -> str:
        return str(self.table())

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()


def importance(
    model: str | ModelSpec | Ladder,
    tracks: str | Path | Sequence[Track] | Dataset,
    *,
    permutations: Sequence[str | Permutation | Condition],
    repeats: int | None = None,
    n_jobs: int | None = None,
    seed: int | None = None,
    controls: bool | str = False,
    tuning: str | float = "estimate",
    align: str = "off",
    dataset: str | None = None,
    results_dir: Path | str | None = None,
    score: str | None = None,
    quiet: bool | None = None,
    n_repeats: int | None = None,
    random_state: int | None = None,
    scoring: str | None = None,
) -> Importance:
    """Permutation importance of harmonic features for one model (Breiman 2001, applied to AMT).

    ``pi_amt.importance("basic_pitch", "demo", permutations=["fund_mask"])["fund_mask"].drop`` is
    the mean drop in F without the fundamentals.

    Args:
        model: a model, its spec, or its name.
        tracks: recordings with references; or the name of a dataset (``"demo"``); or the path of a
            folder with audio files that have MIDI files of the same name beside them. A dataset
            that needs options is loaded first: ``pi_amt.load_dataset("maps", data_folder="…")``.
        permutations: names, objects or conditions; the baseline is added.
        repeats: draws per stochastic permutation, 1 if not given.
        n_jobs: worker processes, ``None`` or −1: one per core.
        seed: of all draws, 0 if not given.
        controls: add identity, floor, wrong_piece, matched_tracks and leak; ``"matched"``: only
            those that claims rest on; ``"floor"``: only that one.
        tuning: ``estimate``, ``off`` or cents.
        align: ``off``, or ``median``: shift all transcriptions of a recording by the median onset
            offset of its baseline before they are scored.
        dataset: name in the rows; default: the dataset's own name.
        results_dir: where rows are kept; default: nowhere (computed anew each time).
        score: what ``importances`` are drops of, ``F-measure_no_offset`` if not given.
        quiet: no progress bar; default: one if standard error is a terminal.
        n_repeats, random_state, scoring: scikit-learn's names of ``repeats``, ``seed`` and
            ``score``.

    Returns:
        The result with ``importances (condition × piece × repeat)`` and its statistics.

    Raises:
        ValueError: for unknown names or options, an empty list of tracks, or two names of one
            option with different values.
    """
    repeats = _either("repeats", repeats, "n_repeats", n_repeats, 1)
    seed = _either("seed", seed, "random_state", random_state, 0)
    score = _either("score", score, "scoring", scoring, F_MEASURE)
    spec = _spec_of(model)
    if isinstance(tracks, str | Path):
        tracks = _tracks_of(tracks)
    name = dataset or name_of(tracks)
    listed = list(tracks)
    if not listed:
        raise ValueError("tracks: got none, expected at least one recording")
    for track in listed:
        _check_track(track)
    conditions = make_conditions(permutations, repeats=repeats, seed=seed, controls=controls)
    group = Group(spec, name, listed, conditions, tuning, align)
    if quiet is None:
        quiet = not sys.stderr.isatty()
    with tempfile.TemporaryDirectory() as scratch, Store(results_dir or scratch) as store:
        executor = partial(local, None if n_jobs == -1 else n_jobs)
        kept = results_dir is not None
        summary = run_study([group], store, executor, quiet=quiet, kept=kept)
        rows = store.rows(summary.asked[0])
        origin = Origin(store.manifests(), (group,))
    return replace(Importance.from_rows(rows, score=score), origin=origin)


def _either(name: str, value: T | None, alias: str, other: T | None, default: T) -> T:
    """The value of an option that has two names.

    Raises:
        ValueError: if both are given and differ.
    """
    given = [chosen for chosen in (value, other) if chosen is not None]
    if len(given) == 2 and value != other:
        raise ValueError(
            f"got {name}={value!r} and {alias}={other!r}, two names of one option: expected one "
            "of them"
        )
    return given[0] if given else default


def _tracks_of(given: str | Path) -> Dataset:
    """The recordings of a dataset by its name, or of a folder by its path.

    Raises:
        ValueError: if it is neither, or the dataset needs options.
    """
    name, folder = str(given), Path(given).expanduser()
    if isinstance(given, str) and given in available_datasets():
        return load_dataset(given)
    if folder.is_dir():
        return load_dataset("folder", data_folder=folder)
    if ":" in name:
        return load_dataset(name)
    raise ValueError(
        f"tracks: got {name!r}, which is neither a dataset nor a folder"
        f"{near(name, available_datasets()) or listing(available_datasets())}"
    )


def _check_track(track: object) -> None:
    """Raise ``TypeError`` for what is not a recording, naming what it lacks."""
    for member in vars(Track):
        if not member.startswith("_") and not hasattr(track, member):
            raise TypeError(f"tracks: got {track!r} without {member}, expected recordings (Track)")
    for member in ("audio", "notes", "fingerprint", "stamp"):
        if not callable(getattr(track, member)):
            raise TypeError(
                f"tracks: got {track!r} without the method {member}, expected recordings (Track)"
            )


def _spec_of(model: str | ModelSpec | Ladder) -> ModelSpec | Transcriber:
    if isinstance(model, str):
        return ModelSpec(model)
    return model if isinstance(model, ModelSpec) else as_transcriber(model)
