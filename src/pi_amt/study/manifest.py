"""The manifest of a run, kept beside its rows: what computed them, and from which files."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
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
