"""``pi_amt.importance``: a study as one call from Python, from models and recordings at hand."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from pi_amt.datasets.track import Track
from pi_amt.models.adapter import Ladder, as_transcriber
from pi_amt.models.loading import ModelSpec
from pi_amt.models.transcriber import Transcriber
from pi_amt.permutations.permutation import Permutation
from pi_amt.statistics.result import Importance, importance_from_rows
from pi_amt.store.store import Store
from pi_amt.study.conditions import Condition, make_conditions
from pi_amt.study.driver import Group, run_study
from pi_amt.study.executors.processes import local

_TRACK_MEMBERS = (
    "name", "composition", "duration_seconds", "audio", "notes", "fingerprint", "stamp"
)  # fmt: skip


def importance(
    model: str | ModelSpec | Ladder,
    tracks: Sequence[Track],
    *,
    permutations: Sequence[str | Permutation | Condition],
    repeats: int = 1,
    n_jobs: int | None = None,
    seed: int = 0,
    controls: bool = False,
    tuning: str | float = "estimate",
    dataset: str | None = None,
    results_dir: Path | str | None = None,
    score: str = "F-measure_no_offset",
    quiet: bool = True,
) -> Importance:
    """Permutation importance of harmonic features for one model (Breiman 2001, applied to AMT).

    Args:
        model: a model, its spec, or its name.
        tracks: recordings with references, e.g. ``pi_amt.load_dataset("demo")``.
        permutations: names, objects or conditions; the baseline is added.
        repeats: draws per stochastic permutation.
        n_jobs: worker processes, ``None``: one per core.
        seed: of all draws.
        controls: add identity, floor, wrong_piece and matched_tracks.
        tuning: ``estimate``, ``off`` or cents.
        dataset: name in the rows; default: the dataset's own name.
        results_dir: where rows are kept; default: nowhere (computed anew each time).
        score: what ``importances`` are drops of.
        quiet: no progress bar.

    Returns:
        The result with ``importances (condition × piece × repeat)`` and its statistics.

    Raises:
        ValueError: for unknown names or options, or an empty list of tracks.
    """
    spec = _spec_of(model)
    name = dataset or str(getattr(tracks, "name", "tracks"))
    listed = list(tracks)
    if not listed:
        raise ValueError("tracks: got none, expected at least one recording")
    for track in listed:
        _check_track(track)
    conditions = make_conditions(permutations, repeats=repeats, seed=seed, controls=controls)
    group = Group(spec, name, listed, conditions, tuning)
    with tempfile.TemporaryDirectory() as scratch, Store(results_dir or scratch) as store:
        summary = run_study([group], store, partial(local, n_jobs), quiet=quiet)
        rows = store.rows(summary.asked[0])
    return importance_from_rows(rows, score=score)


def _check_track(track: object) -> None:
    """Raise ``TypeError`` for what is not a recording, naming what it lacks."""
    for member in _TRACK_MEMBERS:
        if not hasattr(track, member):
            raise TypeError(f"tracks: got {track!r} without {member}, expected recordings (Track)")


def _spec_of(model: str | ModelSpec | Ladder) -> ModelSpec | Transcriber:
    if isinstance(model, str):
        return ModelSpec(model)
    return model if isinstance(model, ModelSpec) else as_transcriber(model)
