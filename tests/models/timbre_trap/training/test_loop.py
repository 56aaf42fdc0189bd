"""The training loop in miniature: configuration, resuming, determinism, honest losses."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.models.timbre_trap.training.tones import tone_bank

from pi_amt.models.timbre_trap.network import TimbreTrapNetwork
from pi_amt.models.timbre_trap.training import loop as timbre_trap
from pi_amt.models.timbre_trap.training.banks import HELD_OUT, Bank, Instrument, load_bank
from pi_amt.models.timbre_trap.training.config import load_config
from pi_amt.models.timbre_trap.training.loop import main
from pi_amt.models.timbre_trap.training.objective import (
    initialize,
    magnitude,
    pitch_scores,
    transcription_loss,
)
from pi_amt.models.timbre_trap.training.optimizers import build_optimizers, orthogonalize
from pi_amt.models.timbre_trap.weights import load_weights

TINY = [
    "steps=4",
    "compile=false",
    "precision=fp32",
    "batch=2",
    "frames=16",
    "reservoir=4",
    "workers=0",
    "threads=1",
    "validation_blocks=2",
    "device=cpu",
    "stages=[{until: 0.5, stride: 8, crops: 1, fresh: 1},"
    "{until: 1.0, stride: 1, crops: 2, fresh: 1}]",
    "train_on=[{name: a, soundfont: x}]",
    "validate_on=[{name: b, soundfont: x}]",
]


@pytest.fixture
def tones(monkeypatch: pytest.MonkeyPatch) -> None:
    bank = tone_bank(pitches=range(50, 60))

    def fake(instrument: Instrument, folder: Path) -> Bank:
        return Bank(instrument, bank.samples)

    monkeypatch.setattr(timbre_trap, "load_bank", fake)


@pytest.mark.usefixtures("tones")
def test_a_run_writes_its_files_and_can_be_repeated_exactly(tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert main([*TINY, f"output={tmp_path / name}"]) == 0
    one = load_file(tmp_path / "one" / "weights.safetensors")
    two = load_file(tmp_path / "two" / "weights.safetensors")
    assert all(torch.equal(one[key], two[key]) for key in one)
    load_weights(tmp_path / "one" / "weights.safetensors")
    modes = {path.stat().st_mode for path in (tmp_path / "one").iterdir()}
    assert len(modes) == 1  # who may read the log may read the weights
    rows = list(csv.DictReader((tmp_path / "one" / "log.csv").open()))
    assert rows[-1]["step"] == "4"
    assert rows[-1]["stage"] == "1"
    assert np.isfinite(float(rows[-1]["val_loss"]))


@pytest.mark.usefixtures("tones")
def test_half_precision_trains_and_validates(tmp_path: Path) -> None:
    assert main([*TINY, "precision=bf16", f"output={tmp_path}"]) == 0
    weights = load_file(tmp_path / "weights.safetensors")
    assert all(tensor.isfinite().all() for tensor in weights.values())


@pytest.mark.usefixtures("tones")
def test_a_run_resumes_where_it_stopped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*TINY, f"output={tmp_path}"]) == 0
    assert main([*TINY, f"output={tmp_path}", "steps=6"]) == 0
    assert "resumed at step 4" in capsys.readouterr().out
    rows = list(csv.DictReader((tmp_path / "log.csv").open()))
    assert [row["step"] for row in rows] == ["4", "6"]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("learning_rat=1", "got unknown key 'learning_rat'; did you mean learning_rate?"),
        ("foo=1", "got unknown key 'foo'; there are output"),
        ("learning_rate=fast", "learning_rate: got 'fast', expected a number"),
        ("steps=abc", "steps: got 'abc', expected a number"),
        ("steps=2.5", "steps: got 2.5, expected a whole number"),
        ("batch=0", "batch: got 0, expected a whole number, at least 1"),
        ("resume=maybe", "resume: got 'maybe', expected true or false"),
        ("frames=129", "frames: got 129, expected a number, 1 to 128"),
        ("stages=[]", "stages: got an empty list"),
        ("stages=[{until: 1}]", "stages: got {'until': 1} without stride"),
        ("stages=[{until: 1, stride: 3, crops: 1, fresh: 1}]", "stride: got 3, expected a divisor"),
        (
            "stages=[{until: 1, stride: 1, crops: 1, fresh: 1},"
            "{until: 0.5, stride: 1, crops: 1, fresh: 1}]",
            "until: got [1, 0.5], expected shares that ascend",
        ),
        ("train_on=[{name: a, soundfont: b, progam: 2}]", "did you mean program?"),
        ("precision=fp8", "fp8"),
        ("minutes=0", "minutes"),
    ],
)
def test_wrong_options_fail_with_one_clear_message(
    override: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([override]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1


def test_weights_to_start_from_must_be_of_this_network(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.safetensors"
    save_file({"contour.hidden.bias": torch.zeros(8)}, other)
    assert main([*TINY, f"output={tmp_path}", f"init={other}"]) == 2
    assert "missing key encoder.convin.0.weight" in capsys.readouterr().err


@pytest.mark.usefixtures("tones")
def test_a_checkpoint_that_does_not_fit_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*TINY, f"output={tmp_path}"]) == 0
    assert main([*TINY, f"output={tmp_path}", "optimizer=adamw"]) == 2
    assert "of another optimizer; use resume=false" in capsys.readouterr().err
    checkpoint = tmp_path / "checkpoint.pt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    assert main([*TINY, f"output={tmp_path}"]) == 2
    assert f"cannot go on from {checkpoint}" in capsys.readouterr().err


def test_the_default_config_holds_instruments_out() -> None:
    config = load_config([])
    names = [instrument.name for instrument in config.train_on]
    assert len(set(names)) == len(names) > 20
    assert not set(names) & {instrument.name for instrument in config.validate_on}
    fonts = {instrument.soundfont for instrument in config.train_on + config.validate_on}
    assert not any(HELD_OUT in font.lower() for font in fonts)
    trained = {instrument.soundfont for instrument in config.train_on} - {"modelled"}
    assert not trained & {instrument.soundfont for instrument in config.validate_on}


def test_the_held_out_piano_cannot_become_a_bank(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="held out"):
        load_bank(Instrument("t", "/usr/share/sounds/sf2/TimGM6mb.sf2"), tmp_path)


def test_the_loss_is_the_cross_entropy_of_tanh_of_the_magnitude() -> None:
    torch.manual_seed(0)
    channels = torch.randn(2, 2, 5, 7).abs()
    targets, weights = torch.rand(2, 5, 7), torch.rand(2, 5, 7)
    a = torch.tanh(magnitude(channels)).double()
    entropy = -(3 * targets * a.log() + (1 - targets) * (1 - a).log())
    expected = float((weights * entropy).mean() * 100)
    got = float(transcription_loss(channels, targets, weights, 3.0))
    assert got == pytest.approx(expected, rel=1e-4)
    flipped = channels * torch.tensor([-1.0, 1.0]).view(1, 2, 1, 1)
    assert float(transcription_loss(flipped, targets, weights, 3.0)) > got


def test_outputs_start_small_finite_and_real() -> None:
    network = TimbreTrapNetwork()
    initialize(network, 0)
    out = network.transcribe(torch.randn(1, 540, 32, dtype=torch.complex64))
    assert float(out.imag.detach().abs().max()) == 0.0
    assert 1e-4 < float(out.real.detach().abs().mean()) < 1.0


def test_pitch_scores_are_one_for_the_truth_and_zero_for_silence() -> None:
    targets = torch.zeros(1, 540, 10)
    targets[0, 217, 2:8] = 1.0
    weights = torch.ones_like(targets)
    assert pitch_scores(targets, targets, weights)[0] == 1.0
    assert pitch_scores(torch.zeros_like(targets), targets, weights)[0] == 0.0


def test_muon_steps_are_orthogonal_and_reduce_a_loss() -> None:
    torch.manual_seed(1)
    values = torch.linalg.svdvals(orthogonalize(torch.randn(12, 40)))
    assert float(values.min()) > 0.6
    assert float(values.max()) < 1.3
    layer = torch.nn.Conv2d(4, 4, 3)
    x, y = torch.randn(8, 4, 6, 6), torch.randn(8, 4, 4, 4)

    def loss() -> torch.Tensor:
        error: torch.Tensor = (layer(x) - y).square().mean()
        return error

    before = float(loss().detach())
    optimizers = build_optimizers(layer, "muon", 0.02, 0.0)
    for _ in range(30):
        loss().backward()  # type: ignore[no-untyped-call]
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
    assert float(loss().detach()) < 0.95 * before
    with pytest.raises(ValueError, match="adamw or muon"):
        build_optimizers(layer, "sgd", 0.1, 0.0)
