"""``pi_amt.importance``: what it takes and refuses, and how its result is asked."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile
from tests.rows import make_dose_rows, make_rows

import pi_amt
from pi_amt.models.adapter import as_transcriber

MEMBERS = ("name", "composition", "duration_seconds", "audio", "notes", "fingerprint", "stamp")


@pytest.mark.parametrize("member", MEMBERS)
def test_a_recording_that_lacks_something_is_refused_with_the_name_of_it(member: str) -> None:
    track: Any = SimpleNamespace(**dict.fromkeys(name for name in MEMBERS if name != member))
    with pytest.raises(TypeError, match=rf"without {member}, expected recordings \(Track\)"):
        pi_amt.importance("basic_pitch", [track], permutations=["random"])


def test_a_recording_with_a_value_in_the_place_of_a_method_is_refused() -> None:
    track: Any = SimpleNamespace(**dict.fromkeys(MEMBERS, print))
    track.fingerprint = "9f2c"
    with pytest.raises(TypeError, match="without the method fingerprint, expected recordings"):
        pi_amt.importance("basic_pitch", [track], permutations=["random"])


def planted(**fields: Any) -> list[pi_amt.Row]:
    return make_rows({"fund_mask": 0.3, "harm_mask": 0.1}, noise=0.0, **fields)


def test_a_result_gives_a_condition_by_its_name() -> None:
    result = pi_amt.Importance.from_rows(planted(), n_resamples=200)
    assert result["fund_mask"].drop == pytest.approx(0.3)
    assert result["no_permutation"].role == "baseline"
    assert list(result) == ["fund_mask", "harm_mask"]
    assert "fund_mask" in result
    assert "nothing" not in result
    with pytest.raises(KeyError, match="unknown 'fun_mask'; did you mean fund_mask"):
        result["fun_mask"]


def test_conditions_of_one_label_are_told_apart_by_their_options() -> None:
    rows = make_dose_rows({0.1: 0.1, 0.5: 0.4}, noise=0.0)
    result = pi_amt.Importance.from_rows(rows, n_resamples=200)
    assert result["random (p=0.5)"].drop == pytest.approx(0.4)
    with pytest.raises(KeyError, match=r"several conditions are.*random \(p=0.1\), random \(p=0"):
        result["random"]


def test_a_result_of_several_models_asks_which() -> None:
    rows = planted() + planted(model="timbre_trap")
    result = pi_amt.Importance.from_rows(rows, n_resamples=200)
    with pytest.raises(ValueError, match=r"choose one: \.select\(model="):
        result["fund_mask"]
    assert result.select(model="timbre_trap")["fund_mask"].model == "timbre_trap"


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"repeats": 2, "n_repeats": 3}, "repeats=2 and n_repeats=3, two names"),
        ({"repeats": 1, "n_repeats": 3}, "repeats=1 and n_repeats=3, two names"),
        ({"seed": 1, "random_state": 2}, "seed=1 and random_state=2, two names"),
        ({"score": "Precision", "scoring": "Recall"}, "two names of one option"),
        ({"random_state": 1.5}, "expected a whole number"),
        ({"n_jobs": -2}, "n_jobs: got -2"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(options: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        pi_amt.importance(Blind(), [Tone()], permutations=["random"], **options)


def test_recordings_that_are_neither_dataset_nor_folder_are_refused() -> None:
    with pytest.raises(ValueError, match="neither a dataset nor a folder; did you mean demo"):
        pi_amt.importance("basic_pitch", "demmo", permutations=["random"])
    with pytest.raises(ValueError, match="dataset maps: looked in"):
        pi_amt.importance("basic_pitch", "maps", permutations=["random"])


class Tone:
    """A recording of two tones, made up."""

    name = composition = "tone"
    duration_seconds = 2.0

    def audio(self) -> Any:
        return np.sin(np.arange(16_000, dtype=np.float32)), 8_000

    def notes(self) -> pi_amt.Notes:
        return pi_amt.Notes.from_arrays([0.5, 1.0], [0.9, 1.5], [60, 64])

    def fingerprint(self) -> str:
        return "tone"

    def stamp(self) -> str:
        return "tone"


class Blind:
    """A model that finds the same notes whatever it hears."""

    def analyze(self, samples: Any, sample_rate: int) -> pi_amt.Spectrogram:
        return pi_amt.Spectrogram(
            values=np.abs(samples[:16_000]).reshape(1, 80, 200),
            frequencies=np.geomspace(30.0, 3_000.0, 80),
            times=np.arange(200.0)[None] / 100,
            window_seconds=np.full(80, 0.1),
            frame_rate=100.0,
            n_samples=len(samples),
            sample_rate=sample_rate,
        )

    def activations(self, spectrogram: pi_amt.Spectrogram) -> dict[str, Any]:
        return {"notes": np.zeros((200, 88), dtype=np.float32)}

    def decode(self, activations: Any) -> pi_amt.Notes:
        return Tone().notes()


def test_names_of_scikit_learn_mean_the_same(tmp_path: Path) -> None:
    own = pi_amt.importance(
        Blind(), [Tone()], permutations=["random"], repeats=2, seed=7, score="Recall", n_jobs=1
    )
    theirs = pi_amt.importance(
        Blind(), [Tone()], permutations=["random"], n_repeats=2, random_state=7, scoring="Recall",
        n_jobs=1,
    )  # fmt: skip
    assert own.score == theirs.score == "Recall"
    assert own.importances.shape == theirs.importances.shape == (1, 1, 2)
    assert {row.key for row in own.rows} == {row.key for row in theirs.rows}
    assert {row.seed for row in theirs.rows} == {7}


def test_all_cores_are_minus_one_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pi_amt.study.executors.processes.available_cores", lambda: 1)
    result = pi_amt.importance(Blind(), [Tone()], permutations=["random"], n_jobs=-1)
    assert result["random"].drop == 0


def test_a_folder_of_recordings_is_read_by_its_path(tmp_path: Path) -> None:
    track = pi_amt.load_dataset("demo").tracks[0]
    assert isinstance(track, pi_amt.FileTrack)
    samples, rate = track.audio()
    soundfile.write(tmp_path / "take.wav", samples[: 2 * rate], rate)
    pi_amt.write_midi(track.notes().clipped(2.0), tmp_path / "take.mid")
    for folder in (tmp_path, str(tmp_path)):
        result = pi_amt.importance(Folded(), folder, permutations=["random"], n_jobs=1)
        assert result.pieces == ("take",)
        assert result.datasets == ("folder",)


class Folded(Blind):
    """The same for a recording of any length."""

    def analyze(self, samples: Any, sample_rate: int) -> pi_amt.Spectrogram:
        return super().analyze(np.resize(samples, 16_000), sample_rate)


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_is_shown_where_standard_error_is_a_terminal(
    terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    pi_amt.importance(Blind(), [Tone()], permutations=["random"], n_jobs=1)
    assert bool(capsys.readouterr().err) == terminal


def test_a_model_transcribes_a_file_by_its_path(tmp_path: Path) -> None:
    samples, rate = Tone().audio()
    soundfile.write(tmp_path / "tone.wav", samples, rate, subtype="FLOAT")
    for model in (as_transcriber(Blind()), pi_amt.load_model("basic_pitch")):
        expected = model.transcribe(samples, rate)
        for path in (tmp_path / "tone.wav", str(tmp_path / "tone.wav")):
            found = model.transcribe(path)
            assert np.array_equal(found.onsets, expected.onsets)
            assert np.array_equal(found.pitches, expected.pitches)
    with pytest.raises(ValueError, match="expected their rate in Hz"):
        model.transcribe(samples)
    with pytest.raises(ValueError, match="the file knows its own"):
        model.transcribe(tmp_path / "tone.wav", rate)
    with pytest.raises(ValueError, match="the file is missing"):
        model.transcribe(tmp_path / "none.wav")
