"""The built-in demo data: audio, MIDI and papers agree, and the script still makes them."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from scripts.demo_data.notation import parse_voice

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "src" / "pi_amt" / "datasets" / "demo_data"
SCRIPT = ROOT / "scripts" / "demo_data" / "build.py"
SOUNDFONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
TRACKS: list[dict[str, Any]] = json.loads((FOLDER / "tracks.json").read_text("utf-8"))
HOP, WINDOW = 64, 1024

each_track = pytest.mark.parametrize("track", TRACKS, ids=[track["id"] for track in TRACKS])


def messages(track: dict[str, Any]) -> list[tuple[float, Any]]:
    """(seconds, message) of a track's MIDI file."""
    now, timed = 0.0, []
    for message in mido.MidiFile(FOLDER / track["midi"]):
        now += message.time
        timed.append((now, message))
    return timed


def onsets(track: dict[str, Any]) -> NDArray[np.float64]:
    """Onset times (s) of a track's MIDI file."""
    return np.array([now for now, m in messages(track) if m.type == "note_on" and m.velocity])


def mono(track: dict[str, Any]) -> tuple[NDArray[np.float64], int]:
    """Samples, channels averaged, and their rate."""
    samples, rate = soundfile.read(FOLDER / track["audio"], always_2d=True)
    return samples.mean(axis=1), rate


def onset_strength(track: dict[str, Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(times s, summed rise of log magnitudes) of a track's audio."""
    samples, rate = mono(track)
    frames = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP]
    magnitude = np.log1p(1000 * np.abs(np.fft.rfft(frames * np.hanning(WINDOW))))
    rise = np.maximum(np.diff(magnitude, axis=0), 0).sum(axis=1)
    times = (np.arange(1, len(rise) + 1) * HOP + WINDOW / 2) / rate
    return times, rise - np.median(rise)


def run_script(*arguments: str) -> None:
    """Run the build script."""
    subprocess.run([sys.executable, str(SCRIPT), *arguments], check=True, capture_output=True)


def test_twelve_excerpts_by_twelve_composers() -> None:
    assert len({track["composer"] for track in TRACKS}) == len(TRACKS) == 12
    assert [track["id"] for track in TRACKS] == sorted(track["id"] for track in TRACKS)


def test_the_folder_is_small_and_complete() -> None:
    files = [path for path in FOLDER.iterdir() if path.suffix != ".py" and path.is_file()]
    assert sum(path.stat().st_size for path in files) < 4_000_000
    named = {track[kind] for track in TRACKS for kind in ("audio", "midi")}
    assert {path.name for path in files} == named | {"tracks.json", "SOURCES.md"}


def test_sources_list_every_file_with_its_hash() -> None:
    text = (FOLDER / "SOURCES.md").read_text("utf-8")
    listed = dict(re.findall(r"^\| `([^`]+)` \| \d+ \| `([0-9a-f]{64})` \|$", text, re.M))
    files = [path for path in FOLDER.iterdir() if path.suffix in {".mid", ".ogg", ".json"}]
    assert listed == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    assert "Permission is hereby granted, free of charge" in text
    assert "Frank Wen" in text


@each_track
def test_audio_decodes_without_clipping(track: dict[str, Any]) -> None:
    samples, rate = soundfile.read(FOLDER / track["audio"], always_2d=True)
    assert (rate, samples.shape[1]) == (44_100, 2)
    assert 13 <= track["seconds"] <= 17
    assert len(samples) / rate == pytest.approx(track["seconds"], abs=0.01)
    assert messages(track)[-1][0] == pytest.approx(track["seconds"], abs=0.01)
    assert -6.5 < 20 * np.log10(np.abs(samples).max()) < -1.0


@each_track
def test_notes_are_playable(track: dict[str, Any]) -> None:
    struck = [m for _, m in messages(track) if m.type == "note_on" and m.velocity]
    assert len(struck) == track["notes"] >= 40
    assert all(21 <= m.note <= 108 and 25 <= m.velocity <= 115 for m in struck)
    assert len({m.velocity for m in struck}) > 10
    assert 0.3 <= onsets(track)[0] <= 0.7


@each_track
def test_no_key_is_pressed_twice_or_left_down(track: dict[str, Any]) -> None:
    down: set[int] = set()
    for _, message in messages(track):
        if message.type == "note_on":
            assert message.note not in down
            down.add(message.note)
        elif message.type == "note_off":
            down.remove(message.note)
    assert not down


@each_track
def test_pedal_is_where_it_is_meant(track: dict[str, Any]) -> None:
    values = [m.value for _, m in messages(track) if m.type == "control_change"]
    assert any(value >= 64 for value in values) == track["pedal"]
    assert values[-1] == 0


@each_track
def test_audio_is_not_shifted_against_midi(track: dict[str, Any]) -> None:
    times, strength = onset_strength(track)
    lags = np.arange(-0.1, 0.1, 0.001)
    found = onsets(track)
    score = [np.interp(found + lag, times, strength).sum() for lag in lags]
    assert abs(lags[int(np.argmax(score))]) <= 0.015


@each_track
def test_isolated_onsets_are_heard(track: dict[str, Any]) -> None:
    times, strength = onset_strength(track)
    found = onsets(track)
    isolated = found[np.r_[True, np.diff(found) > 0.06]]
    near = [strength[np.abs(times - onset) <= 0.03].max() for onset in isolated]
    assert np.mean(np.array(near) > 5 * np.median(np.abs(strength))) > 0.9


def test_the_script_makes_the_same_midi(tmp_path: Path) -> None:
    run_script("--midi-only", "--out", str(tmp_path))
    for name in ["tracks.json", *(track["midi"] for track in TRACKS)]:
        assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes(), name


@pytest.mark.skipif(
    not (shutil.which("fluidsynth") and SOUNDFONT.exists()),
    reason="fluidsynth or fluid-soundfont-gm is not installed",
)
def test_the_script_renders_the_same_sound(tmp_path: Path) -> None:
    track = TRACKS[-1]
    run_script("--only", track["id"], "--out", str(tmp_path))
    again, _ = soundfile.read(tmp_path / track["audio"], always_2d=True)
    assert np.corrcoef(again.mean(axis=1), mono(track)[0])[0, 1] > 0.99


def test_a_bar_of_the_wrong_length_is_refused() -> None:
    assert len(parse_voice("c4/4 e4+g4/8*2 | r/2 |", (2, 2))) == 4
    with pytest.raises(ValueError, match="bar 2 lasts 1 beats, not 2"):
        parse_voice("c4/2 | d4/4 |", (2, 2))
    with pytest.raises(ValueError, match="not a note"):
        parse_voice("h4 |", (1,))
