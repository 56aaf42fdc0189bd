"""The captum bridge: its functions give the drops of a study, with captum around them and without.

The oracle is a study, and where captum computes, the plain chain of public functions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.study.test_streaming import LargestMagnitude
from tests.toys import RATE, ToyDecoder, ToyTrack, ToyTranscriber, toy_tracks

import pi_amt
from pi_amt.core.notes import Notes
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.core.units import Samples
from pi_amt.models.transcriber import LevelMeter

F = "F-measure_no_offset"
#: of two, two and three blocks; "a" borrows from "b", the next by its name, which stands before it
TRACKS = [ToyTrack("b", 8, 4.0), ToyTrack("a", 10, 3.0), ToyTrack("c", 9, 6.0)]
REGISTER_EDGE = float(pi_amt.midi_to_hz(85.0))  # above all fundamentals of the tracks


class WholeToy:
    """The toy as a model of three methods, which hears a recording as one block."""

    def analyze(self, samples: Samples, sample_rate: int) -> Spectrogram:
        found = ToyTranscriber().analyze(samples, sample_rate)
        values = np.concatenate(list(found.tensor.numpy()), axis=1)[None]
        return Spectrogram(
            values=values,
            frequencies=found.frequencies,
            times=found.times.reshape(1, -1),
            window_seconds=found.window_seconds,
            frame_rate=found.frame_rate,
            n_samples=len(samples),
            sample_rate=RATE,
        )

    def activations(self, spectrogram: Spectrogram) -> dict[str, NDArray[Any]]:
        values = spectrogram.tensor.numpy()[0]
        by_pitch = values.reshape(-1, 3, values.shape[1]).max(axis=1)
        return {"pitch": by_pitch.T / 0.3}

    def decode(self, activations: Mapping[str, NDArray[Any]]) -> Notes:
        decoder = ToyDecoder(0.5, 50.0)
        decoder.push(activations)
        return decoder.finish()


class OnePiece(ToyTrack):
    """A recording of the same composition as all others of its kind."""

    @property
    def composition(self) -> str:
        return "one piece"


class LevelToy(ToyTranscriber):
    """Divides a recording by its level, as Timbre-Trap does, and no block by anything."""

    def stream(
        self, samples: Samples, sample_rate: int, *, tuning_cents: float = 0.0
    ) -> Iterator[Spectrogram]:
        for part in super().stream(samples, sample_rate, tuning_cents=tuning_cents):
            yield part.with_values(part.tensor / part.tensor.max())

    def network(self, values: torch.Tensor, reference: Any) -> dict[str, torch.Tensor]:
        return super().network(values, np.ones(len(values), dtype=np.float32))

    def level_meter(self) -> LevelMeter:
        return LargestMagnitude()


def whole_drops(bridge: pi_amt.CaptumBridge) -> NDArray[np.float64]:
    """What captum computes for the whole input as one part, without captum."""
    x = bridge.inputs
    perturbed = bridge.perm_func(x, bridge.feature_mask() == 0)
    found = bridge.forward_func(x) - bridge.forward_func(perturbed)
    return np.asarray(found.numpy())


def drops_of_a_study(
    model: Any, tracks: list[ToyTrack], condition: Any, score: str = F
) -> NDArray[np.float64]:
    """The drop of each recording, in the order of the tracks."""
    found = pi_amt.importance(model, tracks, permutations=[condition], n_jobs=1, quiet=True)
    assert not [row for row in found.rows if row.status != "ok"]
    scores = {(row.role == "baseline", row.track): row.scores[score] for row in found.rows}
    return np.array([scores[True, t.name] - scores[False, t.name] for t in tracks])


@pytest.mark.parametrize("model", [ToyTranscriber(), WholeToy()], ids=["stream", "whole"])
@pytest.mark.parametrize("name", ["random", "fund_mask", "ratio_fund_mask", "wrong_piece", "donor"])
def test_what_falls_is_the_drop_of_a_study(model: Any, name: str) -> None:
    found = whole_drops(pi_amt.CaptumBridge(model, TRACKS, name))
    assert found.tolist() == drops_of_a_study(model, TRACKS, name).tolist()
    assert found.max() > 0


def test_another_composition_lends_as_in_a_study() -> None:
    tracks, model = [OnePiece("a", 10, 3.0), OnePiece("b", 8), ToyTrack("c", 9)], ToyTranscriber()
    found = whole_drops(pi_amt.CaptumBridge(model, tracks, "wrong_piece"))
    assert found.tolist() == drops_of_a_study(model, tracks, "wrong_piece").tolist()


def test_options_score_repeat_and_seed_are_those_of_a_study() -> None:
    tracks, model = toy_tracks(3), ToyTranscriber()
    random = pi_amt.load_permutation("random", p=0.2)
    other = pi_amt.Condition(random, "random", repeat=1, seed=7)
    found = whole_drops(pi_amt.CaptumBridge(model, tracks, random, score="Recall"))
    again = whole_drops(pi_amt.CaptumBridge(model, tracks, other, score="Recall"))
    assert found.tolist() == drops_of_a_study(model, tracks, random, "Recall").tolist()
    assert again.tolist() == drops_of_a_study(model, tracks, other, "Recall").tolist()
    assert found.tolist() != again.tolist()


def test_a_model_normalises_anew_where_the_condition_asks_for_it() -> None:
    mask, tracks, model = pi_amt.load_permutation("fund_mask"), toy_tracks(2), LevelToy()
    anew = pi_amt.Condition(mask, "fund_mask", normalization="model")
    scored = "Recall_no_offset_chroma"  # the octave is loud enough where its level is the highest
    found = whole_drops(pi_amt.CaptumBridge(model, tracks, anew, score=scored))
    assert found.tolist() == drops_of_a_study(model, tracks, anew, scored).tolist()
    frozen = whole_drops(pi_amt.CaptumBridge(model, tracks, mask, score=scored))
    assert (found < frozen).all()


def test_only_what_the_mask_names_is_perturbed() -> None:
    bridge = pi_amt.CaptumBridge(ToyTranscriber(), TRACKS, "random")
    before = bridge.inputs.clone()
    mask = bridge.feature_mask(REGISTER_EDGE) == 1
    perturbed = bridge.perm_func(bridge.inputs, mask)
    above = bridge.frequencies >= REGISTER_EDGE
    assert 0 < above.sum() < len(above)
    assert torch.equal(bridge.inputs, before)
    assert torch.equal(perturbed[:, :, ~above], before[:, :, ~above])
    assert not torch.equal(perturbed[:, :, above], before[:, :, above])
    # the shortest recording ends after two blocks
    assert not perturbed[0, 2:].any()


def test_captum_finds_what_the_public_functions_find() -> None:
    attr = pytest.importorskip("captum.attr", reason="captum is not installed: pi_amt[captum]")
    model = pi_amt.load_model("basic_pitch")
    tracks = pi_amt.load_dataset("demo", max_tracks=2, max_seconds=3)
    bridge = pi_amt.CaptumBridge(model, tracks, "fund_mask", tuning="off")
    permuted = attr.FeaturePermutation(bridge.forward_func, bridge.perm_func)
    found = permuted.attribute(bridge.inputs, feature_mask=bridge.feature_mask())
    assert found.shape == bridge.inputs.shape
    mask = pi_amt.load_permutation("fund_mask")
    for track, attribution in zip(tracks, found, strict=True):
        clean = model.analyze(*track.audio())
        scores = [
            pi_amt.score_notes(track.notes(), model.decode(model.activations(heard)))[F]
            for heard in (clean, mask(clean, notes=track.notes()))
        ]
        assert scores[0] > scores[1]
        assert attribution.unique().tolist() == [scores[0] - scores[1]]


@pytest.mark.parametrize("at_once", [1, 2])
def test_captum_attributes_the_drop_to_the_register_of_the_fundamentals(at_once: int) -> None:
    attr = pytest.importorskip("captum.attr", reason="captum is not installed: pi_amt[captum]")
    bridge = pi_amt.CaptumBridge(ToyTranscriber(), TRACKS, "fund_mask")
    permuted = attr.FeaturePermutation(bridge.forward_func, bridge.perm_func)
    found = permuted.attribute(
        bridge.inputs,
        feature_mask=bridge.feature_mask(REGISTER_EDGE),
        perturbations_per_eval=at_once,
    )
    below = bridge.frequencies < REGISTER_EDGE
    clean = bridge.forward_func(bridge.inputs)
    assert clean.min() > 0.9
    assert torch.equal(found[:, 0, below, 0], clean[:, None].expand(-1, int(below.sum())))
    assert not found[:, :, ~below].any()


@pytest.mark.parametrize(
    ("tracks", "permutation", "options", "message"),
    [
        (TRACKS[:1], "random", {}, "expected at least two recordings: captum leaves out a batch"),
        (TRACKS, "ablate_channel", {}, "got ablate_channel.*acts inside the model"),
        (TRACKS, "leak", {}, "got leak.*perturbs another sound"),
        (TRACKS, "random", {"score": "F"}, "score: got 'F', expected"),
        ([*TRACKS, ToyTrack("d", seconds=0.5)], "random", {}, "d: got no notes"),
    ],
)
def test_what_would_be_no_drop_is_refused(
    tracks: list[ToyTrack], permutation: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        pi_amt.CaptumBridge(ToyTranscriber(), tracks, permutation, **options)


def test_a_batch_of_other_recordings_is_refused() -> None:
    bridge = pi_amt.CaptumBridge(ToyTranscriber(), TRACKS, "random")
    for function in (lambda x: bridge.perm_func(x, torch.tensor(True)), bridge.forward_func):
        for x in (bridge.inputs[:2], bridge.inputs[..., 1:], bridge.inputs[:0]):
            with pytest.raises(ValueError, match="all recordings of the bridge in their order"):
                function(x)
