"""``pi-amt transcribe``: notes as CSV, and the perturbed input as a sound that can be checked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import soundfile
from tests.datasets.layouts import write_pair
from tests.toys import transcribe

import pi_amt.cli.transcribe as cli
from pi_amt.cli.main import main
from pi_amt.core.note_files import read_notes, write_midi
from pi_amt.core.notes import Notes
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.core.units import midi_to_hz
from pi_amt.datasets.loading import load_dataset
from pi_amt.datasets.track import FileTrack
from pi_amt.models.adapter import as_transcriber
from pi_amt.models.loading import ModelSpec
from pi_amt.permutations.loading import load_permutation
from pi_amt.permutations.permutation import Change, Permutation, Scene
from pi_amt.scoring.anatomy import annotate
from pi_amt.scoring.matching import match_notes
from pi_amt.scoring.note_table import NoteTable
from pi_amt.study.conditions import as_condition
from pi_amt.study.evaluate import evaluate
from pi_amt.study.jobs import Job

LENGTH_SECONDS = 1.0


@pytest.fixture
def take(tmp_path: Path) -> FileTrack:
    """Three tones, one after the other."""
    audio, midi = tmp_path / "take.wav", tmp_path / "take.mid"
    write_pair(audio, midi)
    return FileTrack("take", audio, midi, "take")


@pytest.fixture
def piece(tmp_path: Path) -> FileTrack:
    """Four seconds of piano music."""
    (track,) = load_dataset("demo", max_tracks=1, max_seconds=4.0)
    audio, midi = tmp_path / "piece.wav", tmp_path / "piece.mid"
    soundfile.write(audio, *track.audio())
    write_midi(track.notes(), midi)
    return FileTrack("piece", audio, midi, "piece")


def power_at(samples: np.ndarray, rate: int, hz: float) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    near = np.abs(np.fft.rfftfreq(len(samples), 1 / rate) - hz) < 4
    return float(spectrum[near].sum())


@pytest.mark.parametrize("model", ["basic_pitch", "timbre_trap"])
def test_the_perturbed_sound_lacks_what_was_removed_and_lies_where_it_was(
    model: str, take: FileTrack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    given = ["transcribe", str(take.audio_path), "--midi", str(take.notes_path)]
    given += ["--model", model, "--save-perturbed-audio", "--csv"]
    assert main([*given, "--permutation", "fund_mask", "-o", str(out)]) == 0
    assert main([*given, "--permutation", "identity", "-o", str(out / "same")]) == 0
    perturbed, rate = soundfile.read(out / "take.perturbed.wav")
    same, _ = soundfile.read(out / "same" / "take.perturbed.wav")
    assert len(perturbed) == pytest.approx(LENGTH_SECONDS * rate, abs=1)
    samples, own_rate = take.audio()
    clean = np.interp(np.arange(len(same)) / rate, np.arange(len(samples)) / own_rate, samples)
    assert np.argmax(np.correlate(same, clean, "full")) == len(clean) - 1  # nothing is shifted
    for hz in midi_to_hz(np.array([60.0, 64.0, 67.0])):
        assert power_at(perturbed, rate, hz) < 0.1 * power_at(same, rate, hz)
    assert "take.mid" in capsys.readouterr().out
    assert np.array_equal(
        read_notes(out / "take.csv").pitches, read_notes(out / "take.mid").pitches
    )


def test_what_is_kept_for_the_sound_changes_no_note(take: FileTrack, tmp_path: Path) -> None:
    arguments = ["transcribe", str(take.audio_path), "--midi", str(take.notes_path)]
    arguments += ["--permutation", "soft_fund_mask", "--csv"]
    assert main([*arguments, "-o", str(tmp_path / "a")]) == 0
    assert main([*arguments, "-o", str(tmp_path / "b"), "--save-perturbed-audio"]) == 0
    a, b = ((tmp_path / folder / "take.csv").read_text() for folder in "ab")
    assert a == b


@pytest.mark.parametrize(
    ("model", "permutation", "options"),
    [
        ("basic_pitch", "random", {}),
        ("basic_pitch", "ratio_harm_mask", {}),  # which must know the whole recording
        ("timbre_trap", "ratio_fund_mask", {}),  # which the model would normalise by itself
        ("basic_pitch", "matched_energy", {"target": "harm_mask"}),  # which reads it first
        ("basic_pitch", "leak", {"carrier": "noise"}),  # which is heard in noise
        ("basic_pitch", "no_permutation", {}),
    ],
)
def test_the_notes_are_those_of_a_study(
    model: str, permutation: str, options: dict[str, str], piece: FileTrack, tmp_path: Path
) -> None:
    given = ["transcribe", str(piece.audio_path), "--midi", str(piece.notes_path), "--csv"]
    given += ["--model", model, "-o", str(tmp_path / "out"), "--seed", "3"]
    for name, value in options.items():
        given += ["--option", f"{name}={value}"]
    assert main([*given, "--permutation", permutation]) == 0
    condition = as_condition(load_permutation(permutation, **options), seed=3)
    (row,) = evaluate(Job(ModelSpec(model), "", piece, (condition,))).rows
    expected, reference = NoteTable.from_bytes(row.notes), piece.notes()
    found = read_notes(tmp_path / "out" / "piece.csv")
    table = annotate(reference, found, match_notes(reference, found))
    assert table.matched.tolist() == expected.matched.tolist()
    assert table.false_pitch == pytest.approx(expected.false_pitch)
    assert table.false_onset == pytest.approx(expected.false_onset, abs=2e-4)


def test_a_model_that_needs_options_gets_its_own(take: FileTrack, tmp_path: Path) -> None:
    given = ["transcribe", str(take.audio_path), "--midi", str(take.notes_path)]
    given += ["--model", "callable", "--model-option", "function=tests.toys.transcribe", "--csv"]
    mask = ["--permutation", "fund_mask", "--option", "half_width_cents=200"]
    assert main([*given, "-o", str(tmp_path / "clean")]) == 0
    assert main([*given, *mask, "-o", str(tmp_path / "perturbed")]) == 0
    found = read_notes(tmp_path / "clean" / "take.csv")
    expected = transcribe(*take.audio())
    assert found.pitches.tolist() == expected.pitches.tolist()
    perturbed = read_notes(tmp_path / "perturbed" / "take.csv")
    assert not {60.0, 64.0, 67.0} & set(perturbed.pitches)  # their fundamentals are gone


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--model", "callable"], "model.function: got None, expected a function"),
        (["--model-option", "threshold"], "--model-option: got 'threshold', expected KEY=VALUE"),
        (
            ["--option", "function=a.b"],
            "--option: got one without --permutation, expected both (options of the model are "
            "given by --model-option)",
        ),
    ],
)
def test_a_wrong_option_of_the_model_is_one_line(
    given: list[str],
    said: str,
    take: FileTrack,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["transcribe", str(take.audio_path), "-o", str(tmp_path / "a"), *given]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


@dataclass(frozen=True)
class InPlace(Permutation):
    """A user's, found by its path: it works on the values that it was given."""

    name: ClassVar[str] = "tests.cli.test_transcribe:InPlace"
    factor: float = 0.1

    def draw(self, scene: Scene) -> Change:
        def multiply(clean: Spectrogram) -> Spectrogram:
            clean.tensor.mul_(self.factor)
            return clean

        return Change(multiply)


def test_what_a_permutation_does_in_place_is_heard(take: FileTrack, tmp_path: Path) -> None:
    given = [
        "transcribe",
        str(take.audio_path),
        "--save-perturbed-audio",
        "-o",
        str(tmp_path / "a"),
    ]
    assert main([*given, "--permutation", InPlace.name]) == 0
    soft, _ = soundfile.read(tmp_path / "a" / "take.perturbed.wav")
    clean, _ = take.audio()
    assert np.std(soft) == pytest.approx(0.1 * np.std(clean), rel=0.1)


def test_values_that_are_no_numbers_are_refused(
    take: FileTrack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["transcribe", str(take.audio_path), "--permutation", InPlace.name]
    assert main([*given, "--option", "factor=.nan", "-o", str(tmp_path / "a")]) == 1
    assert "made NaN or infinite values, expected numbers" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("permutation", "label"),
    [
        (["wrong_piece"], "wrong_piece(fund_mask)"),
        (["leak", "--option", "carrier=other"], "leak_other(harm_mask)"),
    ],
)
def test_what_must_borrow_from_another_recording_is_refused(
    permutation: list[str],
    label: str,
    take: FileTrack,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = ["transcribe", str(take.audio_path), "--midi", str(take.notes_path)]
    assert main([*given, "-o", str(tmp_path / "a"), "--permutation", *permutation]) == 2
    assert f"--permutation: got {label}: needs another recording" in capsys.readouterr().err


def test_a_name_that_is_too_long_for_what_is_written_does_not_hold_up_the_others(
    take: FileTrack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long, out = tmp_path / f"{'n' * 250}.wav", tmp_path / "out"
    write_pair(long, tmp_path / "other.mid")
    given = ["transcribe", str(long), str(take.audio_path), "--permutation", "random"]
    for _ in range(2):  # what is there already is looked for, too
        assert main([*given, "--save-perturbed-audio", "-o", str(out)]) == 1
        said, (line,) = (text.splitlines() for text in capsys.readouterr())
        assert [text.partition(":")[0] for text in said] == [str(out / "take.mid")]
        assert line.endswith(".perturbed.wav: File name too long; choose a shorter name")
    long = long.rename(tmp_path / f"{'n' * 252}.au")  # notes have another suffix, longer by one
    assert main(["transcribe", str(long), str(take.audio_path), "-o", str(out)]) == 1
    assert ".mid: File name too long; choose a shorter name" in capsys.readouterr().err


def test_a_perturbed_sound_needs_a_permutation(
    take: FileTrack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["transcribe", str(take.audio_path), "-o", str(tmp_path / "a")]
    assert main([*given, "--save-perturbed-audio"]) == 2
    assert "--save-perturbed-audio: got one without --permutation" in capsys.readouterr().err


def refuses_short_sounds(samples: np.ndarray, sample_rate: int) -> Notes:
    """A model that fails on some recordings only."""
    if len(samples) < sample_rate // 2:
        raise KeyError("too short for me")
    return Notes.from_arrays([0.1], [0.5], [60])


def test_a_recording_that_the_model_fails_on_does_not_hold_up_the_others(
    take: FileTrack,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model = as_transcriber(refuses_short_sounds)
    monkeypatch.setattr(cli, "load_model", lambda *_, **__: model)
    monkeypatch.delenv("PI_AMT_DEBUG", raising=False)
    short = tmp_path / "a_short.wav"
    soundfile.write(short, np.zeros(2000), 22050)
    out = tmp_path / "out"
    assert main(["transcribe", str(short), str(take.audio_path), "-o", str(out)]) == 1
    assert len(read_notes(out / "take.mid")) == 1
    assert not (out / "a_short.mid").exists()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"pi-amt: {short}: ")
    assert "too short for me" in line


def test_a_mask_needs_the_notes_of_the_recording(
    take: FileTrack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["transcribe", str(take.audio_path), "-o", str(tmp_path / "a")]
    assert main([*given, "--permutation", "fund_mask"]) == 2
    assert "got fund_mask, which needs the notes of the recording, expected --midi" in (
        capsys.readouterr().err
    )


def test_no_table_of_notes_beside_the_audio_is_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_pair(tmp_path / "take.wav", tmp_path / "notes" / "take.mid")
    (tmp_path / "take.csv").write_text("mine")
    given = ["transcribe", str(tmp_path / "take.wav"), "-o", str(tmp_path), "--csv"]
    assert main(given) == 2
    assert "expected another folder" in capsys.readouterr().err
    assert (tmp_path / "take.csv").read_text() == "mine"


def test_notes_that_are_no_transcription_are_not_overwritten_anywhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    midi = tmp_path / "notes" / "take.mid"
    write_pair(tmp_path / "take.wav", midi)
    table = tmp_path / "tables" / "take.csv"
    table.parent.mkdir()
    table.write_text("0.1,0.5,60\n")
    mine = b"MThd" + bytes([0, 0, 0, 6, 0, 1, 0, 1, 1, 224, *b"MTrk", 0, 0, 0, 4, 0, 255, 47, 0])
    midi.write_bytes(mine)
    given = ["transcribe", str(tmp_path / "take.wav"), "--csv", "-o"]
    for notes in (midi, table):
        kept = notes.read_bytes()
        assert main([*given, str(notes.parent)]) == 2
        assert f"where {notes} would be overwritten" in capsys.readouterr().err
        assert notes.read_bytes() == kept
    for _ in range(2):  # what it wrote itself it may write again
        assert main([*given, str(tmp_path / "out")]) == 0


def test_a_perturbed_sound_overwrites_no_recording(
    take: FileTrack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "b" / "take.perturbed.wav"
    write_pair(other, tmp_path / "b.mid")
    kept = other.read_bytes()
    given = ["transcribe", str(take.audio_path), str(other), "--permutation", "random"]
    assert main([*given, "--save-perturbed-audio", "-o", str(other.parent)]) == 2
    assert f"where {other} would be overwritten" in capsys.readouterr().err
    assert other.read_bytes() == kept


def test_notes_of_a_longer_recording_are_told_of(
    take: FileTrack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    midi = tmp_path / "longer.mid"
    write_midi(
        Notes.from_arrays([0.1, 0.4, 2.0, 5.0], [0.3, 0.6, 2.5, 6.0], [60, 64, 67, 72]), midi
    )
    given = [str(take.audio_path), "--midi", str(midi), "-o", str(tmp_path / "out")]
    expected = f"{midi}: 50% of the notes begin after the sound has ended"
    assert main(["transcribe", *given]) == 0
    assert expected in capsys.readouterr().err
    assert main(["transcribe", *given, "--permutation", "fund_mask"]) == 0
    assert expected in capsys.readouterr().err
    given[-1] = str(tmp_path / "out.wav")
    assert main(["perturb", *given, "--permutation", "fund_mask"]) == 0
    assert expected in capsys.readouterr().err


@pytest.mark.parametrize("command", ["transcribe", "perturb"])
def test_a_mask_without_a_single_note_is_refused(
    command: str, take: FileTrack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    midi = tmp_path / "nothing.mid"
    write_midi(Notes.empty(), midi)
    given = [command, str(take.audio_path), "--midi", str(midi), "--permutation", "fund_mask"]
    assert main([*given, "-o", str(tmp_path / "x.wav")]) == 2
    assert f"--midi: got {midi}, in which there are no notes" in capsys.readouterr().err
    assert not (tmp_path / "x.wav").exists()


def test_a_single_sample_has_a_perturbed_sound(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "one.wav", np.array([0.1]), 44100)
    given = ["transcribe", str(tmp_path / "one.wav"), "--permutation", "random"]
    out = tmp_path / "out"
    assert main([*given, "--save-perturbed-audio", "-o", str(out)]) == 0
    assert soundfile.info(out / "one.perturbed.wav").frames == 1


def test_recordings_may_stand_below_the_home_folder(
    take: FileTrack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert main(["transcribe", "~/take.wav", "-o", "~/out"]) == 0
    assert (tmp_path / "out" / "take.mid").is_file()
