"""``pi-amt perturb``: the stimulus of ``domain=audio`` as a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from tests.cli.test_transcribe import power_at
from tests.datasets.layouts import write_pair

from pi_amt.cli.main import main
from pi_amt.core.note_files import write_midi
from pi_amt.core.notes import Notes
from pi_amt.core.units import midi_to_hz


@pytest.fixture
def take(tmp_path: Path) -> list[str]:
    """Three tones, one after the other, as the arguments that every command has."""
    audio, midi = tmp_path / "take.wav", tmp_path / "take.mid"
    write_pair(audio, midi)
    return ["perturb", str(audio), "--midi", str(midi), "--option", "inharmonicity=none"]


def test_the_file_holds_the_sound_without_its_fundamentals(
    take: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    without, only = tmp_path / "out" / "without.wav", tmp_path / "only.flac"
    assert main([*take, "--permutation", "fund_mask", "-o", str(without)]) == 0
    assert main([*take, "--permutation", "harm_mask", "-o", str(only)]) == 0
    (missing, rate), (kept, _) = soundfile.read(without), soundfile.read(only)
    clean, own_rate = soundfile.read(take[1])
    assert len(missing) / rate == pytest.approx(len(clean) / own_rate, abs=1e-3)
    for hz in midi_to_hz(np.array([60.0, 64.0, 67.0])):
        assert power_at(missing, rate, hz) < 0.05 * power_at(kept, rate, hz)
    said = capsys.readouterr().out
    assert "without.wav: 1.0 s at 44100 Hz; fund_mask took" in said
    assert "differs from what was made by -" in said


def test_registers_that_are_silent_are_called_so(
    take: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "out.wav")
    assert main([*take, "--permutation", "harm_mask", "-o", out]) == 0
    said = capsys.readouterr().out
    assert "bass silent" in said
    late = tmp_path / "late.mid"  # its only note begins when the sound is over
    write_midi(Notes.from_arrays([5.0], [6.0], [60]), late)
    assert (
        main(["perturb", take[1], "--midi", str(late), "--permutation", "harm_mask", "-o", out])
        == 0
    )
    said += capsys.readouterr().out
    assert "and nothing of the sound is left" in said
    assert "nan" not in said


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--permutation", "random", "-o", "a.wav"], "which moves values"),
        (["--permutation", "donor", "-o", "a.wav"], "which moves values"),
        (["--permutation", "wrong_piece", "-o", "a.wav"], "other sound or notes"),
        (["--permutation", "ablate_channel", "-o", "a.wav"], "acts inside a model"),
        (["--permutation", "fund_mask", "-o", "a.mp3"], "ends in .wav or .flac"),
        (["--permutation", "fund_mask", "--midi", "", "-o", "a.wav"], "--midi: got none"),
        (["--permutation", "fund_musk", "-o", "a.wav"], "fund_mask"),
        (["--permutation", "fund_mask", "--seed", f"{2**64}", "-o", "a.wav"], "at most 64 bits"),
    ],
)
def test_a_mistake_is_told_in_one_line(
    take: list[str],
    arguments: list[str],
    expected: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    without_options = take[:4]
    assert main([*without_options, *arguments]) == 2
    said = capsys.readouterr().err
    assert expected in said
    assert said.count("\n") == 1


def test_the_recording_itself_is_not_overwritten(
    take: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    before = Path(take[1]).read_bytes()
    assert main([*take, "--permutation", "fund_mask", "-o", take[1]]) == 2
    assert "expected another name" in capsys.readouterr().err
    assert Path(take[1]).read_bytes() == before


def test_a_place_that_cannot_be_written_is_told(
    take: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "folder.wav").mkdir()
    given = [*take, "--permutation", "fund_mask", "-o", str(tmp_path / "folder.wav")]
    assert main(given) == 2
    assert f"cannot use {tmp_path / 'folder.wav'}: Is a directory" in capsys.readouterr().err


def test_silence_is_refused_and_leaves_nothing(
    take: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    soundfile.write(take[1], np.zeros(22050), 22050)
    target = tmp_path / "new" / "a.wav"
    assert main([*take, "--permutation", "fund_mask", "-o", str(target)]) == 2
    assert "got silence, expected a recording" in capsys.readouterr().err
    assert not target.parent.exists()


def test_soft_sound_keeps_its_shape(take: list[str], tmp_path: Path) -> None:
    samples, rate = soundfile.read(take[1])
    written = []
    for gain, bits in ((1.0, 16), (1e-4, 24)):
        soundfile.write(take[1], gain * samples, rate, subtype="FLOAT")
        target = tmp_path / f"{bits}.flac"
        assert main([*take, "--permutation", "fund_mask", "-o", str(target)]) == 0
        assert soundfile.info(target).subtype == f"PCM_{bits}"
        written.append(soundfile.read(target)[0] / gain)
    assert np.abs(written[1] - written[0]).max() < 0.02 * np.abs(written[0]).max()
