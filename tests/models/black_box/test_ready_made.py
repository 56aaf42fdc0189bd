"""Models of other people: each scores as its own program does."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

import pi_amt
from pi_amt.models.black_box.basic_pitch_onnx import BasicPitchOnnx
from pi_amt.models.black_box.black_box import BlackBox
from pi_amt.models.black_box.ready_made import aubio, waon
from pi_amt.scoring.notes import score_notes

ONNX_FILE = Path(__file__).parents[1] / "basic_pitch" / "data" / "nmp.onnx"
DEMO = list(pi_amt.load_dataset("demo"))[0:7:6]


def f_of(listener: BlackBox) -> list[float]:
    """F of onset and pitch on two works of the demo."""
    found = (listener(*track.audio()) for track in DEMO)
    scores = (score_notes(t.notes(), n) for t, n in zip(DEMO, found, strict=True))
    return [score["F-measure_no_offset"] for score in scores]


def test_the_published_basic_pitch_finds_what_our_own_does() -> None:
    listener = BasicPitchOnnx(str(ONNX_FILE))
    ours = pi_amt.load_model("basic_pitch", trim="published")
    samples, sample_rate = DEMO[0].audio()
    found, expected = listener(samples, sample_rate), ours.transcribe(samples, sample_rate)
    assert len(found) == len(expected)
    assert np.array_equal(found.pitches, expected.pitches)
    assert np.allclose(found.onsets, expected.onsets)
    assert np.allclose(found.velocities, expected.velocities, atol=1)


def test_a_missing_package_of_basic_pitch_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("pi_amt.models.black_box.basic_pitch_onnx._PACKAGE", "not-installed")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"pip install --no-deps basic-pitch==0\.4\.0"):
        BasicPitchOnnx()


def test_waon_hears_what_it_heard_when_it_was_measured() -> None:
    """``PI_AMT_WAON_PYTHON`` may name a Python of another environment that has it."""
    try:
        listener = waon(os.environ.get("PI_AMT_WAON_PYTHON"))
    except ValueError as error:
        pytest.skip(str(error))
    assert f_of(listener) == pytest.approx([0.432, 0.623], abs=0.03)
    assert f_of(waon(listener.words[0], gain_db=0.0))[0] < 0.15


def test_aubio_hears_what_it_heard_when_it_was_measured() -> None:
    try:
        listener = aubio()
    except ValueError as error:
        pytest.skip(str(error))
    assert f_of(listener) == pytest.approx([0.376, 0.577], abs=0.03)
    assert f_of(aubio(late_ms=0.0)) == pytest.approx([0.0, 0.0], abs=0.03)


def test_programs_that_are_missing_say_how_to_install_them(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no package waon in .*: pip install waon, or give model"):
        waon(str(tmp_path / "python"))
    with pytest.raises(ValueError, match="the program 'no_such_program', which is not installed"):
        aubio("no_such_program")
