"""Recorded notes: the right file, the right pitch, from the strike on."""

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from pi_amt.core.units import midi_to_hz
from pi_amt.models.timbre_trap.training.recorded import (
    SAMPLE_RATE_HZ,
    find_recordings,
    recorded_note,
)

RATE_HZ = 48_000
LEAD_SECONDS = 0.02  # of silence before the strike


def _write(path: Path, pitch: int, amplitude: float) -> None:
    time = np.arange(RATE_HZ) / RATE_HZ
    tone = amplitude * np.sin(2 * np.pi * float(midi_to_hz(pitch)) * time)
    audio = np.concatenate([np.zeros(int(LEAD_SECONDS * RATE_HZ)), tone])
    sf.write(path, np.stack([audio, audio], axis=1), RATE_HZ, subtype="FLOAT")


@pytest.fixture
def piano(tmp_path: Path) -> Path:
    for name, pitch in (("A3", 57), ("C4", 60), ("D#4", 63)):
        _write(tmp_path / f"{name}v5.wav", pitch, 0.1)
        _write(tmp_path / f"{name}v12.wav", pitch, 0.6)
    (tmp_path / "README.md").write_text("not a note")
    return tmp_path


def test_names_are_read_as_pitches_and_layers(piano: Path) -> None:
    found = find_recordings(piano)
    assert {layer: sorted(files) for layer, files in found.items()} == {
        5: [57, 60, 63],
        12: [57, 60, 63],
    }


@pytest.mark.parametrize("pitch", [57, 58, 59, 60, 61, 62, 63])
def test_keys_without_a_recording_sound_at_their_own_pitch(piano: Path, pitch: int) -> None:
    note = recorded_note(find_recordings(piano), pitch, 91, SAMPLE_RATE_HZ)
    middle = note[2_000:18_000] * np.hanning(16_000)
    spectrum = np.abs(np.fft.rfft(middle, 8 * SAMPLE_RATE_HZ))
    assert np.argmax(spectrum) / 8 == pytest.approx(float(midi_to_hz(pitch)), abs=0.2)


def test_a_harder_touch_takes_the_louder_layer(piano: Path) -> None:
    found = find_recordings(piano)
    soft, loud = (np.abs(recorded_note(found, 60, v, 20_000)).max() for v in (30, 100))
    assert soft == pytest.approx(0.1, rel=0.02)
    assert loud == pytest.approx(0.6, rel=0.02)


def test_a_note_begins_with_its_strike_and_ends_in_zeros(piano: Path) -> None:
    note = recorded_note(find_recordings(piano), 60, 91, 2 * SAMPLE_RATE_HZ)
    assert np.argmax(np.abs(note) > 0.3) < 0.002 * SAMPLE_RATE_HZ
    assert len(note) == 2 * SAMPLE_RATE_HZ
    assert not note[int(1.01 * SAMPLE_RATE_HZ) :].any()


def test_a_folder_without_notes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no files like A4v9\.ogg"):
        find_recordings(tmp_path)
