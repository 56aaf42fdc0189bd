"""The manifest of a run, kept beside its rows: what computed them, and from which files.

Manifests also tell whether a results folder holds a study of other recordings: their rows would
become one mean with the new ones.
"""

from __future__ import annotations

import filecmp
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from pi_amt.core.version import __version__
from pi_amt.datasets.track import FileTrack
from pi_amt.models.loading import ModelSpec
from pi_amt.study.groups import Group


def environment() -> dict[str, Any]:
    """Versions, machine and command."""
    packages = ("torch", "numpy", "scipy", "soxr", "soundfile", "av", "hydra-core")
    versions = {"pi_amt": __version__, "python": platform.python_version()}
    for package in packages:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "missing"
    return {
        "versions": versions,
        "platform": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "command": sys.argv,
    }


def sources(groups: Sequence[Group]) -> dict[str, Any]:
    """What a report needs to compute an excerpt again: models' options and files of tracks."""
    tracks: dict[str, dict[str, list[str]]] = {}
    for group in groups:
        for track in group.tracks:
            if isinstance(track, FileTrack):
                paths = [str(track.audio_path.absolute()), str(track.notes_path.absolute())]
                tracks.setdefault(group.dataset, {})[track.name] = paths
    specs = [group.model for group in groups if isinstance(group.model, ModelSpec)]
    return {"models": {spec.name: spec.options for spec in specs}, "tracks": tracks}


def check_same_study(groups: Sequence[Group], manifests: Sequence[Mapping[str, Any]]) -> None:
    """Refuse recordings that a results folder cannot take beside those that it holds.

    A study may grow or shrink, its files may move, be renamed or be corrected. It is another study
    if files that are still there are not chosen any more while new ones are, or if a name now
    stands for another file than before.

    Args:
        groups: what is to be computed.
        manifests: of the runs before, oldest first.

    Raises:
        ValueError: with the first such dataset, and an example.
    """
    for dataset, tracks in sources(groups)["tracks"].items():
        before: dict[str, list[str]] = {}
        for manifest in manifests:
            before |= manifest.get("tracks", {}).get(dataset, {})
        others = {
            name: paths
            for name, paths in before.items()
            if paths != tracks.get(name) and all(map(os.path.exists, paths))
        }
        swapped = [
            name for name in others if name in tracks and not _equal(others[name], tracks[name])
        ]
        left = [name for name in others if name not in tracks]
        new = [name for name in tracks if name not in before]
        if swapped or (left and new):
            old, now = (swapped[0], swapped[0]) if swapped else (left[0], new[0])
            raise ValueError(
                f"results_dir: holds a study of other recordings of {dataset}, for example "
                f"{others[old][0]}, where {tracks[now][0]} is chosen now; means over both would "
                "tell nothing: choose another results_dir=…"
            )


def _equal(paths: Sequence[str], others: Sequence[str]) -> bool:
    """Whether files hold the same bytes."""
    return all(filecmp.cmp(a, b, shallow=False) for a, b in zip(paths, others, strict=True))
