"""A small real study for the report's tests: a toy model on files with awkward names.

The toy hears fundamentals only, so the answers are known: ``fund_mask`` loses every note that the
clean input gave, ``harm_mask`` and ``microtonal`` keep all of them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import soundfile
from tests.rows import make_rows
from tests.toys import TOY, toy_tracks

from pi_amt.core.note_files import write_midi
from pi_amt.datasets.track import FileTrack
from pi_amt.models.loading import ModelSpec
from pi_amt.permutations.loading import load_permutation
from pi_amt.store.rows import Row
from pi_amt.store.store import Store
from pi_amt.study.conditions import Condition, make_conditions
from pi_amt.study.driver import run_study
from pi_amt.study.executors.processes import serial
from pi_amt.study.groups import Group

#: what a page must show as text and never run
AWKWARD = (
    '"><script>window.hacked = 1</script>',
    "<img src=x onerror='window.hacked = 2'>",
    "</script><b>bold</b> & {{ 7 * 7 }}",
)
SECONDS = 13.0


def toy_files(folder: Path, seconds: float = SECONDS) -> list[FileTrack]:
    """Audio and MIDI files of toy recordings under awkward names."""
    tracks = []
    folder.mkdir(parents=True, exist_ok=True)
    for number, (name, toy) in enumerate(
        zip(AWKWARD, toy_tracks(len(AWKWARD), seconds), strict=True)
    ):
        audio, notes = folder / f"{number}.wav", folder / f"{number}.mid"
        samples, rate = toy.audio()
        soundfile.write(audio, samples, rate, subtype="FLOAT")
        write_midi(toy.notes(), notes)
        tracks.append(FileTrack(name, audio, notes, composition=name, duration_seconds=seconds))
    return tracks


def toy_conditions() -> list[Condition]:
    """Masks, shuffles, one control, a harmonic profile and a dose curve."""
    named = [
        Condition(
            load_permutation("remove_harmonic", harmonic=k),
            f"remove_harmonic(harmonic={k})",
            varied=("harmonic",),
        )
        for k in (1, 2, 3)
    ] + [
        Condition(
            load_permutation("fund_mask", fill="attenuate", attenuation_db=db),
            f"fund_mask(attenuation_db={db})",
            varied=("attenuation_db",),
        )
        for db in (3.0, 10.0, 40.0)
    ]
    plain = ["fund_mask", "harm_mask", "microtonal", "random"]
    control = Condition(
        load_permutation("matched_tracks", target="fund_mask"),
        "matched_tracks(fund_mask)",
        role="control",
        target="fund_mask",
    )
    return make_conditions([*plain, control, *named], controls="floor")


def run_toy_study(folder: Path) -> Path:
    """Run it; returns the results folder. A second model is a planted reproduction."""
    tracks = toy_files(folder / "files")
    results = folder / "results"
    with Store(results) as store:
        group = Group(ModelSpec(TOY), "toys", tracks, toy_conditions(), tuning="off")
        summary = run_study([group], store, serial, quiet=True)
        assert not summary.errors, summary.errors[0].error
        store.write(planted_rows(len(AWKWARD)))
    return results


def planted_rows(n_pieces: int) -> list[Row]:
    """Rows of a second model, a reproduction, on the same recordings, one of them failed."""
    rows = make_rows(
        {"fund_mask": 0.4, "harm_mask": 0.1},
        n_pieces=n_pieces,
        model="timbre_trap",
        dataset="toys",
        weights_label="synthetic-trained reproduction",
    )
    rows = [replace(row, track=AWKWARD[int(row.track[-2:])]) for row in rows]
    rows = [replace(row, composition=row.track, key=f"{row.key} {row.track}") for row in rows]
    broken = replace(rows[-1], status="error", error="truncated audio <5 s of 9 s>", scores={})
    return [*rows[:-1], broken]
