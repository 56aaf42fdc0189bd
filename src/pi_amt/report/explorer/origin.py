"""Where the rows of a result come from: what is needed to compute an excerpt of them again.

Rows of a results store are traced through the manifests of its runs, which name files and options
of models. Of a study of this program, models and recordings themselves are at hand, whatever they
are made of.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pi_amt.core.hashing import canonical_json
from pi_amt.datasets.track import FileTrack, Track
from pi_amt.models.loading import ModelSpec, built
from pi_amt.models.transcriber import Transcriber
from pi_amt.store.rows import Row, condition_of
from pi_amt.study.conditions import Condition
from pi_amt.study.groups import Group
from pi_amt.study.neighbours import neighbours_of


@dataclass(frozen=True)
class Origin:
    """What is known of the studies that made some rows.

    Attributes:
        manifests: of a results store, oldest first; what a later run says goes first.
        groups: those that this program computed; they go before what manifests say.
    """

    manifests: Sequence[Mapping[str, Any]] = ()
    groups: Sequence[Group] = ()

    def __bool__(self) -> bool:
        return bool(self.manifests or self.groups)

    def track(self, row: Row) -> Track | None:
        """The recording of a row, there or not; ``None`` where nothing tells."""
        return self._run_of(row, {row.track: row.composition}).get(row.track)

    def neighbour(self, row: Row, compositions: Mapping[str, str]) -> Track | None:
        """The recording from which a row's condition borrowed; ``None`` where there is none.

        Args:
            row: any row of the recording.
            compositions: of the recordings of its dataset, by name: no manifest holds them.
        """
        return neighbours_of(self._run_of(row, compositions).values()).get(row.track)

    def model(self, row: Row) -> Transcriber | None:
        """The model that made a row; ``None`` where it cannot be had."""
        for group in self.groups:
            model = built(group.model)
            if _made(model, row):
                return model
        specs = [spec for manifest in reversed(self.manifests) for spec in _specs(manifest)]
        for name, text in dict.fromkeys(specs):
            options = json.loads(text) | {"device": "auto"}
            if options.get("weights") and not Path(options["weights"]).is_file():
                continue
            try:
                model = ModelSpec(name, canonical_json(options)).build()
            except (ImportError, ValueError, OSError):  # of another machine or version
                continue
            if _made(model, row):
                return model
        return None

    def condition(self, row: Row) -> Condition:
        """The condition of a row, with its draw.

        Raises:
            ValueError: if its permutation is not known here.
        """
        for group in self.groups:
            for known in group.conditions:
                stored = replace(
                    known, label=row.label, role=row.role, repeat=row.repeat, seed=row.seed
                )
                if stored.distinct == known.distinct and row.parameters == known.parameters:
                    return known
        return Condition.rebuilt(condition_of(row), row.repeat, row.seed)

    def _run_of(self, row: Row, compositions: Mapping[str, str]) -> dict[str, Track]:
        """Name → recording of the last run that saw the recording of a row. Of files, those without
        a known composition have one of their own."""
        for group in reversed(self.groups):
            if group.dataset == row.dataset:
                found = {track.name: track for track in group.tracks}
                if row.track in found:
                    return found
        settings = json.loads(row.settings or "{}")
        for manifest in reversed(self.manifests):
            files = manifest.get("tracks", {}).get(row.dataset, {})
            forms = manifest.get("forms", {}).get(row.dataset, {})
            if row.track in files:
                return {
                    name: _file_track(
                        name, compositions.get(name, name), paths, forms.get(name, ()), settings
                    )
                    for name, paths in files.items()
                }
        return {}


def _specs(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names and options of the models of a run; those up to version 0.2.0 kept one per name."""
    models = manifest.get("models", [])
    return [(name, text) for name, text in (models.items() if isinstance(models, dict) else models)]


def _file_track(
    name: str,
    composition: str,
    paths: Sequence[str],
    form: Sequence[Any],
    settings: Mapping[str, Any],
) -> FileTrack:
    """A recording of a manifest, read as the settings of a row say.

    ``form`` is how its notes are written, which part they are, and of how many files at the end
    there are contours (not in manifests up to version 0.2.0); empty for MIDI and MAPS text.
    """
    kind, part, n_contours = (*(form or ("", None)), 0)[:3]
    audio, notes, *others = map(Path, paths)
    more = others[: len(others) - n_contours]
    known = ("pedal", "max_seconds", "onset_shift_ms")
    options = {key: settings[key] for key in known if key in settings}
    options |= {"more_notes": tuple(more), "form": kind, "part": part}
    options |= {"contours": tuple(others[len(more) :])}
    return FileTrack(name, audio, notes, composition, **options)


def _made(model: Transcriber, row: Row) -> bool:
    """Whether this model gives rows like this one."""
    own, settings = model.identity, json.loads(row.settings or "{}")
    same = json.loads(canonical_json(dict(own.settings))).items() <= settings.items()
    return same and (own.name, own.weights_sha256, own.precision) == (
        row.model,
        row.weights,
        row.precision,
    )
