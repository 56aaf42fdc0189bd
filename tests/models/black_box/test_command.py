"""Programs as models: what they are given, what they may answer, and what is refused."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from pi_amt.core.note_files import write_midi
from pi_amt.core.notes import Notes
from pi_amt.models.black_box.command import Command

RATE = 8_000
SOUND = (0.5 * np.sin(np.arange(RATE) * 2 * np.pi * 5 / RATE)).astype(np.float32)
ANSWER = Notes.from_arrays([0.25, 0.5], [0.5, 0.75], [60, 64])


def tool(folder: Path, code: str) -> str:
    """A command that runs Python code with ``wav`` and ``mid``."""
    file = folder / "tool.py"
    file.write_text(f"import shutil, sys\nwav, mid = sys.argv[1:]\n{code}")
    return f"{sys.executable} {file} {{wav}} {{mid}}"


@pytest.fixture
def answer(tmp_path: Path) -> Path:
    """A MIDI file of two notes."""
    path = tmp_path / "answer.mid"
    write_midi(ANSWER, path)
    return path


def test_a_program_answers_with_a_midi_file(tmp_path: Path, answer: Path) -> None:
    found = Command(tool(tmp_path, f"shutil.copy({str(answer)!r}, mid)"))(SOUND, RATE)
    assert np.allclose(found.onsets, ANSWER.onsets, atol=1e-4)
    assert found.pitches.tolist() == [60, 64]


@pytest.mark.parametrize(
    ("options", "rate", "subtype", "peak"),
    [
        ({}, 44_100, "PCM_16", 0.5),
        ({"sample_rate": None, "wav_format": "FLOAT"}, RATE, "FLOAT", 0.5),
        ({"sample_rate": 22_050, "wav_format": "PCM_24"}, 22_050, "PCM_24", 0.5),
        ({"sample_rate": None, "gain_db": 20.0}, RATE, "PCM_16", 1.0),
        ({"sample_rate": None, "gain_db": 20.0, "wav_format": "FLOAT"}, RATE, "FLOAT", 5.0),
    ],
)
def test_the_wav_file_is_what_was_asked_for(
    tmp_path: Path, answer: Path, options: dict[str, object], rate: int, subtype: str, peak: float
) -> None:
    kept = tmp_path / "kept.wav"
    code = f"shutil.copy(wav, {str(kept)!r}); shutil.copy({str(answer)!r}, mid)"
    Command(tool(tmp_path, code), **options)(SOUND, RATE)  # type: ignore[arg-type]
    about = soundfile.info(kept)
    assert (about.samplerate, about.subtype, about.channels) == (rate, subtype, 1)
    assert about.duration == pytest.approx(1.0)
    samples, _ = soundfile.read(kept)
    assert np.abs(samples).max() == pytest.approx(peak, rel=0.02)


def test_the_temporary_folder_is_removed(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    code = f"open({str(seen)!r}, 'w').write(wav); open(mid + '.more', 'w').write('x'); sys.exit(1)"
    with pytest.raises(ValueError, match="ended with error 1"):
        Command(tool(tmp_path, code))(SOUND, RATE)
    assert seen.read_text().endswith(".wav")
    assert not Path(seen.read_text()).parent.exists()


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("", "ended without an error and wrote no MIDI file$"),
        ("sys.stderr.write('no weights')", "without an error and wrote no MIDI file: no weights$"),
        (
            "open(wav[:-4] + '.mid', 'w')",
            r"no MIDI file as \{mid\}, but heard.mid beside the sound",
        ),
        ("print('MThd...')", r"no MIDI file as \{mid\}, but printed one: run it through a shell"),
        ("open(mid, 'w')", r"wrote no MIDI file that can be read: the file is empty"),
        ("open(mid, 'w').write('nonsense')", "can be read: not a MIDI file"),
        (
            "open(mid, 'wb').write(b'MThd\\0\\0\\0\\6\\0\\1\\0\\1\\0\\x60')",
            "can be read: truncated",
        ),
        ("raise SystemExit('no model')", "ended with error 1: no model"),
    ],
)
def test_a_program_without_an_answer_costs_one_line(tmp_path: Path, code: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as told:
        Command(tool(tmp_path, code), label="mine")(SOUND, RATE)
    assert "\n" not in str(told.value)
    assert "notes.mid" not in str(told.value)


def printing(text: str, columns: str = "pitch onset offset") -> Command:
    code = f"print({text!r}, sys.argv[1][:0])"
    return Command(f'{sys.executable} -c "import sys; {code}" {{wav}}', columns, fingerprint="1")


def test_notes_may_be_printed_in_any_columns() -> None:
    found = printing("0.1, 440, 0.3, 99, 7\n0.4, 220, 0.2, 80, 7", "onset hz duration velocity -")
    assert found(SOUND, RATE).pitches.tolist() == [69, 57]
    heard = found(SOUND, RATE)
    assert np.allclose(heard.offsets, [0.4, 0.6])
    assert heard.velocities.tolist() == [99, 80]


def test_a_line_of_fewer_numbers_is_no_note() -> None:
    """aubionotes tells when the sound begins and ends."""
    found = printing("0.10\n60 0.2 0.3\n\n1.0")(SOUND, RATE)
    assert (found.pitches.tolist(), found.onsets.tolist()) == ([60], [0.2])
    assert len(printing("0.0\n1.0")(SOUND, RATE)) == 0


def test_columns_that_no_line_has_are_told() -> None:
    """Every line would be none of a note, and the program would seem to hear nothing."""
    wrong = printing("0.0\n60 0.1 0.2\n62 0.3 0.4", "pitch onset offset velocity")
    with pytest.raises(ValueError, match=r"printed '60 0.1 0.2' and no longer line, .* velocity$"):
        wrong(SOUND, RATE)


@pytest.mark.parametrize("text", ["loading the model", "60 0.1 0.2 0.3", "60 nan 0.2"])
def test_a_line_that_is_no_note_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"printed '.*', expected numbers: pitch onset offset$"):
        printing(text)(SOUND, RATE)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({}, "model.command: got nothing, expected a program with its arguments, such as 'tool"),
        ({"command": ""}, "model.command: got ''"),
        ({"command": "cat '{wav} {mid}"}, "No closing quotation"),
        ({"command": "cat {wav}"}, r"without \{mid\}.*; give model.columns if it prints notes"),
        ({"command": "cat {mid}"}, r"without \{wav\}"),
        ({"command": "cat", "columns": "onset offset pitch"}, r"without \{wav\}"),
        ({"command": "not_a_tool {wav} {mid}"}, "the program 'not_a_tool', which is not installed"),
        ({"command": "cat {wav}", "columns": "onset pitch"}, "expected offset or duration once"),
        ({"command": "cat {wav}", "columns": "onset offset key"}, "model.columns: got 'key'"),
        ({"command": "cat {wav} {mid}", "wav_format": "MP3"}, "model.wav_format: got 'MP3'"),
        ({"command": "cat {wav} {mid}", "timeout_seconds": 0}, "model.timeout_seconds: got 0"),
        ({"command": "cat {wav} {mid}", "sample_rate": 44.1}, "model.sample_rate: got 44.1"),
    ],
)
def test_options_that_cannot_work_are_refused(options: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Command(**options)  # type: ignore[arg-type]


def test_no_shell_runs_a_command(tmp_path: Path, answer: Path) -> None:
    mark = tmp_path / "mark"
    command = tool(tmp_path, f"shutil.copy({str(answer)!r}, mid)").replace("{mid}", "'{mid}'")
    with pytest.raises(ValueError, match="ended with error"):
        Command(f"{command} ; touch {mark}")(SOUND, RATE)
    assert not mark.exists()


def sha(command: str, **options: str) -> str:
    return Command(command, **options).identity.weights_sha256  # type: ignore[arg-type]


def test_what_a_command_names_tells_it_apart(tmp_path: Path) -> None:
    command = tool(tmp_path, "first")
    first = sha(command)
    assert sha(command) == first
    assert sha(command, fingerprint="2") != first
    assert sha(f"{command} --fast") != first
    weights = tmp_path / "net.pt"
    weights.write_text("one")
    one = sha(f"{command} --weights={weights}")
    weights.write_text("two")
    assert sha(f"{command} --weights={weights}") != one
    tool(tmp_path, "second")
    assert sha(command) != first


def test_the_package_of_a_program_tells_it_apart(tmp_path: Path) -> None:
    """What pip writes for a program is the same in every version of its package."""
    program = tmp_path / "bin" / "transcribe"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    about = tmp_path / "lib" / "python3.11" / "site-packages" / "tool-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "entry_points.txt").write_text("[console_scripts]\ntranscribe = tool:main\n")
    found = []
    for version in ("1.0", "2.0"):
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: tool\nVersion: {version}\n")
        found.append(Command(f"{program} {{wav}} {{mid}}").identity)
    assert [one.weights_label for one in found] == ["program (tool 1.0)", "program (tool 2.0)"]
    assert found[0].weights_sha256 != found[1].weights_sha256


def test_a_command_that_only_names_an_interpreter_asks_for_a_fingerprint() -> None:
    command = f"{sys.executable} -m my_tool {{wav}} {{mid}}"
    assert Command(command).identity.unreadable == f"what {Path(sys.executable).name} runs"
    assert Command(command, fingerprint="my_tool 1.0").identity.unreadable == ""


def test_a_command_is_called_by_its_program_or_by_the_file_that_this_runs(tmp_path: Path) -> None:
    assert Command("cat {wav} {mid}").name == "cat"
    assert Command(tool(tmp_path, "")).name == "tool"
    assert Command(tool(tmp_path, ""), label="mine").name == "mine"


def test_settings_that_change_the_answer_are_in_the_identity() -> None:
    found = Command("cat {wav} {mid}", gain_db=-6, late_ms=10, label="mine").identity
    assert found.name == "mine"
    assert found.settings == {
        "command": ["cat", "{wav}", "{mid}"],
        "columns": None,
        "wav_format": "PCM_16",
        "listener_rate": 44_100,
        "gain_db": -6.0,
        "late_ms": 10.0,
    }
