"""The piece explorer's data: a few excerpts, seen and heard before and after perturbation."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pi_amt.core.audio import resample
from pi_amt.core.errors import DataError
from pi_amt.core.units import Samples
from pi_amt.models.transcriber import Transcriber
from pi_amt.report.catalog import Entry
from pi_amt.report.explorer.examples import Example, choose_conditions, choose_examples, row_of
from pi_amt.report.explorer.listen import Sound, Synthesizer, audio_address, heard, residual_db
from pi_amt.report.explorer.origin import Origin
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
from pi_amt.report.explorer.roll import OUTCOMES, agreement, look_for, played, roll
from pi_amt.report.names import dataset_title, model_title
from pi_amt.scoring.note_table import NoteTable
from pi_amt.statistics.result import Result
from pi_amt.store.rows import Row
from pi_amt.study.progress import SILENT, StageProgress

#: the page stays under 7 MB: examples that would take the explorer beyond this are left out
MOST_BYTES = 6_000_000
#: of the sound of excerpts, which is small then
_MOST_RATE_HZ = 22_050


def explore(
    importance: Result,
    entries: Sequence[Entry],
    origin: Origin,
    count: int,
    progress: StageProgress = SILENT,
) -> tuple[dict[str, Any] | None, list[str]]:
    """Data of the explorer, and what is to be said about what is missing.

    Args:
        importance: with note tables in its rows.
        entries: the report's conditions.
        origin: where recordings and models are.
        count: recordings.
        progress: told of each excerpt and model.
    """
    conditions, unable = choose_conditions(importance, entries, origin)
    if not conditions:
        return None, ["The explorer is left out, because it can show no condition of this study."]
    examples, said = choose_examples(importance, conditions, origin, count)
    if unable:
        said.append(f"Not in the explorer, because it is not known here: {', '.join(unable)}.")
    progress.stage("excerpts", sum(len(example.panels) for example in examples))
    models = {p.model: origin.model(p.rows[0]) for p in importance.panels} if examples else {}
    said += [
        f"{model_title(name)} is left out, because the model with the weights and settings of "
        "these rows is not here any more."
        for name, model in models.items()
        if model is None
    ]
    shown: list[dict[str, Any]] = []
    for example in examples:
        try:
            found = _example(importance, conditions, example, origin, models, progress)
        except DataError as error:
            said.append(f"{example.track} is left out, because its audio cannot be read ({error}).")
            continue
        if shown and len(json.dumps([*shown, found])) > MOST_BYTES:
            said.append(f"{example.track} is left out, because the page would be larger than 7 MB.")
        elif found["models"]:
            shown.append(found)
    if not shown:
        return None, ["The explorer is left out, because there is no recording to show.", *said]
    head = {"outcomes": OUTCOMES, "colours": colour_steps(), "range_db": RANGE_DB}
    return {**head, "examples": shown}, said


def _example(
    importance: Result,
    conditions: Sequence[Entry],
    example: Example,
    origin: Origin,
    models: Mapping[str, Transcriber | None],
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
        if model is None or not shown:
            continue
        baseline = panel.baseline[example.track]
        recording = read_recording(example, baseline)
        whole = Sound(recording.samples, recording.sample_rate, 0.0)
        peak = max(float(abs(whole.samples).max(initial=0.0)), 1e-9)
        found.setdefault("audio", _audio(whole, example, 0.9 / peak))
        made = [origin.condition(row) for _, row in shown]
        compositions = dict(zip(panel.pieces, panel.compositions, strict=True))
        replayed = replay(
            model,
            recording,
            made,
            example.start,
            example.stop,
            origin.neighbour(baseline, compositions),
            aligned_ms=baseline.effects.get("aligned_ms", 0.0),
        )
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
        conditions.append(
            {
                "id": entry.id,
                "title": entry.title,
                "hard": entry.hard,
                "leaks": entry.leaks,
                "picture": picture(powers(result.spectrogram, start, stop), loudest),
                "outline": outline(_region(clean, result, start, stop)),
                "audio": _audio(sound, example, 0.9 / peak),
                "residual_db": None if residual is None else round(residual, 1),
                "transcription": played(result.notes, start, stop),
                "agreement": agreement(after, result.notes, start, stop),
                "look_for": look_for(baseline, after, start, stop),
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
    """The excerpt, compressed."""
    samples = _cut(sound, example) * np.float32(gain)
    rate = min(sound.sample_rate, _MOST_RATE_HZ)
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
