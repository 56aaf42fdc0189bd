"""The program as a user runs it, on demo music in the shapes of the three datasets.

The baseline is checked against the published ONNX model run by itself, with a decoder and scores
that are not ours.
"""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import mir_eval
import numpy as np
import pytest
from tests.models.basic_pitch import published, reference_decoder

from pi_amt.core.audio import read_audio, resample
from pi_amt.datasets.loading import load_dataset
from pi_amt.datasets.track import FileTrack
from pi_amt.store.store import read_rows

CONDITIONS = (
    "no_permutation",
    "random",
    "microtonal",
    "high_freq",
    "fund_mask",
    "harm_mask",
    "soft_fund_mask",
    "soft_harm_mask",
)
SECONDS = 5.0


def run(*arguments: str, cwd: Path, expect: int = 0) -> str:
    """Run the program in a folder; returns what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "pi_amt", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
    )
    assert done.returncode == expect, done.stderr
    return done.stdout + done.stderr


def metrics(folder: Path) -> dict[str, dict[str, Any]]:
    """``metrics.json`` of a sweep's jobs by permutation."""
    found = [json.loads(p.read_text()) for p in folder.glob("sweeps/*/*/metrics.json")]
    return {entry["permutation"]: entry for entry in found}


def demo_tracks(n: int) -> list[FileTrack]:
    """The first demo recordings."""
    tracks = [t for t in load_dataset("demo").tracks if isinstance(t, FileTrack)]
    return sorted(tracks, key=lambda t: t.name)[:n]


@cache
def published_f(track: FileTrack, seconds: float) -> float:
    """F of the published model: onnxruntime, literal decoder, mir_eval."""
    samples, rate = read_audio(track.audio_path, max_seconds=seconds)
    found = published.activations(resample(samples, rate, 22_050))
    events = reference_decoder.decode(found["note"], found["onset"])
    hop, window = 256 / 22_050, 172 * 256 / 22_050 - 43_844 / 22_050 + 0.0018

    def time(frame: int) -> float:
        return float(frame * hop - frame // 172 * window)

    intervals = np.array([(time(start), time(stop)) for start, stop, _, _ in events])
    hz = np.array([440.0 * 2 ** ((pitch - 69) / 12) for _, _, pitch, _ in events])
    reference = track.notes().clipped(seconds)
    spans = np.stack([reference.onsets, reference.offsets], axis=1)
    _, _, f, _ = mir_eval.transcription.precision_recall_f1_overlap(
        spans, reference.frequencies, intervals, hz, offset_ratio=None
    )
    return float(f)


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two demo recordings laid out as MAPS, one of them with text notes only."""
    root = tmp_path_factory.mktemp("maps")
    for track, setting in zip(demo_tracks(2), ("ENSTDkAm", "ENSTDkCl"), strict=True):
        folder = root / f"MAPS_{setting}_2" / setting / "MUS"
        folder.mkdir(parents=True)
        stem = folder / f"MAPS_MUS-{track.name}_{setting}"
        shutil.copy(track.audio_path, stem.with_suffix(".wav"))
        if setting == "ENSTDkAm":
            shutil.copy(track.notes_path, stem.with_suffix(".mid"))
        else:
            notes = track.notes()
            lines = ["OnsetTime\tOffsetTime\tMidiPitch"]
            lines += [
                f"{on:.6f}\t{off:.6f}\t{pitch:.0f}"
                for on, off, pitch in zip(notes.onsets, notes.offsets, notes.pitches, strict=True)
            ]
            stem.with_suffix(".txt").write_text("\n".join(lines) + "\n")
    return root


@pytest.fixture(scope="module")
def maestro(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two demo recordings laid out as MAESTRO's test split."""
    root = tmp_path_factory.mktemp("maestro")
    (root / "2009").mkdir()
    with (root / "maestro-v3.0.0.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(
            [
                "canonical_composer",
                "canonical_title",
                "split",
                "year",
                "midi_filename",
                "audio_filename",
                "duration",
            ]
        )
        for track in demo_tracks(2):
            shutil.copy(track.audio_path, root / "2009" / f"{track.name}.wav")
            shutil.copy(track.notes_path, root / "2009" / f"{track.name}.midi")
            files = [f"2009/{track.name}.midi", f"2009/{track.name}.wav"]
            table.writerow(["Composer, A.", track.name, "test", 2009, *files, 15.0])
    return root


@pytest.mark.parametrize("shape", ["demo", "maps", "maestro"])
def test_eight_conditions_and_a_baseline_equal_to_the_published_model(
    shape: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    arguments = ["-m", "model=basic_pitch", f"dataset={shape}", "model.trim=published"]
    arguments += ["dataset.max_tracks=2", f"dataset.max_seconds={SECONDS}", "report=false"]
    if shape != "demo":  # one data set is enough to see worker processes, which import torch
        arguments += [f"dataset.data_folder={request.getfixturevalue(shape)}", "n_jobs=1"]
    printed = run(*arguments, cwd=tmp_path)
    found = metrics(tmp_path / "results")
    assert set(found) == set(CONDITIONS)
    assert all(f"\n  {name} " in printed for name in CONDITIONS[1:])  # the baseline heads them
    assert {(m["model"], m["dataset"], m["n_pieces"]) for m in found.values()} == {
        ("basic_pitch", shape, 2)
    }
    expected = np.mean([published_f(track, SECONDS) for track in demo_tracks(2)])
    scores = {name: m["scores"]["F-measure_no_offset"] for name, m in found.items()}
    assert scores["no_permutation"] == pytest.approx(expected, abs=0.005)
    assert expected > 0.5
    # What these conditions are for: without fundamentals little is left.
    assert scores["fund_mask"] < 0.5 * scores["no_permutation"]
    assert "nothing to compute" in run(*arguments, cwd=tmp_path)


def test_both_models_give_rows_with_complex_and_real_input(tmp_path: Path) -> None:
    run(
        *("-m", "dataset=demo", "dataset.max_tracks=1", "dataset.max_seconds=3", "report=false"),
        *("permutation=no_permutation,fund_mask", "n_jobs=1"),
        cwd=tmp_path,
    )
    rows = read_rows(tmp_path / "results")
    assert {(r.model, r.label) for r in rows} == {
        (model, label)
        for model in ("basic_pitch", "timbre_trap")
        for label in ("no_permutation", "fund_mask")
    }
    assert all(r.status == "ok" for r in rows)
    (label,) = {r.weights_label for r in rows if r.model == "timbre_trap"}
    assert label == "synthetic-trained reproduction"


def test_the_published_comma_form_works(tmp_path: Path) -> None:
    run(
        *("-m", "model=basic_pitch,", "dataset=demo,", "permutation=fund_mask,", "harm_mask"),
        *("dataset.max_tracks=1", "dataset.max_seconds=2", "report=false", "n_jobs=1"),
        cwd=tmp_path,
    )
    assert set(metrics(tmp_path / "results")) == {"fund_mask", "harm_mask"}


def test_a_broken_recording_is_an_error_row_and_the_others_are_scored(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for track in demo_tracks(1):
        shutil.copy(track.audio_path, data / f"good{track.audio_path.suffix}")
        shutil.copy(track.notes_path, data / "good.mid")
    (data / "text.wav").write_text("this is not audio")
    shutil.copy(data / "good.mid", data / "text.mid")
    arguments = ("dataset=folder", f"dataset.data_folder={data}", "dataset.max_seconds=3")
    printed = run(*arguments, cwd=tmp_path, expect=1)
    assert "text.wav" in printed
    assert f"(in {data})" in printed
    assert "1 recording failed" in printed
    rows = read_rows(tmp_path / "results")
    assert {(r.track, r.status) for r in rows} == {("good", "ok"), ("text", "error")}
    (found,) = tmp_path.glob("results/runs/*/metrics.json")
    assert json.loads(found.read_text())["n_errors"] == 1


def test_controls_fill_the_excess_drop(tmp_path: Path) -> None:
    arguments = ("permutation=fund_mask", "controls=true", "dataset.max_tracks=2", "n_jobs=1")
    run(*arguments, "dataset.max_seconds=3", "report=false", cwd=tmp_path)
    run("table", "--csv", "table.csv", cwd=tmp_path)
    with (tmp_path / "table.csv").open(encoding="utf-8") as file:
        lines = {line["label"]: line for line in csv.DictReader(file)}
    assert set(lines) == {
        "no_permutation",
        "fund_mask",
        "identity",
        "floor",
        "wrong_piece(fund_mask)",
        "matched_tracks(fund_mask)",
    }
    assert float(lines["identity"]["drop"]) == 0.0
    excess = float(lines["fund_mask"]["excess_drop"])
    control = float(lines["matched_tracks(fund_mask)"]["drop"])
    assert excess == pytest.approx(float(lines["fund_mask"]["drop"]) - control)
    by_label = {(r.label, r.track): r for r in read_rows(tmp_path / "results")}
    for (label, track), row in by_label.items():
        if label == "identity":
            assert row.scores == by_label["no_permutation", track].scores


def test_transcribe_writes_midi_for_every_file(tmp_path: Path) -> None:
    (track,) = demo_tracks(1)
    printed = run(
        *("transcribe", str(track.audio_path), "-o", "out", "--midi", str(track.notes_path)),
        *("--permutation", "harm_mask", "--option", "half_width_cents=100"),
        cwd=tmp_path,
    )
    assert (tmp_path / "out" / f"{track.audio_path.stem}.mid").stat().st_size > 50
    assert "notes, F 0." in printed
    run("transcribe", "missing.wav", "-o", "out", cwd=tmp_path, expect=1)


@pytest.mark.parametrize("command", ["list", "doctor"])
def test_the_program_tells_what_it_has(command: str, tmp_path: Path) -> None:
    printed = run(command, cwd=tmp_path)
    assert "basic_pitch" in printed
    assert "timbre_trap" in printed


def test_data_says_what_is_missing(maps: Path, tmp_path: Path) -> None:
    printed = run("data", "maps", str(maps), cwd=tmp_path)
    assert "2" in printed
    printed = run("data", "maps", str(tmp_path), cwd=tmp_path, expect=2)
    assert "dataset=demo" in printed
