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
    if recordings that are still there are not chosen any more while new ones are, or if a name now
    stands for other audio than before, which is still there.

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
        there = {name: paths for name, paths in before.items() if all(map(os.path.exists, paths))}
        swapped = [
            name
            for name, (audio, _) in there.items()
            if name in tracks and not _is_same_recording(audio, tracks[name][0])
        ]
        chosen = {audio for audio, _ in tracks.values()}
        left = [n for n, (audio, _) in there.items() if n not in tracks and audio not in chosen]
        known = {audio for audio, _ in before.values()}
        new = [n for n, (audio, _) in tracks.items() if n not in before and audio not in known]
        if swapped or (left and new):
            old, now = (swapped[0], swapped[0]) if swapped else (left[0], new[0])
            raise ValueError(
                f"results_dir: holds a study of other recordings of {dataset}, for example "
                f"{there[old][0]}, where {tracks[now][0]} is chosen now; means over both would "
                "tell nothing: choose another results_dir=…"
            )


def _is_same_recording(audio: str, now: str) -> bool:
    """Whether a name's audio is where it was, be it in another format, or holds the same bytes.

    Of what cannot be read the worker tells, so it counts as the same.
    """
    if os.path.splitext(audio)[0] == os.path.splitext(now)[0]:
        return True
    try:
        return os.path.samefile(audio, now) or filecmp.cmp(audio, now, shallow=False)
    except OSError:
        return True
