"""Models of other people, opened: each is its own program where nothing is perturbed.

Run by ``make test-models``, which installs them. Without a package its tests are skipped.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import pi_amt
from pi_amt.core.audio import resample
from pi_amt.core.notes import Notes
from pi_amt.core.units import Samples
from pi_amt.models.black_box.listener import NotReady
from pi_amt.models.loading import load_model
from pi_amt.models.transcriber import Transcriber
from pi_amt.testing import check_model

SECONDS = 3.0


def harmonica_notes(samples: Samples, rate: int) -> Notes:
    from harmonica import Harmonica

    found = Harmonica("nano", device="cpu").transcribe(samples, rate)
    return Notes.from_arrays(found.onsets, found.offsets, found.pitches.astype(float))


def transkun_notes(samples: Samples, rate: int) -> Notes:
    import transkun
    from transkun.ModelTransformer import ModelConfig, TransKun

    folder = Path(transkun.__file__).parent / "pretrained"
    config = ModelConfig()
    vars(config).update(json.loads((folder / "2.0.conf").read_text())["Model"]["config"])
    model = TransKun(config).eval()
    model.load_state_dict(torch.load(folder / "2.0.pt")["state_dict"], strict=False)
    with torch.no_grad():
        found = model.transcribe(torch.from_numpy(resample(samples, rate, config.fs))[:, None])
    notes = [(n.start, n.end, n.pitch) for n in found if n.pitch > 0]
    return Notes.from_arrays(*zip(*notes, strict=True))


def madmom_notes(samples: Samples, rate: int) -> Notes:
    load_model("madmom")  # makes the prebuilt package importable
    from madmom.audio.signal import Signal
    from madmom.features.notes import ADSRNoteTrackingProcessor, CNNPianoNoteProcessor

    sound = Signal(resample(samples, rate, 44_100), sample_rate=44_100)
    onsets, pitches, seconds = ADSRNoteTrackingProcessor()(CNNPianoNoteProcessor()(sound)).T
    return Notes.from_arrays(onsets, onsets + seconds, pitches)


OWN: dict[str, tuple[Callable[[Samples, int], Notes], dict[str, Any]]] = {
    "harmonica": (harmonica_notes, {"size": "nano", "device": "cpu"}),
    "madmom": (madmom_notes, {}),
    "transkun": (transkun_notes, {"device": "cpu"}),
}


def excerpt() -> tuple[Samples, int]:
    samples, rate = next(iter(pi_amt.load_dataset("demo"))).audio()
    return samples[: int(SECONDS * rate)], rate


def loaded(name: str) -> Transcriber:
    """The model; without its package its test is skipped, which names the reason."""
    try:
        return load_model(name, **OWN[name][1])
    except NotReady as error:
        pytest.skip(f"{error}; make test-models installs it")


@pytest.mark.slow
@pytest.mark.parametrize("name", list(OWN))
def test_it_hears_what_its_own_program_hears(name: str) -> None:
    model = loaded(name)
    expected, found = OWN[name][0](*excerpt()), model.transcribe(*excerpt())
    assert len(expected) > 5
    for column in ("onsets", "offsets", "pitches"):
        assert np.array_equal(getattr(found, column), getattr(expected, column))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["harmonica", "madmom"])
def test_check_model_finds_no_fault(name: str) -> None:
    found = check_model(loaded(name), keys=[33, 69])
    assert not found.problems


@pytest.mark.parametrize("name", list(OWN))
def test_a_missing_package_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(NotReady, match=rf"pip install 'pi_amt\[{name}\]'"):
        load_model(name)
