"""The piece explorer's data: a few excerpts, seen and heard before and after perturbation."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pi_amt.core.audio import resample
from pi_amt.core.errors import DataError
from pi_amt.core.hashing import canonical_json
from pi_amt.core.units import Samples
from pi_amt.models.loading import ModelSpec
from pi_amt.models.timbre_trap.slicq import SAMPLE_RATE_HZ
from pi_amt.models.transcriber import Transcriber
from pi_amt.report.catalog import Entry
from pi_amt.report.explorer.examples import Example, choose_conditions, choose_examples, row_of
from pi_amt.report.explorer.listen import Sound, Synthesizer, audio_address, heard, residual_db
from pi_amt.report.explorer.pictures import (
    RANGE_DB,
    colour_steps,
    column_times,
    columns,
    outline,
    picture,
    pitch_range,
    powers,
    touched,
)
from pi_amt.report.explorer.replay import Replayed, read_recording, replay
from pi_amt.report.explorer.roll import FATES, agreement, played, roll
from pi_amt.report.names import dataset_title, model_title
from pi_amt.scoring.note_table import NoteTable
from pi_amt.statistics.panels import Panel
from pi_amt.statistics.result import Result
from pi_amt.store.rows import Row
from pi_amt.study.progress import SILENT, StageProgress

#: the page stays under 5 MB: examples that would take the explorer beyond this are left out
MOST_BYTES = 4_000_000


def explore(
    importance: Result,
    entries: Sequence[Entry],
    manifests: Sequence[Mapping[str, Any]],
    count: int,
    progress: StageProgress = SILENT,
) -> tuple[dict[str, Any] | None, list[str]]:
    """Data of the explorer, and what is to be said about what is missing.

    Args:
        importance: with note tables in its rows.
        entries: the report's conditions.
        manifests: of the store; their ``tracks`` and ``models`` say where things are.
        count: recordings.
        progress: told of each excerpt and model.
    """
    conditions = choose_conditions(entries)
    if not conditions:
        return None, ["Left out: no condition of this study can be shown on one recording."]
    files = _audio_files(manifests)
    examples, said = choose_examples(importance, conditions, files, count)
    progress.stage("excerpts", sum(len(example.panels) for example in examples))
    models = {panel.model: _model(panel, manifests) for panel in importance.panels}
    said += [f"{model_title(n)}: {why}" for n, why in models.items() if isinstance(why, str)]
    shown: list[dict[str, Any]] = []
    for example in examples:
        try:
            found = _example(importance, conditions, example, models, progress)
        except DataError as error:
            said.append(f"{example.track}: left out, its audio cannot be read ({error}).")
            continue
        if found["models"] and len(json.dumps([*shown, found])) > MOST_BYTES:
            said.append(f"{example.track}: left out, the page would be larger than 5 MB.")
        elif found["models"]:
            shown.append(found)
    if not shown:
        return None, ["Left out: there is no recording to show.", *said]
    head = {"fates": FATES, "colours": colour_steps(), "range_db": RANGE_DB}
    return {**head, "examples": shown}, said


def _audio_files(manifests: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], Path]:
    """(dataset, track) → audio; what a later run says goes first."""
    return {
        (dataset, track): Path(paths[0])
        for manifest in manifests
        for dataset, tracks in manifest.get("tracks", {}).items()
        for track, paths in tracks.items()
    }


def _model(panel: Panel, manifests: Sequence[Mapping[str, Any]]) -> Transcriber | str:
    """The model that made a panel's rows, or why it cannot be had."""
    row = panel.rows[0]
    specs = [
        (name, options)
        for manifest in reversed(manifests)
        for name, options in manifest.get("models", {}).items()
    ]
    for name, text in dict.fromkeys(specs):
        options = json.loads(text) | {"device": "auto"}
        if options.get("weights") and not Path(options["weights"]).is_file():
            continue
        try:
            model = ModelSpec(name, canonical_json(options)).build()
        except (ImportError, ValueError, OSError):  # a model of another machine or version
            continue
        if _made(model, row):
            return model
    return "left out, the model with the weights and settings of these rows is not here any more."


def _made(model: Transcriber, row: Row) -> bool:
    """Whether this model gives rows like this one."""
    own, settings = model.identity, json.loads(row.settings or "{}")
    same = json.loads(canonical_json(dict(own.settings))).items() <= settings.items()
    return same and (own.name, own.weights_sha256, own.precision) == (
        row.model,
        row.weights,
        row.precision,
    )


def _example(
    importance: Result,
    conditions: Sequence[Entry],
    example: Example,
    models: Mapping[str, Transcriber | str],
    progress: StageProgress,
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "track": example.track,
        "dataset": dataset_title(example.dataset),
        "why": example.why,
        "start": example.start,
        "seconds": round(example.stop - example.start, 3),
        "models": [],
    }
    for place in example.panels:
        panel = importance.panels[place]
        progress.step(f"excerpts of {model_title(panel.model)}")
        model = models[panel.model]
        rows = [(e, row_of(panel, e, place, example.track)) for e in conditions]
        shown = [(entry, row) for entry, row in rows if row is not None]
        if isinstance(model, str) or not shown:
            continue
        recording = read_recording(example, panel.baseline[example.track])
        whole = Sound(recording.samples, recording.sample_rate, 0.0)
        peak = max(float(abs(whole.samples).max(initial=0.0)), 1e-9)
        found.setdefault("audio", _audio(whole, example, 0.9 / peak))
        replayed = replay(model, recording, [row for _, row in shown], example.start, example.stop)
        found["models"].append(
            {
                "panel": place,
                "borrowed_phase": not _has_own_sound(model),
                **_pictures_and_sound(
                    model,
                    whole,
                    peak,
                    example,
                    panel.baseline_notes[example.track],
                    shown,
                    replayed,
                ),
            }
        )
    return found


def _pictures_and_sound(
    model: Transcriber,
    whole: Sound,
    peak: float,
    example: Example,
    baseline: NoteTable,
    shown: Sequence[tuple[Entry, Row]],
    replayed: Sequence[Replayed],
) -> dict[str, Any]:
    clean, start, stop = replayed[0], example.start, example.stop
    power = powers(clean.spectrogram, start, stop)
    loudest = float(power.max())
    conditions = []
    for (entry, row), result in zip(shown, replayed[1:], strict=True):
        after = NoteTable.from_bytes(row.notes)
        sound = heard(model, whole, clean.spectrogram, result.spectrogram)
        residual = residual_db(model, sound, result.spectrogram)
        # a model that synthesises has divided its input by the peak
        conditions.append(
            {
                "id": entry.id,
                "title": entry.title,
                "hard": entry.hard,
                "leaks": entry.leaks,
                "picture": picture(powers(result.spectrogram, start, stop), loudest),
                "outline": outline(_region(clean, result, start, stop)),
                "audio": _audio(sound, example, 0.9 if _has_own_sound(model) else 0.9 / peak),
                "residual_db": None if residual is None else round(residual, 1),
                "transcription": played(result.notes, start, stop),
                "agreement": agreement(after, result.notes, start, stop),
                **roll(baseline, after, start, stop),
            }
        )
    return {
        "range": pitch_range(clean.spectrogram),
        "picture": picture(power, loudest),
        "transcription": played(clean.notes, start, stop),
        "conditions": conditions,
    }


def _region(clean: Replayed, result: Replayed, start: float, stop: float) -> Any:
    """``(bins, columns)`` bool: the feature that is removed, else whatever was changed."""
    if result.target is None:
        return touched(clean.spectrogram, result.spectrogram, start, stop)
    return columns(clean.spectrogram, result.target, column_times(start, stop))


def _has_own_sound(model: Transcriber) -> bool:
    """Whether a model's input can be turned into sound without the original."""
    return isinstance(model, Synthesizer)


def _audio(sound: Sound, example: Example, gain: float) -> str:
    """The excerpt, compressed, at 22,050 Hz or less."""
    samples = _cut(sound, example) * np.float32(gain)
    rate = min(sound.sample_rate, SAMPLE_RATE_HZ)
    return audio_address(resample(samples, sound.sample_rate, rate), rate)


def _cut(sound: Sound, example: Example) -> Samples:
    """The excerpt out of a sound; zeros where it has not begun or has ended."""
    first = round((example.start - sound.begin) * sound.sample_rate)
    wanted = round((example.stop - example.start) * sound.sample_rate)
    lead = max(0, -first)
    part = sound.samples[max(first, 0) : max(first + wanted, 0)]
    out = np.zeros(wanted, dtype=np.float32)
    out[lead : lead + len(part)] = part
    return out
