"""Models of other people, opened: each is its own program where nothing is perturbed.

Run by ``make test-models``, which installs them. Without a package its tests are skipped.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.models.test_hooked import ready

import pi_amt
from pi_amt.core.audio import resample
from pi_amt.core.errors import NotReady
from pi_amt.core.notes import Notes
from pi_amt.core.units import Samples
from pi_amt.models.loading import load_model
from pi_amt.models.transcriber import Transcriber
from pi_amt.permutations.loading import load_permutation
from pi_amt.permutations.permutation import Scene
from pi_amt.scoring.notes import score_notes
from pi_amt.testing import check_model

SECONDS = 3.0
SIZES = ("nano", "small", "medium", "large", "x-large")
MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    **{f"harmonica {size}": ("harmonica", {"size": size, "device": "cpu"}) for size in SIZES},
    "madmom": ("madmom", {}),
    "transkun": ("transkun", {"device": "cpu"}),
}
#: one of each package
NAMES = ("harmonica nano", "madmom", "transkun")


def loaded(name: str, **options: Any) -> Transcriber:
    """The model; without its package its test is skipped, which names the reason."""
    package, given = MODELS[name]
    try:
        return load_model(package, **given, **options)
    except NotReady as error:
        pytest.skip(f"{error}; make test-models installs it")


def excerpt() -> tuple[Samples, int]:
    samples, rate = demo().audio()
    return samples[: int(SECONDS * rate)], rate


def demo() -> pi_amt.Track:
    return next(iter(pi_amt.load_dataset("demo")))


def reference() -> Notes:
    notes = demo().notes()
    return notes[notes.onsets < SECONDS - 0.1]


def f_of(notes: Notes) -> float:
    return score_notes(reference(), notes)["F-measure_no_offset"]


def heard_by_harmonica(size: str) -> Notes:
    from harmonica import Harmonica

    found = Harmonica(size, device="cpu").transcribe(*excerpt())
    return Notes.from_arrays(found.onsets, found.offsets, found.pitches.astype(float))


def heard_by_transkun() -> Notes:
    import moduleconf
    import transkun
    from transkun.ModelTransformer import TransKun

    folder = Path(transkun.__file__).parent / "pretrained"
    config = moduleconf.parseFromFile(str(folder / "2.0.conf"))["Model"].config
    model = TransKun(conf=config).eval()
    model.load_state_dict(torch.load(folder / "2.0.pt")["state_dict"], strict=False)
    samples, rate = excerpt()
    assert rate == config.fs
    with torch.no_grad():
        found = model.transcribe(torch.from_numpy(samples)[:, None])
    notes = [(n.start, n.end, n.pitch) for n in found if n.pitch > 0]
    return Notes.from_arrays(*zip(*notes, strict=True))


def heard_by_madmom() -> Notes:
    from madmom.audio.signal import Signal
    from madmom.features.notes import ADSRNoteTrackingProcessor, CNNPianoNoteProcessor

    samples, rate = excerpt()
    sound = Signal(resample(samples, rate, 44_100), sample_rate=44_100)
    onsets, pitches, seconds = ADSRNoteTrackingProcessor()(CNNPianoNoteProcessor()(sound)).T
    return Notes.from_arrays(onsets, onsets + seconds, pitches)


OWN: dict[str, Callable[[], Notes]] = {
    **{f"harmonica {size}": partial(heard_by_harmonica, size) for size in SIZES},
    "madmom": heard_by_madmom,
    "transkun": heard_by_transkun,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", list(MODELS))
def test_it_hears_what_its_own_program_hears(name: str) -> None:
    model = loaded(name)  # first: it makes the package of madmom importable
    expected, found = OWN[name](), model.transcribe(*excerpt())
    assert f_of(expected) > 0.9
    assert np.array_equal(found.pitches, expected.pitches)
    # the last digit of a logarithm that is read and written again moves Transkun's times by 1e-7 s
    assert np.allclose(found.onsets, expected.onsets, rtol=0.0, atol=1e-6)
    assert np.allclose(found.offsets, expected.offsets, rtol=0.0, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_masks_take_what_they_name(name: str) -> None:
    model = loaded(name)
    spectrogram = model.analyze(*excerpt())
    scene = Scene(spectrogram, reference())
    energy = float(spectrogram.tensor.double().square().sum())
    left, f = {}, {}
    for mask in ("fund_mask", "harm_mask", "ratio_fund_mask"):
        perturbed, _ = ready(load_permutation(mask), scene).perturb(scene)
        left[mask] = float(perturbed.tensor.double().square().sum()) / energy
        f[mask] = f_of(model.decode(model.activations(perturbed)))
    assert left["fund_mask"] + left["harm_mask"] == pytest.approx(1.0, abs=1e-4)
    assert all(0.01 < share < 0.9 for share in left.values())
    assert f["harm_mask"] < 0.9  # (Transkun hardly misses the fundamentals)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["madmom", "transkun"])
@pytest.mark.parametrize("hz", [110.0, 440.0, 1760.0])
def test_its_bands_hear_a_steady_tone_as_it_says(name: str, hz: float) -> None:
    model = loaded(name)
    times = np.arange(44_100) / 44_100
    tone = (0.25 * np.sin(2 * np.pi * hz * times)).astype(np.float32)
    spectrogram = model.analyze(tone, 44_100)
    inside = np.abs(spectrogram.times - 0.5) < 0.2
    heard = [
        channel.tensor.double().square().movedim(1, 2)[torch.from_numpy(inside)].mean(0).numpy()
        for channel in spectrogram.channels
    ]
    found = np.mean([power / power.max() for power in heard], axis=0)
    assert spectrogram.response is not None
    expected = spectrogram.response(np.array([hz]))[0]
    loud = expected > 1e-3 * expected.max()
    assert loud.sum() >= 3
    found, expected = found[loud] / found[loud].sum(), expected[loud] / expected[loud].sum()
    assert np.allclose(10 * np.log10(found), 10 * np.log10(expected), atol=1.0)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "lowest"), [("harmonica nano", 21), ("madmom", 27)])
def test_check_model_finds_no_fault(name: str, lowest: int) -> None:
    """(That of Transkun takes minutes.)"""
    found = check_model(loaded(name), keys=[21, 27, 69, 108])
    assert not found.problems
    check = found.masks["fund_mask"]
    assert check.valid_keys == check.keys[check.keys >= lowest].tolist()


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_it_hears_sound_that_went_through_the_audio_domain_as_it_was(name: str) -> None:
    model = loaded(name, domain="audio")
    assert f_of(model.transcribe(*excerpt())) == pytest.approx(f_of(OWN[name]()), abs=0.005)


@pytest.mark.parametrize("package", ["harmonica", "madmom", "transkun"])
def test_a_missing_package_is_named(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(NotReady, match=rf"pip install 'pi_amt\[{package}\]'"):
        load_model(package)
