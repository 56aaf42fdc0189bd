"""Mistakes of people who bring recordings and permutations of their own: told, and kept apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.toys import TOY, ToyTrack, toy_tracks

import pi_amt
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.models.loading import ModelSpec
from pi_amt.permutation_importance import Importance
from pi_amt.permutations.loading import load_permutation
from pi_amt.permutations.permutation import Change, Permutation, Scene
from pi_amt.study.conditions import Condition


@dataclass(frozen=True)
class Mine(Permutation):
    """Does ``act`` to the spectrogram."""

    act: Callable[[Spectrogram], Any]
    name: ClassVar[str] = "mine"

    def draw(self, scene: Scene) -> Change:
        return Change(self.act)


def boom(spectrogram: Spectrogram) -> Spectrogram:
    raise KeyError("boom")


def in_place(spectrogram: Spectrogram) -> Spectrogram:
    spectrogram.tensor.zero_()
    return spectrogram


def run(permutations: list[Any], tracks: list[Any] | None = None, **options: Any) -> Importance:
    tracks = toy_tracks(2) if tracks is None else tracks
    return pi_amt.importance(ModelSpec(TOY), tracks, permutations=permutations, n_jobs=1, **options)


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (boom, "KeyError: 'boom'"),
        (lambda s: None, "mine: apply returned NoneType, expected a Spectrogram"),
        (lambda s: s.tensor * 2, "mine: apply returned"),
        (lambda s: s.with_values(s.tensor * np.nan), "mine: made NaN or infinite values"),
        (lambda s: s.with_values(s.tensor - 1e6), "mine: made magnitudes down to -1e+06, expected"),
        (lambda s: replace(s, values=s.values[:1, :, :50], times=s.times[:1, :50]), "expected a"),
    ],
)
def test_a_broken_permutation_costs_its_own_rows_only(
    act: Callable[[Spectrogram], Any], reason: str
) -> None:
    (panel,) = run([Mine(act), "random"]).panels
    errors = {row.permutation: row.error for row in panel.rows}
    assert reason in errors.pop("mine")
    assert set(errors.values()) == {""}


def test_a_permutation_that_works_in_place_changes_nothing_else() -> None:
    alone, beside = run(["random"]), run([Mine(in_place), "random"])
    before, after = alone.panels[0], beside.panels[0]
    assert (
        after.baseline_values("F-measure").tolist() == before.baseline_values("F-measure").tolist()
    )
    assert after.values("F-measure")[1:].tolist() == before.values("F-measure").tolist()


@dataclass(frozen=True)
class Odd(ToyTrack):
    """A toy track whose audio is changed."""

    change: Callable[[NDArray[np.float32]], Any] = lambda samples: samples

    def audio(self) -> Any:
        samples, rate = super().audio()
        return self.change(samples), rate


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda s: np.stack([s, s]), "expected (samples,) of float"),
        (lambda s: (s * 32767).astype(np.int16), "int16, expected (samples,) of float"),
        (lambda s: s.tolist(), "audio: got list"),
        (lambda s: s[:0], "audio: got 0 samples"),
        (lambda s: np.append(s, np.nan), "all finite"),
        (lambda s: np.append(s, np.float32(np.inf)), "all finite"),
    ],
)
def test_audio_that_is_not_mono_floats_is_told(
    change: Callable[[NDArray[np.float32]], Any], reason: str
) -> None:
    track = toy_tracks(1)[0]
    odd = Odd(**{**vars(track), "change": change})
    (panel,) = run(["random"], [odd]).panels
    assert {reason in row.error for row in panel.rows} == {True}


@pytest.mark.parametrize(
    ("permutations", "options", "error", "message"),
    [
        ("fund_mask", {}, ValueError, r"got 'fund_mask', expected a list, \['fund_mask'\]"),
        ([Mine], {}, TypeError, "expected names, objects of Permutation"),
        ([3], {}, TypeError, "got 3, expected names"),
        (["random"], {"tuning": "x"}, ValueError, "tuning: got 'x'"),
        (["random"], {"tuning": 99}, ValueError, "tuning: got 99"),
        (["random"], {"controls": "maybe"}, ValueError, "controls: got 'maybe'"),
        (["random"], {"seed": 2**63}, ValueError, "seed: got"),
        (["random"], {"tracks": ["a.wav"]}, TypeError, "got 'a.wav' without name"),
        (["random"], {"tracks": 2 * toy_tracks(1)}, ValueError, "got 2 of the name"),
    ],
)
def test_arguments_that_cannot_be_are_refused(
    permutations: Any, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        run(permutations, **options)


def test_a_seed_of_numpy_is_the_same_seed() -> None:
    seeds: list[Any] = [3, np.int64(3)]
    conditions = [Condition(load_permutation("random"), "r", seed=seed) for seed in seeds]
    assert len({c.key_for("d", "t") for c in conditions}) == 1
    assert type(conditions[1].seed) is int
