"""The manifest of a run, kept beside its rows: what computed them, and from which files.

Manifests also tell whether a results folder holds a study of other recordings, whose rows would
become one mean with the new ones, and whether anything has changed since a study was stopped.
"""

from __future__ import annotations

import filecmp
import os
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from pi_amt.core.text import plural
from pi_amt.core.version import __version__
from pi_amt.datasets.files import Selection
from pi_amt.datasets.track import FileTrack, Track
from pi_amt.models.loading import ModelSpec, built
from pi_amt.store.rows import METHOD_VERSION
from pi_amt.store.store import Store
from pi_amt.study.groups import Group

_NAMED = 3  # changes that a message names; it counts the others


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
    """What a report needs to compute an excerpt again: the options of the models, the files of the
    recordings and, under ``forms``, how notes are written that are no MIDI or MAPS text."""
    tracks: dict[str, dict[str, list[str]]] = {}
    forms: dict[str, dict[str, list[Any]]] = {}
    for group in groups:
        for track in group.tracks:
            if isinstance(track, FileTrack):
                paths = [str(path.absolute()) for path in track.paths]
                tracks.setdefault(group.dataset, {})[track.name] = paths
                if track.form or track.contours:
                    form = [track.form, track.part, len(track.contours)]
                    forms.setdefault(group.dataset, {})[track.name] = form
    specs = [group.model for group in groups if isinstance(group.model, ModelSpec)]
    # one name may stand for several models, as in a sweep over its options
    models = [[spec.name, spec.options] for spec in dict.fromkeys(specs)]
    found = {"models": models, "tracks": tracks}
    return {**found, "forms": forms} if forms else found


def what_decides(groups: Sequence[Group]) -> dict[str, Any]:
    """What decides the rows besides the conditions: the method, and for each group the weights of
    its model and a stamp of every recording. Manifests call the groups ``passes``."""
    models = [built(group.model).identity for group in groups]
    return {
        "method": METHOD_VERSION,
        "passes": [
            {
                "model": model.name,
                "weights": model.weights_sha256,
                "dataset": group.dataset,
                "stamps": {track.name: track.stamp() for track in group.tracks},
                "made": _made(group.tracks),
            }
            for model, group in zip(models, groups, strict=True)
        ],
    }


def _made(tracks: Sequence[Track]) -> dict[str, str]:
    """Name → mark of the recordings that are no files."""
    return {track.name: _mark(track) for track in tracks if not isinstance(track, FileTrack)}


def _mark(track: Track) -> str:
    """The stamp that a recording would have if it were neither cut nor read in an unusual way.

    Empty for recordings without the options of a :class:`Selection`: their stamps may also change
    where nothing but the notes was corrected.
    """
    if not is_dataclass(track) or isinstance(track, type):  # is_dataclass is true of classes, too
        return ""
    own = {field.name for field in fields(track)}
    plain: dict[str, Any] = {f.name: f.default for f in fields(Selection) if f.name in own}
    return replace(track, **plain).stamp() if plain else ""


def check_unchanged(groups: Sequence[Group], manifest: Mapping[str, Any], store: Store) -> None:
    """Refuse to go on with a study whose method, models or recordings are not those of its start.

    Recordings that moved or were copied are the same as long as their contents are. Of those that
    have no rows yet contents are not known: they are the same if they are older than the study.

    Args:
        groups: those of the study, as they would run now.
        manifest: of the study, with what :func:`what_decides` told then.
        store: of its rows.

    Raises:
        ValueError: with the first few changes, and how many more there are.
    """
    found = list(dict.fromkeys(_changes(groups, manifest, store)))
    if found:
        more = len(found) - _NAMED
        rest = f"; and {plural(more, 'other change')}" if more > 0 else ""
        raise ValueError(
            f"the study of {manifest['started']} cannot go on, because something has changed since "
            f"then: {'; '.join(found[:_NAMED])}{rest}. Put back what was there, or start the study "
            "anew"
        )


def _changes(groups: Sequence[Group], manifest: Mapping[str, Any], store: Store) -> Iterator[str]:
    """One clause for each thing that is not as it was."""
    if manifest["method"] != METHOD_VERSION:
        yield f"the method of pi_amt was {manifest['method']} and is {METHOD_VERSION}"
    started = datetime.fromisoformat(manifest["started"]).timestamp()
    for group, before in zip(groups, manifest["passes"], strict=True):
        model = built(group.model).identity
        if model.weights_sha256 != before["weights"]:
            yield (
                f"the weights of {before['model']} had the sha256 {before['weights'][:12]}… and "
                f"now have {model.weights_sha256[:12]}…"
            )
        tracks = {track.name: track for track in group.tracks}
        for name, stamp in before["stamps"].items():
            if name not in tracks:
                yield f"the recording {name} of {group.dataset} is missing"
            elif change := _change(tracks[name], group.dataset, stamp, started, store):
                yield change
        for name in tracks:
            if name not in before["stamps"]:
                yield f"the recording {name} of {group.dataset} is new"


def _change(track: Track, dataset: str, stamp: str, started: float, store: Store) -> str:
    """What has become of a recording since its stamp was taken; empty if it is the same."""
    now = track.stamp()
    if now == stamp:
        return ""
    paths = track.paths if isinstance(track, FileTrack) else ()
    known = store.fingerprint(stamp)
    if gone := [path for path in paths if not path.exists()]:
        # what was never read, but has a row, was missing from the start: the row says so
        was_there = known is not None or not store.knows(dataset, track.name)
        return f"{gone[0].absolute()} is missing" if was_there else ""
    if known is None:
        same = bool(paths) and all(path.stat().st_mtime <= started for path in paths)
    else:
        fingerprint = store.fingerprint(now) or track.fingerprint()
        store.remember(now, fingerprint)
        same = fingerprint == known
    named = " or ".join(str(path.absolute()) for path in paths) or track.name
    return "" if same else f"{named} has other contents"


def check_same_study(groups: Sequence[Group], manifests: Sequence[Mapping[str, Any]]) -> None:
    """Refuse recordings that a results folder cannot take beside those that it holds.

    A study may grow or shrink, its files may move, be renamed or be corrected. It is another study
    if recordings that are still there are not chosen any more while new ones are, or if a name now
    stands for other audio than before, which is still there. Recordings that are no files are
    always there.

    Args:
        groups: what is to be computed.
        manifests: of the runs before, oldest first.

    Raises:
        ValueError: with the first such dataset, and an example.
    """
    files = sources(groups)["tracks"]
    for dataset in dict.fromkeys(group.dataset for group in groups):
        tracks = [track for group in groups if group.dataset == dataset for track in group.tracks]
        pair = _other_files(files.get(dataset, {}), dataset, manifests)
        pair = pair or _other_made(tracks, dataset, manifests)
        if pair is not None:
            raise ValueError(
                f"results_dir: holds a study of other recordings of {dataset}, for example "
                f"{pair[0]}, where {pair[1]} is chosen now; means over both would tell nothing: "
                "choose another results_dir=…"
            )


def _other_made(
    tracks: Sequence[Track], dataset: str, manifests: Sequence[Mapping[str, Any]]
) -> tuple[str, str] | None:
    """Of recordings that are no files, one of the study before and one of another study now."""
    before: dict[str, str] = {}
    for manifest in manifests:
        for one in manifest.get("passes", []):
            if one["dataset"] == dataset:
                marks = one.get("made", {})  # version 0.2.0 kept only the names
                before |= {name: marks.get(name, "") for name in one["stamps"]}
    now, names = _made(tracks), {track.name for track in tracks}
    for name, mark in now.items():
        if mark and before.get(name) not in (None, "", mark):
            return name, "another recording of this name"
    left, new = [n for n in before if n not in names], [n for n in now if n not in before]
    return (left[0], new[0]) if left and new else None


def _other_files(
    tracks: Mapping[str, Sequence[str]], dataset: str, manifests: Sequence[Mapping[str, Any]]
) -> tuple[str, str] | None:
    """Audio of the study before and of the one now, if these are two."""
    before: dict[str, list[str]] = {}
    for manifest in manifests:
        before |= manifest.get("tracks", {}).get(dataset, {})
    there = {name: paths for name, paths in before.items() if all(map(os.path.exists, paths))}
    for name, (audio, *_) in there.items():
        if name in tracks and not _is_same_recording(audio, tracks[name][0]):
            return audio, tracks[name][0]
    chosen = {audio for audio, *_ in tracks.values()}
    left = [a for n, (a, *_) in there.items() if n not in tracks and a not in chosen]
    known = {audio for audio, *_ in before.values()}
    new = [a for n, (a, *_) in tracks.items() if n not in before and a not in known]
    return (left[0], new[0]) if left and new else None


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
